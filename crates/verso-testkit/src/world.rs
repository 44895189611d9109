//! [`World`]: devices, the links between them, and what is done to them.

use verso_graph::Intent;
use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_replica::{Event, Greeting, Now, PairSecret, ProvisionalPeer};
use verso_session::Mode;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::Reason;

use crate::device::{Device, DeviceIndex};
use crate::liar::Liar;
use crate::link::{Link, Side};
use crate::promises::Promises;
use crate::rng::Rng;

/// Devices and links under one seed. Whatever is at hand is delivered in an order that the seed decides.
///
/// 1. Set the scene: devices, pairings, workspaces, [`connect`](Self::connect).
/// 2. Act: [`commit`](Self::commit), [`cut_after`](Self::cut_after), [`power_off_after`](Self::power_off_after), …
/// 3. [`run`](Self::run) until nothing more is on its way.
/// 4. Look: [`check`](Self::check), [`assert_equal`](Self::assert_equal), [`device`](Self::device), [`events`](Self::events).
#[derive(Debug)]
pub struct World {
    pub(crate) rng: Rng,
    pub(crate) now: Now,
    pub(crate) devices: Vec<Device>,
    pub(crate) links: Vec<Link>,
    pub(crate) delivered: u64,
    pub(crate) cut_at: Option<u64>,
    pub(crate) events: Vec<(DeviceIndex, Event)>,
    pub(crate) failures: Vec<(DeviceIndex, Reason)>,
    pub(crate) promises: Promises,
    pub(crate) is_traced: bool,
}

impl World {
    /// Makes an empty world.
    pub const fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            now: Now { wall_ms: 1_700_000_000_000, monotonic_ms: 0 },
            devices: Vec::new(),
            links: Vec::new(),
            delivered: 0,
            cut_at: None,
            events: Vec::new(),
            failures: Vec::new(),
            promises: Promises::new(),
            is_traced: false,
        }
    }

    /// Adds a device with a disk of its own.
    pub fn add_device(&mut self, name: &str) -> DeviceIndex {
        let index = DeviceIndex(self.devices.len());
        self.devices.push(Device::new(name, index.0, self.rng.next(), self.now));
        index
    }

    /// Returns a device.
    pub fn device(&self, device: DeviceIndex) -> &Device {
        &self.devices[device.0]
    }

    /// Prints from now on what is said to whom and what devices tell, for a person to follow.
    pub const fn trace(&mut self) {
        self.is_traced = true;
    }

    /// Returns the world's randomness, for a test's own choices.
    pub const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Returns what devices told, in the order in which they told it.
    pub fn events(&self) -> &[(DeviceIndex, Event)] {
        &self.events
    }

    /// Returns why devices failed to do something while their power was on.
    pub fn failures(&self) -> &[(DeviceIndex, Reason)] {
        &self.failures
    }

    /// Counts the parcels delivered so far.
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Founds a workspace, durably.
    pub fn found_workspace(&mut self, device: DeviceIndex, name: &str) -> WorkspaceId {
        let now = self.tick(device);
        let replica = self.devices[device.0].replica_mut().expect("the device is on");
        let workspace = replica.found_workspace(name, now).expect("a workspace can be founded");
        replica.flush(now).expect("the disk works");
        self.settle(device);
        workspace
    }

    /// Commits intents and makes them durable. `false` if the device failed, is off, or lost power on the way; then nothing is promised.
    pub fn commit(&mut self, device: DeviceIndex, workspace: WorkspaceId, intents: &[Intent]) -> bool {
        let now = self.tick(device);
        let Some(replica) = self.devices[device.0].replica_mut() else { return false };
        let committed = replica.commit(&workspace, intents, now);
        let durable = self.flush(device);
        let promised = committed.ok().filter(|_| durable && self.devices[device.0].replica().is_some());
        if let Some(committed) = promised {
            self.promises.make(device, workspace, committed.author, committed.last);
        }
        self.settle(device);
        promised.is_some()
    }

    /// Leaves both devices as a completed pairing leaves them: each holds the other provisionally, with what both agreed.
    pub fn pair(&mut self, showing: DeviceIndex, joining: DeviceIndex) {
        let secret = [u8::try_from(self.rng.below(256)).unwrap_or(0); 32];
        for (me, peer, side) in [(showing, joining, PairingSide::Showing), (joining, showing, PairingSide::Joining)] {
            let device = self.devices[peer.0].id();
            let provisional = ProvisionalPeer {
                device,
                noise_key: *device.as_bytes(),
                sealing_key: *device.as_bytes(),
                secret: PairSecret::from_bytes(secret),
                name: format!("device {}", peer.0),
                role: PeerRole::Own,
                side,
                way: PairingWay::Link,
                addresses: Vec::new(),
                expires_ms: self.now.wall_ms + 86_400_000,
            };
            if let Some(replica) = self.devices[me.0].replica_mut() {
                replica.store_provisional(provisional).expect("the disk works");
            }
        }
    }

    /// Connects two devices, and stays connected.
    pub fn connect(&mut self, dialer: DeviceIndex, acceptor: DeviceIndex) -> bool {
        self.connect_for(dialer, acceptor, Mode::StayOpen)
    }

    /// Connects two devices, unless they are connected. `false` if one of them is off, or refuses the other.
    pub fn connect_for(&mut self, dialer: DeviceIndex, acceptor: DeviceIndex, mode: Mode) -> bool {
        let joins = |link: &Link| link.devices.contains(&dialer) && link.devices.contains(&acceptor);
        if self.links.iter().any(|link| joins(link) && link.is_open()) {
            return true;
        }
        let ids = [self.devices[dialer.0].id(), self.devices[acceptor.0].id()];
        let mut connect = |device: DeviceIndex, peer| {
            let now = self.tick(device);
            let replica = self.devices[device.0].replica_mut()?;
            let connected = replica.connect(peer, Greeting { addresses: Vec::new(), mode }, now);
            connected.inspect_err(|error| self.failed(device, error.reason())).ok()
        };
        let ends = (connect(dialer, ids[1]), connect(acceptor, ids[0]));
        let (Some(first), Some(second)) = ends else {
            for (device, connection) in [(dialer, ends.0), (acceptor, ends.1)] {
                if let (Some(connection), Some(replica)) = (connection, self.devices[device.0].replica_mut()) {
                    replica.disconnected(connection);
                }
                self.flush(device);
                self.settle(device);
            }
            return false;
        };
        self.links.push(Link::new([dialer, acceptor], [first, second]));
        self.settle(dialer);
        self.settle(acceptor);
        true
    }

    /// Cuts all links when `parcels` more have been delivered.
    pub const fn cut_after(&mut self, parcels: u64) {
        self.cut_at = Some(self.delivered + parcels);
    }

    /// Cuts all links at once. What was on its way is lost.
    pub fn cut(&mut self) {
        self.cut_at = None;
        self.drop_links(|_| true);
        self.settle_all();
    }

    /// Turns a device's power off at the disk's operation `after` from now.
    pub fn power_off_after(&mut self, device: DeviceIndex, after: u64) {
        self.devices[device.0].power_off_after(after);
    }

    /// Leaves a device's power on after all.
    pub fn power_stays_on(&mut self, device: DeviceIndex) {
        self.devices[device.0].power_stays_on();
    }

    /// Turns a device off now, losing what was not durable.
    pub fn stop(&mut self, device: DeviceIndex) {
        let seed = self.rng.next();
        self.devices[device.0].stop(seed);
        self.drop_links(|link| link.devices.contains(&device));
    }

    /// Turns a device on, if it is off.
    pub fn start(&mut self, device: DeviceIndex) {
        if self.devices[device.0].replica().is_none() {
            self.tick(device);
            self.devices[device.0].start(self.now);
            if self.devices[device.0].replica().is_none() {
                self.stop(device);
            }
            self.settle(device);
        }
    }

    /// Puts a device's disk back to an earlier image and turns the device on. What it had promised since is forgiven.
    pub fn roll_back(&mut self, device: DeviceIndex, image: &MemoryStorage) {
        let seed = self.rng.next();
        self.devices[device.0].roll_back(image, seed);
        self.promises.forgive(device);
        self.drop_links(|link| link.devices.contains(&device));
        self.start(device);
    }

    /// Leaves `spare` bytes of room on a device's disk.
    pub fn fill_disk(&mut self, device: DeviceIndex, spare: u64) {
        let disk = self.devices[device.0].storage();
        let used: usize = disk.files().iter().filter_map(|path| disk.read_file(path)).map(|bytes| bytes.len()).sum();
        disk.set_capacity(u64::try_from(used).unwrap_or(u64::MAX).saturating_add(spare));
    }

    /// Gives a device's disk all the room it wants.
    pub fn empty_disk(&mut self, device: DeviceIndex) {
        self.devices[device.0].storage().set_capacity(u64::MAX);
    }

    /// Sets a device's wall clock ahead of the world's, or behind.
    pub fn set_clock_ahead(&mut self, device: DeviceIndex, millis: i64) {
        self.devices[device.0].clock_ahead_ms = millis;
    }

    /// Makes a device lie: of 256 messages that it sends about `lies` become something else on their way. 0 makes it honest again.
    pub fn lie(&mut self, device: DeviceIndex, lies: usize) {
        self.devices[device.0].liar = (lies > 0).then(|| Liar::new(lies));
    }

    /// Notes that something failed on a device, and has it try again what it can.
    pub(crate) fn failed(&mut self, device: DeviceIndex, reason: Reason) {
        if self.devices[device.0].has_lost_power() {
            return;
        }
        let now = self.devices[device.0].now(self.now);
        if let Some(replica) = self.devices[device.0].replica_mut() {
            self.failures.push((device, reason));
            // What can't be opened now is when something fails the next time.
            drop(replica.recover(now));
        }
    }

    /// Forgets links, and tells those at their ends.
    pub(crate) fn drop_links(&mut self, is_dropped: impl Fn(&Link) -> bool) {
        let (gone, kept) = std::mem::take(&mut self.links).into_iter().partition(is_dropped);
        self.links = kept;
        for link in gone {
            for side in Side::BOTH {
                if let Some(replica) = self.devices[link.device(side).0].replica_mut() {
                    replica.disconnected(link.connection(side));
                }
            }
        }
    }

    /// Lets a millisecond pass, and returns what a device's clocks say.
    pub(crate) fn tick(&mut self, device: DeviceIndex) -> Now {
        self.now.wall_ms += 1;
        self.now.monotonic_ms += 1;
        self.devices[device.0].now(self.now)
    }
}

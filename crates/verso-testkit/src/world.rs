//! [`World`]: devices, the links between them, and what happens next.

use verso_graph::Intent;
use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_replica::{Effect, Event, Greeting, Now, PairSecret, ProvisionalPeer, Stream};
use verso_session::Mode;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::{Application as _, Message};

use crate::device::{Device, DeviceIndex};
use crate::link::{Link, Parcel, Side};
use crate::rng::Rng;

/// How many parcels one run may deliver before it counts as endless. A run of a few devices delivers some hundreds.
const ENDLESS: u64 = 200_000;

/// Devices and links under one seed. Whatever is at hand is delivered in an order that the seed decides.
///
/// 1. Set the scene: devices, pairings, workspaces, [`connect`](Self::connect).
/// 2. Act: [`commit`](Self::commit), [`cut_after`](Self::cut_after), [`power_off_after`](Self::power_off_after), …
/// 3. [`run`](Self::run) until nothing more is on its way.
/// 4. Look: [`assert_equal`](Self::assert_equal), [`device`](Self::device), [`events`](Self::events).
#[derive(Debug)]
pub struct World {
    rng: Rng,
    now: Now,
    devices: Vec<Device>,
    links: Vec<Link>,
    delivered: u64,
    cut_at: Option<u64>,
    events: Vec<(DeviceIndex, Event)>,
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

    /// Returns what devices told, in the order in which they told it.
    pub fn events(&self) -> &[(DeviceIndex, Event)] {
        &self.events
    }

    /// Counts the parcels delivered so far.
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Founds a workspace, durably.
    pub fn found_workspace(&mut self, device: DeviceIndex, name: &str) -> WorkspaceId {
        let now = self.tick();
        let replica = self.devices[device.0].replica_mut().expect("the device is on");
        let workspace = replica.found_workspace(name, now).expect("a workspace can be founded");
        replica.flush(now).expect("the disk works");
        self.settle(device);
        workspace
    }

    /// Commits intents and makes them durable. `false` if the device failed or lost power on the way; then nothing is promised.
    pub fn commit(&mut self, device: DeviceIndex, workspace: WorkspaceId, intents: &[Intent]) -> bool {
        let now = self.tick();
        let Some(replica) = self.devices[device.0].replica_mut() else { return false };
        let durable = replica.commit(&workspace, intents, now).is_ok() && replica.flush(now).is_ok();
        self.settle(device);
        durable && self.devices[device.0].replica().is_some()
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

    /// Connects two devices. `false` if one of them is off, or refuses the other.
    pub fn connect_for(&mut self, dialer: DeviceIndex, acceptor: DeviceIndex, mode: Mode) -> bool {
        let now = self.tick();
        let ids = [self.devices[dialer.0].id(), self.devices[acceptor.0].id()];
        let mut connect = |device: DeviceIndex, peer| {
            let replica = self.devices[device.0].replica_mut()?;
            replica.connect(peer, Greeting { addresses: Vec::new(), mode }, now).ok()
        };
        let (first, second) = (connect(dialer, ids[1]), connect(acceptor, ids[0]));
        match (first, second) {
            (Some(first), Some(second)) => {
                self.links.push(Link::new([dialer, acceptor], [first, second]));
                self.settle(dialer);
                self.settle(acceptor);
                true
            }
            (first, second) => {
                for (device, connection) in [(dialer, first), (acceptor, second)] {
                    if let (Some(connection), Some(replica)) = (connection, self.devices[device.0].replica_mut()) {
                        replica.disconnected(connection);
                    }
                    self.settle(device);
                }
                false
            }
        }
    }

    /// Cuts all links when `parcels` more have been delivered.
    pub const fn cut_after(&mut self, parcels: u64) {
        self.cut_at = Some(self.delivered + parcels);
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
        self.drop_links(device);
    }

    /// Turns a device on again.
    pub fn start(&mut self, device: DeviceIndex) {
        let now = self.tick();
        self.devices[device.0].start(now);
        self.settle(device);
    }

    /// Puts a device's disk back to an earlier image and turns the device on.
    pub fn roll_back(&mut self, device: DeviceIndex, image: &MemoryStorage) {
        let seed = self.rng.next();
        self.devices[device.0].roll_back(image, seed);
        self.drop_links(device);
        self.start(device);
    }

    /// Delivers parcels until none is on its way.
    ///
    /// # Panics
    /// If that never ends.
    pub fn run(&mut self) {
        let start = self.delivered;
        while self.step() {
            assert!(self.delivered - start < ENDLESS, "devices talk without end");
        }
    }

    /// Delivers one parcel. `false` if none is on its way.
    pub fn step(&mut self) -> bool {
        if self.cut_at.is_some_and(|at| self.delivered >= at) {
            self.cut();
        }
        if self.waiting().is_empty() {
            // A driver leaves nothing unflushed, however long it takes in more first.
            (0..self.devices.len()).for_each(|device| self.settle(DeviceIndex(device)));
        }
        let waiting = self.waiting();
        let Some(&(link, from, stream)) = waiting.get(self.rng.below(waiting.len())) else { return false };
        let Some(parcel) = self.links[link].pop(from, stream) else { return false };
        self.delivered += 1;
        let now = self.tick();
        let to = from.other();
        let (device, connection) = (self.links[link].device(to), self.links[link].connection(to));
        if let Some(replica) = self.devices[device.0].replica_mut() {
            match (parcel, stream) {
                (Parcel::Message(body), _) => match Message::decode(&body) {
                    Ok(message) => replica.receive(connection, stream, message, now),
                    Err(error) => panic!("a replica sent what is no message: {error}"),
                },
                (Parcel::End, Stream::Workspace(workspace)) => replica.stream_closed(connection, workspace, now),
                (Parcel::End, Stream::Control) => {
                    replica.disconnected(connection);
                }
            }
        }
        // Now and then more is taken in before a flush, as a driver under load does.
        if self.rng.below(4) != 0 {
            self.flush(device);
        }
        self.settle(device);
        true
    }

    /// The queues in which something is on its way.
    fn waiting(&self) -> Vec<(usize, Side, Stream)> {
        let links = self.links.iter().enumerate();
        links.flat_map(|(link, queues)| queues.waiting().map(move |(from, stream)| (link, from, stream))).collect()
    }

    /// Cuts all links at once.
    pub fn cut(&mut self) {
        self.cut_at = None;
        for link in std::mem::take(&mut self.links) {
            for side in [Side::Dialer, Side::Acceptor] {
                if let Some(replica) = self.devices[link.device(side).0].replica_mut() {
                    replica.disconnected(link.connection(side));
                }
            }
        }
        for device in 0..self.devices.len() {
            self.settle(DeviceIndex(device));
        }
    }

    /// Asserts that devices hold and show the same, byte for byte.
    ///
    /// # Panics
    /// If they don't, or one of them is off.
    pub fn assert_equal(&self, devices: &[DeviceIndex]) {
        let views: Vec<_> = devices.iter().map(|device| self.view(*device)).collect();
        for view in &views {
            assert_eq!(view, &views[0], "devices differ");
        }
    }

    /// What a device shows of each workspace: its digest, and how many entries are held and applied.
    pub fn view(&self, device: DeviceIndex) -> Vec<(WorkspaceId, [u8; 32], (u64, u64))> {
        let replica = self.devices[device.0].replica().expect("the device is on");
        replica
            .workspaces()
            .map(|workspace| {
                let digest = replica.application(&workspace).map(verso_graph::Graph::digest).unwrap_or_default();
                (workspace, digest, replica.entries(&workspace).unwrap_or_default())
            })
            .collect()
    }

    /// Flushes a device and carries out what it wants, until it wants nothing more.
    fn settle(&mut self, device: DeviceIndex) {
        loop {
            if self.devices[device.0].has_lost_power() {
                self.stop(device);
                return;
            }
            let Some(effect) = self.devices[device.0].replica_mut().and_then(verso_replica::Replica::poll) else {
                if !self.needs_flush(device) {
                    return;
                }
                self.flush(device);
                continue;
            };
            self.carry_out(device, effect);
        }
    }

    /// At rest everything must be flushed: a driver flushes after each group of inputs.
    fn needs_flush(&self, device: DeviceIndex) -> bool {
        let at_rest = self.links.iter().all(|link| link.waiting().next().is_none());
        at_rest && self.devices[device.0].replica().is_some_and(verso_replica::Replica::needs_flush)
    }

    fn flush(&mut self, device: DeviceIndex) {
        let now = self.now;
        let Some(replica) = self.devices[device.0].replica_mut() else { return };
        // A disk that fails under a device that keeps running is one whose power is about to be seen to be off.
        if replica.flush(now).is_err() {
            self.stop(device);
        }
    }

    fn carry_out(&mut self, device: DeviceIndex, effect: Effect) {
        let (connection, stream, parcel) = match effect {
            Effect::Send { connection, stream, message } => {
                let body = message.encode().expect("what a replica says can be encoded");
                (connection, stream, Some(Parcel::Message(body)))
            }
            Effect::CloseStream { connection, workspace } => {
                (connection, Stream::Workspace(workspace), Some(Parcel::End))
            }
            Effect::Close { connection, .. } => (connection, Stream::Control, None),
            Effect::Event(event) => {
                self.events.push((device, event));
                return;
            }
            _ => return,
        };
        let Some((link, side)) =
            self.links.iter_mut().find_map(|link| link.side_of(device, connection).map(|side| (link, side)))
        else {
            return;
        };
        match parcel {
            Some(parcel) => link.push(side, stream, parcel),
            None => {
                link.push(side, Stream::Control, Parcel::End);
                link.close(side);
            }
        }
    }

    fn drop_links(&mut self, device: DeviceIndex) {
        let (gone, kept) = std::mem::take(&mut self.links).into_iter().partition(|link| link.devices.contains(&device));
        self.links = kept;
        for link in gone {
            for side in [Side::Dialer, Side::Acceptor] {
                if let Some(replica) = self.devices[link.device(side).0].replica_mut() {
                    replica.disconnected(link.connection(side));
                }
            }
        }
    }

    const fn tick(&mut self) -> Now {
        self.now.wall_ms += 1;
        self.now.monotonic_ms += 1;
        self.now
    }
}

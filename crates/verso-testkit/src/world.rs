//! [`World`]: devices, what is between them, and what their people do.

use std::collections::BTreeSet;

use verso_graph::{Graph, Intent};
use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_replica::{Event, Greeting, Now, PairSecret, ProvisionalPeer};
use verso_session::Mode;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_vv::Dot;
use verso_wire::Reason;

use crate::device::{Device, DeviceIndex, SimReplica};
use crate::ledger::{Ledger, Safe};
use crate::liar;
use crate::link::Link;
use crate::merge::Merge;
use crate::mutant::Mutant;
use crate::promises::Promises;
use crate::rng::Rng;
use crate::shares::Shares;
use crate::tally::Tally;
use crate::witness::{Witness, sight};

/// The wall clock of the world at its start: November 2023.
const START_MS: u64 = 1_700_000_000_000;

/// Devices and links under one seed, in virtual time. Whatever is on its way arrives after a delay that the seed decides.
///
/// 1. Set the scene: devices, pairings, workspaces, [`connect`](Self::connect).
/// 2. Act: [`commit`](Self::commit), [`cut_after`](Self::cut_after), [`power_off_after`](Self::power_off_after), …
/// 3. [`run`](Self::run) until nothing more is on its way.
/// 4. Look: [`check`](Self::check), [`assert_equal`](Self::assert_equal), [`device`](Self::device), [`events`](Self::events).
#[derive(Debug)]
pub struct World<A: Merge = Graph> {
    pub(crate) rng: Rng,
    pub(crate) now: Now,
    pub(crate) devices: Vec<Device<A>>,
    pub(crate) links: Vec<Link>,
    pub(crate) delivered: u64,
    pub(crate) cut_at: Option<u64>,
    pub(crate) events: Vec<(DeviceIndex, Event)>,
    pub(crate) failures: Vec<(DeviceIndex, Reason)>,
    pub(crate) promises: Promises,
    pub(crate) ledger: Ledger,
    pub(crate) tally: Tally,
    pub(crate) witness: Witness,
    pub(crate) shares: Shares,
    /// Where the first entry of the last commit stands, until somebody has asked.
    pub(crate) first_committed: Option<Dot>,
    /// Links that ended because a fork was learnt: drivers connect again at once.
    pub(crate) ended_by_forks: BTreeSet<(DeviceIndex, DeviceIndex)>,
    /// What is broken about this world on purpose.
    pub(crate) mutant: Mutant,
    pub(crate) is_traced: bool,
}

impl World {
    /// Makes an empty world.
    pub fn new(seed: u64) -> Self {
        Self::broken(seed, Mutant::None)
    }
}

impl<A: Merge> World<A> {
    /// Makes an empty world of which something is broken, for a test of the checks.
    pub fn broken(seed: u64, mutant: Mutant) -> Self {
        Self {
            rng: Rng::new(seed),
            now: Now { wall_ms: START_MS, monotonic_ms: 0 },
            devices: Vec::new(),
            links: Vec::new(),
            delivered: 0,
            cut_at: None,
            events: Vec::new(),
            failures: Vec::new(),
            promises: Promises::default(),
            ledger: Ledger::default(),
            tally: Tally::default(),
            witness: Witness::default(),
            shares: Shares::default(),
            first_committed: None,
            ended_by_forks: BTreeSet::new(),
            mutant,
            is_traced: false,
        }
    }

    /// Adds a device with a disk of its own.
    pub fn add_device(&mut self, name: &str) -> DeviceIndex {
        let index = DeviceIndex(self.devices.len());
        let mut device = Device::new(name, index.0, self.rng.next(), self.mutant.honesty(), self.now);
        if let Some(first) = self.devices.first() {
            device.reader = first.reader.clone();
        }
        self.devices.push(device);
        index
    }

    /// Adds a device of somebody else's, which is paired with one of the person's and given nothing yet.
    pub fn add_friend(&mut self, of: DeviceIndex, name: &str) -> DeviceIndex {
        let friend = self.add_device(name);
        self.shares.add_outsider(friend);
        self.pair_as(of, friend, PeerRole::Friend);
        friend
    }

    /// Adds a copy of a device that goes on from an image of its disk, under the same key, beside it.
    pub fn add_copy(&mut self, of: DeviceIndex, image: &MemoryStorage) -> DeviceIndex {
        let index = DeviceIndex(self.devices.len());
        let seed = self.rng.next();
        let copy = self.devices[of.0].copy(image, seed, self.now);
        self.tell(|| format!("{} is copied", self.name(of)));
        self.tally.count("copies");
        self.devices.push(copy);
        self.knows_only(index, image);
        self.settle(index);
        index
    }

    /// The other devices under the same key.
    pub(crate) fn copies_of(&self, device: DeviceIndex) -> Vec<DeviceIndex> {
        let is_copy = |other: &usize| *other != device.0 && self.devices[*other].id() == self.devices[device.0].id();
        (0..self.devices.len()).filter(is_copy).map(DeviceIndex).collect()
    }

    /// Returns a device.
    pub fn device(&self, device: DeviceIndex) -> &Device<A> {
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

    /// Counts what happened so far.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Counts the parcels delivered so far.
    pub const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Tells whether devices may be asked about a workspace: they are on and hold it.
    pub fn holds(&self, device: DeviceIndex, workspace: WorkspaceId) -> bool {
        self.devices[device.0].replica().is_some_and(|replica| replica.application(&workspace).is_some())
    }

    /// Founds a workspace, durably.
    ///
    /// # Panics
    /// If the device is off or its disk fails.
    pub fn found_workspace(&mut self, device: DeviceIndex, name: &str) -> WorkspaceId {
        self.try_found_workspace(device, name).expect("the device is on and its disk works")
    }

    /// Founds a workspace durably, `None` if the device is off or fails.
    pub fn try_found_workspace(&mut self, device: DeviceIndex, name: &str) -> Option<WorkspaceId> {
        let now = self.tick(device);
        let founded = self.devices[device.0].replica_mut()?.found_workspace(name, now);
        let durable = self.flush(device);
        let founded = founded.ok().filter(|_| durable && self.devices[device.0].replica().is_some());
        if let Some(workspace) = founded {
            self.witness.founded(workspace, name);
            self.tell(|| format!("{} founds {workspace} {name:?}", self.name(device)));
        }
        self.settle(device);
        founded
    }

    /// Commits intents and makes them durable. `false` if the device failed, is off, or lost power on the way; then nothing is promised.
    ///
    /// # Panics
    /// If fewer entries were recorded than intents given.
    pub fn commit(&mut self, device: DeviceIndex, workspace: WorkspaceId, intents: &[Intent]) -> bool {
        let now = self.tick(device);
        let Some(replica) = self.devices[device.0].replica_mut() else { return false };
        let saw = sight(replica, &workspace);
        let committed = replica.commit(&workspace, intents, now).ok();
        let head = committed.and_then(|committed| replica.head(&workspace, &committed.author));
        self.first_committed = committed.map(|committed| Dot { author: committed.author, seq: committed.first });
        if let Some(head) = head {
            self.witness.committed(workspace, intents, head.hash, saw);
            self.note_written(device, workspace, head, intents.last());
        }
        let durable = self.mutant == Mutant::AcknowledgesCommitEarly || self.flush(device);
        let (Some(committed), Some(head)) = (committed, head) else {
            self.settle(device);
            return false;
        };
        let is_safe = durable && self.devices[device.0].replica().is_some();
        self.tell(|| {
            let what: Vec<String> = intents.iter().take(4).map(crate::trace::intent).collect();
            let (author, first, last) = (self.author(&committed.author), committed.first, committed.last);
            let outcome = if is_safe { "" } else { ", not durable" };
            format!("{} writes {author}:{first}–{last} in {workspace}: {}{outcome}", self.name(device), what.join(", "))
        });
        if is_safe {
            let count = (committed.last.0 + 1).saturating_sub(committed.first.0);
            assert_eq!(Ok(count), u64::try_from(intents.len()), "as many entries as intents");
            self.promises.make(device, workspace, committed.author, head);
            let (author, seq, hash) = (committed.author, head.seq, head.hash);
            let copies = self.copies_of(device);
            // What a friend writes may be wanted by nobody.
            if !self.shares.is_outsider(device) {
                self.ledger.note(Safe { by: device, workspace, author, seq, hash }, &copies);
            }
            self.tally.count("commits");
        }
        if self.mutant != Mutant::AcknowledgesCommitEarly {
            self.settle(device);
        }
        is_safe
    }

    /// Leaves both devices as a completed pairing of one person's devices leaves them: each holds the other provisionally, with what both agreed.
    pub fn pair(&mut self, showing: DeviceIndex, joining: DeviceIndex) {
        self.pair_as(showing, joining, PeerRole::Own);
        if self.mutant == Mutant::BelievesForger {
            let forger = liar::forger().id();
            let mut provisional = self.provisional(joining, PairingSide::Joining, PeerRole::Own);
            provisional.device = forger;
            let now = self.tick(showing);
            if let Some(replica) = self.devices[showing.0].replica_mut() {
                replica.store_provisional(provisional).expect("the disk works");
                let greeting = Greeting { addresses: Vec::new(), mode: Mode::StayOpen };
                if let Ok(connection) = replica.connect(forger, greeting, now) {
                    replica.disconnected(connection);
                }
            }
            self.settle(showing);
        }
    }

    /// Leaves both devices as a completed pairing in a role leaves them.
    pub fn pair_as(&mut self, showing: DeviceIndex, joining: DeviceIndex, role: PeerRole) {
        self.tell(|| format!("{} and {} are paired ({role:?})", self.name(showing), self.name(joining)));
        let secret = [self.rng.byte(); 32];
        for (me, peer, side) in [(showing, joining, PairingSide::Showing), (joining, showing, PairingSide::Joining)] {
            let mut provisional = self.provisional(peer, side, role);
            provisional.secret = PairSecret::from_bytes(secret);
            provisional.expires_ms = self.now_on(me).wall_ms + 86_400_000;
            if let Some(replica) = self.devices[me.0].replica_mut() {
                replica.store_provisional(provisional).expect("the disk works");
            }
        }
    }

    fn provisional(&self, peer: DeviceIndex, side: PairingSide, role: PeerRole) -> ProvisionalPeer {
        let device = self.devices[peer.0].id();
        let keys = self.devices[peer.0].replica().map(|replica| (replica.noise_key(), replica.sealing_key()));
        let (noise_key, sealing_key) = keys.unwrap_or((*device.as_bytes(), *device.as_bytes()));
        ProvisionalPeer {
            device,
            noise_key,
            sealing_key,
            secret: PairSecret::from_bytes([0; 32]),
            name: self.devices[peer.0].name.clone(),
            role,
            side,
            way: PairingWay::Link,
            addresses: Vec::new(),
            workspaces: Vec::new(),
            expires_ms: self.now.wall_ms + 86_400_000,
        }
    }

    /// Has a device's person decide something, durably.
    pub fn decide<T>(&mut self, device: DeviceIndex, decision: impl FnOnce(&mut SimReplica<A>, Now) -> T) -> Option<T> {
        let now = self.tick(device);
        let decided = decision(self.devices[device.0].replica_mut()?, now);
        self.flush(device);
        self.settle(device);
        Some(decided)
    }

    /// Lets a millisecond pass, and returns what a device's clocks say.
    pub(crate) fn tick(&mut self, device: DeviceIndex) -> Now {
        self.pass(1);
        self.now_on(device)
    }

    /// What a device's clocks say.
    pub(crate) fn now_on(&self, device: DeviceIndex) -> Now {
        self.devices[device.0].now(self.now)
    }

    /// Lets time pass.
    pub(crate) const fn pass(&mut self, millis: u64) {
        self.now.wall_ms += millis;
        self.now.monotonic_ms += millis;
    }
}

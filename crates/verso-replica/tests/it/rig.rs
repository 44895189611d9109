//! [`Rig`]: one replica on a simulated disk, and the peers it is paired with.

use std::sync::LazyLock;

use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_log::{MemoryStorage, Storage as _};
use verso_replica::{Effect, Event, HighWater, Now, OpenError, OpenNotices, PairSecret, ProvisionalPeer, Replica};
use verso_trust::{Access, MembershipEvent, PairingSide, PairingWay, PeerRole, Standing, Vouch};
use verso_vv::Seen;

use crate::notes::{Notes, write};
use crate::peer::Peer;
use crate::writer::{Writer, key};

pub(crate) type TestReplica = Replica<MemoryStorage, Notes>;

pub(crate) const NOW: Now = Now { wall_ms: 1_700_000_100_000, monotonic_ms: 1_000 };

pub(crate) struct Rig {
    pub(crate) replica: TestReplica,
    pub(crate) disk: MemoryStorage,
    pub(crate) now: Now,
    pub(crate) events: Vec<Event>,
    /// What was not carried out yet.
    pub(crate) effects: Vec<Effect>,
}

/// Numbers of test devices whose ids ascend: the first, which is the replica's, opens all streams.
static NUMBERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut numbers: Vec<u8> = (0..16).collect();
    numbers.sort_by_key(|number| key(*number).id());
    numbers
});

/// The number of a device that is not the replica's.
pub(crate) fn other(index: usize) -> u8 {
    NUMBERS[index + 1]
}

pub(crate) fn my_key() -> DeviceKey {
    key(NUMBERS[0])
}

pub(crate) fn open(disk: &MemoryStorage) -> Result<(TestReplica, OpenNotices), OpenError> {
    Replica::open(disk.clone(), my_key(), "laptop", NOW)
}

/// Opens the device with the mark that was kept of it.
pub(crate) fn open_marked(disk: &MemoryStorage, mark: &HighWater) -> (TestReplica, OpenNotices) {
    Replica::open_marked(disk.clone(), my_key(), "laptop", Some(mark), NOW).unwrap()
}

/// A device with a workspace, connected to another one of the same person, which writes there.
pub(crate) fn with_own() -> (Rig, WorkspaceId, Peer, Writer) {
    let (mut rig, workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    (rig, workspace, own, Writer::new(other(0), 1, workspace))
}

impl Rig {
    pub(crate) fn new() -> Self {
        let disk = MemoryStorage::new(1);
        let (replica, _notices) = open(&disk).unwrap();
        Self { replica, disk, now: NOW, events: Vec::new(), effects: Vec::new() }
    }

    /// A replica that has founded a workspace and written a text.
    pub(crate) fn with_workspace() -> (Self, WorkspaceId) {
        let mut rig = Self::new();
        let workspace = rig.replica.found_workspace("Reading", NOW).unwrap();
        rig.replica.commit(&workspace, &[write("one")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        (rig, workspace)
    }

    /// Takes what the replica wants done; what it tells goes to the events.
    pub(crate) fn sort_effects(&mut self) {
        while let Some(effect) = self.replica.poll() {
            match effect {
                Effect::Event(event) => self.events.push(event),
                other => self.effects.push(other),
            }
        }
    }

    /// Opens the device again from what its disk holds, after a clean stop or not.
    pub(crate) fn reopen(&mut self) -> OpenNotices {
        let (replica, notices) = open(&self.disk).unwrap();
        self.replica = replica;
        notices
    }

    /// Cuts the power and opens the device again.
    pub(crate) fn crash(&mut self, seed: u64) -> OpenNotices {
        self.disk = self.disk.crash(seed);
        self.reopen()
    }

    /// Pairs with a device, which is then known and not yet met.
    pub(crate) fn pair(&mut self, number: u8, role: PeerRole) -> DeviceId {
        let device = key(number).id();
        self.replica.store_provisional(provisional(device, role)).unwrap();
        device
    }

    /// Pairs with a device and connects it; it offers `workspaces`.
    pub(crate) fn meet(&mut self, number: u8, role: PeerRole, workspaces: &[WorkspaceId]) -> Peer {
        let device = self.pair(number, role);
        let mut peer = Peer::connect(self, device, workspaces);
        self.replica.flush(self.now).unwrap();
        peer.listen(self);
        peer
    }

    pub(crate) fn texts(&self, workspace: &WorkspaceId) -> Vec<&str> {
        let notes = self.replica.application(workspace).unwrap();
        assert_eq!(notes.disorder, 0, "entries were applied twice or out of order");
        notes.texts()
    }

    pub(crate) fn assert_rebuilds_after_flush(&mut self) {
        self.replica.flush(self.now).unwrap();
        self.assert_rebuilds();
    }

    /// Asserts that a device opened from what the disk holds now shows the same: from the checkpoints that the last call left, and without.
    pub(crate) fn assert_rebuilds(&mut self) {
        for with_checkpoints in [true, false] {
            let disk = self.disk.snapshot(9);
            if !with_checkpoints {
                for path in checkpoints(&disk) {
                    disk.remove(&path).unwrap();
                }
            }
            let (again, _notices) = open(&disk).unwrap();
            for workspace in self.replica.workspaces() {
                let view = |replica: &TestReplica| {
                    let notes = replica.application(&workspace).unwrap();
                    (notes.texts().into_iter().map(str::to_owned).collect::<Vec<_>>(), replica.entries(&workspace))
                };
                assert_eq!(
                    view(&again),
                    view(&self.replica),
                    "a rebuild differs (with checkpoints: {with_checkpoints})"
                );
            }
        }
        self.write_checkpoints();
    }

    /// Writes a checkpoint of each workspace, if the disk lets it.
    pub(crate) fn write_checkpoints(&mut self) {
        for workspace in self.replica.workspaces().collect::<Vec<_>>() {
            drop(self.replica.checkpoint(&workspace).map(verso_replica::Checkpoint::store));
        }
    }
}

/// The paths of all checkpoints, sorted.
pub(crate) fn checkpoints(disk: &MemoryStorage) -> Vec<String> {
    let mut paths = disk.files();
    paths.retain(|path| path.starts_with("state/") && path.len() == "state/0123456789abcdef".len());
    paths.sort();
    paths
}

pub(crate) fn provisional(device: DeviceId, role: PeerRole) -> ProvisionalPeer {
    ProvisionalPeer {
        device,
        noise_key: *device.as_bytes(),
        sealing_key: *device.as_bytes(),
        secret: PairSecret::from_bytes([5; 32]),
        name: "phone".to_owned(),
        role,
        side: PairingSide::Showing,
        way: PairingWay::Link,
        addresses: Vec::new(),
        workspaces: Vec::new(),
        expires_ms: NOW.wall_ms + 86_400_000,
    }
}

/// Has an own device, which co-owns the workspace, let somebody in.
pub(crate) fn let_in(rig: &mut Rig, own: &mut Peer, writer: &mut Writer, device: DeviceId, access: Access) {
    let workspace = writer.workspace;
    let vouch = Vouch { device, access, standing: Standing::Member };
    let unit = writer.member(&MembershipEvent::new(Seen::default(), vouch));
    own.give(rig, workspace, &unit);
    assert_eq!(own.acked(workspace, writer.author), writer.last());
}

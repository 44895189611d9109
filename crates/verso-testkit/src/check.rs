//! What must hold at any moment, whatever was done to the devices.

use std::collections::{BTreeMap, BTreeSet};

use verso_graph::Graph;
use verso_identity::{DeviceId, WorkspaceId, purposes};
use verso_log::{LogOptions, MemoryStorage, Storage as _, SyncLog};
use verso_vv::Author;
use verso_wire::{Application as _, ChainHead, SyncUnit};

use crate::device::{Device, DeviceIndex, SimReplica};
use crate::liar::FORGED;
use crate::world::World;

/// What a device shows of a workspace: its digest, and how many entries are held and applied.
pub type View = (WorkspaceId, [u8; 32], (u64, u64));

impl World {
    /// Checks, for every device, what must hold at any moment:
    ///
    /// 1. Its logs are chains without a gap, every unit sealed by its author. Checked on the bytes of the disk, by other code than the replica's.
    /// 2. If its power went off now, everything that it ever acknowledged would be there.
    /// 3. What it shows is what it would show if it were built again from its logs.
    /// 4. Nothing that was forged is shown, and nobody is trusted who was never paired.
    ///
    /// # Panics
    /// If something of this does not hold.
    pub fn check(&mut self) {
        self.settle_all();
        let known: BTreeSet<DeviceId> = self.devices.iter().map(Device::id).collect();
        for index in 0..self.devices.len() {
            let seed = self.rng.next();
            let device = &self.devices[index];
            check_logs(device, &device.storage().crash(seed));

            let reopened = device.open(device.storage().crash(seed), device.now(self.now));
            let reopened = reopened.expect("a device opens after any crash");
            for (workspace, author, seq) in self.promises.of(DeviceIndex(index)) {
                let held = reopened.held(&workspace).unwrap_or_default().get(&author);
                assert!(held >= seq, "device {index} acknowledged {author}:{seq} and holds {held}");
            }
            // A device whose disk takes nothing can't be brought to rest, and shows what is not durable.
            if let Some(replica) = device.replica().filter(|replica| !replica.needs_flush()) {
                let (shown, built) = (views(replica), views(&reopened));
                // What was adopted and brought nothing is offered again.
                let shown: Vec<&View> = shown.iter().filter(|(_, _, (held, _))| *held > 0).collect();
                assert_eq!(shown, built.iter().collect::<Vec<_>>(), "device {index} shows what its logs don't");
                check_shown(replica, &known);
            }
            check_shown(&reopened, &known);
        }
    }

    /// Asserts that devices hold and show the same, byte for byte.
    ///
    /// # Panics
    /// If they don't, or one of them is off.
    pub fn assert_equal(&self, devices: &[DeviceIndex]) {
        for device in devices {
            assert_eq!(self.view(*device), self.view(devices[0]), "devices {device:?} and {:?} differ", devices[0]);
        }
    }

    /// Returns what a device shows.
    ///
    /// # Panics
    /// If it is off.
    pub fn view(&self, device: DeviceIndex) -> Vec<View> {
        views(self.devices[device.0].replica().expect("the device is on"))
    }
}

fn views(replica: &SimReplica) -> Vec<View> {
    let view = |workspace| {
        let digest = replica.application(&workspace).map(Graph::digest).unwrap_or_default();
        (workspace, digest, replica.entries(&workspace).unwrap_or_default())
    };
    replica.workspaces().map(view).collect()
}

/// Reads all logs of a disk, and checks every unit.
fn check_logs(device: &Device, disk: &MemoryStorage) {
    let key = device.key().derive::<purposes::Log>();
    for name in disk.list("logs").expect("there are logs") {
        let path = format!("logs/{name}");
        let (log, report) = match SyncLog::open(disk.clone(), &path, &key, LogOptions::default()) {
            Ok(opened) => opened,
            // It was being made when the power went off.
            Err(verso_log::OpenError::Empty) => continue,
            Err(error) => panic!("{path}: {error}"),
        };
        assert!(report.damage.is_empty(), "{path}: {report:?}");
        let workspace = WorkspaceId::from_bytes(*log.label());
        let mut heads: BTreeMap<Author, ChainHead> = BTreeMap::new();
        for record in log.replay() {
            let (meta, bytes) = record.expect("what is in the log can be read");
            let unit = SyncUnit::decode(&workspace, &bytes).expect("what is in the log is a unit");
            let unit = unit.chain().verify().expect("what is in the log was sealed by its author");
            let author = unit.author();
            let head = heads.entry(author).or_insert_with(|| ChainHead::start(&workspace, &author));
            assert_eq!(unit.before(), *head, "{author} in {workspace}: a unit does not continue the chain");
            assert_eq!((meta.author, meta.last_seq, meta.head_hash), (author, unit.last_seq(), unit.head().hash));
            *head = unit.head();
        }
    }
}

/// Checks that nothing is shown or trusted that no device of the world said.
fn check_shown(replica: &SimReplica, known: &BTreeSet<DeviceId>) {
    for workspace in replica.workspaces() {
        let graph = replica.application(&workspace).expect("the workspace is held");
        let forged = graph.nodes().find(|node| node.title().contains(FORGED));
        assert!(forged.is_none(), "something forged is shown");
    }
    let mut trusted = replica.trust().peers().map(|peer| peer.device);
    assert!(trusted.all(|device| known.contains(&device)), "somebody is trusted who was never paired");
}

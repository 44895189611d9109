//! What must hold at any moment, whatever was done to the devices.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::{MemoryStorage, Storage as _};
use verso_replica::Event;
use verso_trust::{Intention, PeerRole};
use verso_vv::VersionVector;

use crate::device::{Device, DeviceIndex, SimReplica};
use crate::liar::FORGED;
use crate::link::Side;
use crate::logs::Logs;
use crate::merge::Merge;
use crate::world::World;

/// What a device shows of a workspace: its digest, and how many entries are held and applied.
pub type View = (WorkspaceId, [u8; 32], (u64, u64));

impl<A: Merge> World<A> {
    /// Checks, for every device, what must hold at any moment:
    ///
    /// 1. Its logs are chains without a gap, every unit sealed by its author. Checked on the bytes of the disk, by other code than the replica's.
    /// 2. If its power went off now, everything that it ever acknowledged would be there. If its disk has rotted, it would tell of what is not.
    /// 3. What it shows is what it would show if it were built again from its logs, with the help of a checkpoint or without.
    /// 4. Nothing that was forged is shown, and nobody is trusted who was never paired.
    /// 5. The devices of other people have nothing, and are offered nothing, that nobody gave them.
    ///
    /// # Panics
    /// If something of this does not hold.
    pub fn check(&mut self) {
        self.settle_all();
        self.check_given();
        let known: BTreeSet<DeviceId> = self.devices.iter().map(Device::id).collect();
        for index in 0..self.devices.len() {
            let seed = self.rng.next();
            let device = &self.devices[index];
            if device.is_rotten {
                self.check_rotten(DeviceIndex(index));
                continue;
            }
            let logs = device.read_logs(&device.storage().crash(seed));

            let reopened = device.open(device.storage().crash(seed), device.now(self.now));
            let (reopened, _) = reopened.expect("a device opens after any crash");
            let disk = device.storage().crash(seed);
            remove_checkpoints(&disk);
            let (replayed, _) = device.open(disk, device.now(self.now)).expect("a device opens without checkpoints");
            assert_eq!(views(&reopened), views(&replayed), "{} shows something else from a checkpoint", device.name);
            assert_eq!(held(&reopened), held(&replayed), "{} holds something else from a checkpoint", device.name);
            // Of others' stamps a replay may adopt more: a checkpoint has kept each chain's greatest alone, which may lie too far ahead.
            let [from_checkpoint, from_logs] = [&reopened, &replayed].map(SimReplica::clock);
            let given = logs.greatest_stamp(&device.id());
            assert!(from_checkpoint >= given, "{} gave {given}, and would go on from {from_checkpoint}", device.name);
            assert!(
                from_checkpoint <= from_logs,
                "{} knows {from_checkpoint} of a time that its logs don't",
                device.name
            );
            for (workspace, author, head) in self.promises.of(DeviceIndex(index)) {
                let (name, seq) = (&device.name, head.seq);
                assert!(
                    logs.holds(&workspace, &head.hash),
                    "{name} acknowledged {author}:{seq} in {workspace} and lost it"
                );
                let owner = reopened.author_of(&workspace, &head);
                assert!(owner.is_some(), "{name} acknowledged {author}:{seq} in {workspace} and calls it nothing");
            }
            // A device whose disk takes nothing can't be brought to rest, and shows what is not durable.
            if let Some(replica) = device.replica().filter(|replica| !replica.needs_flush()) {
                let (shown, built) = (views(replica), views(&reopened));
                // What was adopted and brought nothing is offered again.
                let shown: Vec<&View> = shown.iter().filter(|(_, _, (held, _))| *held > 0).collect();
                assert_eq!(shown, built.iter().collect::<Vec<_>>(), "{} shows what its logs don't", device.name);
                for (workspace, _, (held, _)) in &views(replica) {
                    let stored = logs.count(workspace);
                    assert_eq!(Ok(stored), usize::try_from(*held), "{} has other entries than it tells", device.name);
                }
                check_shown(replica, &known);
            }
            check_shown(&reopened, &known);
        }
    }

    /// Checks that a device whose disk has rotted says what it has lost.
    fn check_rotten(&self, index: DeviceIndex) {
        let device = &self.devices[index.0];
        let Some(replica) = device.replica() else { return };
        let notices = device.notices();
        for (workspace, author, head) in self.promises.of(index) {
            let is_held = replica.author_of(&workspace, &head).is_some();
            let told = notices.logs.iter().any(|(log, _)| *log == workspace)
                || notices.local_state_lost
                || notices.control_log_lost
                || replica.failure(&workspace).is_some();
            let name = &device.name;
            let seq = head.seq;
            assert!(is_held || told, "{name} lost {author}:{seq} of {workspace} to rot, and says nothing");
        }
    }

    /// Checks that wherever two devices are connected and don't hold the same, both have told why. To be asked when all is quiet.
    ///
    /// # Panics
    /// If one has not.
    pub fn check_reasons(&self) {
        for link in self.links.iter().filter(|link| link.is_open() && link.is_honest && link.is_quiet()) {
            let ends = Side::BOTH.map(|side| (link.device(side), self.devices[link.device(side).0].replica()));
            let [(one, Some(first)), (other, Some(second))] = ends else { continue };
            let is_own = |replica: &SimReplica<A>, peer| replica.trust().role(&peer) == Some(PeerRole::Own);
            let are_own = is_own(first, second.device()) && is_own(second, first.device());
            if first.needs_flush() || second.needs_flush() || !are_own {
                continue;
            }
            let workspaces = first.workspaces().chain(second.workspaces()).chain([WorkspaceId::CONTROL]);
            let mut apart = workspaces.filter(|workspace| {
                let held = [first, second].map(|replica| replica.held(workspace).unwrap_or_default());
                held[0] != held[1]
            });
            // Whoever was put back trusts nobody yet, and says so; to the other it looks like one that has nothing to offer.
            let trusts = |replica: &SimReplica<A>| replica.unconfirmed().next().is_none();
            let told = |device: DeviceIndex, other: DeviceId| {
                let by_it = |event: &(DeviceIndex, Event)| matches!(event, (by, Event::Stopped { peer, .. }) if *by == device && *peer == other);
                self.events[link.events_before..].iter().any(by_it)
            };
            let says = |(device, replica): (DeviceIndex, &SimReplica<A>), (other, id)| {
                told(device, id) || (trusts(replica) && !trusts(other))
            };
            if says((one, first), (second, second.device())) && says((other, second), (first, first.device())) {
                continue;
            }
            let names = [one, other].map(|device| self.name(device));
            assert_eq!(apart.next(), None, "{names:?} are connected and not level, and not both say why");
        }
    }

    /// Asserts that all that users were told is safe is held by these devices of the person's. Excused is what nothing but disks of friends has who don't have
    /// the workspace any more: who was put back to before it gave it to them does not know of them, and nobody asks whom it was taken from.
    ///
    /// # Panics
    /// If something is not.
    pub fn assert_nothing_lost(&mut self, devices: &[DeviceIndex]) {
        let seed = self.rng.next();
        let read = |device: &DeviceIndex| {
            let of_device = &self.devices[device.0];
            (*device, of_device.read_logs(&of_device.storage().crash(seed)))
        };
        let own: Vec<(DeviceIndex, Logs)> = devices.iter().map(read).collect();
        let outsiders = self.whole().into_iter().filter(|device| self.shares.is_outsider(*device));
        let of_friends: Vec<(DeviceIndex, Logs)> = outsiders.map(|device| read(&device)).collect();
        for safe in self.ledger.iter() {
            let holds = |logs: &Logs| logs.holds(&safe.workspace, &safe.hash);
            let lost_on: Vec<&str> =
                own.iter().filter(|(_, logs)| !holds(logs)).map(|(device, _)| self.name(*device)).collect();
            let has = |friend| devices.iter().any(|device| self.gives(*device, friend, &safe.workspace));
            let mut holders = of_friends.iter().filter(|(_, logs)| holds(logs)).map(|(friend, _)| *friend).peekable();
            let is_with_strangers = holders.peek().is_some() && !holders.any(has);
            let is_excused = lost_on.len() == own.len() && is_with_strangers;
            assert!(lost_on.is_empty() || is_excused, "{safe:?} was safe, and is lost on {}", lost_on.join(", "));
        }
    }

    /// Whether a device knows that a friend is to have a workspace.
    fn gives(&self, device: DeviceIndex, friend: DeviceIndex, workspace: &WorkspaceId) -> bool {
        let friend = self.devices[friend.0].id();
        let intention = |replica: &SimReplica<A>| replica.trust().intention(&friend, workspace);
        matches!(self.devices[device.0].replica().and_then(intention), Some(Intention::Granted(_)))
    }

    /// Asserts that devices hold and show the same, byte for byte.
    ///
    /// # Panics
    /// If they don't, or one of them is off.
    pub fn assert_equal(&self, devices: &[DeviceIndex]) {
        for device in devices {
            assert_eq!(self.view(*device), self.view(devices[0]), "devices {device:?} and {:?} differ", devices[0]);
            let control = |device: DeviceIndex| {
                let replica = self.devices[device.0].replica().expect("the device is on");
                replica.held(&WorkspaceId::CONTROL)
            };
            assert_eq!(control(*device), control(devices[0]), "devices {device:?} and {:?} differ", devices[0]);
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

/// Removes the checkpoints of a disk.
fn remove_checkpoints(disk: &MemoryStorage) {
    for path in disk.files().into_iter().filter(|path| path.starts_with("state/") && !path.starts_with("state/local")) {
        disk.remove(&path).expect("the disk works");
    }
}

/// What a device holds.
fn held<A: Merge>(replica: &SimReplica<A>) -> Vec<Option<VersionVector>> {
    replica.workspaces().map(|workspace| replica.held(&workspace)).collect()
}

fn views<A: Merge>(replica: &SimReplica<A>) -> Vec<View> {
    let view = |workspace| {
        let digest = replica.application(&workspace).map(A::digest).unwrap_or_default();
        (workspace, digest, replica.entries(&workspace).unwrap_or_default())
    };
    replica.workspaces().map(view).collect()
}

/// Checks that nothing is shown or trusted that no device of the world said.
fn check_shown<A: Merge>(replica: &SimReplica<A>, known: &BTreeSet<DeviceId>) {
    for workspace in replica.workspaces() {
        let graph = replica.application(&workspace).expect("the workspace is held").graph();
        let forged = graph.nodes().find(|node| node.title().contains(FORGED));
        assert!(forged.is_none(), "something forged is shown");
    }
    let mut trusted = replica.trust().peers().map(|peer| peer.device);
    assert!(trusted.all(|device| known.contains(&device)), "somebody is trusted who was never paired");
}

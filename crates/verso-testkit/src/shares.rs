//! [`Shares`]: what a person gave to friends and took away again, and what must not be seen, or not be applied, because of it.

use std::collections::{BTreeMap, BTreeSet};

use verso_graph::{Intent, NodeId};
use verso_identity::WorkspaceId;
use verso_replica::DecisionError;
use verso_trust::{Access, Intention};
use verso_vv::EntryHash;
use verso_wire::ChainHead;

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::mutant::Mutant;
use crate::world::World;

/// A friend's device and a workspace.
type Share = (DeviceIndex, WorkspaceId);

/// What was decided, in the order in which it was.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    /// The devices of other people.
    outsiders: BTreeSet<DeviceIndex>,
    /// What a friend may have got: somebody has tried to give it.
    given: BTreeSet<Share>,
    /// The entries of the control log by which it was given, `None` if it is not known whether there are any.
    grants: BTreeMap<Share, Vec<Option<ChainHead>>>,
    /// What was taken away by somebody who knew of all grants, and was not given again since.
    taken: BTreeMap<Share, Taken>,
    /// What the person's devices wrote while that was so: the friend never gets it, unless the workspace is given again.
    kept_from: BTreeMap<Share, Vec<EntryHash>>,
    /// What a friend wrote, as far as it adds a node.
    written: BTreeMap<Share, Vec<ChainHead>>,
    /// What of it lies behind a cut: it is applied by nobody, whatever comes later.
    behind_cuts: Vec<(WorkspaceId, ChainHead, Taken)>,
    /// Whether a device has told lies: then a friend may have been offered what nobody gave it, and have taken it, which brings nothing.
    are_lies_told: bool,
}

/// That a workspace was taken away: by whom, and the last entry that this device wrote then in the control log and in the workspace. If they are lost, so is
/// the decision.
#[derive(Debug, Clone, Copy)]
struct Taken {
    by: DeviceIndex,
    told: ChainHead,
    cut: ChainHead,
}

impl Shares {
    /// Notes that a device is somebody else's.
    pub(crate) fn add_outsider(&mut self, device: DeviceIndex) {
        self.outsiders.insert(device);
    }

    /// Notes that a device tells lies from now on.
    pub(crate) fn note_liar(&mut self) {
        self.are_lies_told = true;
    }

    pub(crate) fn is_outsider(&self, device: DeviceIndex) -> bool {
        self.outsiders.contains(&device)
    }
}

impl<A: Merge> World<A> {
    /// Has the person at a device give a friend a workspace. `false` if that failed, or may be lost.
    pub fn share(&mut self, by: DeviceIndex, friend: DeviceIndex, workspace: WorkspaceId, access: Access) -> bool {
        let (share, id) = ((friend, workspace), self.devices[friend.0].id());
        self.tell(|| format!("{} gives {} {workspace} {access:?}", self.name(by), self.name(friend)));
        let given = self.decide(by, |replica, now| replica.share(&workspace, id, access, now));
        if matches!(&given, Some(Err(error)) if !matches!(error, DecisionError::Journal(_))) {
            self.tally.count("shares that were refused");
            return false;
        }
        let head = self.told(by, &WorkspaceId::CONTROL).filter(|_| matches!(given, Some(Ok(()))));
        self.tally.count(if head.is_some() { "shares" } else { "shares that failed" });
        self.shares.given.insert(share);
        self.shares.grants.entry(share).or_default().push(head);
        self.shares.taken.remove(&share);
        self.shares.kept_from.remove(&share);
        head.is_some()
    }

    /// Has the person at a device take a workspace away from a friend. `false` if that failed, or may be lost.
    pub fn unshare(&mut self, by: DeviceIndex, friend: DeviceIndex, workspace: WorkspaceId) -> bool {
        let (share, id) = ((friend, workspace), self.devices[friend.0].id());
        self.tell(|| format!("{} takes {workspace} from {}", self.name(by), self.name(friend)));
        let taken = match self.mutant {
            Mutant::ForgetsWithdrawals => self.devices[by.0].replica().map(|_| Some(())),
            _ => self.decide(by, |replica, now| replica.unshare(&workspace, id, now).ok()),
        };
        if !matches!(taken, Some(Some(()))) {
            self.tally.count("withdrawals that failed");
            return false;
        }
        let (Some(told), Some(cut)) = (self.told(by, &WorkspaceId::CONTROL), self.told(by, &workspace)) else {
            return false;
        };
        self.tally.count("withdrawals");
        let Some(replica) = self.devices[by.0].replica() else { return false };
        let knows = |grant: &Option<ChainHead>| {
            grant.is_some_and(|grant| replica.author_of(&WorkspaceId::CONTROL, &grant).is_some())
        };
        if self.shares.grants.get(&share).is_none_or(|grants| !grants.iter().all(knows)) {
            // Somebody may have given it anew at the same time.
            return true;
        }
        let taken = Taken { by, told, cut };
        let written = self.shares.written.get(&share).into_iter().flatten();
        let behind = written.filter(|head| replica.author_of(&workspace, head).is_none());
        self.shares.behind_cuts.extend(behind.map(|head| (workspace, *head, taken)));
        self.shares.taken.insert(share, taken);
        true
    }

    /// Returns what was ever given.
    pub(crate) fn given(&self) -> Vec<(DeviceIndex, WorkspaceId)> {
        self.shares.given.iter().copied().collect()
    }

    /// Has the people at the devices of others take all that they are offered.
    pub fn take_offers(&mut self, friend: DeviceIndex) {
        let Some(replica) = self.devices[friend.0].replica() else { return };
        let offers: Vec<_> = replica.pending_offers().collect();
        for offer in offers {
            self.tell(|| format!("{} takes {}", self.name(friend), offer.workspace));
            self.decide(friend, |replica, now| replica.join_workspace(&offer.workspace, offer.from, now).ok());
            self.tally.count("offers taken");
        }
    }

    /// The last entry that a device wrote in a log, if its power is still on and it is durable.
    fn told(&self, device: DeviceIndex, workspace: &WorkspaceId) -> Option<ChainHead> {
        let replica = self.devices[device.0].replica().filter(|_| !self.devices[device.0].has_lost_power())?;
        let is_whole = replica.failure(workspace).is_none() && !replica.needs_flush();
        replica.head(workspace, &replica.author()).filter(|_| is_whole)
    }

    /// Notes what follows from a commit, of which this is the last intent, for who may see it, or whether it is applied.
    pub(crate) fn note_written(
        &mut self,
        by: DeviceIndex,
        workspace: WorkspaceId,
        head: ChainHead,
        last: Option<&Intent>,
    ) {
        let adds_node = matches!(last, Some(Intent::AddNode { .. }));
        let shares = &mut self.shares;
        if shares.is_outsider(by) {
            let share = (by, workspace);
            if adds_node {
                shares.written.entry(share).or_default().push(head);
            }
            if let Some(taken) = shares.taken.get(&share).filter(|_| adds_node) {
                shares.behind_cuts.push((workspace, head, *taken));
                self.tally.count("writes behind a cut");
            }
            return;
        }
        let Some(replica) = self.devices[by.0].replica() else { return };
        let of_workspace = shares.taken.iter().filter(|((_, other), _)| *other == workspace);
        for ((friend, _), taken) in of_workspace {
            let id = self.devices[friend.0].id();
            let knows = replica.trust().intention(&id, &workspace) == Some(Intention::Withdrawn);
            if taken.by == by || knows {
                shares.kept_from.entry((*friend, workspace)).or_default().push(head.hash);
            }
        }
    }

    /// Checks that the devices of others hold nothing that nobody gave them.
    pub(crate) fn check_given(&self) {
        for outsider in &self.shares.outsiders {
            let Some(replica) = self.devices[outsider.0].replica() else { continue };
            let name = self.name(*outsider);
            let founded = |workspace: &WorkspaceId| self.witness.was_founded(workspace);
            let is_given = |workspace: &WorkspaceId| self.shares.given.contains(&(*outsider, *workspace));
            for workspace in replica.workspaces().filter(founded).filter(|workspace| !is_given(workspace)) {
                let is_a_name = self.shares.are_lies_told && replica.entries(&workspace) == Some((0, 0));
                assert!(is_a_name, "{name} has a workspace that nobody gave it");
            }
            let mut offers = replica.pending_offers().filter(|offer| founded(&offer.workspace));
            let offered = offers.find(|offer| !self.shares.are_lies_told && !is_given(&offer.workspace));
            assert!(offered.is_none(), "{name} is offered a workspace that nobody gave it: {offered:?}");
        }
    }

    /// Checks that what was taken away was, and that nothing behind a cut is applied. `device` is an own one that knows all.
    ///
    /// # Panics
    /// If something is seen or applied that must not be.
    pub(crate) fn check_taken(&mut self, device: DeviceIndex, can_leak: Leaks) {
        let seed = self.rng.next();
        for ((friend, workspace), kept) in self.shares.kept_from.iter().filter(|_| can_leak == Leaks::No) {
            let of_friend = &self.devices[friend.0];
            let logs = of_friend.read_logs(&of_friend.storage().crash(seed));
            let leaked = kept.iter().find(|hash| logs.holds(workspace, hash));
            assert!(leaked.is_none(), "{} got what was written after {workspace} was taken from it", of_friend.name);
            self.tally.count("withdrawals checked");
        }
        let replica = self.devices[device.0].replica().expect("it is on");
        for (workspace, head, taken) in &self.shares.behind_cuts {
            let is_held = |workspace: &WorkspaceId, head: &ChainHead| replica.author_of(workspace, head).is_some();
            let Some(application) = replica.application(workspace) else { continue };
            if !is_held(&WorkspaceId::CONTROL, &taken.told) || !is_held(workspace, &taken.cut) {
                continue;
            }
            let is_shown = application.graph().node(&NodeId::of(&head.hash)).is_some();
            assert!(!is_shown, "{} shows what was written in {workspace} past a cut", self.name(device));
            self.tally.count(if is_held(workspace, head) {
                "cuts checked"
            } else {
                "cuts checked of what was declined"
            });
        }
    }

    /// Checks that whoever has a workspace shows of it what the person's devices do.
    ///
    /// # Panics
    /// If it shows something else.
    pub(crate) fn check_shared(&mut self, device: DeviceIndex) {
        for (friend, workspace) in self.shares.given.clone() {
            let ids = [friend, device].map(|device| self.devices[device.0].id());
            let [theirs, ours] = [friend, device].map(|device| self.devices[device.0].replica().expect("it is on"));
            // The device that was told so carries it out. Where that may be one whose disk has rotted, which stays out of the end, it is still to come.
            if theirs.entries(&workspace).is_none() && self.devices.iter().any(|device| device.is_rotten) {
                continue;
            }
            let is_given = matches!(ours.trust().intention(&ids[0], &workspace), Some(Intention::Granted(_)));
            if !is_given || ours.trust().role(&ids[0]).is_none() || theirs.trust().role(&ids[1]).is_none() {
                continue;
            }
            let shown = [theirs, ours].map(|replica| {
                let applied = replica.entries(&workspace).map(|(_, applied)| applied);
                (replica.application(&workspace).map(A::digest), applied)
            });
            let name = &self.devices[friend.0].name;
            assert_eq!(shown[0], shown[1], "{name} has {workspace} and shows something else than its owner");
            self.tally.count("shares checked");
        }
    }
}

/// Whether what was taken away may reach a friend all the same: a device that lies may show it to anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaks {
    No,
    Possible,
}

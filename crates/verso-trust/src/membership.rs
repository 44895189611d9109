//! [`Membership`]: the fold of one workspace's membership.

pub(crate) mod event;
mod fold;
mod verdicts;

use std::sync::OnceLock;

use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, Branches, EntryHash, Seen, Seq};

use crate::admission::{Admission, Admissions};
use crate::event::EventContext;
use crate::events::{Event, EventSet};
use crate::peer::{Access, Standing};
use event::{MembershipChange, MembershipEvent};
use fold::State;

/// Who may do what in one workspace, folded alike by all its members.
///
/// The state is a function of the *set* of events that were [applied](Self::apply), whatever order they came in. All held membership
/// entries of a workspace go in, those of authors who have no say too: the fold knows whose word counts. It is computed at the first
/// question after a change and kept until the next.
#[derive(Debug, Clone)]
pub struct Membership {
    workspace: WorkspaceId,
    events: EventSet<MembershipChange>,
    state: OnceLock<State>,
}

/// A device that has access to a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Which device.
    pub device: DeviceId,
    /// What it may do.
    pub access: Access,
    /// What it may decide about others.
    pub standing: Standing,
    /// Who vouched for it first, of those whose word still counts; the founder needs nobody.
    pub vouched_by: Option<DeviceId>,
}

impl Membership {
    /// Makes the fold of an empty log.
    pub const fn new(workspace: WorkspaceId) -> Self {
        Self { workspace, events: EventSet::new(), state: OnceLock::new() }
    }

    /// Adds an event. They may come in any order and any number of times.
    pub fn apply(&mut self, context: &EventContext, event: MembershipEvent) {
        let MembershipEvent { seen, change } = event;
        if self.events.insert(Event { context: *context, seen, change }) {
            self.state = OnceLock::new();
        }
    }

    /// Iterates over all events that were applied: put into another fold, they make the same of it.
    pub fn events(&self) -> impl Iterator<Item = (&EventContext, MembershipEvent)> {
        self.events.iter().map(|Event { context, seen, change }| {
            (context, MembershipEvent { seen: seen.clone(), change: change.clone() })
        })
    }

    /// Iterates over the entries that events name by author, number and hash. If their chain was forked, the fold has to be
    /// [told](Self::set_branches) what they are called now.
    pub fn named(&self) -> impl Iterator<Item = (Author, Seq, EntryHash)> + '_ {
        self.events.iter().flat_map(|event| event.change.named())
    }

    /// Tells the fold which authors are branches of forked chains, and what entries are called that events [name](Self::named).
    pub fn set_branches(&mut self, branches: Branches) {
        self.events.branches = branches;
        self.state = OnceLock::new();
    }

    /// Returns the fold as it will be with these events too, for judging a unit by what it brings itself: the founding chain by its
    /// [`Found`](crate::Found), a chain that goes on after a cut by its [`Resume`](crate::Resume).
    #[must_use]
    pub fn preview(&self, events: impl IntoIterator<Item = (EventContext, MembershipEvent)>) -> Self {
        // All but the state, which is about to be another.
        let mut preview = Self { workspace: self.workspace, events: self.events.clone(), state: OnceLock::new() };
        for (context, event) in events {
            preview.apply(&context, event);
        }
        preview
    }

    /// Returns the workspace.
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Returns what an event that is written now has seen: the last membership entry that counts of each chain.
    pub fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    /// Returns the founder, once an entry is there that proves it.
    pub fn founder(&self) -> Option<DeviceId> {
        self.state().founder
    }

    /// Returns what `device` may do now; `None` if it has no access.
    pub fn access_of(&self, device: &DeviceId) -> Option<Access> {
        self.state().members.get(device).map(|member| member.access)
    }

    /// Returns what `device` may decide about others now; `None` if it has no access.
    pub fn standing_of(&self, device: &DeviceId) -> Option<Standing> {
        self.state().members.get(device).map(|member| member.standing)
    }

    /// Returns a device that has access.
    pub(crate) fn member(&self, device: &DeviceId) -> Option<&Member> {
        self.state().members.get(device)
    }

    /// Iterates over the devices that have access, in the order of their ids.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.state().members.values()
    }

    /// Tells whether `device` had access once and lost all of it.
    pub fn was_member(&self, device: &DeviceId) -> bool {
        let state = self.state();
        state.authority.was_granted(device) && !state.members.contains_key(device)
    }

    /// Tells what becomes of one entry of the application's.
    pub fn admits(&self, author: &Author, seq: Seq) -> Admission {
        self.admissions(author).at(seq)
    }

    /// Tells what becomes of each of the application's entries of an author's chain.
    pub fn admissions(&self, author: &Author) -> Admissions {
        self.state().admissions(author)
    }

    /// Tells what becomes of each membership entry of an author's chain. Those of a read-only member count too: it may vouch its own
    /// further devices.
    pub fn membership_admissions(&self, author: &Author) -> Admissions {
        self.state().membership_admissions(author)
    }

    /// Tells whether the author has to write a [`Resume`](crate::Resume) before anything else: its device was given write access again
    /// after its chain was cut, and the chain doesn't say yet that it knows.
    pub fn must_resume(&self, author: &Author) -> bool {
        self.access_of(&author.device) == Some(Access::ReadWrite) && !self.admissions(author).is_open()
    }

    /// Returns what other owners discarded and nobody keeps, and `me`, which owns the workspace too, has to give up as well: authors with the first
    /// and last of their entries. Once all have, the content may go.
    pub fn to_give_up(&self, me: &DeviceId) -> Vec<(Author, Seq, Seq)> {
        self.state().unconfirmed(me)
    }

    /// Iterates over the authors of whom something was [given up](Admissions::given_up) by all owners.
    pub fn given_up(&self) -> impl Iterator<Item = &Author> {
        self.state().given_up()
    }

    /// Tells whether `device` had access once and gave it up itself.
    pub fn has_left(&self, device: &DeviceId) -> bool {
        self.state().has_left(device)
    }

    /// Iterates over the devices that [left](Self::has_left).
    pub fn left(&self) -> impl Iterator<Item = DeviceId> + '_ {
        let state = self.state();
        state.authority.removed().copied().filter(|device| state.has_left(device))
    }

    fn state(&self) -> &State {
        self.state.get_or_init(|| State::fold(self.workspace, &self.events))
    }
}

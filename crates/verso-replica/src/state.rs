//! What a journal's entries add up to: the fold that judges authors, and the application.

use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{Admissions, Control, ControlEvent, EventContext, Membership, MembershipChange, MembershipEvent};
use verso_vv::{Author, Branches, EntryHash, Seq};
use verso_wire::{Application, AppliedEntry, EntryKind};

use crate::guard;

/// The state behind one journal. Every entry that is *held* passes through [`hold`](Self::hold), because the fold that judges authors is made of
/// all authentic events; only those that the fold lets through reach [`apply`](Self::apply).
pub(crate) trait State {
    /// Whether there is anything to apply entries to. If not, nothing is read from the log to follow the fold.
    const APPLIES: bool;

    /// Takes in an authentic entry, applied or not. Returns whether the fold may have changed.
    fn hold(&mut self, context: &EventContext, kind: EntryKind, payload: &[u8]) -> bool;

    /// Tells whether an entry has others applied that were passed over before.
    fn brings_back(_kind: EntryKind, _payload: &[u8]) -> bool {
        false
    }

    /// Tells which entries of `author` are let through.
    fn admissions(&self, author: &Author) -> Admissions;

    /// Returns the authors of whom something was given up for good.
    fn given_up(&self) -> Vec<Author> {
        Vec::new()
    }

    /// Applies an entry that was let through, in its author's order.
    fn apply(&mut self, entry: &AppliedEntry<'_>);

    /// Tells whether what was applied can be relied on: applying never failed by a defect.
    fn is_sound(&self) -> bool {
        true
    }

    /// Forgets all that was applied, for a rebuild. What was held stays.
    fn reset(&mut self);

    /// Forgets all that was held, too: it comes again under other names, since a fork was found.
    fn forget(&mut self);

    /// Returns the entries that events name by author, number and hash.
    fn named(&self) -> Vec<(Author, Seq, EntryHash)>;

    /// Takes what chains and those entries are called since forks were found.
    fn set_branches(&mut self, branches: Branches);
}

/// The control log: the fold is all there is.
#[derive(Debug)]
pub(crate) struct ControlState {
    pub(crate) control: Control,
}

impl ControlState {
    pub(crate) fn new(me: DeviceId) -> Self {
        Self { control: Control::new(me) }
    }
}

impl State for ControlState {
    const APPLIES: bool = false;

    fn hold(&mut self, context: &EventContext, kind: EntryKind, payload: &[u8]) -> bool {
        // A malformed event, or one of a newer version, is held and forwarded, and says nothing to this version.
        let Ok(event) = ControlEvent::decode(kind.0, payload) else { return false };
        self.control.apply(context, event);
        true
    }

    fn admissions(&self, author: &Author) -> Admissions {
        self.control.admissions(author)
    }

    fn apply(&mut self, _entry: &AppliedEntry<'_>) {}

    fn reset(&mut self) {}

    fn forget(&mut self) {
        self.control.forget_events();
    }

    fn named(&self) -> Vec<(Author, Seq, EntryHash)> {
        self.control.named().collect()
    }

    fn set_branches(&mut self, branches: Branches) {
        self.control.set_branches(branches);
    }
}

/// A workspace: membership judges, the application shows.
#[derive(Debug)]
pub(crate) struct WorkspaceState<A> {
    pub(crate) membership: Membership,
    pub(crate) application: A,
    /// The application panicked: what it shows is nothing to go by until it is built again.
    pub(crate) soundness: Soundness,
}

/// Whether an application can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Soundness {
    Sound,
    Broken,
}

impl<A: Application> WorkspaceState<A> {
    pub(crate) fn new(workspace: WorkspaceId) -> Self {
        Self { membership: Membership::new(workspace), application: A::default(), soundness: Soundness::Sound }
    }
}

impl<A: Application> State for WorkspaceState<A> {
    const APPLIES: bool = true;

    fn hold(&mut self, context: &EventContext, kind: EntryKind, payload: &[u8]) -> bool {
        if !kind.is_membership() {
            return false;
        }
        let Ok(event) = MembershipEvent::decode(kind.0, payload) else { return false };
        self.membership.apply(context, event);
        true
    }

    fn brings_back(kind: EntryKind, payload: &[u8]) -> bool {
        let event = kind.is_membership().then(|| MembershipEvent::decode(kind.0, payload));
        matches!(event, Some(Ok(event)) if matches!(event.change, MembershipChange::Keep(_)))
    }

    fn admissions(&self, author: &Author) -> Admissions {
        self.membership.admissions(author)
    }

    fn given_up(&self) -> Vec<Author> {
        self.membership.given_up().copied().collect()
    }

    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        if self.soundness == Soundness::Broken {
            return;
        }
        // Membership entries too: they change nothing there, but what was seen names their hashes.
        let application = &mut self.application;
        if guard::run("applying an entry", || application.apply(entry)).is_err() {
            self.soundness = Soundness::Broken;
        }
    }

    fn is_sound(&self) -> bool {
        self.soundness == Soundness::Sound
    }

    fn reset(&mut self) {
        self.application = A::default();
        self.soundness = Soundness::Sound;
    }

    fn forget(&mut self) {
        self.membership = Membership::new(self.membership.workspace());
        self.reset();
    }

    fn named(&self) -> Vec<(Author, Seq, EntryHash)> {
        self.membership.named().collect()
    }

    fn set_branches(&mut self, branches: Branches) {
        self.membership.set_branches(branches);
    }
}

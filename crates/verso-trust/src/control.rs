//! [`Control`]: the fold of the control log.

pub(crate) mod event;
mod fold;
mod further;
mod registers;
mod seniority;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, Branches, EntryHash, Hlc, Seen, Seq};

use crate::admission::{Admission, Admissions};
use crate::event::{EventContext, Sealed};
use crate::events::{Event, EventSet};
use crate::peer::{Access, PairingWay, PeerRole, TrustedPeer};
use event::{Admitted, ControlChange, ControlEvent, FurtherDevice, GenerationId, WorkspaceOrigin};
use fold::State;

/// What a person's devices know together: the fold of the control log, seen from one of them.
///
/// The state is a function of the *set* of events that were [applied](Self::apply), whatever order they came in. It is computed at the
/// first question after a change and kept until the next, so many events may be applied in a row at no cost.
///
/// Beside the fold it holds what only this device knows: when it last met a peer, which peers are provisional, that is paired
/// but not yet proven by a first handshake, and whether the log was put back to an earlier state and has yet to be confirmed.
#[derive(Debug, Clone)]
pub struct Control {
    me: DeviceId,
    events: EventSet<ControlChange>,
    state: OnceLock<State>,
    last_seen: BTreeMap<DeviceId, Hlc>,
    provisional: BTreeMap<DeviceId, u64>,
    /// Whom the person has confirmed since the log was put back to an earlier state; `None` unless it was.
    confirmed: Option<BTreeSet<DeviceId>>,
}

/// A workspace that own devices keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownWorkspace {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Its name, for lists; the name that counts is in the workspace's own log.
    pub name: String,
    /// Where it comes from.
    pub origin: WorkspaceOrigin,
}

/// What the person wants a friend to have of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intention {
    /// The friend is to have it.
    Granted(Access),
    /// It had it once and is not to have it any more.
    Withdrawn,
}

/// What the person wants, and which own device was last told so: it is the one that carries it out, where it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Intended {
    pub(crate) intention: Intention,
    pub(crate) by: DeviceId,
}

/// A pairing that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPairing {
    /// Which own device told of it.
    pub by: DeviceId,
    /// What it told.
    pub admitted: Admitted,
}

/// A generation of the group secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its name.
    pub id: GenerationId,
    /// Which device made it.
    pub made_by: DeviceId,
    /// When.
    pub made_at: Hlc,
    /// The devices, once own, of whose removal it doesn't know. One that knows of every removal is sound; one that doesn't proves nothing of these devices,
    /// and is never the current one.
    pub unaware_of: BTreeSet<DeviceId>,
    /// The secret, sealed to each device that was given it.
    pub sealed: BTreeMap<DeviceId, Sealed>,
}

/// The removal of a device that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// Which own device removed it.
    pub by: DeviceId,
    /// When.
    pub at: Hlc,
}

impl Control {
    /// Makes the fold of an empty log, seen from the device `me`.
    pub const fn new(me: DeviceId) -> Self {
        Self {
            me,
            events: EventSet::new(),
            state: OnceLock::new(),
            last_seen: BTreeMap::new(),
            provisional: BTreeMap::new(),
            confirmed: None,
        }
    }

    /// Adds an event. Of one author they may come in any order and any number of times.
    pub fn apply(&mut self, context: &EventContext, event: ControlEvent) {
        let ControlEvent { seen, change } = event;
        if self.events.insert(Event { context: *context, seen, change }) {
            self.state = OnceLock::new();
        }
    }

    /// Forgets all events, to be told them again under other names since forks were found. What only this device knows stays.
    pub fn forget_events(&mut self) {
        self.events = EventSet::new();
        self.state = OnceLock::new();
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

    /// Returns the fold as it will be with these events too, for judging a unit by what it brings itself.
    #[must_use]
    pub fn preview(&self, events: impl IntoIterator<Item = (EventContext, ControlEvent)>) -> Self {
        // All but the state, which is about to be another.
        let mut preview = Self {
            me: self.me,
            events: self.events.clone(),
            state: OnceLock::new(),
            last_seen: self.last_seen.clone(),
            provisional: self.provisional.clone(),
            confirmed: self.confirmed.clone(),
        };
        for (context, event) in events {
            preview.apply(&context, event);
        }
        preview
    }

    /// Returns what an event that is written now has seen.
    pub fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    /// Returns the device from which the log is seen.
    pub const fn me(&self) -> DeviceId {
        self.me
    }

    /// Iterates over all trusted peers, own devices and friends, in the order of their ids.
    pub fn peers(&self) -> impl Iterator<Item = TrustedPeer> + '_ {
        self.state().peers.values().map(|peer| self.with_last_seen(peer))
    }

    /// Returns one trusted peer.
    pub fn peer(&self, device: &DeviceId) -> Option<TrustedPeer> {
        self.state().peers.get(device).map(|peer| self.with_last_seen(peer))
    }

    /// Returns what a trusted peer is to this device; `None` for everyone else and for this device itself.
    pub fn role(&self, device: &DeviceId) -> Option<PeerRole> {
        self.state().peers.get(device).map(|peer| peer.role)
    }

    /// Tells whether `device` is this device or another of the same person's, and not removed.
    pub fn is_own(&self, device: &DeviceId) -> bool {
        self.state().own.contains(device)
    }

    /// Iterates over the person's devices, this one among them, the most senior first.
    pub fn own_devices(&self) -> impl ExactSizeIterator<Item = DeviceId> + '_ {
        self.state().own.iter().copied()
    }

    /// Returns the name of an own device or peer: what it was last renamed to, or how it introduced itself.
    pub fn name(&self, device: &DeviceId) -> Option<&str> {
        self.state().names.get(device).map(String::as_str)
    }

    /// Returns the X25519 key to which secrets for `device` are sealed.
    pub fn sealing_key(&self, device: &DeviceId) -> Option<&[u8; 32]> {
        self.state().sealing_keys.get(device)
    }

    /// Iterates over the pairings with `peer` that hold, the latest first.
    pub fn pairings<'a>(&'a self, peer: &DeviceId) -> impl Iterator<Item = &'a HeldPairing> + use<'a> {
        self.state().pairings.get(peer).into_iter().flatten()
    }

    /// Returns the friend's device that introduced `peer`, if `peer` went through no pairing of its own.
    pub fn introduced_by(&self, peer: &DeviceId) -> Option<DeviceId> {
        match self.state().peers.get(peer)?.way {
            PairingWay::Introduced { by } => Some(by),
            _ => None,
        }
    }

    /// Returns the friend's device on whose pairing trust in `peer` rests: the one that introduced it, or else itself.
    pub fn principal(&self, peer: &DeviceId) -> DeviceId {
        self.introduced_by(peer).unwrap_or(*peer)
    }

    /// Returns the further devices that a friend's device tells of now, whatever else is known of them; `None` if it told of none yet.
    pub fn further_devices(&self, friend: &DeviceId) -> Option<&[FurtherDevice]> {
        self.state().further.lists.get(friend).map(Vec::as_slice)
    }

    /// Counts how often since `since` it was written down which further devices a friend's device tells of.
    pub fn further_devices_told(&self, friend: &DeviceId, since: Hlc) -> usize {
        let is_told = |event: &&Event<ControlChange>| matches!(&event.change, ControlChange::FurtherDevices(told) if told.friend == *friend);
        self.events.iter().filter(is_told).filter(|event| event.context.hlc >= since).count()
    }

    /// Returns the removal of `device` if it was trusted once and is no longer: because it was removed, or because the friend that introduced it doesn't
    /// tell of it any more, or was removed itself.
    pub fn removal(&self, device: &DeviceId) -> Option<Removal> {
        let state = self.state();
        state.removals.get(device).copied().or_else(|| state.further.gone.get(device).map(|gone| gone.removal))
    }

    /// Returns the friend's device that had introduced `device`, if that is how it was trusted once and it is no longer.
    pub(crate) fn was_introduced_by(&self, device: &DeviceId) -> Option<DeviceId> {
        let state = self.state();
        let was_removed = state.removals.contains_key(device);
        state.further.gone.get(device).filter(|_| !was_removed).map(|gone| gone.friend)
    }

    /// Tells whether `device` was trusted once and is no longer: it is told `revoked`, all others `not-trusted`.
    pub fn was_paired(&self, device: &DeviceId) -> bool {
        self.removal(device).is_some()
    }

    /// Tells what becomes of one entry of the control log.
    pub fn admits(&self, author: &Author, seq: Seq) -> Admission {
        self.admissions(author).at(seq)
    }

    /// Tells what becomes of each entry of an author's chain in the control log.
    pub fn admissions(&self, author: &Author) -> Admissions {
        self.state().admissions(author)
    }

    /// Iterates over the workspaces that own devices keep, in the order of their ids.
    pub fn workspaces(&self) -> impl Iterator<Item = &KnownWorkspace> {
        self.state().workspaces.values()
    }

    /// Returns one workspace that own devices keep.
    pub fn workspace(&self, workspace: &WorkspaceId) -> Option<&KnownWorkspace> {
        self.state().workspaces.get(workspace)
    }

    /// Tells whether an own device is not to have a workspace.
    pub fn is_excluded(&self, workspace: &WorkspaceId, device: &DeviceId) -> bool {
        self.excluded_by(workspace, device).is_some()
    }

    /// Tells whether an own device left a workspace by itself, as opposed to being told to do without it.
    pub fn has_left(&self, workspace: &WorkspaceId, device: &DeviceId) -> bool {
        self.excluded_by(workspace, device) == Some(*device)
    }

    /// Returns which own device excluded a workspace for an own device, if it is excluded.
    pub(crate) fn excluded_by(&self, workspace: &WorkspaceId, device: &DeviceId) -> Option<DeviceId> {
        self.state().excluded.get(&(*workspace, *device)).copied()
    }

    /// Returns what the person wants a friend to have of a workspace, on whichever of the friend's devices; `None` if that was never spoken of.
    pub fn intention(&self, friend: &DeviceId, workspace: &WorkspaceId) -> Option<Intention> {
        self.intended(friend, workspace).map(|intended| intended.intention)
    }

    pub(crate) fn intended(&self, friend: &DeviceId, workspace: &WorkspaceId) -> Option<Intended> {
        self.state().intentions.get(&(self.principal(friend), *workspace)).copied()
    }

    /// Iterates over the friends' devices that the person wants to have a workspace, or not to have it, in the order of their ids.
    pub(crate) fn intended_for(&self, workspace: WorkspaceId) -> impl Iterator<Item = (DeviceId, Intended)> + '_ {
        let friends = self.state().peers.values().filter(|peer| peer.role == PeerRole::Friend);
        friends.filter_map(move |peer| Some((peer.device, self.intended(&peer.device, &workspace)?)))
    }

    /// Iterates over all generations of the group secret, in the order of their names.
    pub fn generations(&self) -> impl Iterator<Item = &Generation> {
        self.state().generations.values()
    }

    /// Returns the generation that opens workspaces: the newest of the sound ones. There is none before the first is made and
    /// after a removal until somebody has made a new one.
    pub fn current_generation(&self) -> Option<&Generation> {
        let state = self.state();
        state.current_generation.as_ref().and_then(|id| state.generations.get(id))
    }

    /// Returns which device is to make the group secret anew: the one that removed a device last, or else the most senior. `None` if there is a
    /// current one, or nobody to share it with.
    pub fn renewer(&self) -> Option<DeviceId> {
        let state = self.state();
        if state.current_generation.is_some() || state.own.len() < 2 {
            return None;
        }
        let by = state.last_removal_of_own().map(|removal| removal.by);
        by.filter(|by| state.own.contains(by)).or_else(|| state.own.first().copied())
    }

    /// Notes that this device met a peer. Earlier meetings than the last are ignored.
    pub fn met(&mut self, device: DeviceId, at: Hlc) {
        let last = self.last_seen.entry(device).or_default();
        *last = at.max(*last);
    }

    /// Iterates over peers and when this device last met them, for keeping it.
    pub fn last_seen(&self) -> impl Iterator<Item = (DeviceId, Hlc)> + '_ {
        self.last_seen.iter().map(|(device, at)| (*device, *at))
    }

    /// Lets a device connect for its first handshake until `lapses_at_ms` (Unix epoch), and do nothing else.
    pub fn add_provisional(&mut self, device: DeviceId, lapses_at_ms: u64) {
        self.provisional.insert(device, lapses_at_ms);
    }

    /// Forgets a provisional peer: its first handshake made it real, or its pairing was given up.
    pub fn drop_provisional(&mut self, device: &DeviceId) {
        self.provisional.remove(device);
    }

    /// Forgets the provisional peers whose time is over at `now_ms`, and returns them.
    pub fn lapse_provisional(&mut self, now_ms: u64) -> BTreeSet<DeviceId> {
        let lapsed: BTreeSet<DeviceId> =
            self.provisional.iter().filter(|(_, at)| **at <= now_ms).map(|(device, _)| *device).collect();
        self.provisional.retain(|device, _| !lapsed.contains(device));
        lapsed
    }

    /// Tells whether `device` may connect for its first handshake.
    pub fn is_provisional(&self, device: &DeviceId) -> bool {
        self.provisional.contains_key(device)
    }

    /// Holds everybody back whom the person has not confirmed, because the log was put back to an earlier state: who was removed since is still
    /// in it. Own devices may bring the control log level, and nothing else; friends are refused.
    pub fn confirm_only(&mut self, confirmed: BTreeSet<DeviceId>) {
        self.confirmed = Some(confirmed);
    }

    /// Takes the log as it is again: it is as new as that of the person's other devices.
    pub fn confirm_all(&mut self) {
        self.confirmed = None;
    }

    /// Tells whether trust in `device` may be outdated.
    pub fn is_unconfirmed(&self, device: &DeviceId) -> bool {
        self.confirmed.as_ref().is_some_and(|confirmed| !confirmed.contains(device))
    }

    fn with_last_seen(&self, peer: &TrustedPeer) -> TrustedPeer {
        TrustedPeer { last_seen: self.last_seen.get(&peer.device).copied(), ..peer.clone() }
    }

    fn state(&self) -> &State {
        self.state.get_or_init(|| State::fold(self.me, &self.events))
    }
}

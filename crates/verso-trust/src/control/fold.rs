//! From the set of control events to the state: first whose word counts, then what it says.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, Seen};

use super::event::{ControlChange, GenerationId};
use super::further::Further;
use super::registers::Registers;
use super::seniority::seniority;
use super::{Generation, HeldPairing, Intended, KnownWorkspace, Removal};
use crate::admission::{Admission, Admissions, HeldReason};
use crate::authority::{Act, Authority, Effect, Need, Power};
use crate::event::EventContext;
use crate::events::EventSet;
use crate::peer::{PeerRole, TrustedPeer};

/// The meaning of a set of control events, seen from one device.
#[derive(Debug, Clone)]
pub(super) struct State {
    authority: Authority,
    /// The person's devices, the most senior first.
    pub(super) own: Vec<DeviceId>,
    /// Without `last_seen`, which is no part of the fold.
    pub(super) peers: BTreeMap<DeviceId, TrustedPeer>,
    pub(super) names: BTreeMap<DeviceId, String>,
    pub(super) sealing_keys: BTreeMap<DeviceId, [u8; 32]>,
    pub(super) pairings: BTreeMap<DeviceId, Vec<HeldPairing>>,
    pub(super) removals: BTreeMap<DeviceId, Removal>,
    pub(super) further: Further,
    pub(super) workspaces: BTreeMap<WorkspaceId, KnownWorkspace>,
    pub(super) excluded: BTreeMap<(WorkspaceId, DeviceId), DeviceId>,
    pub(super) intentions: BTreeMap<(DeviceId, WorkspaceId), Intended>,
    pub(super) generations: BTreeMap<GenerationId, Generation>,
    pub(super) current_generation: Option<GenerationId>,
    pub(super) seen: Seen,
}

impl State {
    pub(super) fn fold(me: DeviceId, events: &EventSet<ControlChange>) -> Self {
        let authority = Authority::resolve(Some(me), events, acts(events), seniority);
        // Who is trusted by nothing but a spared word comes last.
        let mut own = seniority(Some(me), &authority.uncut_grants());
        let others: BTreeSet<DeviceId> = authority.grants().iter().map(|grant| grant.to).collect();
        own.extend(others.into_iter().filter(|device| !own.contains(device)).collect::<Vec<_>>());
        own.retain(|device| authority.power(device).is_some());

        let mut admissions: BTreeMap<Author, Admissions> = BTreeMap::new();
        for event in events.iter() {
            let author = event.context.author;
            admissions.entry(author).or_insert_with(|| admissions_of(&authority, &author));
        }
        let is_applied = |context: &EventContext| {
            admissions.get(&context.author).is_some_and(|chain| chain.at(context.seq) == Admission::Applied)
        };
        let (applied, spared): (Vec<_>, Vec<_>) = events.iter().partition(|event| is_applied(&event.context));
        let registers = Registers {
            me,
            events,
            authority: &authority,
            own: &own,
            applied,
            spared: spared.into_iter().filter(|event| authority.acts_at(&event.context)).collect(),
        };
        let intentions = registers.intentions();
        let mut peers = registers.peers(&intentions);
        let further = Further::of(&registers, &peers);
        peers.extend(registers.introduced(&further, &intentions).into_iter().map(|peer| (peer.device, peer)));
        let generations = registers.generations();
        Self {
            names: registers.names(&peers),
            sealing_keys: registers.sealing_keys(),
            pairings: registers.pairings_in_order(),
            removals: registers.removals(&peers),
            further,
            workspaces: registers.workspaces(),
            excluded: registers.excluded(),
            current_generation: registers.current_generation(&generations),
            seen: events.seen(|context| is_applied(context) || authority.acts_at(context)),
            intentions,
            peers,
            generations,
            own,
            authority,
        }
    }

    /// Returns the latest removal of a device that was once own.
    pub(super) fn last_removal_of_own(&self) -> Option<&Removal> {
        let of_own = self.removals.iter().filter(|(device, _)| self.authority.was_granted(device));
        of_own.map(|(_, removal)| removal).max_by_key(|removal| (removal.at, removal.by))
    }

    pub(super) fn admissions(&self, author: &Author) -> Admissions {
        admissions_of(&self.authority, author)
    }
}

fn admissions_of(authority: &Authority, author: &Author) -> Admissions {
    let otherwise = match authority.cut_by(author) {
        _ if !authority.was_granted(&author.device) => Admission::Unknown,
        Some(removal) => Admission::Held(HeldReason::Cut { by: removal.author.device, at: removal.hlc }),
        // Nothing is cut, so this is the case of no entry.
        None => Admission::Applied,
    };
    Admissions { applied: authority.ranges(author, Need::Grant), otherwise, ..Admissions::none() }
}

/// Selects what decides whose word counts: admissions of own devices, and removals.
fn acts(events: &EventSet<ControlChange>) -> Vec<Act> {
    let act = |context: EventContext, change: &ControlChange| {
        let effect = match change {
            ControlChange::Admitted(admitted) if admitted.role == PeerRole::Own => {
                Effect::Grant { to: admitted.device, power: Power::FULL, side: Some(admitted.side) }
            }
            ControlChange::Removed(removed) => Effect::Removal { of: removed.device, cuts: events.cuts(&removed.cuts) },
            _ => return None,
        };
        Some(Act { context, need: Need::Grant, effect })
    };
    events.iter().filter_map(|event| act(event.context, &event.change)).collect()
}

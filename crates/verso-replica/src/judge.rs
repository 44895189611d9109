//! The fold's word on a unit that a peer brings.

use verso_identity::DeviceId;
use verso_trust::{
    Brings, Control, EventContext, Membership, MembershipChange, MembershipEvent, Request, Verdict, decide,
};
use verso_vv::{Author, AuthorTag, Seq};
use verso_wire::{ChainedUnit, Content};

/// What the fold is asked about beside the unit itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// Who brought the unit.
    pub(crate) carrier: DeviceId,
    /// Whose the first entry is that is not held yet.
    pub(crate) author: Author,
    /// How many other chains the author's device has here.
    pub(crate) other_chains: usize,
    /// The first entry that is not held yet.
    pub(crate) first: Seq,
}

/// Judges a unit of the control log. Whatever an own device brings of it is held, so the unit's own events change nothing.
pub(crate) fn judge_control(control: &Control, asked: Asked, unit: &ChainedUnit) -> Verdict {
    decide(&request(asked, Brings::Membership, unit), control, None)
}

/// Judges a unit of a workspace.
///
/// Of all events, only the founding can make the unit that brings it welcome: who was vouched for by others is known before, and what is
/// held from a member that was cut is held whether or not it says that it goes on. So the fold is asked as it is, at no cost, and only a
/// founding that the workspace's id proves is tried on it.
pub(crate) fn judge(control: &Control, membership: &Membership, asked: Asked, unit: &ChainedUnit) -> Verdict {
    let is_event = |content| matches!(content, Content::Full { kind, .. } if kind.is_membership());
    let all_events = unit.entries().all(|entry| is_event(entry.content));
    let request = request(asked, if all_events { Brings::Membership } else { Brings::Content }, unit);
    let verdict = decide(&request, control, Some(membership));
    if matches!(verdict, Verdict::Refuse(_))
        && membership.founder().is_none()
        && let Some(founding) = founding(unit)
    {
        return decide(&request, control, Some(&membership.preview([founding])));
    }
    verdict
}

/// The event in a unit that proves its author to have founded the workspace.
fn founding(unit: &ChainedUnit) -> Option<(EventContext, MembershipEvent)> {
    let author = unit.author();
    unit.entries().zip(unit.hashes()).find_map(|(entry, hash)| {
        let Content::Full { kind, hlc, payload } = entry.content else { return None };
        let event = MembershipEvent::decode(kind.0, payload).ok()?;
        let MembershipChange::Found(found) = &event.change else { return None };
        let tag = AuthorTag::of(unit.signer());
        let is_founder = unit.workspace().is_founded_by(&author.device, &found.nonce);
        is_founder.then_some((EventContext { author, seq: entry.seq, hash: *hash, hlc, tag }, event))
    })
}

fn request(asked: Asked, brings: Brings, unit: &ChainedUnit) -> Request {
    Request::Unit {
        carrier: asked.carrier,
        workspace: *unit.workspace(),
        author: asked.author,
        first: asked.first,
        last: unit.last_seq(),
        brings,
        other_chains: asked.other_chains,
    }
}

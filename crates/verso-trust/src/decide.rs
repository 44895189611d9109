//! [`decide`]: the only authorisation decision there is.

use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, Seq};

use crate::admission::{Admission, HeldReason};
use crate::control::event::WorkspaceOrigin;
use crate::control::{Control, Intention};
use crate::event::MAX_CHAINS_PER_DEVICE;
use crate::membership::Membership;
use crate::peer::{Access, PeerRole};

/// What is to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// This device wants to connect to a peer.
    Dial {
        /// Whom.
        peer: DeviceId,
    },
    /// A peer has connected to this device.
    Accept {
        /// Who.
        peer: DeviceId,
    },
    /// This device wants to tell a peer that it has a workspace.
    Offer {
        /// Whom.
        peer: DeviceId,
        /// Which.
        workspace: WorkspaceId,
    },
    /// A peer has offered a workspace that this device might take.
    Adopt {
        /// Who offers.
        peer: DeviceId,
        /// Which.
        workspace: WorkspaceId,
    },
    /// A workspace, or the control log, is to be synced with a peer.
    Open {
        /// With whom.
        peer: DeviceId,
        /// Which.
        workspace: WorkspaceId,
    },
    /// A unit is to enter a log.
    Unit {
        /// Who brought it; matters only for what becomes of a unit that can't be applied.
        carrier: DeviceId,
        /// Who wrote it.
        author: Author,
        /// In which log.
        workspace: WorkspaceId,
        /// Its first entry.
        first: Seq,
        /// Its last entry.
        last: Seq,
        /// What it brings.
        brings: Brings,
        /// How many *other* chains of the author's device the log holds.
        other_chains: usize,
    },
    /// This device wants to write entries of the application, or in the control log.
    Write {
        /// In which log.
        workspace: WorkspaceId,
        /// As which author of its own.
        author: Author,
    },
}

/// What a unit brings. Read-only members may write membership entries and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brings {
    /// Entries of the application, or digests, and perhaps membership entries.
    Content,
    /// Membership entries alone.
    Membership,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go ahead. A unit: it is held, and at least one of its entries is applied.
    Allow,
    /// Not now. A unit: it is held, and none of its entries is applied.
    Hold(HoldReason),
    /// No.
    Refuse(Refusal),
}

/// Why something waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldReason {
    /// A unit of an author nobody has vouched for yet: an own device brought it, so somebody may still.
    Unvouched,
    /// A unit past a cut: quarantine.
    Cut,
    /// A unit of an author with read-only access, brought by an own device: quarantine.
    ReadOnly,
    /// A friend's offer of a workspace: the person decides.
    Consent,
    /// A write after a cut: the chain has to say first that it knows of the grant under which it goes on.
    Resume,
}

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The peer was never paired.
    NotTrusted,
    /// The peer, or this device, was once trusted with it and is no longer.
    Revoked,
    /// The workspace is none of the peer's business, or doesn't exist: nobody can tell which.
    NoGrant,
    /// The author has read-only access.
    ReadOnly,
    /// The unit's author is not admitted.
    Declined,
    /// The device has too many chains.
    Limit,
    /// This device was put back to an earlier state, and neither the person nor another of the person's devices has confirmed the peer since.
    Unconfirmed,
    /// A workspace with the offered id is already held from elsewhere.
    HeldElsewhere,
}

/// Decides.
///
/// `membership` is the fold of the workspace that the request is about, `None` if this device doesn't hold it or the request is about
/// the control log or about none. For a unit that brings events, both folds are asked for their preview with them
/// ([`Membership::preview`], [`Control::preview`]).
pub fn decide(request: &Request, control: &Control, membership: Option<&Membership>) -> Verdict {
    match *request {
        Request::Dial { peer } | Request::Accept { peer } => connect(&peer, control),
        Request::Offer { peer, workspace } | Request::Open { peer, workspace } => {
            share(&peer, &workspace, control, membership)
        }
        Request::Adopt { peer, workspace } => adopt(&peer, &workspace, control, membership),
        Request::Unit { other_chains, .. } if other_chains >= MAX_CHAINS_PER_DEVICE => Verdict::Refuse(Refusal::Limit),
        Request::Unit { carrier, author, workspace: WorkspaceId::CONTROL, first, last, .. } => {
            control_unit(&carrier, &author, (first, last), control)
        }
        Request::Unit { carrier, author, workspace, first, last, brings, .. } => match membership {
            // Who has left takes what comes until the others have heard.
            Some(membership) if !is_without(&workspace, control) => {
                let carrier_is_own = control.is_own(&carrier);
                unit(&author, (first, last), brings, membership).unwrap_or_else(|reason| match reason {
                    _ if carrier_is_own => Verdict::Hold(reason),
                    HoldReason::ReadOnly => Verdict::Refuse(Refusal::ReadOnly),
                    _ => Verdict::Refuse(Refusal::Declined),
                })
            }
            _ => Verdict::Refuse(Refusal::Declined),
        },
        Request::Write { workspace, author } => write(&workspace, &author, control, membership),
    }
}

/// Who is nobody's peer learns whether it once was, and nothing else.
fn stranger(peer: &DeviceId, control: &Control) -> Verdict {
    Verdict::Refuse(if control.was_paired(peer) { Refusal::Revoked } else { Refusal::NotTrusted })
}

fn connect(peer: &DeviceId, control: &Control) -> Verdict {
    match control.role(peer) {
        // Whoever was paired just now was confirmed by that.
        _ if control.is_provisional(peer) => Verdict::Allow,
        None => stranger(peer, control),
        // Only a device of the same person can bring what tells who is still trusted.
        Some(PeerRole::Friend) if control.is_unconfirmed(peer) => Verdict::Refuse(Refusal::Unconfirmed),
        Some(PeerRole::Own | PeerRole::Friend) => Verdict::Allow,
    }
}

fn share(peer: &DeviceId, workspace: &WorkspaceId, control: &Control, membership: Option<&Membership>) -> Verdict {
    let is_control = *workspace == WorkspaceId::CONTROL;
    let is_excluded = || is_out(peer, workspace, control, membership) || is_without(workspace, control);
    let is_shared = match control.role(peer) {
        None => return stranger(peer, control),
        Some(PeerRole::Own) if is_control => true,
        Some(_) if control.is_unconfirmed(peer) => return Verdict::Refuse(Refusal::Unconfirmed),
        Some(PeerRole::Own) => !is_excluded(),
        Some(PeerRole::Friend) => !is_control && !is_excluded() && has_it(peer, workspace, control, membership),
    };
    if is_shared { Verdict::Allow } else { Verdict::Refuse(Refusal::NoGrant) }
}

/// Tells whether this device is to do without a workspace. One that has left says so in the workspace's log, which others have to be given.
fn is_without(workspace: &WorkspaceId, control: &Control) -> bool {
    let me = control.me();
    control.is_excluded(workspace, &me) && !control.has_left(workspace, &me)
}

/// Tells whether a peer is excluded from a workspace. One that has left is not before its last word has arrived.
fn is_out(peer: &DeviceId, workspace: &WorkspaceId, control: &Control, membership: Option<&Membership>) -> bool {
    let is_member = || membership.is_some_and(|membership| membership.access_of(peer).is_some());
    control.is_excluded(workspace, peer) && !(control.has_left(workspace, peer) && is_member())
}

/// Tells whether a friend is to have a workspace: its log says so, and the person hasn't said otherwise since. The log comes piece by piece. Until it has let this
/// device in, the workspace is the business of whom it was adopted from, on any of that friend's devices; and until it tells of the device that brings it, it is enough that
/// it has let in another one of that friend's.
fn has_it(friend: &DeviceId, workspace: &WorkspaceId, control: &Control, membership: Option<&Membership>) -> bool {
    if control.intention(friend, workspace) == Some(Intention::Withdrawn) {
        return false;
    }
    let (me, principal) = (control.me(), control.principal(friend));
    let is_of_friend = |device: &DeviceId| control.principal(device) == principal;
    let is_begun = match membership {
        Some(membership) if membership.access_of(friend).is_some() => return true,
        Some(membership) if membership.was_member(&me) || membership.was_member(friend) => false,
        Some(membership) if membership.access_of(&me).is_some() => {
            membership.members().any(|member| is_of_friend(&member.device))
        }
        _ => true,
    };
    let is_from_friend = |origin| match origin {
        WorkspaceOrigin::Adopted { from } => is_of_friend(&from),
        WorkspaceOrigin::Founded => false,
    };
    is_begun && control.workspace(workspace).is_some_and(|known| is_from_friend(known.origin))
}

fn adopt(peer: &DeviceId, workspace: &WorkspaceId, control: &Control, membership: Option<&Membership>) -> Verdict {
    match control.role(peer) {
        None => stranger(peer, control),
        _ if *workspace == WorkspaceId::CONTROL => Verdict::Refuse(Refusal::NoGrant),
        _ if control.is_unconfirmed(peer) => Verdict::Refuse(Refusal::Unconfirmed),
        _ if control.is_excluded(workspace, &control.me()) => Verdict::Refuse(Refusal::Declined),
        Some(PeerRole::Own) => Verdict::Allow,
        Some(PeerRole::Friend) if control.workspace(workspace).is_none() => Verdict::Hold(HoldReason::Consent),
        Some(PeerRole::Friend) if has_it(peer, workspace, control, membership) => Verdict::Allow,
        Some(PeerRole::Friend) => Verdict::Refuse(Refusal::HeldElsewhere),
    }
}

fn control_unit(carrier: &DeviceId, author: &Author, (first, last): (Seq, Seq), control: &Control) -> Verdict {
    let admissions = control.admissions(author);
    if !control.is_own(carrier) {
        return Verdict::Refuse(Refusal::NoGrant);
    }
    match admissions.at(first) {
        _ if admissions.applies_any(first, last) => Verdict::Allow,
        Admission::Unknown => Verdict::Hold(HoldReason::Unvouched),
        Admission::Applied | Admission::Held(_) => Verdict::Hold(HoldReason::Cut),
    }
}

/// Judges a unit by its author. `Err` is for what is held from an own device and refused from anybody else.
fn unit(
    author: &Author,
    (first, last): (Seq, Seq),
    brings: Brings,
    membership: &Membership,
) -> Result<Verdict, HoldReason> {
    let content = membership.admissions(author);
    let admissions = match brings {
        Brings::Content => &content,
        Brings::Membership => &membership.membership_admissions(author),
    };
    if admissions.applies_any(first, last) {
        return Ok(Verdict::Allow);
    }
    let leads_on = content.applies_any(first, Seq(u64::MAX));
    match admissions.at(first) {
        // What was cut has to be held where what follows it counts: chains have no gaps. And a device that is a member again is about
        // to say so in its chain, behind what was cut.
        Admission::Held(HeldReason::Cut { .. } | HeldReason::Discarded) | Admission::Applied
            if leads_on || membership.access_of(&author.device).is_some() =>
        {
            Ok(Verdict::Hold(HoldReason::Cut))
        }
        Admission::Held(HeldReason::ReadOnly) => Err(HoldReason::ReadOnly),
        Admission::Held(_) | Admission::Applied => Err(HoldReason::Cut),
        Admission::Unknown if leads_on => Ok(Verdict::Hold(HoldReason::Cut)),
        Admission::Unknown => Err(HoldReason::Unvouched),
    }
}

fn write(workspace: &WorkspaceId, author: &Author, control: &Control, membership: Option<&Membership>) -> Verdict {
    let me = control.me();
    if author.device != me {
        return Verdict::Refuse(Refusal::NotTrusted);
    }
    if *workspace == WorkspaceId::CONTROL {
        // Every control event says what it has seen, so a chain that was cut needs nothing else to go on.
        return if control.is_own(&me) { Verdict::Allow } else { Verdict::Refuse(Refusal::Revoked) };
    }
    let Some(membership) = membership.filter(|_| !control.is_excluded(workspace, &me)) else {
        return Verdict::Refuse(Refusal::NoGrant);
    };
    match membership.access_of(&me) {
        Some(Access::ReadWrite) if membership.must_resume(author) => Verdict::Hold(HoldReason::Resume),
        Some(Access::ReadWrite) => Verdict::Allow,
        Some(Access::ReadOnly) => Verdict::Refuse(Refusal::ReadOnly),
        None if membership.was_member(&me) => Verdict::Refuse(Refusal::Revoked),
        None => Verdict::Refuse(Refusal::NoGrant),
    }
}

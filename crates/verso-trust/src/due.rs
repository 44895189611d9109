//! What a device owes to the workspaces that it owns: to vouch for whom the person wants in, and to revoke whom the person wants out.

use verso_identity::DeviceId;

use crate::control::{Control, Intended, Intention};
use crate::membership::event::Vouch;
use crate::membership::{Member, Membership};
use crate::peer::{Access, PeerRole, Standing};

/// Something that a device should write into a workspace now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// A device is to have access, or more of it.
    Vouch(Vouch),
    /// A device is to lose access. What it wrote up to where this device holds its chains counts.
    Revoke {
        /// Which device.
        device: DeviceId,
        /// What it keeps.
        keeps: Option<Access>,
    },
}

impl Due {
    /// Returns the device that it is about.
    pub const fn device(&self) -> DeviceId {
        match self {
            Self::Vouch(vouch) => vouch.device,
            Self::Revoke { device, .. } => *device,
        }
    }
}

/// Returns what this device should write into a workspace now, so that its members are those whom the control log wants.
///
/// - Each of the person's devices that isn't excluded is vouched for, by whoever has something to give it. One that an owner took out is not vouched for
///   again by a mere member: it would be taken out again, without end.
/// - A device that has left says so itself, and nobody else for it: what it wrote before counts, wherever that has arrived by then.
/// - Friends get, on all devices that they told of, what they were granted, and lose what was withdrawn; removed and excluded devices lose all. Whom
///   nobody here knows has no more than who vouched for it. For these a co-owner is needed, and one of the person's devices does it, so that not
///   each cuts the chains where it happens to stand: the one that the person told, if it is a co-owner, or else the most senior that is.
///
/// Whoever holds both logs asks again when either has changed; there is nothing to do twice.
pub fn dues(control: &Control, membership: &Membership) -> Vec<Due> {
    let me = control.me();
    let (Some(access), Some(standing)) = (membership.access_of(&me), membership.standing_of(&me)) else {
        return Vec::new();
    };
    if control.has_left(&membership.workspace(), &me) {
        // It leaves, and has nothing more to say about others.
        return vec![Due::Revoke { device: me, keeps: None }];
    }
    let mut dues = own_vouches(control, membership, access, standing);
    if standing == Standing::CoOwner {
        let others = membership.members().filter(|member| member.device != me);
        let losses = others.filter_map(|member| loss(control, membership, member));
        let gains = control.intended_for(membership.workspace());
        let gains = gains.filter_map(|(friend, intended)| gain(control, membership, friend, intended));
        let mine = losses.chain(gains).filter(|(by, _)| carries_out(control, membership, by) == Some(me));
        dues.extend(mine.map(|(_, due)| due));
    }
    dues
}

/// The person's devices that lack what this one can give them: as a co-owner if it is one, else as a member with its own access.
fn own_vouches(control: &Control, membership: &Membership, access: Access, standing: Standing) -> Vec<Due> {
    let (me, workspace) = (control.me(), membership.workspace());
    let lacks = |device: &DeviceId| {
        let has: (Option<Access>, Option<Standing>) = (membership.access_of(device), membership.standing_of(device));
        let was_taken_out = membership.was_member(device) && !membership.has_left(device);
        let is_mine_to_give = standing == Standing::CoOwner || !was_taken_out;
        is_mine_to_give && (has.0 < Some(access) || has.1 < Some(standing))
    };
    control
        .own_devices()
        .filter(|device| *device != me && !control.is_excluded(&workspace, device) && lacks(device))
        .map(|device| Due::Vouch(Vouch { device, access, standing }))
        .collect()
}

/// What a member is to lose, and who was told so.
fn loss(control: &Control, membership: &Membership, member: &Member) -> Option<(DeviceId, Due)> {
    let device = member.device;
    let (by, keeps) = match control.excluded_by(&membership.workspace(), &device) {
        Some(by) if by == device => return None,
        Some(by) => (by, None),
        None => remainder(control, membership, member)?,
    };
    (keeps < Some(member.access)).then_some((by, Due::Revoke { device, keeps }))
}

/// What a member may have at most, and who was told so; `None` if nobody said anything about it.
fn remainder(control: &Control, membership: &Membership, member: &Member) -> Option<(DeviceId, Option<Access>)> {
    let workspace = membership.workspace();
    let mut member = member;
    // Each is asked once: vouches may go in circles.
    for _ in 0..membership.members().len() {
        let device = member.device;
        match (control.role(&device), control.removal(&device)) {
            _ if control.is_own(&device) => return None,
            (Some(_friend), _) => match control.intended(&device, &workspace) {
                Some(Intended { intention: Intention::Withdrawn, by }) => return Some((by, None)),
                Some(Intended { intention: Intention::Granted(access), by }) => return Some((by, Some(access))),
                None => {}
            },
            (None, Some(removal)) if was_let_in_for(control, member) => return Some((removal.by, None)),
            (None, _) => {}
        }
        let voucher = member.vouched_by?;
        if let Some(next) = membership.member(&voucher) {
            member = next;
        } else {
            // It was taken out before.
            let is_withdrawn = |intended: &Intended| intended.intention == Intention::Withdrawn;
            let withdrawn = control.intended(&voucher, &workspace).filter(is_withdrawn).map(|intended| intended.by);
            return withdrawn.or_else(|| control.removal(&voucher).map(|removal| removal.by)).map(|by| (by, None));
        }
    }
    None
}

/// Tells whether a member that is trusted no longer is one on the word of whoever had brought it about that it was trusted: a friend that tells of
/// somebody else's device, and then doesn't any more, takes nothing from it.
fn was_let_in_for(control: &Control, member: &Member) -> bool {
    let Some(friend) = control.was_introduced_by(&member.device) else { return true };
    member.vouched_by.is_none_or(|voucher| {
        control.is_own(&voucher)
            || control.principal(&voucher) == friend
            || control.was_introduced_by(&voucher) == Some(friend)
    })
}

/// What a friend is to get, and who was told so.
fn gain(
    control: &Control,
    membership: &Membership,
    friend: DeviceId,
    Intended { intention, by }: Intended,
) -> Option<(DeviceId, Due)> {
    let Intention::Granted(access) = intention else { return None };
    let lacks = control.role(&friend) == Some(PeerRole::Friend) && membership.access_of(&friend) < Some(access);
    // A friend that has left comes back when the person shares anew, and not because of what was granted before.
    let lacks = lacks && !membership.has_left(&friend);
    lacks.then_some((by, Due::Vouch(Vouch { device: friend, access, standing: Standing::Member })))
}

/// Returns which of the person's devices carries out what `by` was told.
fn carries_out(control: &Control, membership: &Membership, by: &DeviceId) -> Option<DeviceId> {
    let is_owner = |device: &DeviceId| {
        !control.is_excluded(&membership.workspace(), device)
            && membership.standing_of(device) == Some(Standing::CoOwner)
    };
    let mut owners = control.own_devices().filter(is_owner);
    if control.is_own(by) && is_owner(by) { Some(*by) } else { owners.next() }
}

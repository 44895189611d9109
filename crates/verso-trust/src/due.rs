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
/// - Each of the person's devices that isn't excluded is vouched for, by whoever has something to give it.
/// - A device that has left says so itself, and nobody else for it: what it wrote before counts, wherever that has arrived by then.
/// - Friends get what they were granted and lose what was withdrawn; removed and excluded devices lose all. For these a co-owner is needed,
///   and one of the person's devices does it, so that not each cuts the chains where it happens to stand: the one that the person told, if it
///   is a co-owner, or else the most senior that is.
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
        has.0 < Some(access) || has.1 < Some(standing)
    };
    control
        .own_devices()
        .filter(|device| *device != me && !control.is_excluded(&workspace, device) && lacks(device))
        .map(|device| Due::Vouch(Vouch { device, access, standing }))
        .collect()
}

/// What a member is to lose, and who was told so.
fn loss(control: &Control, membership: &Membership, member: &Member) -> Option<(DeviceId, Due)> {
    let (device, workspace) = (member.device, membership.workspace());
    let revoke = |by, keeps| Some((by, Due::Revoke { device, keeps }));
    match control.excluded_by(&workspace, &device) {
        Some(by) if by == device => return None,
        Some(by) => return revoke(by, None),
        None => {}
    }
    match (control.role(&device), control.intended(&device, &workspace)) {
        (None, _) => revoke(control.removal(&device)?.by, None),
        (Some(PeerRole::Friend), Some(Intended { intention: Intention::Withdrawn, by })) => revoke(by, None),
        (Some(PeerRole::Friend), Some(Intended { intention: Intention::Granted(access), by }))
            if access < member.access =>
        {
            revoke(by, Some(access))
        }
        _ => None,
    }
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

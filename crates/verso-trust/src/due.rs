//! What a device owes to the workspaces it owns: vouches for the person's other devices.

use verso_identity::DeviceId;

use crate::control::Control;
use crate::membership::Membership;
use crate::membership::event::Vouch;
use crate::peer::{Access, Standing};

/// Returns the vouches that this device should write into a workspace now: for each of the person's devices that isn't excluded and
/// lacks what this device can give it, as a co-owner if this device is one, else as a member with its own access.
///
/// Whoever holds both logs asks again when either has changed; there is nothing to do twice.
pub fn vouches_due(control: &Control, membership: &Membership) -> Vec<Vouch> {
    let me = control.me();
    let workspace = membership.workspace();
    let (Some(access), Some(standing)) = (membership.access_of(&me), membership.standing_of(&me)) else {
        return Vec::new();
    };
    let lacks = |device: &DeviceId| {
        let has: (Option<Access>, Option<Standing>) = (membership.access_of(device), membership.standing_of(device));
        has.0 < Some(access) || has.1 < Some(standing)
    };
    control
        .own_devices()
        .filter(|device| *device != me && !control.is_excluded(&workspace, device) && lacks(device))
        .map(|device| Vouch { device, access, standing })
        .collect()
}

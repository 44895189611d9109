//! Whom this device trusts, and with what: [`TrustedPeer`] and the small words it is made of.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::Hlc;

/// What a paired device is to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PeerRole {
    /// Somebody else's device: it has what was granted to it.
    Friend,
    /// Another device of the same person: it has everything that isn't excluded for it.
    Own,
}

/// What a device may do in a workspace. Ordered: more access is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Access {
    /// It receives everything and its own writes are not applied.
    ReadOnly,
    /// What it writes is applied.
    ReadWrite,
}

/// What a device may decide about others in a workspace. Ordered: more say is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// It may vouch its own further devices, with at most its own access.
    Member,
    /// It may grant, revoke, keep and discard.
    CoOwner,
}

/// Which side of a pairing a device was on. The showing side confirms first and is the senior of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PairingSide {
    /// It showed the code.
    Showing,
    /// It entered the code.
    Joining,
}

/// How two devices were paired, for the list that tells who was added how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PairingWay {
    /// By a link, typed or scanned.
    Link,
    /// By an invitation: a link that is good for a day.
    Invite,
    /// By six words.
    Words,
    /// By choosing a nearby device and comparing codes crosswise.
    Nearby,
    /// Not by a ceremony of its own: a friend said that it is another device of the same friend's.
    Introduced {
        /// The friend's device that said so.
        by: DeviceId,
    },
}

/// One workspace that a friend was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// With what access.
    pub access: Access,
}

/// A device that this one trusts, as the control log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedPeer {
    /// Whose key it is.
    pub device: DeviceId,
    /// The static X25519 key that was pinned at pairing.
    pub noise_key: [u8; 32],
    /// The name that this person's devices show for it.
    pub display_name: String,
    /// Own device or friend.
    pub role: PeerRole,
    /// When it was first added, after its last removal if there was one.
    pub added_at: Hlc,
    /// Which own device added it.
    pub added_by: DeviceId,
    /// How.
    pub way: PairingWay,
    /// When this device last met it. Local knowledge: it is not in the control log and no two devices need agree on it.
    pub last_seen: Option<Hlc>,
    /// What a friend was granted, by workspace. Empty for own devices: they have every workspace that isn't excluded.
    pub grants: Vec<Grant>,
    /// Where it was last reachable, as the transport writes addresses.
    pub addresses: Vec<String>,
}

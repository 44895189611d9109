//! [`ControlEvent`]: what a person's devices tell each other in the control log.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, EntryHash, Seen, Seq};

use crate::codec::{self, Body, changes};
use crate::event::{
    Cut, DecodeEventError, EncodeEventError, MAX_ADDRESSES, MAX_CHAINS_PER_DEVICE, MAX_FURTHER_ADDRESSES,
    MAX_FURTHER_DEVICES, MAX_SEALED, Sealed,
};
use crate::peer::{Access, PairingSide, PairingWay, PeerRole};

/// An entry of the control log: what changed, and what its author had seen of the control log when it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlEvent {
    /// What the author had applied: [`Control::seen`](crate::Control::seen).
    pub seen: Seen,
    /// What it tells.
    pub change: ControlChange,
}

impl ControlEvent {
    /// Makes an event.
    pub fn new(seen: Seen, change: impl Into<ControlChange>) -> Self {
        Self { seen, change: change.into() }
    }

    /// Returns the kind of the entry that carries this event.
    pub const fn kind(&self) -> u8 {
        self.change.kind()
    }

    /// Encodes the event as an entry's payload.
    ///
    /// # Errors
    /// [`EncodeEventError`] if a field breaks a rule of the format or the whole is too long.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeEventError> {
        self.change.encode(&self.seen)
    }

    /// Decodes the payload of a control log's entry of kind `kind`, strictly.
    ///
    /// # Errors
    /// [`DecodeEventError`] unless the bytes are exactly what [`encode`](Self::encode) writes for some event.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, DecodeEventError> {
        let (seen, change) = ControlChange::decode(kind, payload)?;
        Ok(Self { seen, change })
    }
}

changes! {
    /// What a control event tells.
    ControlChange {
        /// The author introduces itself.
        1 => Introduced,
        /// A device was paired.
        2 => Admitted,
        /// A device is no longer trusted.
        3 => Removed,
        /// A device has another name.
        4 => Renamed,
        /// A device is reachable elsewhere.
        5 => Relocated,
        /// There is a workspace.
        6 => WorkspaceKnown,
        /// A workspace is no longer kept by any own device.
        7 => WorkspaceForgotten,
        /// An own device is not to have a workspace.
        8 => Excluded,
        /// An own device is to have a workspace again.
        9 => Included,
        /// A friend is to have a workspace.
        10 => Granted,
        /// A friend is no longer to have a workspace.
        11 => Withdrawn,
        /// The group secret was made anew.
        12 => SecretRenewed,
        /// A generation of the group secret was handed to further devices.
        13 => SecretShared,
        /// A friend told which further devices it has.
        14 => FurtherDevices,
    }
}

/// The author introduces itself to its person's other devices: the first entry of each of its chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduced {
    /// The name it was given.
    pub name: String,
    /// Its static X25519 key for Noise.
    pub noise_key: [u8; 32],
    /// Its X25519 key to which secrets are sealed.
    pub sealing_key: [u8; 32],
    /// Where it is reachable.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_ADDRESSES>")]
    pub addresses: Vec<String>,
}

impl Body for Introduced {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_name(&self.name)?;
        codec::check_addresses(&self.addresses)
    }
}

/// The author paired with a device. Both sides of a pairing write one, each about the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The device whose key signed the pairing.
    pub device: DeviceId,
    /// Own device or friend.
    pub role: PeerRole,
    /// The side that the *author* of this event was on; of two own devices the showing one is the senior.
    pub side: PairingSide,
    /// How they were paired.
    pub way: PairingWay,
    /// The name it gave at pairing.
    pub name: String,
    /// Its static X25519 key for Noise, pinned from now on.
    pub noise_key: [u8; 32],
    /// Its X25519 key to which secrets are sealed.
    pub sealing_key: [u8; 32],
    /// Where it was reachable.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_ADDRESSES>")]
    pub addresses: Vec<String>,
    /// What the two agreed at pairing, sealed to each own device that may serve the peer. Ascending by device.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_SEALED>")]
    pub pair_secret: Vec<Sealed>,
}

impl Body for Admitted {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_name(&self.name)?;
        codec::check_addresses(&self.addresses)?;
        if matches!(self.way, PairingWay::Introduced { .. }) {
            return Err("a pairing by which nothing was agreed");
        }
        codec::check_sealed(&self.pair_secret)
    }
}

/// A device is no longer trusted, own or friend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Which device.
    pub device: DeviceId,
    /// Where its chains in the control log end. A chain that isn't named ends before its first entry. Ascending by author.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_CHAINS_PER_DEVICE>")]
    pub cuts: Vec<Cut>,
}

impl Body for Removed {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_cuts(&self.cuts)
    }
}

/// A device has another name, on all own devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// Which device, the author itself among others.
    pub device: DeviceId,
    /// Its new name.
    pub name: String,
}

impl Body for Renamed {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_name(&self.name)
    }
}

/// A device is reachable elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relocated {
    /// Which device, the author itself among others.
    pub device: DeviceId,
    /// All its addresses from now on.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_ADDRESSES>")]
    pub addresses: Vec<String>,
}

impl Body for Relocated {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_addresses(&self.addresses)
    }
}

/// Where a workspace comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WorkspaceOrigin {
    /// An own device founded it.
    Founded,
    /// It was adopted from this device, own or friend.
    Adopted {
        /// Who offered it.
        from: DeviceId,
    },
}

/// There is a workspace, and this is what to call it until its own log is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceKnown {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Its name as the author knew it.
    pub name: String,
    /// Where it comes from.
    pub origin: WorkspaceOrigin,
}

impl Body for WorkspaceKnown {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_name(&self.name)
    }
}

/// A workspace is no longer kept by any own device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceForgotten {
    /// Which workspace.
    pub workspace: WorkspaceId,
}

impl Body for WorkspaceForgotten {}

/// An own device is not to have a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Which own device.
    pub device: DeviceId,
}

impl Body for Excluded {}

/// An own device is to have a workspace again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Included {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Which own device.
    pub device: DeviceId,
}

impl Body for Included {}

/// A friend is to have a workspace: the person's intention, which an own device carries out in the workspace's own log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Which friend.
    pub device: DeviceId,
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// With what access.
    pub access: Access,
}

impl Body for Granted {}

/// A friend is no longer to have a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Which friend.
    pub device: DeviceId,
    /// Which workspace.
    pub workspace: WorkspaceId,
}

impl Body for Withdrawn {}

/// Names a generation of the group secret; 16 random bytes, so that two renewals at once don't share a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GenerationId(pub [u8; 16]);

/// The group secret was made anew. Which removals it answers is what the event has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRenewed {
    /// The new generation.
    pub id: GenerationId,
    /// The secret, sealed to each remaining own device. Ascending by device.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_SEALED>")]
    pub sealed: Vec<Sealed>,
}

impl Body for SecretRenewed {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_sealed(&self.sealed)
    }
}

/// A generation of the group secret was handed to further devices, such as one that was paired after it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretShared {
    /// Which generation.
    pub id: GenerationId,
    /// The secret, sealed to each of them. Ascending by device.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_SEALED>")]
    pub sealed: Vec<Sealed>,
}

impl Body for SecretShared {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_sealed(&self.sealed)
    }
}

/// A friend's device told which further devices its person has that are to be met, too: all of them, in the place of those that it told of before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherDevices {
    /// The friend's device that told, one that went through a pairing.
    pub friend: DeviceId,
    /// Ascending by device.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_FURTHER_DEVICES>")]
    pub devices: Vec<FurtherDevice>,
}

/// Another device of a friend, as the friend tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FurtherDevice {
    /// Which.
    pub device: DeviceId,
    /// Its static X25519 key for Noise.
    pub noise_key: [u8; 32],
    /// What the friend calls it.
    pub name: String,
    /// Where it is reachable.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_FURTHER_ADDRESSES>")]
    pub addresses: Vec<String>,
}

impl Body for FurtherDevices {
    fn check(&self) -> Result<(), &'static str> {
        if self.devices.len() > MAX_FURTHER_DEVICES {
            return Err("more than 16 further devices");
        }
        for further in &self.devices {
            codec::check_name(&further.name)?;
            codec::check_addresses(&further.addresses)?;
            if further.addresses.len() > MAX_FURTHER_ADDRESSES {
                return Err("more than 8 addresses of a further device");
            }
        }
        codec::ascending(&self.devices, |further| further.device).then_some(()).ok_or("devices do not ascend")
    }
}

impl ControlChange {
    /// Returns the entries that it names by author, number and hash.
    pub(crate) fn named(&self) -> Vec<(Author, Seq, EntryHash)> {
        match self {
            Self::Removed(removed) => removed.cuts.iter().map(|cut| (cut.author, cut.seq, cut.hash)).collect(),
            _ => Vec::new(),
        }
    }
}

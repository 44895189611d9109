//! This device, and those it knows.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{Access, PeerRole};

/// The device that the panel belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThisDevice {
    /// Its key.
    pub id: DeviceId,
    /// What it is called.
    pub name: String,
    /// What two people compare if they want to be sure.
    pub fingerprint: String,
    /// Where it can be dialled.
    pub addresses: Vec<String>,
    /// Whether and where devices are found on the local network.
    pub discovery: Seen,
    /// Why it has yet to learn whom it still trusts; `None` if it knows.
    pub doubt: Option<Doubt>,
}

/// Why a device has yet to learn whom it still trusts: what it knows of that is of an earlier state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doubt {
    /// Its data directory was put back, as showed when it was opened.
    PutBack,
    /// Of that nothing is known any more but that it was so: it was restored from a backup or put back, or its journal of trust had lost entries.
    Earlier,
}

/// Whether devices are found on the local network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// On these interfaces.
    On {
        /// Their names.
        interfaces: Vec<String>,
    },
    /// The person switched it off.
    Off,
    /// Something keeps it from working.
    Blocked {
        /// What.
        what: String,
        /// What to do.
        action: String,
    },
}

/// A paired device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its key.
    pub id: DeviceId,
    /// What all devices of this person call it.
    pub name: String,
    /// Whose it is.
    pub role: PeerRole,
    /// What two people compare if they want to be sure.
    pub fingerprint: String,
    /// How firmly it is trusted.
    pub trust: Trust,
    /// Whether it is connected, and how.
    pub presence: Presence,
    /// When it was last met, in milliseconds since the Unix epoch.
    pub last_seen_ms: Option<u64>,
    /// How it came to be trusted; `None` before the first contact.
    pub added: Option<Way>,
    /// What it was granted; of a friend.
    pub grants: Vec<Grant>,
    /// Bytes handed to the network for it since this program started.
    pub bytes_sent: u64,
    /// Bytes received from it since this program started.
    pub bytes_received: u64,
    /// Entries in this device's journals that it wrote.
    pub entries_stored: u64,
}

/// How firmly a device is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// For good.
    Firm,
    /// It was paired, and no contact has confirmed that yet.
    Provisional {
        /// When the pairing lapses, in milliseconds since the Unix epoch.
        lapses_ms: u64,
    },
    /// This device is in [doubt](Doubt), and has yet to learn whether that one is still trusted.
    Unconfirmed,
}

/// Whether a device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// No connection is up.
    Away,
    /// A connection is up.
    Here {
        /// Which way it takes, if that is known.
        path: Option<Path>,
        /// Both acknowledged everything.
        is_in_step: bool,
    },
}

/// The way that a connection takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Path {
    /// From device to device.
    Direct {
        /// Round trip, in microseconds.
        round_trip_us: u64,
    },
    /// Through a relay, which can't read any of it.
    Relayed {
        /// Round trip, in microseconds.
        round_trip_us: u64,
    },
}

/// How a device came to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// By which of this person's devices.
    pub by: String,
    /// In which way, in words: `by link`.
    pub how: String,
}

/// Access to a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// What the device may do.
    pub access: Access,
}

/// A device on the local network whose pairing screen is open. Name and id are what it claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nearby {
    /// The key that it claims.
    pub id: DeviceId,
    /// The name that it claims.
    pub name: String,
    /// What two people compare if they want to be sure.
    pub fingerprint: String,
}

/// A link that was sent to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its name.
    pub id: String,
    /// What who comes with it becomes.
    pub role: PeerRole,
    /// What it opens, by name.
    pub workspaces: Vec<String>,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// What became of it.
    pub state: InvitationState,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvitationState {
    /// It can be used.
    Open,
    /// Somebody came with it.
    Used,
    /// It can't be used any more.
    Over,
}

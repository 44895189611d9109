//! [`PanelState`]: everything that the panel shows, as plain data.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, WorkspaceId};
use verso_wire::Reason;

use crate::by_text;

mod bounds;
mod pairing;
mod peers;
mod review;
mod spaces;

pub use bounds::{MAX_ROWS, MAX_TEXT_BYTES};
pub use pairing::{Agreement, Pairing, PairingFailure, Screen, Secret, Side, Term};
pub use peers::{
    Device, Doubt, Grant, Invitation, InvitationState, Nearby, Path, Presence, Seen, ThisDevice, Trust, Way,
};
pub use review::{Conflict, ConflictKind, Discarding, Held, HeldBecause, HeldId, Offered, Opinion, Verdict};
pub use spaces::{Lag, Member, Workspace};

/// Everything that the panel shows at one moment.
///
/// It is plain data and can be sent through a socket; only two programs of one build understand each other. Whatever comes from outside
/// goes through [`bounded`](Self::bounded) first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelState {
    /// The wall clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// How far local time is ahead of UTC, in minutes.
    pub utc_offset_minutes: i16,
    /// The device that the panel belongs to.
    pub device: ThisDevice,
    /// The one line for it all.
    pub indicator: Indicator,
    /// The paired devices.
    pub devices: Vec<Device>,
    /// Devices on the local network whose pairing screen is open.
    pub nearby: Vec<Nearby>,
    /// Links that were sent and not used yet.
    pub invitations: Vec<Invitation>,
    /// The workspaces of this device.
    pub workspaces: Vec<Workspace>,
    /// How far each device is behind in each workspace; what is missing here is not shared.
    pub lags: Vec<Lag>,
    /// What was done at once and can't stand side by side.
    pub conflicts: Vec<Conflict>,
    /// What is held and not applied.
    pub held: Vec<Held>,
    /// How many entries are held beside these.
    pub more_held: u64,
    /// What would be given up, while a person is asked.
    pub discarding: Option<Discarding>,
    /// Workspaces that friends offer.
    pub offered: Vec<Offered>,
    /// What keeps data from moving.
    pub stops: Vec<Stop>,
    /// What happened, the latest first.
    pub activity: Vec<Happening>,
    /// How far a pairing has come.
    pub pairing: Pairing,
    /// What the last action came to, if it failed.
    pub failure: Option<Failure>,
}

/// The one line that says how everything stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Indicator {
    /// All that is connected is in step.
    Synced {
        /// How many devices are connected.
        peers: u64,
    },
    /// Entries are moving.
    Syncing {
        /// How many devices are connected.
        peers: u64,
        /// Entries that have moved in this exchange.
        done: u64,
        /// Entries that move in all.
        of: u64,
    },
    /// Nobody is connected.
    Offline,
    /// Something is to be decided, and nothing waits for it.
    Conflict {
        /// How many conflicts.
        count: u64,
    },
    /// Something goes on only when a person acts.
    Attention,
}

/// Something that keeps data from moving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What it is.
    #[serde(with = "by_text")]
    pub reason: Reason,
    /// Between which device and this one; `None` if it is about this device alone.
    pub device: Option<DeviceId>,
    /// In which workspace; `None` if in all.
    pub workspace: Option<WorkspaceId>,
    /// Since when, in milliseconds since the Unix epoch, if that is known.
    pub since_ms: Option<u64>,
    /// By how many milliseconds the clock of that device is ahead of this one's, if it is about clocks.
    pub clock_ahead_ms: Option<i64>,
}

impl Stop {
    /// Makes one that is about all workspaces, of which nobody knows since when.
    pub const fn new(reason: Reason, device: Option<DeviceId>) -> Self {
        Self { reason, device, workspace: None, since_ms: None, clock_ahead_ms: None }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What kind of thing.
    pub kind: HappeningKind,
    /// With which device.
    pub device: Option<DeviceId>,
    /// In which workspace.
    pub workspace: Option<WorkspaceId>,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HappeningKind {
    /// A connection came up.
    Online,
    /// A connection ended.
    Offline,
    /// Entries came in and are durable.
    Received {
        /// How many.
        entries: u64,
    },
    /// Both acknowledged everything.
    InStep,
    /// A device was paired.
    Paired,
    /// A device is trusted no longer.
    Forgotten,
    /// A friend offers a workspace.
    Offered,
    /// Another device of this person has one workspace more.
    Adopted,
    /// A device gave up its access.
    Left,
    /// Who may write changed, and what is shown was worked out anew.
    Rebuilt,
    /// A device wrote two histories, and both are kept.
    Forked,
    /// This device had been put back, and goes on as a new author.
    RolledBack,
    /// A conflict is to be decided.
    ConflictOpened,
    /// A conflict was decided.
    ConflictResolved,
    /// Damaged journals are being mended.
    RepairBegun,
    /// Damaged journals were mended.
    Repaired,
}

/// What a person is told when something they asked for did not work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What did not work.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub hint: String,
}

impl PanelState {
    /// Makes the state of a device that has nothing yet: no other device, no workspace, nothing under way. `now_ms` is the wall clock, in milliseconds
    /// since the Unix epoch; local time is UTC.
    pub const fn new(now_ms: u64, device: ThisDevice) -> Self {
        Self {
            now_ms,
            utc_offset_minutes: 0,
            device,
            indicator: Indicator::Offline,
            devices: Vec::new(),
            nearby: Vec::new(),
            invitations: Vec::new(),
            workspaces: Vec::new(),
            lags: Vec::new(),
            conflicts: Vec::new(),
            held: Vec::new(),
            more_held: 0,
            discarding: None,
            offered: Vec::new(),
            stops: Vec::new(),
            activity: Vec::new(),
            pairing: Pairing::None,
            failure: None,
        }
    }

    /// Finds a device by its id.
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == *id)
    }

    /// Finds a workspace by its id.
    pub fn workspace(&self, id: &WorkspaceId) -> Option<&Workspace> {
        self.workspaces.iter().find(|workspace| workspace.id == *id)
    }

    /// Returns what this person calls a device: this one's name, a paired one's, or the start of the id.
    pub fn name_of(&self, id: &DeviceId) -> String {
        let name = if self.device.id == *id {
            Some(self.device.name.as_str())
        } else {
            self.device(id).map(|device| device.name.as_str())
        };
        match name {
            Some(name) if !name.is_empty() => crate::text::shown(name),
            _ => id.to_string(),
        }
    }

    /// Returns what a workspace is called, or the start of its id.
    pub fn workspace_name(&self, id: &WorkspaceId) -> String {
        match self.workspace(id) {
            Some(workspace) if !workspace.name.is_empty() => crate::text::shown(&workspace.name),
            _ => id.to_string(),
        }
    }
}

//! What waits for a person's word: conflicts, what is held, and workspaces that are offered.

use std::fmt;

use serde::{Deserialize, Serialize};
use verso_graph::ConflictId;
use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::Access;

use crate::by_text;

/// What was done at once and can't stand side by side. Nothing waits for it: a rule holds meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its name within the workspace.
    #[serde(with = "by_text")]
    pub id: ConflictId,
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// What it is about.
    pub kind: ConflictKind,
    /// What the node, or the workspace, is called now.
    pub title: String,
    /// What stands against each other. Of values the first is shown; of a deletion the deletion comes first.
    pub opinions: Vec<Opinion>,
    /// In a sentence, what holds until somebody decides.
    pub rule: String,
}

/// What a conflict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConflictKind {
    /// Two titles.
    Title,
    /// Two addresses.
    Url,
    /// Two names of a workspace.
    WorkspaceName,
    /// Somebody deleted what somebody else worked on.
    Deletion,
}

/// What one device wrote or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// The value, or what was done.
    pub value: String,
    /// By whom.
    pub device: DeviceId,
    /// When, by that device's clock, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// What becomes of a node that was deleted by somebody who had not seen all that was done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It stays.
    Keep,
    /// It stays as a ghost, with its edges.
    Ghost,
    /// It goes.
    Delete,
}

/// An entry that is held and not applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its identity.
    pub id: HeldId,
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// Who wrote it.
    pub device: DeviceId,
    /// When, by that device's clock, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What it would do, in words.
    pub does: String,
    /// Why it is held.
    pub because: HeldBecause,
}

/// The chain hash of an entry that is held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HeldId(pub [u8; 32]);

impl fmt::Debug for HeldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why an entry is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeldBecause {
    /// It was written after access had been taken away.
    Cut {
        /// By whom, if that is known.
        by: Option<DeviceId>,
    },
    /// Its device may only read.
    ReadOnly,
    /// Nobody let its device in.
    Unvouched,
}

/// What would be given up, while a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarding {
    /// In which workspace.
    pub workspace: WorkspaceId,
    /// Which entries.
    pub entries: Vec<HeldId>,
    /// In words, what will do nothing, or less, without them.
    pub dependents: Vec<String>,
}

/// A workspace that a friend offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Which.
    pub workspace: WorkspaceId,
    /// What the friend calls it.
    pub name: String,
    /// Who offers it.
    pub from: DeviceId,
    /// What this device may do in it.
    pub access: Access,
}

//! Workspaces, who is in them, and how far each device is.

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{Access, Standing};

/// A workspace of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// What it is called.
    pub name: String,
    /// What this device may do in it.
    pub access: Access,
    /// What this device may decide about others in it.
    pub standing: Standing,
    /// Nodes in it, ghosts included.
    pub nodes: u64,
    /// Edges in it.
    pub edges: u64,
    /// Entries in its journal.
    pub entries: u64,
    /// Bytes of its journal on the disk.
    pub bytes: u64,
    /// Who is in it beside this device.
    pub members: Vec<Member>,
}

/// A device that is in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which.
    pub device: DeviceId,
    /// What it may do.
    pub access: Access,
    /// Whether it gave that up itself since.
    pub has_left: bool,
}

/// How far a device is behind in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// Which device.
    pub device: DeviceId,
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Entries that it has yet to acknowledge.
    pub to_send: u64,
    /// Entries that it has and this device lacks.
    pub to_receive: u64,
    /// Whether that is known from a connection that is up; else it is as of the last one.
    pub is_live: bool,
}

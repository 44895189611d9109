//! [`PanelAction`]: what a person asks for.

use serde::{Deserialize, Serialize};
use verso_graph::ConflictId;
use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{Access, PeerRole};

use crate::by_text;
use crate::state::{HeldId, Secret, Verdict};

/// Something that a person asked for. The host carries it out; what comes of it is in a later [`PanelState`](crate::PanelState).
///
/// Plain data, as the state is. It names what it is about by identity and never by its place in a list, so it still means the same when the
/// list has changed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PanelAction {
    /// Dial everybody now.
    SyncNow,
    /// Dial one device now.
    Retry {
        /// Which.
        device: DeviceId,
    },
    /// Call this device something else.
    RenameThis {
        /// The new name.
        name: String,
    },
    /// Call a paired device something else, on all own devices.
    Rename {
        /// Which.
        device: DeviceId,
        /// The new name.
        name: String,
    },
    /// Trust a device no longer, on no own device.
    Forget {
        /// Which.
        device: DeviceId,
    },
    /// Trust a device again though this one is in [doubt](crate::state::Doubt).
    ConfirmPeer {
        /// Which.
        device: DeviceId,
    },
    /// Look for devices on the local network whose pairing screen is open.
    LookAround,
    /// Stop looking.
    StopLooking,
    /// Show a code.
    ShowCode {
        /// What is offered.
        terms: OfferTerms,
    },
    /// Make a link that can be sent. The person agrees by that to whoever comes with it first.
    Invite {
        /// What is offered.
        terms: OfferTerms,
    },
    /// Take an invitation back.
    WithdrawInvitation {
        /// Its name.
        id: String,
    },
    /// Join by a link or six words.
    Join {
        /// What was entered.
        code: Secret,
    },
    /// Join a device nearby.
    JoinNearby {
        /// Which.
        device: DeviceId,
    },
    /// Answer with the code on the other screen.
    TypeCode {
        /// What was typed.
        code: Secret,
    },
    /// It may happen.
    Agree {
        /// With which device: an answer to another question counts for nothing.
        device: DeviceId,
    },
    /// It may not happen.
    Refuse,
    /// End the pairing, and withdraw what is offered.
    ClosePairing,
    /// Found a workspace.
    NewWorkspace {
        /// Its name.
        name: String,
    },
    /// Call a workspace something else.
    RenameWorkspace {
        /// Which.
        workspace: WorkspaceId,
        /// The new name.
        name: String,
    },
    /// Let a device into a workspace, or change what it may do there.
    Share {
        /// Which workspace.
        workspace: WorkspaceId,
        /// With which device.
        device: DeviceId,
        /// What it may do.
        access: Access,
    },
    /// Take a workspace away from a device.
    Unshare {
        /// Which workspace.
        workspace: WorkspaceId,
        /// From which device.
        device: DeviceId,
    },
    /// Take a workspace that a friend offers.
    JoinWorkspace {
        /// Which.
        workspace: WorkspaceId,
        /// From whom.
        from: DeviceId,
    },
    /// Give up a workspace.
    LeaveWorkspace {
        /// Which.
        workspace: WorkspaceId,
    },
    /// Settle a conflict by taking one of the values.
    Pick {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Which conflict.
        #[serde(with = "by_text")]
        conflict: ConflictId,
        /// The value to take.
        value: String,
        /// Who wrote it.
        device: DeviceId,
    },
    /// Settle what becomes of a node.
    Resolve {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Which conflict.
        #[serde(with = "by_text")]
        conflict: ConflictId,
        /// What becomes of it.
        verdict: Verdict,
    },
    /// Apply entries that are held.
    KeepHeld {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Which.
        entries: Vec<HeldId>,
    },
    /// Find out what depends on entries that are held, before they are given up.
    AskDiscard {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Which.
        entries: Vec<HeldId>,
    },
    /// Give up entries that are held, for good.
    Discard {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Which.
        entries: Vec<HeldId>,
    },
    /// Give up nothing after all.
    CancelDiscard,
    /// Fetch from peers what a damaged journal lacks.
    Repair {
        /// Which; `None` for all.
        workspace: Option<WorkspaceId>,
    },
    /// The person has read what did not work.
    DismissFailure,
}

/// What a pairing offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferTerms {
    /// What the joining device becomes.
    pub role: PeerRole,
    /// What a friend gets.
    pub workspaces: Vec<(WorkspaceId, Access)>,
}

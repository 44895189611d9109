//! [`SharedRow`]: how a workspace stands with one of the peers that have it.

use serde::Serialize;
use verso_identity::WorkspaceId;
use verso_replica::Peer;
use verso_trust::PeerRole;
use verso_worker::Status as Live;

use super::reasons::Reasons;
use super::state::Moved;
use crate::device::Device;
use crate::when;

#[derive(Debug, Serialize)]
pub(super) struct SharedRow {
    pub(super) device: String,
    pub(super) name: String,
    /// When both had acknowledged all of it the last time.
    pub(super) in_step_at: Option<String>,
    /// What keeps its data from moving, or did at the last attempt.
    pub(super) reason: Option<&'static str>,
    pub(super) since: Option<String>,
    /// How far the exchange on this connection has come, in entries; `None` without one.
    pub(super) progress: Option<Moved>,
}

/// How a workspace stands with each peer that has it.
pub(super) fn rows(device: &Device, live: Option<&Live>, reasons: &Reasons, workspace: WorkspaceId) -> Vec<SharedRow> {
    let sharing = device.replica().peers().filter(|peer| is_shared(device, peer, workspace));
    let mut rows: Vec<SharedRow> = sharing
        .map(|Peer { trusted, contact }| {
            let id = trusted.device.to_hex();
            let noted = reasons.in_workspace(&id, workspace);
            let now = live.and_then(|live| live.peers.get(&trusted.device)).filter(|now| now.connected);
            SharedRow {
                in_step_at: contact.workspaces.get(&workspace).and_then(|kept| kept.level_ms).map(when::json),
                reason: noted.map(|(reason, _)| reason.code()),
                since: noted.and_then(|(_, since)| since).map(when::json),
                progress: now.and_then(|now| now.progress.get(&workspace)).map(Moved::from),
                name: trusted.display_name,
                device: id,
            }
        })
        .collect();
    rows.sort_by(|a, b| (&a.name, &a.device).cmp(&(&b.name, &b.device)));
    rows
}

/// Tells whether a peer has a workspace, or had it at the last contact.
fn is_shared(device: &Device, Peer { trusted, contact }: &Peer, workspace: WorkspaceId) -> bool {
    let replica = device.replica();
    let is_given = match trusted.role {
        PeerRole::Own => !replica.trust().is_excluded(&workspace, &trusted.device),
        PeerRole::Friend => trusted.grants.iter().any(|grant| grant.workspace == workspace),
    };
    is_given && !replica.has_left(&workspace, &trusted.device)
        || contact.shared.contains(&workspace)
        || contact.workspaces.get(&workspace).is_some_and(|kept| kept.reason.is_some())
}

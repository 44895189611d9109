//! [`Reasons`]: what keeps data from moving, as it was noted at the last contacts, and as a worker tells of this moment.

use std::collections::BTreeMap;

use serde::Serialize;
use verso_identity::WorkspaceId;
use verso_wire::Reason;
use verso_worker::Status as Live;

use crate::device::Device;
use crate::when;

#[derive(Debug, Serialize)]
pub(super) struct ReasonRow {
    pub(super) code: &'static str,
    pub(super) peer: Option<String>,
    pub(super) workspace: Option<String>,
    pub(super) since: Option<String>,
    /// By how many milliseconds the peer's clock is ahead, of `clock-skew`.
    pub(super) clock_skew_ms: Option<i64>,
    pub(super) what: &'static str,
    pub(super) action: &'static str,
}

impl ReasonRow {
    pub(super) const fn new(reason: Reason) -> Self {
        Self {
            code: reason.code(),
            peer: None,
            workspace: None,
            since: None,
            clock_skew_ms: None,
            what: reason.what(),
            action: reason.action(),
        }
    }
}

/// A reason, and since when, in milliseconds since the Unix epoch.
pub(super) type Noted = (Reason, Option<u64>);

/// What keeps data from moving.
pub(super) struct Reasons {
    /// Of this device.
    own: Vec<ReasonRow>,
    /// By peer, what stops all.
    of_peers: BTreeMap<String, Noted>,
    /// By peer and workspace, what stops that one.
    of_workspaces: BTreeMap<(String, WorkspaceId), Noted>,
    /// By peer, how far its clock is ahead, where that is far. It stops nothing.
    clocks: BTreeMap<String, i64>,
}

impl Reasons {
    pub(super) fn of(device: &Device, live: Option<&Live>) -> Self {
        let replica = device.replica();
        let mut of_peers = BTreeMap::new();
        let mut of_workspaces = BTreeMap::new();
        let noted = |(code, since): (String, u64)| Some((code.parse::<Reason>().ok()?, Some(since)));
        for peer in replica.peers() {
            let id = peer.trusted.device.to_hex();
            for (workspace, contact) in peer.contact.workspaces {
                if let Some(noted) = contact.reason.and_then(noted) {
                    of_workspaces.insert((id.clone(), workspace), noted);
                }
            }
            if let Some(noted) = peer.contact.reason.and_then(noted) {
                of_peers.insert(id, noted);
            }
        }
        // What is so at this moment takes the place of what was the last time.
        for (peer, now) in live.iter().flat_map(|live| &live.peers) {
            let peer = peer.to_hex();
            let before: Option<Noted> = of_peers.remove(&peer);
            if let Some(reason) = now.reason.or(now.held_back) {
                let since = before.filter(|(before, _)| *before == reason).and_then(|(_, since)| since);
                // What a worker tells of a peer may be about one workspace only.
                if !in_workspaces(&of_workspaces, &peer).any(|(kept, _)| *kept == reason) {
                    of_peers.insert(peer, (reason, since));
                }
            } else if let (false, Some(before)) = (now.connected, before) {
                of_peers.insert(peer, before);
            }
        }
        // Whatever else happened, this is what stands in the way.
        for peer in replica.unconfirmed() {
            let before = of_peers.remove(&peer.to_hex()).filter(|(reason, _)| *reason == Reason::Unconfirmed);
            of_peers.insert(peer.to_hex(), before.unwrap_or((Reason::Unconfirmed, None)));
        }
        let clocks = live.iter().flat_map(|live| &live.peers);
        let clocks = clocks.filter_map(|(peer, now)| Some((peer.to_hex(), now.clock_skew_ms?))).collect();
        Self { own: of_device(device, live), of_peers, of_workspaces, clocks }
    }

    /// What stops data between this device and a peer: all of it, else that of a workspace.
    pub(super) fn of_peer(&self, peer: &str) -> Option<Reason> {
        let of_all = self.of_peers.get(peer);
        of_all.or_else(|| in_workspaces(&self.of_workspaces, peer).next()).map(|(reason, _since)| *reason)
    }

    /// What stops the data of a workspace between this device and a peer: of that workspace, else all.
    pub(super) fn in_workspace(&self, peer: &str, workspace: WorkspaceId) -> Option<Noted> {
        self.of_workspaces.get(&(peer.to_owned(), workspace)).or_else(|| self.of_peers.get(peer)).copied()
    }

    pub(super) fn into_rows(self) -> Vec<ReasonRow> {
        let of_peer = |peer: String, (reason, since): Noted| ReasonRow {
            peer: Some(peer),
            since: since.map(when::json),
            ..ReasonRow::new(reason)
        };
        let mut rows = self.own;
        rows.extend(self.of_peers.into_iter().map(|(peer, noted)| of_peer(peer, noted)));
        rows.extend(self.of_workspaces.into_iter().map(|((peer, workspace), noted)| ReasonRow {
            workspace: Some(workspace.to_hex()),
            ..of_peer(peer, noted)
        }));
        rows.extend(
            self.clocks.into_iter().map(|(peer, ahead)| ReasonRow {
                clock_skew_ms: Some(ahead),
                ..of_peer(peer, (Reason::ClockSkew, None))
            }),
        );
        rows
    }
}

fn in_workspaces<'a>(
    of_workspaces: &'a BTreeMap<(String, WorkspaceId), Noted>,
    peer: &'a str,
) -> impl Iterator<Item = &'a Noted> {
    of_workspaces.iter().filter(move |((of, _), _)| of == peer).map(|(_, noted)| noted)
}

/// What has happened to this device itself.
fn of_device(device: &Device, live: Option<&Live>) -> Vec<ReasonRow> {
    let notices = device.notices();
    let name = |workspace: WorkspaceId| (workspace != WorkspaceId::CONTROL).then(|| workspace.to_hex());
    let row = |workspace, reason| ReasonRow { workspace: name(workspace), ..ReasonRow::new(reason) };
    let damaged = notices.logs.iter().filter(|(_, report)| report.loses_records());
    let damaged = damaged.map(|(workspace, _)| row(*workspace, Reason::LogDamaged));
    let rolled_back = live.and_then(|live| live.rolled_back).or(notices.rolled_back);
    damaged.chain(rolled_back.map(|workspace| row(workspace, Reason::RolledBack))).collect()
}

/// Tells the reasons about which nobody has to do anything.
pub(crate) const fn passes_by_itself(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Offline
            | Reason::Unreachable
            | Reason::Busy
            | Reason::Gap
            | Reason::Fork
            | Reason::RolledBack
            | Reason::ClockSkew
    )
}

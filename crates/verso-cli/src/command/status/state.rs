//! [`Status`]: how things stand, as what is stored tells it, and what runs, if anything does.

use serde::Serialize;
use verso_identity::WorkspaceId;
use verso_replica::Fork;
use verso_session::Progress;
use verso_wire::Reason;
use verso_worker::{PeerStatus, Status as Live};

use super::link::{LinkRow, RelayRow};
use super::reasons::{ReasonRow, Reasons, passes_by_itself};
use super::shared::{self, SharedRow};
use crate::command::peers::{self, Peer};
use crate::counted::Counted;
use crate::device::Device;
use crate::discovery::Discovery;
use crate::error::CliError;
use crate::find;

/// How things stand.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) indicator: &'static str,
    /// Whether `verso up` runs.
    pub(super) running: bool,
    pub(super) peers: Vec<PeerRow>,
    pub(super) workspaces: Vec<WorkspaceRow>,
    pub(super) conflicts: Vec<ConflictRow>,
    /// Nothing has to be done about them.
    pub(super) forks: Vec<ForkRow>,
    pub(super) reasons: Vec<ReasonRow>,
    /// How it would be if anything ran.
    pub(super) discovery: Discovery,
    /// How it stands with the relay; `None` where none is used, or nothing runs.
    pub(super) relay: Option<RelayRow>,
}

#[derive(Debug, Serialize)]
pub(super) struct PeerRow {
    #[serde(flatten)]
    pub(super) peer: Peer,
    /// What keeps data from moving, or did at the last attempt.
    pub(super) reason: Option<&'static str>,
    /// A connection is up.
    pub(super) connected: bool,
    /// Both acknowledged all they share, on this connection.
    pub(super) in_step: bool,
    /// How far the exchange on this connection has come, in entries; `None` without one.
    pub(super) progress: Option<Moved>,
    /// Which way that connection takes, and more of it.
    pub(super) link: Option<LinkRow>,
}

/// How far an exchange has come, in entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(super) struct Moved {
    pub(super) sent: u64,
    pub(super) to_send: u64,
    pub(super) received: u64,
    pub(super) to_receive: u64,
}

impl From<&Progress> for Moved {
    fn from(figures: &Progress) -> Self {
        let Progress { sent, to_send, received, to_receive } = *figures;
        Self { sent, to_send, received, to_receive }
    }
}

impl Moved {
    fn of(peer: &PeerStatus) -> Self {
        Self::from(&peer.total())
    }

    /// How many entries of how many, both ways together.
    pub(super) const fn both_ways(self) -> (u64, u64) {
        (self.sent.saturating_add(self.received), self.to_send.saturating_add(self.to_receive))
    }
}

#[derive(Debug, Serialize)]
pub(super) struct WorkspaceRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) nodes: usize,
    /// Entries in its journal.
    pub(super) entries: u64,
    /// Entries that are held and not shown, because nobody has admitted their authors yet.
    pub(super) held_back: u64,
    pub(super) conflicts: usize,
    /// How it stands with each peer that has it.
    pub(super) peers: Vec<SharedRow>,
}

#[derive(Debug, Serialize)]
pub(super) struct ConflictRow {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) workspace: String,
    pub(super) node: Option<String>,
    pub(super) title: String,
}

/// A device wrote two histories.
#[derive(Debug, Serialize)]
pub(super) struct ForkRow {
    /// `None` of the control journal.
    pub(super) workspace: Option<String>,
    pub(super) device: String,
    /// The device's name, if it is known.
    pub(super) name: Option<String>,
    pub(super) incarnation: String,
    /// The first entry that differs.
    pub(super) seq: u64,
    /// The incarnations that two of the branches go by.
    pub(super) branches: [String; 2],
}

impl Status {
    /// `live` is what a worker tells that has the device; without one nothing runs.
    pub(super) fn of(
        device: &Device,
        live: Option<&Live>,
        discovery: Discovery,
        counted: &mut Counted,
    ) -> Result<Self, CliError> {
        let reasons = Reasons::of(device, live);
        let mut workspaces = Vec::new();
        let mut conflicts = Vec::new();
        for workspace in find::workspaces(device) {
            let graph = device.graph(&workspace.id)?;
            let (held, applied) = device.replica().entries(&workspace.id).unwrap_or_default();
            let counts = counted.of(device.replica(), &workspace.id);
            conflicts.extend(graph.conflicts().iter().map(|conflict| {
                ConflictRow {
                    id: conflict.id.to_string(),
                    kind: conflict.id.kind(),
                    workspace: workspace.id.to_hex(),
                    node: conflict.id.node().map(|node| node.to_hyphenated()),
                    title: conflict
                        .id
                        .node()
                        .and_then(|node| graph.node(&node))
                        .map_or_else(|| workspace.name.clone(), |node| node.title().to_owned()),
                }
            }));
            workspaces.push(WorkspaceRow {
                id: workspace.id.to_hex(),
                name: workspace.name,
                nodes: counts.nodes,
                entries: held,
                held_back: held.saturating_sub(applied),
                conflicts: counts.conflicts,
                peers: shared::rows(device, live, &reasons, workspace.id),
            });
        }
        let journals = std::iter::once(WorkspaceId::CONTROL).chain(device.replica().workspaces());
        let forks = journals.flat_map(|workspace| forks(device, workspace)).collect();
        let peers: Vec<PeerRow> = peers::rows(device)
            .into_iter()
            .map(|peer| {
                let now = live.and_then(|live| live.peers.iter().find(|(id, _)| id.to_hex() == peer.device));
                let now = now.map(|(_, now)| now).filter(|now| now.connected);
                PeerRow {
                    reason: reasons.of_peer(&peer.device).map(Reason::code),
                    connected: now.is_some(),
                    in_step: now.is_some_and(|now| now.in_step),
                    progress: now.map(Moved::of),
                    link: now.and_then(|now| now.link.as_ref()).map(LinkRow::of),
                    peer,
                }
            })
            .collect();
        let reasons = reasons.into_rows();
        let indicator = indicator(&reasons, conflicts.len(), &peers);
        let running = live.is_some();
        let relay = live.and_then(|live| RelayRow::of(&live.relay));
        Ok(Self { indicator, running, peers, workspaces, conflicts, forks, reasons, discovery, relay })
    }
}

fn forks(device: &Device, workspace: WorkspaceId) -> Vec<ForkRow> {
    let row = |fork: Fork| ForkRow {
        workspace: (workspace != WorkspaceId::CONTROL).then(|| workspace.to_hex()),
        device: fork.author.device.to_hex(),
        name: device.replica().trust().name(&fork.author.device).map(str::to_owned),
        incarnation: fork.author.incarnation.to_string(),
        seq: fork.at.0,
        branches: fork.branches.map(|branch| branch.incarnation.to_string()),
    };
    device.replica().forks(&workspace).into_iter().map(row).collect()
}

/// The one word for it all.
fn indicator(reasons: &[ReasonRow], conflicts: usize, peers: &[PeerRow]) -> &'static str {
    let needs_somebody = |row: &ReasonRow| row.code.parse().is_ok_and(|reason: Reason| !passes_by_itself(reason));
    let mut connected = peers.iter().filter(|peer| peer.connected).peekable();
    if reasons.iter().any(needs_somebody) {
        "attention"
    } else if conflicts > 0 {
        "conflict"
    } else if connected.peek().is_none() {
        "offline"
    } else if connected.all(|peer| peer.in_step) {
        "synced"
    } else {
        "syncing"
    }
}

#[cfg(test)]
impl PeerRow {
    pub(super) fn example(name: &str) -> Self {
        Self { peer: Peer::example(name), reason: None, connected: false, in_step: false, progress: None, link: None }
    }
}

#[cfg(test)]
impl WorkspaceRow {
    pub(super) fn example(name: &str) -> Self {
        Self {
            id: "01".repeat(16),
            name: name.to_owned(),
            nodes: 71,
            entries: 1_203,
            held_back: 2,
            conflicts: 1,
            peers: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(all: &[Reason]) -> Vec<ReasonRow> {
        all.iter().map(|reason| ReasonRow::new(*reason)).collect()
    }

    #[test]
    fn who_has_to_act_is_told_first() {
        assert_eq!(indicator(&[], 0, &[]), "offline");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable]), 0, &[]), "offline");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable]), 1, &[]), "conflict");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable, Reason::Revoked]), 1, &[]), "attention");
        assert_eq!(indicator(&reasons(&[Reason::LogDamaged]), 0, &[]), "attention");
    }

    #[test]
    fn connected_peers_are_in_step_or_not_yet() {
        let peer = |connected, in_step| PeerRow { connected, in_step, ..PeerRow::example("lap") };
        let away = || peer(false, false);
        assert_eq!(indicator(&[], 0, &[away()]), "offline");
        assert_eq!(indicator(&[], 0, &[away(), peer(true, true)]), "synced");
        assert_eq!(indicator(&[], 0, &[peer(true, true), peer(true, false)]), "syncing");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable]), 0, &[away(), peer(true, true)]), "synced");
    }
}

//! `status`: how things stand, as the data directory tells it while nothing runs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use verso_discovery::Depth;
use verso_identity::WorkspaceId;
use verso_replica::Fork;
use verso_wire::Reason;

use super::peers::{self, Peer};
use crate::app::App;
use crate::device::Device;
use crate::discovery::Discovery;
use crate::error::CliError;
use crate::find;
use crate::output::{Paint, Report, entries, grouped, shown};
use crate::when;

pub(crate) fn run(app: &App) -> Result<(), CliError> {
    let device = app.device()?;
    let status = Status::of(&device, Discovery::of_settings(&app.settings, Depth::Quiet))?;
    device.close()?;
    app.output.print(&status)
}

/// How things stand.
#[derive(Debug, Serialize)]
struct Status {
    indicator: &'static str,
    peers: Vec<PeerRow>,
    workspaces: Vec<WorkspaceRow>,
    conflicts: Vec<ConflictRow>,
    /// Nothing has to be done about them.
    forks: Vec<ForkRow>,
    reasons: Vec<ReasonRow>,
    /// How it would be if anything ran.
    discovery: Discovery,
}

#[derive(Debug, Serialize)]
struct PeerRow {
    #[serde(flatten)]
    peer: Peer,
    /// Why nothing moved at the last attempt.
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct WorkspaceRow {
    id: String,
    name: String,
    nodes: usize,
    /// Entries in its journal.
    entries: u64,
    /// Entries that are held and not shown, because nobody has admitted their authors yet.
    held_back: u64,
    conflicts: usize,
}

#[derive(Debug, Serialize)]
struct ConflictRow {
    id: String,
    kind: &'static str,
    workspace: String,
    node: Option<String>,
    title: String,
}

/// A device wrote two histories.
#[derive(Debug, Serialize)]
struct ForkRow {
    /// `None` of the control journal.
    workspace: Option<String>,
    device: String,
    /// The device's name, if it is known.
    name: Option<String>,
    incarnation: String,
    /// The first entry that differs.
    seq: u64,
    /// The incarnations that two of the branches go by.
    branches: [String; 2],
}

#[derive(Debug, Serialize)]
struct ReasonRow {
    code: &'static str,
    peer: Option<String>,
    workspace: Option<String>,
    since: Option<String>,
    what: &'static str,
    action: &'static str,
}

impl Status {
    fn of(device: &Device, discovery: Discovery) -> Result<Self, CliError> {
        let mut workspaces = Vec::new();
        let mut conflicts = Vec::new();
        for workspace in find::workspaces(device) {
            let graph = device.graph(&workspace.id)?;
            let (held, applied) = device.replica().entries(&workspace.id).unwrap_or_default();
            let counts = graph.counts();
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
            });
        }
        let journals = std::iter::once(WorkspaceId::CONTROL).chain(device.replica().workspaces());
        let forks = journals.flat_map(|workspace| forks(device, workspace)).collect();
        let mut last: BTreeMap<String, (Reason, Option<u64>)> = device
            .replica()
            .peers()
            .filter_map(|peer| {
                let (code, since) = peer.contact.reason?;
                Some((peer.trusted.device.to_hex(), (code.parse().ok()?, Some(since))))
            })
            .collect();
        // Whatever else happened, this is what stands in the way.
        for peer in device.replica().unconfirmed() {
            let since = last.remove(&peer.to_hex()).filter(|(reason, _)| *reason == Reason::Unconfirmed);
            last.insert(peer.to_hex(), since.unwrap_or((Reason::Unconfirmed, None)));
        }
        let peers: Vec<PeerRow> = peers::rows(device)
            .into_iter()
            .map(|peer| PeerRow { reason: last.get(&peer.device).map(|(reason, _)| reason.code()), peer })
            .collect();
        let damaged = device.notices().logs.iter().filter(|(_, report)| report.loses_records());
        let damage = damaged.map(|(workspace, _)| ReasonRow {
            workspace: (*workspace != WorkspaceId::CONTROL).then(|| workspace.to_hex()),
            ..ReasonRow::new(Reason::LogDamaged)
        });
        let of_peers = last.iter().map(|(peer, (reason, since))| ReasonRow {
            peer: Some(peer.clone()),
            since: since.map(when::json),
            ..ReasonRow::new(*reason)
        });
        let reasons: Vec<ReasonRow> = damage.chain(of_peers).collect();
        let indicator = indicator(&reasons, conflicts.len());
        Ok(Self { indicator, peers, workspaces, conflicts, forks, reasons, discovery })
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

impl ReasonRow {
    const fn new(reason: Reason) -> Self {
        Self {
            code: reason.code(),
            peer: None,
            workspace: None,
            since: None,
            what: reason.what(),
            action: reason.action(),
        }
    }
}

/// The one word for it all. Nothing runs, so nothing is connected.
fn indicator(reasons: &[ReasonRow], conflicts: usize) -> &'static str {
    let needs_somebody = |row: &ReasonRow| row.code.parse().is_ok_and(|reason: Reason| !passes_by_itself(reason));
    if reasons.iter().any(needs_somebody) {
        "attention"
    } else if conflicts > 0 {
        "conflict"
    } else {
        "offline"
    }
}

/// Tells the reasons about which nobody has to do anything.
const fn passes_by_itself(reason: Reason) -> bool {
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

/// How much of a device's id people are shown where it has no name.
const SHORT_ID: usize = 8;

impl Report for Status {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        match self.indicator {
            "attention" => writeln!(out, "{}", paint.bad("! needs you"))?,
            "conflict" => writeln!(out, "{}", paint.warn("! conflict"))?,
            _ => writeln!(out, "{}", paint.strong("○ offline"))?,
        }
        if self.peers.is_empty() {
            writeln!(out, "no device is paired: run `verso pair` here, and `verso join LINK` there")?;
        }
        for PeerRow { peer, .. } in &self.peers {
            writeln!(out, "  {}  last seen {}", paint.strong(shown(&peer.name)), peer.seen())?;
            let mine = self.reasons.iter().filter(|reason| reason.peer.as_ref() == Some(&peer.device));
            for reason in mine {
                writeln!(out, "    {} {}", paint.warn(reason.what), paint.faint(reason.action))?;
            }
        }
        for workspace in &self.workspaces {
            let nodes = grouped(u64::try_from(workspace.nodes).unwrap_or(u64::MAX));
            write!(out, "  {}  {nodes} nodes", paint.strong(shown(&workspace.name)))?;
            write!(out, ", {}", entries(workspace.entries))?;
            if workspace.held_back > 0 {
                write!(out, ", {} of them held back", grouped(workspace.held_back))?;
            }
            writeln!(out)?;
        }
        for reason in self.reasons.iter().filter(|reason| reason.peer.is_none()) {
            writeln!(out, "  {} {}", paint.bad(reason.what), paint.faint(reason.action))?;
        }
        if let Some(obstacle) = &self.discovery.obstacle {
            writeln!(out, "  {} {}", paint.warn(&obstacle.what), paint.faint(obstacle.action))?;
        }
        for conflict in &self.conflicts {
            let what = match conflict.kind {
                "deletion" => "was deleted by somebody who had not seen all that was done to it",
                "url" => "got two urls at once",
                "workspace-name" => "got two names at once",
                _ => "got two titles at once",
            };
            writeln!(out, "  {} {} {what}", paint.warn("!"), shown(&conflict.title))?;
        }
        if !self.conflicts.is_empty() {
            writeln!(out, "  {}", paint.faint("see `verso conflicts`"))?;
        }
        for fork in &self.forks {
            let who =
                fork.name.as_deref().map_or_else(|| shown(fork.device.get(..SHORT_ID).unwrap_or_default()), shown);
            let text = format!("{who} wrote two histories, as after a restored backup or a copied disk; both are kept");
            writeln!(out, "  {}", paint.faint(&text))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_to_act_is_told_first() {
        let reasons = |all: &[Reason]| all.iter().map(|reason| ReasonRow::new(*reason)).collect::<Vec<_>>();
        assert_eq!(indicator(&[], 0), "offline");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable]), 0), "offline");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable]), 1), "conflict");
        assert_eq!(indicator(&reasons(&[Reason::Unreachable, Reason::Revoked]), 1), "attention");
        assert_eq!(indicator(&reasons(&[Reason::LogDamaged]), 0), "attention");
    }
}

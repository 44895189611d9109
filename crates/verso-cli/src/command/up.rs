//! `up`: stays and keeps all peers in step, until it is told to end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use verso_discovery::DiscoveryState;
use verso_graph::Graph;
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_replica::{Event, OpenNotices};
use verso_wire::{Application as _, Reason};
use verso_worker::{HostReplica, PeerStatus, Status, WorkerHandle, now_since};

use crate::app::App;
use crate::control::Screen;
#[cfg(unix)]
use crate::control::{Shared, server::Server};
use crate::discovery::Discovery;
use crate::error::CliError;
use crate::failure;
use crate::net::{self, Signals};
use crate::output::{Paint, Report, shown};

pub(crate) fn run(app: &App) -> Result<(), CliError> {
    let unlocked = app.unlock()?;
    let twin = DeviceKey::from_secret(&unlocked.key.to_secret());
    net::block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        let (worker, handle) = net::open(app, unlocked).await?;
        let begun = Begun { notices: worker.notices().clone(), screen: Screen::default() };
        let control = Control::open(app, &handle, twin, begun);
        let shutdown = CancellationToken::new();
        let (mut status, mut events) = (handle.status(), handle.events());
        let mut names = Names { handle: handle.clone(), known: BTreeMap::new() };
        names.renew().await;
        let started = Line::Started {
            device: handle.device().to_hex(),
            addresses: handle.addresses().iter().map(ToString::to_string).collect(),
            peers: names.known.len(),
        };
        app.output.print(&started)?;
        let mut run = tokio::spawn(worker.run(shutdown.clone()));
        let mut before = Status::default();
        let ended = loop {
            let lines = tokio::select! {
                () = signals.recv() => break None,
                ended = &mut run => break Some(ended),
                changed = status.changed() => match changed {
                    Ok(()) => {
                        let now = status.borrow_and_update().clone();
                        let lines = names.changes(&before, &now).await;
                        before = now;
                        lines
                    }
                    // The worker's end is told by `run`.
                    Err(_closed) => break Some((&mut run).await),
                },
                event = events.recv() => match event {
                    Ok(event) => names.line(event).await.into_iter().collect(),
                    Err(RecvError::Lagged(_)) => Vec::new(),
                    Err(RecvError::Closed) => break Some((&mut run).await),
                },
            };
            for line in lines {
                app.output.print(&line)?;
            }
        };
        control.close().await;
        shutdown.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => run.await,
        };
        let ended = ended.unwrap_or(Err(verso_worker::WorkerError::Crashed));
        ended.map_err(|error| failure::worker(&error, app.home().dir()))?;
        app.output.print(&Line::Stopped {})
    })
}

/// What the other commands share with whoever opens the way for them.
#[derive(Debug)]
pub(crate) struct Begun {
    /// What was noticed when the device was opened.
    pub(crate) notices: OpenNotices,
    /// The place of the one offer that is shown.
    pub(crate) screen: Screen,
}

/// The way for the other commands into this one. Without it all else works, and they end with what they would without it.
pub(crate) struct Control {
    #[cfg(unix)]
    server: Option<Server>,
}

impl Control {
    #[cfg(unix)]
    pub(crate) fn open(app: &App, handle: &WorkerHandle<Graph>, key: DeviceKey, begun: Begun) -> Self {
        let Begun { notices, screen } = begun;
        let shared = Shared {
            worker: handle.clone(),
            runtime: tokio::runtime::Handle::current(),
            key,
            notices,
            settings: app.settings.clone(),
            screen,
        };
        let server = Server::open(app.home().dir(), shared).inspect_err(|error| {
            let why = crate::error::chain(error);
            app.output.note(format_args!(
                "Other commands can't be carried out while this runs: there is no control socket: {why}."
            ));
        });
        Self { server: server.ok() }
    }

    #[cfg(not(unix))]
    pub(crate) fn open(_app: &App, _handle: &WorkerHandle<Graph>, _key: DeviceKey, _begun: Begun) -> Self {
        Self {}
    }

    pub(crate) async fn close(self) {
        #[cfg(unix)]
        if let Some(server) = self.server {
            server.close().await;
        }
    }
}

/// What this person calls devices and workspaces.
struct Names {
    handle: WorkerHandle<Graph>,
    known: BTreeMap<DeviceId, String>,
}

impl Names {
    async fn renew(&mut self) {
        let now = now_since(std::time::Instant::now());
        if let Some(known) = self.handle.read(move |replica| replica.known_peers(now)).await {
            self.known = known;
        }
    }

    async fn of(&mut self, device: DeviceId) -> Who {
        if !self.known.contains_key(&device) {
            self.renew().await;
        }
        Who { device: device.to_hex(), name: self.known.get(&device).cloned().unwrap_or_default() }
    }

    async fn workspace(&self, id: WorkspaceId) -> String {
        let name = self.handle.read(move |replica| {
            replica.application(&id).and_then(|graph| graph.name()).unwrap_or_default().to_owned()
        });
        name.await.unwrap_or_default()
    }

    /// What is different between two states of the status.
    async fn changes(&mut self, before: &Status, now: &Status) -> Vec<Line> {
        let mut lines = Vec::new();
        if now.discovery.state != before.discovery.state {
            lines.extend(discovery(&now.discovery.state));
        }
        if let Some(what) = now.mark_failure.as_ref().filter(|_| now.mark_failure != before.mark_failure) {
            lines.push(Line::MarkNotKept { what: what.clone() });
        }
        for (device, peer) in &now.peers {
            let was = before.peers.get(device).cloned().unwrap_or_default();
            if was != *peer {
                let who = self.of(*device).await;
                lines.extend(changes_of(&who, &was, peer));
            }
        }
        lines
    }

    async fn line(&mut self, event: Event) -> Option<Line> {
        match event {
            Event::RemoteDelta { workspace, from, entries } if workspace != WorkspaceId::CONTROL => {
                let name = self.workspace(workspace).await;
                Some(Line::Received {
                    who: self.of(from).await,
                    workspace: Place { id: workspace.to_hex(), name },
                    entries,
                })
            }
            Event::WorkspaceOffered { workspace, from } => {
                let offered = move |replica: &HostReplica<Graph>| {
                    replica.pending_offers().find(|offer| (offer.workspace, offer.from) == (workspace, from))
                };
                let offer = self.handle.read(offered).await.flatten()?;
                let workspace = Place { id: workspace.to_hex(), name: offer.name };
                Some(Line::WorkspaceOffered { who: self.of(from).await, workspace })
            }
            Event::WorkspaceAdopted { workspace, from } => {
                Some(Line::WorkspaceAdopted { who: self.of(from).await, workspace: workspace.to_hex() })
            }
            Event::MemberLeft { workspace, device } => {
                let name = self.workspace(workspace).await;
                Some(Line::MemberLeft { who: self.of(device).await, workspace: Place { id: workspace.to_hex(), name } })
            }
            Event::Rebuilt { workspace } => {
                let name = self.workspace(workspace).await;
                Some(Line::Rebuilt { workspace: Place { id: workspace.to_hex(), name } })
            }
            Event::Forked { workspace, author, .. } => {
                let name = self.workspace(workspace).await;
                let who = self.of(author.device).await;
                Some(Line::Forked { who, workspace: Place { id: workspace.to_hex(), name } })
            }
            Event::RolledBack { workspace } => {
                let name = self.workspace(workspace).await;
                Some(Line::RolledBack { workspace: Place { id: workspace.to_hex(), name } })
            }
            _ => None,
        }
    }
}

/// How it stands with finding devices on the local network, once that is known.
fn discovery(state: &DiscoveryState) -> Option<Line> {
    let is_known = matches!(state, DiscoveryState::On { .. } | DiscoveryState::Blocked(_));
    is_known.then(|| Line::Discovery { how: state.into() })
}

/// What is different about one peer, in the order in which it came about.
fn changes_of(who: &Who, was: &PeerStatus, now: &PeerStatus) -> Vec<Line> {
    let mut lines = Vec::new();
    let who = || who.clone();
    // It may have gone again already.
    let came = !was.connected && (now.connected || now.contacts != was.contacts);
    if came {
        lines.push(Line::PeerOnline { who: who() });
    }
    if now.in_step && (came || !was.in_step) {
        let total = now.total();
        lines.push(Line::InStep { who: who(), entries_sent: total.sent, entries_received: total.received });
    }
    let told = |reason: Reason| Why { code: reason.code(), what: reason.what(), action: reason.action() };
    match (was.connected || came, now.connected, now.reason) {
        (true, false, reason) => lines.push(Line::PeerOffline { who: who(), reason: reason.map(told) }),
        (_, _, Some(reason)) if was.reason != Some(reason) => {
            lines.push(Line::Blocked { who: who(), reason: told(reason) });
        }
        _ => {}
    }
    lines
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Who {
    device: String,
    name: String,
}

impl Who {
    fn text(&self) -> String {
        if self.name.is_empty() { self.device.get(..10).unwrap_or_default().to_owned() } else { shown(&self.name) }
    }
}

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Place {
    id: String,
    name: String,
}

/// Why data does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Why {
    code: &'static str,
    what: &'static str,
    action: &'static str,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Line {
    /// This device listens and dials.
    Started { device: String, addresses: Vec<String>, peers: usize },
    /// A connection with a peer is up.
    PeerOnline {
        #[serde(flatten)]
        who: Who,
    },
    /// Both acknowledged all they share. The figures are those of this connection.
    InStep {
        #[serde(flatten)]
        who: Who,
        entries_sent: u64,
        entries_received: u64,
    },
    /// Entries of others are durable and shown.
    Received {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
        entries: u64,
    },
    /// A friend offers a workspace, which the person may join.
    WorkspaceOffered {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
    },
    /// A workspace was taken over from another device of this person.
    WorkspaceAdopted {
        #[serde(flatten)]
        who: Who,
        workspace: String,
    },
    /// A device gave up its access to a workspace.
    MemberLeft {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
    },
    /// What a workspace shows was worked out anew, because who may write in it changed.
    Rebuilt { workspace: Place },
    /// A device wrote two histories, which are branches from now on.
    Forked {
        #[serde(flatten)]
        who: Who,
        workspace: Place,
    },
    /// This device had been rolled back, and writes on as a new author.
    RolledBack { workspace: Place },
    /// How far this device has written could not be noted apart from its data.
    MarkNotKept { what: String },
    /// Devices on the local network are found, or can't be.
    Discovery {
        #[serde(flatten)]
        how: Discovery,
    },
    /// The connection is gone.
    PeerOffline {
        #[serde(flatten)]
        who: Who,
        reason: Option<Why>,
    },
    /// Something keeps data from moving.
    Blocked {
        #[serde(flatten)]
        who: Who,
        reason: Why,
    },
    /// This device has ended.
    Stopped {},
}

impl Report for Line {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let place = |place: &Place| shown(if place.name.is_empty() { &place.id } else { &place.name });
        match self {
            Self::Started { addresses, peers, .. } => {
                let at = if addresses.is_empty() { "no network yet".to_owned() } else { addresses.join(", ") };
                writeln!(out, "{} listening at {at}; {peers} paired; Ctrl-C ends it", paint.faint("○"))?;
                if *peers == 0 {
                    writeln!(out, "No device is paired yet: end this, and run `verso pair`.")?;
                }
                Ok(())
            }
            Self::PeerOnline { who } => writeln!(out, "{} {} is here", paint.faint("◐"), paint.strong(who.text())),
            Self::InStep { who, entries_sent, entries_received } => writeln!(
                out,
                "{} {} is in step: sent {}, received {}",
                paint.good("●"),
                paint.strong(who.text()),
                crate::output::entries(*entries_sent),
                crate::output::entries(*entries_received)
            ),
            Self::Received { who, workspace, entries } => {
                let (from, place) = (who.text(), place(workspace));
                writeln!(out, "  {} of {place} from {from}", crate::output::entries(*entries))
            }
            Self::WorkspaceOffered { who, workspace } => {
                let name = place(workspace);
                writeln!(out, "  {} offers {name}: take it with `verso workspace join {name}`", who.text())
            }
            Self::WorkspaceAdopted { who, workspace } => {
                writeln!(out, "  a workspace of {}: {workspace}", who.text())
            }
            Self::MemberLeft { who, workspace } => writeln!(out, "  {} left {}", who.text(), place(workspace)),
            Self::Rebuilt { workspace } => writeln!(out, "  {} was worked out anew", place(workspace)),
            Self::Forked { who, workspace } => writeln!(
                out,
                "{} {} wrote two histories of {}, as after a restored backup or a copied disk; both are kept",
                paint.warn("!"),
                paint.strong(who.text()),
                place(workspace)
            ),
            Self::RolledBack { workspace } => writeln!(
                out,
                "{} this device was rolled back, as {} shows; it goes on as a new author, and nothing is lost",
                paint.warn("!"),
                place(workspace)
            ),
            Self::MarkNotKept { what } => {
                writeln!(out, "{} the key store does not keep the high-water mark: {}", paint.warn("!"), shown(what))
            }
            Self::Discovery { how: Discovery { obstacle: Some(obstacle), .. } } => {
                writeln!(out, "{} {}", paint.warn("○"), obstacle.what)?;
                writeln!(out, "  {}", paint.faint(obstacle.action))
            }
            Self::Discovery { how: Discovery { interfaces, .. } } => {
                writeln!(out, "{}", paint.faint(format!("  devices find each other on {}", interfaces.join(", "))))
            }
            Self::PeerOffline { who, reason } => {
                let why = reason.map_or_else(String::new, |why| format!(": {}", why.what));
                writeln!(out, "{} {} is gone{why}", paint.faint("○"), paint.strong(who.text()))
            }
            Self::Blocked { who, reason } => {
                writeln!(out, "{} {}: {}", paint.warn("○"), paint.strong(who.text()), reason.what)?;
                writeln!(out, "  {}", paint.faint(reason.action))
            }
            Self::Stopped {} => writeln!(out, "{} ended", paint.faint("○")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who() -> Who {
        Who { device: "00".repeat(32), name: "desk".to_owned() }
    }

    fn told(was: &PeerStatus, now: &PeerStatus) -> Vec<String> {
        let lines = changes_of(&who(), was, now);
        lines.iter().map(|line| serde_json::to_value(line).unwrap()["event"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_peer_comes_is_in_step_and_goes() {
        let away = PeerStatus::default();
        let here = PeerStatus { connected: true, ..PeerStatus::default() };
        let in_step = PeerStatus { in_step: true, ..here.clone() };
        let gone = PeerStatus { reason: Some(Reason::Unreachable), in_step: true, ..PeerStatus::default() };
        assert_eq!(told(&away, &here), ["peer-online"]);
        assert_eq!(told(&here, &in_step), ["in-step"]);
        assert_eq!(told(&away, &in_step), ["peer-online", "in-step"], "seen at once");
        assert_eq!(told(&in_step, &here), [""; 0], "new entries are on their way");
        assert_eq!(told(&in_step, &gone), ["peer-offline"]);
        assert_eq!(told(&gone, &gone), [""; 0]);
        assert_eq!(told(&here, &gone), ["in-step", "peer-offline"], "seen late");
        let again = PeerStatus { connected: true, contacts: 1, ..gone.clone() };
        assert_eq!(told(&gone, &again), ["peer-online", "in-step"], "in step again when it is seen");
        let been = PeerStatus { contacts: 1, ..gone.clone() };
        assert_eq!(told(&gone, &been), ["peer-online", "in-step", "peer-offline"], "it came and went unseen");
        assert_eq!(
            told(&in_step, &PeerStatus { contacts: 2, ..in_step.clone() }),
            [""; 0],
            "another connection took its place"
        );
    }

    #[test]
    fn what_is_in_the_way_is_told_once_with_what_to_do() {
        let away = PeerStatus::default();
        let refused = PeerStatus { reason: Some(Reason::NotTrusted), ..PeerStatus::default() };
        let lines = changes_of(&who(), &away, &refused);
        assert_eq!(changes_of(&who(), &refused, &refused), []);
        let json = serde_json::to_value(&lines).unwrap();
        let reason = serde_json::json!({"code": "not-trusted", "what": Reason::NotTrusted.what(),
            "action": Reason::NotTrusted.action()});
        let expected =
            serde_json::json!([{"event": "blocked", "device": "00".repeat(32), "name": "desk", "reason": reason}]);
        assert_eq!(json, expected);
    }
}

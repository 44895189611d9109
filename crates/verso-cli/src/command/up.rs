//! `up`: stays and keeps all peers in step, until it is told to end.

mod line;

use std::collections::BTreeMap;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use verso_discovery::DiscoveryState;
use verso_graph::Graph;
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_replica::{Event, OpenNotices};
use verso_wire::Application as _;
use verso_worker::{HostReplica, PeerStatus, Status, WorkerHandle, now_since};

use crate::app::App;
use crate::command::status::RelayRow;
use crate::control::Screen;
#[cfg(unix)]
use crate::control::{Shared, server::Server};
use crate::error::CliError;
use crate::failure;
use crate::net::{self, Signals};
use line::{Line, Place, Who, Why};

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
        if now.relay != before.relay {
            lines.extend(RelayRow::of(&now.relay).map(|how| Line::Relay { how }));
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
            Event::PeerOffline { peer: None, reason: Some(reason) } => Some(Line::Offline { reason: Why::of(reason) }),
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
    match (was.connected || came, now.connected, now.reason) {
        (true, false, reason) => lines.push(Line::PeerOffline { who: who(), reason: reason.map(Why::of) }),
        (_, _, Some(reason)) if was.reason != Some(reason) => {
            lines.push(Line::Blocked { who: who(), reason: Why::of(reason) });
        }
        _ => {}
    }
    lines
}

#[cfg(test)]
mod tests {
    use verso_transport::RelayState;
    use verso_wire::Reason;

    use super::*;
    use crate::output::{Paint, Report as _};

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

    #[test]
    fn a_relay_that_comes_and_goes_is_told_of_with_what_to_do() {
        let relay = || "https://relay.example/".parse().unwrap();
        let told = |state: &RelayState| {
            let line = Line::Relay { how: RelayRow::of(state).unwrap() };
            let mut text = Vec::new();
            line.write_text(&mut text, Paint::Plain).unwrap();
            (serde_json::to_value(&line).unwrap(), String::from_utf8(text).unwrap())
        };
        let (json, text) = told(&RelayState::Connected { relay: relay() });
        let expected =
            serde_json::json!({"event": "relay", "state": "connected", "relay": "https://relay.example/", "why": null});
        assert_eq!((json, text.as_str()), (expected, "  at the relay https://relay.example/\n"));
        let (json, text) = told(&RelayState::Unreachable { relay: relay(), why: "refused".to_owned() });
        assert_eq!((&json["state"], &json["why"]), (&"unreachable".into(), &"refused".into()));
        assert!(
            text.starts_with("○ the relay https://relay.example/ can't be reached: refused\n  It is tried"),
            "{text}"
        );
        assert_eq!(told(&RelayState::Connecting).1, "  looking for a relay\n");
    }
}

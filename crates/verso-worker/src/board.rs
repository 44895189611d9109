//! [`Status`]: what a person is shown about peers and workspaces, kept from events as plain data.

use std::collections::BTreeMap;

use tokio::sync::{broadcast, mpsc, watch};
use verso_identity::{DeviceId, WorkspaceId};
use verso_replica::Event;
use verso_session::Progress;
use verso_wire::Reason;

/// How many events a listener may be behind before it misses some. What it missed is in the status.
const EVENTS: usize = 1024;

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// By peer, what is known since the worker started.
    pub peers: BTreeMap<DeviceId, PeerStatus>,
}

/// How it stands with one peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerStatus {
    /// A connection is up.
    pub connected: bool,
    /// Both acknowledged all they share.
    pub in_step: bool,
    /// By workspace how far the exchange has come.
    pub progress: BTreeMap<WorkspaceId, Progress>,
    /// What stops data from moving, if anything does.
    pub reason: Option<Reason>,
}

impl PeerStatus {
    /// Adds up the figures of all workspaces, without the control log, which carries no one's data.
    pub fn total(&self) -> Progress {
        let mut total = Progress::default();
        for (_, progress) in self.progress.iter().filter(|(workspace, _)| **workspace != WorkspaceId::CONTROL) {
            total.sent = total.sent.saturating_add(progress.sent);
            total.to_send = total.to_send.saturating_add(progress.to_send);
            total.received = total.received.saturating_add(progress.received);
            total.to_receive = total.to_receive.saturating_add(progress.to_receive);
        }
        total
    }
}

/// The status and those who listen to events.
#[derive(Debug)]
pub(crate) struct Board {
    status: watch::Sender<Status>,
    events: broadcast::Sender<Event>,
}

impl Board {
    pub(crate) fn new() -> Self {
        Self { status: watch::Sender::new(Status::default()), events: broadcast::Sender::new(EVENTS) }
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    pub(crate) fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Changes what is shown of a peer.
    pub(crate) fn update(&self, peer: DeviceId, change: impl FnOnce(&mut PeerStatus)) {
        self.status.send_modify(|status| change(status.peers.entry(peer).or_default()));
    }

    /// Takes over the engine's events until it ends.
    pub(crate) async fn follow(&self, mut events: mpsc::UnboundedReceiver<Event>) {
        while let Some(event) = events.recv().await {
            self.note(&event);
            // Without a listener there is nobody to tell.
            drop(self.events.send(event));
        }
    }

    fn note(&self, event: &Event) {
        match event {
            Event::Progress { peer, workspace, progress } => self.update(*peer, |status| {
                status.progress.insert(*workspace, *progress);
                status.in_step = false;
            }),
            Event::AllLevel { peer, stopped } => self.update(*peer, |status| {
                status.in_step = !stopped;
                if !stopped {
                    status.reason = None;
                }
            }),
            Event::Stopped { peer, reason, .. } => self.update(*peer, |status| status.reason = Some(*reason)),
            _ => {}
        }
    }
}

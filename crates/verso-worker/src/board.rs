//! [`Status`]: what a person is shown about peers and workspaces, kept from events as plain data.

use std::collections::BTreeMap;

use tokio::sync::{broadcast, watch};
use verso_identity::{DeviceId, WorkspaceId};
use verso_replica::Event;
use verso_session::{Mode, Progress};
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
    /// Why one of the two doesn't take something that the other has, although the connection is in order.
    pub held_back: Option<Reason>,
    /// Bytes handed to QUIC streams, Noise included, on connections that have ended.
    pub bytes_sent: u64,
    /// Bytes read from QUIC streams, Noise included, on connections that have ended.
    pub bytes_received: u64,
    /// The figures of connections before the present one in the same round, without the control log.
    pub earlier: Progress,
}

impl PeerStatus {
    /// Adds up the figures of all workspaces, without the control log, which carries no one's data.
    pub fn total(&self) -> Progress {
        let mut total = self.earlier;
        for (_, progress) in self.progress.iter().filter(|(workspace, _)| **workspace != WorkspaceId::CONTROL) {
            add(&mut total, progress);
        }
        total
    }

    /// Takes in the figures of a workspace. Those of another connection begin anew.
    fn note_progress(&mut self, workspace: WorkspaceId, progress: Progress) {
        let before = self.progress.insert(workspace, progress).unwrap_or_default();
        let is_anew = progress.sent < before.sent || progress.received < before.received;
        if is_anew && workspace != WorkspaceId::CONTROL {
            // What was yet to come then comes, or came, in another figure.
            let Progress { sent, received, .. } = before;
            add(&mut self.earlier, &Progress { sent, to_send: sent, received, to_receive: received });
        }
        self.in_step = false;
    }

    /// A connection is up. A round may take several, and its figures are those of all of them; who stays connected is told those of each.
    pub(crate) fn connect(&mut self, mode: Mode) {
        self.connected = true;
        self.in_step = false;
        self.reason = None;
        self.held_back = None;
        if mode == Mode::StayOpen {
            self.begin_figures();
        }
    }

    fn begin_figures(&mut self) {
        self.progress.clear();
        self.earlier = Progress::default();
        (self.bytes_sent, self.bytes_received) = (0, 0);
    }
}

fn add(total: &mut Progress, progress: &Progress) {
    total.sent = total.sent.saturating_add(progress.sent);
    total.to_send = total.to_send.saturating_add(progress.to_send);
    total.received = total.received.saturating_add(progress.received);
    total.to_receive = total.to_receive.saturating_add(progress.to_receive);
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

    /// Begins a round: its figures are its own.
    pub(crate) fn begin_round(&self) {
        self.status.send_modify(|status| status.peers.values_mut().for_each(PeerStatus::begin_figures));
    }

    /// Takes over an event of the engine, so that the status tells of it before anything that follows from it.
    pub(crate) fn take(&self, event: Event) {
        self.note(&event);
        // Without a listener there is nobody to tell.
        drop(self.events.send(event));
    }

    fn note(&self, event: &Event) {
        match event {
            Event::Progress { peer, workspace, progress } => {
                self.update(*peer, |status| status.note_progress(*workspace, *progress));
            }
            Event::AllLevel { peer, stopped } => self.update(*peer, |status| {
                status.in_step = !stopped;
                if !stopped {
                    (status.reason, status.held_back) = (None, None);
                }
            }),
            Event::Stopped { peer, workspace, reason, .. } => self.update(*peer, |status| {
                status.reason = Some(*reason);
                if workspace.is_some() {
                    status.held_back = Some(*reason);
                }
            }),
            _ => {}
        }
    }
}

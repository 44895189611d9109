//! [`Status`]: what a person is shown about peers and workspaces, kept from events as plain data.

use std::collections::BTreeMap;

use tokio::sync::{broadcast, watch};
use verso_discovery::View;
use verso_identity::{DeviceId, WorkspaceId};
use verso_replica::{ConnectionId, Event};
use verso_session::{Mode, Progress};
use verso_transport::RelayState;
use verso_wire::Reason;

use crate::engine::wall_ms;

use crate::link::Link;

/// How many events a listener may be behind before it misses some. What it missed is in the status.
const EVENTS: usize = 1024;

/// From which difference on two clocks count as apart: a minute, more than a message takes, and as much as a clock is believed to be ahead.
const MAX_CLOCK_SKEW_MS: u64 = 60_000;

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// By peer, what is known since the worker started.
    pub peers: BTreeMap<DeviceId, PeerStatus>,
    /// Who is near, and whether it is possible to tell.
    pub discovery: View,
    /// How it stands with the relay by which peers can reach this device.
    pub relay: RelayState,
    /// The workspace in which it showed, if this device learned since the worker started that it had been put back to an earlier state: `rolled-back`.
    pub rolled_back: Option<WorkspaceId>,
    /// How often a defect of the program has ended something that was started again, since the worker started.
    pub crashes: u64,
    /// Why the high-water mark could not be read or kept the last time; `None` if all is well. Nothing waits for it.
    pub mark_failure: Option<String>,
}

/// How it stands with one peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerStatus {
    /// A connection is up.
    pub connected: bool,
    /// That connection, as it is now.
    pub link: Option<Link>,
    /// How many there have been: who looks at times would miss a peer that came and went meanwhile.
    pub contacts: u64,
    /// By how many milliseconds its clock was ahead of this device's at the last contact, if that is more than a minute, either way: `clock-skew`, which
    /// stops nothing.
    pub clock_skew_ms: Option<i64>,
    /// How often it was dialled since the worker started.
    pub dials: u64,
    /// How often a defect of the program has ended a connection with it.
    pub crashes: u64,
    /// Both acknowledged all they share.
    pub in_step: bool,
    /// Both acknowledged all that they take of each other, which may be less than all they share.
    pub level: bool,
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
    /// By workspace the connection whose figures `progress` has.
    pub connections: BTreeMap<WorkspaceId, ConnectionId>,
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
    ///
    /// The end of a connection may swallow the acknowledgement of what was sent on it. The peer then shows on the next one that it lacks
    /// less, and by so much more was sent.
    fn note_progress(&mut self, workspace: WorkspaceId, source: Source, progress: Progress) {
        let before = self.progress.insert(workspace, progress).unwrap_or_default();
        if source == Source::Another && workspace != WorkspaceId::CONTROL {
            let lacking = |figures: &Progress| figures.to_send.saturating_sub(figures.sent);
            let sent = before.sent.saturating_add(lacking(&before).saturating_sub(lacking(&progress)));
            let received = before.received;
            // What was yet to come then comes in another figure.
            add(&mut self.earlier, &Progress { sent, to_send: sent, received, to_receive: received });
        }
        (self.in_step, self.level) = (false, false);
    }

    /// A connection is up. A round may take several, and its figures are those of all of them; who stays connected is told those of each.
    pub(crate) fn connect(&mut self, mode: Mode) {
        self.connected = true;
        self.contacts = self.contacts.saturating_add(1);
        (self.in_step, self.level) = (false, false);
        self.reason = None;
        if mode == Mode::StayOpen {
            self.begin_figures();
        }
    }

    fn begin_figures(&mut self) {
        self.progress.clear();
        self.connections.clear();
        self.earlier = Progress::default();
        // What one connection of a round came to holds until another is level.
        self.held_back = None;
        (self.bytes_sent, self.bytes_received) = (0, 0);
    }
}

/// Whose figures come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Those of the connection that the figures before were of, or the first.
    Same,
    /// Those of another connection with the same peer.
    Another,
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

    /// Tells that a connection with a peer is up, which may take the place of another.
    pub(crate) fn online(&self, peer: DeviceId, mode: Mode) {
        let mut was_connected = false;
        self.update(peer, |status| {
            was_connected = status.connected;
            status.connect(mode);
        });
        if !was_connected {
            self.tell(Event::PeerOnline { peer });
        }
    }

    /// Tells that there is no connection with a peer, and why if that is not because all is done.
    pub(crate) fn offline(&self, peer: DeviceId, reason: Option<Reason>) {
        let mut is_news = false;
        self.update(peer, |status| {
            is_news = status.connected || (reason.is_some() && status.reason != reason);
            (status.connected, status.link) = (false, None);
            if reason.is_some() {
                status.reason = reason;
            }
        });
        if is_news {
            self.tell(Event::PeerOffline { peer: Some(peer), reason });
        }
    }

    /// Returns what stops data from moving to and from a peer.
    pub(crate) fn reason(&self, peer: &DeviceId) -> Option<Reason> {
        self.status.borrow().peers.get(peer)?.reason
    }

    /// Counts a defect that ended something with a peer.
    pub(crate) fn crashed(&self, peer: DeviceId) {
        tracing::error!(target: "verso.sync", %peer, "a defect of the program has ended the connection");
        self.update(peer, |status| status.crashes = status.crashes.saturating_add(1));
        self.count_crash();
    }

    /// Counts a defect that ended something.
    pub(crate) fn count_crash(&self) {
        self.status.send_modify(|status| status.crashes = status.crashes.saturating_add(1));
    }

    /// Tells whether the high-water mark is kept.
    pub(crate) fn note_mark(&self, failure: Option<String>) {
        self.status.send_if_modified(|status| {
            let is_new = status.mark_failure != failure;
            status.mark_failure = failure;
            is_new
        });
    }

    /// Tells how a connection is that is up, if that is news to who knows what was told before.
    pub(crate) fn note_link(&self, peer: DeviceId, link: &Link, is_news: impl FnOnce(&Link) -> bool) {
        self.status.send_if_modified(|status| {
            let Some(peer) = status.peers.get_mut(&peer).filter(|peer| peer.connected) else { return false };
            let is_new = peer.link.as_ref().is_none_or(is_news);
            if is_new {
                peer.link = Some(link.clone());
            }
            is_new
        });
    }

    /// Tells how it stands with this device's relay.
    pub(crate) fn note_relay(&self, relay: RelayState) {
        self.status.send_if_modified(|status| {
            let is_new = status.relay != relay;
            status.relay = relay;
            is_new
        });
    }

    /// Tells who is near.
    pub(crate) fn note_discovery(&self, view: &View) {
        self.status.send_if_modified(|status| {
            let is_new = status.discovery != *view;
            status.discovery.clone_from(view);
            is_new
        });
    }

    /// Begins a round: its figures are its own.
    pub(crate) fn begin_round(&self) {
        self.status.send_modify(|status| status.peers.values_mut().for_each(PeerStatus::begin_figures));
    }

    /// Takes over an event of the engine, so that the status tells of it before anything that follows from it.
    pub(crate) fn take(&self, event: Event) {
        self.note(&event);
        self.tell(event);
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, event: Event) {
        // Without a listener there is nobody to tell.
        drop(self.events.send(event));
    }

    fn note(&self, event: &Event) {
        match event {
            Event::PeerInfo { peer, info } => {
                let skew = skew(info.wall_clock_ms, wall_ms());
                self.update(*peer, |status| status.clock_skew_ms = skew);
            }
            Event::RemoteDelta { workspace, from, entries } => {
                tracing::debug!(target: "verso.sync.intent_applied", %workspace, %from, entries);
            }
            Event::ConflictOpened { workspace, conflicts } => {
                tracing::debug!(target: "verso.sync.conflict_detected", %workspace, conflicts = conflicts.len());
            }
            Event::RolledBack { workspace } => {
                self.status.send_modify(|status| status.rolled_back = Some(*workspace));
            }
            Event::Progress { peer, connection, workspace, progress } => {
                self.update(*peer, |status| {
                    let known = status.connections.insert(*workspace, *connection);
                    let is_same = known.is_none_or(|known| known == *connection);
                    let source = if is_same { Source::Same } else { Source::Another };
                    status.note_progress(*workspace, source, *progress);
                });
            }
            Event::AllLevel { peer, stopped } => self.update(*peer, |status| {
                (status.in_step, status.level) = (!stopped, true);
                if !stopped {
                    (status.reason, status.held_back) = (None, None);
                }
            }),
            Event::Stopped { peer, workspace, reason, .. } => self.update(*peer, |status| {
                status.reason = Some(*reason);
                // Of an unconfirmed peer all workspaces are held back.
                if workspace.is_some() || *reason == Reason::Unconfirmed {
                    status.held_back = Some(*reason);
                }
            }),
            _ => {}
        }
    }
}

/// Tells by how much a clock is ahead, if that is worth telling.
fn skew(theirs_ms: u64, ours_ms: u64) -> Option<i64> {
    let ahead = i128::from(theirs_ms) - i128::from(ours_ms);
    let is_far = ahead.unsigned_abs() > u128::from(MAX_CLOCK_SKEW_MS);
    is_far.then(|| i64::try_from(ahead).unwrap_or(if ahead < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::Source::{Another, Same};
    use verso_session::PeerInfo;

    use super::*;

    const NOTES: WorkspaceId = WorkspaceId::from_bytes([1; 16]);

    fn figures(sent: u64, to_send: u64, received: u64) -> Progress {
        Progress { sent, to_send, received, to_receive: received }
    }

    #[test]
    fn what_was_sent_counts_once_whatever_becomes_of_its_acknowledgement() {
        let sent = |steps: &[(Source, Progress)]| {
            let mut status = PeerStatus::default();
            for (source, progress) in steps {
                status.note_progress(NOTES, *source, *progress);
            }
            status.total().sent
        };
        assert_eq!(sent(&[(Same, figures(0, 5, 0)), (Same, figures(5, 5, 0))]), 5, "acknowledged");
        assert_eq!(sent(&[(Same, figures(0, 5, 0)), (Another, figures(0, 0, 0))]), 5, "shown by the next connection");
        assert_eq!(sent(&[(Same, figures(2, 5, 0)), (Another, figures(0, 3, 0)), (Same, figures(3, 3, 0))]), 5);
        assert_eq!(sent(&[(Same, figures(2, 5, 0)), (Another, figures(0, 1, 0)), (Same, figures(1, 1, 0))]), 5);
        assert_eq!(sent(&[(Same, figures(0, 5, 0)), (Another, figures(0, 5, 0)), (Same, figures(5, 5, 0))]), 5);
        assert_eq!(sent(&[(Same, figures(5, 5, 0)), (Another, figures(0, 0, 0))]), 5, "nothing is left");
    }

    #[test]
    fn clocks_that_are_far_apart_are_told_with_the_amount_and_others_are_not() {
        const NOW: u64 = 1_790_000_000_000;
        assert_eq!(skew(NOW + 60_000, NOW), None);
        assert_eq!(skew(NOW + 60_001, NOW), Some(60_001));
        assert_eq!(skew(NOW - 3_600_000, NOW), Some(-3_600_000));
        assert_eq!(skew(u64::MAX, 0), Some(i64::MAX));
        assert_eq!(skew(0, u64::MAX), Some(i64::MIN));
    }

    #[test]
    fn what_a_peer_says_of_its_clock_is_in_the_status_and_stops_nothing() {
        let (board, peer) = (Board::new(), DeviceId::from_bytes([1; 32]));
        let say = |wall_clock_ms| {
            let (name, addresses) = (String::new(), Vec::new());
            let info = PeerInfo { name, highest_version: 1, agreed_version: 1, wall_clock_ms, addresses };
            board.take(Event::PeerInfo { peer, info });
            board.status().borrow().peers[&peer].clone()
        };
        let late = say(wall_ms() - 7_200_000);
        assert!(late.clock_skew_ms.is_some_and(|skew| (-7_201_000..=-7_190_000).contains(&skew)), "{late:?}");
        assert_eq!(late.reason, None);
        assert_eq!(say(wall_ms()).clock_skew_ms, None);
    }

    #[test]
    fn a_device_that_was_put_back_says_so_in_its_status() {
        let board = Board::new();
        board.take(Event::RolledBack { workspace: NOTES });
        assert_eq!(board.status().borrow().rolled_back, Some(NOTES));
    }

    #[test]
    fn what_was_received_adds_up_over_connections() {
        let mut status = PeerStatus::default();
        status.note_progress(NOTES, Same, figures(0, 0, 4));
        status.note_progress(NOTES, Another, figures(0, 0, 1));
        status.note_progress(WorkspaceId::CONTROL, Same, figures(9, 9, 9));
        status.note_progress(WorkspaceId::CONTROL, Another, figures(9, 9, 9));
        assert_eq!((status.total().sent, status.total().received), (0, 5), "without the control log");
    }
}

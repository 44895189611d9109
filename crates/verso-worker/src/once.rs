//! One round of sync with all peers, as `verso up --once` does it.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use verso_identity::DeviceId;
use verso_session::Mode;
use verso_wire::{Application, Reason};

use crate::network::{Came, Network, Report, Serving};

/// How often a peer that does not answer is dialled in one round. It may be about to start.
pub(crate) const REDIAL: Duration = Duration::from_millis(250);

/// What one round brought with one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerOutcome {
    /// Which peer.
    pub device: DeviceId,
    /// What this person calls it.
    pub name: String,
    /// How it ended.
    pub state: OutcomeState,
    /// Why, where it did not end in step.
    pub reason: Option<Reason>,
    /// Entries that the peer acknowledged.
    pub entries_sent: u64,
    /// Entries received and durable here.
    pub entries_received: u64,
    /// Bytes handed to QUIC streams, Noise included.
    pub bytes_sent: u64,
    /// Bytes read from QUIC streams, Noise included.
    pub bytes_received: u64,
}

/// How a round with a peer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutcomeState {
    /// Both acknowledged everything.
    InStep,
    /// It was not reached.
    Unreachable,
    /// One of the two does not admit the other.
    Refused,
    /// It was reached, and something else went wrong.
    Failed,
}

impl OutcomeState {
    /// Returns the word for JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InStep => "in-step",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Syncs with all peers once: dials each at all known addresses, again and again for `wait`, serves those who dial meanwhile, and stays with
/// everyone it reached until both acknowledged everything.
pub(crate) async fn sync_once<A: Application>(network: &Arc<Network<A>>, wait: Duration) -> Vec<PeerOutcome> {
    let mut reports = Reports::new(network);
    network.board.begin_round();
    network.set_serving(Serving::Peers(Mode::FinishWhenLevel));
    let peers = network.engine.with(|replica, now| replica.known_peers(now)).await.unwrap_or_default();
    let deadline = Instant::now() + wait;
    let mut dialers = JoinSet::new();
    for peer in peers.keys().copied() {
        dialers.spawn(dial_until(Arc::clone(network), peer, reports.clone(), deadline));
    }
    let mut last: BTreeMap<DeviceId, Report> = BTreeMap::new();
    let mut near = pin!(network.stay_near());
    loop {
        let connected = peers.keys().any(|peer| network.is_connected(peer));
        // All may have been done on a connection that gave way to another, on which the peer waits for its answer.
        if !connected && peers.keys().all(|peer| last.get(peer).is_some_and(is_final)) {
            break;
        }
        // Past the deadline only those who are connected are waited for.
        if Instant::now() >= deadline && !connected && dialers.is_empty() {
            break;
        }
        tokio::select! {
            report = reports.next() => note(&mut last, report),
            Some(_) = dialers.join_next() => {}
            () = &mut near => {}
            () = sleep(REDIAL) => {}
        }
    }
    network.finder.leave_peers();
    network.set_serving(Serving::Nobody);
    while let Some(report) = reports.at_hand() {
        note(&mut last, report);
    }
    let status = network.board.status().borrow().clone();
    let outcomes: Vec<PeerOutcome> = peers
        .into_iter()
        .map(|(device, name)| {
            let status = status.peers.get(&device).cloned().unwrap_or_default();
            let (state, reason) = judge(last.remove(&device).map(|report| report.came), status.held_back);
            let total = status.total();
            PeerOutcome {
                device,
                name,
                state,
                reason,
                entries_sent: total.sent,
                entries_received: total.received,
                bytes_sent: status.bytes_sent,
                bytes_received: status.bytes_received,
            }
        })
        .collect();
    // What holds back a workspace is kept with that already; what holds back all of an unconfirmed peer is not.
    let of_all = |outcome: &PeerOutcome| {
        let held_back = status.peers.get(&outcome.device).and_then(|status| status.held_back);
        outcome.reason.filter(|reason| held_back != Some(*reason) || *reason == Reason::Unconfirmed)
    };
    let reasons: Vec<(DeviceId, Option<Reason>)> =
        outcomes.iter().map(|outcome| (outcome.device, of_all(outcome))).collect();
    // What is told now can also be told later, when nothing runs.
    network
        .engine
        .with(move |replica, now| {
            for (device, reason) in reasons {
                replica.note_reason(device, reason, now);
            }
        })
        .await;
    outcomes
}

/// Keeps the report that says most: a peer that was in step stays so, one that was reached was not out of reach.
pub(crate) fn note(last: &mut BTreeMap<DeviceId, Report>, report: Report) {
    let weight = |report: &Report| match report.came {
        _ if is_final(report) => 3,
        Came::Served(_) | Came::TurnedAway(_) => 2,
        Came::NotReached(_) | Came::NotTried(_) => 1,
    };
    let known = last.get(&report.peer).map_or(0, weight);
    if weight(&report) >= known && known < 3 {
        last.insert(report.peer, report);
    }
}

/// Tells whether nothing better can come: all is done, or it would be refused again.
pub(crate) fn is_final(report: &Report) -> bool {
    match report.came {
        Came::Served(ended) => ended.is_all_done(),
        Came::TurnedAway(reason) => is_about_trust(reason),
        Came::NotTried(_) => true,
        Came::NotReached(_) => false,
    }
}

const fn is_about_trust(reason: Reason) -> bool {
    matches!(reason, Reason::NotTrusted | Reason::Revoked | Reason::HandshakeFailed | Reason::Unconfirmed)
}

/// Tells what a round came to. Both may be done with all that they take and yet not in step: then something is held back.
pub(crate) fn judge(came: Option<Came>, held_back: Option<Reason>) -> (OutcomeState, Option<Reason>) {
    let (state, reason) = match came {
        Some(Came::Served(ended)) if ended.is_all_done() => match held_back {
            None => return (OutcomeState::InStep, None),
            Some(reason) => (OutcomeState::Failed, reason),
        },
        Some(Came::Served(ended)) => (OutcomeState::Failed, ended.reason().unwrap_or(Reason::Unreachable)),
        Some(Came::TurnedAway(reason)) => (OutcomeState::Failed, reason),
        Some(Came::NotReached(reason) | Came::NotTried(reason)) => return (OutcomeState::Unreachable, Some(reason)),
        None => return (OutcomeState::Unreachable, Some(Reason::Unreachable)),
    };
    let refused = is_about_trust(reason) || reason == Reason::Downgrade;
    (if refused { OutcomeState::Refused } else { state }, Some(reason))
}

/// Dials a peer until it was served to the end, refuses, or the deadline passes.
async fn dial_until<A: Application>(network: Arc<Network<A>>, peer: DeviceId, mut reports: Reports, deadline: Instant) {
    while Instant::now() < deadline {
        while let Some(report) = reports.at_hand() {
            if report.peer == peer && is_final(&report) {
                return;
            }
        }
        if !network.is_connected(&peer) {
            let dialed = tokio::select! {
                dialed = timeout_at(deadline, network.dial(peer)) => dialed,
                // The peer has dialled this device meanwhile, and both are done.
                () = reports.end_of(peer) => return,
            };
            match dialed {
                Ok(Ok((connection, control))) => {
                    network.serve(connection, control, Mode::FinishWhenLevel).await;
                }
                Ok(Err(error)) => network.note_dial_error(peer, &error).await,
                Err(_elapsed) => return,
            }
        }
        sleep(REDIAL).await;
    }
}

/// What comes of the attempts of one round. A connection from before it says nothing of it: the peer may have ended that in its own last round, and
/// wait for this device in a new one.
pub(crate) struct Reports {
    receiver: broadcast::Receiver<Report>,
    first: u64,
}

impl Clone for Reports {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.resubscribe(), first: self.first }
    }
}

impl Reports {
    pub(crate) fn new<A: Application>(network: &Network<A>) -> Self {
        Self { receiver: network.reports(), first: network.next_number() }
    }

    /// Returns the next report that has come already.
    pub(crate) fn at_hand(&mut self) -> Option<Report> {
        loop {
            match self.receiver.try_recv() {
                Ok(report) if report.number >= self.first => return Some(report),
                Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }

    /// Waits for the next report.
    pub(crate) async fn next(&mut self) -> Report {
        loop {
            match self.receiver.recv().await {
                Ok(report) if report.number >= self.first => return report,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Waits for the last report about a peer.
    async fn end_of(&mut self, peer: DeviceId) {
        loop {
            let report = self.next().await;
            if report.peer == peer && is_final(&report) {
                return;
            }
        }
    }
}

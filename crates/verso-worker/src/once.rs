//! One round of sync with all peers, as `verso up --once` does it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use verso_identity::DeviceId;
use verso_session::Mode;
use verso_wire::{Application, Reason};

use crate::connection::Ended;
use crate::network::{Network, Report, Serving};

/// How often a peer that does not answer is dialled in one round. It may be about to start.
const REDIAL: Duration = Duration::from_millis(250);

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
    let mut reports = network.reports();
    network.set_serving(Serving::Peers(Mode::FinishWhenLevel));
    let peers = network.engine.with(|replica, now| replica.known_peers(now)).await.unwrap_or_default();
    let deadline = Instant::now() + wait;
    let mut dialers = JoinSet::new();
    for peer in peers.keys().copied() {
        dialers.spawn(dial_until(Arc::clone(network), peer, deadline));
    }
    let mut last: BTreeMap<DeviceId, Report> = BTreeMap::new();
    while !peers.keys().all(|peer| last.get(peer).is_some_and(is_final)) {
        // Past the deadline only those who are connected are waited for.
        let connected = peers.keys().any(|peer| network.is_connected(peer));
        if Instant::now() >= deadline && !connected && dialers.is_empty() {
            break;
        }
        tokio::select! {
            report = reports.recv() => match report {
                Ok(report) => note(&mut last, report),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            Some(_) = dialers.join_next() => {}
            () = sleep(REDIAL) => {}
        }
    }
    network.set_serving(Serving::Nobody);
    while let Ok(report) = reports.try_recv() {
        note(&mut last, report);
    }
    let status = network.board.status().borrow().clone();
    let outcomes: Vec<PeerOutcome> = peers
        .into_iter()
        .map(|(device, name)| {
            let status = status.peers.get(&device).cloned().unwrap_or_default();
            let report = last.remove(&device);
            let ended = report.and_then(|report| report.ended);
            let reason = report.and_then(|report| report.refusal).or(ended.and_then(|ended| ended.reason()));
            let (state, reason) = judge(ended, reason.or(status.reason));
            let total = status.total();
            PeerOutcome {
                device,
                name,
                state,
                reason,
                entries_sent: total.sent,
                entries_received: total.received,
                bytes_sent: ended.map_or(0, |ended| ended.bytes_sent),
                bytes_received: ended.map_or(0, |ended| ended.bytes_received),
            }
        })
        .collect();
    let reasons: Vec<(DeviceId, Option<Reason>)> =
        outcomes.iter().map(|outcome| (outcome.device, outcome.reason)).collect();
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

/// Keeps the report that says most: a peer that was in step stays so, a second connection has nothing to add.
fn note(last: &mut BTreeMap<DeviceId, Report>, report: Report) {
    if !last.get(&report.peer).is_some_and(is_final) {
        last.insert(report.peer, report);
    }
}

/// Tells whether nothing better can come: all is done, or was refused.
fn is_final(report: &Report) -> bool {
    report.ended.is_some_and(|ended| ended.is_all_done())
        || matches!(report.refusal, Some(Reason::NotTrusted | Reason::Revoked | Reason::HandshakeFailed))
}

fn judge(ended: Option<Ended>, reason: Option<Reason>) -> (OutcomeState, Option<Reason>) {
    // Both may be done with all that they take and yet not in step: where something was declined, the reason tells.
    if ended.is_some_and(|ended| ended.is_all_done()) && reason.is_none() {
        return (OutcomeState::InStep, None);
    }
    let reason = reason.unwrap_or(Reason::Unreachable);
    let state = match reason {
        Reason::NotTrusted | Reason::Revoked | Reason::HandshakeFailed | Reason::Downgrade => OutcomeState::Refused,
        Reason::Unreachable | Reason::Offline if ended.is_none() => OutcomeState::Unreachable,
        _ => OutcomeState::Failed,
    };
    (state, Some(reason))
}

/// Dials a peer until it was served to the end, refuses, or the deadline passes.
async fn dial_until<A: Application>(network: Arc<Network<A>>, peer: DeviceId, deadline: Instant) {
    let mut reports = network.reports();
    while Instant::now() < deadline {
        while let Ok(report) = reports.try_recv() {
            if report.peer == peer && is_final(&report) {
                return;
            }
        }
        if !network.is_connected(&peer) {
            match timeout_at(deadline, network.dial(peer)).await {
                Ok(Ok((connection, control))) => network.serve(connection, control, Mode::FinishWhenLevel).await,
                Ok(Err(error)) => network.note_dial_error(peer, &error).await,
                Err(_elapsed) => return,
            }
        }
        sleep(REDIAL).await;
    }
}

//! One round of sync of a worker that runs, as `verso up --once` does it beside `verso up`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use verso_identity::DeviceId;
use verso_wire::{Application, Reason};

use crate::board::PeerStatus;
use crate::network::{Network, Report};
use crate::once::{OutcomeState, PeerOutcome, REDIAL, Reports, is_final, judge, note};

/// Entries and bytes that have gone and come.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    sent: u64,
    received: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

impl Figures {
    fn of<A: Application>(network: &Network<A>, peer: &DeviceId, status: &PeerStatus) -> Self {
        let total = status.total();
        // Those of a connection that is up are not in the status.
        let (sent, received) = network.bytes(peer);
        Self {
            sent: total.sent,
            received: total.received,
            bytes_sent: status.bytes_sent.saturating_add(sent),
            bytes_received: status.bytes_received.saturating_add(received),
        }
    }

    const fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            received: self.received.saturating_sub(before.received),
            bytes_sent: self.bytes_sent.saturating_sub(before.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(before.bytes_received),
        }
    }
}

/// Has every peer that is not connected dialled, again and again for `wait`, and stays until both acknowledged everything with all that are connected. Connections
/// stay as they are.
pub(crate) async fn round<A: Application>(network: &Arc<Network<A>>, wait: Duration) -> Vec<PeerOutcome> {
    let mut reports = Reports::new(network);
    let mut status = network.board.status();
    let peers = network.engine.with(|replica, now| replica.known_peers(now)).await.unwrap_or_default();
    let begun = status.borrow_and_update().peers.clone();
    let before: BTreeMap<DeviceId, (u64, Figures)> =
        begun.iter().map(|(peer, was)| (*peer, (was.contacts, Figures::of(network, peer, was)))).collect();
    let deadline = Instant::now() + wait;
    let mut last: BTreeMap<DeviceId, Report> = BTreeMap::new();
    network.something_changed();
    let now = loop {
        while let Some(report) = reports.at_hand() {
            note(&mut last, report);
        }
        let now = status.borrow_and_update().peers.clone();
        let is_connected = |peer| now.get(peer).is_some_and(|now| now.connected);
        let is_done = |peer| match now.get(peer) {
            Some(now) if now.connected => now.level,
            _ => last.get(peer).is_some_and(is_final),
        };
        let mut open = peers.keys().filter(|peer| !is_done(*peer)).peekable();
        let has_passed = Instant::now() >= deadline;
        // Past the deadline only those who are connected are waited for.
        if open.peek().is_none() || (has_passed && !peers.keys().any(|peer| is_connected(peer) && !is_done(peer))) {
            break now;
        }
        let is_away = open.any(|peer| !is_connected(peer));
        tokio::select! {
            report = reports.next() => note(&mut last, report),
            changed = status.changed() => if changed.is_err() { break now },
            () = sleep(REDIAL) => if is_away && !has_passed { network.something_changed() },
        }
    };
    let outcome = |(device, name): (DeviceId, String)| {
        let status = now.get(&device).cloned().unwrap_or_default();
        let (state, reason) = match (status.connected, status.level) {
            (true, true) if status.held_back.is_none() => (OutcomeState::InStep, None),
            (true, _) => (OutcomeState::Failed, status.held_back.or(status.reason).or(Some(Reason::Unreachable))),
            (false, _) => judge(last.remove(&device).map(|report| report.came), status.held_back),
        };
        let figures = Figures::of(network, &device, &status);
        // With another connection they began anew.
        let figures = match before.get(&device) {
            Some((contacts, before)) if *contacts == status.contacts => figures.since(*before),
            _ => figures,
        };
        PeerOutcome {
            device,
            name,
            state,
            reason,
            entries_sent: figures.sent,
            entries_received: figures.received,
            bytes_sent: figures.bytes_sent,
            bytes_received: figures.bytes_received,
        }
    };
    peers.into_iter().map(outcome).collect()
}

//! `up --once`: one round with all peers.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use verso_graph::Graph;
use verso_identity::DeviceKey;
use verso_replica::Replica;
use verso_wire::Reason;
use verso_worker::{OutcomeState, PeerOutcome, WorkerError, WorkerHandle, now_since};

use super::host_name;
use crate::app::App;
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::home::Unlocked;
use crate::net::{self, Signals};
use crate::output::{Paint, Report, entries, shown, size};
use crate::progress::SyncBar;

pub(crate) fn run(app: &App, wait: Duration) -> Result<(), CliError> {
    let (round, twin) = if let Some(host) = &app.host {
        (round_beside(app, host.worker(), wait)?, DeviceKey::from_secret(&host.key().to_secret()))
    } else {
        let unlocked = app.unlock()?;
        let twin = DeviceKey::from_secret(&unlocked.key.to_secret());
        let round = net::block_on(async {
            let mut signals = Signals::listen(app.output.seat())?;
            let stop = async {
                signals.recv().await;
                Ok(())
            };
            round(app, unlocked, wait, stop).await
        })?;
        (round, twin)
    };
    match round {
        Round::Done(outcomes, took) => {
            app.output.print(&Told::new(&outcomes, took))?;
            verdict(&outcomes)
        }
        Round::Stopped => {
            let why = "it was stopped before every device was in step; what was received is kept";
            Err(CliError::new(Exit::Failed, "sync is not complete", why, "run it again: it goes on where it stopped"))
        }
        Round::NoNetwork(error) => {
            let outcomes = out_of_reach(app, twin)?;
            app.output.print(&Told::new(&outcomes, Duration::ZERO))?;
            // With nobody to sync with, that is what to tell.
            verdict(&outcomes).and(Ok(())).map_err(|verdict| if outcomes.is_empty() { verdict } else { error })
        }
    }
}

/// Goes through one round, or as far as it gets before `stop`. The data directory is free after it.
pub(super) async fn round(
    app: &App,
    unlocked: Unlocked,
    wait: Duration,
    stop: impl Future<Output = Result<(), CliError>>,
) -> Result<Round, CliError> {
    let (worker, handle) = match net::open_quietly(app, unlocked).await {
        Ok(opened) => opened,
        Err(error) => {
            let is_of_the_network = matches!(error, WorkerError::Bind(_));
            let error = failure::worker(&error, app.home().dir());
            let is_missing = is_of_the_network && error.exit == Exit::NoPeer;
            return if is_missing { Ok(Round::NoNetwork(error)) } else { Err(error) };
        }
    };
    crate::device::tell_notices(worker.notices(), &app.output);
    let started = Instant::now();
    let outcomes = tokio::select! {
        outcomes = handle.sync_once(wait) => Ok(Some(outcomes)),
        stopped = stop => stopped.map(|()| None),
        never = show(&handle, SyncBar::new(&app.output)) => match never {},
    };
    let took = started.elapsed();
    worker.close().await.map_err(|error| failure::worker(&error, app.home().dir()))?;
    Ok(outcomes?.map_or(Round::Stopped, |outcomes| Round::Done(outcomes, took)))
}

/// Goes through one round with the worker of the `verso up` in which the command runs.
fn round_beside(app: &App, worker: &WorkerHandle<Graph>, wait: Duration) -> Result<Round, CliError> {
    app.block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        let started = Instant::now();
        let outcomes = tokio::select! {
            outcomes = worker.round(wait) => Some(outcomes),
            () = signals.recv() => None,
            never = show(worker, SyncBar::new(&app.output)) => match never {},
        };
        Ok(outcomes.map_or(Round::Stopped, |outcomes| Round::Done(outcomes, started.elapsed())))
    })
}

/// What came of a round.
pub(super) enum Round {
    Done(Vec<PeerOutcome>, Duration),
    Stopped,
    NoNetwork(CliError),
}

/// Shows how far it is, for as long as it is polled.
async fn show(handle: &WorkerHandle<Graph>, bar: SyncBar) -> std::convert::Infallible {
    let mut status = handle.status();
    loop {
        let (mut done, mut of) = (0_u64, 0_u64);
        for peer in status.borrow_and_update().peers.values() {
            let total = peer.total();
            done = done.saturating_add(total.sent).saturating_add(total.received);
            of = of.saturating_add(total.to_send).saturating_add(total.to_receive);
        }
        bar.show(done, of);
        if status.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// What a round without any network comes to.
fn out_of_reach(app: &App, key: DeviceKey) -> Result<Vec<PeerOutcome>, CliError> {
    let device = Device::open(app.home().dir(), key, &host_name())?;
    let peers = Replica::known_peers(device.replica(), now_since(Instant::now()));
    device.close()?;
    let outcome = |(device, name)| PeerOutcome {
        device,
        name,
        state: OutcomeState::Unreachable,
        reason: Some(Reason::Offline),
        entries_sent: 0,
        entries_received: 0,
        bytes_sent: 0,
        bytes_received: 0,
    };
    Ok(peers.into_iter().map(outcome).collect())
}

/// What a round means: well if every peer that was reached is in step, and there was one.
fn verdict(outcomes: &[PeerOutcome]) -> Result<(), CliError> {
    let reached: Vec<&PeerOutcome> =
        outcomes.iter().filter(|outcome| outcome.state != OutcomeState::Unreachable).collect();
    let failed: Vec<&PeerOutcome> =
        reached.iter().copied().filter(|outcome| outcome.state != OutcomeState::InStep).collect();
    let action = |outcome: &PeerOutcome| outcome.reason.map_or("run it again", Reason::action).to_owned();
    let (exit, what, why, hint) = match (outcomes, reached.as_slice(), failed.as_slice()) {
        ([], ..) => (
            Exit::NoPeer,
            "nothing to sync with",
            "no device is paired with this one yet".to_owned(),
            "run `verso pair` here, and `verso join LINK` on the other device".to_owned(),
        ),
        (all, [], _) => {
            let offline = all.iter().all(|outcome| outcome.reason == Some(Reason::Offline));
            let why = match (offline, all) {
                (true, _) => "this device has no network".to_owned(),
                (false, [only]) => format!("{} did not answer at any known address", shown(&only.name)),
                (false, all) => format!("none of {} paired devices answered at any known address", all.len()),
            };
            let hint = if offline {
                "connect this device to a network, then run it again; all else works without one"
            } else {
                "see that `verso up` runs on the other device at the same time, and both are on one network"
            };
            (Exit::NoPeer, "no peer could be reached", why, hint.to_owned())
        }
        (_, _, []) => return Ok(()),
        (_, reached, [first, ..]) => {
            let all_refused = reached.iter().all(|outcome| outcome.state == OutcomeState::Refused);
            let exit = if all_refused { Exit::Refused } else { Exit::Failed };
            let told = |outcome: &&PeerOutcome| {
                let reason = outcome.reason.map_or("it ended early", Reason::what);
                format!("{}: {}", shown(&outcome.name), reason.trim_end_matches('.'))
            };
            let why = failed.iter().map(told).collect::<Vec<_>>().join("; ");
            (exit, "not every device is in step", why, action(first))
        }
    };
    Err(CliError::new(exit, what, why, hint.trim_end_matches('.')))
}

/// What a round brought.
#[derive(Debug, Serialize)]
struct Told {
    peers: Vec<Row>,
    #[serde(skip)]
    took: Duration,
}

#[derive(Debug, Serialize)]
struct Row {
    device: String,
    name: String,
    state: &'static str,
    reason: Option<&'static str>,
    entries_sent: u64,
    entries_received: u64,
    bytes_sent: u64,
    bytes_received: u64,
}

impl Told {
    fn new(outcomes: &[PeerOutcome], took: Duration) -> Self {
        let row = |outcome: &PeerOutcome| Row {
            device: outcome.device.to_hex(),
            name: outcome.name.clone(),
            state: outcome.state.code(),
            reason: outcome.reason.map(Reason::code),
            entries_sent: outcome.entries_sent,
            entries_received: outcome.entries_received,
            bytes_sent: outcome.bytes_sent,
            bytes_received: outcome.bytes_received,
        };
        Self { peers: outcomes.iter().map(row).collect(), took }
    }
}

impl Report for Told {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        for peer in &self.peers {
            let name = paint.strong(shown(&peer.name));
            if peer.state == OutcomeState::InStep.code() {
                writeln!(
                    out,
                    "{} {name} is in step: sent {} ({}), received {} ({}), in {:.2} s",
                    paint.good("●"),
                    entries(peer.entries_sent),
                    size(peer.bytes_sent),
                    entries(peer.entries_received),
                    size(peer.bytes_received),
                    self.took.as_secs_f64()
                )?;
            } else {
                let reason = peer.reason.unwrap_or("ended early");
                writeln!(out, "{} {name} is {}: {reason}", paint.warn("○"), peer.state)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use verso_identity::DeviceId;

    use super::*;

    fn outcomes(states: &[(OutcomeState, Option<Reason>)]) -> Vec<PeerOutcome> {
        let outcome = |(number, (state, reason)): (u8, &(OutcomeState, Option<Reason>))| PeerOutcome {
            device: DeviceId::from_bytes([number; 32]),
            name: format!("peer {number}"),
            state: *state,
            reason: *reason,
            entries_sent: 0,
            entries_received: 0,
            bytes_sent: 0,
            bytes_received: 0,
        };
        (0..).zip(states).map(outcome).collect()
    }

    #[test]
    fn a_round_is_judged_by_those_who_were_reached() {
        const IN_STEP: (OutcomeState, Option<Reason>) = (OutcomeState::InStep, None);
        const AWAY: (OutcomeState, Option<Reason>) = (OutcomeState::Unreachable, Some(Reason::Unreachable));
        const REFUSED: (OutcomeState, Option<Reason>) = (OutcomeState::Refused, Some(Reason::NotTrusted));
        const FAILED: (OutcomeState, Option<Reason>) = (OutcomeState::Failed, Some(Reason::DiskFull));
        let code = |states: &[_]| verdict(&outcomes(states)).map_or_else(|error| error.exit.code(), |()| 0);
        assert_eq!(code(&[IN_STEP]), 0);
        assert_eq!(code(&[AWAY, IN_STEP]), 0, "who is away is not waited for");
        assert_eq!(code(&[]), 4);
        assert_eq!(code(&[AWAY, AWAY]), 4);
        assert_eq!(code(&[REFUSED]), 5);
        assert_eq!(code(&[AWAY, REFUSED]), 5);
        assert_eq!(code(&[IN_STEP, REFUSED]), 1);
        assert_eq!(code(&[IN_STEP, FAILED]), 1);
        assert_eq!(code(&[FAILED, REFUSED]), 1);
        let error = verdict(&outcomes(&[FAILED, REFUSED])).unwrap_err();
        assert!(error.why.contains("peer 0: The disk is full") && error.why.contains("peer 1: "), "{error}");
        assert!(error.hint.contains("Free some space"), "{error:?}");
    }
}

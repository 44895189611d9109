//! The ceremony's machines, driven over a connection and by a person's answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use verso_pairing::{Input, Joiner, NearbyCode, Output, Paired, PairingError, Shower, WorkspaceTerms};
use verso_replica::{PairSecret, ProvisionalPeer, SharedAtPairing};
use verso_transport::PairConnection;
use verso_trust::PairingWay;
use verso_wire::{Application, CloseCode, Reason};

use super::{ActiveOffer, Answer, PairingEvent, lock};
use crate::engine::{EngineHandle, wall_ms};
use crate::invitations::Invitations;

/// How long the last message may take to arrive.
const FAREWELL: Duration = Duration::from_secs(2);

/// The two machines behind one face.
pub(super) enum Machine {
    Shower(Box<Shower>, ActiveOffer),
    Joiner(Box<Joiner>),
}

impl Machine {
    pub(super) fn handle(&mut self, input: Input) {
        match self {
            Self::Shower(shower, active) => shower.handle(wall_ms(), &mut lock(&active.offer), input),
            Self::Joiner(joiner) => joiner.handle(wall_ms(), input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Self::Shower(shower, _) => shower.poll(),
            Self::Joiner(joiner) => joiner.poll(),
        }
    }

    /// The invitations that this ceremony uses up, if it does.
    fn kept(&self) -> Option<Arc<Invitations>> {
        match self {
            Self::Shower(_, active) => active.kept.clone(),
            Self::Joiner(_) => None,
        }
    }

    /// How long until time alone makes a difference.
    fn time_left(&self) -> Duration {
        let at = match self {
            Self::Shower(shower, _) => shower.poll_timeout(),
            Self::Joiner(joiner) => joiner.poll_timeout(),
        };
        at.map_or(Duration::from_mins(1), |at| Duration::from_millis(at.saturating_sub(wall_ms())))
    }
}

/// Runs a machine to its end.
pub(super) async fn drive<A: Application>(
    mut connection: PairConnection,
    mut machine: Machine,
    engine: &EngineHandle<A>,
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairingError> {
    let mut answer: Option<oneshot::Receiver<Answer>> = None;
    let mut typing: Option<oneshot::Receiver<NearbyCode>> = None;
    let mut shown: Option<NearbyCode> = None;
    let mut is_closed = false;
    loop {
        while let Some(output) = machine.poll() {
            match output {
                Output::Send(message) => {
                    if connection.send(Bytes::from(message)).await.is_err() {
                        is_closed = true;
                        machine.handle(Input::Closed);
                    }
                }
                Output::Compare(code) => {
                    // Nobody is proven, but people need time. That few can have it is the offer's concern.
                    connection.proven();
                    shown = Some(code);
                    typing = Some(ask_for_code(events, code, None));
                }
                Output::Retype { left } => typing = shown.map(|code| ask_for_code(events, code, Some(left))),
                Output::Confirm(summary) => {
                    // Both have proven that they hold the link; from here on people have time.
                    connection.proven();
                    let (sender, receiver) = oneshot::channel();
                    drop(events.send(PairingEvent::Confirm { summary: Box::new(summary), answer: sender }));
                    answer = Some(receiver);
                }
                Output::StoreProvisional(peer) => {
                    let stored = store(provisional(&peer), machine.kept(), engine).await;
                    machine.handle(if stored { Input::Stored } else { Input::StoreFailed });
                }
                Output::Done(paired) => {
                    // Who has the last word waits until it has arrived; the other's closing is the sign.
                    if matches!(machine, Machine::Shower(..)) {
                        drop(timeout(FAREWELL, connection.closed()).await);
                    }
                    connection.close(CloseCode::DONE);
                    return Ok(paired);
                }
                Output::Failed(error) => {
                    drop(timeout(FAREWELL, connection.closed()).await);
                    connection.close(CloseCode::from(Reason::Declined));
                    return Err(error);
                }
            }
        }
        if is_closed {
            return Err(PairingError::Disconnected);
        }
        let input = tokio::select! {
            message = connection.receive() => match message {
                Ok(message) => Input::Message(message.to_vec()),
                Err(_ended) => {
                    is_closed = true;
                    Input::Closed
                }
            },
            said = answered(answer.as_mut()) => {
                answer = None;
                if said == Answer::Yes { Input::Confirmed } else { Input::Refused }
            }
            typed = code_typed(typing.as_mut()) => {
                typing = None;
                typed.map_or(Input::Refused, Input::Typed)
            }
            () = sleep(machine.time_left()) => Input::Tick,
        };
        machine.handle(input);
    }
}

/// Stores a peer durably. An invitation is over before that: should the power go in between, the same device may finish, and no other.
async fn store<A: Application>(
    mut peer: ProvisionalPeer,
    kept: Option<Arc<Invitations>>,
    engine: &EngineHandle<A>,
) -> bool {
    if let Some(invitations) = kept {
        peer.way = PairingWay::Invite;
        if !matches!(tokio::task::spawn_blocking(move || invitations.save()).await, Ok(Ok(()))) {
            return false;
        }
    }
    matches!(engine.with(move |replica, _now| replica.store_provisional(peer)).await, Some(Ok(())))
}

/// Waits for a person's answer, forever if none was asked for. Silence that ends is no.
async fn answered(answer: Option<&mut oneshot::Receiver<Answer>>) -> Answer {
    match answer {
        Some(answer) => answer.await.unwrap_or(Answer::No),
        None => std::future::pending().await,
    }
}

/// Shows a code and asks for the one on the other screen.
fn ask_for_code(
    events: &mpsc::UnboundedSender<PairingEvent>,
    code: NearbyCode,
    left: Option<u8>,
) -> oneshot::Receiver<NearbyCode> {
    let (sender, receiver) = oneshot::channel();
    drop(events.send(PairingEvent::Compare { code, left, answer: sender }));
    receiver
}

/// Waits for what a person types, forever if nothing was asked for. Silence that ends is no.
async fn code_typed(typing: Option<&mut oneshot::Receiver<NearbyCode>>) -> Option<NearbyCode> {
    match typing {
        Some(typing) => typing.await.ok(),
        None => std::future::pending().await,
    }
}

/// What a friend is given, or gives.
fn shared(peer: &verso_pairing::ProvisionalPeer) -> Vec<SharedAtPairing> {
    let shared = |workspace: &WorkspaceTerms| SharedAtPairing {
        workspace: workspace.id,
        name: workspace.name.as_str().to_owned(),
        access: workspace.access,
    };
    peer.shared().iter().map(shared).collect()
}

fn provisional(peer: &verso_pairing::ProvisionalPeer) -> ProvisionalPeer {
    ProvisionalPeer {
        device: peer.device,
        noise_key: *peer.noise_key.as_bytes(),
        sealing_key: peer.sealing_key,
        secret: PairSecret::from_bytes(*peer.secret.expose()),
        name: peer.name.as_str().to_owned(),
        role: peer.role(),
        side: peer.side,
        way: peer.way,
        addresses: peer
            .addresses
            .iter()
            .map(ToString::to_string)
            .chain(peer.relay.as_ref().map(ToString::to_string))
            .collect(),
        workspaces: shared(peer),
        expires_ms: peer.expires_at.saturating_mul(1000),
    }
}

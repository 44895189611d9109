//! Pairing over the network: the ceremony's machines, driven over a connection and by a person's answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use verso_pairing::{
    Connection, Entropy, Input, Invitation, Joiner, Name, Offer, OfferStatus, Output, Paired, PairingError,
    PairingLink, Profile, Setup, Shower, Summary, Terms, Token, Validity, WorkspaceTerms,
};
use verso_replica::{PairSecret, ProvisionalPeer, SharedAtPairing};
use verso_transport::{DialError, PairConnection};
use verso_trust::PeerRole;
use verso_wire::{Application, CloseCode, Reason};
use zeroize::Zeroizing;

use crate::engine::{EngineHandle, wall_ms};
use crate::gate::OpenOffer;
use crate::network::Network;

/// How long a joiner tries to reach the showing device.
pub const JOIN_PATIENCE: Duration = Duration::from_secs(20);
/// How often it tries. The other side may just have been started.
const REDIAL: Duration = Duration::from_millis(500);
/// How long the last message may take to arrive.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often an open offer is looked at for its expiry.
const LOOK: Duration = Duration::from_millis(500);

/// What a pairing tells the person, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum PairingEvent {
    /// This is what will happen: show it, and answer whether it may.
    Confirm {
        /// Who the peer is and what it gets or gives.
        summary: Box<Summary>,
        /// The person's answer. Dropped, it is no.
        answer: oneshot::Sender<Answer>,
    },
    /// One attempt failed; the offer may stand.
    Failed(PairingError),
    /// Both sides have stored it. The last event.
    Paired(Paired),
    /// The offer is over without a pairing. The last event.
    Over(OfferStatus),
}

/// A person's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It may happen.
    Yes,
    /// It may not.
    No,
}

/// What is offered.
#[derive(Debug, Clone)]
pub struct OfferOptions {
    /// What the joining device becomes.
    pub role: PeerRole,
    /// What a friend is given.
    pub workspaces: Vec<WorkspaceTerms>,
    /// How long the offer stands.
    pub ttl: Duration,
}

/// An open offer. Dropped, it is withdrawn.
#[derive(Debug)]
pub struct PairingOffer {
    expires_at: u64,
    offer: Arc<Mutex<Offer>>,
    events: mpsc::UnboundedReceiver<PairingEvent>,
    _open: OpenOffer,
}

impl PairingOffer {
    /// Shows the link. It holds the token, so it is lent and never copied.
    pub fn with_link<T>(&self, show: impl FnOnce(&PairingLink) -> T) -> T {
        show(lock(&self.offer).link())
    }

    /// Returns when the offer ends, in seconds since the Unix epoch.
    pub const fn expires_at(&self) -> u64 {
        self.expires_at
    }

    /// Waits for what happens next; `None` after the last event.
    pub async fn next(&mut self) -> Option<PairingEvent> {
        loop {
            match timeout(LOOK, self.events.recv()).await {
                Ok(event) => return event,
                Err(_elapsed) => match self.status() {
                    OfferStatus::Open | OfferStatus::Busy | OfferStatus::Used { .. } => {}
                    over => {
                        self.events.close();
                        return Some(PairingEvent::Over(over));
                    }
                },
            }
        }
    }

    fn status(&self) -> OfferStatus {
        lock(&self.offer).status(wall_ms())
    }
}

impl Drop for PairingOffer {
    fn drop(&mut self) {
        lock(&self.offer).withdraw();
    }
}

/// The offer that incoming pairing connections are held against.
#[derive(Debug, Clone)]
pub(crate) struct ActiveOffer {
    offer: Arc<Mutex<Offer>>,
    events: mpsc::UnboundedSender<PairingEvent>,
}

/// A pairing can't be begun or did not come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// The operating system has no randomness to give.
    #[error("there is no randomness to be had")]
    Randomness(#[from] getrandom::Error),
    /// What is offered makes no sense.
    #[error("this can't be offered")]
    Terms(#[from] verso_pairing::TermsError),
    /// The showing device was not reached.
    #[error("the other device was not reached")]
    Dial(#[from] DialError),
    /// The ceremony ended without a pairing.
    #[error(transparent)]
    Ceremony(#[from] PairingError),
    /// The link's time is over.
    #[error("the link has expired")]
    Expired,
    /// The worker has ended.
    #[error("the sync worker has ended")]
    Ended,
}

/// Puts an offer up.
pub(crate) async fn offer<A: Application>(
    network: &Arc<Network<A>>,
    options: OfferOptions,
) -> Result<PairingOffer, PairError> {
    let profile = profile(network).await?;
    let mut token = Zeroizing::new([0; Token::LEN]);
    getrandom::fill(token.as_mut())?;
    let expires_at = (wall_ms() / 1000).saturating_add(options.ttl.as_secs());
    let terms = Terms::new(options.role, options.workspaces)?;
    let offer = Offer::new(network.transport.id(), &profile, terms, Validity { token: Token::new(token), expires_at });
    let offer = Arc::new(Mutex::new(offer));
    let (sender, events) = mpsc::unbounded_channel();
    network.set_offer(ActiveOffer { offer: Arc::clone(&offer), events: sender });
    Ok(PairingOffer { expires_at, offer, events, _open: network.gate.open_offer() })
}

/// Serves a device that came to be paired.
pub(crate) async fn show<A: Application>(network: Arc<Network<A>>, active: ActiveOffer, connection: PairConnection) {
    let outcome = async {
        let setup = setup(&network, &connection).await?;
        let shower = Shower::new(setup, &lock(&active.offer), wall_ms());
        let machine = Machine::Shower(Box::new(shower), Arc::clone(&active.offer));
        Ok::<_, PairError>(drive(connection, machine, &network.engine, &active.events).await?)
    };
    let event = match outcome.await {
        Ok(paired) => PairingEvent::Paired(paired),
        Err(PairError::Ceremony(error)) => PairingEvent::Failed(error),
        Err(error) => {
            tracing::warn!(target: "verso.sync", %error, "a pairing could not be served");
            return;
        }
    };
    // The person may have left.
    drop(active.events.send(event));
}

/// Joins by a link. Events come through `events`, the end is the answer.
pub(crate) async fn join<A: Application>(
    network: &Arc<Network<A>>,
    link: &PairingLink,
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairError> {
    if link.is_expired_at(wall_ms()) {
        return Err(PairError::Expired);
    }
    if *link.device() == network.transport.id() {
        return Err(PairingError::OwnCode.into());
    }
    let deadline = Instant::now() + JOIN_PATIENCE;
    let connection = loop {
        match network.transport.dial_pairing(link.device(), &link.hints().addresses).await {
            Ok(connection) => break connection,
            Err(error) if Instant::now() >= deadline || !is_worth_waiting(&error) => return Err(error.into()),
            Err(_unreachable) => sleep(REDIAL).await,
        }
    };
    let joiner = Joiner::new(setup(network, &connection).await?, Invitation::Link(link), wall_ms())?;
    Ok(drive(connection, Machine::Joiner(Box::new(joiner)), &network.engine, events).await?)
}

const fn is_worth_waiting(error: &DialError) -> bool {
    matches!(error, DialError::Unreachable | DialError::Lost)
}

/// The two machines behind one face.
enum Machine {
    Shower(Box<Shower>, Arc<Mutex<Offer>>),
    Joiner(Box<Joiner>),
}

impl Machine {
    fn handle(&mut self, input: Input) {
        match self {
            Self::Shower(shower, offer) => shower.handle(wall_ms(), &mut lock(offer), input),
            Self::Joiner(joiner) => joiner.handle(wall_ms(), input),
        }
    }

    fn poll(&mut self) -> Option<Output> {
        match self {
            Self::Shower(shower, _) => shower.poll(),
            Self::Joiner(joiner) => joiner.poll(),
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
async fn drive<A: Application>(
    mut connection: PairConnection,
    mut machine: Machine,
    engine: &EngineHandle<A>,
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairingError> {
    let mut answer: Option<oneshot::Receiver<Answer>> = None;
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
                // No offer of a worker is open for nearby devices yet.
                Output::Compare(_) | Output::Retype { .. } => machine.handle(Input::Refused),
                Output::Confirm(summary) => {
                    // Both have proven that they hold the link; from here on people have time.
                    connection.proven();
                    let (sender, receiver) = oneshot::channel();
                    drop(events.send(PairingEvent::Confirm { summary: Box::new(summary), answer: sender }));
                    answer = Some(receiver);
                }
                Output::StoreProvisional(peer) => {
                    let peer = provisional(&peer);
                    let stored = engine.with(move |replica, _now| replica.store_provisional(peer)).await;
                    machine.handle(if matches!(stored, Some(Ok(()))) { Input::Stored } else { Input::StoreFailed });
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
            () = sleep(machine.time_left()) => Input::Tick,
        };
        machine.handle(input);
    }
}

/// Waits for a person's answer, forever if none was asked for. Silence that ends is no.
async fn answered(answer: Option<&mut oneshot::Receiver<Answer>>) -> Answer {
    match answer {
        Some(answer) => answer.await.unwrap_or(Answer::No),
        None => std::future::pending().await,
    }
}

/// What a friend is given, or gives.
fn shared(peer: &verso_pairing::ProvisionalPeer) -> Vec<SharedAtPairing> {
    let workspaces = match peer.role() {
        PeerRole::Own => &[],
        PeerRole::Friend => peer.terms.workspaces(),
    };
    let shared = |workspace: &WorkspaceTerms| SharedAtPairing {
        workspace: workspace.id,
        name: workspace.name.as_str().to_owned(),
        access: workspace.access,
    };
    workspaces.iter().map(shared).collect()
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
        addresses: peer.addresses.iter().map(ToString::to_string).collect(),
        workspaces: shared(peer),
        expires_ms: peer.expires_at.saturating_mul(1000),
    }
}

async fn setup<A: Application>(network: &Network<A>, connection: &PairConnection) -> Result<Setup, PairError> {
    let mut entropy = Zeroizing::new([0; 64]);
    getrandom::fill(entropy.as_mut())?;
    Ok(Setup {
        identity: Arc::clone(&network.key),
        profile: profile(network).await?,
        connection: Connection { own: connection.own(), peer: connection.peer(), exporter: *connection.exporter() },
        entropy: Entropy::new(entropy),
    })
}

async fn profile<A: Application>(network: &Network<A>) -> Result<Profile, PairError> {
    let (name, sealing_key) = network
        .engine
        .with(|replica, _now| (replica.name().to_owned(), replica.sealing_key()))
        .await
        .ok_or(PairError::Ended)?;
    let addresses = network.transport.local_addresses();
    Ok(Profile { name: Name::lossy(&name), sealing_key, addresses, relay: None })
}

fn lock(offer: &Mutex<Offer>) -> std::sync::MutexGuard<'_, Offer> {
    offer.lock().unwrap_or_else(PoisonError::into_inner)
}

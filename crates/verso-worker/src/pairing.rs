//! Pairing over the network: offers that are put up, and joining by what a person was given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use verso_discovery::Relationship;
use verso_identity::DeviceId;
use verso_pairing::{
    Connection, Entropy, Input, Invitation, Joiner, Name, NearbyCode, NoMemory, Offer, OfferStatus, Paired,
    PairingError, PairingLink, Profile, Setup, Shower, Summary, Terms, Token, Validity, Words, WordsSecret,
    WorkspaceTerms,
};
use verso_transport::{Addresses, BindError, DialError, PairConnection, PairingDoor};
use verso_trust::PeerRole;
use verso_wire::Application;
use zeroize::Zeroizing;

use crate::engine::wall_ms;
use crate::finder::{By, Wish, reach};
use crate::gate::OpenOffer;
use crate::invitations::Invitations;
use crate::network::Network;

mod drive;
mod guests;

pub use guests::InviteError;
pub(crate) use guests::{invite, keep_guests, receive};

use drive::{Machine, drive};

/// How long a joiner tries to reach the showing device.
pub const JOIN_PATIENCE: Duration = Duration::from_secs(20);
/// How often it tries. The other side may just have been started.
const REDIAL: Duration = Duration::from_millis(500);
/// How often an open offer is looked at for its expiry.
const LOOK: Duration = Duration::from_millis(500);

/// What a pairing tells the person, in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum PairingEvent {
    /// A device nearby: show the code, and answer with the one on its screen.
    Compare {
        /// What this screen shows.
        code: NearbyCode,
        /// How often it may be typed again, if what was typed before is not the one.
        left: Option<u8>,
        /// What the person typed. Dropped, it is no.
        answer: oneshot::Sender<NearbyCode>,
    },
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
    /// How it may be taken.
    pub ways: Ways,
}

/// How an offer may be taken; each includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ways {
    /// By its link.
    Link,
    /// By six words.
    Words,
    /// By a device nearby, if somebody is there to compare codes.
    Nearby,
}

/// An open offer. Dropped, it is withdrawn.
#[derive(Debug)]
pub struct PairingOffer {
    expires_at: u64,
    offer: Arc<Mutex<Offer>>,
    events: mpsc::UnboundedReceiver<PairingEvent>,
    words: Option<OpenWords>,
    _open: OpenOffer,
    /// What is announced of it on the local network.
    _near: Vec<Wish>,
}

/// Six words that lead to an offer.
#[derive(Debug)]
struct OpenWords {
    words: Words,
    addresses: Vec<SocketAddr>,
    /// Closes the words' endpoint.
    _close: DropGuard,
}

impl PairingOffer {
    /// Shows the link. It holds the token, so it is lent and never copied.
    pub fn with_link<T>(&self, show: impl FnOnce(&PairingLink) -> T) -> T {
        show(lock(&self.offer).link())
    }

    /// Shows the words, if there are any, and the addresses of their endpoint, for where it isn't found by itself.
    pub fn with_words<T>(&self, show: impl FnOnce(&Words, &[SocketAddr]) -> T) -> Option<T> {
        self.words.as_ref().map(|open| show(&open.words, &open.addresses))
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
    /// Where it is kept, if it is an invitation.
    kept: Option<Arc<Invitations>>,
}

impl ActiveOffer {
    /// Tells whether somebody still waits for what comes of it. An invitation needs nobody.
    pub(crate) fn is_shown(&self) -> bool {
        !self.events.is_closed()
    }
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
    /// There isn't the memory that six words take.
    #[error(transparent)]
    Words(#[from] NoMemory),
    /// The one-time endpoint of six words can't be opened.
    #[error("the endpoint of the words can't be opened")]
    Door(#[from] BindError),
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
    let mut offer =
        Offer::new(network.transport.id(), &profile, terms, Validity { token: Token::new(token), expires_at });
    if options.ways >= Ways::Nearby {
        offer = offer.with_nearby();
    }
    let mut door = None;
    let mut endpoint = None;
    if options.ways >= Ways::Words {
        let mut random = Zeroizing::new([0; 8]);
        getrandom::fill(random.as_mut())?;
        let (words, secret) = stretch(Words::new(&random)).await?;
        offer = offer.with_words(&secret);
        let opened = network.transport.open_door(secret.endpoint_key()).await?;
        endpoint = Some(Relationship::door(secret.endpoint(), opened.port(), discovery_key(&secret)));
        door = Some((words, opened));
    }
    let offer = Arc::new(Mutex::new(offer));
    let (sender, events) = mpsc::unbounded_channel();
    let active = ActiveOffer { offer: Arc::clone(&offer), events: sender, kept: None };
    let words = door.map(|(words, door)| {
        let (addresses, close) = (door.addresses(), CancellationToken::new());
        tokio::spawn(keep_door(Arc::clone(network), active.clone(), door, close.clone()));
        OpenWords { words, addresses, _close: close.drop_guard() }
    });
    network.set_offer(active);
    let open = network.gate.open_offer();
    // Only now, so that who sees it is not turned away.
    let screen = (options.ways >= Ways::Nearby).then(|| network.finder.open_screen(profile.name));
    let door = endpoint.map(|endpoint| network.finder.open_endpoint(endpoint));
    let near = screen.into_iter().chain(door).collect();
    Ok(PairingOffer { expires_at, offer, events, words, _open: open, _near: near })
}

/// By what the endpoint of six words is found on the local network.
fn discovery_key(secret: &WordsSecret) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(*secret.discovery_key().expose())
}

/// Stretches words, on a thread where nobody waits for it.
async fn stretch(words: Words) -> Result<(Words, WordsSecret), PairError> {
    let stretching = tokio::task::spawn_blocking(move || words.stretch().map(|secret| (words, secret)));
    Ok(stretching.await.map_err(|_panic| PairError::Ended)??)
}

/// Serves the words' endpoint for as long as the offer is held.
async fn keep_door<A: Application>(
    network: Arc<Network<A>>,
    active: ActiveOffer,
    door: PairingDoor,
    close: CancellationToken,
) {
    let mut ceremonies = JoinSet::new();
    while let Some(Some(connection)) = close.run_until_cancelled(door.accept()).await {
        while ceremonies.try_join_next().is_some() {}
        ceremonies.spawn(show(Arc::clone(&network), active.clone(), connection));
    }
    door.close().await;
    while ceremonies.join_next().await.is_some() {}
}

/// Serves a device that came to be paired.
pub(crate) async fn show<A: Application>(network: Arc<Network<A>>, active: ActiveOffer, connection: PairConnection) {
    show_from(network, active, connection, None).await;
}

/// As [`show`], with the first message if it was read already.
async fn show_from<A: Application>(
    network: Arc<Network<A>>,
    active: ActiveOffer,
    connection: PairConnection,
    first: Option<Vec<u8>>,
) {
    let outcome = async {
        let setup = setup(&network, &connection).await?;
        let shower = Shower::new(setup, &lock(&active.offer), wall_ms());
        let mut machine = Machine::Shower(Box::new(shower), active.clone());
        if let Some(first) = first {
            machine.handle(Input::Message(first));
        }
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

/// Joins by a link, whose device is looked for at these addresses and those in it. Events come through `events`, the end is the answer.
pub(crate) async fn join<A: Application>(
    network: &Arc<Network<A>>,
    link: &PairingLink,
    at: &[SocketAddr],
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairError> {
    if link.is_expired_at(wall_ms()) {
        return Err(PairError::Expired);
    }
    let relays = link.hints().relay.iter().filter_map(|relay| relay.as_str().parse().ok()).collect();
    let at = Addresses { direct: [at, &link.hints().addresses].concat(), relays };
    join_by(network, Invitation::Link(link), at, events).await
}

/// Joins by six words, whose endpoint is looked for at these addresses and on the local network.
pub(crate) async fn join_by_words<A: Application>(
    network: &Arc<Network<A>>,
    words: Words,
    at: &[SocketAddr],
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairError> {
    let (_words, secret) = stretch(words).await?;
    let endpoint = Relationship::new(secret.endpoint(), discovery_key(&secret)).silent();
    let _looking = network.finder.open_endpoint(endpoint);
    join_by(network, Invitation::Words(&secret), at.into(), events).await
}

/// Joins a device that was seen nearby, at these addresses and where it is seen meanwhile.
pub(crate) async fn join_nearby<A: Application>(
    network: &Arc<Network<A>>,
    device: DeviceId,
    at: &[SocketAddr],
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairError> {
    let _seen = network.finder.look();
    join_by(network, Invitation::Nearby(device), at.into(), events).await
}

async fn join_by<A: Application>(
    network: &Arc<Network<A>>,
    invitation: Invitation<'_>,
    addresses: Addresses,
    events: &mpsc::UnboundedSender<PairingEvent>,
) -> Result<Paired, PairError> {
    let endpoint = invitation.endpoint();
    if endpoint == network.transport.id() {
        return Err(PairingError::OwnCode.into());
    }
    let deadline = Instant::now() + JOIN_PATIENCE;
    let by = if matches!(invitation, Invitation::Nearby(_)) { By::Screen } else { By::Secret };
    let is_looked_for = network.finder.is_on() && !matches!(invitation, Invitation::Link(_));
    let is_worth_waiting = |error: &DialError| match error {
        DialError::Unreachable | DialError::Lost => true,
        DialError::NoAddress => is_looked_for,
        _ => false,
    };
    let mut whereabouts = network.whereabouts(endpoint, by);
    let (transport, relays) = (&network.transport, &addresses.relays);
    let dial = |direct: Vec<SocketAddr>| async move {
        transport.dial_pairing(&endpoint, Addresses { direct, relays: relays.clone() }).await
    };
    let connection = loop {
        whereabouts.look();
        match reach(network.whereabouts(endpoint, by), &addresses.direct, dial).await {
            Ok(connection) => break connection,
            // It may answer later, or be found.
            Err(error) if Instant::now() >= deadline || !is_worth_waiting(&error) => return Err(error.into()),
            Err(_unreachable) => drop(timeout(REDIAL, whereabouts.news()).await),
        }
    };
    let joiner = Joiner::new(setup(network, &connection).await?, invitation, wall_ms())?;
    Ok(drive(connection, Machine::Joiner(Box::new(joiner)), &network.engine, events).await?)
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
    let Addresses { direct, relays } = network.transport.addresses();
    let relay = relays.first().and_then(|relay| relay.to_string().parse().ok());
    Ok(Profile { name: Name::lossy(&name), sealing_key, addresses: direct, relay })
}

fn lock(offer: &Mutex<Offer>) -> std::sync::MutexGuard<'_, Offer> {
    offer.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Dialling: all addresses at once, and none of them can keep the others back.

use std::collections::BTreeSet;
use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use iroh::endpoint::{
    ConnectError, ConnectWithOptsError, ConnectingError, Connection, ConnectionError, TransportErrorCode,
};
use iroh::{Endpoint, EndpointAddr};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::debug;
use verso_identity::DeviceId;
use verso_wire::limits::HANDSHAKE_TIMEOUT;
use verso_wire::{CloseCode, Reason};

use crate::addresses::Addresses;
use crate::close::{Closed, close};
use crate::connection::{Owned, SyncConnection};
use crate::endpoint::{Inner, Transport};
use crate::handshake::{ProofError, Prover};
use crate::network::{Network, RelayUrl};
use crate::pairing::{PairConnection, PairError};
use crate::quic::{ALPN_PAIR, ALPN_SYNC, bind, endpoint_addr, open_windows};
use crate::relay::RelayState;
use crate::stream::{FrameStream, StreamError, Traffic};

/// After how long without a connection each address is tried on its own as well: several times what a reachable peer needs,
/// short enough not to be felt.
const ALONE_AFTER: Duration = Duration::from_millis(500);
/// Most addresses that are tried on their own, the first ones given.
const MAX_ALONE: usize = 8;
/// Most addresses that are tried at all. A peer tells of at most 64; whoever knows more has typed them.
const MAX_ADDRESSES: usize = 64;

/// An address that is nobody's (RFC 5737) and so stands for any that is not in a local network.
const ANYWHERE_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// As the one before, in IPv6 (RFC 3849).
const ANYWHERE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Why there is no connection to a peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The own [`Gatekeeper`](crate::Gatekeeper) doesn't admit the peer; nothing was sent.
    #[error("this device does not admit the peer: {0}")]
    NotAdmitted(CloseCode),
    /// There is no address to try that this [`Network`](crate::Network) reaches.
    #[error("no address of the peer is known that can be tried")]
    NoAddress,
    /// This machine has no network, or none with a route to any of the addresses.
    #[error("this machine has no network")]
    NoNetwork,
    /// Nobody answered.
    #[error("the peer did not answer at any known address")]
    Unreachable,
    /// Somebody answered, but not the peer: its address belongs to another device now.
    #[error("another device answers at the peer's address")]
    WrongDevice,
    /// What answered speaks no common protocol.
    #[error("the peer speaks no common version of the protocol")]
    Version,
    /// The peer was not reached directly, and the relay doesn't let this device in.
    #[error("the peer did not answer at any known address, and the relay {relay} refuses this device: {why}")]
    RelayRefused {
        /// The relay.
        relay: RelayUrl,
        /// What it said.
        why: String,
    },
    /// The peer answered and closed the connection, with this code.
    #[error("the peer refused: {0}")]
    Refused(CloseCode),
    /// The peer did not prove what was agreed at pairing, so this side closed the connection.
    #[error("the peer did not prove what was agreed at pairing")]
    Unproven(#[source] ProofError),
    /// The connection was lost again before it was established.
    #[error("the connection was lost before it was established")]
    Lost,
    /// It was given up before anybody answered, since there was no more need of it.
    #[error("the dial was given up before anybody answered")]
    GivenUp,
    /// Misuse: a device doesn't dial itself.
    #[error("this device can't connect to itself")]
    Oneself,
    /// The transport is closed.
    #[error("the transport is closed")]
    Closed,
}

impl DialError {
    /// Returns the reason to show.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotAdmitted(code) | Self::Refused(code) => code.reason().unwrap_or(Reason::Unreachable),
            Self::NoNetwork => Reason::Offline,
            Self::Version => Reason::Version,
            Self::Unproven(source) => source.reason(),
            Self::NoAddress
            | Self::Unreachable
            | Self::WrongDevice
            | Self::RelayRefused { .. }
            | Self::Lost
            | Self::GivenUp
            | Self::Oneself
            | Self::Closed => Reason::Unreachable,
        }
    }

    /// Of several attempts' errors keeps the one that came furthest, since it tells most.
    fn or_further(self, other: Self) -> Self {
        let progress = |error: &Self| match error {
            Self::Refused(_) => 3,
            Self::Version => 2,
            Self::WrongDevice => 1,
            _ => 0,
        };
        if progress(&other) > progress(&self) { other } else { self }
    }

    fn closed(closed: Closed) -> Self {
        match closed {
            Closed::ByPeer(code) => Self::Refused(code),
            Closed::ByUs => Self::Closed,
            Closed::Lost | Closed::Protocol => Self::Lost,
        }
    }
}

impl Transport {
    /// Connects to a paired device: at all addresses at once, and through the relay and by the address lookup if the [`Network`] has them; then both sides prove
    /// what was agreed. Returns the connection and its control stream. Takes at most 10 s; dropping the future ends it.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn dial(
        &self,
        peer: &DeviceId,
        addresses: impl Into<Addresses>,
    ) -> Result<(SyncConnection, FrameStream), DialError> {
        self.dial_unless(peer, addresses, pending()).await
    }

    /// As [`dial`](Self::dial), and gives up once `needless` is ready, if nobody has answered by then. A peer that has answered may have given up another
    /// connection for this one, so from then on the dial goes to its end.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn dial_unless(
        &self,
        peer: &DeviceId,
        addresses: impl Into<Addresses>,
        needless: impl Future<Output = ()>,
    ) -> Result<(SyncConnection, FrameStream), DialError> {
        let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
        self.inner.gate.admit(peer).map_err(DialError::NotAdmitted)?;
        let secrets = self.inner.gate.secrets(peer);
        if secrets.is_empty() {
            return Err(DialError::NotAdmitted(Reason::NotTrusted.into()));
        }
        let Dialled { connection, lifeline } = tokio::select! {
            biased;
            dialled = self.connect(peer, addresses.into(), Attempt { alpn: ALPN_SYNC, deadline }) => dialled?,
            () = needless => return Err(DialError::GivenUp),
        };
        let traffic = Traffic::default();
        let prover = Prover {
            own: self.inner.id,
            key: &self.inner.noise_key,
            connection: &connection,
            secrets: &secrets,
            traffic: &traffic,
        };
        match timeout_at(deadline, prover.dial()).await {
            Ok(Ok((control, generation))) => {
                open_windows(&connection);
                let owned = Owned { _slot: None, _lifeline: lifeline };
                Ok((SyncConnection::new(connection, self.inner.id, generation, traffic, owned), control))
            }
            Ok(Err(ProofError::Ended(StreamError::Closed(closed)))) => Err(DialError::closed(closed)),
            Ok(Err(error)) => {
                close(&connection, Reason::HandshakeFailed.into());
                Err(DialError::Unproven(error))
            }
            Err(_elapsed) => {
                close(&connection, Reason::HandshakeFailed.into());
                Err(DialError::Lost)
            }
        }
    }

    /// Connects to a device to be paired with it; nothing is proven but that it is the device of this id.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn dial_pairing(
        &self,
        device: &DeviceId,
        addresses: impl Into<Addresses>,
    ) -> Result<PairConnection, DialError> {
        let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
        let dialled = self.connect(device, addresses.into(), Attempt { alpn: ALPN_PAIR, deadline }).await?;
        PairConnection::dial(dialled, &self.inner).await.map_err(|error| match error {
            PairError::Ended(StreamError::Closed(closed)) => DialError::closed(closed),
            _ => DialError::Lost,
        })
    }

    /// Connects at all addresses at once, and after a while at each on its own too.
    ///
    /// QUIC takes every answer to its first packet for the one peer's. So if another device answers at an address that once was
    /// the peer's, both answers mix into one that makes no sense, the attempt hangs, and iroh remembers the address for the
    /// next. An attempt from an endpoint of its own, which knows one address only, can't be disturbed.
    async fn connect(&self, peer: &DeviceId, addresses: Addresses, attempt: Attempt) -> Result<Dialled, DialError> {
        let endpoint = self.endpoint().ok_or(DialError::Closed)?;
        let addresses = self.worth_trying(&endpoint, peer, &addresses)?;
        let target = endpoint_addr(peer, &addresses).ok_or(DialError::NoAddress)?;
        self.race(&endpoint, target, &addresses.direct, attempt).await.map_err(|error| self.blame_relay(error))
    }

    /// Connects at the whole target, and after a while at each of its addresses on its own too.
    async fn race(
        &self,
        endpoint: &Endpoint,
        target: EndpointAddr,
        addresses: &[SocketAddr],
        attempt: Attempt,
    ) -> Result<Dialled, DialError> {
        let peer = DeviceId::from_bytes(*target.id.as_bytes());
        // Those that are also tried each on its own, and nothing beyond them: where each has failed for itself, they fail together too.
        let are_all_tried_alone =
            addresses.len() <= MAX_ALONE && target.relay_urls().next().is_none() && !self.inner.network.has_lookup();
        let mut together = pin!(endpoint.connect(target, attempt.alpn));
        let mut wait = pin!(sleep(ALONE_AFTER));
        let mut expired = pin!(sleep_until(attempt.deadline));
        let (sender, mut alone) = mpsc::channel(1);
        let mut sender = Some(sender);
        let (mut together_runs, mut alone_runs) = (true, true);
        let mut failure = DialError::Unreachable;
        loop {
            tokio::select! {
                result = &mut together, if together_runs => match result {
                    Ok(connection) => return Ok(Dialled { connection, lifeline: None }),
                    Err(error) => {
                        together_runs = false;
                        failure = failure.or_further(classify(&error));
                        if are_all_tried_alone && addresses.len() == 1 && matches!(failure, DialError::Refused(_) | DialError::Version) {
                            return Err(failure);
                        }
                    }
                },
                result = alone.recv(), if sender.is_none() && alone_runs => match result {
                    Some(Ok(dialled)) => return Ok(dialled),
                    Some(Err(error)) => failure = failure.or_further(error),
                    None if !together_runs || are_all_tried_alone => return Err(failure),
                    None => alone_runs = false,
                },
                () = &mut wait, if sender.is_some() => (),
                () = &mut expired => return Err(failure),
            }
            if let Some(sender) = sender.take() {
                for address in addresses.iter().take(MAX_ALONE) {
                    let alone = Alone { peer, address: *address, alpn: attempt.alpn };
                    self.inner.tasks.spawn(alone.run(Arc::clone(&self.inner), sender.clone()));
                }
            }
        }
    }

    /// Chooses what can lead anywhere, in the order given.
    fn worth_trying(
        &self,
        endpoint: &Endpoint,
        peer: &DeviceId,
        addresses: &Addresses,
    ) -> Result<Addresses, DialError> {
        if *peer == self.inner.id {
            return Err(DialError::Oneself);
        }
        let network = &self.inner.network;
        let own: BTreeSet<SocketAddr> = endpoint.addr().ip_addrs().copied().collect();
        let mut seen = BTreeSet::new();
        let chosen: Vec<SocketAddr> = addresses
            .direct
            .iter()
            .map(|address| SocketAddr::new(address.ip().to_canonical(), address.port()))
            .filter(|address| network.allows(address) && !own.contains(address) && seen.insert(*address))
            .take(MAX_ADDRESSES)
            .collect();
        let relays = network.relays(&addresses.relays);
        let is_found_otherwise = !relays.is_empty() || network.has_lookup();
        if chosen.is_empty() && !is_found_otherwise {
            return Err(DialError::NoAddress);
        }
        let direct: Vec<SocketAddr> = chosen.into_iter().filter(has_route).collect();
        if direct.is_empty() && !(is_found_otherwise && has_way_out(&relays)) {
            return Err(DialError::NoNetwork);
        }
        let found = Addresses { direct, relays };
        match &*self.inner.relay.borrow() {
            // Nobody will answer through it, and there is no other way.
            RelayState::Refused { relay, why } if found.direct.is_empty() && matches!(network, Network::Relay(_)) => {
                Err(DialError::RelayRefused { relay: relay.clone(), why: why.clone() })
            }
            _ => Ok(found),
        }
    }

    /// Where a peer was not reached and this device's relay is closed to it, that is what a person can do something about.
    fn blame_relay(&self, error: DialError) -> DialError {
        match (error, &*self.inner.relay.borrow()) {
            (DialError::Unreachable | DialError::NoAddress, RelayState::Refused { relay, why }) => {
                DialError::RelayRefused { relay: relay.clone(), why: why.clone() }
            }
            (error, _) => error,
        }
    }
}

/// Asks the operating system whether any of its routes leads to an address. No packet is sent.
fn has_route(address: &SocketAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    UdpSocket::bind((any, 0)).and_then(|socket| socket.connect(address)).is_ok()
}

/// Asks whether any route leads to one of the relays. Where one is known by its name only, any that leads out of the local networks is one.
pub(crate) fn has_way_out(relays: &[RelayUrl]) -> bool {
    let known: Vec<SocketAddr> = relays.iter().filter_map(RelayUrl::socket_address).collect();
    if known.len() == relays.len() && !known.is_empty() {
        return known.iter().any(has_route);
    }
    let anywhere = [SocketAddr::from((ANYWHERE_V4, 443)), SocketAddr::from((ANYWHERE_V6, 443))];
    anywhere.iter().chain(&known).any(has_route)
}

/// A connection that was made, and what keeps its endpoint, if that is one of its own.
pub(crate) struct Dialled {
    pub(crate) connection: Connection,
    pub(crate) lifeline: Option<Lifeline>,
}

/// Keeps the endpoint of a single dial for as long as somebody may ask how its connection ended: QUIC here forgets what the peer has said to close it when
/// the endpoint closes.
#[derive(Debug)]
pub(crate) struct Lifeline(#[expect(dead_code, reason = "it is dropped, and nothing else")] oneshot::Sender<()>);

/// What is dialled, and until when.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    alpn: &'static [u8],
    deadline: Instant,
}

/// An attempt at one address, by an endpoint of its own.
struct Alone {
    peer: DeviceId,
    address: SocketAddr,
    alpn: &'static [u8],
}

impl Alone {
    /// Tells the result, and keeps the endpoint for as long as the connection lives.
    async fn run(self, inner: Arc<Inner>, results: mpsc::Sender<Result<Dialled, DialError>>) {
        // Without a relay, at which a device is only once.
        let Ok(endpoint) = bind(inner.secret.clone(), &Network::Lan, &inner.spare_bindings, &[]).await else {
            return;
        };
        tokio::select! {
            () = self.connect(&endpoint, results) => (),
            () = turn_away(&endpoint) => (),
            () = inner.shutdown.cancelled() => (),
        }
        endpoint.close().await;
    }

    async fn connect(&self, endpoint: &Endpoint, results: mpsc::Sender<Result<Dialled, DialError>>) {
        let Some(target) = endpoint_addr(&self.peer, &Addresses::from(&[self.address])) else {
            return;
        };
        let result = tokio::select! {
            result = endpoint.connect(target, self.alpn) => result.map_err(|error| classify(&error)),
            () = results.closed() => return,
        };
        debug!(peer = %self.peer, address = %self.address, connected = result.is_ok(), "tried an address on its own");
        let connection = match result {
            Ok(connection) => connection,
            // Nobody waits any more if another attempt was first.
            Err(error) => return results.send(Err(error)).await.unwrap_or_default(),
        };
        // Registered while the connection is held here, so that its end is not missed.
        let ended = connection.weak_handle().closed();
        let (lifeline, held) = oneshot::channel();
        let dialled = Dialled { connection, lifeline: Some(Lifeline(lifeline)) };
        // If another attempt was first, the connection is dropped, and so closed.
        results.send(Ok(dialled)).await.unwrap_or_default();
        drop(results);
        ended.await;
        // Nothing is ever sent, only dropped.
        held.await.unwrap_or_default();
    }
}

/// Nobody is expected at the endpoint of a single dial.
async fn turn_away(endpoint: &Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        incoming.ignore();
    }
}

/// Tells what iroh's error means for the caller.
fn classify(error: &ConnectError) -> DialError {
    match error {
        ConnectError::Connect { source: ConnectWithOptsError::EndpointClosed { .. }, .. } => DialError::Closed,
        ConnectError::Connect { .. } => DialError::Unreachable,
        ConnectError::Connecting { source: ConnectingError::ConnectionError { source, .. }, .. }
        | ConnectError::Connection { source, .. } => classify_connection(source),
        _ => DialError::WrongDevice,
    }
}

fn classify_connection(error: &ConnectionError) -> DialError {
    // TLS alert 120 (RFC 7301): the other side speaks none of the protocols that were asked for.
    let no_application_protocol = TransportErrorCode::crypto(120);
    match error {
        ConnectionError::VersionMismatch => DialError::Version,
        ConnectionError::ConnectionClosed(close) if close.error_code == no_application_protocol => DialError::Version,
        ConnectionError::ConnectionClosed(close) if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
            DialError::Refused(Reason::Busy.into())
        }
        ConnectionError::TransportError(_) | ConnectionError::ConnectionClosed(_) => DialError::WrongDevice,
        ConnectionError::ApplicationClosed(_) => DialError::closed(Closed::from(error.clone())),
        ConnectionError::LocallyClosed => DialError::Closed,
        ConnectionError::Reset | ConnectionError::TimedOut | ConnectionError::CidsExhausted => DialError::Unreachable,
    }
}

//! [`Transport`]: the endpoint of a device, from binding to closing.

use std::fmt;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use iroh::{Endpoint, SecretKey};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::debug;
use verso_identity::{DeviceId, DeviceKey};
use verso_noise::NoiseKey;

use crate::accept::{BACKLOG, Incoming, Sessions, accept_loop};
use crate::addresses::Addresses;
use crate::config::{Binding, TransportConfig};
use crate::gate::Gatekeeper;
use crate::network::Network;
use crate::quic::{ALPN_PAIR, ALPN_SYNC, BindError, bind};
use crate::relay::{RelayState, watch_relay};

/// How long closing may take: peers get their goodbye within a round trip or not at all, and whoever pressed Ctrl-C
/// waits.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(900);
/// How often to look whether the operating system has the port back, which takes 2 or 3 ms.
const PORT_POLL: Duration = Duration::from_millis(1);
/// How long to look: longer than it takes, unless somebody holds a connection.
const PORT_PATIENCE: Duration = Duration::from_millis(30);

/// A device's endpoint on the network. It dials and accepts, and lets nobody in whom its [`Gatekeeper`] doesn't admit.
///
/// It wants to be closed by [`close`](Self::close); dropped, it stops without telling the peers.
pub struct Transport {
    pub(crate) inner: Arc<Inner>,
    /// Taken when closing: the operating system has the port for as long as anyone has the endpoint.
    endpoint: RwLock<Option<Endpoint>>,
    /// What the endpoint is bound to, the address of the device's port first.
    bound: Vec<SocketAddr>,
    incoming: Mutex<mpsc::Receiver<Incoming>>,
    _stop: DropGuard,
}

/// What the tasks of a transport share.
pub(crate) struct Inner {
    pub(crate) id: DeviceId,
    pub(crate) noise_key: NoiseKey,
    pub(crate) secret: SecretKey,
    pub(crate) network: Network,
    pub(crate) gate: Arc<dyn Gatekeeper>,
    pub(crate) sessions: Arc<Sessions>,
    /// Cancelled when the transport closes.
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Where endpoints of single dials are bound: as the transport itself, at any port.
    pub(crate) spare_bindings: Vec<Binding>,
    pub(crate) relay: watch::Receiver<RelayState>,
}

/// What an endpoint is started with.
pub(crate) struct Start {
    pub(crate) network: Network,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) alpns: &'static [&'static [u8]],
    pub(crate) max_sessions: usize,
    pub(crate) gate: Arc<dyn Gatekeeper>,
}

impl Transport {
    /// Binds the endpoint of the device `key` and begins to accept. It uses the same Ed25519 key as everything else of the
    /// device, and speaks `verso/sync/1` and `verso/pair/1`.
    ///
    /// # Errors
    /// [`BindError`]; above all [`BindError::PortTaken`], after which the caller may try port 0.
    pub async fn bind(key: &DeviceKey, config: TransportConfig, gate: Arc<dyn Gatekeeper>) -> Result<Self, BindError> {
        let bindings = config.bindings();
        let beyond = bindings.iter().find(|binding| !binding.address.ip().is_loopback());
        if let (Network::Loopback, Some(binding)) = (&config.network, beyond) {
            return Err(BindError::NotLoopback { address: binding.address });
        }
        let (network, max_sessions) = (config.network, config.max_incoming_sessions);
        Self::start(key, Start { network, bindings, alpns: &[ALPN_SYNC, ALPN_PAIR], max_sessions, gate }).await
    }

    pub(crate) async fn start(key: &DeviceKey, start: Start) -> Result<Self, BindError> {
        let Start { network, bindings, alpns, max_sessions, gate } = start;
        let secret = SecretKey::from_bytes(&key.to_secret());
        let endpoint = bind(secret.clone(), &network, &bindings, alpns).await?;

        let spare = |binding: Binding| Binding { address: SocketAddr::new(binding.address.ip(), 0), ..binding };
        let shutdown = CancellationToken::new();
        let (relay, relay_state) = watch::channel(RelayState::at_first(&network));
        let watching = watch_relay(endpoint.clone(), relay);
        let inner = Arc::new(Inner {
            id: key.id(),
            noise_key: NoiseKey::derive(key),
            secret,
            network,
            gate,
            sessions: Sessions::new(max_sessions),
            shutdown: shutdown.clone(),
            tasks: TaskTracker::new(),
            spare_bindings: bindings.into_iter().map(spare).collect(),
            relay: relay_state,
        });
        let stop = shutdown.clone();
        inner.tasks.spawn(async move { stop.run_until_cancelled(watching).await });
        let (sender, incoming) = mpsc::channel(BACKLOG);
        inner.tasks.spawn(accept_loop(Arc::clone(&inner), endpoint.clone(), sender));
        let mut bound = endpoint.bound_sockets();
        bound.sort_unstable();
        Ok(Self {
            inner,
            endpoint: RwLock::new(Some(endpoint)),
            bound,
            incoming: Mutex::new(incoming),
            _stop: shutdown.drop_guard(),
        })
    }

    /// Returns the endpoint, `None` once the transport is closed.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the device's id, which is the endpoint's.
    pub fn id(&self) -> DeviceId {
        self.inner.id
    }

    /// Waits for the next that comes in, `None` once the transport is closed. Up to 16 wait here; who waits for longer than
    /// the handshake may take is told `busy`.
    pub async fn accept(&self) -> Option<Incoming> {
        self.incoming.lock().await.recv().await
    }

    /// Returns the addresses at which peers may reach this device at the moment: of the machine's interfaces, or the one it
    /// listens at. Without any network there are none, nor after closing.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        let Some(endpoint) = self.endpoint() else {
            return Vec::new();
        };
        let mut addresses: Vec<SocketAddr> =
            endpoint.addr().ip_addrs().copied().filter(|address| usable_by_peers(address.ip())).collect();
        addresses.sort_unstable();
        addresses
    }

    /// Tells whether this machine has no network at the moment: then nobody is reached, whoever they are. A device that is for its own machine alone needs none.
    pub fn is_offline(&self) -> bool {
        // Without any other interface the one by which a machine speaks to itself is named.
        let is_local = |address: &SocketAddr| address.ip().is_loopback();
        !self.bound.iter().any(is_local) && self.local_addresses().iter().all(is_local)
    }

    /// Returns where peers may reach this device at the moment: its addresses, and the relay at which it is.
    pub fn addresses(&self) -> Addresses {
        let relay = match &self.inner.network {
            Network::Relay(own) => Some(own.url.clone()),
            _ => self.inner.relay.borrow().connected().cloned(),
        };
        Addresses { direct: self.local_addresses(), relays: relay.into_iter().collect() }
    }

    /// Watches how it stands with the relay through which peers can reach this device.
    pub fn relay(&self) -> watch::Receiver<RelayState> {
        self.inner.relay.clone()
    }

    /// Returns the UDP port, the IPv4 one where there are two.
    pub fn port(&self) -> u16 {
        self.bound.first().map_or(0, SocketAddr::port)
    }

    /// Closes every connection, gives their peers up to 0.9 s to hear of it, and frees the port. Whoever waits for a connection,
    /// a stream or a frame gets an error.
    ///
    /// When it returns another transport can have the port, unless connections or streams of this one are still held: then
    /// when the last of them is dropped.
    pub async fn close(&self) {
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        self.inner.shutdown.cancel();
        self.inner.tasks.close();
        let endpoint = self.endpoint.write().unwrap_or_else(PoisonError::into_inner).take();
        let closing = async {
            if let Some(endpoint) = endpoint {
                endpoint.close().await;
            }
            self.inner.tasks.wait().await;
            // Whoever still waited to be accepted has been closed like all others.
            let mut incoming = self.incoming.lock().await;
            while incoming.try_recv().is_ok() {}
            timeout(PORT_PATIENCE, self.wait_for_port()).await.unwrap_or_default();
        };
        if timeout_at(deadline, closing).await.is_err() {
            debug!("the transport was closed before all peers had heard of it");
        }
    }

    /// Waits until the port is free. iroh gives it back a few milliseconds after closing, from a task that can't be awaited.
    async fn wait_for_port(&self) {
        while self.bound.iter().any(|address| UdpSocket::bind(address).is_err()) {
            sleep(PORT_POLL).await;
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("id", &self.inner.id)
            .field("network", &self.inner.network)
            .field("port", &self.port())
            .finish_non_exhaustive()
    }
}

/// A link-local IPv6 address means nothing without the interface, which is another on each machine.
fn usable_by_peers(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_unicast_link_local(),
    }
}

//! How QUIC and TLS are set up, and how iroh's types and the project's meet.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iroh::address_lookup::{DnsAddressLookup, PkarrPublisher, PkarrResolver};
use iroh::endpoint::{BindOpts, Builder, Connection, IdleTimeout, QuicTransportConfig, VarInt, presets};
use iroh::tls::CaTlsConfig;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayConfig, RelayMap, RelayMode, SecretKey};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use verso_identity::DeviceId;
use verso_wire::limits;

use crate::addresses::Addresses;
use crate::config::Binding;
use crate::network::{Network, OwnRelay};

/// The protocol of paired devices.
pub(crate) const ALPN_SYNC: &[u8] = b"verso/sync/1";
/// The protocol of devices that are being paired.
pub(crate) const ALPN_PAIR: &[u8] = b"verso/pair/1";

/// What a peer may have on its way to us before it has proven anything: 64 KiB, which a handshake needs a hundredth
/// of. It bounds the memory that a stranger can take.
const UNPROVEN_WINDOW: u32 = 64 * 1024;
/// What a proven peer may have on its way to us on one stream: 2 MiB, which carries 26 MB/s over a round trip of 80 ms. It can't
/// be much more: QUIC here gives a connection up when 2,048 packets wait unread on a stream, even without a gap among
/// them (quinn's issue 2809), and 2 MiB are 1,800 packets of the smallest full size.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
/// What a proven peer may have on its way to us on all streams together: four full streams, so that some that wait for
/// the disk don't hold up the others.
const SESSION_WINDOW: u32 = 4 * STREAM_WINDOW;
/// How much of what we send may be unacknowledged by the peer's QUIC, and so kept in memory.
const SEND_WINDOW: u64 = 8 * 1024 * 1024;
/// The round trip that is assumed until one was measured. A first packet that was lost goes out again after three times this
/// (RFC 9002, section 6.2), 225 ms instead of the usual second; the price is a packet or two too many on slower paths. And an attempt that
/// nobody answered keeps a closing endpoint for nine times this.
const INITIAL_ROUND_TRIP: Duration = Duration::from_millis(75);
/// How many streams a peer may have open towards us before it has proven anything: the control stream.
const UNPROVEN_STREAMS: u32 = 1;
/// How many streams a proven peer may have open towards us: one for each workspace that it may offer, the control
/// log, the control stream, and a few that are just being closed.
const SESSION_STREAMS: u32 = 256 + 8;

// The numbers above stand in the types that QUIC wants; this holds them to the protocol's.
const _: () = assert!(limits::MAX_OFFERED == 256);

/// The label under which both ends of a connection derive the same 32 bytes from TLS (RFC 5705).
const EXPORTER_LABEL: &[u8] = b"EXPORTER-verso-noise-v1";

/// Why no endpoint could be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another process, or another endpoint of this one, has the port.
    #[error("UDP port {port} is taken by another program")]
    PortTaken {
        /// The port that was asked for.
        port: u16,
    },
    /// The address is none of this machine's. On a machine without any network not even 127.0.0.1 is.
    #[error("{address} is not an address of this machine")]
    NoSuchAddress {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The operating system doesn't let this process have the port.
    #[error("no permission to listen at {address}")]
    NoPermission {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// An address beyond this machine was asked for under [`Network::Loopback`](crate::Network::Loopback).
    #[error("{address} is not a loopback address")]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Anything else that the operating system refused.
    #[error("the network can't be opened")]
    Network(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl BindError {
    fn new(source: iroh::endpoint::BindError, bindings: &[Binding]) -> Self {
        let address = bindings.first().map_or(SocketAddr::from(([0, 0, 0, 0], 0)), |binding| binding.address);
        let kind = match &source {
            iroh::endpoint::BindError::Sockets { source, .. } => Some(source.kind()),
            _ => None,
        };
        match kind {
            Some(io::ErrorKind::AddrInUse) => Self::PortTaken { port: address.port() },
            Some(io::ErrorKind::AddrNotAvailable) => Self::NoSuchAddress { address },
            Some(io::ErrorKind::PermissionDenied) => Self::NoPermission { address },
            _ => Self::Network(source.into()),
        }
    }
}

/// Binds an iroh endpoint that reaches as far as the network says.
///
/// TLS comes from aws-lc-rs, for its post-quantum key agreement: X25519MLKEM768 first, X25519 for peers without it. iroh is
/// built without its port mapper, which would speak to the local network's router unasked.
pub(crate) async fn bind(
    secret: SecretKey,
    network: &Network,
    bindings: &[Binding],
    alpns: &[&[u8]],
) -> Result<Endpoint, BindError> {
    let mut builder = Endpoint::builder(presets::Empty)
        .crypto_provider(provider())
        .secret_key(secret)
        .alpns(alpns.iter().map(|alpn| alpn.to_vec()).collect())
        .relay_mode(RelayMode::Disabled)
        .clear_address_lookup()
        .transport_config(transport_config())
        .clear_ip_transports();
    for binding in bindings {
        let options = BindOpts::default().set_is_required(binding.required);
        builder = builder
            .bind_addr_with_opts(binding.address, options)
            .map_err(|source| BindError::Network(source.into()))?;
    }
    let builder = match network {
        Network::Loopback | Network::Lan => builder,
        Network::Relay(own) => with_own(builder, own),
        // Not iroh's preset, which an environment variable would turn to its makers' servers for trials.
        Network::Public => builder
            .relay_mode(RelayMode::Default)
            .address_lookup(PkarrPublisher::n0_dns())
            .address_lookup(PkarrResolver::n0_dns())
            .address_lookup(DnsAddressLookup::n0_dns()),
    };
    builder.bind().await.map_err(|source| BindError::new(source, bindings))
}

/// What is published is the relay alone, never an address of the machine: those are told to peers, on connections.
fn with_own(builder: Builder, own: &OwnRelay) -> Builder {
    let mut relay = RelayConfig::from(own.url.to_iroh());
    if !own.url.is_encrypted() {
        relay.quic = None;
    } else if let Some(discovery) = &mut relay.quic {
        discovery.port = own.discovery_port;
    }
    if let Some(token) = &own.token {
        relay = relay.with_auth_token(token.expose());
    }
    let builder = builder
        .relay_mode(RelayMode::Custom(RelayMap::from(relay)))
        .ca_tls_config(CaTlsConfig::embedded().with_extra_roots(own.certificates.iter()));
    match &own.lookup {
        Some(lookup) => builder
            .address_lookup(PkarrPublisher::builder(lookup.to_url()))
            .address_lookup(PkarrResolver::builder(lookup.to_url())),
        None => builder,
    }
}

/// TLS's algorithms, as strong as both sides have them.
fn provider() -> Arc<CryptoProvider> {
    let mut provider = default_provider();
    provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519];
    Arc::new(provider)
}

fn transport_config() -> QuicTransportConfig {
    QuicTransportConfig::builder()
        .max_idle_timeout(IdleTimeout::try_from(limits::IDLE_TIMEOUT).ok())
        .keep_alive_interval(limits::KEEP_ALIVE)
        .initial_rtt(INITIAL_ROUND_TRIP)
        .max_concurrent_bidi_streams(VarInt::from_u32(UNPROVEN_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(UNPROVEN_WINDOW))
        .send_window(SEND_WINDOW)
        .build()
}

/// Opens the windows of a connection whose peer has proven what it must.
pub(crate) fn open_windows(connection: &Connection) {
    connection.set_max_concurrent_bi_streams(VarInt::from_u32(SESSION_STREAMS));
    connection.set_receive_window(VarInt::from_u32(SESSION_WINDOW));
}

/// Returns 32 bytes that only the two ends of this connection know, and that no other connection has.
pub(crate) fn exporter(connection: &Connection) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    connection.export_keying_material(&mut bytes, EXPORTER_LABEL, connection.alpn()).ok()?;
    Some(bytes)
}

/// Returns who TLS has proven the peer to be.
pub(crate) fn peer_of(connection: &Connection) -> DeviceId {
    DeviceId::from_bytes(*connection.remote_id().as_bytes())
}

/// Returns what iroh dials: a device at addresses. `None` if the id is no point of the curve, so nobody can have it.
pub(crate) fn endpoint_addr(peer: &DeviceId, addresses: &Addresses) -> Option<EndpointAddr> {
    let id = EndpointId::from_bytes(peer.as_bytes()).ok()?;
    let at = addresses.direct.iter().fold(EndpointAddr::new(id), |at, address| at.with_ip_addr(*address));
    Some(addresses.relays.iter().fold(at, |at, relay| at.with_relay_url(relay.to_iroh())))
}

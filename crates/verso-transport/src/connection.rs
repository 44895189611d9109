//! [`SyncConnection`]: a connection between two devices that have proven to each other what was agreed at pairing.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iroh::TransportAddr;
use iroh::endpoint::{Connection, Path, PathList, Side};
use noq::crypto::rustls::HandshakeData;
use tokio_stream::StreamExt as _;
use verso_identity::DeviceId;
use verso_wire::CloseCode;
use verso_wire::limits::MAX_FRAME;

use crate::accept::SessionSlot;
use crate::close::{Closed, close};
use crate::dial::Lifeline;
use crate::network::RelayUrl;
use crate::stream::{FrameStream, StreamError, Traffic};

/// Which way a connection takes at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathKind {
    /// Straight to the peer.
    Direct {
        /// The peer's address.
        address: SocketAddr,
    },
    /// By a relay, which sees who speaks with whom and how much, and nothing of what is said.
    Relayed {
        /// The relay.
        relay: RelayUrl,
    },
}

/// Which way a connection takes at the moment, and how long a round trip on it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathInfo {
    /// The way.
    pub kind: PathKind,
    /// QUIC's smoothed estimate of the round trip.
    pub round_trip: Duration,
}

/// How the two ends agreed on their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyAgreement {
    /// X25519 together with ML-KEM-768: safe from those who record today and have a quantum computer later.
    PostQuantum,
    /// X25519 alone, for peers that have nothing else.
    Classical,
}

/// A connection to a paired device. Handles are cheap to clone; when the last is dropped the connection closes.
///
/// It exists only after both sides have proven, on this very connection, what was agreed at pairing.
#[derive(Clone)]
pub struct SyncConnection(Arc<Shared>);

struct Shared {
    connection: Connection,
    peer: DeviceId,
    own: DeviceId,
    generation: u64,
    traffic: Traffic,
    /// Given back with the last handle.
    _owned: Owned,
}

/// What a connection holds beside itself.
pub(crate) struct Owned {
    /// The place among the incoming sessions, of a connection that was accepted.
    pub(crate) _slot: Option<SessionSlot>,
    /// The endpoint that was made for this connection alone, of one that was dialled so.
    pub(crate) _lifeline: Option<Lifeline>,
}

impl SyncConnection {
    pub(crate) fn new(connection: Connection, own: DeviceId, generation: u64, traffic: Traffic, owned: Owned) -> Self {
        let peer = crate::quic::peer_of(&connection);
        Self(Arc::new(Shared { connection, peer, own, generation, traffic, _owned: owned }))
    }

    /// Returns who the peer has proven to be.
    pub fn peer(&self) -> DeviceId {
        self.0.peer
    }

    /// Tells whether this side dialled.
    pub fn dialed_by_us(&self) -> bool {
        self.0.connection.side() == Side::Client
    }

    /// Returns who dialled. Of two connections between the same devices the one dialled by the lower id stays.
    pub fn dialer(&self) -> DeviceId {
        if self.dialed_by_us() { self.0.own } else { self.0.peer }
    }

    /// Returns the generation of the pre-shared key that both have proven to hold.
    pub fn generation(&self) -> u64 {
        self.0.generation
    }

    /// Opens a stream. The peer learns of it with its first frame.
    ///
    /// # Errors
    /// How the connection ended.
    pub async fn open_stream(&self) -> Result<FrameStream, StreamError> {
        let streams = self.0.connection.open_bi().await.map_err(|source| StreamError::Closed(source.into()))?;
        Ok(FrameStream::new(streams, &self.0.traffic, MAX_FRAME))
    }

    /// Waits for the next stream that the peer opens.
    ///
    /// # Errors
    /// How the connection ended.
    pub async fn accept_stream(&self) -> Result<FrameStream, StreamError> {
        let streams = self.0.connection.accept_bi().await.map_err(|source| StreamError::Closed(source.into()))?;
        Ok(FrameStream::new(streams, &self.0.traffic, MAX_FRAME))
    }

    /// Counts the bytes handed to the connection's streams so far, frame headers and Noise included.
    pub fn bytes_sent(&self) -> u64 {
        self.0.traffic.counters.sent()
    }

    /// Counts the bytes read from the connection's streams so far, frame headers and Noise included.
    pub fn bytes_received(&self) -> u64 {
        self.0.traffic.counters.received()
    }

    /// Closes the connection at once and tells the peer why. What it has not yet received may be lost; a second call does
    /// nothing.
    pub fn close(&self, code: CloseCode) {
        close(&self.0.connection, code);
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) -> Closed {
        self.0.connection.closed().await.into()
    }

    /// Returns how the connection ended, `None` while it has not.
    pub fn close_reason(&self) -> Option<Closed> {
        self.0.connection.close_reason().map(Closed::from)
    }

    /// Returns the way that the connection takes at the moment, `None` while it has none.
    pub fn path(&self) -> Option<PathInfo> {
        path_of(&self.0.connection.paths())
    }

    /// Calls `look` with the way that the connection takes, now and whenever it takes another, until it ends or the future is dropped. Nothing wakes up in
    /// between; the round trip is as of that moment.
    pub async fn watch_path(&self, mut look: impl FnMut(Option<PathInfo>)) {
        let mut paths = self.0.connection.paths_stream();
        let mut last = None;
        while let Some(now) = paths.next().await {
            let path = path_of(&now);
            let kind = path.as_ref().map(|path| path.kind.clone());
            if last.as_ref() != Some(&kind) {
                last = Some(kind);
                look(path);
            }
        }
    }

    /// Returns how the two ends agreed on their keys.
    pub fn key_agreement(&self) -> KeyAgreement {
        let data = self.0.connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
        match data.and_then(|data| data.negotiated_key_exchange_group) {
            Some(rustls::NamedGroup::X25519MLKEM768) => KeyAgreement::PostQuantum,
            _ => KeyAgreement::Classical,
        }
    }
}

fn path_of(paths: &PathList<'_>) -> Option<PathInfo> {
    let path = paths.iter().find(Path::is_selected)?;
    let kind = match path.remote_addr() {
        TransportAddr::Ip(address) => PathKind::Direct { address: *address },
        TransportAddr::Relay(relay) => PathKind::Relayed { relay: RelayUrl::of_iroh(relay.clone()) },
        // No other kind of path is set up.
        _ => return None,
    };
    Some(PathInfo { kind, round_trip: path.rtt() })
}

impl fmt::Debug for SyncConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncConnection")
            .field("peer", &self.0.peer)
            .field("dialed_by_us", &self.dialed_by_us())
            .finish_non_exhaustive()
    }
}

//! [`PairConnection`]: a connection between devices that are being paired. Nothing is proven on it but the endpoints' keys.

use bytes::Bytes;
use iroh::endpoint::{Connection, RecvStream, SendStream, Side};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;
use verso_identity::DeviceId;
use verso_wire::limits::HANDSHAKE_TIMEOUT;
use verso_wire::{CloseCode, FrameError, Reason};

use crate::close::{Closed, close};
use crate::dial::{Dialled, Lifeline};
use crate::endpoint::Inner;
use crate::quic::{exporter, peer_of};
use crate::stream::{FrameStream, StreamError, Traffic};

/// The longest message of a pairing in bytes: Noise's longest.
pub const MAX_PAIRING_MESSAGE: usize = 65_535;

/// Why a pairing connection can't go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// The connection or its stream ended.
    #[error("the pairing's connection ended")]
    Ended(#[source] StreamError),
    /// The peer closed its side of the stream, as at the end of a pairing.
    #[error("the peer has said all it had to say")]
    Finished,
    /// The message is longer than [`MAX_PAIRING_MESSAGE`].
    #[error("a message of {len} bytes where {MAX_PAIRING_MESSAGE} are possible")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// TLS gave no keying material.
    #[error("the connection can't be tied to the pairing")]
    NoExporter,
}

impl From<StreamError> for PairError {
    fn from(source: StreamError) -> Self {
        Self::Ended(source)
    }
}

/// A connection between devices that are being paired, with one stream of messages.
///
/// 1. It comes unproven, and ends by itself after 10 s with `handshake-failed`.
/// 2. Once the token is proven the caller says so by [`proven`](Self::proven): from then on it lasts as long as people need
///    to read and confirm, and no longer counts among the four unproven ones.
/// 3. Both sides [`close`](Self::close); dropped, it closes without a reason.
#[derive(Debug)]
pub struct PairConnection {
    connection: Connection,
    own: DeviceId,
    peer: DeviceId,
    exporter: [u8; 32],
    stream: FrameStream,
    held: Box<Held>,
}

/// What a connection holds beside itself.
#[derive(Debug)]
struct Held {
    unproven: Option<Unproven>,
    /// The endpoint that was made for this connection alone, of one that was dialled so.
    lifeline: Option<Lifeline>,
}

/// What a connection holds until it is proven.
#[derive(Debug)]
struct Unproven {
    /// Dropping it ends the watch over the time.
    _watch: oneshot::Sender<()>,
    /// The place among the unproven ones, for connections that were accepted.
    _place: Option<OwnedSemaphorePermit>,
}

impl PairConnection {
    /// Takes a connection that was accepted; the dialer must open the stream.
    pub(crate) async fn accept(
        connection: Connection,
        inner: &Inner,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, PairError> {
        let streams = connection.accept_bi().await.map_err(|source| StreamError::Closed(source.into()))?;
        Self::new(connection, streams, inner, Some(place))
    }

    /// Takes a connection that was dialled, and opens its stream.
    pub(crate) async fn dial(dialled: Dialled, inner: &Inner) -> Result<Self, PairError> {
        let Dialled { connection, lifeline } = dialled;
        let streams = connection.open_bi().await.map_err(|source| StreamError::Closed(source.into()))?;
        let mut pairing = Self::new(connection, streams, inner, None)?;
        pairing.held.lifeline = lifeline;
        Ok(pairing)
    }

    fn new(
        connection: Connection,
        streams: (SendStream, RecvStream),
        inner: &Inner,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, PairError> {
        let exporter = exporter(&connection).ok_or(PairError::NoExporter)?;
        let (watch, proven) = oneshot::channel::<()>();
        let watched = connection.weak_handle();
        let shutdown = inner.shutdown.clone();
        inner.tasks.spawn(async move {
            // The sender is only ever dropped: by `proven`, or with the connection.
            let in_time = shutdown.run_until_cancelled(timeout(HANDSHAKE_TIMEOUT, proven)).await;
            if let (Some(Err(_elapsed)), Some(connection)) = (in_time, watched.upgrade()) {
                close(&connection, Reason::HandshakeFailed.into());
            }
        });
        Ok(Self {
            own: inner.id,
            peer: peer_of(&connection),
            exporter,
            stream: FrameStream::new(streams, &Traffic::default(), MAX_PAIRING_MESSAGE),
            connection,
            held: Box::new(Held { unproven: Some(Unproven { _watch: watch, _place: place }), lifeline: None }),
        })
    }

    /// Returns the peer's id on this connection, which may be a one-time id.
    pub fn peer(&self) -> DeviceId {
        self.peer
    }

    /// Returns this side's id on this connection.
    pub fn own(&self) -> DeviceId {
        self.own
    }

    /// Tells whether this side dialled.
    pub fn dialed_by_us(&self) -> bool {
        self.connection.side() == Side::Client
    }

    /// Returns who dialled and who accepted, as a prologue names them.
    pub fn dialer_and_acceptor(&self) -> (DeviceId, DeviceId) {
        if self.dialed_by_us() { (self.own, self.peer) } else { (self.peer, self.own) }
    }

    /// Returns 32 bytes that both ends of this connection have and no other connection has.
    pub fn exporter(&self) -> &[u8; 32] {
        &self.exporter
    }

    /// Says that the peer has proven to hold the token: the time limit ends.
    pub fn proven(&mut self) {
        self.held.unproven = None;
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`PairError::TooLong`], and nothing is sent; otherwise how the connection ended.
    pub async fn send(&mut self, message: Bytes) -> Result<(), PairError> {
        if message.len() > MAX_PAIRING_MESSAGE {
            return Err(PairError::TooLong { len: message.len() });
        }
        Ok(self.stream.send(message).await?)
    }

    /// Receives the next message. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`PairError::TooLong`] if the peer sends more than is allowed; otherwise how the stream or the connection ended.
    pub async fn receive(&mut self) -> Result<Bytes, PairError> {
        match self.stream.receive().await {
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(PairError::Finished),
            Err(StreamError::Frame(FrameError::TooLarge { len })) => Err(PairError::TooLong { len }),
            Err(source) => Err(source.into()),
        }
    }

    /// Closes the connection at once and tells the peer why. What the peer has not yet received may be lost, so the side that
    /// receives the last message closes first and the other waits by [`closed`](Self::closed).
    pub fn close(&self, code: CloseCode) {
        close(&self.connection, code);
    }

    /// Waits until the connection has ended.
    pub async fn closed(&self) -> Closed {
        self.connection.closed().await.into()
    }
}

//! Frames over one bidirectional QUIC stream, with backpressure, and the bytes counted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{BufMut as _, Bytes, BytesMut};
use iroh::endpoint::{ReadError, RecvStream, SendStream, VarInt, WriteError};
use verso_wire::{FrameError, Reason, frame_header};

use crate::close::Closed;
use crate::receive::{FrameReceiver, Room};

/// Up to which length a frame is copied behind its header instead of being handed to QUIC as a piece of its own.
const COPIED_BYTES: usize = 1024;

/// Why no further frame could be sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed(#[source] Closed),
    /// The peer gave up this stream, not the connection.
    #[error("the peer gave up the stream")]
    GivenUp,
    /// What came is no frame, or what was to be sent is none.
    #[error("not a frame")]
    Frame(#[source] FrameError),
    /// Misuse: this side has ended the stream.
    #[error("this side has ended the stream")]
    Ended,
}

impl StreamError {
    /// Returns the reason to show, `None` if nothing is wrong.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Closed(closed) => closed.reason(),
            Self::Frame(_) => Some(Reason::Malformed),
            Self::GivenUp | Self::Ended => None,
        }
    }
}

impl From<FrameError> for StreamError {
    fn from(source: FrameError) -> Self {
        Self::Frame(source)
    }
}

impl From<ReadError> for StreamError {
    fn from(source: ReadError) -> Self {
        match source {
            ReadError::ConnectionLost(source) => Self::Closed(source.into()),
            ReadError::Reset(_) | ReadError::ZeroRttRejected => Self::GivenUp,
            ReadError::ClosedStream => Self::Ended,
        }
    }
}

impl From<WriteError> for StreamError {
    fn from(source: WriteError) -> Self {
        match source {
            WriteError::ConnectionLost(source) => Self::Closed(source.into()),
            WriteError::Stopped(_) | WriteError::ZeroRttRejected => Self::GivenUp,
            WriteError::ClosedStream => Self::Ended,
        }
    }
}

/// Bytes handed to and read from a connection's QUIC streams, frame headers and Noise included.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn add_sent(&self, bytes: usize) {
        self.sent.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn add_received(&self, bytes: usize) {
        self.received.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// What the streams of one connection share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic {
    pub(crate) counters: Arc<Counters>,
    pub(crate) room: Arc<Room>,
}

/// A bidirectional stream of frames.
#[derive(Debug)]
pub struct FrameStream {
    /// What is sent.
    pub sender: FrameSender,
    /// What is received.
    pub receiver: FrameReceiver,
}

impl FrameStream {
    /// Makes frames of a stream; their largest is `max_frame_bytes`.
    pub(crate) fn new(streams: (SendStream, RecvStream), shared: &Traffic, max_frame_bytes: usize) -> Self {
        let (send, recv) = streams;
        let counters = Arc::clone(&shared.counters);
        Self {
            sender: FrameSender { stream: send, pending: VecDeque::new(), counters },
            receiver: FrameReceiver::new(recv, shared, max_frame_bytes),
        }
    }

    /// Sends a frame, see [`FrameSender::send`].
    ///
    /// # Errors
    /// As [`FrameSender::send`].
    pub async fn send(&mut self, body: Bytes) -> Result<(), StreamError> {
        self.sender.send(body).await
    }

    /// Receives a frame, see [`FrameReceiver::receive`].
    ///
    /// # Errors
    /// As [`FrameReceiver::receive`].
    pub async fn receive(&mut self) -> Result<Option<Bytes>, StreamError> {
        self.receiver.receive().await
    }

    /// Takes the halves apart, for two tasks.
    pub fn split(self) -> (FrameSender, FrameReceiver) {
        (self.sender, self.receiver)
    }
}

/// The sending half of a [`FrameStream`]. Dropping it ends the stream behind what was sent.
#[derive(Debug)]
pub struct FrameSender {
    stream: SendStream,
    /// What a dropped [`send`](Self::send) left: it goes out before anything else.
    pending: VecDeque<Bytes>,
    counters: Arc<Counters>,
}

impl FrameSender {
    /// Sends a frame: its length in 4 bytes, little-endian, and `body`. Waits while QUIC takes no more, which is the
    /// peer's and the network's backpressure.
    ///
    /// If the future is dropped the frame may be sent in part; the next call sends the rest first, so frames stay whole.
    ///
    /// # Errors
    /// [`StreamError::Frame`] if `body` is larger than [`MAX_FRAME`](verso_wire::limits::MAX_FRAME), and nothing is sent; otherwise how the stream or
    /// the connection ended.
    pub async fn send(&mut self, body: Bytes) -> Result<(), StreamError> {
        let header = frame_header(&body)?;
        if body.len() <= COPIED_BYTES {
            let mut frame = BytesMut::with_capacity(header.len() + body.len());
            frame.put_slice(&header);
            frame.put_slice(&body);
            self.pending.push_back(frame.freeze());
        } else {
            self.pending.push_back(Bytes::copy_from_slice(&header));
            self.pending.push_back(body);
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), StreamError> {
        while !self.pending.is_empty() {
            let all = self.pending.make_contiguous();
            let count = all.len();
            let mut rest = all;
            let written = self.stream.write_many_chunks(&mut rest).await?;
            let whole = count - rest.len();
            self.pending.drain(..whole);
            self.counters.add_sent(written);
        }
        Ok(())
    }

    /// Ends the stream behind what was sent; the peer then receives its end.
    ///
    /// # Errors
    /// How the stream or the connection had ended before.
    pub async fn finish(mut self) -> Result<(), StreamError> {
        self.flush().await?;
        self.stream.finish().map_err(|_source| StreamError::Ended)
    }

    /// Gives the stream up at once: what QUIC still holds of it may be lost.
    pub fn abandon(mut self) {
        self.stream.reset(VarInt::from_u32(0)).unwrap_or_default();
    }
}

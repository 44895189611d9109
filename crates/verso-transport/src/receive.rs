//! [`FrameReceiver`]: takes frames out of a QUIC stream as fast as they come, up to a bound.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use iroh::endpoint::RecvStream;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use verso_wire::limits::{IN_FLIGHT, MAX_FRAME};
use verso_wire::{FrameDecoder, FrameError};

use crate::stream::{Counters, StreamError, Traffic};

/// How many pieces of a stream are taken from QUIC at once. A piece is what one packet carried, so 32 are about 45 kB.
const PIECES: usize = 32;

/// Most bytes of whole frames that wait here on one stream: what the protocol lets be unacknowledged, and a frame. A peer that
/// keeps to the protocol is never held back by this bound.
const MAX_WAITING: usize = 8 * 1024 * 1024 + MAX_FRAME;
/// Most bytes of whole frames that wait on all streams of a connection: two streams full and a reserve.
const MAX_WAITING_IN_ALL: usize = 24 * 1024 * 1024;

const _: () = assert!(IN_FLIGHT == 8 * 1024 * 1024);

/// Counts what waits on all streams of a connection.
#[derive(Debug, Default)]
pub(crate) struct Room {
    waiting_bytes: AtomicUsize,
    /// Told whenever something was taken.
    taken: Notify,
}

/// The receiving half of a [`FrameStream`](crate::FrameStream). Dropping it tells the peer to send no more here.
///
/// A task of its own takes the stream's bytes out of QUIC as they come, whether or not anyone calls [`receive`](Self::receive):
/// QUIC loses the whole connection when too many packets wait in it unread, however small they are. If nobody takes the
/// frames for long, the task stops at a bound, QUIC's window fills, and the peer is held back.
#[derive(Debug)]
pub struct FrameReceiver {
    queue: Arc<Queue>,
    room: Arc<Room>,
    _pump: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Told whenever something came.
    came: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// How the stream ended, behind the frames.
    end: Option<Result<(), StreamError>>,
}

impl FrameReceiver {
    pub(crate) fn new(stream: RecvStream, shared: &Traffic, max_frame_bytes: usize) -> Self {
        let queue = Arc::new(Queue::default());
        let room = Arc::clone(&shared.room);
        let pump = Pump {
            stream,
            decoder: FrameDecoder::new(),
            max_frame_bytes,
            counters: Arc::clone(&shared.counters),
            queue: Arc::clone(&queue),
            room: Arc::clone(&room),
        };
        Self { queue, room, _pump: AbortOnDropHandle::new(tokio::spawn(pump.run())) }
    }

    /// Receives the next frame's body, `None` at the end of the stream. Memory grows with what has arrived, never with what
    /// a length promises. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StreamError::Frame`] if a frame is larger than allowed or the stream ends within one; otherwise how the stream or
    /// the connection ended. Whole frames that came before the end are received first.
    pub async fn receive(&mut self) -> Result<Option<Bytes>, StreamError> {
        loop {
            if let Some(next) = self.try_receive() {
                return next;
            }
            // A permit is kept for one who was not waiting yet, so nothing that comes in between is missed.
            self.queue.came.notified().await;
        }
    }

    /// Receives what [`receive`](Self::receive) would, if it is there already; the outer `None` says that it isn't.
    pub fn try_receive(&mut self) -> Option<Result<Option<Bytes>, StreamError>> {
        let mut waiting = self.queue.lock();
        let Some(frame) = waiting.frames.pop_front() else {
            return waiting.end.map(|end| end.map(|()| None));
        };
        waiting.bytes -= frame.len();
        drop(waiting);
        self.room.waiting_bytes.fetch_sub(frame.len(), Ordering::AcqRel);
        self.room.taken.notify_waiters();
        Some(Ok(Some(frame)))
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.frames.clear();
        let bytes = std::mem::take(&mut waiting.bytes);
        // The pump may still be at work for a moment: what it adds now is taken back by itself.
        waiting.end = Some(Err(StreamError::Ended));
        drop(waiting);
        self.room.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.room.taken.notify_waiters();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves a stream's bytes from QUIC into the queue.
struct Pump {
    stream: RecvStream,
    decoder: FrameDecoder,
    max_frame_bytes: usize,
    counters: Arc<Counters>,
    queue: Arc<Queue>,
    room: Arc<Room>,
}

impl Pump {
    async fn run(mut self) {
        let end = loop {
            self.wait_for_room().await;
            match self.read().await {
                Ok(true) => {}
                Ok(false) if self.decoder.pending() == 0 => break Ok(()),
                Ok(false) => break Err(FrameError::Truncated.into()),
                Err(error) => break Err(error),
            }
            // What is whole goes into the queue even if what stands behind it is no frame.
            let mut frames = Vec::new();
            let rest = self.take_frames(&mut frames);
            self.put(frames);
            if let Err(error) = rest {
                break Err(error.into());
            }
        };
        self.queue.lock().end.get_or_insert(end);
        self.queue.came.notify_one();
    }

    /// Reads some bytes, `false` at the end of the stream.
    async fn read(&mut self) -> Result<bool, StreamError> {
        let mut pieces = [const { Bytes::new() }; PIECES];
        let Some(count) = self.stream.read_many_chunks(&mut pieces).await? else {
            return Ok(false);
        };
        for piece in pieces.iter().take(count) {
            self.counters.add_received(piece.len());
            self.decoder.feed(piece);
        }
        Ok(true)
    }

    fn take_frames(&mut self, frames: &mut Vec<Bytes>) -> Result<(), FrameError> {
        while let Some(frame) = self.decoder.next_frame()? {
            self.check(frame.len())?;
            frames.push(frame);
        }
        // More than the largest frame and none complete: its length is beyond the limit.
        self.check(self.decoder.pending().saturating_sub(4))
    }

    fn check(&self, len: usize) -> Result<(), FrameError> {
        if len > self.max_frame_bytes { Err(FrameError::TooLarge { len }) } else { Ok(()) }
    }

    fn put(&self, frames: Vec<Bytes>) {
        if frames.is_empty() {
            return;
        }
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        let mut waiting = self.queue.lock();
        if waiting.end.is_some() {
            return;
        }
        self.room.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        waiting.bytes += bytes;
        waiting.frames.extend(frames);
        drop(waiting);
        self.queue.came.notify_one();
    }

    /// Waits while too much waits. A stream on which no whole frame waits may always go on, so none can starve.
    async fn wait_for_room(&self) {
        loop {
            let mut taken = std::pin::pin!(self.room.taken.notified());
            taken.as_mut().enable();
            let (frames, bytes) = {
                let waiting = self.queue.lock();
                (waiting.frames.len(), waiting.bytes)
            };
            let in_all = self.room.waiting_bytes.load(Ordering::Acquire);
            if frames == 0 || (bytes <= MAX_WAITING && in_all <= MAX_WAITING_IN_ALL) {
                return;
            }
            taken.await;
        }
    }
}

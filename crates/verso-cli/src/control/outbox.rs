//! [`Outbox`]: what is on its way to a client, from a thread that may wait to a task that must not.

use std::collections::VecDeque;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::frame::ToClient;

/// How many bytes may be on their way before whoever prints waits. A few frames: the client reads while the command goes on.
const ROOM: usize = 256 << 10;

/// How many bytes are kept at most of what does not wait. A command says a few lines that way.
const MOST: usize = 1 << 20;

/// Frames on their way to a client.
///
/// Whoever prints waits while the client does not read, and is told when nobody will read any more; notes and questions don't wait. Of bars only the newest
/// state is kept.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// There is room again, or nobody reads any more.
    room: Condvar,
    /// There is something to send.
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Zeroizing<Vec<u8>>>,
    bytes: usize,
    gauge: Option<ToClient>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum End {
    #[default]
    Open,
    /// Nothing more comes.
    Finished,
    /// Nobody reads any more.
    Left,
}

impl Outbox {
    /// Adds a frame, waiting for room.
    ///
    /// # Errors
    /// `BrokenPipe` if nobody reads any more.
    pub(super) fn push(&self, frame: &ToClient) -> io::Result<()> {
        let mut state = self.lock();
        while state.end == End::Open && state.bytes > ROOM {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.end != End::Open {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.add(state, frame);
        Ok(())
    }

    /// Adds a frame without waiting. If too much is on its way, or nobody reads, it is lost.
    pub(super) fn push_now(&self, frame: &ToClient) {
        let state = self.lock();
        if state.end == End::Open && state.bytes <= MOST {
            self.add(state, frame);
        }
    }

    /// Shows this next, instead of what was to be shown before and was not yet.
    pub(super) fn show(&self, gauge: ToClient) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.gauge = Some(gauge);
            drop(state);
            self.news.notify_one();
        }
    }

    /// Adds the last frame.
    pub(super) fn finish(&self, frame: &ToClient) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = End::Finished;
            self.add(state, frame);
        }
    }

    /// Nobody reads any more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        *state = State { end: End::Left, ..State::default() };
        drop(state);
        self.room.notify_all();
        self.news.notify_one();
    }

    /// Returns the next frame; `None` after the last, or if nobody reads any more.
    pub(super) async fn next(&self) -> Option<Zeroizing<Vec<u8>>> {
        loop {
            {
                let mut state = self.lock();
                if let Some(frame) = state.frames.pop_front() {
                    state.bytes = state.bytes.saturating_sub(frame.len());
                    drop(state);
                    self.room.notify_all();
                    return Some(frame);
                }
                if let Some(gauge) = state.gauge.take() {
                    return Some(gauge.encode());
                }
                if state.end != End::Open {
                    return None;
                }
            }
            self.news.notified().await;
        }
    }

    fn add(&self, mut state: MutexGuard<'_, State>, frame: &ToClient) {
        // What was to be shown belongs before it.
        if let Some(gauge) = state.gauge.take() {
            let gauge = gauge.encode();
            state.bytes += gauge.len();
            state.frames.push_back(gauge);
        }
        let frame = frame.encode();
        state.bytes += frame.len();
        state.frames.push_back(frame);
        drop(state);
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::frame::Stream;
    use super::*;
    use crate::progress::Shape;

    fn print(len: usize) -> ToClient {
        ToClient::Print(Stream::Output, Zeroizing::new(vec![b'x'; len]))
    }

    fn gauge(done: u64) -> ToClient {
        ToClient::Gauge { shape: Shape::Bytes, what: "work".to_owned(), done, of: 9 }
    }

    fn decoded(frame: &[u8]) -> ToClient {
        ToClient::decode(&frame[4..]).unwrap()
    }

    async fn all(outbox: &Outbox) -> Vec<ToClient> {
        let mut all = Vec::new();
        while let Some(frame) = outbox.next().await {
            all.push(decoded(&frame));
        }
        all
    }

    #[tokio::test]
    async fn frames_come_in_order_and_of_a_bar_the_newest_state() {
        let outbox = Outbox::default();
        outbox.push(&print(1)).unwrap();
        outbox.show(gauge(1));
        outbox.show(gauge(2));
        outbox.push_now(&print(2));
        outbox.finish(&ToClient::Done(0));
        outbox.push_now(&print(3));
        assert!(outbox.push(&print(3)).is_err(), "nothing comes after the last");
        assert_eq!(all(&outbox).await, [print(1), gauge(2), print(2), ToClient::Done(0)]);
    }

    #[tokio::test]
    async fn whoever_prints_waits_for_a_slow_reader_and_not_for_one_who_left() {
        let outbox = Arc::new(Outbox::default());
        let printing = Arc::clone(&outbox);
        let thread = std::thread::spawn(move || {
            let mut printed = 0;
            while printing.push(&print(64 << 10)).is_ok() {
                printed += 1;
            }
            printed
        });
        let mut taken = 0;
        while taken < 20 {
            taken += usize::from(outbox.next().await.is_some());
        }
        assert!(outbox.lock().bytes <= ROOM + (70 << 10), "no more is kept than there is room for");
        outbox.leave();
        let printed = thread.join().unwrap();
        assert!((20..=26).contains(&printed), "{printed}");
        assert_eq!(outbox.next().await, None);
    }

    #[test]
    fn notes_do_not_wait_and_do_not_pile_up() {
        let outbox = Outbox::default();
        for _ in 0..10_000 {
            outbox.push_now(&print(1_000));
        }
        assert!(outbox.lock().bytes <= MOST + 1_010);
    }
}

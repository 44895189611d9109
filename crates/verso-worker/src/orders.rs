//! What the engine tells a connection's task to do, and how much of it may be under way: [`Orders`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;
use verso_identity::WorkspaceId;
use verso_replica::Stream;
use verso_wire::Reason;
use verso_wire::limits::{IN_FLIGHT_IN_ALL, MAX_AUTHORS, MAX_OFFERED};

/// Most bytes of a vector: 56 for an author, and a seal.
const VECTOR: usize = MAX_AUTHORS * 56 + 256;

/// Most bytes of a unit: as much as one of any content within its limits weighs.
const UNIT: usize = 512 * 1024;

/// Most bytes that wait for the network to take them, of one connection: 201 MiB, which is all that an honest session can have to say at once, the vectors and
/// the units of as many workspaces as there may be. Without a bound a peer that never reads what it is sent, and acknowledges it all the same, would fill
/// the memory.
pub(crate) const MAX_BACKLOG: usize = (MAX_OFFERED + 1) * (VECTOR + UNIT) + IN_FLIGHT;

/// The same as [`IN_FLIGHT_IN_ALL`].
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "16 MiB fit any machine's words")]
const IN_FLIGHT: usize = IN_FLIGHT_IN_ALL as usize;

/// What an order weighs beside its bytes, in bytes: the places that it takes in queues.
const ORDER: usize = 256;

/// What a connection's task is told to do.
#[derive(Debug)]
pub(crate) enum ConnectionOrder {
    /// Send a message, encoded.
    Send {
        stream: Stream,
        body: Bytes,
    },
    OpenStream(WorkspaceId),
    CloseStream(WorkspaceId),
    Close(Option<Reason>),
}

/// An order, and its part of what is under way. That is over when it is dropped: once the network has taken its bytes, or nobody wants them any more.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) what: ConnectionOrder,
    pub(crate) load: Load,
}

/// The way from the engine to a connection's task. The engine never waits for a connection: one that can't keep up is closed.
#[derive(Debug)]
pub(crate) struct Orders {
    sender: mpsc::UnboundedSender<Order>,
    backlog: Arc<Backlog>,
}

/// Returns both ends of the way for a connection of which at most `limit` bytes may be under way.
pub(crate) fn orders(limit: usize) -> (Orders, mpsc::UnboundedReceiver<Order>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Orders { sender, backlog: Arc::new(Backlog { bytes: AtomicUsize::new(0), limit }) }, receiver)
}

impl Orders {
    /// Gives an order. Returns whether more may follow: nothing follows an order to close, which is given in place of one that would be too much.
    pub(crate) fn give(&self, what: ConnectionOrder) -> bool {
        let is_last = matches!(what, ConnectionOrder::Close(_));
        let load = Load::new(&self.backlog, &what);
        let is_too_much = !is_last && load.is_too_much();
        let what = if is_too_much { ConnectionOrder::Close(Some(Reason::Limit)) } else { what };
        // A task that has ended reports the connection's end itself.
        drop(self.sender.send(Order { what, load }));
        !is_last && !is_too_much
    }
}

/// Bytes of orders that are under way.
#[derive(Debug)]
struct Backlog {
    bytes: AtomicUsize,
    limit: usize,
}

/// A part of the bytes under way.
#[derive(Debug)]
pub(crate) struct Load {
    backlog: Arc<Backlog>,
    weight: usize,
    /// What was under way with this.
    total: usize,
}

impl Load {
    fn new(backlog: &Arc<Backlog>, what: &ConnectionOrder) -> Self {
        let weight = ORDER
            + match what {
                ConnectionOrder::Send { body, .. } => body.len(),
                _ => 0,
            };
        let total = backlog.bytes.fetch_add(weight, Ordering::Relaxed) + weight;
        Self { backlog: Arc::clone(backlog), weight, total }
    }

    fn is_too_much(&self) -> bool {
        self.total > self.backlog.limit
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.backlog.bytes.fetch_sub(self.weight, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: usize) -> ConnectionOrder {
        ConnectionOrder::Send { stream: Stream::Control, body: Bytes::from(vec![0; len]) }
    }

    #[test]
    fn what_nobody_takes_ends_in_an_order_to_close() {
        let (orders, mut inbox) = orders(1000);
        assert!(orders.give(message(1000 - ORDER)), "all there is room for");
        assert!(!orders.give(ConnectionOrder::OpenStream(WorkspaceId::CONTROL)), "every order counts");
        drop(orders);
        let mut given = Vec::new();
        while let Ok(order) = inbox.try_recv() {
            given.push(order.what);
        }
        assert!(
            matches!(&given[..], [ConnectionOrder::Send { .. }, ConnectionOrder::Close(Some(Reason::Limit))]),
            "{given:?}"
        );
    }

    /// Whatever becomes of an order, its place is free again.
    #[test]
    fn what_is_taken_makes_room() {
        let (orders, mut inbox) = orders(1000);
        for _ in 0..100 {
            assert!(orders.give(message(700)));
            drop(inbox.try_recv().unwrap());
        }
        assert!(orders.give(message(700)));
        assert!(!orders.give(message(0)));
        assert!(!orders.give(ConnectionOrder::Close(None)), "there is always room for that");
    }

    /// The bound on a unit is as the format has it.
    #[test]
    fn an_honest_session_never_fills_it() {
        use verso_wire::limits::{MAX_INFLATED, MAX_KEPT_SEALS, MAX_UNIT_ENTRIES};
        const LARGEST: usize = 1024 + MAX_INFLATED + MAX_UNIT_ENTRIES * 34 + MAX_KEPT_SEALS * 66;
        const { assert!(LARGEST <= UNIT) };
        // Beside the largest messages there is room for as many small ones as twice a session's budget has it answer.
        const { assert!((MAX_OFFERED + 1) * (UNIT - LARGEST) > 32_768 * (ORDER + 128)) };
    }
}

//! [`Link`]: a connection of two devices, with a queue for each stream and direction.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use verso_replica::{ConnectionId, Stream};

use crate::device::DeviceIndex;

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    Dialer,
    Acceptor,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Dialer, Self::Acceptor];

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Acceptor,
            Self::Acceptor => Self::Dialer,
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Dialer => 0,
            Self::Acceptor => 1,
        }
    }
}

/// Something on its way.
#[derive(Debug, Clone)]
pub(crate) enum Parcel {
    /// An encoded message, or what a liar made of one.
    Message(Bytes),
    /// The end of a stream.
    End,
}

/// A connection. Within a stream order is kept; between streams it is not.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) devices: [DeviceIndex; 2],
    pub(crate) connections: [ConnectionId; 2],
    /// Which ends have closed: they take in nothing more, and what they sent before still arrives.
    closed: [bool; 2],
    queues: BTreeMap<(Side, Stream), VecDeque<Parcel>>,
}

impl Link {
    pub(crate) const fn new(devices: [DeviceIndex; 2], connections: [ConnectionId; 2]) -> Self {
        Self { devices, connections, closed: [false; 2], queues: BTreeMap::new() }
    }

    pub(crate) fn device(&self, side: Side) -> DeviceIndex {
        self.devices[side.index()]
    }

    pub(crate) fn connection(&self, side: Side) -> ConnectionId {
        self.connections[side.index()]
    }

    pub(crate) fn is_closed(&self, side: Side) -> bool {
        self.closed[side.index()]
    }

    /// Whether both ends are open.
    pub(crate) fn is_open(&self) -> bool {
        self.closed == [false; 2]
    }

    /// Closes an end: what the other sent to it is dropped.
    pub(crate) fn close(&mut self, side: Side) {
        self.closed[side.index()] = true;
        self.queues.retain(|(from, _), _| *from == side);
    }

    pub(crate) fn side_of(&self, device: DeviceIndex, connection: ConnectionId) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.device(*side) == device && self.connection(*side) == connection)
    }

    pub(crate) fn push(&mut self, from: Side, stream: Stream, parcel: Parcel) {
        if !self.is_closed(from.other()) {
            self.queues.entry((from, stream)).or_default().push_back(parcel);
        }
    }

    /// The queues in which something waits.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Side, Stream)> + '_ {
        self.queues.iter().filter(|(_, queue)| !queue.is_empty()).map(|(key, _)| *key)
    }

    pub(crate) fn pop(&mut self, from: Side, stream: Stream) -> Option<Parcel> {
        self.queues.get_mut(&(from, stream))?.pop_front()
    }
}

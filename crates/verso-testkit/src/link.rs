//! [`Link`]: a connection of two devices, with a pipe of bytes for each stream and direction.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use verso_replica::{ConnectionId, Stream};
use verso_session::Mode;
use verso_wire::{FrameDecoder, FrameError};

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
    /// Bytes of frames: a frame, or a piece of one.
    Bytes(Bytes),
    /// The end of a stream.
    End,
}

/// One direction of a stream.
#[derive(Debug, Default)]
struct Pipe {
    /// Each with the moment at which it arrives.
    parcels: VecDeque<(u64, Parcel)>,
    /// What has arrived and is no whole frame yet.
    arrived: FrameDecoder,
}

/// A connection. Within a stream order is kept; between streams it is not.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) devices: [DeviceIndex; 2],
    pub(crate) connections: [ConnectionId; 2],
    /// What happens on it once both are level.
    pub(crate) mode: Mode,
    /// How long anything is on its way at least, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Until when nothing arrives.
    pub(crate) stalled_until: u64,
    /// When the transport gives it up, because nothing has arrived for too long.
    pub(crate) breaks_at: Option<u64>,
    /// Whether neither end lied when it was made, or since.
    pub(crate) is_honest: bool,
    /// How many events had been told before it was made.
    pub(crate) events_before: usize,
    /// Which ends have closed: they take in nothing more, and what they sent before still arrives.
    closed: [bool; 2],
    pipes: BTreeMap<(Side, Stream), Pipe>,
}

impl Link {
    pub(crate) const fn new(devices: [DeviceIndex; 2], connections: [ConnectionId; 2], mode: Mode) -> Self {
        Self {
            devices,
            connections,
            mode,
            delay_ms: 0,
            stalled_until: 0,
            breaks_at: None,
            is_honest: true,
            events_before: 0,
            closed: [false; 2],
            pipes: BTreeMap::new(),
        }
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

    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.pipes.values().all(|pipe| pipe.parcels.is_empty())
    }

    /// Closes an end: what the other sent to it is dropped.
    pub(crate) fn close(&mut self, side: Side) {
        self.closed[side.index()] = true;
        self.pipes.retain(|(from, _), _| *from == side);
    }

    pub(crate) fn side_of(&self, device: DeviceIndex, connection: ConnectionId) -> Option<Side> {
        Side::BOTH.into_iter().find(|side| self.device(*side) == device && self.connection(*side) == connection)
    }

    /// Sends something that arrives at `at`, or after what was sent before it.
    pub(crate) fn push(&mut self, from: Side, stream: Stream, at: u64, parcel: Parcel) {
        if !self.is_closed(from.other()) {
            let pipe = self.pipes.entry((from, stream)).or_default();
            let after = pipe.parcels.back().map_or(0, |(at, _)| *at);
            pipe.parcels.push_back((at.max(after), parcel));
        }
    }

    /// The pipes in which something waits, and when it arrives.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (u64, Side, Stream)> + '_ {
        self.pipes.iter().filter_map(|((from, stream), pipe)| {
            let (at, _) = pipe.parcels.front()?;
            Some(((*at).max(self.stalled_until), *from, *stream))
        })
    }

    pub(crate) fn pop(&mut self, from: Side, stream: Stream) -> Option<Parcel> {
        self.pipes.get_mut(&(from, stream))?.parcels.pop_front().map(|(_, parcel)| parcel)
    }

    /// Takes in bytes that have arrived, and gives the frames that are whole now.
    pub(crate) fn arrive(&mut self, from: Side, stream: Stream, bytes: &[u8]) -> Result<Vec<Bytes>, FrameError> {
        let Some(pipe) = self.pipes.get_mut(&(from, stream)) else { return Ok(Vec::new()) };
        pipe.arrived.feed(bytes);
        let mut frames = Vec::new();
        while let Some(frame) = pipe.arrived.next_frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    /// Whether a stream ended between frames.
    pub(crate) fn has_ended_well(&self, from: Side, stream: Stream) -> bool {
        self.pipes.get(&(from, stream)).is_none_or(|pipe| pipe.arrived.pending() == 0)
    }
}

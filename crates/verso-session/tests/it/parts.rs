//! What the network in memory is made of, and what tests say and see of it.

use std::collections::BTreeMap;

use verso_identity::WorkspaceId;
use verso_session::Progress;
use verso_vv::{Author, Seq};
use verso_wire::{Message, Reason};

/// A small generator (SplitMix64): the same seed gives the same run.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopts {
    Everything,
    Nothing,
}

/// Whether a session is over, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Open,
    /// All was done.
    Done,
    For(Reason),
}

/// Whether a workspace is offered.
#[derive(Clone, Copy)]
pub(crate) enum Offering {
    Yes,
    No,
}

/// What an end told, for tests to look at.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) bytes_sent: u64,
    pub(crate) units_sent: BTreeMap<WorkspaceId, u64>,
    pub(crate) messages_sent: Vec<&'static str>,
    pub(crate) received: u64,
    pub(crate) level: BTreeMap<WorkspaceId, u64>,
    pub(crate) all_level: u64,
    pub(crate) progress: BTreeMap<WorkspaceId, Progress>,
    pub(crate) peer_seals: u64,
    pub(crate) peer_declined: Vec<(Author, Seq, Reason)>,
    pub(crate) peer_withdrew: Vec<Author>,
    pub(crate) opened: Vec<WorkspaceId>,
}

/// The message's name; an offer that only says "decided" has one of its own.
pub(crate) fn name(message: &Message) -> &'static str {
    match message {
        Message::PeerInfo { .. } => "PeerInfo",
        Message::Offer { add, remove } if add.is_empty() && remove.is_empty() => "Decided",
        Message::Offer { .. } => "Offer",
        Message::Open { .. } => "Open",
        Message::Hello { .. } => "Hello",
        Message::Vector { .. } => "Vector",
        Message::Unit { .. } => "Unit",
        Message::Ack { .. } => "Ack",
        Message::Decline { .. } => "Decline",
        Message::Withdraw { .. } => "Withdraw",
        Message::Proof(_) => "Proof",
        Message::Goodbye { .. } => "Goodbye",
        Message::Devices { .. } => "Devices",
    }
}

/// A workspace to test with.
pub(crate) fn workspace(number: u8) -> WorkspaceId {
    WorkspaceId::from_bytes([number; 16])
}

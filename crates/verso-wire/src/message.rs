//! [`Message`]: everything that two devices say to each other after the handshake.

mod archive;
mod codec;

use std::fmt;

use bytes::Bytes;
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, EntryHash, Seq};

use crate::fork::ForkProof;
use crate::held::HeldDigest;
use crate::reason::Reason;
use crate::seal::Seal;

pub use codec::MessageError;

/// A message of the sync protocol, one a frame. `docs/formats/messages.md` tells their bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// First on the control stream: who speaks.
    PeerInfo {
        /// The name that the device shows, at most [`MAX_NAME`](crate::limits::MAX_NAME) bytes.
        name: String,
        /// Which versions of the protocol it speaks.
        versions: VersionRange,
        /// What its wall clock says, in milliseconds since the Unix epoch.
        wall_clock_ms: u64,
        /// Where it can be reached, as text.
        addresses: Vec<String>,
    },
    /// On the control stream, at first and whenever it changes: which workspaces the receiver may sync.
    Offer {
        /// Offered from now on, or under changed terms.
        add: Vec<Offered>,
        /// No longer offered.
        remove: Vec<WorkspaceId>,
    },
    /// First on the stream of a workspace: which one.
    Open {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// What the sender holds, in 32 bytes.
    Hello {
        /// The digest of all it holds.
        digest: HeldDigest,
    },
    /// What the sender holds, author by author. Sent if the digests differ.
    Vector {
        /// One for each chain, ascending by author; none for an empty one.
        entries: Vec<VectorEntry>,
        /// The seal that the sender holds of the newest chain of the receiver's device: evidence, should the receiver have been rolled back.
        seal: Option<Seal>,
    },
    /// A unit, as it is stored.
    Unit {
        /// The encoded unit.
        bytes: Bytes,
    },
    /// What the sender now holds durably, and how much it can take.
    Ack {
        /// Chains that advanced, ascending by author, and how far.
        held: Vec<(Author, Seq)>,
        /// How many bytes of encoded units may have been sent on this stream in all.
        credit: u64,
    },
    /// The sender doesn't take an author's entries.
    Decline {
        /// Whose.
        author: Author,
        /// The first that it doesn't take.
        from: Seq,
        /// Why.
        reason: Reason,
    },
    /// The sender takes an author's entries after all.
    Withdraw {
        /// Whose.
        author: Author,
    },
    /// Proof that a chain was forked.
    Proof(ForkProof),
    /// Last: the sender ends the stream.
    Goodbye {
        /// Why, if there is something to complain of.
        reason: Option<Reason>,
    },
    /// On the control stream, to a friend, whenever it is news: the person's further devices that are to serve this friend. All of them; who is not in it
    /// any more is not to be trusted on this device's word any more.
    Devices {
        /// Ascending by device, none twice.
        devices: Vec<FurtherDevice>,
    },
}

/// Another device of the sender's person.
#[derive(Clone, PartialEq, Eq)]
pub struct FurtherDevice {
    /// Which.
    pub device: DeviceId,
    /// Its static X25519 key for Noise.
    pub noise_key: [u8; 32],
    /// The name that it shows, at most [`MAX_NAME`](crate::limits::MAX_NAME) bytes.
    pub name: String,
    /// Where it can be reached, as text.
    pub addresses: Vec<String>,
}

/// Which versions of the protocol a device speaks: all from `min` to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

impl VersionRange {
    /// What this code speaks.
    pub const CURRENT: Self = Self { min: crate::limits::PROTOCOL_VERSION, max: crate::limits::PROTOCOL_VERSION };

    /// Returns the newest version that both speak.
    pub fn common(self, other: Self) -> Option<u32> {
        let newest = self.max.min(other.max);
        (newest >= self.min && newest >= other.min).then_some(newest)
    }
}

/// A workspace that is offered.
#[derive(Clone, PartialEq, Eq)]
pub struct Offered {
    /// Which.
    pub workspace: WorkspaceId,
    /// The name it shows, at most [`MAX_NAME`](crate::limits::MAX_NAME) bytes; empty if it has none.
    pub name: String,
    /// What the receiver may do.
    pub access: WireAccess,
}

/// What a device may do with a workspace, as the wire tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireAccess {
    /// Read.
    ReadOnly,
    /// Read and write.
    ReadWrite,
}

/// How far one chain is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorEntry {
    /// Whose chain.
    pub author: Author,
    /// The last entry held.
    pub seq: Seq,
    /// The first 8 bytes of that entry's hash, by which a fork is noticed.
    pub tag: [u8; 8],
}

impl VectorEntry {
    /// Says that `author`'s chain is held up to `seq`, whose hash is `hash`.
    pub fn new(author: Author, seq: Seq, hash: &EntryHash) -> Self {
        Self { author, seq, tag: hash.0.first_chunk().copied().unwrap_or_default() }
    }
}

/// What kind of message it is: the first byte of a frame's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each names its message")]
pub enum MessageTag {
    PeerInfo = 1,
    Offer = 2,
    Open = 3,
    Hello = 4,
    Vector = 5,
    Unit = 6,
    Ack = 7,
    Decline = 8,
    Withdraw = 9,
    Proof = 10,
    Goodbye = 11,
    Devices = 12,
}

impl MessageTag {
    /// Every tag there is, in the order of their numbers.
    pub const ALL: &[Self] = &[
        Self::PeerInfo,
        Self::Offer,
        Self::Open,
        Self::Hello,
        Self::Vector,
        Self::Unit,
        Self::Ack,
        Self::Decline,
        Self::Withdraw,
        Self::Proof,
        Self::Goodbye,
        Self::Devices,
    ];

    /// Returns the byte on the wire.
    #[expect(clippy::as_conversions, reason = "the representation is a byte")]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|tag| tag.byte() == byte)
    }
}

impl fmt::Display for MessageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Message {
    /// Returns what kind of message it is.
    pub const fn tag(&self) -> MessageTag {
        match self {
            Self::PeerInfo { .. } => MessageTag::PeerInfo,
            Self::Offer { .. } => MessageTag::Offer,
            Self::Open { .. } => MessageTag::Open,
            Self::Hello { .. } => MessageTag::Hello,
            Self::Vector { .. } => MessageTag::Vector,
            Self::Unit { .. } => MessageTag::Unit,
            Self::Ack { .. } => MessageTag::Ack,
            Self::Decline { .. } => MessageTag::Decline,
            Self::Withdraw { .. } => MessageTag::Withdraw,
            Self::Proof(_) => MessageTag::Proof,
            Self::Goodbye { .. } => MessageTag::Goodbye,
            Self::Devices { .. } => MessageTag::Devices,
        }
    }
}

impl fmt::Debug for Message {
    /// Tells what a log line may tell: no names, addresses or contents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.tag().to_string();
        let mut out = f.debug_struct(&name);
        match self {
            Self::PeerInfo { versions, wall_clock_ms, .. } => {
                out.field("versions", versions).field("wall_clock_ms", wall_clock_ms).finish_non_exhaustive()
            }
            Self::Offer { add, remove } => out.field("add", add).field("remove", remove).finish(),
            Self::Open { workspace } => out.field("workspace", workspace).finish(),
            Self::Hello { digest } => out.field("digest", digest).finish(),
            Self::Vector { entries, seal } => out.field("entries", entries).field("seal", seal).finish(),
            Self::Unit { bytes } => out.field("len", &bytes.len()).finish(),
            Self::Ack { held, credit } => out.field("held", held).field("credit", credit).finish(),
            Self::Decline { author, from, reason } => {
                out.field("author", author).field("from", from).field("reason", reason).finish()
            }
            Self::Withdraw { author } => out.field("author", author).finish(),
            Self::Proof(proof) => out.field("author", &proof.author).field("at", &proof.at).finish_non_exhaustive(),
            Self::Goodbye { reason } => out.field("reason", reason).finish(),
            Self::Devices { devices } => out.field("devices", devices).finish(),
        }
    }
}

impl fmt::Debug for FurtherDevice {
    /// Leaves out name and addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FurtherDevice").field("device", &self.device).finish_non_exhaustive()
    }
}

impl fmt::Debug for Offered {
    /// Leaves out the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offered")
            .field("workspace", &self.workspace)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

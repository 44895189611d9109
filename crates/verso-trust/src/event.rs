//! What both kinds of events share: [`EventContext`], [`Cut`], [`Sealed`], and what can be wrong with an encoding.

use std::fmt;

use serde::{Deserialize, Serialize};
use verso_identity::DeviceId;
use verso_vv::{Author, AuthorTag, EntryHash, Hlc, SeenError, Seq};

use crate::codec;

/// Most chains that one device may have in one workspace. Every restored backup and every fork starts a chain; a device that needs
/// more than 64 is broken or hostile, and each chain costs every member memory and a place in every vector.
pub const MAX_CHAINS_PER_DEVICE: usize = 64;

/// Longest name of a device or workspace: 256 bytes, more than any list shows.
pub const MAX_NAME_BYTES: usize = 256;

/// Most addresses of one device: 32. A machine with more interfaces is dialled at those it names first.
pub const MAX_ADDRESSES: usize = 32;

/// Longest address: 256 bytes, room for a relay's URL.
pub const MAX_ADDRESS_BYTES: usize = 256;

/// Most further devices of a friend: 16, as many as it tells of.
pub const MAX_FURTHER_DEVICES: usize = 16;

/// Most addresses of a further device of a friend: 8, as many as the friend tells of.
pub const MAX_FURTHER_ADDRESSES: usize = 8;

/// Most devices that one secret is sealed to: 64 own devices of one person.
pub const MAX_SEALED: usize = 64;

/// Longest sealed secret: 256 bytes; 32 bytes of secret, an ephemeral key and a tag take 80.
pub const MAX_SEALED_BYTES: usize = 256;

/// Longest encoded seal: 256 bytes; a signature and the names it covers take about 150.
pub const MAX_SEAL_BYTES: usize = 256;

/// Longest payload of an event, which is an entry's longest payload: 64 KiB.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Where an event stands in its log: what the entry that carries it says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventContext {
    /// The effective author: the signing one, or on a branch of a fork the branch's own.
    pub author: Author,
    /// Its number in the author's chain.
    pub seq: Seq,
    /// The chain hash there.
    pub hash: EntryHash,
    /// When it was written, by the author's clock.
    pub hlc: Hlc,
    /// The tag of the *signing* author, by which a `seen` vector refers to this entry.
    pub tag: AuthorTag,
}

/// Where a chain ends for everybody: its entries beyond `seq` are held and not applied.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Whose chain.
    pub author: Author,
    /// The last entry that counts.
    pub seq: Seq,
    /// The chain hash there, so that the cut means one history and no other.
    pub hash: EntryHash,
    /// The author's seal there, as the wire format encodes it; opaque here. It proves the hash to whoever lacks the chain.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_SEAL_BYTES>")]
    pub seal: Vec<u8>,
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cut({}:{} {})", self.author, self.seq, self.hash.tag())
    }
}

/// A secret that only one device can open. The bytes are opaque here: who seals and opens them is the replica.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// For whom.
    pub device: DeviceId,
    /// The sealed secret.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_SEALED_BYTES>")]
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(for {}, {} bytes)", self.device, self.bytes.len())
    }
}

/// An event can't be encoded: the caller gave it more than its format has room for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeEventError {
    /// A field breaks a rule of the format.
    #[error("an event can't be encoded: {what}")]
    Invalid {
        /// Which rule.
        what: &'static str,
    },
    /// The payload would be longer than an entry's may be.
    #[error("an event of {bytes} bytes: at most {MAX_PAYLOAD_BYTES} are allowed")]
    TooLarge {
        /// How long it would be.
        bytes: usize,
    },
    /// The serializer failed.
    #[error("an event can't be serialized")]
    Serialize(#[source] postcard::Error),
}

/// The bytes are not an event.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeEventError {
    /// No event has this kind: it is from a newer version, or nonsense.
    #[error("no event has kind {kind}")]
    UnknownKind {
        /// The entry's kind.
        kind: u8,
    },
    /// The payload is empty.
    #[error("an event without a version byte")]
    Empty,
    /// The payload's format is not known here.
    #[error("an event in format {version}: only format {} is known", codec::VERSION)]
    UnknownVersion {
        /// The format it claims.
        version: u8,
    },
    /// The payload is longer than an entry's may be.
    #[error("an event of {bytes} bytes: at most {MAX_PAYLOAD_BYTES} are allowed")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// What the author had seen doesn't parse.
    #[error("an event's seen vector is malformed")]
    Seen(#[source] SeenError),
    /// The body ends early, or a field is out of range or over its limit.
    #[error("an event's body is malformed")]
    Body(#[source] postcard::Error),
    /// Bytes follow the body.
    #[error("{count} bytes follow an event")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// The same event has a shorter encoding, and only that one is accepted.
    #[error("an event is not in its canonical encoding")]
    NotCanonical,
    /// A field breaks a rule of the format.
    #[error("an event breaks a rule: {what}")]
    Invalid {
        /// Which rule.
        what: &'static str,
    },
}

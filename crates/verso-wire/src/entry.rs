//! What a unit is made of: [`EntryRef`], its [`Content`], and the [`EntryDigest`] that stands for it.

use std::fmt;

use verso_vv::{EntryHash, Hlc, Seq};

/// What an entry is about: 0–127 belong to the application and are opaque here, 128 and up are membership.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKind(pub u8);

impl EntryKind {
    /// The first kind of membership entries.
    pub const FIRST_MEMBERSHIP: Self = Self(128);

    /// Tells whether entries of this kind belong to the workspace's membership and not to the application.
    pub const fn is_membership(self) -> bool {
        self.0 >= Self::FIRST_MEMBERSHIP.0
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryKind({})", self.0)
    }
}

/// `d(n)`, the digest of an entry's content: BLAKE3(kind ‖ hlc ‖ length ‖ payload), integers little-endian in 1, 8 and 4 bytes.
///
/// It stands for the content in the chain, so an entry whose content is gone or withheld still chains.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryDigest(pub [u8; 32]);

/// Bytes that stand before the payload where a digest is made: kind, clock, length.
const DIGEST_HEAD: usize = 1 + 8 + 4;

/// Contents up to this many bytes are hashed in one call from the stack, which spares the setting up of a hasher. Nearly all are shorter.
const SHORT: usize = 256;

impl EntryDigest {
    /// Digests an entry's content.
    pub fn of(kind: EntryKind, hlc: Hlc, payload: &[u8]) -> Self {
        let mut head = [0; DIGEST_HEAD];
        let (kind_byte, rest) = head.split_at_mut(1);
        let (hlc_bytes, len_bytes) = rest.split_at_mut(8);
        kind_byte.copy_from_slice(&[kind.0]);
        hlc_bytes.copy_from_slice(&hlc.0.to_le_bytes());
        // No payload beyond 64 KiB ever gets into a unit, so the length always fits.
        len_bytes.copy_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());

        let mut short = [0; SHORT];
        if let Some(content) = short.get_mut(..DIGEST_HEAD + payload.len()) {
            let (front, back) = content.split_at_mut(DIGEST_HEAD);
            front.copy_from_slice(&head);
            back.copy_from_slice(payload);
            return Self(*blake3::hash(content).as_bytes());
        }
        Self(*blake3::Hasher::new().update(&head).update(payload).finalize().as_bytes())
    }
}

impl fmt::Debug for EntryDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryDigest({}…)", EntryHash(self.0).tag())
    }
}

/// What an entry of a unit holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// All of it.
    Full {
        /// What it is about.
        kind: EntryKind,
        /// When it was written.
        hlc: Hlc,
        /// What the application, or the membership, wrote.
        payload: &'a [u8],
    },
    /// Only its digest, which covers kind and clock too: what was discarded, withheld, or serves a proof. Such an entry is held, never applied.
    Digest(EntryDigest),
}

impl Content<'_> {
    /// Returns `d(n)`: computed from full content, else the digest that is there.
    pub fn digest(&self) -> EntryDigest {
        match *self {
            Self::Full { kind, hlc, payload } => EntryDigest::of(kind, hlc, payload),
            Self::Digest(digest) => digest,
        }
    }
}

impl fmt::Debug for Content<'_> {
    /// Never prints the payload: it is the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { kind, hlc, payload } => {
                write!(f, "Full {{ {kind:?}, {hlc:?}, {} bytes }}", payload.len())
            }
            Self::Digest(digest) => write!(f, "{digest:?}"),
        }
    }
}

/// An entry as it lies in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// Its number in the author's chain.
    pub seq: Seq,
    /// What it holds.
    pub content: Content<'a>,
}

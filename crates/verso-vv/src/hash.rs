//! [`EntryHash`], the identity of an entry, and its short form [`HashTag`].

use std::fmt;

use serde::{Deserialize, Serialize};

/// The chain hash `h(n)` of an entry: its identity. Two entries can claim one dot after a fork, never one hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryHash(pub [u8; 32]);

impl EntryHash {
    /// Returns the first four bytes, which tell apart the branches of a fork at one dot.
    pub const fn tag(&self) -> HashTag {
        let [a, b, c, d, ..] = self.0;
        HashTag([a, b, c, d])
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryHash({}…)", self.tag())
    }
}

/// The first four bytes of an [`EntryHash`]: enough to tell apart what two branches wrote at one dot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HashTag(pub [u8; 4]);

impl fmt::Display for HashTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for HashTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashTag({self})")
    }
}

//! [`HeldDigest`]: 32 bytes by which two devices notice that they hold the same.

use std::fmt;

use verso_vv::{Author, EntryHash};

use crate::chain::ChainHead;

/// The digest of everything held of a workspace: every chain's author, last number and head hash.
///
/// Two devices with equal digests hold the same entries; also, neither can show a seal beyond what the other remembers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeldDigest(pub [u8; 32]);

impl HeldDigest {
    /// Digests the heads of all chains, in any order: BLAKE3("verso held v1" ‖ for each author ascending: device ‖ incarnation ‖ seq ‖ h(seq)).
    /// Empty chains don't count.
    pub fn of(heads: impl IntoIterator<Item = (Author, ChainHead)>) -> Self {
        let mut heads: Vec<(Author, ChainHead)> = heads.into_iter().filter(|(_, head)| head.seq.0 > 0).collect();
        heads.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"verso held v1");
        for (author, head) in heads {
            hasher
                .update(author.device.as_bytes())
                .update(&author.incarnation.0.to_le_bytes())
                .update(&head.seq.0.to_le_bytes())
                .update(&head.hash.0);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Debug for HeldDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldDigest({}…)", EntryHash(self.0).tag())
    }
}

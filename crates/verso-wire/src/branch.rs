//! [`Branch`]: what a chain became after a fork.

use verso_vv::{Author, EntryHash, Incarnation, Seq};

use crate::chain::ChainHead;

/// One side of a fork: from entry `at` on, whose hash is `hash`, the chain is an author of its own.
///
/// Every holder derives that author alone and alike, so nobody needs the signer to come back. The entries still verify
/// under the signer's key and incarnation.
///
/// A label of whoever carries the entries, which no seal covers: believe it of a chain that is known to be forked, by a
/// [`ForkProof`](crate::ForkProof) or by what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Branch {
    /// The first entry that differs between the sides, `k`.
    pub at: Seq,
    /// Its hash on this side, `h(k)`.
    pub hash: EntryHash,
}

impl Branch {
    /// Derives the author of this branch of `signer`'s chain: the same device, and as incarnation the first 8 bytes (little-endian)
    /// of BLAKE3("verso branch v1" ‖ device ‖ incarnation ‖ k ‖ h(k)).
    pub fn author(&self, signer: &Author) -> Author {
        let mut incarnation = [0; 8];
        blake3::Hasher::new()
            .update(b"verso branch v1")
            .update(signer.device.as_bytes())
            .update(&signer.incarnation.0.to_le_bytes())
            .update(&self.at.0.to_le_bytes())
            .update(&self.hash.0)
            .finalize_xof()
            .fill(&mut incarnation);
        Author { device: signer.device, incarnation: Incarnation(u64::from_le_bytes(incarnation)) }
    }

    /// Tells whether entries with these hashes, following `after`, can be on this branch: none lies before the fork, and the one at
    /// the fork is this side's.
    pub(crate) fn admits(&self, after: &ChainHead, hashes: &[EntryHash]) -> bool {
        let Some(skipped) = self.at.0.checked_sub(after.seq.next().0) else {
            // They start beyond the fork: what they follow tells whose they are.
            return self.at > Seq::ZERO;
        };
        skipped == 0 && hashes.first() == Some(&self.hash)
    }
}

//! [`ForkProof`]: two validly sealed entries at one dot, told by digests alone.

use verso_identity::{Signature, SignatureError, WorkspaceId};
use verso_vv::{Author, EntryHash, Seq};

use crate::branch::Branch;
use crate::chain::{ChainHead, chain_next, chain_start};
use crate::entry::EntryDigest;
use crate::limits::MAX_PROOF_DIGESTS;
use crate::seal::Seal;
use crate::unit::ChainedUnit;

/// Proof that a chain was forked: the author sealed two different entries at one number.
///
/// Both sides start from the same hash, so entry `at` is the first that differs. No content is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkProof {
    /// Whose chain: the author that signed both sides.
    pub author: Author,
    /// The first entry that differs, `k`.
    pub at: Seq,
    /// The hash that both sides follow, `h(k−1)`.
    pub prev_hash: EntryHash,
    /// The two sides, the one with the smaller first digest first.
    pub sides: [ForkSide; 2],
}

/// One side of a fork: the digests from entry `k` to a seal, and that seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForkSide {
    /// `d(k)` and following: at least one.
    pub digests: Vec<EntryDigest>,
    /// The seal over the last of them.
    pub signature: Signature,
}

/// A proof proves no fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForkError {
    /// A side has no digests, or more than a unit has entries, or its numbers exceed 64 bits; or the fork is said to lie before the first entry.
    #[error("a side of the proof is empty or too long")]
    Length,
    /// A fork at the first entry doesn't start from the start of the chain.
    #[error("the proof does not start where the chain does")]
    Start,
    /// The first digests are equal, or not in ascending order.
    #[error("the sides of the proof do not differ, or are in the wrong order")]
    Order,
    /// A side is not sealed by the author.
    #[error("a side of the proof is not sealed by the author")]
    Seal(#[source] SignatureError),
}

impl ForkProof {
    /// Makes the proof from two units of one signer that overlap; `None` if they agree wherever both have a hash, or belong to different chains.
    pub fn between(ours: &ChainedUnit, theirs: &ChainedUnit) -> Option<Self> {
        if (ours.signer(), ours.workspace()) != (theirs.signer(), theirs.workspace()) {
            return None;
        }
        let first = ours.first_seq().max(theirs.first_seq());
        let last = ours.last_seq().min(theirs.last_seq());
        let prev_hash =
            ours.hash_at(first.previous()).filter(|hash| theirs.hash_at(first.previous()) == Some(*hash))?;
        let at = (first.0..=last.0).map(Seq).find(|seq| ours.hash_at(*seq) != theirs.hash_at(*seq))?;
        let prev_hash = if at == first { prev_hash } else { ours.hash_at(at.previous())? };
        let side = |unit: &ChainedUnit| ForkSide {
            digests: unit.entries().filter(|entry| entry.seq >= at).map(|entry| entry.content.digest()).collect(),
            signature: *unit.signature(),
        };
        let mut sides = [side(ours), side(theirs)];
        sides.sort_by_key(|side| side.digests.first().map(|digest| digest.0));
        Some(Self { author: *ours.signer(), at, prev_hash, sides })
    }

    /// Returns what the two sides become, whether they are sealed or not; `None` if one is empty.
    pub fn branches(&self) -> Option<[Branch; 2]> {
        let branch = |side: &ForkSide| {
            Some(Branch { at: self.at, hash: chain_next(&self.prev_hash, self.at, side.digests.first()?) })
        };
        let [smaller, greater] = &self.sides;
        Some([branch(smaller)?, branch(greater)?])
    }

    /// Checks the proof and returns what the two sides become.
    ///
    /// # Errors
    /// [`ForkError`] if it proves no fork.
    pub fn verify(&self, workspace: &WorkspaceId) -> Result<[Branch; 2], ForkError> {
        if self.at == Seq::ZERO {
            return Err(ForkError::Length);
        }
        if self.at == Seq::FIRST && self.prev_hash != chain_start(workspace, &self.author) {
            return Err(ForkError::Start);
        }
        let [smaller, greater] = &self.sides;
        let first_digest = |side: &ForkSide| side.digests.first().map(|digest| digest.0).ok_or(ForkError::Length);
        if first_digest(smaller)? >= first_digest(greater)? {
            return Err(ForkError::Order);
        }
        Ok([self.verify_side(workspace, smaller)?, self.verify_side(workspace, greater)?])
    }

    fn verify_side(&self, workspace: &WorkspaceId, side: &ForkSide) -> Result<Branch, ForkError> {
        if side.digests.len() > MAX_PROOF_DIGESTS {
            return Err(ForkError::Length);
        }
        let mut head = ChainHead { seq: self.at.previous(), hash: self.prev_hash };
        let mut branch = None;
        for digest in &side.digests {
            let seq = head.seq.0.checked_add(1).map(Seq).ok_or(ForkError::Length)?;
            head = ChainHead { seq, hash: chain_next(&head.hash, seq, digest) };
            branch.get_or_insert(Branch { at: seq, hash: head.hash });
        }
        let seal = Seal { author: self.author, head, signature: side.signature };
        seal.verify(workspace).map_err(ForkError::Seal)?;
        branch.ok_or(ForkError::Length)
    }
}

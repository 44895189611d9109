//! Joining: whoever carries units can make large ones of small ones, without the author.

use verso_vv::Seq;

use crate::limits::{MAX_KEPT_SEALS, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use crate::unit::{KeptSeal, SyncUnit};

/// What becomes of the seal between two units that are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seam {
    /// It is dropped: the seal of the second covers all. The joined unit can't be cut there any more.
    Drop,
    /// It is kept inside, because a cut or a proof needs it.
    Keep,
}

/// Two units can't be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// They belong to different workspaces, signers or branches.
    #[error("the units belong to different chains")]
    OtherChain,
    /// The second doesn't follow the first.
    #[error("entry {got} does not follow: {expected} is next")]
    NotConsecutive {
        /// The number that would follow.
        expected: Seq,
        /// The number that came.
        got: Seq,
    },
    /// Together they exceed the limits of a unit.
    #[error("together the units are too large for one")]
    Full,
}

impl SyncUnit {
    /// Appends `next`, which must follow; the unit then ends in its seal.
    ///
    /// Neither is checked here, so that joining costs no hash: if they did not chain, the joined unit won't verify.
    ///
    /// # Errors
    /// [`JoinError`] if they don't fit together; this unit is unchanged.
    pub fn join(&mut self, next: &Self, seam: Seam) -> Result<(), JoinError> {
        if (self.workspace, self.signer, self.branch) != (next.workspace, next.signer, next.branch) {
            return Err(JoinError::OtherChain);
        }
        let last = self.last_seq();
        if last.0.checked_add(1) != Some(next.first_seq.0) {
            return Err(JoinError::NotConsecutive { expected: last.next(), got: next.first_seq });
        }
        if !self.fits(next, seam) {
            return Err(JoinError::Full);
        }
        if seam == Seam::Keep {
            self.kept.push(KeptSeal { seq: last, signature: self.signature });
        }
        self.kept.extend_from_slice(&next.kept);
        self.rows.list.reserve(next.len());
        for row in &next.rows.list {
            self.rows.push(&next.rows.content(row));
        }
        self.signature = next.signature;
        Ok(())
    }

    /// Drops the seals inside that nothing needs. The unit can't be cut there any more.
    pub fn retain_seals(&mut self, mut is_needed: impl FnMut(Seq) -> bool) {
        self.kept.retain(|kept| is_needed(kept.seq));
    }

    /// Tells whether `next` could be joined to this one within the limits of a unit.
    pub fn fits(&self, next: &Self, seam: Seam) -> bool {
        let kept = self.kept.len() + next.kept.len() + usize::from(seam == Seam::Keep);
        self.len() + next.len() <= MAX_UNIT_ENTRIES
            && self.payload_len() + next.payload_len() <= MAX_UNIT_PAYLOAD
            && kept <= MAX_KEPT_SEALS
    }
}

//! [`ChainedUnit`] knows the hashes of its entries, [`VerifiedUnit`] that its author wrote them.

use std::ops::Deref;

use verso_identity::SignatureError;
use verso_vv::{EntryHash, Seq};

use crate::branch::Branch;
use crate::chain::{ChainHead, chain_next, chain_start};
use crate::seal::Seal;
use crate::unit::{KeptSeal, Rows, SyncUnit};

/// A unit with the hashes of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainedUnit {
    unit: SyncUnit,
    /// One for each entry.
    hashes: Vec<EntryHash>,
}

/// A unit whose seals verify: its signer wrote these entries after `prev_hash`.
///
/// Made only by [`ChainedUnit::verify`] and, for what this device signed itself, by [`UnitBuilder::seal`](crate::UnitBuilder::seal).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedUnit {
    unit: ChainedUnit,
}

/// A unit is not what its signer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The seal at `seq` is not the signer's over these entries.
    #[error("the seal at entry {seq} does not verify")]
    Seal {
        /// Where the seal lies.
        seq: Seq,
        /// Why.
        #[source]
        source: SignatureError,
    },
    /// The unit holds a chain's first entry, and doesn't start where that chain does.
    #[error("the first entry does not follow the start of its chain")]
    Start,
    /// The unit names a branch whose entries these are not: one lies before the fork, or the one at the fork is another.
    #[error("the entries are not on the branch from entry {seq}")]
    Branch {
        /// Where the branch starts.
        seq: Seq,
    },
}

/// A unit can't be cut there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
    /// The entry isn't in the unit.
    #[error("entry {asked} is not among {first}–{last}")]
    Outside {
        /// The entry named.
        asked: Seq,
        /// The unit's first.
        first: Seq,
        /// The unit's last.
        last: Seq,
    },
    /// There is no seal behind that entry.
    #[error("no seal is kept at entry {asked}")]
    NoSeal {
        /// The entry named.
        asked: Seq,
    },
}

impl ChainedUnit {
    pub(super) fn compute(unit: SyncUnit) -> Self {
        let mut hashes = Vec::with_capacity(unit.len());
        let mut previous = unit.prev_hash;
        for entry in unit.entries() {
            previous = chain_next(&previous, entry.seq, &entry.content.digest());
            hashes.push(previous);
        }
        Self { unit, hashes }
    }

    pub(super) const fn from_parts(unit: SyncUnit, hashes: Vec<EntryHash>) -> Self {
        Self { unit, hashes }
    }

    /// Returns the hashes of the entries, in their order.
    pub fn hashes(&self) -> &[EntryHash] {
        &self.hashes
    }

    /// Returns the hash of the entry at `seq`, or of the one before the first; `None` outside.
    pub fn hash_at(&self, seq: Seq) -> Option<EntryHash> {
        if seq == self.first_seq().previous() {
            return Some(self.unit.prev_hash);
        }
        self.hashes.get(self.index_of(seq)?).copied()
    }

    /// Returns what the unit follows.
    pub fn before(&self) -> ChainHead {
        ChainHead { seq: self.first_seq().previous(), hash: self.unit.prev_hash }
    }

    /// Returns where the unit ends.
    pub fn head(&self) -> ChainHead {
        let hash = self.hashes.last().copied().unwrap_or(self.unit.prev_hash);
        ChainHead { seq: self.last_seq(), hash }
    }

    /// Returns the seal that the unit ends in.
    pub fn head_seal(&self) -> Seal {
        Seal { author: self.signer, head: self.head(), signature: self.signature }
    }

    /// Returns the seal at `seq`: the one that the unit ends in, or one that is kept inside.
    pub fn seal_at(&self, seq: Seq) -> Option<Seal> {
        if seq == self.last_seq() {
            return Some(self.head_seal());
        }
        let kept = self.kept.iter().find(|kept| kept.seq == seq)?;
        Some(Seal { author: self.signer, head: ChainHead { seq, hash: self.hash_at(seq)? }, signature: kept.signature })
    }

    /// Checks that the signer wrote these entries: a first entry follows the start of the signer's chain, every seal verifies strictly over
    /// the hashes as computed, and a branch starts with the
    /// entry it names.
    ///
    /// # Errors
    /// [`VerifyError`] says where it fails.
    pub fn verify(self) -> Result<VerifiedUnit, VerifyError> {
        if self.first_seq() == Seq::FIRST && self.unit.prev_hash != chain_start(&self.workspace, &self.signer) {
            return Err(VerifyError::Start);
        }
        if let Some(branch) = self.branch
            && !branch.admits(&self.before(), &self.hashes)
        {
            return Err(VerifyError::Branch { seq: branch.at });
        }
        let kept = self.kept.iter().map(|kept| kept.seq);
        for seq in kept.chain([self.last_seq()]) {
            if let Some(seal) = self.seal_at(seq) {
                seal.verify(&self.workspace).map_err(|source| VerifyError::Seal { seq, source })?;
            }
        }
        Ok(VerifiedUnit { unit: self })
    }

    /// Returns the part from `first` on. It can be cut in front anywhere: the seal covers all before it.
    ///
    /// # Errors
    /// [`CutError::Outside`] if `first` isn't in the unit.
    pub fn cut_front(&self, first: Seq) -> Result<Self, CutError> {
        self.part(first, self.last_seq())
    }

    /// Returns the part up to `last`, where a seal must be.
    ///
    /// # Errors
    /// [`CutError`] if `last` isn't in the unit, or no seal is kept there.
    pub fn cut_behind(&self, last: Seq) -> Result<Self, CutError> {
        self.part(self.first_seq(), last)
    }

    fn part(&self, first: Seq, last: Seq) -> Result<Self, CutError> {
        let outside = |asked| CutError::Outside { asked, first: self.first_seq(), last: self.last_seq() };
        let front = self.index_of(first).ok_or_else(|| outside(first))?;
        let back = self.index_of(last).ok_or_else(|| outside(last))?;
        let seal = self.seal_at(last).ok_or(CutError::NoSeal { asked: last })?;
        let prev_hash = self.hash_at(first.previous()).ok_or_else(|| outside(first))?;
        let (rows, hashes) = (self.unit.rows.list.get(front..=back), self.hashes.get(front..=back));
        let mut part = Rows::default();
        for row in rows.unwrap_or_default() {
            part.push(&self.unit.rows.content(row));
        }
        let kept: Vec<KeptSeal> =
            self.kept.iter().filter(|kept| first <= kept.seq && kept.seq < last).copied().collect();
        let unit = SyncUnit {
            first_seq: first,
            prev_hash,
            rows: part,
            kept,
            signature: seal.signature,
            workspace: self.workspace,
            signer: self.signer,
            branch: self.branch,
        };
        Ok(Self { unit, hashes: hashes.unwrap_or_default().to_vec() })
    }

    /// Moves the entries to a branch of the signer's chain, when a fork was found. What was signed stays signed.
    ///
    /// # Errors
    /// [`VerifyError::Branch`] if an entry lies before the fork, or the one at the fork is the other side's.
    pub fn onto_branch(mut self, branch: Branch) -> Result<Self, VerifyError> {
        if !branch.admits(&self.before(), &self.hashes) {
            return Err(VerifyError::Branch { seq: branch.at });
        }
        self.unit.branch = Some(branch);
        Ok(self)
    }

    /// Puts the entries under the label of a branch, or of none, whatever label they had. What was signed stays signed.
    ///
    /// # Errors
    /// As [`onto_branch`](Self::onto_branch).
    pub fn labelled(mut self, label: Option<Branch>) -> Result<Self, VerifyError> {
        self.unit.branch = None;
        match label {
            Some(branch) => self.onto_branch(branch),
            None => Ok(self),
        }
    }

    /// Gives up the hashes.
    pub fn into_unit(self) -> SyncUnit {
        self.unit
    }
}

impl VerifiedUnit {
    /// Trusts what this device has just signed itself.
    pub(super) const fn sealed_here(unit: ChainedUnit) -> Self {
        Self { unit }
    }

    /// Returns the part from `first` on, which verifies as the whole does.
    ///
    /// # Errors
    /// [`CutError::Outside`] if `first` isn't in the unit.
    pub fn cut_front(&self, first: Seq) -> Result<Self, CutError> {
        self.unit.cut_front(first).map(|unit| Self { unit })
    }

    /// Returns the part up to `last`, where a seal must be; all seals inside were verified with the whole.
    ///
    /// # Errors
    /// [`CutError`] if `last` isn't in the unit, or no seal is kept there.
    pub fn cut_behind(&self, last: Seq) -> Result<Self, CutError> {
        self.unit.cut_behind(last).map(|unit| Self { unit })
    }

    /// Moves the entries to a branch of the signer's chain, when a fork was found.
    ///
    /// # Errors
    /// [`VerifyError::Branch`] if an entry lies before the fork, or the one at the fork is the other side's.
    pub fn onto_branch(self, branch: Branch) -> Result<Self, VerifyError> {
        self.unit.onto_branch(branch).map(|unit| Self { unit })
    }

    /// Puts the entries under the label of a branch, or of none, whatever label they had.
    ///
    /// # Errors
    /// As [`onto_branch`](Self::onto_branch).
    pub fn labelled(self, label: Option<Branch>) -> Result<Self, VerifyError> {
        self.unit.labelled(label).map(|unit| Self { unit })
    }

    /// Forgets that it was verified.
    pub fn into_chained(self) -> ChainedUnit {
        self.unit
    }
}

impl Deref for ChainedUnit {
    type Target = SyncUnit;

    fn deref(&self) -> &SyncUnit {
        &self.unit
    }
}

impl Deref for VerifiedUnit {
    type Target = ChainedUnit;

    fn deref(&self) -> &ChainedUnit {
        &self.unit
    }
}

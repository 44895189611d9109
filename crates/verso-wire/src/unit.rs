//! [`SyncUnit`]: a sealed run of consecutive entries of one author in one workspace; the atom of storage and of transfer.

mod builder;
mod chained;
mod columns;
mod compress;
mod format;
mod given_up;
mod join;

use std::fmt;

use verso_identity::{Signature, WorkspaceId};
use verso_vv::{Author, EntryHash, Hlc, Seq};

use crate::branch::Branch;
use crate::entry::{Content, EntryDigest, EntryKind, EntryRef};

pub use builder::{SealError, UnitBuilder, UnitError};
pub use chained::{ChainedUnit, CutError, VerifiedUnit, VerifyError};
pub use compress::CompressionLevel;
pub use format::{DecodeError, UNIT_FORMAT};
pub use join::{JoinError, Seam};

/// A sealed run of consecutive entries of one author in one workspace, ending at its seal.
///
/// 1. [`UnitBuilder`] makes one from what was written here; [`decode`](Self::decode) from bytes of the journal or of a peer.
/// 2. [`chain`](Self::chain) computes the hashes of its entries, [`ChainedUnit`].
/// 3. [`ChainedUnit::verify`] checks its seal, [`VerifiedUnit`]; there is no other way to one from bytes.
///
/// Guaranteed: within the limits of [`limits`](crate::limits), at least one entry, numbers from 1 that don't overflow,
/// and on a branch none before the fork. Nothing else is, before it is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct SyncUnit {
    workspace: WorkspaceId,
    signer: Author,
    branch: Option<Branch>,
    first_seq: Seq,
    prev_hash: EntryHash,
    rows: Rows,
    /// Ascending, all before the last entry.
    kept: Vec<KeptSeal>,
    signature: Signature,
}

/// A seal that lies inside a unit, where the unit can be cut behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptSeal {
    /// The last entry it covers.
    pub seq: Seq,
    /// The signature.
    pub signature: Signature,
}

impl SyncUnit {
    /// Returns the workspace. It is not part of the encoding: the stream or the journal that carries the unit tells it, and the seal covers it.
    pub const fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// Returns the author that signed.
    pub const fn signer(&self) -> &Author {
        &self.signer
    }

    /// Returns the branch that the entries belong to, if the signer's chain was forked before them.
    pub const fn branch(&self) -> Option<&Branch> {
        self.branch.as_ref()
    }

    /// Returns the author whose chain this is: the signer, or on a branch the author derived from it.
    pub fn author(&self) -> Author {
        self.branch.map_or(self.signer, |branch| branch.author(&self.signer))
    }

    /// Returns the number of the first entry.
    pub const fn first_seq(&self) -> Seq {
        self.first_seq
    }

    /// Returns the number of the last entry, where the seal is.
    pub fn last_seq(&self) -> Seq {
        self.seq_at(self.len().saturating_sub(1))
    }

    /// Returns the hash of the entry before the first, `h(first_seq − 1)`.
    pub const fn prev_hash(&self) -> &EntryHash {
        &self.prev_hash
    }

    /// Counts the entries: at least one.
    #[expect(clippy::len_without_is_empty, reason = "a unit is never empty")]
    pub fn len(&self) -> usize {
        self.rows.list.len()
    }

    /// Counts the bytes of payload over all entries.
    pub const fn payload_len(&self) -> usize {
        self.rows.payload_len
    }

    /// Iterates over the entries in the order of their numbers.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = EntryRef<'_>> {
        let entry = |(index, row)| EntryRef { seq: self.seq_at(index), content: self.rows.content(row) };
        self.rows.list.iter().enumerate().map(entry)
    }

    /// Returns the entry at `seq`, if it lies in this unit.
    pub fn entry(&self, seq: Seq) -> Option<EntryRef<'_>> {
        let row = self.rows.list.get(self.index_of(seq)?)?;
        Some(EntryRef { seq, content: self.rows.content(row) })
    }

    /// Returns the seals inside, before the one the unit ends in, ascending.
    pub fn kept_seals(&self) -> &[KeptSeal] {
        &self.kept
    }

    /// Returns the signature of the seal that the unit ends in.
    pub const fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Computes the hashes of the entries, without checking the signature: for a unit from the own journal, or as the step before
    /// [`ChainedUnit::verify`].
    pub fn chain(self) -> ChainedUnit {
        ChainedUnit::compute(self)
    }

    /// Returns where in the unit `seq` lies.
    fn index_of(&self, seq: Seq) -> Option<usize> {
        let index = usize::try_from(seq.0.checked_sub(self.first_seq.0)?).ok()?;
        (index < self.len()).then_some(index)
    }

    /// Returns the number of the entry at `index`.
    fn seq_at(&self, index: usize) -> Seq {
        // Built and decoded units end below 2⁶⁴, so nothing saturates.
        Seq(self.first_seq.0.saturating_add(u64::try_from(index).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for SyncUnit {
    /// Never prints payloads: they are the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncUnit")
            .field("workspace", &self.workspace)
            .field("signer", &self.signer)
            .field("branch", &self.branch)
            .field("first_seq", &self.first_seq)
            .field("last_seq", &self.last_seq())
            .field("payload_len", &self.payload_len())
            .finish_non_exhaustive()
    }
}

/// Entries as they lie in memory: a row each, and one buffer for the bytes of all.
#[derive(Clone, Default)]
struct Rows {
    list: Vec<Row>,
    /// Payloads and digests, in any order, possibly among other bytes.
    buffer: Vec<u8>,
    /// Bytes of payload over all rows.
    payload_len: usize,
}

/// One entry: where its bytes lie, and what they are.
#[derive(Clone, Copy)]
struct Row {
    /// Zero where only the digest is left.
    hlc: Hlc,
    start: u32,
    len: u32,
    form: Form,
}

/// What the bytes of a row are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A payload of this kind.
    Full(EntryKind),
    /// The 32 bytes of a digest.
    Digest,
}

impl Rows {
    /// Returns the bytes of a row.
    #[expect(clippy::indexing_slicing, reason = "rows only ever point into the buffer they were made with")]
    fn bytes(&self, row: &Row) -> &[u8] {
        let start = to_usize(row.start);
        &self.buffer[start..start + to_usize(row.len)]
    }

    fn content(&self, row: &Row) -> Content<'_> {
        let bytes = self.bytes(row);
        match row.form {
            Form::Full(kind) => Content::Full { kind, hlc: row.hlc, payload: bytes },
            #[expect(clippy::expect_used, reason = "digest rows are only made of 32 bytes")]
            Form::Digest => Content::Digest(EntryDigest(bytes.try_into().expect("a digest row has 32 bytes"))),
        }
    }

    /// Appends an entry. The caller has checked the limits, so lengths fit 32 bits.
    fn push(&mut self, content: &Content<'_>) {
        let start = to_u32(self.buffer.len());
        match *content {
            Content::Full { kind, hlc, payload } => {
                self.buffer.extend_from_slice(payload);
                self.payload_len += payload.len();
                self.list.push(Row { hlc, start, len: to_u32(payload.len()), form: Form::Full(kind) });
            }
            Content::Digest(digest) => {
                self.buffer.extend_from_slice(&digest.0);
                self.list.push(Row { hlc: Hlc(0), start, len: to_u32(digest.0.len()), form: Form::Digest });
            }
        }
    }
}

impl fmt::Debug for Rows {
    /// Never prints payloads: they are the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({} entries, {} bytes)", self.list.len(), self.payload_len)
    }
}

impl PartialEq for Rows {
    /// Compares what the rows say, not how they lie.
    fn eq(&self, other: &Self) -> bool {
        self.list.len() == other.list.len()
            && self.list.iter().zip(&other.list).all(|(ours, theirs)| self.content(ours) == other.content(theirs))
    }
}

impl Eq for Rows {}

/// Widens an offset; every platform that Verso runs on has at least 32 bits.
fn to_usize(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Narrows a length that the limits of a unit bound far below 4 GiB.
#[expect(clippy::expect_used, reason = "a unit's buffer is bounded by its limits, a thousandth of what fits")]
fn to_u32(len: usize) -> u32 {
    u32::try_from(len).expect("lengths within a unit fit 32 bits")
}

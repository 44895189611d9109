//! What the journal knows of a record: [`RunMeta`], and [`RunId`], where it lies.

use verso_identity::DeviceId;
use verso_vv::{Author, EntryHash, Incarnation, Seq};

use crate::codec::{Input, put_varint};

/// Where a branch left its trunk: the number and the hash of the branch's first entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchPoint {
    /// The number of the first entry that is the branch's own.
    pub at: Seq,
    /// The hash of that entry.
    pub hash: EntryHash,
}

/// What a record holds: a run of consecutive entries of one author. The record's bytes are opaque to the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunMeta {
    /// Whose chain the run belongs to. For a branch, the author with the branch's derived incarnation.
    pub author: Author,
    /// Where the author's chain left its trunk, if it is a branch; the same in all runs of an author.
    pub branch: Option<BranchPoint>,
    /// The first entry of the run.
    pub first_seq: Seq,
    /// The last entry of the run.
    pub last_seq: Seq,
    /// The hash of the entry before the first, or the start of the chain.
    pub prev_hash: EntryHash,
    /// The hash of the last entry.
    pub head_hash: EntryHash,
}

impl RunMeta {
    /// Counts the entries, saturating.
    pub const fn entries(&self) -> u64 {
        self.last_seq.0.saturating_sub(self.first_seq.0).saturating_add(1)
    }

    /// Tells whether the description is one that a run can have.
    pub(crate) fn is_valid(&self) -> bool {
        let from = self.branch.map_or(Seq::FIRST, |branch| branch.at);
        from >= Seq::FIRST && self.first_seq >= from && self.last_seq >= self.first_seq
    }

    /// Appends the description as it stands before a record's own bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_author(&self.author, self.branch, out);
        put_varint(out, self.first_seq.0);
        put_varint(out, self.last_seq.0.saturating_sub(self.first_seq.0));
        out.extend_from_slice(&self.prev_hash.0);
        out.extend_from_slice(&self.head_hash.0);
    }

    /// Takes a description from the front of a record's text.
    pub(crate) fn decode(input: &mut Input<'_>) -> Option<Self> {
        let (author, branch) = take_author(input)?;
        let first_seq = Seq(input.varint()?);
        let last_seq = Seq(first_seq.0.checked_add(input.varint()?)?);
        let (prev_hash, head_hash) = (EntryHash(input.array()?), EntryHash(input.array()?));
        let meta = Self { author, branch, first_seq, last_seq, prev_hash, head_hash };
        meta.is_valid().then_some(meta)
    }
}

/// Appends an author with its branch: a byte that tells whether there is one, device, incarnation, then the branch.
pub(crate) fn put_author(author: &Author, branch: Option<BranchPoint>, out: &mut Vec<u8>) {
    out.push(u8::from(branch.is_some()));
    out.extend_from_slice(author.device.as_bytes());
    out.extend_from_slice(&author.incarnation.0.to_le_bytes());
    if let Some(branch) = branch {
        put_varint(out, branch.at.0);
        out.extend_from_slice(&branch.hash.0);
    }
}

/// Takes what [`put_author`] wrote.
pub(crate) fn take_author(input: &mut Input<'_>) -> Option<(Author, Option<BranchPoint>)> {
    let flags = input.u8()?;
    let device = DeviceId::from_bytes(input.array()?);
    let author = Author { device, incarnation: Incarnation(input.u64()?) };
    let branch = match flags {
        0 => None,
        1 => Some(BranchPoint { at: Seq(input.varint()?), hash: EntryHash(input.array()?) }),
        _ => return None,
    };
    Some((author, branch))
}

/// Where a record lies. It stays good until the log is compacted or opened again; after that it is refused, never mistaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId {
    /// The number of the segment.
    pub(crate) segment: u32,
    /// The first four bytes of the segment's id: a compacted segment takes over a number, never an id.
    pub(crate) tag: u32,
    /// The record's number in the segment.
    pub(crate) number: u32,
    /// Where the record's header begins in the segment.
    pub(crate) offset: u32,
    /// The length of the record's body.
    pub(crate) body_len: u32,
}

/// A run that the log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// What it is.
    pub meta: RunMeta,
    /// Where it is.
    pub id: RunId,
}

//! The header of a segment: what it is, where it stands in the log, and how its key is derived. Kept twice.
//!
//! The layout is a table in `docs/formats/journal.md`; the constants here are its arithmetic.

use crate::codec::{Input, prefix, to_u32, to_u64, to_usize};
use crate::crypto::{MasterKey, SALT_LEN, SegmentKey};

/// The newest version of the segment format, and the only one so far.
pub(crate) const VERSION: u16 = 1;

/// How many segments one compaction may replace. It bounds a header to 16 KiB, which is what a reader has to look through
/// for the second copy.
pub(crate) const MAX_REPLACED: usize = 1024;

/// The two copies begin at multiples of this, so that a lost sector takes one of them at most.
const SECTOR: usize = 512;

const MAGIC: &[u8; 8] = b"VERSOLOG";
const FIXED_LEN: usize = 176;
const CANARY_LEN: usize = 32;
const CHECK_LEN: usize = 8;
const MAX_COPY_LEN: usize = FIXED_LEN + 16 * MAX_REPLACED + CANARY_LEN + CHECK_LEN;

/// As many bytes of a file as suffice to read its header.
pub(crate) const MAX_HEADER_LEN: u64 = 2 * 33 * 512;
const _: () = assert!(MAX_COPY_LEN <= 33 * SECTOR && MAX_COPY_LEN > 32 * SECTOR);

/// A segment's random id.
pub(crate) type SegmentId = [u8; 16];

/// Names a segment with what it held when it was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Link {
    /// The segment's id, zero for none.
    pub(crate) id: SegmentId,
    /// Its closing digest, over all its records.
    pub(crate) digest: [u8; 32],
}

/// The fields of a segment's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The generation of the master key.
    pub(crate) generation: u32,
    /// The segment's number, which is its file's name.
    pub(crate) number: u32,
    /// The first number it stands for: lower than its own if compaction put it in the place of several.
    pub(crate) first: u32,
    /// Its own id.
    pub(crate) id: SegmentId,
    /// The segment before.
    pub(crate) previous: Link,
    /// What the next segment calls this one, if that is not its own id: the segment that compaction put it in place of.
    pub(crate) stands_for: Link,
    /// From which its key is derived.
    pub(crate) salt: [u8; SALT_LEN],
    /// The segments it replaces; empty if compaction did not write it.
    pub(crate) replaces: Vec<SegmentId>,
    /// The log's label, which stands encrypted in the canary.
    pub(crate) label: [u8; 16],
}

/// A header as it was read.
#[derive(Debug)]
pub(crate) struct FoundHeader {
    pub(crate) header: SegmentHeader,
    /// The hash of the header, which every record is bound to.
    pub(crate) hash: [u8; 32],
    pub(crate) key: SegmentKey,
    /// Where the first record begins.
    pub(crate) records_start: u64,
    /// The first byte that differs from what it should be, if one copy is damaged.
    pub(crate) damaged_at: Option<u64>,
}

/// Why no header was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// Neither copy is whole.
    Damaged,
    /// A copy is whole, and its canary does not open.
    WrongKey,
    /// A copy is whole, in a version from the future.
    Newer(u16),
}

impl SegmentHeader {
    /// Encodes both copies, and returns them with the hash of the header.
    pub(crate) fn encode(&self, key: &SegmentKey) -> (Vec<u8>, [u8; 32]) {
        let len = FIXED_LEN + 16 * self.replaces.len() + CANARY_LEN + CHECK_LEN;
        let mut copy = Vec::with_capacity(2 * block_len(len));
        copy.extend_from_slice(MAGIC);
        copy.extend_from_slice(&VERSION.to_le_bytes());
        copy.extend_from_slice(&0_u16.to_le_bytes());
        copy.extend_from_slice(&to_u32(len).to_le_bytes());
        copy.extend_from_slice(&self.generation.to_le_bytes());
        copy.extend_from_slice(&self.number.to_le_bytes());
        copy.extend_from_slice(&self.first.to_le_bytes());
        copy.extend_from_slice(&to_u32(self.replaces.len()).to_le_bytes());
        copy.extend_from_slice(&self.id);
        copy.extend_from_slice(&self.previous.id);
        copy.extend_from_slice(&self.previous.digest);
        copy.extend_from_slice(&self.stands_for.id);
        copy.extend_from_slice(&self.stands_for.digest);
        copy.extend_from_slice(&self.salt);
        for id in &self.replaces {
            copy.extend_from_slice(id);
        }
        let mut canary = self.label;
        let tag = key.seal(CANARY_NONCE, &copy, &mut canary);
        copy.extend_from_slice(&canary);
        copy.extend_from_slice(&tag);
        copy.extend_from_slice(&check(&copy));
        let hash = *blake3::hash(&copy).as_bytes();
        copy.resize(block_len(len), 0);
        copy.extend_from_within(..);
        (copy, hash)
    }

    /// Reads the header from the first bytes of a segment: all of it, or [`MAX_HEADER_LEN`].
    pub(crate) fn decode(bytes: &[u8], master: &MasterKey) -> Result<FoundHeader, HeaderFault> {
        let copy = find_copy(bytes).ok_or(HeaderFault::Damaged)?;
        let version = Input::new(copy.get(8..).unwrap_or_default()).u16().unwrap_or_default();
        if version != VERSION {
            return Err(HeaderFault::Newer(version));
        }
        let (mut header, canary_start) = Self::fields(copy).ok_or(HeaderFault::Damaged)?;
        let key = master.segment(header.generation, &header.salt);
        let (fields, rest) = copy.split_at_checked(canary_start).ok_or(HeaderFault::Damaged)?;
        let canary = rest.get(..CANARY_LEN).ok_or(HeaderFault::Damaged)?;
        let mut label = Vec::new();
        key.open(CANARY_NONCE, fields, canary, &mut label).ok_or(HeaderFault::WrongKey)?;
        header.label = Input::new(&label).array().ok_or(HeaderFault::Damaged)?;

        let block = block_len(copy.len());
        let mut expected = copy.to_vec();
        expected.resize(block, 0);
        expected.extend_from_within(..);
        let damaged_at = (!bytes.starts_with(&expected))
            .then(|| to_u64(expected.iter().zip(bytes).take_while(|(expected, found)| expected == found).count()));
        let hash = *blake3::hash(copy).as_bytes();
        Ok(FoundHeader { header, hash, key, records_start: to_u64(2 * block), damaged_at })
    }

    /// Reads the fields of a copy whose check is good; returns where the canary begins, too.
    fn fields(copy: &[u8]) -> Option<(Self, usize)> {
        let mut input = Input::new(copy.get(10..)?);
        let reserved = input.u16()?;
        let _len = input.u32()?;
        let (generation, number, first, count) = (input.u32()?, input.u32()?, input.u32()?, to_usize(input.u32()?));
        let canary_start = FIXED_LEN + 16 * count;
        if reserved != 0 || count > MAX_REPLACED || copy.len() != canary_start + CANARY_LEN + CHECK_LEN {
            return None;
        }
        let id = input.array()?;
        let previous = Link { id: input.array()?, digest: input.array()? };
        let stands_for = Link { id: input.array()?, digest: input.array()? };
        let salt = input.array()?;
        let replaces = (0..count).map(|_| input.array()).collect::<Option<Vec<_>>>()?;
        let in_order = first >= 1 && first <= number && (first == number || !replaces.is_empty());
        let header = Self { generation, number, first, id, previous, stands_for, salt, replaces, label: [0; 16] };
        in_order.then_some((header, canary_start))
    }
}

/// The canary takes nonce 0; records are numbered from 1.
const CANARY_NONCE: u64 = 0;

/// Finds a copy whose check is good: the first at the start, the second where its own length puts it.
fn find_copy(bytes: &[u8]) -> Option<&[u8]> {
    if let Some(copy) = copy_at(bytes, 0) {
        return Some(copy);
    }
    (1..=33).find_map(|sectors| {
        let offset = sectors * SECTOR;
        copy_at(bytes, offset).filter(|copy| block_len(copy.len()) == offset)
    })
}

fn copy_at(bytes: &[u8], offset: usize) -> Option<&[u8]> {
    let bytes = bytes.get(offset..)?;
    let mut input = Input::new(bytes);
    let magic: [u8; 8] = input.array()?;
    let _version = input.u16()?;
    let _reserved = input.u16()?;
    let len = to_usize(input.u32()?);
    if magic != *MAGIC || !(FIXED_LEN + CANARY_LEN + CHECK_LEN..=MAX_COPY_LEN).contains(&len) {
        return None;
    }
    let copy = bytes.get(..len)?;
    let (fields, stored) = copy.split_last_chunk::<CHECK_LEN>()?;
    (check(fields) == *stored).then_some(copy)
}

/// The check of a copy: it needs no key, so damage can be told from a wrong key.
fn check(fields: &[u8]) -> [u8; CHECK_LEN] {
    prefix(blake3::hash(fields))
}

const fn block_len(copy_len: usize) -> usize {
    copy_len.next_multiple_of(SECTOR)
}

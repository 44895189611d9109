//! A segment that is no longer written to: what the log remembers of it, and how its file is read.

use std::fmt;
use std::io;

use crate::crypto::{MasterKey, SALT_LEN};
use crate::header::{FoundHeader, HeaderFault, Link, MAX_HEADER_LEN, SegmentHeader, SegmentId};
use crate::record::Sealer;
use crate::run::RunId;
use crate::scan::{self, Contents, Gap, Missing};
use crate::storage::{NEW_SUFFIX, Storage, StorageFile};

/// The longest file that is read as a segment. The longest that is written is half of it and one record; a file that is
/// longer was not written here, and must not fill the memory.
pub(crate) const MAX_SEGMENT_LEN: u64 = 128 << 20;

/// How much is read at once where a segment is read from end to end.
const INDEX_READ_LEN: u64 = 64 << 10;

const EXTENSION: &str = ".seg";
const DIGITS: usize = 10;

/// Returns the path of segment `number` in the log at `dir`.
pub(crate) fn path(dir: &str, number: u32) -> String {
    format!("{dir}/{number:0DIGITS$}{EXTENSION}")
}

/// What a file in a log's directory is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileName {
    Segment(u32),
    /// A file that did not get its name before a crash: nothing in it was acknowledged.
    Unfinished,
    /// Not of the journal's making.
    Other,
}

pub(crate) fn parse_name(name: &str) -> FileName {
    if name.ends_with(NEW_SUFFIX) {
        return FileName::Unfinished;
    }
    let number = name.strip_suffix(EXTENSION).filter(|digits| digits.len() == DIGITS);
    let number =
        number.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())).and_then(|digits| digits.parse().ok());
    number.filter(|number| *number > 0).map_or(FileName::Other, FileName::Segment)
}

/// A closed segment: enough to read it and to name it in the next one's header.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) number: u32,
    pub(crate) first: u32,
    pub(crate) id: SegmentId,
    pub(crate) previous: Link,
    pub(crate) generation: u32,
    pub(crate) salt: [u8; SALT_LEN],
    pub(crate) header_hash: [u8; 32],
    /// The digest over its runs.
    pub(crate) digest: [u8; 32],
    /// Length of its file.
    pub(crate) len: u64,
    /// How many runs it holds.
    pub(crate) runs: usize,
    pub(crate) origin: Origin,
}

/// Who wrote a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Appended,
    Compacted,
}

impl Segment {
    pub(crate) fn new(header: &SegmentHeader, header_hash: [u8; 32]) -> Self {
        Self {
            number: header.number,
            first: header.first,
            id: header.id,
            previous: header.previous,
            generation: header.generation,
            salt: header.salt,
            header_hash,
            digest: [0; 32],
            len: 0,
            runs: 0,
            origin: if header.replaces.is_empty() { Origin::Appended } else { Origin::Compacted },
        }
    }

    /// Returns how the next segment's header names this one.
    pub(crate) const fn link(&self) -> Link {
        Link { id: self.id, digest: self.digest }
    }

    pub(crate) fn sealer(&self, master: &MasterKey) -> Sealer {
        Sealer { key: master.segment(self.generation, &self.salt), header_hash: self.header_hash }
    }

    /// Tells whether an id was handed out for this segment, and not for one that had its number before.
    pub(crate) fn issued(&self, id: RunId) -> bool {
        id.segment == self.number && id.tag == tag(&self.id)
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("number", &self.number).field("len", &self.len).finish_non_exhaustive()
    }
}

/// Returns what a [`RunId`] keeps of a segment's id.
pub(crate) fn tag(id: &SegmentId) -> u32 {
    let [a, b, c, d, ..] = *id;
    u32::from_le_bytes([a, b, c, d])
}

/// Reads the header of a segment's file.
pub(crate) fn read_header<F: StorageFile>(
    file: &F,
    master: &MasterKey,
) -> io::Result<Result<FoundHeader, HeaderFault>> {
    let bytes = read_range(file, 0, file.len()?.min(MAX_HEADER_LEN))?;
    Ok(SegmentHeader::decode(&bytes, master))
}

/// Reads what a segment holds: from its index if it has one, else all of it.
pub(crate) fn read_contents<F: StorageFile>(file: &F, records_start: u64, sealer: &Sealer) -> io::Result<Contents> {
    let len = file.len()?;
    let tail_start = len.saturating_sub(INDEX_READ_LEN);
    let mut tail = read_range(file, tail_start, len)?;
    if let Some(index_start) = scan::index_offset(&tail, len, sealer)
        && len - index_start <= MAX_SEGMENT_LEN
    {
        let mut start = tail_start;
        if index_start < tail_start {
            tail = read_range(file, index_start, len)?;
            start = index_start;
        }
        if let Some(contents) = scan::from_index(&tail, start, records_start, sealer) {
            return Ok(contents);
        }
    }
    scan_file(file, records_start, sealer)
}

/// Reads all records of a segment's file, whether it has an index or not.
pub(crate) fn scan_file<F: StorageFile>(file: &F, records_start: u64, sealer: &Sealer) -> io::Result<Contents> {
    let len = file.len()?;
    let bytes = read_range(file, 0, len.min(MAX_SEGMENT_LEN))?;
    let mut contents = scan::scan(&bytes, records_start, sealer);
    if len > MAX_SEGMENT_LEN {
        let number = contents.runs.last().map_or(1, |run| run.number.saturating_add(1));
        let gap =
            Gap { offset: contents.end, end: len, number, digest_before: contents.digest, missing: Missing::Unknown };
        contents.gaps.push(gap);
        contents.len = len;
    }
    Ok(contents)
}

pub(crate) fn read_range<F: StorageFile>(file: &F, start: u64, end: u64) -> io::Result<Vec<u8>> {
    let len = usize::try_from(end - start).map_err(|source| io::Error::new(io::ErrorKind::FileTooLarge, source))?;
    let mut bytes = vec![0; len];
    file.read_at(start, &mut bytes)?;
    Ok(bytes)
}

/// Opens the file of segment `number`.
pub(crate) fn open<S: Storage>(storage: &S, dir: &str, number: u32) -> io::Result<S::File> {
    storage.open(&path(dir, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_segments() {
        assert_eq!(parse_name("0000000012.seg"), FileName::Segment(12));
        assert_eq!(path("logs/a", 12), "logs/a/0000000012.seg");
        for other in ["12.seg", "0000000000.seg", "+000000012.seg", "9999999999.seg", "0000000012.seg~", "", "x"] {
            assert_eq!(parse_name(other), FileName::Other, "{other}");
        }
        assert_eq!(parse_name("0000000012.seg.new"), FileName::Unfinished);
    }
}

//! Reading a segment's records as a pure function of its bytes: what verifies, and where something does not.

use crate::closing::ClosingIndex;
use crate::codec::{Input, to_u32, to_u64};
use crate::record::{ClosingDigest, HEADER_LEN, Kind, RecordHeader, Sealer, trailer};
use crate::run::RunMeta;

/// A run that verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundRun {
    pub(crate) meta: RunMeta,
    pub(crate) number: u32,
    pub(crate) offset: u32,
    pub(crate) body_len: u32,
}

/// Bytes that are no record of this segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) offset: u64,
    /// Where the next verifying record begins, or the file ends.
    pub(crate) end: u64,
    /// The number that the first record in the gap would have.
    pub(crate) number: u32,
    /// The digest over the runs before the gap.
    pub(crate) digest_before: [u8; 32],
    /// Whether the numbers around the gap tell that records are missing. At the end of the file they can't.
    pub(crate) missing: Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The next record has the number that would be in the gap: nothing is.
    None,
    /// The next record has a higher one.
    Some,
    /// No record follows.
    Unknown,
}

/// What the bytes of a segment hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contents {
    /// All runs that verify, in stored order.
    pub(crate) runs: Vec<FoundRun>,
    pub(crate) gaps: Vec<Gap>,
    /// The last batch of which a record verifies, 0 if none does.
    pub(crate) last_batch: u32,
    /// The digest over the runs; the closing digest if nothing is missing.
    pub(crate) digest: [u8; 32],
    /// Where the index begins, if it verifies.
    pub(crate) index_offset: Option<u64>,
    /// Where the trailer at the end of the file says that the index begins, if there is one.
    pub(crate) trailer: Option<u64>,
    /// Where the last verifying record ends. Beyond it lie a trailer, zeros, or a gap.
    pub(crate) end: u64,
    /// Length of the file.
    pub(crate) len: u64,
}

/// Reads all records of a segment whose bytes are `bytes`, the first of them at `start`.
///
/// Where a record does not verify, the next that does is searched by its header's check, its number and its tag.
pub(crate) fn scan(bytes: &[u8], start: u64, sealer: &Sealer) -> Contents {
    let len = to_u64(bytes.len());
    let mut scan = Scan {
        sealer,
        bytes,
        text: Vec::new(),
        digest: ClosingDigest::new(&sealer.header_hash),
        contents: Contents {
            runs: Vec::new(),
            gaps: Vec::new(),
            last_batch: 0,
            digest: [0; 32],
            index_offset: None,
            trailer: index_offset(bytes, len, sealer),
            end: start,
            len,
        },
    };
    let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
    scan.run(start);
    scan.contents.digest = scan.digest.finish();
    scan.contents
}

struct Scan<'a> {
    sealer: &'a Sealer,
    bytes: &'a [u8],
    text: Vec<u8>,
    digest: ClosingDigest,
    contents: Contents,
}

impl Scan<'_> {
    fn run(&mut self, mut at: usize) {
        let mut number = 1;
        while at < self.bytes.len() {
            if let Some(header) = self.record(at, number) {
                number = header.number.saturating_add(1);
                let offset = to_u64(at);
                at += header.record_len();
                self.contents.end = to_u64(at);
                if header.kind == Kind::Index {
                    self.contents.index_offset = Some(offset);
                    let whole = self.bytes.len() == at + trailer::LEN && self.contents.trailer == Some(offset);
                    if !whole {
                        self.gap(at, self.bytes.len(), number, Missing::Unknown);
                    }
                    return;
                }
                continue;
            }
            let rest = self.bytes.get(at..).unwrap_or_default();
            if all_zero(rest) {
                return;
            }
            let Some((found, found_number)) = self.resync(at, number) else {
                self.gap(at, self.bytes.len(), number, Missing::Unknown);
                return;
            };
            let missing = if found_number == number { Missing::None } else { Missing::Some };
            self.gap(at, found, number, missing);
            (at, number) = (found, found_number);
        }
    }

    /// Takes the record with `number` at `at`, if it is there and verifies.
    fn record(&mut self, at: usize, number: u32) -> Option<RecordHeader> {
        let bytes = self.bytes.get(at..)?;
        let header = self.sealer.open(bytes, &mut self.text).filter(|header| header.number == number)?;
        match header.kind {
            Kind::Run => {
                let meta = RunMeta::decode(&mut Input::new(&self.text))?;
                self.digest.push(bytes.get(..header.record_len())?);
                let offset = to_u32(at);
                self.contents.runs.push(FoundRun { meta, number, offset, body_len: header.body_len });
            }
            Kind::Index => {
                ClosingIndex::decode(&self.text)?;
            }
        }
        self.contents.last_batch = self.contents.last_batch.max(header.batch);
        Some(header)
    }

    /// Finds the next record behind a bad place that verifies and has `number` or a higher one.
    fn resync(&mut self, bad: usize, number: u32) -> Option<(usize, u32)> {
        let here = self.sealer.open(self.bytes.get(bad..)?, &mut self.text).filter(|header| header.number > number);
        if let Some(header) = here {
            return Some((bad, header.number));
        }
        // If the header is good and only the body is not, the next record is where the header says.
        let behind =
            RecordHeader::decode(self.bytes.get(bad..)?, &self.sealer.key).map(|header| bad + header.record_len());
        let last = self.bytes.len().saturating_sub(HEADER_LEN);
        behind.into_iter().chain(bad + 1..=last).find_map(|at| {
            let header = self.sealer.open(self.bytes.get(at..)?, &mut self.text)?;
            (header.number >= number).then_some((at, header.number))
        })
    }

    fn gap(&mut self, at: usize, end: usize, number: u32, missing: Missing) {
        let digest_before = self.digest.finish();
        self.contents.gaps.push(Gap { offset: to_u64(at), end: to_u64(end), number, digest_before, missing });
    }
}

fn all_zero(bytes: &[u8]) -> bool {
    // Compared in blocks, which is fast in any build: a preallocated end is long.
    const ZEROS: [u8; 512] = [0; 512];
    bytes.chunks(ZEROS.len()).all(|chunk| ZEROS.starts_with(chunk))
}

/// Reads what a closed segment holds from its index alone: `tail` are the file's last bytes, all behind `tail_start`.
///
/// `None` if the segment was not closed or its index is damaged; then all of it must be read.
pub(crate) fn from_index(tail: &[u8], tail_start: u64, records_start: u64, sealer: &Sealer) -> Option<Contents> {
    let len = tail_start.checked_add(to_u64(tail.len()))?;
    let (body, trailer_bytes) = tail.split_last_chunk::<{ trailer::LEN }>()?;
    let index_offset = trailer::decode(&sealer.header_hash, trailer_bytes, len)?;
    let at = usize::try_from(index_offset.checked_sub(tail_start)?).ok()?;
    let record = body.get(at..)?;
    let mut text = Vec::new();
    let header = sealer.open(record, &mut text)?;
    if header.kind != Kind::Index || header.record_len() != record.len() {
        return None;
    }
    let index = ClosingIndex::decode(&text)?;
    let mut offset = to_u32(usize::try_from(records_start).ok()?);
    let mut runs = Vec::with_capacity(index.rows.len());
    for (number, row) in (1..).zip(&index.rows) {
        runs.push(FoundRun { meta: row.meta, number, offset, body_len: row.body_len });
        offset = offset.checked_add(to_u32(HEADER_LEN))?.checked_add(row.body_len)?;
    }
    let whole = u64::from(offset) == index_offset && to_u64(index.rows.len()) + 1 == u64::from(header.number);
    whole.then_some(Contents {
        runs,
        gaps: Vec::new(),
        last_batch: header.batch,
        digest: index.digest,
        index_offset: Some(index_offset),
        trailer: Some(index_offset),
        end: index_offset + to_u64(record.len()),
        len,
    })
}

/// Returns where the index of a closed segment begins, from the last bytes of its file.
pub(crate) fn index_offset(last: &[u8], file_len: u64, sealer: &Sealer) -> Option<u64> {
    trailer::decode(&sealer.header_hash, last.last_chunk::<{ trailer::LEN }>()?, file_len)
}

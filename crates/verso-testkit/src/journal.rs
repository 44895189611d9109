//! What a journal is filled with in tests: chains that everybody can compute, a joiner for them, and the check that a log
//! holds them.

use std::collections::BTreeMap;

use verso_identity::{DeviceId, DeviceKey, Key, purposes};
use verso_log::{AppendError, Joined, Joiner, RunMeta, Storage, SyncLog};
use verso_vv::{Author, EntryHash, Incarnation, Seq};
use zeroize::Zeroizing;

/// The label of a test's log.
pub const LABEL: [u8; 16] = *b"a workspace's id";

/// The directory of a test's log.
pub const DIR: &str = "log";

/// Returns the key of device `n`.
pub fn key(n: u8) -> Key<purposes::Log> {
    DeviceKey::from_secret(&Zeroizing::new([n; 32])).derive()
}

/// Returns author `n`.
pub fn author(n: u8) -> Author {
    Author { device: DeviceId::from_bytes([n; 32]), incarnation: Incarnation(u64::from(n) << 32) }
}

/// Returns what stands for the hash of an entry.
pub fn hash(author: &Author, seq: u64) -> EntryHash {
    let parts = [author.device.as_bytes().as_slice(), &author.incarnation.0.to_le_bytes(), &seq.to_le_bytes()];
    EntryHash(*blake3::hash(&parts.concat()).as_bytes())
}

/// Describes the run from entry `first` to entry `last` of an author.
pub fn meta(author: Author, first: u64, last: u64) -> RunMeta {
    RunMeta {
        author,
        branch: None,
        first_seq: Seq(first),
        last_seq: Seq(last),
        prev_hash: hash(&author, first.saturating_sub(1)),
        head_hash: hash(&author, last),
    }
}

/// Returns the bytes of an entry: of a length between 0 and 299, all told by author and number.
pub fn entry(author: &Author, seq: u64) -> Vec<u8> {
    let hash = hash(author, seq).0;
    let len = usize::from(u16::from_le_bytes([hash[0], hash[1]])) % 300;
    hash.iter().copied().cycle().take(len).collect()
}

/// Returns the record of a run: its entries, each after its length.
pub fn record(meta: &RunMeta) -> Vec<u8> {
    let mut record = Vec::new();
    for seq in meta.first_seq.0..=meta.last_seq.0 {
        let entry = entry(&meta.author, seq);
        record.extend_from_slice(&u16::try_from(entry.len()).expect("below 300").to_le_bytes());
        record.extend_from_slice(&entry);
    }
    record
}

/// Appends the next `entries` entries of an author as one run.
///
/// # Errors
/// What [`SyncLog::append`] says.
pub fn append<S: Storage>(log: &mut SyncLog<S>, author: Author, entries: u64) -> Result<RunMeta, AppendError> {
    let last = log.held().get(&author).0;
    let meta = meta(author, last + 1, last + entries);
    log.append(&meta, &record(&meta))?;
    Ok(meta)
}

/// Reads the whole log and checks every byte: each author's runs in order, without a hole, and with the entries that were
/// appended. Returns how many entries of each author there are.
pub fn check<S: Storage>(log: &SyncLog<S>) -> BTreeMap<Author, u64> {
    let mut held = BTreeMap::new();
    for run in log.replay() {
        let (found, bytes) = run.expect("the log is whole");
        let next = held.entry(found.author).or_insert(0);
        assert_eq!(found, meta(found.author, *next + 1, found.last_seq.0), "runs continue each other");
        assert!(bytes == record(&found), "{found:?} holds what was appended");
        *next = found.last_seq.0;
    }
    let vector: BTreeMap<Author, u64> = log.held().iter().map(|(author, seq)| (author, seq.0)).collect();
    assert_eq!(held, vector, "the vector tells what is there");
    for (author, seq, head) in log.heads() {
        assert_eq!((seq.0, head), (held[&author], hash(&author, seq.0)));
        let mut from = 0;
        for run in log.runs(&author, Seq::FIRST) {
            assert_eq!(run.meta.first_seq.0, from + 1);
            if from == 0 || run.meta.last_seq == seq {
                assert_eq!(log.read(run.id).expect("it was found"), record(&run.meta), "found by its id, too");
            }
            from = run.meta.last_seq.0;
        }
        assert_eq!(from, seq.0);
    }
    held
}

/// Joins runs of up to `limit` entries by putting their records behind each other.
#[derive(Debug)]
pub struct Concat {
    limit: u64,
    held_back: Option<(RunMeta, Vec<u8>)>,
}

impl Concat {
    /// Makes a joiner of runs of up to `limit` entries.
    pub const fn new(limit: u64) -> Self {
        Self { limit, held_back: None }
    }
}

impl Joiner for Concat {
    type Error = std::convert::Infallible;

    fn push(&mut self, meta: RunMeta, record: Vec<u8>, out: &mut Joined) -> Result<(), Self::Error> {
        match self.held_back.take() {
            Some((mut before, mut bytes)) if before.entries() + meta.entries() <= self.limit => {
                assert_eq!((before.author, before.last_seq.next()), (meta.author, meta.first_seq), "given in order");
                before.last_seq = meta.last_seq;
                before.head_hash = meta.head_hash;
                bytes.extend(record);
                self.held_back = Some((before, bytes));
            }
            before => {
                if let Some((meta, record)) = before {
                    out.push(meta, record);
                }
                self.held_back = Some((meta, record));
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Joined) -> Result<(), Self::Error> {
        if let Some((meta, record)) = self.held_back.take() {
            out.push(meta, record);
        }
        Ok(())
    }
}

/// Where a segment that compaction did not write begins its records: behind two copies of its header.
pub const RECORDS_START: usize = 1_024;

/// Returns the path of a segment.
pub fn segment(number: u32) -> String {
    format!("{DIR}/{number:010}.seg")
}

/// A record as its header tells of it, which is not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawRecord {
    /// Where it begins in its segment.
    pub offset: usize,
    /// Where it ends.
    pub end: usize,
    /// 1 for a run, 2 for the index.
    pub kind: u8,
    /// The number of its batch's first record.
    pub batch: u32,
}

/// Lists the records of a whole segment that compaction did not write.
pub fn raw_records(bytes: &[u8]) -> Vec<RawRecord> {
    let mut records = Vec::new();
    let mut offset = RECORDS_START;
    while let Some(&[a, b, c, kind, ..]) = bytes.get(offset..) {
        let body = usize::try_from(u32::from_le_bytes([a, b, c, 0])).expect("24 bits");
        if body == 0 {
            break;
        }
        let batch = u32::from_le_bytes(bytes[offset + 8..offset + 12].try_into().expect("four bytes"));
        records.push(RawRecord { offset, end: offset + 16 + body, kind, batch });
        offset += 16 + body;
        if kind == 2 {
            break;
        }
    }
    records
}

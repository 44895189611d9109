//! Chains that everybody can compute, a joiner that joins them, and the check that a log holds them.

use std::collections::BTreeMap;

use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use verso_identity::{DeviceId, DeviceKey, Key, purposes};
use verso_log::{
    AppendError, Joined, Joiner, LogOptions, MemoryStorage, OpenReport, ReadError, RunMeta, Storage, SyncLog,
};
use verso_vv::{Author, EntryHash, Incarnation, Seq};
use zeroize::Zeroizing;

pub(crate) const LABEL: [u8; 16] = *b"a workspace's id";
pub(crate) const DIR: &str = "log";

pub(crate) fn key(n: u8) -> Key<purposes::Log> {
    DeviceKey::from_secret(&Zeroizing::new([n; 32])).derive()
}

pub(crate) fn author(n: u8) -> Author {
    Author { device: DeviceId::from_bytes([n; 32]), incarnation: Incarnation(u64::from(n) << 32) }
}

pub(crate) fn hash(author: &Author, seq: u64) -> EntryHash {
    let parts = [author.device.as_bytes().as_slice(), &author.incarnation.0.to_le_bytes(), &seq.to_le_bytes()];
    EntryHash(*blake3::hash(&parts.concat()).as_bytes())
}

pub(crate) fn meta(author: Author, first: u64, last: u64) -> RunMeta {
    RunMeta {
        author,
        branch: None,
        first_seq: Seq(first),
        last_seq: Seq(last),
        prev_hash: hash(&author, first - 1),
        head_hash: hash(&author, last),
    }
}

/// The bytes of an entry: of a length between 0 and 299, all told by author and number.
pub(crate) fn entry(author: &Author, seq: u64) -> Vec<u8> {
    let hash = hash(author, seq).0;
    let len = usize::from(u16::from_le_bytes([hash[0], hash[1]])) % 300;
    hash.iter().copied().cycle().take(len).collect()
}

/// The record of a run: its entries, each after its length.
pub(crate) fn record(meta: &RunMeta) -> Vec<u8> {
    let mut record = Vec::new();
    for seq in meta.first_seq.0..=meta.last_seq.0 {
        let entry = entry(&meta.author, seq);
        record.extend_from_slice(&u16::try_from(entry.len()).unwrap().to_le_bytes());
        record.extend_from_slice(&entry);
    }
    record
}

/// Small segments, so that a short test has several.
pub(crate) fn small() -> LogOptions {
    LogOptions { segment_bytes: 3_000 }
}

pub(crate) fn create<S: Storage>(storage: &S) -> SyncLog<S> {
    SyncLog::create(storage.clone(), DIR, &key(1), LABEL, small()).unwrap()
}

pub(crate) fn open<S: Storage>(storage: &S) -> (SyncLog<S>, OpenReport) {
    SyncLog::open(storage.clone(), DIR, &key(1), small()).unwrap()
}

/// Appends the next `entries` entries of an author as one run.
pub(crate) fn append<S: Storage>(log: &mut SyncLog<S>, author: Author, entries: u64) -> Result<RunMeta, AppendError> {
    let last = log.held().get(&author).0;
    let meta = meta(author, last + 1, last + entries);
    log.append(&meta, &record(&meta))?;
    Ok(meta)
}

/// Reads the whole log and checks every byte: each author's runs in order, without a hole, and with the entries that were
/// appended. Returns how many entries of each author there are.
pub(crate) fn check<S: Storage>(log: &SyncLog<S>) -> BTreeMap<Author, u64> {
    let mut held = BTreeMap::new();
    for run in log.replay() {
        let (found, bytes) = run.unwrap();
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
                assert_eq!(log.read(run.id).unwrap(), record(&run.meta), "found by its id, too");
            }
            from = run.meta.last_seq.0;
        }
        assert_eq!(from, seq.0);
    }
    held
}

/// All entries that verify, of a damaged log: by author, with holes.
pub(crate) fn surviving<S: Storage>(log: &SyncLog<S>) -> BTreeMap<Author, Vec<u64>> {
    let mut found: BTreeMap<Author, Vec<u64>> = BTreeMap::new();
    for run in log.replay() {
        match run {
            Ok((run, bytes)) => {
                assert_eq!(run, meta(run.author, run.first_seq.0, run.last_seq.0));
                assert!(bytes == record(&run), "{run:?} holds what was appended");
                found.entry(run.author).or_default().extend(run.first_seq.0..=run.last_seq.0);
            }
            Err(ReadError::Corrupt(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    found
}

/// Joins runs of up to `limit` entries by putting their records behind each other.
#[derive(Debug)]
pub(crate) struct Concat {
    pub(crate) limit: u64,
    held_back: Option<(RunMeta, Vec<u8>)>,
}

impl Concat {
    pub(crate) fn new(limit: u64) -> Self {
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

/// Settings of a property test: the same cases each time. A failure prints the smallest input that fails.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_122),
        ..ProptestConfig::default()
    }
}

/// The path of a segment.
pub(crate) fn segment(number: u32) -> String {
    format!("{DIR}/{number:010}.seg")
}

/// A disk with a closed log of three segments, two authors and runs of one to three entries.
pub(crate) fn sample() -> (MemoryStorage, BTreeMap<Author, u64>) {
    let disk = MemoryStorage::new(5);
    let mut log = create(&disk);
    for round in 0..7 {
        append(&mut log, author(1), 1 + round % 3).unwrap();
        append(&mut log, author(2), 1).unwrap();
        log.sync().unwrap();
    }
    let held = check(&log);
    log.close().unwrap();
    assert_eq!(disk.files(), (1..=3).map(segment).collect::<Vec<_>>());
    (disk, held)
}

/// A record as its header tells of it, which is not encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) offset: usize,
    pub(crate) end: usize,
    /// 1 for a run, 2 for the index.
    pub(crate) kind: u8,
    pub(crate) batch: u32,
}

/// Lists the records of a segment that compaction did not write.
pub(crate) fn raw_records(bytes: &[u8]) -> Vec<Raw> {
    let mut records = Vec::new();
    let mut offset = 1_024;
    while let Some(&[a, b, c, kind, ..]) = bytes.get(offset..) {
        let body = usize::try_from(u32::from_le_bytes([a, b, c, 0])).unwrap();
        if body == 0 {
            break;
        }
        let batch = u32::from_le_bytes(bytes[offset + 8..offset + 12].try_into().unwrap());
        records.push(Raw { offset, end: offset + 16 + body, kind, batch });
        offset += 16 + body;
        if kind == 2 {
            break;
        }
    }
    records
}

/// The runs of a log in stored order.
pub(crate) fn runs<S: Storage>(log: &SyncLog<S>) -> Vec<RunMeta> {
    log.replay().map(|run| run.unwrap().0).collect()
}

/// All entries of these runs, by author.
pub(crate) fn entries(runs: &[RunMeta]) -> BTreeMap<Author, Vec<u64>> {
    let mut found: BTreeMap<Author, Vec<u64>> = BTreeMap::new();
    for run in runs {
        found.entry(run.author).or_default().extend(run.first_seq.0..=run.last_seq.0);
    }
    found
}

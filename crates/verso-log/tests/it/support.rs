//! Logs of small segments, filled with the chains of `verso_testkit::journal`.

use std::collections::BTreeMap;

use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use verso_log::{LogOptions, MemoryStorage, OpenReport, ReadError, RunMeta, Storage, SyncLog};
pub(crate) use verso_testkit::journal::{
    Concat, DIR, LABEL, append, author, check, hash, key, meta, raw_records, record, segment,
};
use verso_vv::Author;

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

/// Settings of a property test: the same cases each time. A failure prints the smallest input that fails.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_122),
        ..ProptestConfig::default()
    }
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

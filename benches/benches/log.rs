//! The journal: durable appends in groups, opening and reading everything, against the disk alone.
//!
//! Records have 65 bytes, as an intent of `debian-packages` has before it is put into a unit. `runs` appends each as a run of
//! its own, which no replica does for more than one; `unit` appends a group as one run, as a commit does, uncompressed.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that can't go on says so and ends"
)]

use std::fs::File;
use std::hint::black_box;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use verso_identity::{DeviceId, DeviceKey, Key, purposes};
use verso_log::{FileStorage, LogOptions, RunMeta, SyncLog};
use verso_vv::{Author, EntryHash, Incarnation, Seq};
use zeroize::Zeroizing;

const RECORD_LEN: usize = 65;

/// How many intents `debian-packages` has.
const RECORDS: usize = 513_425;

fn key() -> Key<purposes::Log> {
    DeviceKey::from_secret(&Zeroizing::new([1; 32])).derive()
}

/// Appends runs of a chain whose hashes are their numbers: a real chain costs its own, which is not the journal's.
struct Chain {
    author: Author,
    next: u64,
}

impl Chain {
    fn new() -> Self {
        Self { author: Author { device: DeviceId::from_bytes([7; 32]), incarnation: Incarnation(1) }, next: 1 }
    }

    fn append(&mut self, log: &mut SyncLog<FileStorage>, entries: u64, record: &[u8]) {
        let hash = |seq: u64| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&seq.to_le_bytes());
            EntryHash(hash)
        };
        let (first, last) = (self.next, self.next + entries - 1);
        let meta = RunMeta {
            author: self.author,
            branch: None,
            first_seq: Seq(first),
            last_seq: Seq(last),
            prev_hash: hash(first - 1),
            head_hash: hash(last),
        };
        log.append(&meta, record).expect("the run is the next");
        self.next = last + 1;
    }
}

/// A place on the disk that holds the build, not in memory.
fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn create(at: &Path) -> SyncLog<FileStorage> {
    let storage = FileStorage::open(at).unwrap();
    SyncLog::create(storage, "log", &key(), [0; 16], LogOptions::default()).unwrap()
}

fn durable_append(c: &mut Criterion) {
    let mut bench = c.benchmark_group("durable append of 65-byte records");
    for group in [1, 100, 1_000] {
        bench.throughput(Throughput::Elements(group));
        let bytes = vec![0x5a; RECORD_LEN * usize::try_from(group).unwrap()];

        let place = directory();
        let (mut log, mut chain) = (create(place.path()), Chain::new());
        bench.bench_function(format!("runs/{group}"), |b| {
            b.iter(|| {
                for _ in 0..group {
                    chain.append(&mut log, 1, &bytes[..RECORD_LEN]);
                }
                log.sync().unwrap();
            });
        });

        let place = directory();
        let (mut log, mut chain) = (create(place.path()), Chain::new());
        bench.bench_function(format!("unit/{group}"), |b| {
            b.iter(|| {
                chain.append(&mut log, group, &bytes);
                log.sync().unwrap();
            });
        });

        // The floor: as many plain bytes into a file whose length does not change.
        let place = directory();
        let file = File::create(place.path().join("floor")).unwrap();
        file.set_len(64 << 20).unwrap();
        file.sync_all().unwrap();
        let mut offset = 0;
        bench.bench_function(format!("write and fdatasync/{group}"), |b| {
            b.iter(|| {
                file.write_all_at(&bytes, offset).unwrap();
                file.sync_data().unwrap();
                offset = (offset + u64::try_from(bytes.len()).unwrap()) % (60 << 20);
            });
        });
    }
    bench.finish();
}

fn open_and_replay(c: &mut Criterion) {
    let mut bench = c.benchmark_group("513,425 records");
    bench.sample_size(20).throughput(Throughput::Elements(u64::try_from(RECORDS).unwrap()));
    for entries in [1, 1_000, 4_096] {
        let place = directory();
        let (mut log, mut chain) = (create(place.path()), Chain::new());
        let bytes = vec![0x5a; RECORD_LEN * entries];
        let mut left = RECORDS;
        while left > 0 {
            let now = left.min(entries);
            chain.append(&mut log, u64::try_from(now).unwrap(), &bytes[..RECORD_LEN * now]);
            left -= now;
        }
        log.close().unwrap();
        let open = || {
            let storage = FileStorage::open(place.path()).unwrap();
            SyncLog::open(storage, "log", &key(), LogOptions::default()).unwrap().0
        };
        bench.bench_function(format!("open, {entries} a run"), |b| b.iter(open));
        bench.bench_function(format!("open and replay, {entries} a run"), |b| {
            b.iter(|| {
                let log = open();
                let total: usize = log.replay().map(|run| black_box(run.unwrap().1).len()).sum();
                assert_eq!(total, RECORDS * RECORD_LEN);
            });
        });
    }
    bench.finish();
}

criterion_group!(benches, durable_append, open_and_replay);
criterion_main!(benches);

//! Compaction: it joins, keeps every entry and every order, and can be interrupted anywhere.

use std::cell::Cell;
use std::convert::Infallible;

use verso_log::{
    AppendError, CompactError, Damage, Joined, Joiner, LogMode, LogOptions, MemoryStorage, OpenReport, ReadError,
    RunMeta, Storage, SyncLog,
};
use verso_vv::Seq;

use crate::support::{Concat, DIR, LABEL, append, author, check, create, key, open, sample, segment, small};

#[test]
fn runs_are_joined_and_everything_stays() {
    let (disk, held) = sample();
    let (mut log, _) = open(&disk);
    let id = log.runs(&author(1), Seq(1)).next().unwrap().id;
    let before = log.stats();
    let report = log.compact(&mut Concat::new(100)).unwrap();
    assert!(report.segments_before >= 3 && report.bytes_after < report.bytes_before, "{report:?}");
    assert_eq!(check(&log), held);
    let after = log.stats();
    assert!(after.bytes < before.bytes && after.runs < before.runs, "{before:?} {after:?}");
    assert_eq!((after.entries, after.loose_segments), (before.entries, 0));
    assert!(matches!(log.read(id).unwrap_err(), ReadError::Stale));
    assert_eq!(log.verify().unwrap().damage, []);
    assert_eq!(log.compact(&mut Concat::new(100)).unwrap().segments_before, 0, "nothing is left to do");
    let bytes: usize = disk.files().iter().map(|file| disk.read_file(file).unwrap().len()).sum();
    assert_eq!(after.bytes, u64::try_from(bytes).unwrap());

    append(&mut log, author(1), 1).unwrap();
    log.close().unwrap();
    let (log, report) = open(&disk.crash(1));
    assert_eq!(report, OpenReport::default());
    assert_eq!(check(&log)[&author(1)], held[&author(1)] + 1);
}

#[test]
fn many_small_segments_become_one() {
    let disk = MemoryStorage::new(2);
    create(&disk).close().unwrap();
    for _ in 0..60 {
        let (mut log, _) = SyncLog::open(disk.clone(), DIR, &key(1), LogOptions::default()).unwrap();
        append(&mut log, author(1), 1).unwrap();
        log.close().unwrap();
    }
    assert_eq!(disk.files().len(), 61);
    let (mut log, _) = SyncLog::open(disk.clone(), DIR, &key(1), LogOptions::default()).unwrap();
    let report = log.compact(&mut Concat::new(u64::MAX)).unwrap();
    assert_eq!((report.segments_before, report.segments_after), (61, 1));
    assert_eq!(disk.files(), [segment(61)]);
    assert_eq!(check(&log)[&author(1)], 60);
    assert_eq!(log.stats().runs, 1);
    drop(log);
    let (mut log, report) = open(&disk);
    assert_eq!(report, OpenReport::default(), "a header with 61 replaced ids is read again");
    append(&mut log, author(1), 1).unwrap();
    log.close().unwrap();
    assert_eq!(disk.files(), [segment(61), segment(62)]);
    assert_eq!(check(&open(&disk).0)[&author(1)], 61);
}

#[test]
fn compaction_again_and_again_keeps_the_chain_of_segments() {
    let disk = MemoryStorage::new(2);
    let mut log = create(&disk);
    for round in 1..25 {
        append(&mut log, author(1), 3).unwrap();
        append(&mut log, author(2), 1).unwrap();
        log.sync().unwrap();
        if round % 3 == 0 {
            log.compact(&mut Concat::new(round)).unwrap();
        }
        if round % 4 == 0 {
            drop(log);
            let (again, report) = open(&disk);
            assert_eq!((report.damage, report.torn), (vec![], None), "round {round}");
            log = again;
        }
        assert_eq!(check(&log)[&author(1)], round * 3);
    }
}

#[test]
fn little_is_rewritten_when_little_is_added() {
    let disk = MemoryStorage::new(2);
    let options = LogOptions { segment_bytes: 1 << 20 };
    let mut log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, options).unwrap();
    let mut written = 0;
    for _ in 0..200 {
        append(&mut log, author(1), 5).unwrap();
        written += log.compact(&mut Concat::new(u64::MAX)).unwrap().bytes_after;
    }
    let stats = log.stats();
    assert!(stats.segments <= 8, "{stats:?}");
    // Rewriting all each time would write a hundred times what is there.
    assert!(written < stats.bytes * 12, "{written} bytes written for {stats:?}");
}

fn compact_into_one(disk: &MemoryStorage) {
    let (mut log, _) = SyncLog::open(disk.clone(), DIR, &key(1), LogOptions::default()).unwrap();
    log.compact(&mut Concat::new(100)).unwrap();
    assert_eq!(disk.files(), [segment(3)]);
}

#[test]
fn what_a_crash_left_of_replaced_segments_is_removed() {
    let (disk, held) = sample();
    let old: Vec<_> = (1..=2).map(|number| disk.read_file(&segment(number)).unwrap()).collect();
    compact_into_one(&disk);
    for (number, bytes) in (1..).zip(&old) {
        disk.write_file(&segment(number), bytes);
    }
    let (log, report) = open(&disk);
    assert_eq!((report.leftovers, report.damage), (vec![1, 2], vec![]));
    assert_eq!(check(&log), held, "and counts once");
    assert_eq!(disk.files(), [segment(3)]);
}

#[test]
fn a_segment_in_a_replaced_place_that_was_not_replaced_is_told_of_and_left_alone() {
    let (disk, held) = sample();
    compact_into_one(&disk);
    let other = MemoryStorage::new(9);
    create(&other).close().unwrap();
    disk.write_file(&segment(1), &other.read_file(&segment(1)).unwrap());
    let (log, report) = open(&disk);
    assert_eq!(
        report.damage.iter().map(|corrupt| (corrupt.segment, corrupt.what)).collect::<Vec<_>>(),
        [(1, Damage::Stray)]
    );
    assert_eq!((check(&log), log.mode()), (held, LogMode::ReadWrite));
    assert_eq!(disk.files().len(), 2);
}

#[test]
fn a_compacted_segment_is_never_taken_for_torn() {
    let (disk, held) = sample();
    let (mut log, _) = open(&disk);
    log.compact(&mut Concat::new(2)).unwrap();
    log.close().unwrap();
    let whole = disk.read_file(&segment(3)).unwrap();
    // A segment that was synced before it got its name can't have been torn: every cut is damage, and nothing is cut off.
    for len in (1_024..whole.len()).step_by(5).chain([whole.len() - 1]) {
        disk.write_file(&segment(3), &whole[..len]);
        let (log, report) = open(&disk);
        assert_eq!((report.torn, report.damage.len()), (None, 1), "{len} bytes");
        // If only the trailer is cut, the index tells that all is there.
        let lossy = len < whole.len() - 24;
        assert_eq!(
            (report.loses_records(), log.mode() == LogMode::ReadOnly),
            (lossy, lossy),
            "{len} bytes: {report:?}"
        );
        assert_eq!(disk.read_file(&segment(3)).unwrap().len(), len);
    }
    // A flip in its index loses nothing.
    disk.write_file(&segment(3), &whole);
    for at in [whole.len() - 1, whole.len() - 24, whole.len() - 40] {
        let flipped = disk.snapshot(1);
        flipped.flip(&segment(3), at, 1);
        let (log, report) = open(&flipped);
        assert_eq!(report.damage.iter().map(|corrupt| corrupt.what).collect::<Vec<_>>(), [Damage::Index], "byte {at}");
        assert_eq!((check(&log), log.mode()), (held.clone(), LogMode::ReadWrite));
    }
}

#[test]
fn compaction_heals_what_was_damaged_without_loss() {
    let (disk, held) = sample();
    disk.flip(&segment(1), 3, 1);
    let len = disk.read_file(&segment(2)).unwrap().len();
    disk.flip(&segment(2), len - 3, 1);
    let (mut log, report) = open(&disk);
    let found: Vec<_> = report.damage.iter().map(|corrupt| corrupt.what).collect();
    assert_eq!(found, [Damage::HeaderCopy, Damage::Index]);
    assert_eq!(log.mode(), LogMode::ReadWrite);
    log.compact(&mut Concat::new(10)).unwrap();
    assert_eq!(log.verify().unwrap().damage, []);
    drop(log);
    let (log, report) = open(&disk);
    assert_eq!((report, check(&log)), (OpenReport::default(), held));
}

#[test]
fn a_damaged_record_stops_compaction_and_nothing_is_lost_by_it() {
    let (disk, _) = sample();
    disk.flip(&segment(2), 1_100, 1);
    let (mut log, _) = open(&disk);
    let before = disk.files();
    let error = log.compact(&mut Concat::new(10)).unwrap_err();
    assert!(matches!(error, CompactError::Read(ReadError::Corrupt(corrupt)) if corrupt.segment == 2), "{error}");
    assert_eq!(log.mode(), LogMode::ReadWrite);
    assert_eq!(disk.files(), before, "what was begun is removed");
}

/// A joiner that does something wrong with the third run it is given.
struct Broken(fn(RunMeta, Vec<u8>, &mut Joined) -> Result<(), AppendError>, u32);

impl Joiner for Broken {
    type Error = AppendError;

    fn push(&mut self, meta: RunMeta, record: Vec<u8>, out: &mut Joined) -> Result<(), Self::Error> {
        self.1 += 1;
        if self.1 == 3 {
            return (self.0)(meta, record, out);
        }
        out.push(meta, record);
        Ok(())
    }

    fn flush(&mut self, _out: &mut Joined) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[test]
fn a_joiner_that_loses_or_changes_entries_is_stopped() {
    type Wrong = fn(RunMeta, Vec<u8>, &mut Joined) -> Result<(), AppendError>;
    let wrongs: [Wrong; 6] = [
        |_, _, _| Ok(()),
        |meta, record, out| {
            out.push(meta, record.clone());
            out.push(meta, record);
            Ok(())
        },
        |meta, record, out| {
            out.push(RunMeta { last_seq: meta.last_seq.next(), ..meta }, record);
            Ok(())
        },
        |meta, record, out| {
            out.push(RunMeta { author: author(9), ..meta }, record);
            Ok(())
        },
        |meta, record, out| {
            out.push(RunMeta { head_hash: meta.prev_hash, ..meta }, record);
            Ok(())
        },
        |meta, _, out| {
            out.push(meta, vec![0; verso_log::MAX_RECORD_LEN + 1]);
            Ok(())
        },
    ];
    for (index, wrong) in wrongs.into_iter().enumerate() {
        let (disk, held) = sample();
        let (mut log, _) = open(&disk);
        let before = disk.files();
        let error = log.compact(&mut Broken(wrong, 0)).unwrap_err();
        assert!(matches!(error, CompactError::Mismatch { .. }), "{index}: {error}");
        assert_eq!((disk.files(), check(&log)), (before, held), "{index}");
        append(&mut log, author(1), 1).unwrap();
        log.sync().unwrap();
    }
    let (disk, _) = sample();
    let (mut log, _) = open(&disk);
    let error = log.compact(&mut Broken(|_, _, _| Err(AppendError::ReadOnly), 0)).unwrap_err();
    assert!(matches!(error, CompactError::Joiner(AppendError::ReadOnly)), "{error}");
}

#[test]
fn a_full_disk_stops_compaction_and_not_the_log() {
    let (disk, held) = sample();
    let (mut log, _) = open(&disk);
    let used: usize = disk.files().iter().map(|file| disk.read_file(file).unwrap().len()).sum();
    disk.set_capacity(u64::try_from(used).unwrap() + 200);
    let error: CompactError<Infallible> = log.compact(&mut Concat::new(10)).unwrap_err();
    assert!(matches!(&error, CompactError::Io(source) if source.kind() == std::io::ErrorKind::StorageFull), "{error}");
    assert_eq!((check(&log), log.mode()), (held, LogMode::ReadWrite));
    disk.set_capacity(u64::MAX);
    log.compact(&mut Concat::new(10)).unwrap();
}

#[test]
fn a_step_that_is_no_longer_wanted_stops_between_runs_and_leaves_the_log_as_it_was() {
    let (disk, held) = sample();
    let (mut log, _) = open(&disk);
    let files = disk.files();
    for runs in 0..3 {
        let step = log.begin_compaction().unwrap().unwrap();
        let asked = Cell::new(0);
        let wanted = || asked.replace(asked.get() + 1) < runs;
        let error = step.run_while(&mut Concat::new(100), wanted).unwrap_err();
        assert!(matches!(error, CompactError::Stopped), "{error}");
        assert_eq!((asked.get(), check(&log)), (runs + 1, held.clone()));
        assert_eq!(disk.files(), files, "nothing is left of it");
    }
    log.compact(&mut Concat::new(100)).unwrap();
    assert_eq!(check(&log), held);
}

#[test]
fn a_damaged_log_is_not_compacted() {
    let (disk, _) = sample();
    disk.remove(&segment(2)).unwrap();
    let (mut log, _) = open(&disk);
    let error = log.compact(&mut Concat::new(10)).unwrap_err();
    assert!(matches!(error, CompactError::Append(AppendError::ReadOnly)), "{error}");
}

#[test]
fn a_crash_at_every_operation_of_compaction_leaves_everything() {
    let (disk, held) = sample();
    let probe = disk.snapshot(0);
    let (mut log, _) = SyncLog::open(probe.clone(), DIR, &key(1), small()).unwrap();
    let opened = probe.operations();
    log.compact(&mut Concat::new(4)).unwrap();
    assert!(probe.operations() - opened > 20);
    for at in opened..probe.operations() {
        for seed in 0..8 {
            let disk = disk.snapshot(seed);
            disk.crash_after(at);
            let (mut log, _) = open(&disk);
            log.compact(&mut Concat::new(4)).unwrap_err();
            let (log, report) = open(&disk.crash(seed));
            assert_eq!(report.damage, [], "operation {at}, seed {seed}");
            assert_eq!(check(&log), held, "operation {at}, seed {seed}");
        }
    }
}

#[test]
fn a_crash_between_one_compaction_and_the_next_brings_nothing_back() {
    let disk = MemoryStorage::new(5);
    create(&disk).close().unwrap();
    for _ in 0..5 {
        let (mut log, _) = open(&disk);
        append(&mut log, author(1), 1).unwrap();
        log.close().unwrap();
    }
    // All but the oldest fit into one; what becomes of them fits together with it. What the first step removed must not be
    // found beside what the second made, which does not know of it.
    let bytes = u32::try_from(open(&disk).0.stats().bytes).unwrap();
    let options = LogOptions { segment_bytes: bytes - 500 };
    let compact = |disk: &MemoryStorage| -> Result<u64, Box<dyn std::error::Error>> {
        let (mut log, _) = SyncLog::open(disk.clone(), DIR, &key(1), options)?;
        Ok(log.compact(&mut Concat::new(4))?.segments_after)
    };
    let probe = disk.snapshot(0);
    assert_eq!((compact(&probe).unwrap(), probe.files()), (2, vec![segment(6)]), "two steps, and one segment");
    for at in 0..probe.operations() {
        let disk = disk.snapshot(at);
        disk.crash_after(at);
        drop(compact(&disk).unwrap_err());
        for seed in 0..12 {
            let (log, report) = open(&disk.crash(seed));
            assert_eq!(report.damage, [], "operation {at}, seed {seed}");
            assert_eq!(check(&log)[&author(1)], 5);
        }
    }
}

//! Taking records: order, durability, rotation, and reading what is there.

use verso_log::{
    AppendError, BranchPoint, FileStorage, LogMode, MAX_RECORD_LEN, MemoryStorage, OpenError, OpenReport, ReadError,
    RunMeta, SyncLog,
};
use verso_vv::{Seq, VersionVector};

use crate::support::{
    DIR, LABEL, append, author, check, create, hash, key, meta, open, record, sample, segment, small,
};

#[test]
fn what_was_synced_is_there_after_reopening() {
    let (disk, held) = sample();
    let (log, report) = open(&disk);
    assert_eq!(report, OpenReport::default());
    assert_eq!(log.label(), &LABEL);
    assert_eq!(log.mode(), LogMode::ReadWrite);
    assert_eq!(check(&log), held);
    assert_eq!(log.durable(), log.held());
}

#[test]
fn a_log_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<SyncLog<MemoryStorage>>();
    shared::<SyncLog<FileStorage>>();
}

#[test]
fn appended_runs_can_be_read_before_they_are_synced() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    append(&mut log, author(1), 3).unwrap();
    check(&log);
    assert_eq!(log.held().get(&author(1)), Seq(3));
    assert_eq!(log.durable(), &VersionVector::new());
    log.sync().unwrap();
    append(&mut log, author(1), 2).unwrap();
    check(&log);
    assert_eq!(log.durable().get(&author(1)), Seq(3));
    log.sync().unwrap();
    assert_eq!(log.durable(), log.held());
}

#[test]
fn a_log_that_was_dropped_keeps_what_was_synced_and_leaves_no_preallocated_room() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    for _ in 0..3 {
        append(&mut log, author(1), 1).unwrap();
        log.sync().unwrap();
    }
    drop(log);
    let preallocated = disk.read_file(&segment(1)).unwrap().len();
    assert!(preallocated > 64_000, "room was made ahead: {preallocated}");
    let (log, report) = open(&disk);
    assert_eq!(report, OpenReport::default(), "zeros at the end are no torn tail");
    assert_eq!(check(&log)[&author(1)], 3);
    assert!(disk.read_file(&segment(1)).unwrap().len() < 3_000, "and cut off again");
}

#[test]
fn after_reopening_a_new_segment_is_begun() {
    let (disk, _) = sample();
    let before: Vec<_> = (1..=3).map(|number| disk.read_file(&segment(number))).collect();
    let (mut log, _) = open(&disk);
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    log.close().unwrap();
    let after: Vec<_> = (1..=3).map(|number| disk.read_file(&segment(number))).collect();
    assert!(before == after, "a key that may have been used is not used again");
    assert!(disk.read_file(&segment(4)).is_some());
}

#[test]
fn opening_and_closing_writes_nothing() {
    let (disk, _) = sample();
    let before = disk.files();
    let (log, _) = open(&disk);
    log.close().unwrap();
    assert_eq!(disk.files(), before);
}

#[test]
fn only_the_next_run_of_an_author_is_taken() {
    let mut log = create(&MemoryStorage::new(1));
    let a = author(1);
    let gap = log.append(&meta(a, 2, 2), b"").unwrap_err();
    assert!(matches!(gap, AppendError::NotNext { expected: Seq(1), got: Seq(2), .. }), "{gap}");
    append(&mut log, a, 5).unwrap();
    for first in [1, 5, 7] {
        let error = log.append(&meta(a, first, 9), b"").unwrap_err();
        assert!(matches!(error, AppendError::NotNext { expected: Seq(6), .. }), "{error}");
    }
    let mut forked = meta(a, 6, 6);
    forked.prev_hash = hash(&a, 4);
    assert!(matches!(log.append(&forked, b"").unwrap_err(), AppendError::WrongHash { first_seq: Seq(6), .. }));
    let mut backwards = meta(a, 6, 6);
    backwards.last_seq = Seq(5);
    assert!(matches!(log.append(&backwards, b"").unwrap_err(), AppendError::Invalid { .. }));
    let too_long = log.append(&meta(a, 6, 6), &vec![0; MAX_RECORD_LEN + 1]).unwrap_err();
    assert!(matches!(too_long, AppendError::TooLong { .. }));
    assert_eq!(check(&log)[&a], 5, "a refusal changes nothing");
    append(&mut log, a, 1).unwrap();
    log.sync().unwrap();
}

#[test]
fn a_branch_begins_where_it_left_its_trunk() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    let (one, other) = (author(3), author(4));
    let branch = Some(BranchPoint { at: Seq(7), hash: hash(&one, 7) });
    let before = log.append(&RunMeta { branch, ..meta(one, 6, 9) }, b"").unwrap_err();
    assert!(matches!(before, AppendError::Invalid { .. }), "{before}");
    let first = RunMeta { branch, ..meta(one, 7, 9) };
    log.append(&first, b"branch").unwrap();
    let behind = log.append(&RunMeta { branch, ..meta(other, 8, 9) }, b"its other side").unwrap_err();
    assert!(matches!(behind, AppendError::NotNext { expected: Seq(7), got: Seq(8), .. }), "{behind}");
    let relabelled = log.append(&meta(one, 10, 10), b"").unwrap_err();
    assert!(matches!(relabelled, AppendError::Invalid { .. }), "an author has one branch: {relabelled}");
    log.append(&RunMeta { branch, ..meta(one, 10, 10) }, b"more").unwrap();
    log.close().unwrap();
    let (log, report) = open(&disk);
    assert_eq!(report, OpenReport::default());
    assert_eq!((log.held().get(&one), log.held().get(&other)), (Seq(10), Seq::ZERO));
    assert_eq!(log.runs(&one, Seq(8)).next().unwrap().meta, first);
    assert_eq!(log.replay().count(), 2);
}

#[test]
fn a_record_may_be_empty_or_as_long_as_allowed() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    let a = author(1);
    let longest: Vec<u8> = (0_u8..=250).cycle().take(MAX_RECORD_LEN).collect();
    let runs: [&[u8]; 3] = [b"", &longest, b""];
    for (seq, bytes) in (1..).zip(runs) {
        log.append(&meta(a, seq, seq), bytes).unwrap();
    }
    log.close().unwrap();
    let (log, _) = open(&disk);
    let found: Vec<_> = log.replay().map(|run| run.unwrap().1).collect();
    assert!(found == runs);
}

#[test]
fn runs_are_found_from_any_entry_on() {
    let (disk, held) = sample();
    let (log, _) = open(&disk);
    let a = author(1);
    for from in 0..=held[&a] {
        let runs: Vec<_> = log.runs(&a, Seq(from)).map(|run| run.meta).collect();
        assert!(runs[0].first_seq.0 <= from.max(1) && runs[0].last_seq.0 >= from);
        assert_eq!(runs.last().unwrap().last_seq.0, held[&a]);
    }
    assert_eq!(log.runs(&a, Seq(held[&a] + 1)).count(), 0);
    assert_eq!(log.runs(&author(9), Seq::FIRST).count(), 0);
}

#[test]
fn replay_after_a_vector_gives_what_lies_beyond_it() {
    let (disk, held) = sample();
    let (mut log, _) = open(&disk);
    let seen: VersionVector = [(author(1), Seq(held[&author(1)])), (author(2), Seq(4))].into_iter().collect();
    append(&mut log, author(1), 2).unwrap();
    let runs: Vec<_> = log.replay_after(&seen).map(|run| run.unwrap().0).collect();
    let of = |n| runs.iter().filter(|run| run.author == author(n)).map(|run| run.first_seq.0).collect::<Vec<_>>();
    assert_eq!(of(1), [held[&author(1)] + 1]);
    assert_eq!(of(2), (5..=held[&author(2)]).collect::<Vec<_>>());
    assert_eq!(log.replay_after(log.held()).count(), 0);
}

#[test]
fn stats_and_tail_tell_what_is_there() {
    let (disk, held) = sample();
    let (mut log, _) = open(&disk);
    let last = append(&mut log, author(2), 4).unwrap();
    log.sync().unwrap();
    let stats = log.stats();
    let bytes: usize = (1..=3).map(|number| disk.read_file(&segment(number)).unwrap().len()).sum();
    assert!(stats.bytes > u64::try_from(bytes).unwrap());
    assert_eq!((stats.segments, stats.loose_segments, stats.authors), (4, 4, 2));
    assert_eq!((stats.runs, stats.entries), (15, held.values().sum::<u64>() + 4));
    let tail = log.tail(3);
    assert_eq!(tail[2].meta, last);
    assert_eq!(tail[1].meta.author, author(2));
    assert_eq!(tail[0].meta.author, author(1));
    assert_eq!(log.read(tail[0].id).unwrap(), record(&tail[0].meta));
    assert_eq!(log.tail(1_000).len(), 15);
    let report = log.verify().unwrap();
    assert_eq!((report.segments, report.runs, report.entries), (4, 15, stats.entries));
    assert_eq!(report.damage, []);
}

#[test]
fn after_a_failed_write_the_log_takes_nothing_until_it_is_opened_again() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    append(&mut log, author(1), 1).unwrap();
    disk.fail_after(0);
    assert!(matches!(log.sync().unwrap_err(), AppendError::Io(_)));
    assert_eq!(log.mode(), LogMode::Poisoned);
    assert!(matches!(log.sync().unwrap_err(), AppendError::Poisoned));
    assert!(matches!(append(&mut log, author(1), 1).unwrap_err(), AppendError::Poisoned));
    assert_eq!(log.durable().get(&author(1)), Seq(1));
    assert_eq!(log.replay().count(), 2, "what is held can still be read");
    drop(log);
    let (mut log, _) = open(&disk);
    let held = log.held().get(&author(1)).0;
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    assert_eq!(check(&log)[&author(1)], held + 1);
}

#[test]
fn a_full_disk_is_an_error_that_says_so_and_loses_nothing() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    disk.set_capacity(200_000);
    let error = loop {
        if let Err(error) = append(&mut log, author(1), 3).and_then(|_| log.sync()) {
            break error;
        }
    };
    let AppendError::Io(source) = &error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    let durable = log.durable().get(&author(1)).0;
    drop(log);
    disk.set_capacity(u64::MAX);
    let (log, _) = open(&disk);
    assert!(check(&log)[&author(1)] >= durable);
}

#[test]
fn an_id_from_before_reopening_is_refused_or_good() {
    let (disk, _) = sample();
    let (log, _) = open(&disk);
    let run = log.runs(&author(1), Seq(1)).next().unwrap();
    let mut other = create(&MemoryStorage::new(99));
    append(&mut other, author(1), 1).unwrap();
    assert!(matches!(other.read(run.id).unwrap_err(), ReadError::Stale), "another log's");
    let (again, _) = open(&disk);
    assert_eq!(again.read(run.id).unwrap(), record(&run.meta));
}

#[test]
fn a_log_is_made_once_and_removed_whole() {
    let (disk, _) = sample();
    assert!(SyncLog::create(disk.clone(), DIR, &key(1), LABEL, small()).is_err());
    SyncLog::remove(&disk, DIR).unwrap();
    assert_eq!(disk.files(), [""; 0]);
    SyncLog::remove(&disk, DIR).unwrap();
    let error = SyncLog::open(disk.clone(), DIR, &key(1), small()).unwrap_err();
    assert!(matches!(error, OpenError::Io(_)), "{error}");
    create(&disk);
}

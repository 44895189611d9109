//! What a power cut leaves of a file: every prefix of its bytes, and any subset of the sectors of the last batch.

use proptest::prelude::*;
use verso_log::{LogMode, MemoryStorage, OpenError, RunMeta, SyncLog};

use crate::support::{
    DIR, LABEL, append, author, cases, check, create, entries, key, open, raw_records, runs, segment, small, surviving,
};

/// A log of one open segment: batches that were synced, and the image of the file before and after the last of them.
struct LastBatch {
    disk: MemoryStorage,
    /// The file before the last batch was written, and when it was.
    before: Vec<u8>,
    after: Vec<u8>,
    runs: Vec<RunMeta>,
    /// How many of the runs are of batches before the last.
    durable: usize,
}

fn last_batch(batches: &[&[u64]]) -> LastBatch {
    let disk = MemoryStorage::new(21);
    let options = verso_log::LogOptions::default();
    let mut log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, options).unwrap();
    let mut found =
        LastBatch { disk: disk.clone(), before: Vec::new(), after: Vec::new(), runs: Vec::new(), durable: 0 };
    for batch in batches {
        found.durable = found.runs.len();
        for (index, entries) in (0..).zip(*batch) {
            found.runs.push(append(&mut log, author(1 + index % 2), *entries).unwrap());
        }
        log.sync().unwrap();
        found.before = std::mem::replace(&mut found.after, disk.read_file(&segment(1)).unwrap());
    }
    let len = found.after.len().next_multiple_of(512);
    found.after.resize(len, 0);
    found.before.resize(len, 0);
    found
}

/// Checks that all synced runs are there, and of the last batch a part from its beginning.
fn check_prefix(disk: &MemoryStorage, image: &LastBatch, context: &str) {
    let (mut log, report) = open(disk);
    assert_eq!(report.damage, [], "{context}");
    assert_eq!(log.mode(), LogMode::ReadWrite, "{context}");
    check(&log);
    let left = runs(&log);
    assert!(left.len() >= image.durable, "{context}: what was synced is there");
    assert_eq!(left, image.runs[..left.len()], "{context}: a part from the beginning");
    // What was cut off does not come back.
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    drop(log);
    let (log, report) = open(&disk.crash(1));
    assert_eq!((report.torn, report.damage), (None, vec![]), "{context}");
    assert_eq!(runs(&log).len(), left.len() + 1, "{context}");
}

#[test]
fn every_prefix_of_the_bytes() {
    let image = last_batch(&[&[1], &[2, 1], &[1, 1, 1]]);
    let records = raw_records(&image.after);
    let end = records.last().unwrap().end;
    for len in 0..=end + 1 {
        let disk = image.disk.snapshot(0);
        disk.write_file(&segment(1), &image.after[..len]);
        let context = format!("{len} bytes");
        if len < 216 {
            // A segment gets its name when its header is durable: less is not what a power cut leaves.
            let error = SyncLog::open(disk.clone(), DIR, &key(1), small()).map(|_| ()).unwrap_err();
            assert!(matches!(error, OpenError::Unreadable), "{context}: {error}");
            assert_eq!(disk.read_file(&segment(1)).unwrap().len(), len, "{context}: nothing is changed");
            continue;
        }
        let (log, report) = open(&disk);
        let whole = records.iter().filter(|record| record.end <= len).count();
        assert_eq!(surviving(&log), entries(&image.runs[..whole]), "{context}");
        let clean =
            len >= end || records.iter().any(|record| record.offset == len || record.end == len) || len <= 1_024;
        assert_eq!(report.torn.is_none(), clean, "{context}: {report:?}");
        assert_eq!(log.mode(), LogMode::ReadWrite, "{context}");
    }
}

#[test]
fn every_prefix_of_a_segment_that_others_follow() {
    let disk = MemoryStorage::new(4);
    let mut log = create(&disk);
    while log.stats().segments < 2 {
        append(&mut log, author(1), 2).unwrap();
        log.sync().unwrap();
    }
    log.close().unwrap();
    let all = runs(&open(&disk).0);
    let bytes = disk.read_file(&segment(1)).unwrap();
    let records = raw_records(&bytes);
    let of_first = records.iter().filter(|record| record.kind == 1).count();
    for len in (512..bytes.len()).step_by(3).chain(records.iter().map(|record| record.end)) {
        let cut = disk.snapshot(0);
        cut.write_file(&segment(1), &bytes[..len]);
        let (log, report) = open(&cut);
        let whole = records.iter().filter(|record| record.kind == 1 && record.end <= len).count();
        let context = format!("{len} bytes: {report:?}");
        if len == bytes.len() || len == records[of_first].offset {
            assert_eq!(report, verso_log::OpenReport::default(), "{context}: closed, or never closed");
            continue;
        }
        assert_eq!((report.damage[0].segment, report.torn), (1, None), "{context}");
        assert_eq!(report.loses_records(), whole < of_first, "{context}");
        assert_eq!(log.mode() == LogMode::ReadOnly, whole < of_first, "{context}");
        let left = [&all[..whole], &all[of_first..]].concat();
        assert_eq!(surviving(&log), entries(&left), "{context}");
        assert_eq!(log.verify().unwrap().damage, report.damage, "{context}");
    }
}

#[test]
fn every_subset_of_the_sectors_of_the_last_batch() {
    let image = last_batch(&[&[1, 1], &[2], &[3, 2, 1, 4, 2]]);
    let sectors: Vec<usize> = (0..image.after.len())
        .step_by(512)
        .filter(|at| image.before[*at..*at + 512] != image.after[*at..*at + 512])
        .collect();
    assert!((4..=9).contains(&sectors.len()), "{} sectors", sectors.len());
    for subset in 0_u32..1 << sectors.len() {
        let mut bytes = image.before.clone();
        for (index, at) in sectors.iter().enumerate().filter(|(index, _)| subset >> index & 1 == 1) {
            let _ = index;
            bytes[*at..*at + 512].copy_from_slice(&image.after[*at..*at + 512]);
        }
        let disk = image.disk.snapshot(0);
        disk.write_file(&segment(1), &bytes);
        check_prefix(&disk, &image, &format!("sectors {subset:b}"));
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn sectors_lost_or_filled_with_anything(
        batches in prop::collection::vec(prop::collection::vec(1_u64..4, 1..6), 1..4),
        fates in prop::collection::vec(0_u8..4, 64),
        garbage in any::<u8>(),
        cut in prop::option::of(0_usize..4_096),
    ) {
        let mut all: Vec<&[u64]> = vec![&[1]];
        all.extend(batches.iter().map(Vec::as_slice));
        let mut image = last_batch(&all);
        let mut bytes = image.before.clone();
        let old_end = raw_records(&image.before).last().unwrap().end;
        for (index, at) in (0..image.after.len()).step_by(512).enumerate() {
            if image.before[at..at + 512] == image.after[at..at + 512] {
                continue;
            }
            match fates[index % fates.len()] {
                0 => {}
                // What a sector held before it was the file's, where nothing durable is in it.
                1 if at >= old_end => bytes[at..at + 512].fill(garbage),
                _ => bytes[at..at + 512].copy_from_slice(&image.after[at..at + 512]),
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(bytes.len().min(old_end.next_multiple_of(512) + cut));
        }
        image.disk = image.disk.snapshot(0);
        image.disk.write_file(&segment(1), &bytes);
        check_prefix(&image.disk, &image, "as told above");
    }
}

//! One flipped bit, at every byte of a small log: it is found and named, and costs nothing but the record it is in.

use verso_log::{Corrupt, Damage, LogMode, LogOptions, MemoryStorage, RunMeta, SyncLog, TornTail};

use crate::support::{DIR, LABEL, append, author, entries, key, open, raw_records, runs, segment, surviving};

/// Three segments of two or three runs in one or two batches each; the last is closed or not.
fn tiny(end: End) -> (MemoryStorage, Vec<Vec<RunMeta>>) {
    let disk = MemoryStorage::new(11);
    // Two batches fit into a segment whatever the lengths of their entries.
    let options = LogOptions { segment_bytes: 2_400 };
    let mut log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, options).unwrap();
    let mut all = Vec::new();
    let mut more = 2;
    while more > 0 {
        all.push(append(&mut log, author(1), 1).unwrap());
        all.push(append(&mut log, author(2), 1).unwrap());
        log.sync().unwrap();
        assert!(log.stats().segments <= 3);
        more -= u32::from(log.stats().segments == 3);
    }
    match end {
        End::Closed => log.close().unwrap(),
        End::Dropped => drop(log),
    }
    let mut rest = all.into_iter();
    let mut segments: Vec<Vec<RunMeta>> = Vec::new();
    for file in disk.files() {
        let records = raw_records(&disk.read_file(&file).unwrap());
        let count = records.iter().filter(|record| record.kind == 1).count();
        segments.push(rest.by_ref().take(count).collect());
    }
    assert_eq!((segments.len(), rest.next()), (3, None));
    (disk, segments)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Dropped,
}

/// What a flip at a byte must come to.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    HeaderCopy,
    Run(usize),
    Index { offset: u64 },
}

fn expected(bytes: &[u8], at: usize) -> Expected {
    let records = raw_records(bytes);
    match records.iter().position(|record| at >= record.offset && at < record.end) {
        None if at < 1_024 => Expected::HeaderCopy,
        Some(record) if records[record].kind == 1 => Expected::Run(record),
        _ => Expected::Index { offset: u64::try_from(records.last().unwrap().offset).unwrap() },
    }
}

fn flip_every_byte_of(number: u32) {
    let (disk, segments) = tiny(End::Closed);
    let bytes = disk.read_file(&segment(number)).unwrap();
    let index = usize::try_from(number).unwrap() - 1;
    let runs = segments.concat().len();
    // Of the zeros that fill up the header's copies a few are enough.
    let padding = |at: &usize| *at < 1_024 && at % 512 > 216 && !at.is_multiple_of(32);
    for at in (0..bytes.len()).filter(|at| !padding(at)) {
        let bits = 1 << (at % 8);
        let flipped = disk.snapshot(0);
        flipped.flip(&segment(number), at, bits);
        let (log, report) = open(&flipped);
        let verified = log.verify().unwrap();
        let damage = verified.damage;
        let context = format!("segment {number}, byte {at} of {}: {report:?} {damage:?}", bytes.len());
        let offset = u64::try_from(at).unwrap();
        let named = |offset, what| vec![Corrupt { segment: number, offset, what }];
        let mut left = segments.clone();
        match expected(&bytes, at) {
            Expected::HeaderCopy => {
                assert_eq!(damage, named(offset, Damage::HeaderCopy), "{context}");
                assert_eq!(report.damage, damage, "{context}");
            }
            Expected::Run(run) => {
                let offset = u64::try_from(raw_records(&bytes)[run].offset).unwrap();
                assert_eq!(damage, named(offset, Damage::Record), "{context}");
                left[index].remove(run);
            }
            Expected::Index { offset } if number == 3 => {
                // The end of the last segment may have been torn while it was closed; it is cut, and nothing was in it.
                let torn = report.torn.unwrap_or_else(|| panic!("{context}"));
                assert_eq!((torn.segment, torn.offset, &damage), (number, offset, &Vec::new()), "{context}");
            }
            Expected::Index { .. } => {
                assert_eq!(damage.len(), 1, "{context}");
                assert_eq!((damage[0].segment, damage[0].what), (number, Damage::Index), "{context}");
                assert_eq!(report.damage, damage, "{context}");
            }
        }
        assert_eq!(log.mode(), LogMode::ReadWrite, "{context}: a closed segment is believed by its index");
        // Without a flip in a run, `verify` has read them all; a replay would read them once more.
        let left = left.concat();
        assert_eq!(verified.runs, u64::try_from(left.len()).unwrap(), "{context}");
        if left.len() < runs {
            assert_eq!(surviving(&log), entries(&left), "{context}: only what was touched is lost");
        }
    }
}

#[test]
fn every_byte_of_the_first_segment() {
    flip_every_byte_of(1);
}

#[test]
fn every_byte_of_a_middle_segment() {
    flip_every_byte_of(2);
}

#[test]
fn every_byte_of_the_last_segment() {
    flip_every_byte_of(3);
}

#[test]
fn every_byte_of_a_last_segment_that_was_not_closed() {
    let (disk, segments) = tiny(End::Dropped);
    let bytes = disk.read_file(&segment(3)).unwrap();
    let records = raw_records(&bytes);
    let last_batch = records.last().unwrap().batch;
    assert!(records[0].batch < last_batch, "there are two batches");
    let end = records.last().unwrap().end;
    for at in 1_024..end + 40 {
        let flipped = disk.snapshot(0);
        flipped.flip(&segment(3), at, 1 << (at % 8));
        let (log, report) = open(&flipped);
        let damage = log.verify().unwrap().damage;
        let context = format!("byte {at}: {report:?} {damage:?}");
        let touched = records.iter().position(|record| at >= record.offset && at < record.end).unwrap_or(records.len());
        let offset = u64::try_from(records.get(touched).map_or(end, |record| record.offset)).unwrap();
        let mut left = segments.clone();
        if records.get(touched).is_some_and(|record| record.batch < last_batch) {
            // The batch behind it tells that it was durable once.
            assert_eq!(damage, [Corrupt { segment: 3, offset, what: Damage::Record }], "{context}");
            assert_eq!(report.damage, damage, "{context}");
            assert_eq!(log.mode(), LogMode::ReadOnly, "{context}");
            left[2].remove(touched);
        } else {
            // The last batch can't be told from one that was being written.
            let bytes = u64::try_from(bytes.len()).unwrap() - offset;
            assert_eq!(report.torn, Some(TornTail { segment: 3, offset, bytes }), "{context}");
            assert_eq!((damage, log.mode()), (vec![], LogMode::ReadWrite), "{context}");
            left[2].truncate(touched);
        }
        assert_eq!(surviving(&log), entries(&left.concat()), "{context}");
    }
}

#[test]
fn what_lies_behind_a_damaged_run_is_not_held_but_can_be_read() {
    let (disk, segments) = tiny(End::Dropped);
    let records = raw_records(&disk.read_file(&segment(3)).unwrap());
    disk.flip(&segment(3), records[0].offset + 40, 1);
    let (log, _) = open(&disk);
    let lost = segments[2][0];
    assert_eq!(log.held().get(&lost.author), lost.first_seq.previous(), "held is a prefix without a hole");
    let all = segments.concat();
    let other = all.iter().rfind(|run| run.author != lost.author).unwrap();
    assert_eq!(log.held().get(&other.author), other.last_seq, "the other author lost nothing");
    let behind = log.runs(&lost.author, lost.last_seq.next()).map(|run| run.meta);
    assert_eq!(
        behind.collect::<Vec<_>>(),
        all.iter()
            .copied()
            .filter(|run| run.author == lost.author && run.first_seq > lost.last_seq)
            .collect::<Vec<_>>()
    );
    let mut expected = all.clone();
    expected.retain(|run| *run != lost);
    assert_eq!(runs(&log), expected);
}

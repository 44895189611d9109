//! Damage as files suffer it: wrong keys, missing and foreign files, files put back. Each is told apart and named.

use proptest::prelude::*;
use verso_log::{AppendError, Corrupt, Damage, LogMode, MemoryStorage, OpenError, ReadError, Storage, SyncLog};

use crate::support::{
    Concat, DIR, LABEL, append, author, cases, create, entries, key, open, raw_records, runs, sample, segment, small,
    surviving,
};

fn refusal(disk: &MemoryStorage, with: u8) -> OpenError {
    SyncLog::open(disk.clone(), DIR, &key(with), small()).map(|_| ()).unwrap_err()
}

#[test]
fn a_wrong_key_is_not_taken_for_damage_nor_the_reverse() {
    let (disk, _) = sample();
    assert!(matches!(refusal(&disk, 2), OpenError::WrongKey));
    for number in 1..=3 {
        disk.flip(&segment(number), 100, 1);
    }
    assert!(matches!(refusal(&disk, 2), OpenError::WrongKey), "one copy of the header is enough");
    for number in 1..=3 {
        disk.flip(&segment(number), 600, 1);
    }
    assert!(matches!(refusal(&disk, 2), OpenError::Unreadable));
    assert!(matches!(refusal(&disk, 1), OpenError::Unreadable));
}

#[test]
fn a_log_from_the_future_is_refused_and_left_alone() {
    let (disk, _) = sample();
    let mut bytes = disk.read_file(&segment(3)).unwrap();
    let len = usize::from(u16::from_le_bytes([bytes[12], bytes[13]]));
    bytes[8] = 9;
    let check: [u8; 8] = blake3::hash(&bytes[..len - 8]).as_bytes()[..8].try_into().unwrap();
    bytes[len - 8..len].copy_from_slice(&check);
    disk.write_file(&segment(3), &bytes);
    assert!(matches!(refusal(&disk, 1), OpenError::NewerFormat { found: 9, supported: 1 }));
    assert_eq!(disk.read_file(&segment(3)).unwrap(), bytes);
}

#[test]
fn a_directory_without_a_segment_is_empty_and_one_without_a_log_is_not_there() {
    let disk = MemoryStorage::new(1);
    assert!(matches!(refusal(&disk, 1), OpenError::Io(error) if error.kind() == std::io::ErrorKind::NotFound));
    drop(create(&disk));
    let bytes = disk.read_file(&segment(1)).unwrap();
    SyncLog::remove(&disk, DIR).unwrap();
    Storage::create_dir(&disk, DIR).unwrap();
    disk.write_file(&format!("{}.new", segment(1)), &bytes);
    disk.write_file(&format!("{DIR}/notes.txt"), b"not ours");
    assert!(matches!(refusal(&disk, 1), OpenError::Empty));
}

#[test]
fn a_missing_segment_is_noticed_by_those_behind_it() {
    for missing in [1, 2] {
        let (disk, _) = sample();
        let all = runs(&open(&disk).0);
        let counts: Vec<usize> = (1..=3).map(|number| run_count(&disk, number)).collect();
        Storage::remove(&disk, &segment(missing)).unwrap();
        let (mut log, report) = open(&disk);
        assert_eq!(report.damage, [Corrupt { segment: missing, offset: 0, what: Damage::Missing { last: missing } }]);
        assert_eq!(log.mode(), LogMode::ReadOnly);
        assert!(matches!(append(&mut log, author(1), 1).unwrap_err(), AppendError::ReadOnly));
        let start: usize = counts[..usize::try_from(missing).unwrap() - 1].iter().sum();
        let end = start + counts[usize::try_from(missing).unwrap() - 1];
        assert_eq!(surviving(&log), entries(&[&all[..start], &all[end..]].concat()));
        assert_eq!(log.verify().unwrap().damage, report.damage);
    }
    let (disk, _) = sample();
    Storage::remove(&disk, &segment(1)).unwrap();
    Storage::remove(&disk, &segment(2)).unwrap();
    let (log, report) = open(&disk);
    assert_eq!(report.damage, [Corrupt { segment: 1, offset: 0, what: Damage::Missing { last: 2 } }]);
    assert!(log.held().is_empty(), "nothing is held without what comes before it");
}

fn run_count(disk: &MemoryStorage, number: u32) -> usize {
    raw_records(&disk.read_file(&segment(number)).unwrap()).iter().filter(|record| record.kind == 1).count()
}

#[test]
fn a_segment_without_a_readable_header_costs_only_itself() {
    let (disk, _) = sample();
    let all = runs(&open(&disk).0);
    disk.flip(&segment(2), 20, 1);
    disk.flip(&segment(2), 532, 1);
    let (log, report) = open(&disk);
    assert_eq!(report.damage, [Corrupt { segment: 2, offset: 0, what: Damage::Header }]);
    let (first, second) = (run_count(&disk, 1), run_count(&disk, 2));
    assert_eq!(surviving(&log), entries(&[&all[..first], &all[first + second..]].concat()));
}

#[test]
fn a_segment_of_another_log_or_under_another_name_is_foreign() {
    let (disk, _) = sample();
    let other = MemoryStorage::new(77);
    let mut log = SyncLog::create(other.clone(), DIR, &key(1), *b"another's label.", small()).unwrap();
    append(&mut log, author(7), 1).unwrap();
    log.close().unwrap();
    let own = disk.read_file(&segment(2)).unwrap();
    for bytes in [other.read_file(&segment(1)).unwrap(), disk.read_file(&segment(1)).unwrap()] {
        disk.write_file(&segment(2), &bytes);
        let (log, report) = open(&disk);
        assert_eq!(report.damage, [Corrupt { segment: 2, offset: 0, what: Damage::Foreign }]);
        assert_eq!(log.mode(), LogMode::ReadOnly);
        assert!(surviving(&log).keys().all(|found| *found != author(7)));
    }
    disk.write_file(&segment(2), &own);
    assert_eq!(open(&disk).1.damage, []);
    // Encrypted under another key, beside segments that open.
    let mut log = SyncLog::create(MemoryStorage::new(1), DIR, &key(2), LABEL, small()).unwrap();
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    let other = MemoryStorage::new(78);
    SyncLog::create(other.clone(), DIR, &key(2), LABEL, small()).unwrap().close().unwrap();
    disk.write_file(&segment(2), &other.read_file(&segment(1)).unwrap());
    assert_eq!(open(&disk).1.damage, [Corrupt { segment: 2, offset: 0, what: Damage::Foreign }]);
}

#[test]
fn a_segment_that_was_put_back_to_an_earlier_state_is_noticed() {
    let disk = MemoryStorage::new(3);
    let mut log = create(&disk);
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    let earlier = disk.read_file(&segment(1)).unwrap();
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    drop(log);
    let (mut log, _) = open(&disk);
    append(&mut log, author(1), 1).unwrap();
    log.close().unwrap();

    // The records of the earlier state all verify, and it ends where a record ends: only the next segment knows better.
    disk.write_file(&segment(1), &earlier);
    let (log, report) = open(&disk);
    let end = u64::try_from(raw_records(&earlier).last().unwrap().end).unwrap();
    assert_eq!(report.damage, [Corrupt { segment: 1, offset: end, what: Damage::Ending }]);
    assert_eq!(log.mode(), LogMode::ReadOnly);
    assert_eq!(log.held().get(&author(1)).0, 1);
}

#[test]
fn another_segment_of_the_same_log_and_number_is_noticed() {
    // Two machines went on from the same image, and files of both were mixed.
    let disk = MemoryStorage::new(3);
    let mut log = create(&disk);
    append(&mut log, author(1), 1).unwrap();
    log.close().unwrap();
    let clone = disk.snapshot(99);
    for (disk, count) in [(&disk, 2), (&clone, 3)] {
        for _ in 0..count {
            let (mut log, _) = open(disk);
            append(&mut log, author(1), 1).unwrap();
            log.close().unwrap();
        }
    }
    disk.write_file(&segment(3), &clone.read_file(&segment(3)).unwrap());
    let (log, report) = open(&disk);
    assert_eq!(report.damage.len(), 1, "{report:?}");
    assert_eq!((report.damage[0].segment, report.damage[0].what), (2, Damage::Ending));
    assert_eq!(log.mode(), LogMode::ReadOnly);
}

#[test]
fn a_damaged_log_is_not_changed_by_opening_it() {
    let (disk, _) = sample();
    let (mut log, _) = open(&disk);
    append(&mut log, author(1), 1).unwrap();
    log.sync().unwrap();
    drop(log);
    // A torn tail and a file that never got its name, and damage elsewhere.
    let mut bytes = disk.read_file(&segment(4)).unwrap();
    let end = raw_records(&bytes).last().unwrap().end;
    bytes.truncate(end);
    bytes.extend_from_slice(b"torn");
    disk.write_file(&segment(4), &bytes);
    disk.write_file(&format!("{}.new", segment(5)), b"unfinished");
    let middle = disk.read_file(&segment(2)).unwrap();
    let cut = raw_records(&middle)[1].offset + 3;
    disk.write_file(&segment(2), &middle[..cut]);
    let files = disk.files();
    let before: Vec<_> = files.iter().map(|file| disk.read_file(file)).collect();
    let (log, report) = open(&disk);
    assert_eq!(log.mode(), LogMode::ReadOnly);
    assert_eq!(report.torn.unwrap().segment, 4);
    assert_eq!(log.verify().unwrap().damage, report.damage, "the torn tail is none");
    log.close().unwrap();
    let after: Vec<_> = files.iter().map(|file| disk.read_file(file)).collect();
    assert!(disk.files() == files && before == after);
}

#[test]
fn damage_that_comes_while_the_log_is_open_is_named_when_it_is_met() {
    let (disk, _) = sample();
    let (log, _) = open(&disk);
    let run = log.runs(&author(1), verso_vv::Seq(1)).next().unwrap();
    let records = raw_records(&disk.read_file(&segment(1)).unwrap());
    disk.flip(&segment(1), records[0].end - 1, 4);
    let offset = u64::try_from(records[0].offset).unwrap();
    let expected = Corrupt { segment: 1, offset, what: Damage::Record };
    let Err(ReadError::Corrupt(found)) = log.read(run.id) else { panic!("read what is damaged") };
    assert_eq!(found, expected);
    let errors: Vec<_> = log.replay().filter_map(Result::err).collect();
    assert!(matches!(errors[..], [ReadError::Corrupt(found)] if found == expected));
    assert_eq!(log.verify().unwrap().damage, [expected]);
    assert_eq!(expected.to_string(), format!("segment 1, offset {offset}: records do not verify"));
    Storage::remove(&disk, &segment(2)).unwrap();
    let damage = log.verify().unwrap().damage;
    assert!(damage.contains(&Corrupt { segment: 2, offset: 0, what: Damage::Missing { last: 2 } }), "{damage:?}");
}

/// Each segment that is closed is read anew, whatever was known of it when the log was opened.
#[test]
fn a_segment_that_is_exchanged_or_spoilt_while_the_log_is_open_is_named() {
    let (disk, _) = sample();
    let (log, _) = open(&disk);
    assert_eq!(log.verify().unwrap().damage, []);
    let at = |segment, what| Corrupt { segment, offset: 0, what };
    let own = disk.read_file(&segment(1)).unwrap();
    // One of another log under the same key, and one of this log in another's place.
    let elsewhere = MemoryStorage::new(6);
    create(&elsewhere).close().unwrap();
    for foreign in [elsewhere.read_file(&segment(1)).unwrap(), disk.read_file(&segment(2)).unwrap()] {
        assert_ne!(foreign, own);
        disk.write_file(&segment(1), &foreign);
        assert_eq!(log.verify().unwrap().damage, [at(1, Damage::Foreign)]);
    }
    disk.write_file(&segment(1), &vec![0; own.len()]);
    assert_eq!(log.verify().unwrap().damage, [at(1, Damage::Header)]);
    disk.write_file(&segment(1), &own);
    assert_eq!(log.verify().unwrap().damage, []);
}

/// The segment that is written to is looked at record by record.
#[test]
fn damage_in_the_segment_that_is_written_to_is_named() {
    let disk = MemoryStorage::new(1);
    let mut log = create(&disk);
    for _ in 0..2 {
        append(&mut log, author(1), 1).unwrap();
        log.sync().unwrap();
    }
    let number = u32::try_from(log.verify().unwrap().segments).unwrap();
    let records = raw_records(&disk.read_file(&segment(number)).unwrap());
    disk.flip(&segment(number), records[0].end - 1, 4);
    let expected = Corrupt { segment: number, offset: u64::try_from(records[0].offset).unwrap(), what: Damage::Record };
    let report = log.verify().unwrap();
    assert_eq!((report.damage, report.runs), (vec![expected], 1));
}

#[test]
fn bytes_that_were_taken_out_or_put_in_cost_only_what_they_touch() {
    let (disk, _) = sample();
    let all = runs(&open(&disk).0);
    let bytes = disk.read_file(&segment(1)).unwrap();
    let record = raw_records(&bytes)[1];
    let without_a_record = [&bytes[..record.offset], &bytes[record.end..]].concat();
    let with_a_copy = [&bytes[..record.end], &bytes[record.offset..]].concat();
    let with_more = [&bytes[..record.offset], &[0; 100], &bytes[record.offset..]].concat();
    for (changed, lost) in [(without_a_record, true), (with_a_copy, false), (with_more, false)] {
        disk.write_file(&segment(1), &changed);
        let (log, report) = open(&disk);
        assert_eq!(report.damage[0].segment, 1);
        assert_eq!(report.loses_records(), lost, "{report:?}");
        let mut left = all.clone();
        if lost {
            left.remove(1);
        }
        assert_eq!(surviving(&log), entries(&left), "{report:?}");
    }
}

#[test]
fn a_file_of_absurd_length_does_not_fill_the_memory() {
    let (disk, _) = sample();
    let mut bytes = disk.read_file(&segment(3)).unwrap();
    let end = raw_records(&bytes).last().unwrap().offset;
    bytes.truncate(end);
    bytes.resize((128 << 20) + 5, 0);
    disk.write_file(&segment(3), &bytes);
    let (log, report) = open(&disk);
    assert_eq!(report.torn.unwrap().segment, 3);
    assert_eq!(disk.read_file(&segment(3)).unwrap().len(), end);
    assert_eq!(log.mode(), LogMode::ReadWrite);
}

/// Something done to the bytes of a segment.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Flip {
        at: usize,
        bits: u8,
    },
    Zero {
        at: usize,
        len: usize,
    },
    Cut {
        at: usize,
    },
    TakeOut {
        at: usize,
        len: usize,
    },
    PutIn {
        at: usize,
        len: usize,
        byte: u8,
    },
    /// A piece of another segment.
    Swap {
        at: usize,
        len: usize,
    },
}

fn harm() -> impl Strategy<Value = (u32, Harm)> {
    let (at, len) = (0_usize..4_096, 1_usize..700);
    let harm = prop_oneof![
        4 => (at.clone(), 1_u8..=255).prop_map(|(at, bits)| Harm::Flip { at, bits }),
        2 => (at.clone(), len.clone()).prop_map(|(at, len)| Harm::Zero { at, len }),
        1 => at.clone().prop_map(|at| Harm::Cut { at }),
        1 => (at.clone(), len.clone()).prop_map(|(at, len)| Harm::TakeOut { at, len }),
        1 => (at.clone(), len.clone(), any::<u8>()).prop_map(|(at, len, byte)| Harm::PutIn { at, len, byte }),
        1 => (at, len).prop_map(|(at, len)| Harm::Swap { at, len }),
    ];
    (1_u32..5, harm)
}

fn apply(harm: Harm, bytes: &mut Vec<u8>, other: &[u8]) {
    let len_before = bytes.len();
    let range = |at: usize, len: usize| at.min(len_before)..(at + len).min(len_before);
    match harm {
        Harm::Flip { at, bits } => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bits),
        Harm::Zero { at, len } => bytes[range(at, len)].fill(0),
        Harm::Cut { at } => bytes.truncate(at),
        Harm::TakeOut { at, len } => drop(bytes.drain(range(at, len))),
        Harm::PutIn { at, len, byte } => drop(bytes.splice(range(at, 0), vec![byte; len])),
        Harm::Swap { at, len } => {
            let piece = other.get(range(at, len)).unwrap_or_default().to_vec();
            bytes[range(at, len)][..piece.len()].copy_from_slice(&piece);
        }
    }
}

proptest! {
    #![proptest_config(cases(192))]

    /// Whatever is done to the files, what is read is what was written, and a log that lost something is not written to.
    #[test]
    fn any_harm_to_any_segment(harms in prop::collection::vec(harm(), 1..5), closed in any::<bool>(), compacted in any::<bool>()) {
        let (disk, _) = sample();
        let (mut log, _) = open(&disk);
        if compacted {
            log.compact(&mut Concat::new(3)).unwrap();
        }
        for _ in 0..3 {
            append(&mut log, author(1), 1).unwrap();
            append(&mut log, author(2), 1).unwrap();
            log.sync().unwrap();
        }
        let all = entries(&runs(&log));
        if closed {
            log.close().unwrap();
        } else {
            drop(log);
        }
        for (number, harm) in &harms {
            let mut bytes = disk.read_file(&segment(*number)).unwrap();
            let other = disk.read_file(&segment(1 + *number % 4)).unwrap();
            apply(*harm, &mut bytes, &other);
            disk.write_file(&segment(*number), &bytes);
        }
        let files = disk.files();
        let before: Vec<_> = files.iter().map(|file| disk.read_file(file)).collect();
        let opened = SyncLog::open(disk.clone(), DIR, &key(1), small());
        let Ok((log, report)) = opened else {
            prop_assert!(matches!(opened, Err(OpenError::Unreadable)), "{:?}", opened.err());
            return Ok(());
        };
        let left = surviving(&log);
        for (author, seqs) in &left {
            prop_assert!(seqs.iter().all(|seq| all[author].contains(seq)), "{} has what was never there", author);
            prop_assert!(seqs.is_sorted_by(|a, b| a < b), "in order, and once");
        }
        let verified = log.verify().unwrap().damage;
        prop_assert!(report.damage.iter().all(|found| verified.contains(found)), "{:?} {:?}", report.damage, verified);
        for (author, seq, _) in log.heads() {
            let run = log.runs(&author, seq).next().unwrap();
            prop_assert_eq!(run.meta.last_seq, seq);
        }
        if log.mode() == LogMode::ReadOnly {
            prop_assert!(report.loses_records());
            let after: Vec<_> = files.iter().map(|file| disk.read_file(file)).collect();
            prop_assert!(before == after, "nothing was changed");
        } else if left != all && report.torn.is_none() && verified.is_empty() {
            // What is gone without a trace can only be the end of a segment that was not closed and that none follows.
            prop_assert!(!closed && harms.iter().any(|(number, _)| *number == 4), "{:?}", report);
            for (author, seqs) in &all {
                let left = left.get(author).map(Vec::as_slice).unwrap_or_default();
                prop_assert!(seqs.starts_with(left), "{} lost something before its end", author);
            }
        }
    }

    #[test]
    fn any_bytes_as_a_segment(bytes in prop::collection::vec(any::<u8>(), 0..3_000), beside_others in any::<bool>()) {
        let (disk, _) = sample();
        let number = if beside_others { 2 } else { 1 };
        if !beside_others {
            SyncLog::remove(&disk, DIR).unwrap();
            Storage::create_dir(&disk, DIR).unwrap();
        }
        disk.write_file(&segment(number), &bytes);
        match SyncLog::open(disk.clone(), DIR, &key(1), small()) {
            Ok((_, report)) => prop_assert_eq!(report.damage, [Corrupt { segment: 2, offset: 0, what: Damage::Header }]),
            Err(error) => prop_assert!(!beside_others && matches!(error, OpenError::Unreadable)),
        }
    }
}

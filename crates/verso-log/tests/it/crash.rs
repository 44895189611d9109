//! A crash, or a failure, at every single operation: what was acknowledged is there after it, and nothing else than was appended.

use std::collections::BTreeMap;

use verso_log::{CompactError, LogMode, MemoryStorage, OpenError, SyncLog};
use verso_vv::Author;

use crate::support::{Concat, DIR, LABEL, append, author, check, key, open, small};

/// What the workload was told.
#[derive(Debug, Default, Clone)]
struct Ledger {
    appended: BTreeMap<Author, u64>,
    acknowledged: BTreeMap<Author, u64>,
}

/// Everything that a log does, from making it to compaction, with small segments. Ends at the first error.
fn workload(disk: &MemoryStorage, ledger: &mut Ledger) -> Result<(), Box<dyn std::error::Error>> {
    let mut log = match SyncLog::open(disk.clone(), DIR, &key(1), small()) {
        Ok((log, report)) => {
            assert_eq!(report.damage, [], "a crash is never taken for damage");
            log
        }
        Err(OpenError::Empty) => {
            SyncLog::remove(disk, DIR)?;
            SyncLog::create(disk.clone(), DIR, &key(1), LABEL, small())?
        }
        Err(OpenError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            SyncLog::create(disk.clone(), DIR, &key(1), LABEL, small())?
        }
        Err(error) => return Err(error.into()),
    };
    for round in 0..7 {
        for (of, entries) in [(author(1), 1 + round % 2), (author(2), 2), (author(1), 1)] {
            let meta = append(&mut log, of, entries);
            // A run whose append failed may still be found: it was handed over.
            let last = log.held().get(&of).0 + if meta.is_err() { entries } else { 0 };
            ledger.appended.insert(of, last);
            meta?;
        }
        log.sync()?;
        ledger.acknowledged = log.durable().iter().map(|(author, seq)| (author, seq.0)).collect();
        assert_eq!(ledger.acknowledged, ledger.appended);
        if round == 4 {
            compact(&mut log)?;
        }
    }
    compact(&mut log)?;
    append(&mut log, author(1), 1).inspect_err(|_| *ledger.appended.get_mut(&author(1)).unwrap() += 1)?;
    *ledger.appended.get_mut(&author(1)).unwrap() = log.held().get(&author(1)).0;
    log.close()?;
    ledger.acknowledged.clone_from(&ledger.appended);
    Ok(())
}

fn compact(log: &mut SyncLog<MemoryStorage>) -> Result<(), CompactError<std::convert::Infallible>> {
    log.compact(&mut Concat::new(5)).map(|_| ())
}

/// Opens what is left and checks it against what the workload was told; returns what is held.
fn check_survivors(disk: &MemoryStorage, ledger: &Ledger, context: &str) -> BTreeMap<Author, u64> {
    let log = match SyncLog::open(disk.clone(), DIR, &key(1), small()) {
        Ok((log, report)) => {
            assert_eq!(report.damage, [], "{context}: a crash is never taken for damage");
            assert_eq!(log.mode(), LogMode::ReadWrite, "{context}");
            log
        }
        Err(OpenError::Empty | OpenError::Io(_)) => {
            assert!(ledger.acknowledged.is_empty(), "{context}: the log is gone");
            return BTreeMap::new();
        }
        Err(error) => panic!("{context}: {error}"),
    };
    let held = check(&log);
    for (author, seq) in &ledger.acknowledged {
        assert!(
            held.get(author) >= Some(seq),
            "{context}: {author} lost what was acknowledged: {held:?} of {ledger:?}"
        );
    }
    for (author, seq) in &held {
        assert!(ledger.appended.get(author) >= Some(seq), "{context}: {author} has what was never appended");
    }
    held
}

/// Which operations the workload does, all in all.
fn operations() -> u64 {
    let disk = MemoryStorage::new(3);
    let mut ledger = Ledger::default();
    workload(&disk, &mut ledger).unwrap();
    let operations = disk.operations();
    assert_eq!(check_survivors(&disk.crash(0), &ledger, "power cut at rest"), ledger.appended);
    operations
}

#[test]
fn a_power_cut_at_every_operation() {
    let operations = operations();
    assert!(operations > 100, "the workload does enough: {operations}");
    for at in 0..operations {
        let disk = MemoryStorage::new(at);
        disk.crash_after(at);
        let mut ledger = Ledger::default();
        workload(&disk, &mut ledger).unwrap_err();
        for seed in 0..4 {
            let after = disk.crash(at * 1_000 + seed);
            let context = format!("operation {at}, seed {seed}");
            let held = check_survivors(&after, &ledger, &context);
            if seed > 0 {
                continue;
            }
            // And it goes on from there.
            let mut later = Ledger { appended: held.clone(), acknowledged: held };
            workload(&after, &mut later).unwrap();
            check_survivors(&after.crash(seed), &later, &format!("{context}, and again"));
        }
    }
}

#[test]
fn a_failure_of_every_operation() {
    for at in 0..operations() {
        let disk = MemoryStorage::new(at);
        disk.fail_after(at);
        let mut ledger = Ledger::default();
        workload(&disk, &mut ledger).unwrap_err();
        let context = format!("operation {at} failed");
        check_survivors(&disk.crash(at), &ledger, &format!("{context}, then the power"));
        go_on(&disk, &ledger, &context);
    }
}

#[test]
fn a_process_that_is_killed_at_every_operation() {
    for at in 0..operations() {
        let disk = MemoryStorage::new(at);
        disk.crash_after(at);
        let mut ledger = Ledger::default();
        workload(&disk, &mut ledger).unwrap_err();
        // The power stays on, so all that was written can be read, synced or not.
        disk.clear_faults();
        go_on(&disk, &ledger, &format!("killed at operation {at}"));
    }
}

/// Opens the log again while the power is on. What it then holds it may acknowledge, so it must survive.
fn go_on(disk: &MemoryStorage, ledger: &Ledger, context: &str) {
    let held = check_survivors(disk, ledger, context);
    let mut later = Ledger { appended: held.clone(), acknowledged: held };
    for seed in 0..3 {
        check_survivors(&disk.crash(seed), &later, &format!("{context}, opened, then the power, seed {seed}"));
    }
    workload(disk, &mut later).unwrap();
    let after = disk.crash(9);
    check_survivors(&after, &later, &format!("{context}, and on, then the power"));
    let (log, _) = open(&after);
    assert_eq!(log.verify().unwrap().damage, [], "{context}");
}

#[test]
fn a_second_power_cut_during_every_operation_of_recovery() {
    let disk = MemoryStorage::new(8);
    let mut ledger = Ledger::default();
    disk.crash_after(operations() * 2 / 3);
    workload(&disk, &mut ledger).unwrap_err();
    for seed in 0..5 {
        let after = disk.crash(seed);
        let probe = after.snapshot(0);
        check_survivors(&probe, &ledger, "recovery whole");
        for at in 0..probe.operations() {
            let again = after.snapshot(at);
            again.crash_after(at);
            drop(SyncLog::open(again.clone(), DIR, &key(1), small()));
            check_survivors(&again.crash(seed), &ledger, &format!("seed {seed}, recovery cut at {at}"));
        }
    }
}

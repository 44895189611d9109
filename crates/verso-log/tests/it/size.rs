//! What an open log takes of the memory: an index of its runs, and never the entries.

use std::process::Command;

use verso_log::{FileStorage, LogOptions, RunMeta, SyncLog};
use verso_vv::Seq;

use crate::support::{DIR, LABEL, author, hash, key};

const ENTRIES: u64 = 1_000_000;
const ENTRY_LEN: u64 = 65;
/// As a device that records now and then has them: not the largest there are.
const RUN: u64 = 50;
/// Names the log for a process that does nothing but open it.
const DIRECTORY: &str = "VERSO_TEST_LARGE_LOG";
/// Most that opening may take: 16 MiB, two segments. The entries alone are 62 MiB, and the index of 20,000 runs 2 to 3.
const MOST: u64 = 16 << 20;

/// Writes a million entries, then has another process open and read them, since this one's memory has seen them.
#[test]
fn a_million_entries_are_opened_with_an_index_and_not_with_the_entries() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(dir.path()).unwrap();
    let mut log = SyncLog::create(storage, DIR, &key(1), LABEL, LogOptions::default()).unwrap();
    let record = vec![0x5a; usize::try_from(RUN * ENTRY_LEN).unwrap()];
    let author = author(1);
    for first in (1..=ENTRIES).step_by(usize::try_from(RUN).unwrap()) {
        let last = first + RUN - 1;
        let meta = RunMeta {
            author,
            branch: None,
            first_seq: Seq(first),
            last_seq: Seq(last),
            prev_hash: hash(&author, first - 1),
            head_hash: hash(&author, last),
        };
        log.append(&meta, &record).unwrap();
    }
    log.close().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "size::open_it_for_another_test", "--ignored", "--nocapture"])
        .env(DIRECTORY, dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{told}{}", String::from_utf8_lossy(&child.stderr));
    let taken: u64 =
        told.split("taken: ").nth(1).and_then(|text| text.split_whitespace().next()).unwrap().parse().unwrap();
    assert!(taken <= MOST, "opening and reading {ENTRIES} entries took {taken} bytes");
}

#[test]
#[ignore = "run as another process by the test above"]
#[expect(clippy::print_stdout, reason = "the line tells the parent what it took")]
fn open_it_for_another_test() {
    let storage = FileStorage::open(std::env::var_os(DIRECTORY).unwrap().as_ref()).unwrap();
    let before = memory("VmRSS");
    let (log, report) = SyncLog::open(storage, DIR, &key(1), LogOptions::default()).unwrap();
    assert!(report.damage.is_empty() && report.torn.is_none(), "{report:?}");
    let bytes: u64 = log.replay().map(|run| u64::try_from(run.unwrap().1.len()).unwrap()).sum();
    assert_eq!(bytes, ENTRIES * ENTRY_LEN);
    println!("taken: {} bytes", memory("VmHWM").saturating_sub(before));
}

/// A figure of this process from the system, in bytes.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kibibytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024
}

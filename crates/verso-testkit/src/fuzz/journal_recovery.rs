//! Recovery from arbitrary bytes: files as a log left them, then changed in any way, or made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use verso_log::{LogMode, LogOptions, MemoryStorage, OpenError, ReadError, RunMeta, Storage as _, SyncLog};
use verso_vv::Author;

use crate::fuzz::Bytes;
use crate::journal::{
    Concat, DIR, LABEL, RECORDS_START, RawRecord, append, author, key, meta, raw_records, record, segment,
};

/// How many changes of an input are made.
const MAX_CHANGES: usize = 32;

/// The longest file that an input can make: longer ones add time and nothing to find.
const MAX_FILE_LEN: usize = 64 << 10;

const OPTIONS: LogOptions = LogOptions { segment_bytes: 2_000 };

type Files = BTreeMap<String, Vec<u8>>;
type Entries = BTreeSet<(Author, u64)>;

/// Takes the files of one of four logs, changes them as `input` says, and opens what they are then.
///
/// # Panics
/// If opening, reading or verifying panics or finds something that nobody appended; if a record is lost that was not touched; if
/// records are lost and nothing tells of it; or if a log that opens for writing can't be written to and opened again.
pub fn journal_recovery(input: &[u8]) {
    let mut input = Bytes::new(input);
    let base = &BASES[input.below(BASES.len())];
    let mut changed = Changed { files: base.files.clone(), rebuilt: BTreeSet::new() };
    for _ in 0..MAX_CHANGES {
        if input.is_empty() {
            break;
        }
        changed.change(&mut input);
    }

    let disk = MemoryStorage::new(1);
    install(&disk, &changed.files);
    let untouched = base.untouched(&changed);
    let (log, report) = match SyncLog::open(disk.clone(), DIR, &key(1), OPTIONS) {
        Ok(opened) => opened,
        Err(OpenError::Io(error)) => panic!("the disk works: {error}"),
        Err(error) => {
            assert_eq!(untouched, Entries::new(), "records lie behind a whole header: {error}");
            return;
        }
    };
    let found = read_all(&log);
    let damage = log.verify().expect("the disk works").damage;
    let lost: Vec<_> = untouched.difference(&found).collect();
    assert!(lost.is_empty(), "{lost:?} were not touched; {report:?}");
    if changed.files == base.files {
        assert_eq!(damage, [], "nothing is wrong with it");
    }
    let told = !damage.is_empty() || base.inner(&changed.files).is_subset(&found);
    assert!(told, "what is lost before the end is told; {report:?}");
    if log.mode() == LogMode::ReadWrite {
        write_on(log, &disk, found);
    }
}

/// The files of a log.
struct Base {
    files: Files,
    /// What lies where in the files that make the log.
    records: BTreeMap<String, Vec<(RawRecord, Entries)>>,
}

static BASES: LazyLock<[Base; 4]> = LazyLock::new(|| [0, 1, 2, 3].map(Base::new));

impl Base {
    /// A log that was closed, one that was left open, one that was compacted, and that with what it replaced still there.
    fn new(which: u8) -> Self {
        let disk = MemoryStorage::new(5);
        let mut log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, OPTIONS).expect("the disk works");
        for round in 0..5 {
            append(&mut log, author(1), 1 + round % 3).expect("the disk works");
            append(&mut log, author(2), 1).expect("the disk works");
            log.sync().expect("the disk works");
        }
        let before = read_files(&disk);
        match which {
            0 => log.close().expect("the disk works"),
            1 => drop(log),
            _ => {
                log.compact(&mut Concat::new(4)).expect("the disk works");
                append(&mut log, author(2), 1).expect("the disk works");
                log.close().expect("the disk works");
            }
        }
        let mut files = read_files(&disk);
        let records = records(&disk, &files);
        if which == 3 {
            for (path, bytes) in before {
                files.entry(path).or_insert(bytes);
            }
        }
        Self { files, records }
    }

    /// The entries of records that lie where they lay, in a segment of which a header is whole.
    ///
    /// Of the last file, whatever verifies of the last batch may be given up: a power cut may have torn it.
    fn untouched(&self, changed: &Changed) -> Entries {
        let last = changed.files.keys().next_back();
        let mut untouched = Entries::new();
        for (path, records) in &self.records {
            let Some(now) = changed.files.get(path).filter(|_| !changed.rebuilt.contains(path)) else { continue };
            let before = &self.files[path];
            let (middle, is_there) = (RECORDS_START / 2, |from, to| now.get(from..to) == Some(&before[from..to]));
            if !is_there(0, middle) && !is_there(middle, RECORDS_START) {
                continue;
            }
            let there: Vec<_> = records.iter().filter(|(record, _)| is_there(record.offset, record.end)).collect();
            let torn = there.iter().map(|(record, _)| record.batch).max().filter(|_| last == Some(path));
            let kept = there.into_iter().filter(|(record, _)| Some(record.batch) != torn);
            untouched.extend(kept.flat_map(|(_, entries)| entries.iter().copied()));
        }
        untouched
    }

    /// The entries of all segments but the last, if that one is there as it was: it tells what those before it held.
    fn inner(&self, files: &Files) -> Entries {
        let mut before = self.records.iter();
        let last = before.next_back().map(|(path, _)| path).expect("a log has a segment");
        if files.get(last) != self.files.get(last) {
            return Entries::new();
        }
        before.flat_map(|(_, records)| records).flat_map(|(_, entries)| entries.iter().copied()).collect()
    }
}

/// Finds where the entries of a whole log lie.
fn records(disk: &MemoryStorage, files: &Files) -> BTreeMap<String, Vec<(RawRecord, Entries)>> {
    let disk = disk.snapshot(1);
    let (log, _) = SyncLog::open(disk, DIR, &key(1), OPTIONS).expect("it is whole");
    let mut runs = log.replay().map(|run| run.expect("it is whole").0);
    let mut records = BTreeMap::new();
    for (path, bytes) in files {
        let mut placed = Vec::new();
        for record in raw_records(bytes) {
            let run = if record.kind == 1 { runs.next() } else { None };
            placed.push((record, run.iter().flat_map(entries_of).collect()));
        }
        records.insert(path.clone(), placed);
    }
    assert_eq!(runs.next(), None, "all were found in the files");
    records
}

fn entries_of(run: &RunMeta) -> impl Iterator<Item = (Author, u64)> + use<> {
    let author = run.author;
    (run.first_seq.0..=run.last_seq.0).map(move |seq| (author, seq))
}

fn read_files(disk: &MemoryStorage) -> Files {
    let bytes = |path: &String| disk.read_file(path).expect("it was listed");
    disk.files().into_iter().map(|path| (path.clone(), bytes(&path))).collect()
}

fn install(disk: &MemoryStorage, files: &Files) {
    disk.create_dir(DIR).expect("the disk is empty");
    for (path, bytes) in files {
        disk.write_file(path, bytes);
    }
}

/// Files that were changed.
struct Changed {
    files: Files,
    /// Those of which it is no longer known what lies where.
    rebuilt: BTreeSet<String>,
}

impl Changed {
    /// Makes one change.
    fn change(&mut self, input: &mut Bytes<'_>) {
        let kind = input.byte() % 10;
        let path = segment(u32::from(input.byte() % 8));
        let at = usize::from(input.word());
        match kind {
            // In place: flipped, overwritten, cut, zeros behind the end.
            0 | 1 => {
                let bits = input.byte();
                self.files
                    .entry(path)
                    .and_modify(|bytes| bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits));
            }
            2 | 3 => {
                let len = usize::from(input.byte());
                let new = input.take(len);
                self.files.entry(path).and_modify(|bytes| {
                    bytes.iter_mut().skip(at).zip(new).for_each(|(byte, new)| *byte = *new);
                });
            }
            4 => drop(self.files.entry(path).and_modify(|bytes| bytes.truncate(at))),
            5 => drop(self.files.entry(path).and_modify(|bytes| bytes.resize(bytes.len() + at % MAX_FILE_LEN, 0))),
            // Anything.
            6 => drop(self.files.remove(&path)),
            7 => self.rebuild(path, |_| input.rest().iter().copied().take(MAX_FILE_LEN).collect()),
            8 => {
                let len = usize::from(input.word());
                self.rebuild(path, |bytes| bytes.iter().take(at).chain(bytes.iter().skip(at + len)).copied().collect());
            }
            _ => {
                let other = self.files.get(&segment(u32::from(input.byte() % 8))).cloned().unwrap_or_default();
                let (from, len) = (usize::from(input.word()), usize::from(input.word()));
                let copied = other.iter().skip(from).take(len);
                self.rebuild(path, |bytes| {
                    bytes
                        .iter()
                        .take(at)
                        .chain(copied)
                        .chain(bytes.iter().skip(at))
                        .take(MAX_FILE_LEN)
                        .copied()
                        .collect()
                });
            }
        }
    }

    fn rebuild(&mut self, path: String, change: impl FnOnce(&[u8]) -> Vec<u8>) {
        let bytes = change(self.files.get(&path).map(Vec::as_slice).unwrap_or_default());
        self.files.insert(path.clone(), bytes);
        self.rebuilt.insert(path);
    }
}

/// Reads all that verifies. It must be what was appended.
fn read_all(log: &SyncLog<MemoryStorage>) -> Entries {
    let mut found = Entries::new();
    for run in log.replay() {
        match run {
            Ok((run, bytes)) => {
                assert_eq!(run, meta(run.author, run.first_seq.0, run.last_seq.0), "nobody else can describe a run");
                assert!(bytes == record(&run), "{run:?} holds what was appended");
                found.extend(entries_of(&run));
            }
            Err(ReadError::Corrupt(_)) => {}
            Err(error) => panic!("the disk works: {error}"),
        }
    }
    found
}

/// Appends to a log that takes records, and opens it again.
fn write_on(mut log: SyncLog<MemoryStorage>, disk: &MemoryStorage, mut found: Entries) {
    let run = append(&mut log, author(9), 2).expect("the disk works");
    log.sync().expect("the disk works");
    drop(log);
    found.extend(entries_of(&run));
    let (log, report) = SyncLog::open(disk.crash(3), DIR, &key(1), OPTIONS).expect("it was open before");
    assert_eq!(log.mode(), LogMode::ReadWrite, "{report:?}");
    assert_eq!(read_all(&log), found, "what was there and what was appended is there");
}

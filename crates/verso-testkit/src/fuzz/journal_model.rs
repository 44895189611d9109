//! Sequences of everything a log does, against a model that is two numbers an author.

use std::collections::BTreeMap;

use verso_log::{AppendError, CompactError, Compacted, LogMode, LogOptions, MemoryStorage, SyncLog};
use verso_vv::Author;

use crate::fuzz::Bytes;
use crate::journal::{Concat, DIR, LABEL, append, author, check, key};

/// How many steps of an input are taken.
const MAX_STEPS: usize = 64;

/// Appends, syncs, closes, crashes, compacts and fails as `input` says; after each step the log is its model.
///
/// # Panics
/// If something that was acknowledged is lost, something is there that was never appended, or a crash is taken for damage.
pub fn journal_model(input: &[u8]) {
    let mut input = Bytes::new(input);
    let options = LogOptions { segment_bytes: 1_200 + u32::from(input.byte()) * 28 };
    let disk = MemoryStorage::new(u64::from(input.byte()));
    let log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, options).expect("the disk works");
    let (durable, held) = (Entries::new(), Entries::new());
    let mut system = System { disk, options, log: Some(log), durable, held, compacted: None };
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        system.step(&mut input);
        assert_eq!(entries(system.log().held()), system.held);
        assert_eq!(entries(system.log().durable()), system.durable);
    }
    system.disk.clear_faults();
    check(system.log());
    system.reopen();
}

type Entries = BTreeMap<Author, u64>;

fn entries(vector: &verso_vv::VersionVector) -> Entries {
    vector.iter().map(|(author, seq)| (author, seq.0)).collect()
}

/// The log, and what must be true of it.
struct System {
    disk: MemoryStorage,
    options: LogOptions,
    log: Option<SyncLog<MemoryStorage>>,
    durable: Entries,
    held: Entries,
    /// A step of compaction that was run, and whose segment is not in its place.
    compacted: Option<Compacted<MemoryStorage>>,
}

impl System {
    fn log(&mut self) -> &mut SyncLog<MemoryStorage> {
        self.log.as_mut().expect("it is open between steps")
    }

    fn step(&mut self, input: &mut Bytes<'_>) {
        match input.below(26) {
            0..12 => {
                let (of, count) = (author(1 + input.byte() % 4), 1 + u64::from(input.byte() % 5));
                *self.held.entry(of).or_default() += count;
                if let Err(error) = append(self.log(), of, count) {
                    self.failed(&error);
                }
            }
            12..18 => match self.log().sync() {
                Ok(()) => self.durable.clone_from(&self.held),
                Err(error) => self.failed(&error),
            },
            18 => {
                if self.log.take().expect("it is open between steps").close().is_ok() {
                    self.durable.clone_from(&self.held);
                }
                self.reopen();
            }
            19 => self.reopen(),
            20 | 21 => {
                self.disk = self.disk.crash(u64::from(input.byte()));
                self.reopen();
            }
            22 => self.compact(1 + u64::from(input.byte() % 12)),
            23 => self.compact_aside(1 + u64::from(input.byte() % 12)),
            24 => match self.log().verify() {
                Ok(report) => assert_eq!(report.damage, []),
                Err(_) => self.reopen(),
            },
            _ => self.disk.fail_after(u64::from(input.byte() % 30)),
        }
    }

    /// Opens the log again. All that was durable is there, and nothing that was not held.
    fn reopen(&mut self) {
        self.log = None;
        self.disk.clear_faults();
        let opened = SyncLog::open(self.disk.clone(), DIR, &key(1), self.options);
        let (log, report) = opened.expect("a crash never takes the whole log");
        assert_eq!((report.damage, log.mode()), (vec![], LogMode::ReadWrite));
        let found = check(&log);
        for (author, seq) in &self.durable {
            assert!(found.get(author) >= Some(seq), "{author} lost {seq}: {found:?}");
        }
        for (author, seq) in &found {
            assert!(self.held.get(author) >= Some(seq), "{author} never had {seq}: {found:?}");
        }
        self.held.clone_from(&found);
        self.durable = found;
        self.log = Some(log);
    }

    fn failed(&mut self, error: &AppendError) {
        assert!(matches!(error, AppendError::Io(_)), "{error}");
        assert_eq!(self.log().mode(), LogMode::Poisoned);
        self.reopen();
    }

    /// Runs a step of compaction, or puts what came of the last one in its place, however much has happened since.
    fn compact_aside(&mut self, limit: u64) {
        if let Some(done) = self.compacted.take() {
            if let Err(error) = self.log().finish_compaction(done) {
                self.failed(&error);
            }
            return;
        }
        match self.log().begin_compaction() {
            // A new segment that can't be made, or joined runs that can't be written, change nothing.
            Ok(step) => self.compacted = step.and_then(|step| step.run(&mut Concat::new(limit)).ok()),
            Err(_) => assert_eq!(self.log().mode(), LogMode::ReadWrite),
        }
    }

    fn compact(&mut self, limit: u64) {
        match self.log().compact(&mut Concat::new(limit)) {
            Ok(_) => self.durable.clone_from(&self.held),
            Err(CompactError::Append(_)) => self.reopen(),
            // It stays as it was, synced, and goes on.
            Err(_) => {
                assert_eq!(self.log().mode(), LogMode::ReadWrite);
                self.durable.clone_from(&self.held);
            }
        }
    }
}

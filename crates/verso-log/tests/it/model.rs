//! Random sequences of everything a log does, against a model that is two numbers an author.

use std::collections::BTreeMap;

use proptest::prelude::*;
use verso_log::{AppendError, CompactError, LogMode, LogOptions, MemoryStorage, SyncLog};
use verso_vv::Author;

use crate::support::{Concat, DIR, LABEL, append, author, cases, check, key};

#[derive(Debug, Clone, Copy)]
enum Action {
    Append { author: u8, entries: u64 },
    Sync,
    Close,
    Drop,
    PowerCut { seed: u64 },
    Compact { limit: u64 },
    Verify,
    FailAfter { operations: u64 },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        12 => (1_u8..5, 1_u64..6).prop_map(|(author, entries)| Action::Append { author, entries }),
        6 => Just(Action::Sync),
        1 => Just(Action::Close),
        1 => Just(Action::Drop),
        2 => any::<u64>().prop_map(|seed| Action::PowerCut { seed }),
        2 => (1_u64..12).prop_map(|limit| Action::Compact { limit }),
        1 => Just(Action::Verify),
        1 => (0_u64..30).prop_map(|operations| Action::FailAfter { operations }),
    ]
}

type Entries = BTreeMap<Author, u64>;

/// The log, and what must be true of it.
struct System {
    disk: MemoryStorage,
    options: LogOptions,
    log: Option<SyncLog<MemoryStorage>>,
    durable: Entries,
    held: Entries,
}

impl System {
    fn log(&mut self) -> &mut SyncLog<MemoryStorage> {
        self.log.as_mut().unwrap()
    }

    /// Opens the log again. All that was durable is there, and nothing that was not held.
    fn reopen(&mut self) {
        self.log = None;
        self.disk.clear_faults();
        let (log, report) = SyncLog::open(self.disk.clone(), DIR, &key(1), self.options).unwrap();
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

    fn step(&mut self, action: Action) {
        match action {
            Action::Append { author: of, entries } => {
                let of = author(of);
                let held = self.held.entry(of).or_default();
                *held += entries;
                if let Err(error) = append(self.log(), of, entries) {
                    self.failed(&error);
                }
            }
            Action::Sync => match self.log().sync() {
                Ok(()) => self.durable.clone_from(&self.held),
                Err(error) => self.failed(&error),
            },
            Action::Close => {
                if self.log.take().unwrap().close().is_ok() {
                    self.durable.clone_from(&self.held);
                }
                self.reopen();
            }
            Action::Drop => self.reopen(),
            Action::PowerCut { seed } => {
                self.disk = self.disk.crash(seed);
                self.reopen();
            }
            Action::Compact { limit } => match self.log().compact(&mut Concat::new(limit)) {
                Ok(_) => self.durable.clone_from(&self.held),
                Err(CompactError::Append(_)) => self.reopen(),
                // It stays as it was, synced, and goes on.
                Err(_) => {
                    assert_eq!(self.log().mode(), LogMode::ReadWrite);
                    self.durable.clone_from(&self.held);
                }
            },
            Action::Verify => match self.log().verify() {
                Ok(report) => assert_eq!(report.damage, []),
                Err(_) => self.reopen(),
            },
            Action::FailAfter { operations } => self.disk.fail_after(operations),
        }
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_log_is_its_model(
        seed in any::<u64>(),
        segment_bytes in 1_200_u32..8_000,
        actions in prop::collection::vec(action(), 1..60),
    ) {
        let disk = MemoryStorage::new(seed);
        let options = LogOptions { segment_bytes };
        let log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, options).unwrap();
        let mut system = System { disk, options, log: Some(log), durable: Entries::new(), held: Entries::new() };
        for action in actions {
            system.step(action);
            let held: Entries = system.log().held().iter().map(|(author, seq)| (author, seq.0)).collect();
            prop_assert_eq!(&held, &system.held);
            let durable: Entries = system.log().durable().iter().map(|(author, seq)| (author, seq.0)).collect();
            prop_assert_eq!(&durable, &system.durable);
        }
        system.disk.clear_faults();
        check(system.log());
        system.reopen();
    }
}

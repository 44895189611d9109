//! [`Logs`]: what lies in the logs of a disk, read by other code than the replica's.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{WorkspaceId, purposes};
use verso_log::{LogOptions, MemoryStorage, Storage as _, SyncLog};
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::{ChainHead, SyncUnit};

use crate::device::Device;
use crate::merge::Merge;

/// Every chain of a disk, by workspace.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    chains: BTreeMap<(WorkspaceId, Author), ChainHead>,
    hashes: BTreeSet<(WorkspaceId, EntryHash)>,
}

impl Logs {
    pub(crate) fn heads(&self) -> impl Iterator<Item = (WorkspaceId, Author, Seq)> {
        self.chains.iter().map(|((workspace, author), head)| (*workspace, *author, head.seq))
    }

    /// Whether an entry of this identity is there.
    pub(crate) fn holds(&self, workspace: &WorkspaceId, hash: &EntryHash) -> bool {
        self.hashes.contains(&(*workspace, *hash))
    }
}

impl<A: Merge> Device<A> {
    /// Reads all logs of a disk of this device's, and checks every unit: sealed by its author, and without a gap behind the one before.
    ///
    /// # Panics
    /// If one is not, or something can't be read.
    pub(crate) fn read_logs(&self, disk: &MemoryStorage) -> Logs {
        let key = self.key().derive::<purposes::Log>();
        let mut logs = Logs::default();
        // A device that never became one has none.
        for name in disk.list("logs").unwrap_or_default() {
            let path = format!("logs/{name}");
            let (log, report) = match SyncLog::open(disk.clone(), &path, &key, LogOptions::default()) {
                Ok(opened) => opened,
                // It was being made when the power went off.
                Err(verso_log::OpenError::Empty) => continue,
                Err(error) => panic!("{path}: {error}"),
            };
            assert!(report.damage.is_empty(), "{path}: {report:?}");
            let workspace = WorkspaceId::from_bytes(*log.label());
            for record in log.replay() {
                let (meta, bytes) = record.expect("what is in the log can be read");
                let unit = SyncUnit::decode(&workspace, &bytes).expect("what is in the log is a unit");
                let unit = unit.chain();
                logs.hashes.extend(unit.hashes().iter().map(|hash| (workspace, *hash)));
                let unit = unit.verify().expect("what is in the log was sealed by its author");
                let author = unit.author();
                let head =
                    logs.chains.entry((workspace, author)).or_insert_with(|| ChainHead::start(&workspace, &author));
                assert_eq!(unit.before(), *head, "{author} in {workspace}: a unit does not continue the chain");
                assert_eq!((meta.author, meta.last_seq, meta.head_hash), (author, unit.last_seq(), unit.head().hash));
                *head = unit.head();
            }
        }
        logs
    }
}

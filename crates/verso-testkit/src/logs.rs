//! [`Logs`]: what lies in the logs of a disk, read by other code than the replica's.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId, purposes};
use verso_log::{LogOptions, MemoryStorage, Storage as _, SyncLog};
use verso_vv::{Author, EntryHash, Hlc, Seq};
use verso_wire::{ChainHead, Content, SyncUnit};

use crate::device::Device;
use crate::merge::Merge;

/// Every chain of a disk, by workspace.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    chains: BTreeMap<(WorkspaceId, Author), ChainHead>,
    hashes: BTreeSet<(WorkspaceId, EntryHash)>,
    /// The greatest stamp that each device has given.
    stamps: BTreeMap<DeviceId, Hlc>,
}

impl Logs {
    pub(crate) fn heads(&self) -> impl Iterator<Item = (WorkspaceId, Author, Seq)> {
        self.chains.iter().map(|((workspace, author), head)| (*workspace, *author, head.seq))
    }

    /// The greatest stamp that a device has given.
    pub(crate) fn greatest_stamp(&self, device: &DeviceId) -> Hlc {
        self.stamps.get(device).copied().unwrap_or_default()
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
                let stamp = logs.stamps.entry(unit.author().device).or_default();
                for entry in unit.entries() {
                    if let Content::Full { hlc, .. } = entry.content {
                        *stamp = hlc.max(*stamp);
                    }
                }
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

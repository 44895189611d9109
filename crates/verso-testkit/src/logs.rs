//! [`Logs`]: what lies in the logs of a disk, read by other code than the replica's.

use std::collections::BTreeMap;

use verso_identity::{DeviceId, WorkspaceId, purposes};
use verso_log::{LogOptions, MemoryStorage, Storage as _, SyncLog};
use verso_vv::{Author, EntryHash, Hlc, Seq};
use verso_wire::{ChainHead, ChainedUnit, Content, EntryKind, SyncUnit};

use crate::device::Device;
use crate::merge::Merge;

/// Every chain of a disk, by workspace.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    chains: BTreeMap<(WorkspaceId, Author), ChainHead>,
    entries: BTreeMap<WorkspaceId, BTreeMap<EntryHash, Written>>,
    /// The greatest stamp that each device has given.
    stamps: BTreeMap<DeviceId, Hlc>,
}

/// An entry of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) author: Author,
    pub(crate) signer: Author,
    pub(crate) seq: Seq,
    pub(crate) previous: EntryHash,
    /// What kind of thing it says and when, `None` if that was discarded.
    pub(crate) says: Option<(EntryKind, Hlc)>,
}

impl Logs {
    pub(crate) fn heads(&self) -> impl Iterator<Item = (WorkspaceId, Author, ChainHead)> {
        self.chains.iter().map(|((workspace, author), head)| (*workspace, *author, *head))
    }

    /// Counts the entries of a workspace.
    pub(crate) fn count(&self, workspace: &WorkspaceId) -> usize {
        self.entries(workspace).len()
    }

    /// The greatest stamp that a device has given.
    pub(crate) fn greatest_stamp(&self, device: &DeviceId) -> Hlc {
        self.stamps.get(device).copied().unwrap_or_default()
    }

    /// Whether an entry of this identity is there.
    pub(crate) fn holds(&self, workspace: &WorkspaceId, hash: &EntryHash) -> bool {
        self.entries(workspace).contains_key(hash)
    }

    /// Returns all entries of a workspace.
    pub(crate) fn entries(&self, workspace: &WorkspaceId) -> &BTreeMap<EntryHash, Written> {
        const NONE: &BTreeMap<EntryHash, Written> = &BTreeMap::new();
        self.entries.get(workspace).unwrap_or(NONE)
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
        let mut roots = Vec::new();
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
                let stamps = written(&unit).filter_map(|(_, written)| written.says).map(|(_, hlc)| hlc);
                let stamp = logs.stamps.entry(unit.author().device).or_default();
                *stamp = stamps.max().unwrap_or_default().max(*stamp);
                logs.entries.entry(workspace).or_default().extend(written(&unit));
                let unit = unit.verify().expect("what is in the log was sealed by its author");
                let author = unit.author();
                // A branch goes on from an entry of another chain.
                let start = unit.branch().map_or_else(|| ChainHead::start(&workspace, &author), |_| unit.before());
                if unit.branch().is_some() && unit.first_seq() > Seq::FIRST {
                    roots.push((workspace, *unit.prev_hash()));
                }
                let head = logs.chains.entry((workspace, author)).or_insert(start);
                assert_eq!(unit.before(), *head, "{author} in {workspace}: a unit does not continue the chain");
                assert_eq!((meta.author, meta.last_seq, meta.head_hash), (author, unit.last_seq(), unit.head().hash));
                *head = unit.head();
            }
        }
        let is_there = |(workspace, hash): &(WorkspaceId, EntryHash)| logs.holds(workspace, hash);
        assert!(roots.iter().all(is_there), "a branch goes on from an entry that is not there");
        logs
    }
}

fn written(unit: &ChainedUnit) -> impl Iterator<Item = (EntryHash, Written)> {
    let (author, signer) = (unit.author(), *unit.signer());
    let mut previous = unit.before().hash;
    unit.entries().zip(unit.hashes()).map(move |(entry, hash)| {
        let says = match entry.content {
            Content::Full { kind, hlc, .. } => Some((kind, hlc)),
            Content::Digest(_) => None,
        };
        let previous = std::mem::replace(&mut previous, *hash);
        (*hash, Written { author, signer, seq: entry.seq, previous, says })
    })
}

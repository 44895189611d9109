//! [`Logs`]: what lies in the logs of a disk, read by other code than the replica's.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

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
                let unit = self.reader.read(workspace, bytes);
                let author = unit.author;
                let stamp = logs.stamps.entry(author.device).or_default();
                *stamp = unit.stamp.max(*stamp);
                logs.entries.entry(workspace).or_default().extend(unit.entries.iter().copied());
                // A branch goes on from an entry of another chain.
                let start = if unit.is_branch { unit.before } else { ChainHead::start(&workspace, &author) };
                if unit.is_branch && unit.before.seq >= Seq::FIRST {
                    roots.push((workspace, unit.before.hash));
                }
                let head = logs.chains.entry((workspace, author)).or_insert(start);
                assert_eq!(unit.before, *head, "{author} in {workspace}: a unit does not continue the chain");
                assert_eq!((meta.author, meta.last_seq, meta.head_hash), (author, unit.head.seq, unit.head.hash));
                *head = unit.head;
            }
        }
        let is_there = |(workspace, hash): &(WorkspaceId, EntryHash)| logs.holds(workspace, hash);
        assert!(roots.iter().all(is_there), "a branch goes on from an entry that is not there");
        logs
    }
}

/// Reads units, and remembers what it read: the same bytes say the same, and were sealed by the same device, however often and on whichever disk
/// they are met. Signatures are what checks would spend their time on otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reader(Arc<Mutex<Known>>);

/// Units by their workspace and their bytes.
type Known = BTreeMap<(WorkspaceId, Vec<u8>), Arc<Unit>>;

/// What a unit says.
#[derive(Debug)]
struct Unit {
    author: Author,
    is_branch: bool,
    before: ChainHead,
    head: ChainHead,
    entries: Vec<(EntryHash, Written)>,
    /// The greatest stamp in it.
    stamp: Hlc,
}

impl Reader {
    /// Reads a unit.
    ///
    /// # Panics
    /// If it is none, or was not sealed by its author.
    fn read(&self, workspace: WorkspaceId, bytes: Vec<u8>) -> Arc<Unit> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |(workspace, bytes): &(WorkspaceId, Vec<u8>)| {
            let unit = SyncUnit::decode(workspace, bytes).expect("what is in the log is a unit").chain();
            let unit = unit.verify().expect("what is in the log was sealed by its author");
            let entries: Vec<_> = written(&unit).collect();
            let stamps = entries.iter().filter_map(|(_, written)| written.says).map(|(_, hlc)| hlc);
            let stamp = stamps.max().unwrap_or_default();
            let (author, is_branch) = (unit.author(), unit.branch().is_some());
            Arc::new(Unit { author, is_branch, before: unit.before(), head: unit.head(), entries, stamp })
        };
        match known.entry((workspace, bytes)) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => {
                let unit = read(new.key());
                Arc::clone(new.insert(unit))
            }
        }
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

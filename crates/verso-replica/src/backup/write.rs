//! Writing a backup, beside whoever uses the device meanwhile.

use std::collections::BTreeMap;
use std::io;

use verso_identity::{Cost, DeviceKey, Key, Passphrase, WorkspaceId, purposes};
use verso_log::{Corrupt, ReadError, RunMeta, Storage, StorageFile, StreamWriter, SyncLog};
use verso_vv::Author;
use verso_wire::ChainHead;

use super::BackupProgress;
use super::format::{Item, MAX_ITEM_LEN, seal_header};
use crate::forks::Forks;
use crate::local::{LocalState, LocalStateError};
use crate::logs;
use crate::rest::{RestError, rest_of};

/// How often a log is opened because whoever writes to it compacted it meanwhile, or was caught in the middle of a write. It happens once a
/// compaction, which come seconds apart.
const ATTEMPTS: u32 = 16;

/// What is backed up.
#[derive(Debug, Clone, Copy)]
pub struct BackupSource<'a, S> {
    /// Where the device lies. Another process may be using it.
    pub storage: &'a S,
    /// Its key.
    pub key: &'a DeviceKey,
    /// What the host keeps beside, to be given back as it is; at most 64 KiB.
    pub host: &'a [u8],
    /// When this is, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// A backup that was written, durably.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackedUp {
    /// How many workspaces are in it.
    pub workspaces: u64,
    /// How many entries, those of the control log among them.
    pub entries: u64,
    /// How long the file is.
    pub bytes: u64,
    /// What could not be read, so that it and what lies behind it in the same chain is not in the backup.
    pub damage: Vec<BackupDamage>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupDamage {
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// The segment's file, under the data directory.
    pub path: String,
    /// Where in it, and what.
    pub corrupt: Corrupt,
}

/// A backup was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The memory to stretch the passphrase isn't there.
    #[error("there are not the {memory_kib} KiB of memory that a backup takes")]
    OutOfMemory {
        /// How much is needed.
        memory_kib: u32,
    },
    /// What the host keeps beside is too much.
    #[error("what the host keeps beside the device is too much for a backup")]
    HostTooLong,
    /// The backup can't be written.
    #[error("the backup can't be written")]
    Write(#[source] io::Error),
    /// The device's files can't be read.
    #[error("the device can't be read")]
    Read(#[source] io::Error),
    /// A log does not open.
    #[error("a log can't be opened")]
    Open(#[source] verso_log::OpenError),
    /// A log was rewritten each time it was read.
    #[error("a log was rewritten each time it was read")]
    Moving,
    /// A record of a log is authentic, and not what it should be.
    #[error(transparent)]
    Record(#[from] RestError),
    /// The local state can't be read.
    #[error(transparent)]
    Local(#[from] LocalStateError),
}

/// Writes a backup of a device at the end of an empty file: its secret, all that its logs hold, and its local state, under a passphrase.
///
/// Another process may use the device meanwhile. What is taken is durable there, so no power cut can make the device forget what its backup
/// knows. Of each log it is what was there when it was read; logs are read first and the local state last, so that no peer is known without
/// the secret that was agreed with it.
///
/// # Errors
/// [`BackupError`]; the file is then worth nothing.
pub fn back_up<S: Storage, F: StorageFile>(
    source: &BackupSource<'_, S>,
    passphrase: &Passphrase,
    cost: Cost,
    mut file: F,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<BackedUp, BackupError> {
    let BackupSource { storage, key, host, now_ms } = *source;
    if host.len() > usize::from(u16::MAX) {
        return Err(BackupError::HostTooLong);
    }
    let mut salt = [0; 16];
    storage.random(&mut salt).map_err(BackupError::Write)?;
    let (header, stream_key) =
        seal_header(passphrase, cost, &salt).ok_or(BackupError::OutOfMemory { memory_kib: cost.memory_kib })?;
    file.write_at(0, &header).map_err(BackupError::Write)?;
    let stream = StreamWriter::new(file, stream_key).map_err(BackupError::Write)?;
    let directories = logs::names(storage).map_err(BackupError::Read)?;
    let of = directories.iter().map(|directory| size(storage, directory)).sum();
    let log_key = key.derive::<purposes::Log>();
    let progress = Progress { tell: progress, at: BackupProgress { done: 0, of } };
    let mut writer = Writer { storage, log_key, stream, units: 0, entries: 0, damage: Vec::new(), progress };

    let secret = key.to_secret();
    writer.item(Item::Device, &[secret.as_ref(), &now_ms.to_le_bytes(), host])?;
    let mut workspaces = 0;
    for directory in directories {
        if writer.log(&directory)?.is_some_and(|workspace| workspace != WorkspaceId::CONTROL) {
            workspaces += 1;
        }
    }
    // Where there are more proofs than a backup takes, peers have them.
    if let Some(forks) = Forks::read(storage, &key.derive()).filter(|forks| forks.len() <= MAX_ITEM_LEN) {
        writer.item(Item::Forks, &[&forks])?;
    }
    if let Some(state) = LocalState::read(storage, &key.derive())? {
        writer.item(Item::State, &[&state])?;
    }
    let (units, entries) = (writer.units, writer.entries);
    writer.item(Item::End, &[&units.to_le_bytes(), &entries.to_le_bytes()])?;
    let Writer { stream, damage, mut progress, .. } = writer;
    let (_file, bytes) = stream.finish().map_err(BackupError::Write)?;
    progress.add(of);
    Ok(BackedUp { workspaces, entries, bytes, damage })
}

/// Returns about how many bytes a log takes; one that is being compacted, or removed, may give any answer.
fn size<S: Storage>(storage: &S, directory: &str) -> u64 {
    let len = |name| storage.open(&format!("{directory}/{name}"))?.len();
    storage.list(directory).unwrap_or_default().into_iter().map(|name| len(name).unwrap_or_default()).sum()
}

struct Progress<'a> {
    tell: &'a mut dyn FnMut(BackupProgress),
    at: BackupProgress,
}

impl Progress<'_> {
    fn add(&mut self, bytes: u64) {
        self.at.done = self.at.done.saturating_add(bytes).min(self.at.of);
        (self.tell)(self.at);
    }
}

struct Writer<'a, S, F> {
    storage: &'a S,
    log_key: Key<purposes::Log>,
    stream: StreamWriter<F>,
    units: u64,
    entries: u64,
    damage: Vec<BackupDamage>,
    progress: Progress<'a>,
}

impl<S: Storage, F: StorageFile> Writer<'_, S, F> {
    fn item(&mut self, item: Item, parts: &[&[u8]]) -> Result<(), BackupError> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let len = u32::try_from(len).map_err(|source| BackupError::Write(io::Error::other(source)))?;
        let mut write = |bytes: &[u8]| self.stream.write(bytes).map_err(BackupError::Write);
        write(&[item.code()])?;
        write(&len.to_le_bytes())?;
        parts.iter().try_for_each(|part| write(part))
    }

    /// Writes what a log holds. Returns whose it is, `None` if there is nothing in it or it is gone.
    ///
    /// It is read until a pass finds all of it, or two passes find the same missing: what is being written, or compacted away, moves.
    fn log(&mut self, directory: &str) -> Result<Option<WorkspaceId>, BackupError> {
        let mut heads: BTreeMap<Author, ChainHead> = BTreeMap::new();
        let mut begun = None;
        let mut before = None;
        for _attempt in 0..ATTEMPTS {
            let (log, report) = match SyncLog::open_beside(self.storage.clone(), directory, &self.log_key) {
                Ok(opened) => opened,
                Err(verso_log::OpenError::Empty) => return Ok(begun),
                Err(verso_log::OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                    if self.storage.list(directory).is_err() {
                        // The workspace was left meanwhile.
                        return Ok(begun);
                    }
                    before = None;
                    continue;
                }
                Err(error) => return Err(BackupError::Open(error)),
            };
            let workspace = WorkspaceId::from_bytes(*log.label());
            let mut unread = report.damage;
            unread.retain(|corrupt| corrupt.what.loses_records());
            if begun.is_none() && (workspace == WorkspaceId::CONTROL || !log.held().is_empty() || !unread.is_empty()) {
                self.item(Item::Log, &[workspace.as_bytes()])?;
                begun = Some(workspace);
            }
            if self.pass(workspace, &log, &mut heads, &mut unread)? == Pass::Moved {
                before = None;
                continue;
            }
            unread.sort_unstable();
            unread.dedup();
            if unread.is_empty() || before.as_ref() == Some(&unread) {
                let damage =
                    |corrupt: Corrupt| BackupDamage { workspace, path: log.segment_path(corrupt.segment), corrupt };
                self.damage.extend(unread.into_iter().map(damage));
                return Ok(begun);
            }
            before = Some(unread);
        }
        // Nothing that lasts is in the way, and yet no pass came to its end.
        Err(BackupError::Moving)
    }

    /// Writes what follows `heads`, as far as it can be read. What can't is added to `unread`.
    fn pass(
        &mut self,
        workspace: WorkspaceId,
        log: &SyncLog<S>,
        heads: &mut BTreeMap<Author, ChainHead>,
        unread: &mut Vec<Corrupt>,
    ) -> Result<Pass, BackupError> {
        let seen = heads.iter().map(|(author, head)| (*author, head.seq)).collect();
        for run in log.replay_after(&seen) {
            match run {
                Ok((meta, bytes)) => self.unit(workspace, &meta, &bytes, heads)?,
                Err(ReadError::Corrupt(corrupt)) => unread.push(corrupt),
                Err(ReadError::Io(error)) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(BackupError::Read(error));
                }
                Err(_compacted) => return Ok(Pass::Moved),
            }
        }
        Ok(Pass::Done)
    }

    /// Writes a unit, or what of it is new. What follows nothing lies behind what could not be read.
    fn unit(
        &mut self,
        workspace: WorkspaceId,
        meta: &RunMeta,
        bytes: &[u8],
        heads: &mut BTreeMap<Author, ChainHead>,
    ) -> Result<(), BackupError> {
        let RunMeta { author, .. } = *meta;
        let Some(rest) = rest_of(&workspace, bytes, heads.get(&author).copied())? else { return Ok(()) };
        self.item(Item::Unit, &[&rest.bytes])?;
        self.units += 1;
        self.entries = self.entries.saturating_add(rest.meta.entries());
        self.progress.add(u64::try_from(rest.bytes.len()).unwrap_or(u64::MAX));
        heads.insert(author, rest.head);
        Ok(())
    }
}

/// How a pass over a log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// It came to the end.
    Done,
    /// What was to be read was compacted away meanwhile.
    Moved,
}

//! Mending logs that have lost entries. What is whole of one makes a new log, and the old one is put aside until nothing in it is missing any more:
//! what is lacking comes back from peers, and what lies behind it in the same chain follows then from what was put aside.

mod aside;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use verso_identity::{DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{REMOVED_SUFFIX, ReadError, Storage, SyncLog};
use verso_vv::{Author, Seq};
use verso_wire::ChainHead;

use self::aside::Aside;
use crate::error::JournalError;
use crate::forks::Forks;
use crate::journal::{Journal, OpenedLog};
use crate::local::{KeyProof, LocalState, LocalStateError};
use crate::logs::{self, LOGS};

/// The end of the name of a log that was put aside. Nothing but mending opens such a log.
const ASIDE: &str = ".damaged";

/// The end of the name of a log of which nothing can be read.
const UNREADABLE: &str = ".unreadable";

/// Which logs are mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MendScope {
    /// All of a device.
    All,
    /// That of one workspace. A log of which nothing can be read may be anybody's, and is left where it is.
    Only(WorkspaceId),
}

impl MendScope {
    fn covers(self, label: &[u8; 16]) -> bool {
        match self {
            Self::All => true,
            Self::Only(workspace) => workspace.as_bytes() == label,
        }
    }
}

/// What mending came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mended {
    /// Workspaces whose logs were damaged, and were put aside now.
    pub damaged: BTreeSet<WorkspaceId>,
    /// Those of them that have lost entries. How many is not always known: nothing tells what an unfinished file had held.
    pub lost: BTreeSet<WorkspaceId>,
    /// Directories of logs of which not even a header can be read, and that were put aside for good now.
    pub unreadable: Vec<String>,
    /// How many entries are still missing, at least, of which it is known that they were there.
    pub missing: BTreeMap<WorkspaceId, u64>,
}

/// Logs were not mended, or not all of them. Trying again goes on where this ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MendError {
    /// The storage failed.
    #[error("the data directory can't be read or written")]
    Io(#[from] io::Error),
    /// A log can't be opened, read, made or written.
    #[error("a log can't be mended")]
    Journal(#[from] JournalError),
    /// The local state can't be read or written.
    #[error(transparent)]
    Local(#[from] LocalStateError),
}

impl From<ReadError> for MendError {
    fn from(error: ReadError) -> Self {
        JournalError::from(error).into()
    }
}

/// Mends logs of a device that nobody has open.
///
/// 1. All of them is read. If entries are lost, the device begins a new incarnation: its last numbers may be among them. If they are lost from
///    the control log, whom it trusts is unconfirmed, as after restoring a backup.
/// 2. Damaged logs are put aside, under another name.
/// 3. Of all that was put aside, now or before, whatever follows what is held is taken over, and where it shows a fork, the fork is learnt. A log of
///    which every chain is held to its end is removed.
///
/// A crash at any moment leaves a device that opens, and that can be mended again.
///
/// # Errors
/// [`MendError`].
pub fn mend<S: Storage>(storage: &S, key: &DeviceKey, scope: MendScope) -> Result<Mended, MendError> {
    let log_key = key.derive::<purposes::Log>();
    let mut mended = Mended::default();
    let mut found = Found::default();
    for directory in logs::names(storage)? {
        found.look_at(storage, directory, &log_key, scope)?;
    }
    if !found.lost.is_empty() || found.aside.iter().any(|(_, workspace)| workspace.is_none()) {
        let (mut state, _found) = LocalState::load(storage, &key.derive(), KeyProof::Proven)?;
        state.renew(storage)?;
        if let Some(heads) = found.control.take() {
            state.put_back(heads);
        }
        state.store(storage, &key.derive())?;
    }
    mended.lost = found.lost;
    for (directory, workspace) in found.aside {
        let end = if workspace.is_some() { ASIDE } else { UNREADABLE };
        storage.rename(&directory, &format!("{directory}{end}"))?;
        match workspace {
            Some(workspace) => drop(mended.damaged.insert(workspace)),
            None => mended.unreadable.push(format!("{directory}{end}")),
        }
    }
    storage.sync_dir(LOGS)?;
    for name in storage.list(LOGS)? {
        let Some(of) = name.strip_suffix(ASIDE).filter(|of| logs::is_name(of)) else { continue };
        let old = SyncLog::open_beside(storage.clone(), &format!("{LOGS}/{name}"), &log_key);
        let (old, _report) = old.map_err(JournalError::from)?;
        if !scope.covers(old.label()) {
            continue;
        }
        let (workspace, missing) = Aside::open(storage, key, old, &mut found.whole)?.take_over()?;
        if missing == 0 {
            let removed = format!("{LOGS}/{of}{REMOVED_SUFFIX}");
            storage.rename(&format!("{LOGS}/{name}"), &removed)?;
            SyncLog::remove(storage, &removed)?;
        } else {
            *mended.missing.entry(workspace).or_default() += missing;
        }
    }
    Ok(mended)
}

/// Puts a log aside of which nothing is damaged, if it lacks what a branch in it was forked off from, and makes a new one of the rest: as when
/// it had been mended on the device that it is a copy of.
pub(crate) fn put_aside_if_detached<S: Storage>(
    storage: &S,
    key: &DeviceKey,
    directory: &str,
) -> Result<(), MendError> {
    let (log, _report) = SyncLog::open_beside(storage.clone(), directory, &key.derive()).map_err(JournalError::from)?;
    let lineage = Forks::load(storage, &key.derive())?.lineage(&WorkspaceId::from_bytes(*log.label()));
    let journal = Journal::open_unfolded(OpenedLog { directory: directory.to_owned(), log, lineage })?;
    if journal.takes_in_all()? {
        return Ok(());
    }
    drop(journal);
    let aside = format!("{directory}{ASIDE}");
    storage.rename(directory, &aside)?;
    storage.sync_dir(LOGS)?;
    let (old, _report) = SyncLog::open_beside(storage.clone(), &aside, &key.derive()).map_err(JournalError::from)?;
    Aside::open(storage, key, old, &mut BTreeMap::new())?.take_over().map(|_missing| ())
}

/// The logs of a device, read from end to end.
#[derive(Debug, Default)]
struct Found {
    /// Those that are whole.
    whole: BTreeMap<WorkspaceId, String>,
    /// Those that are not, and whose they are as far as that can be read.
    aside: Vec<(String, Option<WorkspaceId>)>,
    /// Workspaces of which entries are lost.
    lost: BTreeSet<WorkspaceId>,
    /// The ends of the control log's chains, if entries of it were lost.
    control: Option<BTreeMap<Author, Seq>>,
}

impl Found {
    fn look_at<S: Storage>(
        &mut self,
        storage: &S,
        directory: String,
        key: &Key<purposes::Log>,
        scope: MendScope,
    ) -> Result<(), MendError> {
        let log = match SyncLog::open_beside(storage.clone(), &directory, key) {
            Ok((log, _report)) => log,
            // Its making was cut short.
            Err(verso_log::OpenError::Empty) => return Ok(()),
            Err(verso_log::OpenError::Unreadable) => {
                if scope == MendScope::All {
                    self.aside.push((directory, None));
                }
                return Ok(());
            }
            Err(error) => return Err(JournalError::from(error).into()),
        };
        if !scope.covers(log.label()) {
            return Ok(());
        }
        let workspace = WorkspaceId::from_bytes(*log.label());
        let damage = log.verify()?.damage;
        if damage.is_empty() {
            self.whole.insert(workspace, directory);
            return Ok(());
        }
        if damage.iter().any(|corrupt| corrupt.what.loses_records()) {
            self.lost.insert(workspace);
            if workspace == WorkspaceId::CONTROL {
                self.control = Some(ends(&log)?.into_iter().map(|(author, end)| (author, end.seq)).collect());
            }
        }
        self.aside.push((directory, Some(workspace)));
        Ok(())
    }
}

/// Returns the last entry of each chain of a damaged log that is known to have been there.
fn ends<S: Storage>(log: &SyncLog<S>) -> Result<BTreeMap<Author, ChainHead>, MendError> {
    let mut ends: BTreeMap<Author, ChainHead> = BTreeMap::new();
    let mut note = |author, head: ChainHead| {
        let end = ends.entry(author).or_insert(head);
        if head.seq > end.seq {
            *end = head;
        }
    };
    log.heads().for_each(|(author, seq, hash)| note(author, ChainHead { seq, hash }));
    for run in log.replay() {
        match run {
            Ok((meta, _bytes)) => note(meta.author, ChainHead { seq: meta.last_seq, hash: meta.head_hash }),
            Err(ReadError::Corrupt(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use verso_identity::{Cost, Passphrase};
    use verso_log::{LogOptions, MemoryStorage};
    use verso_vv::{Hlc, Incarnation};
    use verso_wire::{CompressionLevel, EntryKind, UnitBuilder};
    use zeroize::Zeroizing;

    use super::*;
    use crate::backup::{Backup, BackupSource, back_up};
    use crate::journal::meta_of;

    const DIRECTORY: &str = "logs/0123456789abcdef";

    fn author(key: &DeviceKey, incarnation: u64) -> Author {
        Author { device: key.id(), incarnation: Incarnation(incarnation) }
    }

    /// Appends an entry a segment to a control log.
    fn write(disk: &MemoryStorage, key: &DeviceKey, directory: &str, author: Author, entries: usize) {
        for _ in 0..entries {
            let (mut log, _) = SyncLog::open(disk.clone(), directory, &key.derive(), LogOptions::default()).unwrap();
            let head = log.head(&author).map(|(seq, hash)| ChainHead { seq, hash });
            let head = head.unwrap_or_else(|| ChainHead::start(&WorkspaceId::CONTROL, &author));
            let mut builder = UnitBuilder::new(WorkspaceId::CONTROL, author, None, head);
            builder.push(EntryKind(1), Hlc::from_millis(1), b"entry").unwrap();
            let unit = builder.seal(key).unwrap().into_chained();
            log.append(&meta_of(&unit), &unit.encode(CompressionLevel::RECORD)).unwrap();
            log.close().unwrap();
        }
    }

    fn device() -> (MemoryStorage, DeviceKey) {
        let (disk, key) = (MemoryStorage::new(1), DeviceKey::from_secret(&Zeroizing::new([7; 32])));
        for dir in ["logs", "state"] {
            disk.create_dir(dir).unwrap();
        }
        let label = *WorkspaceId::CONTROL.as_bytes();
        SyncLog::create(disk.clone(), DIRECTORY, &key.derive(), label, LogOptions::default()).unwrap();
        LocalState::fresh(&disk).unwrap().store(&disk, &key.derive()).unwrap();
        (disk, key)
    }

    fn heads(disk: &MemoryStorage, key: &DeviceKey) -> BTreeMap<Author, Seq> {
        let (state, _) = LocalState::load(disk, &key.derive(), KeyProof::Proven).unwrap();
        state.unconfirmed.unwrap().heads
    }

    /// Whoever confirms a device that was put back twice has to know what it knew before the first time.
    #[test]
    fn mending_twice_asks_for_no_less() {
        let (disk, key) = device();
        write(&disk, &key, DIRECTORY, author(&key, 1), 3);
        disk.flip(&format!("{DIRECTORY}/0000000003.seg"), 1_060, 4);
        assert!(mend(&disk, &key, MendScope::All).unwrap().lost.contains(&WorkspaceId::CONTROL));
        assert_eq!(heads(&disk, &key), BTreeMap::from([(author(&key, 1), Seq(3))]));

        let directory = logs::names(&disk).unwrap().remove(0);
        write(&disk, &key, &directory, author(&key, 2), 2);
        let segments = disk.list(&directory).unwrap();
        disk.flip(&format!("{directory}/{}", segments[segments.len() - 2]), 1_060, 4);
        assert!(mend(&disk, &key, MendScope::All).unwrap().lost.contains(&WorkspaceId::CONTROL));
        assert_eq!(heads(&disk, &key), BTreeMap::from([(author(&key, 1), Seq(3)), (author(&key, 2), Seq(2))]));
    }

    #[test]
    fn a_backup_of_a_device_that_was_put_back_asks_for_no_less() {
        let (disk, key) = device();
        write(&disk, &key, DIRECTORY, author(&key, 1), 2);
        let (mut state, _) = LocalState::load(&disk, &key.derive(), KeyProof::Proven).unwrap();
        let knew = BTreeMap::from([(author(&key, 1), Seq(9)), (author(&key, 3), Seq(1))]);
        state.put_back(knew);
        state.store(&disk, &key.derive()).unwrap();

        let (source, cost) = (
            BackupSource { storage: &disk, key: &key, host: b"", now_ms: 1 },
            Cost { memory_kib: 8, passes: 1, lanes: 1 },
        );
        let passphrase = Passphrase::new(Zeroizing::new("tea and cake".to_owned())).unwrap();
        let target = MemoryStorage::new(2);
        back_up(&source, &passphrase, cost, target.create("backup").unwrap(), &mut |_| {}).unwrap();
        let restored = MemoryStorage::new(3);
        let backup = Backup::open(target.open("backup").unwrap(), &passphrase).unwrap();
        backup.restore(&restored, &mut |_| {}).unwrap();
        assert_eq!(heads(&restored, &key), BTreeMap::from([(author(&key, 1), Seq(9)), (author(&key, 3), Seq(1))]));
    }
}

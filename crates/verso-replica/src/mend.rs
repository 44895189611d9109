//! Mending logs that have lost entries. What is whole of one makes a new log, and the old one is put aside until nothing in it is missing any more:
//! what is lacking comes back from peers, and what lies behind it in the same chain follows then from what was put aside.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use verso_identity::{DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{AppendError, CreateError, LogOptions, REMOVED_SUFFIX, ReadError, Storage, SyncLog};
use verso_vv::{Author, Seq};
use verso_wire::ChainHead;

use crate::local::{KeyProof, LocalState, LocalStateError, Unconfirmed};
use crate::logs::{self, LOGS};
use crate::rest::{RestError, rest_of};

/// The end of the name of a log that was put aside. Nothing but mending opens such a log.
const ASIDE: &str = ".damaged";

/// The end of the name of a log of which nothing can be read.
const UNREADABLE: &str = ".unreadable";

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
    /// A log can't be opened.
    #[error("a log can't be opened")]
    Open(#[from] verso_log::OpenError),
    /// A log can't be read.
    #[error("a log can't be read")]
    Read(#[from] ReadError),
    /// A log can't be made.
    #[error("a log can't be made")]
    Create(#[from] CreateError),
    /// A log can't be written.
    #[error("a log can't be written")]
    Append(#[from] AppendError),
    /// A record verifies and is no unit.
    #[error(transparent)]
    Record(#[from] RestError),
    /// The local state can't be read or written.
    #[error(transparent)]
    Local(#[from] LocalStateError),
}

/// Mends the logs of a device that nobody has open.
///
/// 1. Everything is read. If entries are lost, the device begins a new incarnation: its last numbers may be among them. If they are lost from
///    the control log, whom it trusts is unconfirmed, as after restoring a backup.
/// 2. Damaged logs are put aside, under another name.
/// 3. Of all that was put aside, now or before, whatever follows what is held is taken over. A log that has nothing more to give is removed.
///
/// A crash at any moment leaves a device that opens, and that can be mended again.
///
/// # Errors
/// [`MendError`].
pub fn mend<S: Storage>(storage: &S, key: &DeviceKey) -> Result<Mended, MendError> {
    let log_key = key.derive::<purposes::Log>();
    let mut mended = Mended::default();
    let mut found = Found::default();
    for directory in logs::names(storage)? {
        found.look_at(storage, directory, &log_key)?;
    }
    if !found.lost.is_empty() || found.aside.iter().any(|(_, workspace)| workspace.is_none()) {
        let (mut state, _found) = LocalState::load(storage, &key.derive(), KeyProof::Proven)?;
        state.renew(storage)?;
        if let Some(heads) = found.control.take() {
            state.unconfirmed = Some(Unconfirmed { heads, ..Unconfirmed::default() });
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
        let (workspace, missing) = take_over(storage, &log_key, &format!("{LOGS}/{name}"), &mut found.whole)?;
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
    ) -> Result<(), MendError> {
        let log = match SyncLog::open_beside(storage.clone(), &directory, key) {
            Ok((log, _report)) => log,
            // Its making was cut short.
            Err(verso_log::OpenError::Empty) => return Ok(()),
            Err(verso_log::OpenError::Unreadable) => {
                self.aside.push((directory, None));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let workspace = WorkspaceId::from_bytes(*log.label());
        let damage = log.verify()?.damage;
        if damage.is_empty() {
            self.whole.insert(workspace, directory);
            return Ok(());
        }
        if damage.iter().any(|corrupt| corrupt.what.loses_records()) {
            self.lost.insert(workspace);
            if workspace == WorkspaceId::CONTROL {
                self.control = Some(ends(&log)?);
            }
        }
        self.aside.push((directory, Some(workspace)));
        Ok(())
    }
}

/// Returns how far each chain of a damaged log is known to have gone.
fn ends<S: Storage>(log: &SyncLog<S>) -> Result<BTreeMap<Author, Seq>, MendError> {
    let mut ends: BTreeMap<Author, Seq> = BTreeMap::new();
    let mut note = |author, seq| {
        let end = ends.entry(author).or_insert(seq);
        *end = (*end).max(seq);
    };
    log.heads().for_each(|(author, seq, _hash)| note(author, seq));
    for run in log.replay() {
        match run {
            Ok((meta, _bytes)) => note(meta.author, meta.last_seq),
            Err(ReadError::Corrupt(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ends)
}

/// Takes over what follows from a log that was put aside. Returns whose it is, and how many entries are missing after that.
fn take_over<S: Storage>(
    storage: &S,
    key: &Key<purposes::Log>,
    aside: &str,
    whole: &mut BTreeMap<WorkspaceId, String>,
) -> Result<(WorkspaceId, u64), MendError> {
    let (old, _report) = SyncLog::open_beside(storage.clone(), aside, key)?;
    let label = *old.label();
    let workspace = WorkspaceId::from_bytes(label);
    let mut log = if let Some(directory) = whole.get(&workspace) {
        SyncLog::open(storage.clone(), directory, key, LogOptions::default())?.0
    } else {
        let directory = logs::new_directory(storage)?;
        let log = SyncLog::create(storage.clone(), &directory, key, label, LogOptions::default())?;
        whole.insert(workspace, directory);
        log
    };
    for run in old.replay() {
        let (meta, bytes) = match run {
            Ok(run) => run,
            Err(ReadError::Corrupt(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        let head = log.head(&meta.author).map(|(seq, hash)| ChainHead { seq, hash });
        if let Some(rest) = rest_of(&workspace, &bytes, head)? {
            log.append(&rest.meta, &rest.bytes)?;
        }
    }
    log.sync()?;
    let missing = ends(&old)?.into_iter().map(|(author, end)| {
        let held = log.head(&author).map_or(Seq::ZERO, |(seq, _hash)| seq);
        end.0.saturating_sub(held.0)
    });
    let missing = missing.sum();
    log.close()?;
    Ok((workspace, missing))
}

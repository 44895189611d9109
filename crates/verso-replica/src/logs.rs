//! The directory of logs: finding what is there, clearing what was never finished, making new ones.

use std::io;

use verso_identity::{Key, WorkspaceId, purposes};
use verso_log::{LogOptions, OpenReport, REMOVED_SUFFIX, Storage, SyncLog};

use crate::error::{JournalError, OpenError};
use crate::journal::{Journal, Place};
use crate::local::ensure_dir;
use crate::state::State;

/// Where the logs lie under the data directory, a directory of random name each.
pub(crate) const LOGS: &str = "logs";

/// Characters in the name of a log's directory: 8 random bytes in hexadecimal.
const NAME_LEN: usize = 16;

/// A log that was found and opened, its entries not read yet.
pub(crate) struct FoundLog<S: Storage> {
    pub(crate) workspace: WorkspaceId,
    pub(crate) directory: String,
    pub(crate) log: SyncLog<S>,
    pub(crate) report: OpenReport,
}

/// Opens all logs. What was never finished is cleared away: a log whose making or removal was cut short, and one of a workspace in
/// which nothing ever became durable, because its founding was cut short or nothing came of what was offered.
///
/// Adds to `cleared` what was found in logs that are gone now and had not been empty: a flipped bit in a first batch can't be told from one that
/// was cut short.
pub(crate) fn find<S: Storage>(
    storage: &S,
    key: &Key<purposes::Log>,
    cleared: &mut Vec<(WorkspaceId, OpenReport)>,
) -> Result<Vec<FoundLog<S>>, OpenError> {
    ensure_dir(storage, LOGS)?;
    let mut found: Vec<FoundLog<S>> = Vec::new();
    for name in storage.list(LOGS)? {
        let directory = format!("{LOGS}/{name}");
        if is_name(name.strip_suffix(REMOVED_SUFFIX).unwrap_or(&name)) && name.ends_with(REMOVED_SUFFIX) {
            SyncLog::remove(storage, &directory)?;
        }
        if !is_name(&name) {
            continue; // None of ours.
        }
        let (log, report) = match SyncLog::open(storage.clone(), &directory, key, LogOptions::default()) {
            Ok(opened) => opened,
            Err(verso_log::OpenError::Empty) => {
                SyncLog::remove(storage, &directory)?;
                continue;
            }
            Err(error) => return Err(JournalError::from(error).into()),
        };
        let workspace = WorkspaceId::from_bytes(*log.label());
        // A damaged log may hold nothing without a gap, and is anything but empty.
        if workspace != WorkspaceId::CONTROL && log.held().is_empty() && !report.loses_records() {
            drop(log);
            SyncLog::remove(storage, &directory)?;
            if report != OpenReport::default() {
                cleared.push((workspace, report));
            }
            continue;
        }
        if found.iter().any(|other| other.workspace == workspace) {
            return Err(OpenError::Twice { workspace });
        }
        found.push(FoundLog { workspace, directory, log, report });
    }
    Ok(found)
}

/// Makes the log of a workspace under a random name, which tells nothing.
pub(crate) fn create<S: Storage, T: State>(
    storage: &S,
    key: &Key<purposes::Log>,
    workspace: WorkspaceId,
    state: T,
) -> Result<Journal<S, T>, JournalError> {
    let directory = new_directory(storage)?;
    Journal::create(&Place { storage, directory: &directory, key }, workspace, state)
}

/// Returns a random name for the directory of a log.
pub(crate) fn new_directory<S: Storage>(storage: &S) -> io::Result<String> {
    ensure_dir(storage, LOGS)?;
    let mut name = [0; NAME_LEN / 2];
    storage.random(&mut name)?;
    Ok(format!("{LOGS}/{:016x}", u64::from_le_bytes(name)))
}

/// Returns the directories of all logs, without looking into them or changing anything.
pub(crate) fn names<S: Storage>(storage: &S) -> io::Result<Vec<String>> {
    let names = match storage.list(LOGS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    Ok(names.into_iter().filter(|name| is_name(name)).map(|name| format!("{LOGS}/{name}")).collect())
}

/// Returns the random name of a log's directory.
pub(crate) fn name(directory: &str) -> &str {
    directory.rsplit_once('/').map_or(directory, |(_, name)| name)
}

pub(crate) fn is_name(name: &str) -> bool {
    name.len() == NAME_LEN && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

//! [`Aside`]: a log that was put aside, and the one that goes on in its place.

use std::collections::BTreeMap;

use verso_identity::{DeviceKey, WorkspaceId};
use verso_log::{LogOptions, ReadError, Storage, SyncLog};
use verso_vv::Author;
use verso_wire::{ChainHead, ForkProof};

use super::{MendError, ends};
use crate::error::JournalError;
use crate::forks::Forks;
use crate::journal::{Journal, OpenedLog, Salvaged, Unfolded};
use crate::local::{LocalStateError, ensure_dir};
use crate::logs;

/// A log that was put aside, and the one that goes on in its place.
///
/// 1. Whatever of the old one follows what the new one holds is taken over. It is told by hashes: the new one may have the same entries under
///    another label, since a fork was learnt before they came back, or another history under the same.
/// 2. An entry is missing as long as the chain that it ended in the old log is not held to its end in the new one. So what is the only copy of
///    anything that can be read is never taken for superfluous.
#[derive(Debug)]
pub(super) struct Aside<'a, S: Storage> {
    storage: &'a S,
    key: &'a DeviceKey,
    workspace: WorkspaceId,
    old: SyncLog<S>,
    new: Journal<S, Unfolded>,
    forks: Forks,
    proofs: Vec<ForkProof>,
    /// The last entry of each chain of the old log that was found in the new one.
    held: BTreeMap<Author, ChainHead>,
}

impl<'a, S: Storage> Aside<'a, S> {
    /// Opens the log of the same workspace among the whole ones; makes one if there is none.
    pub(super) fn open(
        storage: &'a S,
        key: &'a DeviceKey,
        old: SyncLog<S>,
        whole: &mut BTreeMap<WorkspaceId, String>,
    ) -> Result<Self, JournalError> {
        let log_key = key.derive();
        let label = *old.label();
        let workspace = WorkspaceId::from_bytes(label);
        let (directory, log) = if let Some(directory) = whole.get(&workspace) {
            let (log, _report) = SyncLog::open(storage.clone(), directory, &log_key, LogOptions::default())?;
            (directory.clone(), log)
        } else {
            let directory = logs::new_directory(storage)?;
            let log = SyncLog::create(storage.clone(), &directory, &log_key, label, LogOptions::default())?;
            whole.insert(workspace, directory.clone());
            (directory, log)
        };
        let forks = Forks::load(storage, &key.derive())?;
        let new = Journal::open_unfolded(OpenedLog { directory, log, lineage: forks.lineage(&workspace) })?;
        Ok(Self { storage, key, workspace, old, new, forks, proofs: Vec::new(), held: BTreeMap::new() })
    }

    /// Takes over what follows, durably. Returns whose log it is, and how many entries are missing after that.
    pub(super) fn take_over(mut self) -> Result<(WorkspaceId, u64), MendError> {
        // What follows something else may be stored before it: only the order within a chain is promised.
        while self.pass()? == Pass::Again {}
        self.new.sync().map_err(JournalError::from)?;
        self.keep_proofs()?;
        let mut missing = 0_u64;
        for (author, end) in ends(&self.old)? {
            missing = missing.saturating_add(self.lack(author, end)?);
        }
        self.new.close().map_err(JournalError::from)?;
        Ok((self.workspace, missing))
    }

    fn pass(&mut self) -> Result<Pass, JournalError> {
        let (mut is_any_taken, mut is_any_behind) = (false, false);
        for run in self.old.replay() {
            let (meta, bytes) = match run {
                Ok(run) => run,
                Err(ReadError::Corrupt(_)) => continue,
                Err(error) => return Err(error.into()),
            };
            match self.new.salvage(&bytes, &mut self.proofs)? {
                Salvaged::Behind => {
                    is_any_behind = true;
                    continue;
                }
                Salvaged::Taken => is_any_taken = true,
                Salvaged::Known => {}
            }
            self.held.insert(meta.author, ChainHead { seq: meta.last_seq, hash: meta.head_hash });
        }
        Ok(if is_any_taken && is_any_behind { Pass::Again } else { Pass::Done })
    }

    /// Keeps the proofs of forks that showed, for peers that know nothing of them. The logs alone show them to this device.
    fn keep_proofs(&mut self) -> Result<(), LocalStateError> {
        for proof in self.proofs.drain(..) {
            if self.forks.has_room_for(&self.workspace, &proof) {
                self.forks.insert(self.workspace, proof);
            }
        }
        if !self.forks.is_saved() {
            ensure_dir(self.storage, "state")?;
            self.forks.save(self.storage, &self.key.derive()).map_err(LocalStateError::Seal)?;
        }
        Ok(())
    }

    /// Counts what is missing of a chain of the old log that went to `end`, at least.
    fn lack(&self, author: Author, end: ChainHead) -> Result<u64, JournalError> {
        if self.new.whose(&author.device, &end)?.is_some() {
            return Ok(0);
        }
        // More of it may have come back than the old log can show.
        let holder = match self.held.get(&author) {
            Some(held) => self.new.whose(&author.device, held)?,
            None => None,
        };
        let held = self.new.head(&holder.unwrap_or(author)).seq;
        Ok(end.seq.0.saturating_sub(held.0).max(1))
    }
}

/// How a pass over the old log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// Nothing more follows.
    Done,
    /// Something was taken over, and something was left that may follow it.
    Again,
}

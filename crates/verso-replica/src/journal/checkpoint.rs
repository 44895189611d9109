//! A workspace's journal that starts from a checkpoint.

use verso_identity::DeviceKey;
use verso_log::Storage;
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::{Application, Reason, SyncUnit};

use super::{Journal, OpenedLog, Resume};
use crate::checkpoint::{self, Saved, Unusable};
use crate::error::JournalError;
use crate::state::{Soundness, State as _, WorkspaceState};
use crate::view::View;

impl<S: Storage, A: Application> Journal<S, WorkspaceState<A>> {
    /// Opens the log of a workspace: from its checkpoint and what the log holds beyond, or, if anything is wrong with that, from all that
    /// the log holds.
    pub(crate) fn open_workspace(
        storage: &S,
        key: &DeviceKey,
        opened: OpenedLog<S>,
        resume: &mut Resume<'_>,
    ) -> Result<Self, JournalError> {
        let mut journal = Self::unread(opened, WorkspaceState::new);
        match journal.start_from_checkpoint(storage, key, resume) {
            Ok(()) => {
                journal.replay(Some(&mut *resume))?;
                if journal.damage.is_empty() {
                    return Ok(journal);
                }
                // Of a damaged log all is read, so that all its damage is told.
                let Self { directory, log, lineage, .. } = journal;
                journal = Self::unread(OpenedLog { directory, log, lineage }, WorkspaceState::new);
            }
            Err(Unusable::Absent | Unusable::Unsupported) => {}
            Err(error) => {
                let workspace = journal.workspace;
                tracing::warn!(target: "verso.sync", %workspace, %error, "the checkpoint is of no use, the log is read instead");
            }
        }
        journal.replay(Some(resume))?;
        Ok(journal)
    }

    /// Counts the entries that are held and not covered by the last checkpoint.
    pub(crate) fn entries_since_checkpoint(&self) -> u64 {
        self.view.counts().0.saturating_sub(self.covered)
    }

    /// Writes what a checkpoint says, if all of it is durable and nothing is wrong with the log.
    pub(crate) fn save(&mut self) -> Option<Vec<u8>> {
        // What entries are called may change with the next fork that is learnt, so none is kept of a log that has forked chains.
        if self.holds_forked()
            || self.closed().is_some()
            || self.view.is_empty()
            || self.log.durable() != self.log.held()
        {
            return None;
        }
        let WorkspaceState { membership, application, soundness: _ } = &self.view.state;
        let bytes = checkpoint::encode(self.view.save(), membership, application)?;
        self.covered = self.view.counts().0;
        Some(bytes)
    }

    /// Notes that the application panicked.
    pub(crate) fn break_down(&mut self) {
        self.view.state.soundness = Soundness::Broken;
        self.failure.get_or_insert(Reason::WorkerCrash);
    }

    fn start_from_checkpoint(&mut self, storage: &S, key: &DeviceKey, resume: &mut Resume<'_>) -> Result<(), Unusable> {
        if self.closed().is_some() || self.holds_forked() {
            return Err(Unusable::Log);
        }
        let (saved, application) = checkpoint::load::<S, A>(storage, key, &self.directory, &self.workspace)?;
        if !saved.view.heads().all(|(author, seq, hash)| self.log_agrees(&author, seq, hash)) {
            return Err(Unusable::Log);
        }
        let mut state = WorkspaceState::new(self.workspace);
        state.application = application;
        for (context, kind, payload) in saved.events() {
            state.hold(&context, kind, payload);
        }
        for (author, greatest) in saved.view.greatest() {
            resume.after(&author.device, greatest);
        }
        let Saved { view, .. } = saved;
        self.view = View::restore(state, view).ok_or(Unusable::Malformed)?;
        self.covered = self.view.counts().0;
        Ok(())
    }

    /// Tells whether the log holds all of a chain up to this entry, and this entry at its end.
    fn log_agrees(&self, author: &Author, seq: Seq, hash: EntryHash) -> bool {
        if self.log.held().get(author) < seq {
            return false;
        }
        if self.log.head(author) == Some((seq, hash)) {
            return true;
        }
        match self.log.runs(author, seq.next()).next() {
            Some(run) if run.meta.first_seq == seq.next() => run.meta.prev_hash == hash,
            // Compaction joined what came after to what was before.
            Some(run) => {
                let unit = self.log.read(run.id).ok().and_then(|bytes| SyncUnit::decode(&self.workspace, &bytes).ok());
                unit.is_some_and(|unit| unit.chain().hash_at(seq) == Some(hash))
            }
            None => false,
        }
    }
}

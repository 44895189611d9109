//! [`Journal`]: one log with the state it adds up to.

mod checkpoint;

use bytes::Bytes;
use verso_identity::{DeviceId, DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{AppendError, BranchPoint, Corrupt, LogMode, LogOptions, ReadError, RunMeta, Storage, SyncLog};
use verso_session::EncodedRun;
use verso_vv::{Author, EntryHash, Hlc, HlcClock, Seq, VersionVector};
use verso_wire::limits::MAX_PAYLOAD;
use verso_wire::{
    ChainHead, ChainedUnit, CompressionLevel, Drafts, Reason, SyncUnit, UnitBuilder, UnitError, VerifiedUnit,
};

use crate::error::JournalError;
use crate::joining::Pack;
use crate::reason;
use crate::state::State;
use crate::view::{Held, View};

/// How many units whose events may change the fold wait to be applied while a log is replayed, so that a run of them asks the
/// fold once. More saves little; each is in memory.
const WAITING: usize = 64;

/// A log and its state.
///
/// 1. A unit is *held* once it is in the log; its events reach the fold at once.
/// 2. Entries that the fold lets through are *applied*, in their author's order.
/// 3. When the fold changes, what it newly lets through is read from the log and applied; if it no longer lets through what was
///    applied, the application is rebuilt from the log.
/// 4. After a failure the journal takes nothing until it is [opened again](Self::reopen): what its state shows may be ahead of
///    what is durable.
///
/// Guarantee: what is applied is, for every author and up to its last applied entry, exactly what the fold lets through of what is held.
#[derive(Debug)]
pub(crate) struct Journal<S: Storage, T> {
    pub(crate) workspace: WorkspaceId,
    directory: String,
    pub(crate) log: SyncLog<S>,
    pub(crate) view: View<T>,
    /// What could not be read when the log was opened.
    damage: Vec<Corrupt>,
    /// Why the journal takes nothing until it is opened again.
    failure: Option<Reason>,
    /// How many entries the last checkpoint covers.
    covered: u64,
}

/// Where a journal lies, and under which key.
#[derive(Debug)]
pub(crate) struct Place<'a, S> {
    pub(crate) storage: &'a S,
    pub(crate) directory: &'a str,
    pub(crate) key: &'a Key<purposes::Log>,
}

/// The clock of the device, which goes on after every stamp that it gave or believed.
#[derive(Debug)]
pub(crate) struct Resume<'a> {
    pub(crate) device: DeviceId,
    pub(crate) clock: &'a mut HlcClock,
    pub(crate) now_ms: u64,
}

/// What taking in a unit led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ingested {
    /// The fold may have changed, so verdicts given before may no longer hold.
    pub(crate) fold_changed: bool,
    /// The application was built again from the log.
    pub(crate) rebuilt: bool,
    /// The greatest stamp among the entries.
    pub(crate) greatest_hlc: Hlc,
}

/// A run that was appended, ready to be passed on.
#[derive(Debug)]
pub(crate) struct AppendedRun {
    pub(crate) author: Author,
    pub(crate) head: ChainHead,
    pub(crate) run: EncodedRun,
}

impl<S: Storage, T: State> Journal<S, T> {
    /// Makes the log of a workspace in a directory that does not exist yet.
    pub(crate) fn create(place: &Place<'_, S>, workspace: WorkspaceId, state: T) -> Result<Self, JournalError> {
        let Place { storage, directory, key } = *place;
        let label = *workspace.as_bytes();
        let log =
            SyncLog::create(storage.clone(), directory, key, label, LogOptions::default()).inspect_err(|_error| {
                // Best effort: what is left of it is cleared when the device is opened again.
                drop(SyncLog::remove(storage, directory));
            })?;
        Ok(Self::unread(directory.to_owned(), log, |_workspace| state))
    }

    /// Replays a log into its state, streaming: memory holds few records at a time beside the state. What can't be read costs its author
    /// what lies behind it, and the journal takes nothing more.
    pub(crate) fn open(
        directory: String,
        log: SyncLog<S>,
        state: T,
        resume: &mut Resume<'_>,
    ) -> Result<Self, JournalError> {
        let mut journal = Self::unread(directory, log, |_workspace| state);
        journal.replay(resume)?;
        Ok(journal)
    }

    /// Makes the journal of a log of which nothing was read yet.
    fn unread(directory: String, log: SyncLog<S>, state: impl FnOnce(WorkspaceId) -> T) -> Self {
        let workspace = WorkspaceId::from_bytes(*log.label());
        let view = View::new(state(workspace));
        Self { workspace, directory, log, view, damage: Vec::new(), failure: None, covered: 0 }
    }

    /// Opens the log of this journal once more: what became durable, and nothing else.
    pub(crate) fn open_log_again(&self, storage: &S, key: &Key<purposes::Log>) -> Result<SyncLog<S>, JournalError> {
        let (log, _report) = SyncLog::open(storage.clone(), &self.directory, key, LogOptions::default())?;
        Ok(log)
    }

    /// Returns the directory of the log.
    pub(crate) fn directory(&self) -> &str {
        &self.directory
    }

    /// Removes the log, of which nothing was ever durable. What can't be removed now is when the device is opened again.
    pub(crate) fn abandon(self, storage: &S) {
        drop(self.log);
        if let Err(error) = SyncLog::remove(storage, &self.directory) {
            tracing::warn!(target: "verso.sync", workspace = %self.workspace, %error, "a log that was not needed stays for now");
        }
    }

    /// Makes everything durable, and ends the log so that nothing needs recovery.
    pub(crate) fn close(self) -> Result<(), AppendError> {
        self.log.close()
    }

    /// Returns why the journal takes nothing: it failed, or it is damaged and open for reading only.
    pub(crate) fn closed(&self) -> Option<Reason> {
        let is_damaged = !self.damage.is_empty() || self.log.mode() != LogMode::ReadWrite;
        self.failure.or_else(|| is_damaged.then_some(Reason::LogDamaged))
    }

    /// Returns why the journal failed since it was opened.
    pub(crate) const fn failure(&self) -> Option<Reason> {
        self.failure
    }

    /// Returns what could not be read when the log was opened.
    pub(crate) fn damage(&self) -> &[Corrupt] {
        &self.damage
    }

    /// Returns the end of an author's chain as it is held.
    pub(crate) fn head(&self, author: &Author) -> ChainHead {
        self.view.head(author).unwrap_or_else(|| ChainHead::start(&self.workspace, author))
    }

    /// Returns the ends of all chains held, in the order in which their authors first appeared.
    pub(crate) fn heads(&self) -> Vec<(Author, ChainHead)> {
        self.view.authors().iter().map(|author| (*author, self.head(author))).collect()
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&mut self) -> Result<(), AppendError> {
        if self.log.mode() == LogMode::ReadOnly {
            return Ok(()); // Nothing was appended.
        }
        let synced = self.log.sync();
        self.noting(synced)
    }

    /// Notes that the log failed, if it did: then the journal takes nothing until it is opened again.
    pub(crate) fn noting<R>(&mut self, outcome: Result<R, AppendError>) -> Result<R, AppendError> {
        outcome.inspect_err(|error| {
            self.failure.get_or_insert(reason::of_append(error));
        })
    }

    /// Signs and appends a batch of own entries and applies them. Nothing is durable before [`sync`](Self::sync).
    ///
    /// What fits no unit is refused before anything is appended; a log that fails half-way fails the journal.
    pub(crate) fn commit(
        &mut self,
        key: &DeviceKey,
        author: Author,
        drafts: &Drafts,
        mut stamp: impl FnMut() -> Hlc,
    ) -> Result<(Ingested, Vec<AppendedRun>), JournalError> {
        if let Some((_, payload)) = drafts.iter().find(|(_, payload)| payload.len() > MAX_PAYLOAD) {
            return Err(UnitError::PayloadTooLarge { len: payload.len() }.into());
        }
        if let Some(reason) = self.closed() {
            return Err(JournalError::Closed { reason });
        }
        let mut outcome = Ingested::default();
        let mut runs = Vec::new();
        let mut drafts = drafts.iter().peekable();
        while drafts.peek().is_some() {
            let mut builder = UnitBuilder::new(self.workspace, author, None, self.head(&author));
            while let Some((kind, payload)) = drafts.next_if(|(_, payload)| builder.fits(payload.len())) {
                builder.push(kind, stamp(), payload)?;
            }
            let unit = builder.seal(key)?.into_chained();
            let bytes = Bytes::from(unit.encode(CompressionLevel::RECORD));
            outcome.add(self.append(&unit, &bytes)?);
            let run = EncodedRun { first: unit.first_seq(), last: unit.last_seq(), bytes };
            runs.push(AppendedRun { author, head: unit.head(), run });
        }
        Ok((outcome, runs))
    }

    /// Appends a verified unit from elsewhere, which must follow what is held, as the bytes it came in.
    pub(crate) fn receive(&mut self, unit: &VerifiedUnit, bytes: &[u8]) -> Result<Ingested, JournalError> {
        self.append(unit, bytes)
    }

    /// Reads units of `author` from the one that holds `from` on: at most `max_bytes` as they are stored, but at least one. Small ones are
    /// [joined](Pack).
    pub(crate) fn read(&self, author: &Author, from: Seq, max_bytes: usize) -> Result<Vec<EncodedRun>, JournalError> {
        let mut pack = Pack::new(self.workspace, self.needed_seals_of(author).collect());
        let mut total = 0_usize;
        for run in self.log.runs(author, from) {
            let bytes = Bytes::from(self.log.read(run.id)?);
            total = total.saturating_add(bytes.len());
            if total > max_bytes && !pack.is_empty() {
                break;
            }
            pack.push(EncodedRun { first: run.meta.first_seq, last: run.meta.last_seq, bytes })?;
        }
        Ok(pack.finish()?)
    }

    /// Returns the identity of the entry at `seq`, if it is held. [`Seq::ZERO`] stands for the chain's start.
    pub(crate) fn hash_at(&self, author: &Author, seq: Seq) -> Result<Option<EntryHash>, JournalError> {
        let head = self.head(author);
        if seq >= head.seq {
            return Ok((seq == head.seq).then_some(head.hash));
        }
        // The description of the run behind names the entry before it, and so does that of the run it ends.
        let Some(run) = self.log.runs(author, seq.next()).next() else { return Ok(None) };
        if run.meta.first_seq == seq.next() {
            return Ok(Some(run.meta.prev_hash));
        }
        Ok(self.decode(&self.log.read(run.id)?)?.hash_at(seq))
    }

    /// Returns what of a stored unit follows what is held; `None` if nothing does, because it lies behind damage. It begins within what is
    /// held where compaction joined what a checkpoint covers to what it doesn't.
    fn rest_of(&self, unit: ChainedUnit) -> Result<Option<ChainedUnit>, JournalError> {
        let head = self.head(&unit.author());
        if unit.first_seq() <= head.seq && head.seq < unit.last_seq() && unit.hash_at(head.seq) == Some(head.hash) {
            return Ok(Some(unit.cut_front(head.seq.next())?));
        }
        Ok(self.view.is_next(&unit).then_some(unit))
    }

    fn decode(&self, bytes: &[u8]) -> Result<ChainedUnit, JournalError> {
        Ok(SyncUnit::decode(&self.workspace, bytes)?.chain())
    }

    fn append(&mut self, unit: &ChainedUnit, bytes: &[u8]) -> Result<Ingested, JournalError> {
        let appended = self.log.append(&meta_of(unit), bytes).map_err(JournalError::from);
        appended.and_then(|_id| self.take_in(unit)).inspect_err(|error| {
            self.failure.get_or_insert(reason::of_journal(error));
        })
    }

    fn take_in(&mut self, unit: &ChainedUnit) -> Result<Ingested, JournalError> {
        let Held { fold_changed, greatest_hlc } = self.view.hold(unit);
        let mut rebuilt = false;
        if fold_changed {
            rebuilt = self.follow_fold()?;
        } else {
            self.view.apply(unit);
        }
        Ok(Ingested { fold_changed, rebuilt, greatest_hlc })
    }

    /// Brings what is applied in line with the fold. Returns whether the application was rebuilt.
    fn follow_fold(&mut self) -> Result<bool, JournalError> {
        if !T::APPLIES {
            return Ok(false);
        }
        let rebuilt = self.view.is_cut();
        if rebuilt {
            self.view.reset();
        }
        // What one author's entries say can admit another's, but all that is held is in the fold already: one pass is enough.
        for author in self.view.authors().to_vec() {
            self.apply_held(author)?;
        }
        Ok(rebuilt)
    }

    /// Applies what the fold lets through of what the log holds of `author`.
    fn apply_held(&mut self, author: Author) -> Result<(), JournalError> {
        let next = self.view.applied_seq(&author).next();
        let last = self.head(&author).seq;
        if last < next || !self.view.state.admissions(&author).applies_any(next, last) {
            return Ok(());
        }
        let runs: Vec<_> = self.log.runs(&author, next).filter(|run| run.meta.last_seq <= last).collect();
        for run in runs {
            let unit = self.decode(&self.log.read(run.id)?)?;
            self.view.apply(&unit);
        }
        Ok(())
    }

    /// Brings the state up to what the log holds: one pass in stored order over what is not in it yet, then whatever the complete fold lets
    /// through besides.
    fn replay(&mut self, resume: &mut Resume<'_>) -> Result<(), JournalError> {
        let mut waiting: Vec<ChainedUnit> = Vec::new();
        let mut seen = VersionVector::new();
        self.heads().into_iter().for_each(|(author, head)| seen.set(author, head.seq));
        for record in self.log.replay_after(&seen) {
            let bytes = match record {
                Ok((_meta, bytes)) => bytes,
                Err(ReadError::Corrupt(corrupt)) => {
                    self.damage.push(corrupt);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let unit = SyncUnit::decode(&self.workspace, &bytes)?.chain();
            let Some(unit) = self.rest_of(unit)? else { continue };
            let Held { fold_changed, greatest_hlc } = self.view.hold(&unit);
            resume.after(&unit.author().device, greatest_hlc);
            waiting.push(unit);
            if !fold_changed || waiting.len() >= WAITING {
                waiting.drain(..).for_each(|unit| self.view.apply(&unit));
            }
        }
        drop(waiting);
        self.follow_fold().map(|_rebuilt| ())
    }
}

impl Resume<'_> {
    pub(super) fn after(&mut self, device: &DeviceId, stamp: Hlc) {
        if *device == self.device {
            *self.clock = HlcClock::resume(self.clock.last().max(stamp));
        } else {
            self.clock.observe(stamp, self.now_ms);
        }
    }
}

impl Ingested {
    fn add(&mut self, other: Self) {
        self.fold_changed |= other.fold_changed;
        self.rebuilt |= other.rebuilt;
        self.greatest_hlc = self.greatest_hlc.max(other.greatest_hlc);
    }
}

pub(crate) fn meta_of(unit: &ChainedUnit) -> RunMeta {
    RunMeta {
        author: unit.author(),
        branch: unit.branch().map(|branch| BranchPoint { at: branch.at, hash: branch.hash }),
        first_seq: unit.first_seq(),
        last_seq: unit.last_seq(),
        prev_hash: *unit.prev_hash(),
        head_hash: unit.head().hash,
    }
}

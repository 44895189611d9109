//! [`Journal`]: one log with the state it adds up to.

mod checkpoint;
mod descent;
mod replay;
mod salvage;
mod signing;

use std::collections::BTreeSet;

use bytes::Bytes;
use verso_identity::{DeviceId, DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{AppendError, BranchPoint, Corrupt, LogMode, LogOptions, RunMeta, Storage, SyncLog};
use verso_session::EncodedRun;
use verso_vv::{Author, EntryHash, Hlc, HlcClock, Seq};
use verso_wire::limits::MAX_PAYLOAD;
use verso_wire::{
    Branch, ChainHead, ChainedUnit, CompressionLevel, Content, Drafts, Reason, SyncUnit, UnitError, VerifiedUnit,
};

pub(crate) use self::descent::{Standing, hash_before};
pub(crate) use self::salvage::{Salvaged, Unfolded};
use self::signing::Signing;
use crate::erase::GivenUp;
use crate::error::JournalError;
use crate::joining::Pack;
use crate::lineage::{ForkPoint, Lineage, Part};
use crate::reason;
use crate::state::State;
use crate::view::{Held, View};

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
    pub(crate) lineage: Lineage,
    /// Entries of forked chains that events name and that are not held: when they come, the fold is told.
    unknown: BTreeSet<(Seq, EntryHash)>,
    /// What could not be read when the log was opened.
    damage: Vec<Corrupt>,
    /// Why the journal takes nothing until it is opened again.
    failure: Option<Reason>,
    /// How many entries the last checkpoint covers.
    covered: u64,
    /// Of what the log is known to have no more than digests.
    pub(crate) erased: GivenUp,
}

/// Where a journal lies, and under which key.
#[derive(Debug)]
pub(crate) struct Place<'a, S> {
    pub(crate) storage: &'a S,
    pub(crate) directory: &'a str,
    pub(crate) key: &'a Key<purposes::Log>,
}

/// A log that was opened, and of which nothing was read yet.
#[derive(Debug)]
pub(crate) struct OpenedLog<S: Storage> {
    pub(crate) directory: String,
    pub(crate) log: SyncLog<S>,
    /// What is known of forks in it.
    pub(crate) lineage: Lineage,
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
    /// The run itself, if it can be passed on as it is.
    pub(crate) run: Option<EncodedRun>,
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
        let opened = OpenedLog { directory: directory.to_owned(), log, lineage: Lineage::default() };
        Ok(Self::unread(opened, |_workspace| state))
    }

    /// Replays a log into its state, streaming: memory holds few records at a time beside the state. What can't be read costs its author
    /// what lies behind it, and the journal takes nothing more.
    pub(crate) fn open(opened: OpenedLog<S>, state: T, resume: &mut Resume<'_>) -> Result<Self, JournalError> {
        let mut journal = Self::unread(opened, |_workspace| state);
        journal.replay(Some(resume))?;
        Ok(journal)
    }

    /// Makes the journal of a log of which nothing was read yet.
    fn unread(opened: OpenedLog<S>, state: impl FnOnce(WorkspaceId) -> T) -> Self {
        let OpenedLog { directory, log, lineage } = opened;
        let workspace = WorkspaceId::from_bytes(*log.label());
        let view = View::new(state(workspace));
        let unknown = BTreeSet::new();
        let (damage, erased) = (Vec::new(), GivenUp::new());
        Self { workspace, directory, log, view, lineage, unknown, damage, failure: None, covered: 0, erased }
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

    /// Makes everything durable, and ends the log so that nothing needs recovery. What an application panicked on is dropped, if it is not durable yet.
    pub(crate) fn close(self) -> Result<(), AppendError> {
        if self.failure == Some(Reason::WorkerCrash) {
            return Ok(());
        }
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

    /// Makes what was appended durable, unless the journal has failed: what an application panicked on would be there at every start.
    pub(crate) fn sync(&mut self) -> Result<(), AppendError> {
        if self.log.mode() == LogMode::ReadOnly || self.failure == Some(Reason::WorkerCrash) {
            return Ok(());
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
        stamp: impl FnMut() -> Hlc + Send,
    ) -> Result<(Ingested, Vec<AppendedRun>), JournalError> {
        if let Some((_, payload)) = drafts.iter().find(|(_, payload)| payload.len() > MAX_PAYLOAD) {
            return Err(UnitError::PayloadTooLarge { len: payload.len() }.into());
        }
        if let Some(reason) = self.closed() {
            return Err(JournalError::Closed { reason });
        }
        let mut outcome = Ingested::default();
        let mut runs = Vec::new();
        let signing = Signing { workspace: self.workspace, key, author, head: self.head(&author), drafts, stamp };
        signing.each(|unit, bytes| {
            let (ingested, appended) = self.append(&unit, author, &bytes)?;
            outcome.add(ingested);
            runs.extend(appended);
            Ok(())
        })?;
        Ok((outcome, runs))
    }

    /// Appends a verified unit from elsewhere, of which the entry before it is `after`'s, as the bytes it came in. It must have the label of the
    /// stored chain that it [continues](Self::label_of_next).
    pub(crate) fn receive(
        &mut self,
        unit: &VerifiedUnit,
        after: Author,
        bytes: &Bytes,
    ) -> Result<(Ingested, Vec<AppendedRun>), JournalError> {
        self.append(unit, after, bytes)
    }

    /// Returns the label of the stored chain to which a unit belongs that follows what is held.
    pub(crate) fn label_of_next(&self, unit: &ChainedUnit, after: Author) -> Option<Branch> {
        let part = self.lineage.parts(unit, after).into_iter().next()?;
        self.lineage.spans(&part.author).last().map_or(part.branch, |span| span.label)
    }

    /// Reads units of `author` from the one that holds `from` on: at most `max_bytes` as they are stored, but at least one. Small ones are
    /// [joined](Pack). Where a fork ends the author's part of a chain between two seals, the last reaches beyond it.
    pub(crate) fn read(&self, author: &Author, from: Seq, max_bytes: usize) -> Result<Vec<EncodedRun>, JournalError> {
        let given_up = if T::APPLIES { self.view.state.admissions(author).given_up().to_vec() } else { Vec::new() };
        let (own_first, label) = (self.lineage.first(author), self.lineage.branch(author));
        let last = self.head(author).seq;
        let mut pack = Pack::new(self.workspace, self.needed_seals_of(author).collect());
        let mut total = 0_usize;
        for run in self.runs_of(author, from) {
            let mut bytes = Bytes::from(self.log.read(run.id)?);
            let first = run.meta.first_seq.max(own_first);
            if run.meta.author != *author || first != run.meta.first_seq {
                // It is stored under the label that its chain began with, which may no longer be its author's name.
                let unit = self.decode(&bytes)?.cut_front(first)?.labelled(label)?;
                bytes = Bytes::from(unit.encode(CompressionLevel::RECORD));
            }
            let is_given_up = |(from, until): &(Seq, Seq)| *from <= run.meta.last_seq && first <= *until;
            if given_up.iter().any(is_given_up) {
                let mut unit = SyncUnit::decode(&self.workspace, &bytes)?;
                if unit.give_up(&given_up) {
                    bytes = Bytes::from(unit.encode(CompressionLevel::RECORD));
                }
            }
            total = total.saturating_add(bytes.len());
            if total > max_bytes && !pack.is_empty() {
                break;
            }
            pack.push(EncodedRun { first, last: run.meta.last_seq, bytes })?;
        }
        let mut runs = pack.finish()?;
        for run in &mut runs {
            run.last = run.last.min(last);
        }
        Ok(runs)
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<ChainedUnit, JournalError> {
        Ok(SyncUnit::decode(&self.workspace, bytes)?.chain())
    }

    fn append(
        &mut self,
        unit: &ChainedUnit,
        after: Author,
        bytes: &Bytes,
    ) -> Result<(Ingested, Vec<AppendedRun>), JournalError> {
        let appended = self.log.append(&meta_of(unit), bytes).map_err(JournalError::from);
        appended.and_then(|_id| self.take_in(unit, after, bytes)).inspect_err(|error| {
            self.failure.get_or_insert(reason::of_journal(error));
        })
    }

    fn take_in(
        &mut self,
        unit: &ChainedUnit,
        after: Author,
        bytes: &Bytes,
    ) -> Result<(Ingested, Vec<AppendedRun>), JournalError> {
        let (Held { fold_changed, greatest_hlc }, parts) = self.hold(unit, after);
        let is_named = |(seq, hash): &(Seq, EntryHash)| unit.first_seq() <= *seq && unit.hash_at(*seq) == Some(*hash);
        let fold_changed = fold_changed || self.unknown.iter().any(is_named);
        let mut rebuilt = false;
        if fold_changed {
            self.tell_fold()?;
            rebuilt = self.follow_fold()? || brings_back::<T>(unit);
        } else {
            self.apply(unit, &parts);
        }
        if !self.view.state.is_sound() {
            return Err(JournalError::Crashed);
        }
        let is_whole = |part: &Part| part.author == unit.author() && parts.len() == 1;
        let runs = parts.iter().map(|part| AppendedRun {
            author: part.author,
            head: self.head(&part.author),
            run: is_whole(part).then(|| EncodedRun { first: part.first, last: part.last, bytes: bytes.clone() }),
        });
        Ok((Ingested { fold_changed, rebuilt, greatest_hlc }, runs.collect()))
    }

    /// Takes in a unit that is in the log, under what its entries are called.
    fn hold(&mut self, unit: &ChainedUnit, after: Author) -> (Held, Vec<Part>) {
        let parts = self.lineage.parts(unit, after);
        self.lineage.extend(unit, after, &parts);
        let mut held = Held { fold_changed: false, greatest_hlc: Hlc::default() };
        for part in &parts {
            let of_part = self.view.hold(unit, part);
            held.fold_changed |= of_part.fold_changed;
            held.greatest_hlc = held.greatest_hlc.max(of_part.greatest_hlc);
        }
        (held, parts)
    }

    fn apply(&mut self, unit: &ChainedUnit, parts: &[Part]) {
        for part in parts {
            self.view.apply(unit, part, &self.lineage.ancestors(&part.author));
        }
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
        let (first, last) = (self.lineage.first(&author), self.head(&author).seq);
        let next = self.view.applied_seq(&author).next().max(first);
        if last < next || !self.view.state.admissions(&author).applies_any(next, last) {
            return Ok(());
        }
        let part = Part { author, branch: None, first, last };
        let mut from = next;
        loop {
            let run = self.runs_of(&author, from).next();
            // Of a log that is being replayed only what is held counts.
            let Some(run) = run.filter(|run| run.meta.first_seq <= last) else { return Ok(()) };
            let unit = self.decode(&self.log.read(run.id)?)?;
            self.apply(&unit, &[part]);
            from = run.meta.last_seq.next();
        }
    }

    /// Notes forks that were proven: what lies behind them has other names from here on, so all that is held is taken in again, unless nothing of
    /// those chains is.
    pub(crate) fn learn(&mut self, forks: impl IntoIterator<Item = (Author, ForkPoint)>) -> Result<(), JournalError> {
        let mut is_any_held = false;
        for (signer, point) in forks {
            is_any_held |= self.log.held().get(&signer) > Seq::ZERO || self.lineage.names(&signer).next().is_some();
            self.lineage.insert(signer, point);
        }
        let renamed = if is_any_held {
            self.forget();
            let replayed = self.replay(None);
            if self.damage.is_empty() {
                replayed
            } else {
                replayed.and(Err(JournalError::Closed { reason: Reason::LogDamaged }))
            }
        } else {
            self.tell_fold()
        };
        renamed.inspect_err(|error| {
            self.failure.get_or_insert(reason::of_journal(error));
        })
    }

    /// Notes a fork that was proven, and behind which nothing is held: what is keeps its name. Returns whether the application was rebuilt, because the
    /// fold says something else now of entries that events name.
    pub(crate) fn foresee(&mut self, signer: Author, point: ForkPoint) -> Result<bool, JournalError> {
        self.lineage.foresee(signer, point, self.head(&signer).seq);
        let followed = self.tell_fold().and_then(|()| self.follow_fold());
        let followed = if self.view.state.is_sound() { followed } else { Err(JournalError::Crashed) };
        followed.inspect_err(|error| {
            self.failure.get_or_insert(reason::of_journal(error));
        })
    }

    fn forget(&mut self) {
        self.lineage.forget_names();
        self.view.forget();
        self.covered = 0;
    }
}

/// Tells whether a unit brings back what was passed over before.
fn brings_back<T: State>(unit: &ChainedUnit) -> bool {
    unit.entries().any(|entry| match entry.content {
        Content::Full { kind, payload, .. } => T::brings_back(kind, payload),
        Content::Digest(_) => false,
    })
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

//! Compaction, and whatever else is asked of a log as a whole: what it holds, whether it is whole.

use std::collections::BTreeSet;

use verso_identity::WorkspaceId;
use verso_log::{CompactReport, Joined, Joiner, LogStats, RunMeta, Storage, VerifyReport};
use verso_vv::{Author, Seq};
use verso_wire::{Application, CompressionLevel, DecodeError, Seam, SyncUnit};

use crate::erase::GivenUp;
use crate::error::JournalError;
use crate::journal::Journal;
use crate::replica::Replica;
use crate::state::State;

/// From how many segments on that no compaction has written one is due. A command of the program leaves one behind, of 2 kB or so. To open a
/// log costs about 60 µs a segment: 16 cost a millisecond, and a step that joins them is about three syncs, shared by 16 commands.
const LOOSE_SEGMENTS: u64 = 16;

/// From how many bytes in such segments on. They get a quarter smaller, mostly; half a segment is worth a step.
const LOOSE_BYTES: u64 = 4 << 20;

/// A step of compaction that was begun: [`run`](Self::run) it on any thread, then [`finish_compaction`](Replica::finish_compaction). The log
/// goes on meanwhile.
#[derive(Debug)]
pub struct Compaction<S: Storage> {
    log: verso_log::Compaction<S>,
    joiner: UnitJoiner,
}

/// A step of compaction that was run.
#[derive(Debug)]
pub struct Compacted<S: Storage> {
    log: verso_log::Compacted<S>,
    workspace: WorkspaceId,
    needed: BTreeSet<(Author, Seq)>,
}

impl<S: Storage> Compaction<S> {
    /// Joins units and compresses them better: about 0.6 µs an entry. Nothing of the log changes.
    ///
    /// # Errors
    /// [`JournalError`] if something can't be read, or the new segment can't be written.
    pub fn run(self) -> Result<Compacted<S>, JournalError> {
        self.run_while(|| true)
    }

    /// As [`run`](Self::run), and asks every few milliseconds whether to go on.
    ///
    /// # Errors
    /// [`JournalError`], also if it was not to go on. Nothing of the log changes.
    pub fn run_while(self, go_on: impl Fn() -> bool) -> Result<Compacted<S>, JournalError> {
        let Self { log, mut joiner } = self;
        let log = log.run_while(&mut joiner, go_on)?;
        Ok(Compacted { log, workspace: joiner.workspace, needed: joiner.needed })
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Returns the logs that have so many small segments, or so much that was only recorded, that compaction is due.
    pub fn compactions_due(&self) -> impl Iterator<Item = WorkspaceId> {
        let is_due = |stats: LogStats| stats.loose_segments >= LOOSE_SEGMENTS || stats.loose_bytes >= LOOSE_BYTES;
        let all = std::iter::once(WorkspaceId::CONTROL).chain(self.workspaces());
        let may_erase = |workspace: &WorkspaceId| self.workspaces.get(workspace).is_some_and(Journal::may_erase);
        let is_due =
            move |workspace: &WorkspaceId| self.log_stats(workspace).is_some_and(is_due) || may_erase(workspace);
        all.filter(move |workspace| self.failure(workspace).is_none() && is_due(workspace))
    }

    /// Begins a step of compaction of what is no longer written to. `None` if there is nothing to gain, another step is under way, or the
    /// log takes nothing.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such log, or a new segment can't be made.
    pub fn begin_compaction(&mut self, workspace: &WorkspaceId) -> Result<Option<Compaction<S>>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.begin_compaction();
        }
        self.workspaces.get_mut(workspace).ok_or(JournalError::Missing)?.begin_compaction()
    }

    /// Puts what a step made in its place: as long as a sync or two. `None` if the step came too late, because the log was opened again or
    /// more of what it dropped is needed now; then nothing has happened.
    ///
    /// # Errors
    /// [`JournalError`] if the log fails.
    pub fn finish_compaction(&mut self, done: Compacted<S>) -> Result<Option<CompactReport>, JournalError> {
        if done.workspace == WorkspaceId::CONTROL {
            return self.control.finish_compaction(done);
        }
        self.workspaces.get_mut(&done.workspace).ok_or(JournalError::Missing)?.finish_compaction(done)
    }

    /// Compacts a log until nothing is to be gained, and calls `told` with what was done so far after each step. What was recorded is made
    /// durable first.
    ///
    /// # Errors
    /// [`JournalError`]; what earlier steps did stays done.
    pub fn compact(
        &mut self,
        workspace: &WorkspaceId,
        told: impl FnMut(&CompactReport),
    ) -> Result<CompactReport, JournalError> {
        self.compact_while(workspace, told, || true)
    }

    /// As [`compact`](Self::compact), and asks every few milliseconds whether to go on.
    ///
    /// # Errors
    /// As [`compact`](Self::compact), also if it was not to go on.
    pub fn compact_while(
        &mut self,
        workspace: &WorkspaceId,
        mut told: impl FnMut(&CompactReport),
        go_on: impl Fn() -> bool,
    ) -> Result<CompactReport, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.compact(&mut told, &go_on);
        }
        self.workspaces.get_mut(workspace).ok_or(JournalError::Missing)?.compact(&mut told, &go_on)
    }

    /// Leaves no more than digests of what was [given up](Self::discard) for good, in a workspace's log. What was recorded is made durable first. Compaction does
    /// the same in its time.
    ///
    /// # Errors
    /// [`JournalError`]; what was erased before stays so.
    pub fn erase(&mut self, workspace: &WorkspaceId) -> Result<(), JournalError> {
        self.workspaces.get_mut(workspace).ok_or(JournalError::Missing)?.erase()
    }

    /// Counts what a log holds, from what is in memory.
    pub fn log_stats(&self, workspace: &WorkspaceId) -> Option<LogStats> {
        if *workspace == WorkspaceId::CONTROL {
            return Some(self.control.log.stats());
        }
        self.workspaces.get(workspace).map(|journal| journal.log.stats())
    }

    /// Reads everything that a log holds and reports what does not verify.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such log, or the storage fails; damage is no error.
    pub fn verify_log(&self, workspace: &WorkspaceId) -> Result<VerifyReport, JournalError> {
        Ok(self.verify_log_while(workspace, || true)?.unwrap_or_default())
    }

    /// As [`verify_log`](Self::verify_log), and asks before each segment whether to go on; `None` if it was not to.
    ///
    /// # Errors
    /// As [`verify_log`](Self::verify_log).
    pub fn verify_log_while(
        &self,
        workspace: &WorkspaceId,
        go_on: impl FnMut() -> bool,
    ) -> Result<Option<VerifyReport>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return Ok(self.control.log.verify_while(go_on)?);
        }
        Ok(self.workspaces.get(workspace).ok_or(JournalError::Missing)?.log.verify_while(go_on)?)
    }

    /// Returns where the file of a segment lies, under the data directory.
    pub fn segment_path(&self, workspace: &WorkspaceId, segment: u32) -> Option<String> {
        if *workspace == WorkspaceId::CONTROL {
            return Some(self.control.log.segment_path(segment));
        }
        self.workspaces.get(workspace).map(|journal| journal.log.segment_path(segment))
    }

    /// Returns the units that were stored last, in stored order: those of the last `n` entries, or more.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such log, or one of them can't be read.
    pub fn log_tail(&self, workspace: &WorkspaceId, n: usize) -> Result<Vec<SyncUnit>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.tail(n);
        }
        self.workspaces.get(workspace).ok_or(JournalError::Missing)?.tail(n)
    }
}

impl<S: Storage, T: State> Journal<S, T> {
    fn begin_compaction(&mut self) -> Result<Option<Compaction<S>>, JournalError> {
        if self.closed().is_some() {
            return Ok(None);
        }
        let log = match self.log.begin_compaction()? {
            Some(log) => Some(log),
            // There is nothing to gain, and perhaps something to erase.
            None => match self.find_content()? {
                Some(run) => self.log.begin_rewriting(run)?,
                None => None,
            },
        };
        Ok(log.map(|log| Compaction { log, joiner: self.joiner() }))
    }

    fn erase(&mut self) -> Result<(), JournalError> {
        if let Some(reason) = self.closed() {
            return Err(JournalError::Closed { reason });
        }
        let ended = self.log.end_segment();
        self.noting(ended)?;
        while let Some(run) = self.find_content()? {
            let Some(log) = self.log.begin_rewriting(run)? else { break };
            let step = Compaction { log, joiner: self.joiner() };
            if self.finish_compaction(step.run()?)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn joiner(&self) -> UnitJoiner {
        let (needed, given_up) = (self.needed_seals(), self.given_up());
        UnitJoiner { workspace: self.workspace, needed, given_up, before: None }
    }

    fn finish_compaction(&mut self, done: Compacted<S>) -> Result<Option<CompactReport>, JournalError> {
        let is_late = !self.needed_seals().is_subset(&done.needed);
        if is_late || self.closed().is_some() {
            return Ok(None);
        }
        let finished = self.log.finish_compaction(done.log);
        Ok(self.noting(finished)?)
    }

    fn compact(
        &mut self,
        told: &mut dyn FnMut(&CompactReport),
        go_on: &dyn Fn() -> bool,
    ) -> Result<CompactReport, JournalError> {
        if let Some(reason) = self.closed() {
            return Err(JournalError::Closed { reason });
        }
        let ended = self.log.end_segment();
        self.noting(ended)?;
        let mut all = CompactReport::default();
        while let Some(step) = self.begin_compaction()? {
            let Some(report) = self.finish_compaction(step.run_while(go_on)?)? else { break };
            all += report;
            told(&all);
        }
        Ok(all)
    }

    fn tail(&self, n: usize) -> Result<Vec<SyncUnit>, JournalError> {
        let mut units: Vec<SyncUnit> = Vec::new();
        for run in self.log.tail(n).into_iter().rev() {
            if units.iter().map(SyncUnit::len).sum::<usize>() >= n {
                break;
            }
            units.push(SyncUnit::decode(&self.workspace, &self.log.read(run.id)?)?);
        }
        units.reverse();
        Ok(units)
    }

    /// Returns where chains are cut: a unit that ends there can be had only while the seal there is kept.
    fn needed_seals(&self) -> BTreeSet<(Author, Seq)> {
        let mut needed = BTreeSet::new();
        for author in self.view.authors() {
            let spans = self.lineage.spans(author);
            // The entries of a chain that was forked lie under the name that it had, and a fork ends an author's part as a cut does.
            let stored = |end: Seq| spans.iter().find(|span| span.first <= end && end <= span.last);
            let ends = self.needed_seals_of(author);
            needed.extend(ends.map(|end| (stored(end).map_or(*author, |span| span.stored), end)));
            needed.extend(spans.iter().map(|span| (span.stored, span.last)));
        }
        needed
    }

    /// Returns where an author's chain is cut.
    pub(crate) fn needed_seals_of(&self, author: &Author) -> impl Iterator<Item = Seq> {
        let admissions = self.view.state.admissions(author);
        let ends: Vec<Seq> = admissions.applied().iter().map(|(_, end)| *end).collect();
        ends.into_iter().filter(|end| *end != Seq(u64::MAX))
    }
}

/// Joins the units of an author, as many as fit one, and compresses them for keeping. Of the seals inside it keeps those that are
/// needed.
#[derive(Debug)]
struct UnitJoiner {
    workspace: WorkspaceId,
    needed: BTreeSet<(Author, Seq)>,
    /// Of what only the digests stay.
    given_up: GivenUp,
    /// What the next unit may be joined to.
    before: Option<Pending>,
}

/// Units that were joined.
#[derive(Debug)]
struct Pending {
    meta: RunMeta,
    unit: SyncUnit,
    /// The record as it was stored, if it is the only one so far.
    stored: Option<Vec<u8>>,
}

impl Joiner for UnitJoiner {
    type Error = DecodeError;

    fn push(&mut self, meta: RunMeta, record: Vec<u8>, out: &mut Joined) -> Result<(), DecodeError> {
        let mut unit = SyncUnit::decode(&self.workspace, &record)?;
        let author = meta.author;
        unit.retain_seals(|seq| self.needed.contains(&(author, seq)));
        let is_less = self.given_up.get(&author).is_some_and(|runs| unit.give_up(runs));
        if let Some(before) = &mut self.before {
            let is_needed = self.needed.contains(&(author, before.meta.last_seq));
            let seam = if is_needed { Seam::Keep } else { Seam::Drop };
            if before.unit.join(&unit, seam).is_ok() {
                (before.meta.last_seq, before.meta.head_hash) = (meta.last_seq, meta.head_hash);
                before.stored = None;
                return Ok(());
            }
        }
        self.flush(out)?;
        self.before = Some(Pending { meta, unit, stored: (!is_less).then_some(record) });
        Ok(())
    }

    fn flush(&mut self, out: &mut Joined) -> Result<(), DecodeError> {
        if let Some(Pending { meta, unit, stored }) = self.before.take() {
            let packed = unit.encode(CompressionLevel::COMPACT);
            // What can't be made smaller stays as it came.
            let record = stored.filter(|stored| stored.len() <= packed.len()).unwrap_or(packed);
            out.push(meta, record);
        }
        Ok(())
    }
}

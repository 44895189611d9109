//! Building the state from the log.

use verso_log::{ReadError, RunId, Storage};
use verso_vv::{Author, Seq, VersionVector};
use verso_wire::{ChainedUnit, Reason, SyncUnit};

use super::{Journal, Resume, Standing, hash_before};
use crate::error::JournalError;
use crate::lineage::{ForkPoint, Part};
use crate::state::State;
use crate::view::Held;

/// How many units whose events may change the fold wait to be applied while a log is replayed, so that a run of them asks the
/// fold once. More saves little; each is in memory.
const WAITING: usize = 64;

impl<S: Storage, T: State> Journal<S, T> {
    /// Brings the state up to what the log holds: what is not in it yet, then whatever the complete fold lets through besides.
    pub(super) fn replay(&mut self, mut resume: Option<&mut Resume<'_>>) -> Result<(), JournalError> {
        self.find_branches()?;
        while let Some((signer, point)) = self.replay_forked(resume.as_deref_mut())? {
            // Both sides are held, and what proved it was lost.
            self.lineage.insert(signer, point);
            self.forget();
        }
        self.replay_unforked(resume)?;
        self.tell_fold()?;
        self.follow_fold()?;
        if !self.view.state.is_sound() {
            // The others go on without it.
            self.failure.get_or_insert(Reason::WorkerCrash);
        }
        Ok(())
    }

    /// Tells whether anything is held of chains that are known to be forked: not every fork that is known is of one that is held.
    pub(super) fn holds_forked(&self) -> bool {
        self.log.held().iter().any(|(author, _)| self.may_be_renamed(&author))
    }

    /// Tells whether a stored chain is of a signer who may have more than one.
    fn may_be_renamed(&self, stored: &Author) -> bool {
        let first = self.log.runs(stored, Seq::FIRST).next();
        self.lineage.is_forked(stored) || first.is_some_and(|run| run.meta.branch.is_some())
    }

    /// Notes whose chains the log has branches of.
    fn find_branches(&mut self) -> Result<(), JournalError> {
        let held: Vec<Author> = self.log.held().iter().map(|(author, _)| author).collect();
        for author in held {
            let run = self.log.runs(&author, Seq::FIRST).next().filter(|run| run.meta.branch.is_some());
            let Some(bytes) = run.map(|run| self.read_whole(run.id)).transpose()?.flatten() else { continue };
            if let Ok(unit) = self.decode(&bytes) {
                self.lineage.note_branches(*unit.signer());
            }
        }
        Ok(())
    }

    /// Reads a run, `None` if it is damaged, which is told when all is read. A disk that can't be read is no damage: nothing is known of what lies there.
    fn read_whole(&self, run: RunId) -> Result<Option<Vec<u8>>, ReadError> {
        match self.log.read(run) {
            Err(ReadError::Corrupt(_)) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Takes in the chains of forked signers, what was forked off behind what it was forked off from. Stops at a fork of which nothing is known.
    fn replay_forked(
        &mut self,
        mut resume: Option<&mut Resume<'_>>,
    ) -> Result<Option<(Author, ForkPoint)>, JournalError> {
        let mut runs = Vec::new();
        for (author, _) in self.log.held().iter().filter(|(author, _)| self.may_be_renamed(author)) {
            runs.extend(self.log.runs(&author, Seq::FIRST));
        }
        runs.sort_by_key(|run| run.meta.first_seq);
        for run in runs {
            let Some(bytes) = self.read_whole(run.id)? else { continue };
            let unit = self.decode(&bytes)?;
            match self.standing(&unit)? {
                Standing::Follows { after, from } => {
                    let unit = unit.cut_front(from)?;
                    let (held, _) = self.hold(&unit, after);
                    if let Some(resume) = resume.as_mut() {
                        resume.after(&unit.signer().device, held.greatest_hlc);
                    }
                }
                Standing::Forks { from, .. } => {
                    let point = ForkPoint { at: from, prev_hash: hash_before(&unit, from) };
                    return Ok(Some((*unit.signer(), point)));
                }
                // What lies behind damage has nothing to follow.
                Standing::Known(_) | Standing::Gap { .. } | Standing::Apart => {}
            }
        }
        Ok(None)
    }

    /// Takes in the chains of all others, in one pass in stored order.
    fn replay_unforked(&mut self, mut resume: Option<&mut Resume<'_>>) -> Result<(), JournalError> {
        let mut waiting: Vec<(ChainedUnit, Part)> = Vec::new();
        let mut seen = VersionVector::new();
        let unforked =
            self.heads().into_iter().filter(|(author, _)| !self.lineage.is_forked(&self.lineage.signer(author)));
        unforked.for_each(|(author, head)| seen.set(author, head.seq));
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
            if unit.branch().is_some() || self.lineage.is_forked(unit.signer()) {
                continue;
            }
            let Some(unit) = self.rest_of(unit)? else { continue };
            let part = Part { author: unit.author(), branch: None, first: unit.first_seq(), last: unit.last_seq() };
            let Held { fold_changed, greatest_hlc } = self.view.hold(&unit, &part);
            if let Some(resume) = resume.as_mut() {
                resume.after(&part.author.device, greatest_hlc);
            }
            waiting.push((unit, part));
            if !fold_changed || waiting.len() >= WAITING {
                waiting.drain(..).for_each(|(unit, part)| self.view.apply(&unit, &part, &[]));
            }
        }
        Ok(())
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
}

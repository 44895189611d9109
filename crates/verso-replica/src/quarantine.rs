//! What is held and not applied: for people to see, to keep and to discard.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_trust::{Admission, Discard, HeldReason, Keep, MembershipChange, Run};
use verso_vv::{Dot, EntryHash, Hlc, Seq};
use verso_wire::{Ancestor, Application, AppliedEntry, ChainedUnit, Content, Description, Drafts};

use crate::error::JournalError;
use crate::journal::Journal;
use crate::replica::{Now, Replica};
use crate::sharing::DecisionError;
use crate::state::{State, WorkspaceState};

/// Most entries of a workspace that are told at a time. People decide about a few; a host that has thousands decides about them in turns.
pub const MAX_QUARANTINED: usize = 4096;

/// An entry of the application's that is held and not applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Which one: its author and number.
    pub dot: Dot,
    /// What pins it: the chain hash there.
    pub hash: EntryHash,
    /// When it was written, by its author's clock.
    pub hlc: Hlc,
    /// Why it is not applied.
    pub reason: WhyHeld,
    /// What it would do, as the application says. It holds what people wrote.
    pub text: String,
    /// Other entries here without which it makes no sense.
    pub needs: Vec<Dot>,
}

/// Why an entry is held and not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyHeld {
    /// It lies past a cut.
    Cut {
        /// Whose word took the access away.
        by: DeviceId,
        /// When that was.
        at: Hlc,
    },
    /// Its author's device may only read, and never could write.
    ReadOnly,
    /// Nobody has vouched for its author's device.
    Unvouched,
}

impl WhyHeld {
    /// Tells why an entry is held; `None` if it is applied, or was discarded.
    const fn of(admission: Admission) -> Option<Self> {
        match admission {
            Admission::Held(HeldReason::Cut { by, at }) => Some(Self::Cut { by, at }),
            Admission::Held(HeldReason::ReadOnly) => Some(Self::ReadOnly),
            Admission::Unknown => Some(Self::Unvouched),
            Admission::Applied | Admission::Held(_) => None,
        }
    }
}

/// What of a workspace is held and not applied, by author and number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quarantine {
    /// The entries, [`MAX_QUARANTINED`] at most.
    pub entries: Vec<Quarantined>,
    /// How many more there are.
    pub more: u64,
}

/// An entry that makes no sense without some that are to be discarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependent {
    /// Which one.
    pub dot: Dot,
    /// What it does or would do.
    pub text: String,
    /// Whether it is applied, and waits; or is held as well.
    pub is_applied: bool,
}

/// A unit with what its entries are called.
struct Held {
    unit: ChainedUnit,
    author: verso_vv::Author,
    ancestors: Vec<Ancestor>,
    /// Which of its entries are meant, and why they are held.
    first: Seq,
    last: Seq,
    reason: WhyHeld,
}

impl Held {
    fn entries(&self) -> impl Iterator<Item = AppliedEntry<'_>> {
        let tag = verso_vv::AuthorTag::of(self.unit.signer());
        let in_run = |seq: Seq| self.first <= seq && seq <= self.last;
        self.unit.entries().zip(self.unit.hashes()).filter_map(move |(entry, hash)| match entry.content {
            Content::Full { kind, hlc, payload } if in_run(entry.seq) && !kind.is_membership() => {
                let dot = Dot { author: self.author, seq: entry.seq };
                Some(AppliedEntry { dot, tag, hash: *hash, kind, hlc, payload, ancestors: &self.ancestors })
            }
            _ => None,
        })
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Returns what of a workspace is held and not applied: past a cut, of a device that may only read, or of one for which nobody vouched. What was
    /// discarded is not among it.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such workspace, or its log can't be read.
    pub fn quarantine(&self, workspace: &WorkspaceId) -> Result<Quarantine, JournalError> {
        let journal = self.workspaces.get(workspace).ok_or(JournalError::Missing)?;
        let (held, more) = journal.held_back()?;
        let entries: Vec<(WhyHeld, AppliedEntry<'_>)> =
            held.iter().flat_map(|held| held.entries().map(|entry| (held.reason, entry))).collect();
        let described = describe(&journal.view.state.application, entries.iter().map(|(_, entry)| *entry));
        let told = entries.iter().zip(described).map(|((reason, entry), Description { text, needs })| Quarantined {
            dot: entry.dot,
            hash: entry.hash,
            hlc: entry.hlc,
            reason: *reason,
            text,
            needs,
        });
        Ok(Quarantine { entries: told.collect(), more })
    }

    /// Returns what makes no sense without these entries, which are in [quarantine](Self::quarantine): others there, and applied ones that wait for them.
    ///
    /// # Errors
    /// As [`quarantine`](Self::quarantine).
    pub fn depending_on(&self, workspace: &WorkspaceId, dots: &[Dot]) -> Result<Vec<Dependent>, JournalError> {
        let journal = self.workspaces.get(workspace).ok_or(JournalError::Missing)?;
        let application = &journal.view.state.application;
        let (held, _more) = journal.held_back()?;
        let entries: Vec<AppliedEntry<'_>> = held.iter().flat_map(Held::entries).collect();
        let described = describe(application, entries.iter().copied());
        let mut gone: BTreeSet<Dot> = dots.iter().copied().collect();
        let mut dependents = Vec::new();
        // What is needed by an entry stands before it in its own chain, or in another: until nothing more is found.
        loop {
            let found = dependents.len();
            for (entry, Description { text, needs }) in entries.iter().zip(&described) {
                if !gone.contains(&entry.dot) && needs.iter().any(|dot| gone.contains(dot)) {
                    gone.insert(entry.dot);
                    dependents.push(Dependent { dot: entry.dot, text: text.clone(), is_applied: false });
                }
            }
            if dependents.len() == found {
                break;
            }
        }
        let chosen: Vec<AppliedEntry<'_>> = entries.into_iter().filter(|entry| gone.contains(&entry.dot)).collect();
        for dot in application.waiting_for(&chosen) {
            let text = journal.describe_at(&dot)?.unwrap_or_default();
            dependents.push(Dependent { dot, text, is_applied: true });
        }
        Ok(dependents)
    }

    /// Applies entries after all, on every device: of two who decide at once, keeping wins. What lies behind them stays held.
    ///
    /// # Errors
    /// [`DecisionError`] if this person doesn't own the workspace, an entry is not in [quarantine](Self::quarantine), or it can't be recorded.
    pub fn keep(&mut self, workspace: &WorkspaceId, dots: &[Dot], now: Now) -> Result<(), DecisionError> {
        self.judge_held(workspace, dots, now, |run| Keep { run }.into())
    }

    /// Gives entries up for good, on every device. Once all devices that own the workspace have, only their digests are left.
    ///
    /// # Errors
    /// As [`keep`](Self::keep).
    pub fn discard(&mut self, workspace: &WorkspaceId, dots: &[Dot], now: Now) -> Result<(), DecisionError> {
        self.judge_held(workspace, dots, now, |run| Discard { run }.into())
    }

    fn judge_held(
        &mut self,
        workspace: &WorkspaceId,
        dots: &[Dot],
        now: Now,
        verdict: impl Fn(Run) -> MembershipChange,
    ) -> Result<(), DecisionError> {
        if !self.workspaces.contains_key(workspace) {
            return Err(DecisionError::UnknownWorkspace);
        }
        if !self.owns(workspace) {
            return Err(DecisionError::NotOwner);
        }
        if self.local.unconfirmed.is_some() {
            return Err(DecisionError::Unconfirmed);
        }
        let held: BTreeMap<Dot, EntryHash> =
            self.quarantine(workspace)?.entries.into_iter().map(|entry| (entry.dot, entry.hash)).collect();
        let mut runs: Vec<Run> = Vec::new();
        for dot in dots.iter().copied().collect::<BTreeSet<Dot>>() {
            let hash = *held.get(&dot).ok_or(DecisionError::NotHeld)?;
            match runs.last_mut() {
                Some(run) if run.author == dot.author && run.last.next() == dot.seq => {
                    (run.last, run.hash) = (dot.seq, hash);
                }
                _ => runs.push(Run { author: dot.author, first: dot.seq, last: dot.seq, hash }),
            }
        }
        self.renew_incarnation(now)?;
        let mut drafts = Drafts::new();
        for run in runs {
            self.draft_event(workspace, verdict(run), &mut drafts)?;
        }
        Ok(self.record(workspace, &drafts, now)?)
    }

    /// Gives up what other owners discarded and this device knows no reason to keep, so that its content may go once all have.
    pub(crate) fn give_up_too(&mut self, workspace: &WorkspaceId, now: Now) -> Result<(), JournalError> {
        let Some(journal) = self.workspaces.get(workspace).filter(|journal| journal.closed().is_none()) else {
            return Ok(());
        };
        if self.local.unconfirmed.is_some() || self.trust().has_left(workspace, &self.device()) {
            return Ok(());
        }
        let mut drafts = Drafts::new();
        for (author, first, last) in journal.view.state.membership.to_give_up(&self.device()) {
            // What isn't held yet is given up when it has come.
            let last = last.min(journal.head(&author).seq);
            if first <= last
                && let Some(hash) = journal.own_hash(&author, last)?
            {
                self.draft_event(workspace, Discard { run: Run { author, first, last, hash } }.into(), &mut drafts)?;
            }
        }
        if drafts.is_empty() {
            return Ok(());
        }
        self.renew_incarnation(now)?;
        self.record(workspace, &drafts, now)
    }
}

impl<S: Storage, A: Application> Journal<S, WorkspaceState<A>> {
    /// Reads what is held and not applied of the application's entries, and counts those that are too many to be read.
    fn held_back(&self) -> Result<(Vec<Held>, u64), JournalError> {
        let (mut held, mut count, mut more) = (Vec::new(), 0_usize, 0_u64);
        let mut authors = self.view.authors().to_vec();
        authors.sort_unstable();
        for author in authors {
            let admissions = self.view.state.admissions(&author);
            let (start, end) = (self.lineage.first(&author), self.head(&author).seq);
            for (first, last) in admissions.not_applied(start, end) {
                for run in self.runs_of(&author, first).take_while(|run| run.meta.first_seq <= last) {
                    let unit = self.decode(&self.log.read(run.id)?)?;
                    for (reason, first, last) in
                        reasons(&admissions, first.max(unit.first_seq()), last.min(unit.last_seq()))
                    {
                        let ancestors = self.lineage.ancestors(&author);
                        let part = Held { unit: unit.clone(), author, ancestors, first, last, reason };
                        let entries = part.entries().count();
                        if count.saturating_add(entries) > MAX_QUARANTINED {
                            more = more.saturating_add(u64::try_from(entries).unwrap_or(u64::MAX));
                        } else {
                            count = count.saturating_add(entries);
                            held.push(part);
                        }
                    }
                }
            }
        }
        Ok((held, more))
    }

    /// Describes one entry that is held.
    fn describe_at(&self, dot: &Dot) -> Result<Option<String>, JournalError> {
        let Some(run) = self.runs_of(&dot.author, dot.seq).next() else { return Ok(None) };
        let unit = self.decode(&self.log.read(run.id)?)?;
        let ancestors = self.lineage.ancestors(&dot.author);
        let (author, seq) = (dot.author, dot.seq);
        let held = Held { unit, author, ancestors, first: seq, last: seq, reason: WhyHeld::Unvouched };
        let described = describe(&self.view.state.application, held.entries());
        Ok(described.into_iter().next().map(|description| description.text))
    }
}

/// Splits entries by why they are held. What is applied or was discarded is left out.
fn reasons(admissions: &verso_trust::Admissions, first: Seq, last: Seq) -> Vec<(WhyHeld, Seq, Seq)> {
    let mut runs: Vec<(WhyHeld, Seq, Seq)> = Vec::new();
    let mut seq = first;
    while seq <= last {
        if let Some(reason) = WhyHeld::of(admissions.at(seq)) {
            match runs.last_mut() {
                Some((same, _, end)) if *same == reason && end.next() == seq => *end = seq,
                _ => runs.push((reason, seq, seq)),
            }
        }
        seq = seq.next();
    }
    runs
}

fn describe<'a, A: Application>(application: &A, entries: impl Iterator<Item = AppliedEntry<'a>>) -> Vec<Description> {
    application.describe(&entries.collect::<Vec<_>>())
}

//! [`Journal`]: one log with the state it adds up to, and the difference between what is held and what is applied.

use std::collections::BTreeMap;

use bytes::Bytes;
use verso_identity::{DeviceId, DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{BranchPoint, LogOptions, RunMeta, Storage, SyncLog};
use verso_session::EncodedRun;
use verso_trust::EventContext;
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Seen, SeenItem, Seq};
use verso_wire::{
    AppliedEntry, ChainHead, ChainedUnit, CompressionLevel, Content, Drafts, Seal, SyncUnit, UnitBuilder, VerifiedUnit,
};

use crate::error::JournalError;
use crate::state::State;

/// How far an author's entries are applied.
#[derive(Debug, Clone)]
struct Applied {
    /// The last applied entry, with what a `seen` vector says of it.
    seq: Seq,
    hash: EntryHash,
    tag: AuthorTag,
    /// Which entries up to there the fold let through: one run, but where something was cut and the author went on later.
    runs: Vec<(Seq, Seq)>,
}

/// A log and its state.
///
/// 1. A unit is *held* once it is in the log; its events reach the fold at once.
/// 2. Entries that the fold lets through are *applied*, in their author's order.
/// 3. When the fold changes, what it newly lets through is read from the log and applied; if it no longer lets through what was
///    applied, the application is rebuilt from the log.
///
/// Guarantee: what is applied is, for every author and up to its last applied entry, exactly what the fold lets through of what is held.
#[derive(Debug)]
pub(crate) struct Journal<S: Storage, T> {
    pub(crate) workspace: WorkspaceId,
    pub(crate) log: SyncLog<S>,
    pub(crate) view: View<T>,
}

/// The state of a journal, and how far it has come.
#[derive(Debug)]
pub(crate) struct View<T> {
    pub(crate) state: T,
    applied: BTreeMap<Author, Applied>,
    /// Authors in the order in which they first appeared, so that who vouches is sent before who is vouched for.
    authors: Vec<Author>,
    /// The greatest stamp that this device gave, as the log tells it.
    greatest_own_hlc: Hlc,
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
#[derive(Debug, Clone)]
pub(crate) struct AppendedRun {
    pub(crate) author: Author,
    pub(crate) head: ChainHead,
    pub(crate) run: EncodedRun,
}

impl<S: Storage, T: State> Journal<S, T> {
    /// Makes the log of a workspace in a directory that does not exist yet.
    pub(crate) fn create(
        storage: S,
        directory: &str,
        key: &Key<purposes::Log>,
        workspace: WorkspaceId,
        state: T,
    ) -> Result<Self, JournalError> {
        let log = SyncLog::create(storage, directory, key, *workspace.as_bytes(), LogOptions::default())?;
        Ok(Self { workspace, log, view: View::new(state) })
    }

    /// Replays a log into its state, streaming: memory holds one record at a time beside the state. `own` is the device whose clock is to
    /// go on after what it stamped.
    pub(crate) fn open(log: SyncLog<S>, own: &DeviceId, state: T) -> Result<Self, JournalError> {
        let workspace = WorkspaceId::from_bytes(*log.label());
        let mut journal = Self { workspace, log, view: View::new(state) };
        journal.replay(own)?;
        Ok(journal)
    }

    /// Returns the end of an author's chain as it is held.
    pub(crate) fn head(&self, author: &Author) -> ChainHead {
        self.log
            .head(author)
            .map_or_else(|| ChainHead::start(&self.workspace, author), |(seq, hash)| ChainHead { seq, hash })
    }

    /// Returns the ends of all chains held, in the order in which their authors first appeared.
    pub(crate) fn heads(&self) -> Vec<(Author, ChainHead)> {
        self.view.authors.iter().map(|author| (*author, self.head(author))).collect()
    }

    /// Signs and appends a batch of own entries and applies them. Nothing is durable before the log's `sync`.
    pub(crate) fn commit(
        &mut self,
        key: &DeviceKey,
        author: Author,
        drafts: &Drafts,
        mut stamp: impl FnMut() -> Hlc,
    ) -> Result<(Ingested, Vec<AppendedRun>), JournalError> {
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
    pub(crate) fn receive(&mut self, unit: VerifiedUnit, bytes: &[u8]) -> Result<Ingested, JournalError> {
        self.append(&unit.into_chained(), bytes)
    }

    /// Reads stored units of `author` from the one that holds `from` on, at most `max_bytes` but at least one.
    pub(crate) fn read(&self, author: &Author, from: Seq, max_bytes: usize) -> Result<Vec<EncodedRun>, JournalError> {
        let mut runs = Vec::new();
        let mut total = 0_usize;
        for run in self.log.runs(author, from) {
            let bytes = Bytes::from(self.log.read(run.id)?);
            total = total.saturating_add(bytes.len());
            if total > max_bytes && !runs.is_empty() {
                break;
            }
            runs.push(EncodedRun { first: run.meta.first_seq, last: run.meta.last_seq, bytes });
        }
        Ok(runs)
    }

    /// Returns the identity of the entry at `seq`, if it is held. [`Seq::ZERO`] stands for the chain's start.
    pub(crate) fn hash_at(&self, author: &Author, seq: Seq) -> Result<Option<EntryHash>, JournalError> {
        let head = self.head(author);
        if seq == head.seq {
            return Ok(Some(head.hash));
        }
        // The description of the run behind names the entry before it, and so does that of the run it ends.
        let Some(run) = self.log.runs(author, seq.next()).next() else { return Ok(None) };
        if run.meta.first_seq == seq.next() {
            return Ok(Some(run.meta.prev_hash));
        }
        Ok(self.decode(&self.log.read(run.id)?)?.hash_at(seq))
    }

    /// Returns the seal at the end of the newest chain held of `device`: the one that appeared last.
    pub(crate) fn newest_seal(&self, device: &DeviceId) -> Result<Option<Seal>, JournalError> {
        let Some(author) = self.view.authors.iter().rev().find(|author| author.device == *device) else {
            return Ok(None);
        };
        let Some(run) = self.log.runs(author, self.head(author).seq).last() else { return Ok(None) };
        Ok(Some(self.decode(&self.log.read(run.id)?)?.head_seal()))
    }

    fn decode(&self, bytes: &[u8]) -> Result<ChainedUnit, JournalError> {
        Ok(SyncUnit::decode(&self.workspace, bytes)?.chain())
    }

    fn append(&mut self, unit: &ChainedUnit, bytes: &[u8]) -> Result<Ingested, JournalError> {
        self.log.append(&meta_of(unit), bytes)?;
        let (fold_changed, greatest_hlc) = self.view.hold(unit);
        self.view.apply_admitted(unit);
        let rebuilt = fold_changed && self.follow_fold()?;
        Ok(Ingested { fold_changed, rebuilt, greatest_hlc })
    }

    /// Brings what is applied in line with the fold. Returns whether the application was rebuilt.
    pub(crate) fn follow_fold(&mut self) -> Result<bool, JournalError> {
        let rebuilt = self.view.is_cut();
        if rebuilt {
            self.view.reset();
        }
        // What one author's entries say can admit another's, but all that is held is in the fold already: one pass is enough.
        for index in 0..self.view.authors.len() {
            if let Some(author) = self.view.authors.get(index).copied() {
                self.apply_held(author)?;
            }
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
        let runs: Vec<_> = self.log.runs(&author, next).map(|run| run.id).collect();
        for run in runs {
            let unit = self.decode(&self.log.read(run)?)?;
            self.view.apply_admitted(&unit);
        }
        Ok(())
    }

    /// Builds the state from the log: one pass in stored order, then whatever the complete fold lets through besides.
    fn replay(&mut self, own: &DeviceId) -> Result<(), JournalError> {
        for record in self.log.replay() {
            let (_meta, bytes) = record?;
            let unit = SyncUnit::decode(&self.workspace, &bytes)?.chain();
            let (_changed, greatest) = self.view.hold(&unit);
            self.view.apply_admitted(&unit);
            if unit.author().device == *own {
                self.view.greatest_own_hlc = self.view.greatest_own_hlc.max(greatest);
            }
        }
        self.follow_fold().map(|_rebuilt| ())
    }
}

impl<T: State> View<T> {
    fn new(state: T) -> Self {
        Self { state, applied: BTreeMap::new(), authors: Vec::new(), greatest_own_hlc: Hlc::default() }
    }

    /// Returns the greatest stamp that this device gave, for its clock to continue after.
    pub(crate) const fn greatest_own_hlc(&self) -> Hlc {
        self.greatest_own_hlc
    }

    /// Returns the last applied entry of an author.
    pub(crate) fn applied_seq(&self, author: &Author) -> Seq {
        self.applied.get(author).map_or(Seq::ZERO, |head| head.seq)
    }

    /// Returns what is applied as a payload carries it.
    pub(crate) fn seen(&self) -> Seen {
        Seen::new(self.applied.values().map(|head| SeenItem { author: head.tag, seq: head.seq, tag: head.hash.tag() }))
    }

    /// Counts the entries applied.
    pub(crate) fn applied_count(&self) -> u64 {
        self.applied.values().fold(0, |count, head| count.saturating_add(head.seq.0))
    }

    /// Counts the other chains of the author's device.
    pub(crate) fn other_chains(&self, author: &Author) -> usize {
        self.authors.iter().filter(|other| other.device == author.device && *other != author).count()
    }

    /// Passes a held unit's events to the fold. Returns whether the fold may have changed, and the greatest stamp.
    fn hold(&mut self, unit: &ChainedUnit) -> (bool, Hlc) {
        let author = unit.author();
        if !self.authors.contains(&author) {
            self.authors.push(author);
        }
        let tag = AuthorTag::of(unit.signer());
        let mut changed = false;
        let mut greatest = Hlc::default();
        for (entry, hash) in unit.entries().zip(unit.hashes()) {
            if let Content::Full { kind, hlc, payload } = entry.content {
                let context = EventContext { author, seq: entry.seq, hash: *hash, hlc, tag };
                changed |= self.state.hold(&context, kind, payload);
                greatest = greatest.max(hlc);
            }
        }
        (changed, greatest)
    }

    /// Applies what the fold lets through of a unit. Of entries that were applied before nothing happens.
    fn apply_admitted(&mut self, unit: &ChainedUnit) {
        let author = unit.author();
        let done = self.applied_seq(&author);
        let admissions = self.state.admissions(&author);
        if !admissions.applies_any(unit.first_seq().max(done.next()), unit.last_seq()) {
            return;
        }
        let tag = AuthorTag::of(unit.signer());
        let mut last = None;
        for &(first, end) in admissions.applied() {
            for (entry, hash) in unit.entries().zip(unit.hashes()) {
                if entry.seq <= done || entry.seq < first {
                    continue;
                }
                if entry.seq > end {
                    break;
                }
                // Of an entry whose content was given up only the digest is left, and nothing to apply.
                if let Content::Full { kind, hlc, payload } = entry.content {
                    let dot = Dot { author, seq: entry.seq };
                    self.state.apply(&AppliedEntry { dot, tag, hash: *hash, kind, hlc, payload, ancestors: &[] });
                }
                last = Some((entry.seq, *hash));
            }
        }
        if let Some((seq, hash)) = last {
            let runs = up_to(admissions.applied(), seq);
            self.applied.insert(author, Applied { seq, hash, tag, runs });
        }
    }

    /// Tells whether what is applied differs from what the fold lets through up to there.
    fn is_cut(&self) -> bool {
        self.applied
            .iter()
            .any(|(author, applied)| up_to(self.state.admissions(author).applied(), applied.seq) != applied.runs)
    }

    fn reset(&mut self) {
        self.state.reset();
        self.applied.clear();
    }
}

impl Ingested {
    fn add(&mut self, other: Self) {
        self.fold_changed |= other.fold_changed;
        self.rebuilt |= other.rebuilt;
        self.greatest_hlc = self.greatest_hlc.max(other.greatest_hlc);
    }
}

fn meta_of(unit: &ChainedUnit) -> RunMeta {
    RunMeta {
        author: unit.author(),
        branch: unit.branch().map(|branch| BranchPoint { at: branch.at, hash: branch.hash }),
        first_seq: unit.first_seq(),
        last_seq: unit.last_seq(),
        prev_hash: *unit.prev_hash(),
        head_hash: unit.head().hash,
    }
}

/// The part of ascending runs that lies at or before `last`.
fn up_to(runs: &[(Seq, Seq)], last: Seq) -> Vec<(Seq, Seq)> {
    runs.iter().filter(|(first, _)| *first <= last).map(|&(first, end)| (first, end.min(last))).collect()
}

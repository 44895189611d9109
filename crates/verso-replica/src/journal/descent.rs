//! Where units belong: what of them is held, what follows what, and what shows that a chain was forked.

use std::collections::BTreeSet;

use verso_log::Storage;
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::{ChainHead, ChainedUnit, ForkProof};

use super::Journal;
use crate::error::JournalError;
use crate::lineage::{ForkPoint, Part};
use crate::state::State;

/// How a unit stands to what is held. It is found by hashes alone: a label is the carrier's, and no seal covers it.
#[derive(Debug)]
pub(crate) enum Standing {
    /// All of it is held.
    Known(Vec<Part>),
    /// Its entries from `from` on are new; the one before them is `after`'s.
    Follows { after: Author, from: Seq },
    /// It shows a fork that nobody knew of: `of` holds something else from `from` on.
    Forks { of: Author, from: Seq },
    /// Something before it is missing.
    Gap { expected: Seq },
    /// What it follows is not what is held there: the two part somewhere before.
    Apart,
}

impl<S: Storage, T: State> Journal<S, T> {
    /// Finds how a unit stands to what is held.
    pub(crate) fn standing(&self, unit: &ChainedUnit) -> Result<Standing, JournalError> {
        let (signer, before, last) = (*unit.signer(), unit.before(), unit.last_seq());
        let Some(start) = self.holder(&signer, &before)? else {
            let (author, head) = (unit.author(), self.head(&unit.author()));
            if before.seq <= head.seq {
                return Ok(Standing::Apart);
            }
            let first = unit.branch().map_or(Seq::FIRST, |branch| branch.at).max(self.lineage.first(&author));
            return Ok(Standing::Gap { expected: head.seq.next().max(first) });
        };
        // Whatever precedes an entry that is held is held, too; mostly nothing of a unit is.
        let reach = self.names(&signer).map(|name| self.head(&name).seq).max().unwrap_or_default();
        let (mut low, mut high, mut after) = (before.seq, last.min(reach).max(before.seq), start);
        let mut probe = high;
        while low < high {
            let head = unit.hash_at(probe).map(|hash| ChainHead { seq: probe, hash });
            match head.map_or(Ok(None), |head| self.holder(&signer, &head))? {
                Some(holder) => (low, after) = (probe, holder),
                None => high = probe.previous(),
            }
            probe = Seq(low.0 + (high.0 - low.0).div_ceil(2));
        }
        if low >= last {
            return Ok(Standing::Known(self.lineage.parts(unit, start)));
        }
        let from = low.next();
        let is_known = self.lineage.is_point(&signer, &ForkPoint { at: from, prev_hash: hash_before(unit, from) });
        if !is_known && self.head(&after).seq > low {
            return Ok(Standing::Forks { of: after, from });
        }
        Ok(Standing::Follows { after, from })
    }

    /// Returns whose the entry is that `signer` sealed at this place, if it is held. [`Seq::ZERO`] stands for the chain's start.
    pub(crate) fn holder(&self, signer: &Author, entry: &ChainHead) -> Result<Option<Author>, JournalError> {
        if entry.seq == Seq::ZERO {
            return Ok((*entry == ChainHead::start(&self.workspace, signer)).then_some(*signer));
        }
        for name in self.names(signer) {
            if self.own_hash(&name, entry.seq)? == Some(entry.hash) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Returns whose an entry is that follows `after`'s entry before it.
    pub(crate) fn author_of_next(&self, unit: &ChainedUnit, after: Author, from: Seq) -> Author {
        let parts = self.lineage.parts(unit, after);
        // Parts ascend, and those before `from` are known under other names.
        parts.iter().rfind(|part| part.first <= from).map_or(after, |part| part.author)
    }

    /// Proves that a unit and what is held part at `from`.
    pub(crate) fn prove(&self, of: &Author, from: Seq, unit: &ChainedUnit) -> Result<Option<ForkProof>, JournalError> {
        let Some(run) = self.runs_of(of, from).next() else { return Ok(None) };
        Ok(ForkProof::between(&self.decode(&self.log.read(run.id)?)?, unit))
    }

    /// Tells the fold what is called how since forks were found, and what became of entries that its events name.
    pub(crate) fn tell_fold(&mut self) -> Result<(), JournalError> {
        if self.lineage.is_empty() {
            return Ok(());
        }
        let mut branches = self.lineage.branches();
        let mut unknown = BTreeSet::new();
        for (author, seq, hash) in self.view.state.named() {
            let signer = self.lineage.signer(&author);
            if !self.lineage.is_forked(&signer) {
                continue;
            }
            match self.holder(&signer, &ChainHead { seq, hash })? {
                Some(holder) => branches.name(author, seq, hash, self.lineage.authors_until(&holder, seq, &author)),
                None => drop(unknown.insert((seq, hash))),
            }
        }
        self.unknown = unknown;
        self.view.state.set_branches(branches);
        Ok(())
    }

    /// Iterates over the stored runs that hold entries of an author from `from` on, in their order. Finding the first takes a search, and each of the
    /// others a step, however many follow.
    pub(crate) fn runs_of(&self, author: &Author, from: Seq) -> impl Iterator<Item = verso_log::Run> + '_ {
        let unforked = !self.lineage.is_forked(&self.lineage.signer(author));
        let stored = unforked.then(|| self.log.runs(author, from));
        // Nothing of an unforked chain: it has no spans.
        let spans = self.lineage.spans(author).iter().filter(move |span| from <= span.last);
        let of_spans = spans.flat_map(move |span| {
            let runs = self.log.runs(&span.stored, from.max(span.first));
            runs.take_while(|run| run.meta.first_seq <= span.last)
        });
        stored.into_iter().flatten().chain(of_spans)
    }

    /// Returns what the chains of a signer are called.
    pub(crate) fn names(&self, signer: &Author) -> impl Iterator<Item = Author> + '_ {
        let only = (!self.lineage.is_forked(signer)).then_some(*signer);
        self.lineage.names(signer).chain(only)
    }

    /// Tells whether a chain is held as far as a fork of it, at least under one of its names.
    pub(crate) fn reaches(&self, proof: &ForkProof) -> bool {
        self.names(&proof.author).any(|name| self.head(&name).seq >= proof.at)
    }

    /// Returns the hash of an entry of an author's own part of its chain.
    pub(crate) fn own_hash(&self, author: &Author, seq: Seq) -> Result<Option<EntryHash>, JournalError> {
        let head = self.head(author);
        if seq < self.lineage.first(author) {
            return Ok(None);
        }
        if seq >= head.seq {
            return Ok((seq == head.seq).then_some(head.hash));
        }
        let spans = self.lineage.spans(author);
        let stored =
            spans.iter().find(|span| span.first <= seq && seq <= span.last).map_or(*author, |span| span.stored);
        let Some(run) = self.log.runs(&stored, seq).next() else { return Ok(None) };
        if run.meta.last_seq == seq {
            return Ok(Some(run.meta.head_hash));
        }
        // The description of the run names the entry before it, too.
        Ok(self.decode(&self.log.read(run.id)?)?.hash_at(seq))
    }
}

/// Returns the hash that the entry `from` of a unit follows.
pub(crate) fn hash_before(unit: &ChainedUnit, from: Seq) -> EntryHash {
    unit.hash_at(from.previous()).unwrap_or(*unit.prev_hash())
}

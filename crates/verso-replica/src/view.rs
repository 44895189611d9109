//! [`View`]: what the held entries of a journal add up to, and how far each chain is held and applied.

mod saved;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use verso_identity::DeviceId;
use verso_trust::{Cut, EventContext, MAX_CHAINS_PER_DEVICE};
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Incarnation, Seen, SeenItem, Seq};
use verso_wire::{Ancestor, AppliedEntry, ChainHead, ChainedUnit, Content, Seal};

pub(crate) use self::saved::SavedView;
use crate::lineage::Part;
use crate::state::State;

/// The state of a journal, and how far it has come.
///
/// What an author's unit costs depends on the unit and, by a lookup, on the number of authors; never on how much is held.
///
/// Guaranteed: of every author a prefix of the chain is held; entries are applied in their author's order, each once, and only if the
/// fold lets them through.
#[derive(Debug)]
pub(crate) struct View<T> {
    pub(crate) state: T,
    chains: BTreeMap<Author, Chain>,
    /// Authors in the order in which they first appeared, so that who vouches is sent before who is vouched for.
    order: Vec<Author>,
    held: u64,
    applied: u64,
}

/// One author's chain.
#[derive(Debug)]
struct Chain {
    /// Its place in the order of first appearance.
    place: usize,
    /// The greatest stamp of its entries.
    greatest_hlc: Hlc,
    /// Its own first entry: 1, but of a branch.
    start: Seq,
    head: ChainHead,
    /// The seal at its end; `None` where a fork ends it between two seals.
    seal: Option<Seal>,
    applied: Option<Applied>,
}

/// How far an author's entries are applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Applied {
    /// The last applied entry, with what a `seen` vector says of it.
    pub(crate) seq: Seq,
    pub(crate) hash: EntryHash,
    tag: AuthorTag,
    /// Which entries up to there were: one run, but where something was cut and the author went on later.
    runs: Vec<(Seq, Seq)>,
}

/// What holding a unit led to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// The fold may have changed.
    pub(crate) fold_changed: bool,
    /// The greatest stamp among the entries.
    pub(crate) greatest_hlc: Hlc,
}

impl<T: State> View<T> {
    pub(crate) const fn new(state: T) -> Self {
        Self { state, chains: BTreeMap::new(), order: Vec::new(), held: 0, applied: 0 }
    }

    /// Returns the end of an author's chain as it is held, `None` if nothing is.
    pub(crate) fn head(&self, author: &Author) -> Option<ChainHead> {
        self.chains.get(author).map(|chain| chain.head)
    }

    /// Returns the authors in the order in which they first appeared.
    pub(crate) fn authors(&self) -> &[Author] {
        &self.order
    }

    /// Counts the chains that a device has here beside `author`.
    pub(crate) fn other_chains(&self, author: &Author) -> usize {
        self.of_device(&author.device).filter(|(other, _)| *other != author).count()
    }

    /// Returns the seal at the end of a device's newest chain: the one that appeared last. Branches are nobody's to go on with.
    pub(crate) fn newest_seal(&self, device: &DeviceId) -> Option<Seal> {
        let sealed = self.of_device(device).filter_map(|(author, chain)| {
            let seal = chain.seal.filter(|seal| seal.author == *author)?;
            Some((chain.place, seal))
        });
        sealed.max_by_key(|(place, _)| *place).map(|(_, seal)| seal)
    }

    /// Returns where each chain of a device ends, with its seal there, ascending by author: a revocation cuts them there.
    pub(crate) fn cuts(&self, device: &DeviceId) -> Vec<Cut> {
        let cut = |(author, chain): (&Author, &Chain)| Cut {
            author: *author,
            seq: chain.head.seq,
            hash: chain.head.hash,
            seal: chain.seal.map(|seal| seal.signature.as_bytes().to_vec()).unwrap_or_default(),
        };
        self.of_device(device).map(cut).take(MAX_CHAINS_PER_DEVICE).collect()
    }

    /// Counts the entries held, and those of them that are applied.
    pub(crate) const fn counts(&self) -> (u64, u64) {
        (self.held, self.applied)
    }

    /// Tells whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Returns what is applied as a payload carries it.
    pub(crate) fn seen(&self) -> Seen {
        let applied = self.chains.values().filter_map(|chain| chain.applied.as_ref());
        Seen::new(applied.map(|head| SeenItem { author: head.tag, seq: head.seq, tag: head.hash.tag() }))
    }

    /// Returns how far an author's entries are applied, `None` if none is.
    pub(crate) fn applied(&self, author: &Author) -> Option<&Applied> {
        self.chains.get(author)?.applied.as_ref()
    }

    /// Returns the last applied entry of an author.
    pub(crate) fn applied_seq(&self, author: &Author) -> Seq {
        self.chains.get(author).and_then(|chain| chain.applied.as_ref()).map_or(Seq::ZERO, |applied| applied.seq)
    }

    /// Tells whether a unit continues what is held of its author, whose chain was not forked.
    pub(crate) fn is_next(&self, unit: &ChainedUnit) -> bool {
        self.head(&unit.author()).map_or(unit.first_seq() == Seq::FIRST, |head| unit.before() == head)
    }

    /// Takes in the entries of a unit that are `part`, and next in its author's chain, and passes their events to the fold.
    pub(crate) fn hold(&mut self, unit: &ChainedUnit, part: &Part) -> Held {
        let Part { author, first, last, .. } = *part;
        let end = ChainHead { seq: last, hash: unit.hash_at(last).unwrap_or(*unit.prev_hash()) };
        let (place, seal) = (self.order.len(), unit.seal_at(last));
        let chain = self.chains.entry(author).or_insert_with(|| {
            self.order.push(author);
            Chain { place, greatest_hlc: Hlc::default(), start: first, head: end, seal, applied: None }
        });
        (chain.head, chain.seal) = (end, seal);
        self.held = self.held.saturating_add(last.0.saturating_sub(first.previous().0));

        let tag = AuthorTag::of(unit.signer());
        let mut held = Held { fold_changed: false, greatest_hlc: Hlc::default() };
        let in_part = |seq: Seq| first <= seq && seq <= last;
        for (entry, hash) in unit.entries().zip(unit.hashes()).filter(|(entry, _)| in_part(entry.seq)) {
            if let Content::Full { kind, hlc, payload } = entry.content {
                let context = EventContext { author, seq: entry.seq, hash: *hash, hlc, tag };
                held.fold_changed |= self.state.hold(&context, kind, payload);
                held.greatest_hlc = held.greatest_hlc.max(hlc);
            }
        }
        if let Some(chain) = self.chains.get_mut(&author) {
            chain.greatest_hlc = chain.greatest_hlc.max(held.greatest_hlc);
        }
        held
    }

    /// Applies what the fold lets through of the entries of a held unit that are `part`, unless something before them is let through and not yet
    /// applied: that comes first. Of entries that were applied before nothing happens.
    pub(crate) fn apply(&mut self, unit: &ChainedUnit, part: &Part, ancestors: &[Ancestor]) {
        if !T::APPLIES {
            return;
        }
        let author = part.author;
        let start = self.chains.get(&author).map_or(Seq::FIRST, |chain| chain.start);
        let next = self.applied_seq(&author).next().max(start);
        let (first, last) = (unit.first_seq().max(part.first).max(next), unit.last_seq().min(part.last));
        let admissions = self.state.admissions(&author);
        let is_due = first <= last && admissions.applies_any(first, last);
        if !is_due || (next < first && admissions.applies_any(next, first.previous())) {
            return;
        }
        let Some(chain) = self.chains.get_mut(&author) else { return };
        let tag = AuthorTag::of(unit.signer());
        let mut runs = admissions.applied().iter().peekable();
        let in_part = |seq: Seq| first <= seq && seq <= last;
        for (entry, hash) in unit.entries().zip(unit.hashes()).filter(|(entry, _)| in_part(entry.seq)) {
            while runs.next_if(|(_, end)| *end < entry.seq).is_some() {}
            match runs.peek() {
                Some((start, _)) if *start <= entry.seq => {}
                Some(_) => continue,
                None => break,
            }
            // Of an entry whose content was given up only the digest is left, and nothing to apply.
            if let Content::Full { kind, hlc, payload } = entry.content {
                let dot = Dot { author, seq: entry.seq };
                self.state.apply(&AppliedEntry { dot, tag, hash: *hash, kind, hlc, payload, ancestors });
                self.applied = self.applied.saturating_add(1);
            }
            chain.applied.get_or_insert_with(|| Applied::new(tag)).advance(entry.seq, *hash);
        }
    }

    /// Tells whether what is applied differs from what the fold lets through up to there.
    pub(crate) fn is_cut(&self) -> bool {
        let is_cut = |author: &Author, chain: &Chain| {
            let applied = chain.applied.as_ref();
            applied.is_some_and(|applied| !applied.agrees_with(self.state.admissions(author).applied(), chain.start))
        };
        self.chains.iter().any(|(author, chain)| is_cut(author, chain))
    }

    /// Forgets all that was applied.
    pub(crate) fn reset(&mut self) {
        self.state.reset();
        self.applied = 0;
        self.chains.values_mut().for_each(|chain| chain.applied = None);
    }

    /// Forgets everything, to take it in again under other names.
    pub(crate) fn forget(&mut self) {
        self.state.forget();
        self.chains.clear();
        self.order.clear();
        (self.held, self.applied) = (0, 0);
    }

    fn of_device(&self, device: &DeviceId) -> impl Iterator<Item = (&Author, &Chain)> {
        let author = |incarnation| Author { device: *device, incarnation: Incarnation(incarnation) };
        self.chains.range(author(0)..=author(u64::MAX))
    }
}

impl Applied {
    pub(crate) const fn new(tag: AuthorTag) -> Self {
        Self { seq: Seq::ZERO, hash: EntryHash([0; 32]), tag, runs: Vec::new() }
    }

    /// Tells whether an entry was applied.
    pub(crate) fn has(&self, seq: Seq) -> bool {
        let run = self.runs.get(self.runs.partition_point(|(_, end)| *end < seq));
        run.is_some_and(|(first, _)| *first <= seq)
    }

    /// Tells whether the same entries were applied up to where `earlier` ends.
    pub(crate) fn extends(&self, earlier: &Self) -> bool {
        let until = self.runs.iter().take_while(|(first, _)| *first <= earlier.seq);
        earlier.seq <= self.seq
            && until.map(|&(first, end)| (first, end.min(earlier.seq))).eq(earlier.runs.iter().copied())
    }

    pub(crate) fn advance(&mut self, seq: Seq, hash: EntryHash) {
        (self.seq, self.hash) = (seq, hash);
        match self.runs.last_mut() {
            Some((_, end)) if end.next() == seq => *end = seq,
            _ => self.runs.push((seq, seq)),
        }
    }

    /// Tells whether ascending runs, from the chain's own first entry up to the last applied one, are those that were applied.
    fn agrees_with(&self, admitted: &[(Seq, Seq)], start: Seq) -> bool {
        let until = admitted.iter().filter(|(first, end)| *first <= self.seq && start <= *end);
        until.map(|&(first, end)| (first.max(start), end.min(self.seq))).eq(self.runs.iter().copied())
    }
}

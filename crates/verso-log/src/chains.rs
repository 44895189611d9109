//! The index in memory: for every author its runs and where they lie, never the records themselves.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use verso_vv::{Author, EntryHash, Seq, VersionVector};

use crate::run::{BranchPoint, RunMeta};

/// Where a run lies, and what can't be told from the run before it: 56 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) last_seq: Seq,
    pub(crate) head_hash: EntryHash,
    pub(crate) segment: u32,
    pub(crate) number: u32,
    pub(crate) offset: u32,
    pub(crate) body_len: u32,
}

/// All chains of a log.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    by_author: BTreeMap<Author, Chain>,
    held: VersionVector,
}

#[derive(Debug)]
struct Chain {
    branch: Option<BranchPoint>,
    /// Runs that continue each other. A whole log has one span per author; damage leaves several.
    spans: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    first_seq: Seq,
    prev_hash: EntryHash,
    places: Vec<Place>,
}

/// Why a run is not the next of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotNext {
    /// Another entry is.
    Seq { expected: Seq },
    /// The chain's head has another hash.
    Hash,
    /// The description can't be, or the author's branch is another.
    Invalid,
}

impl Chains {
    /// Checks that a run is the next of its chain.
    pub(crate) fn check_next(&self, meta: &RunMeta) -> Result<(), NotNext> {
        if !meta.is_valid() {
            return Err(NotNext::Invalid);
        }
        let Some(chain) = self.by_author.get(&meta.author) else {
            let expected = start_of(meta.branch);
            return if meta.first_seq == expected { Ok(()) } else { Err(NotNext::Seq { expected }) };
        };
        if chain.branch != meta.branch {
            return Err(NotNext::Invalid);
        }
        match chain.head() {
            Some((seq, _)) if meta.first_seq != seq.next() => Err(NotNext::Seq { expected: seq.next() }),
            Some((_, hash)) if meta.prev_hash != hash => Err(NotNext::Hash),
            _ => Ok(()),
        }
    }

    /// Takes a run, in stored order. One that doesn't continue what is there begins a span of its own.
    pub(crate) fn push(&mut self, meta: &RunMeta, place: Place) {
        let chain =
            self.by_author.entry(meta.author).or_insert_with(|| Chain { branch: meta.branch, spans: Vec::new() });
        match chain.spans.last_mut() {
            Some(span) if span.head() == Some((meta.first_seq.previous(), meta.prev_hash)) => span.places.push(place),
            _ => {
                chain.spans.push(Span { first_seq: meta.first_seq, prev_hash: meta.prev_hash, places: vec![place] });
            }
        }
        if chain.spans.len() == 1 && chain.begins_at_its_start() {
            self.held.set(meta.author, meta.last_seq);
        }
    }

    pub(crate) const fn held(&self) -> &VersionVector {
        &self.held
    }

    /// Returns the head of what is held of `author` without a gap.
    pub(crate) fn head(&self, author: &Author) -> Option<(Seq, EntryHash)> {
        let chain = self.by_author.get(author)?;
        chain.begins_at_its_start().then(|| chain.spans.first()?.head())?
    }

    /// Iterates over the heads of what is held without a gap, by author.
    pub(crate) fn heads(&self) -> impl Iterator<Item = (Author, Seq, EntryHash)> + '_ {
        self.by_author.keys().filter_map(|author| self.head(author).map(|(seq, hash)| (*author, seq, hash)))
    }

    /// Iterates over the runs of `author` that end at `from` or later.
    pub(crate) fn runs(&self, author: &Author, from: Seq) -> impl Iterator<Item = (RunMeta, Place)> + '_ {
        let author = *author;
        self.by_author.get(&author).into_iter().flat_map(move |chain| {
            chain.spans.iter().flat_map(move |span| {
                let start = span.places.partition_point(|place| place.last_seq < from);
                span.metas(author, chain.branch, start)
            })
        })
    }

    /// Returns the runs in these segments, by author and number.
    pub(crate) fn in_segments(&self, segments: &RangeInclusive<u32>) -> Vec<(RunMeta, Place)> {
        let mut found = Vec::new();
        for (author, chain) in &self.by_author {
            for span in &chain.spans {
                // Runs of an author were stored in their order, so their segments ascend.
                let start = span.places.partition_point(|place| place.segment < *segments.start());
                let metas = span.metas(*author, chain.branch, start);
                found.extend(metas.take_while(|(_, place)| place.segment <= *segments.end()));
            }
        }
        found
    }

    /// Puts other runs in the place of those in these segments. Per author they must begin and end alike, and the log must
    /// be whole: one span an author.
    pub(crate) fn replace(&mut self, segments: &RangeInclusive<u32>, new: &BTreeMap<Author, Vec<Place>>) {
        for (author, places) in new {
            let Some(span) = self.by_author.get_mut(author).and_then(|chain| chain.spans.first_mut()) else { continue };
            let start = span.places.partition_point(|place| place.segment < *segments.start());
            let end = span.places.partition_point(|place| place.segment <= *segments.end());
            drop(span.places.splice(start..end, places.iter().copied()));
        }
    }

    pub(crate) fn authors(&self) -> usize {
        self.by_author.len()
    }

    /// Counts runs and their entries.
    pub(crate) fn count(&self) -> (usize, u64) {
        let spans = || self.by_author.values().flat_map(|chain| &chain.spans);
        let runs = spans().map(|span| span.places.len()).sum();
        let entries = spans().filter_map(|span| Some((span.first_seq, span.head()?.0)));
        (runs, entries.fold(0_u64, |sum, (first, last)| sum.saturating_add(last.0 - first.previous().0)))
    }
}

/// Returns the number that the first entry of a chain has.
fn start_of(branch: Option<BranchPoint>) -> Seq {
    branch.map_or(Seq::FIRST, |branch| branch.at)
}

impl Chain {
    fn head(&self) -> Option<(Seq, EntryHash)> {
        self.spans.last()?.head()
    }

    fn begins_at_its_start(&self) -> bool {
        self.spans.first().is_some_and(|span| span.first_seq == start_of(self.branch))
    }
}

impl Span {
    fn head(&self) -> Option<(Seq, EntryHash)> {
        self.places.last().map(|place| (place.last_seq, place.head_hash))
    }

    /// Iterates over the runs from the one at `start` on.
    fn metas(
        &self,
        author: Author,
        branch: Option<BranchPoint>,
        start: usize,
    ) -> impl Iterator<Item = (RunMeta, Place)> + '_ {
        let before = start.checked_sub(1).and_then(|at| self.places.get(at));
        let mut next =
            before.map_or((self.first_seq, self.prev_hash), |place| (place.last_seq.next(), place.head_hash));
        self.places.get(start..).unwrap_or_default().iter().map(move |place| {
            let (first_seq, prev_hash) = next;
            next = (place.last_seq.next(), place.head_hash);
            let (last_seq, head_hash) = (place.last_seq, place.head_hash);
            (RunMeta { author, branch, first_seq, last_seq, prev_hash, head_hash }, *place)
        })
    }
}

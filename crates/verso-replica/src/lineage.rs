//! [`Lineage`]: which chains were forked where, what their entries are called since, and where those lie.

use std::collections::{BTreeMap, BTreeSet};

use verso_vv::{Author, Branches, EntryHash, Seq};
use verso_wire::{Ancestor, Branch, ChainedUnit, ForkProof};

/// Where a chain was forked: the first number that differs, and the hash that all sides follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ForkPoint {
    pub(crate) at: Seq,
    pub(crate) prev_hash: EntryHash,
}

/// What is known of forks in one log.
///
/// A log holds *stored chains*: each is appended to at its end, under the label that it began with, and never rewritten. What an entry is
/// *called* follows from its history and from the forks that are known, and from nothing else: behind a fork it is the branch's that the last
/// fork on its way began. So whoever holds the same entries and knows of the same forks gives the same names, in whatever order they came.
///
/// Of a signer of whom no fork is known there is one stored chain, called as it is stored, and nothing here.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    /// The forks of each signer; none where the log has branches and what proved them was lost.
    points: BTreeMap<Author, BTreeSet<ForkPoint>>,
    /// The chains of these signers, by what they are called.
    lines: BTreeMap<Author, Line>,
}

/// A chain of a forked signer: its trunk, or a branch.
#[derive(Debug)]
struct Line {
    signer: Author,
    /// Its own first entry, and whose the one before it is.
    first: Seq,
    parent: Option<Author>,
    branch: Option<Branch>,
    /// Where its entries lie, ascending and without a gap.
    spans: Vec<Span>,
}

/// Entries of one author that lie in one stored chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) stored: Author,
    /// The label under which they are stored.
    pub(crate) label: Option<Branch>,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
}

/// Entries of a unit that have one author.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) author: Author,
    pub(crate) branch: Option<Branch>,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
}

impl ForkPoint {
    pub(crate) const fn of(proof: &ForkProof) -> Self {
        Self { at: proof.at, prev_hash: proof.prev_hash }
    }
}

impl Lineage {
    /// Starts from forks that are known.
    pub(crate) fn new(points: impl IntoIterator<Item = (Author, ForkPoint)>) -> Self {
        let mut lineage = Self::default();
        for (signer, point) in points {
            lineage.insert(signer, point);
        }
        lineage
    }

    /// Tells whether nothing is forked.
    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Tells whether a signer has, or may have, more than one chain.
    pub(crate) fn is_forked(&self, signer: &Author) -> bool {
        self.points.contains_key(signer)
    }

    /// Notes a fork. Names are to be found anew: see [`forget_names`](Self::forget_names).
    pub(crate) fn insert(&mut self, signer: Author, point: ForkPoint) {
        self.points.entry(signer).or_default().insert(point);
    }

    /// Notes a fork behind which nothing is held, `last` being the end of what is of a signer of whom no fork was known. Names stay as they are.
    pub(crate) fn foresee(&mut self, signer: Author, point: ForkPoint, last: Seq) {
        if !self.is_forked(&signer) && last > Seq::ZERO {
            let spans = vec![Span { stored: signer, label: None, first: Seq::FIRST, last }];
            self.lines.insert(signer, Line { signer, first: Seq::FIRST, parent: None, branch: None, spans });
        }
        self.insert(signer, point);
    }

    /// Notes that the log has branches of a signer. Returns whether that is news.
    pub(crate) fn note_branches(&mut self, signer: Author) -> bool {
        let is_new = !self.is_forked(&signer);
        self.points.entry(signer).or_default();
        is_new
    }

    /// Forgets what is called how and lies where. The forks stay.
    pub(crate) fn forget_names(&mut self) {
        self.lines.clear();
    }

    /// Tells whether a signer's chain was forked there.
    pub(crate) fn is_point(&self, signer: &Author, point: &ForkPoint) -> bool {
        self.points.get(signer).is_some_and(|points| points.contains(point))
    }

    /// Returns what a forked signer's chains are called.
    pub(crate) fn names(&self, signer: &Author) -> impl Iterator<Item = Author> + '_ {
        let signer = *signer;
        self.lines.iter().filter(move |(_, line)| line.signer == signer).map(|(name, _)| *name)
    }

    /// Returns whose chain it is that a name means: that of who signed.
    pub(crate) fn signer(&self, name: &Author) -> Author {
        self.lines.get(name).map_or(*name, |line| line.signer)
    }

    /// Returns the first number that is an author's own.
    pub(crate) fn first(&self, author: &Author) -> Seq {
        self.lines.get(author).map_or(Seq::FIRST, |line| line.first)
    }

    /// Returns the branch that an author of a forked chain is; `None` of a trunk.
    pub(crate) fn branch(&self, author: &Author) -> Option<Branch> {
        self.lines.get(author)?.branch
    }

    /// Returns where the entries of a forked signer's chain lie; nothing of others, whose entries lie under their own names.
    pub(crate) fn spans(&self, author: &Author) -> &[Span] {
        self.lines.get(author).map_or(&[], |line| &line.spans)
    }

    /// Returns the authors to whom what is before an author's own part of its chain belongs, ascending.
    pub(crate) fn ancestors(&self, author: &Author) -> Vec<Ancestor> {
        let mut ancestors = Vec::new();
        let mut line = self.lines.get(author);
        while let Some(Line { first, parent: Some(parent), .. }) = line {
            ancestors.push(Ancestor { author: *parent, until: *first });
            line = self.lines.get(parent);
        }
        ancestors.reverse();
        ancestors
    }

    /// Returns whose the entries of an author's chain up to `seq` are, from the first of `from` on: each with its last.
    pub(crate) fn authors_until(&self, author: &Author, seq: Seq, from: &Author) -> Vec<(Author, Seq)> {
        let start = self.first(from);
        let ancestors = self.ancestors(author).into_iter();
        let before = ancestors.map(|ancestor| (ancestor.author, ancestor.until.previous()));
        before.filter(|(_, last)| *last >= start).chain([(*author, seq)]).collect()
    }

    /// Tells the lines of all branches.
    pub(crate) fn branches(&self) -> Branches {
        let mut branches = Branches::new();
        for (author, line) in &self.lines {
            if let Some(parent) = line.parent {
                branches.insert(*author, parent, line.first);
            }
        }
        branches
    }

    /// Tells what the entries of a unit are called, of which the one before it is `before`'s.
    pub(crate) fn parts(&self, unit: &ChainedUnit, before: Author) -> Vec<Part> {
        let (signer, first, last) = (unit.signer(), unit.first_seq(), unit.last_seq());
        let mut parts = vec![Part { author: before, branch: self.branch(&before), first, last }];
        for point in self.points.get(signer).into_iter().flatten() {
            let is_passed =
                first <= point.at && point.at <= last && unit.hash_at(point.at.previous()) == Some(point.prev_hash);
            let Some(hash) = unit.hash_at(point.at).filter(|_| is_passed) else { continue };
            let branch = Branch { at: point.at, hash };
            if let Some(part) = parts.last_mut() {
                part.last = point.at.previous();
            }
            parts.push(Part { author: branch.author(signer), branch: Some(branch), first: point.at, last });
        }
        parts.retain(|part| part.first <= part.last);
        parts
    }

    /// Notes where the parts of a stored unit lie, of which the entry before it is `before`'s.
    pub(crate) fn extend(&mut self, unit: &ChainedUnit, before: Author, parts: &[Part]) {
        let signer = *unit.signer();
        if !self.is_forked(&signer) {
            return;
        }
        let (stored, label) = (unit.author(), unit.branch().copied());
        let mut parent = before;
        for Part { author, branch, first, last } in parts.iter().copied() {
            let line = self.lines.entry(author).or_insert_with(|| {
                let parent = Some(parent).filter(|parent| *parent != author && first > Seq::FIRST);
                Line { signer, first, parent, branch, spans: Vec::new() }
            });
            match line.spans.last_mut() {
                Some(span) if span.stored == stored && span.last.next() == first => span.last = last,
                _ => line.spans.push(Span { stored, label, first, last }),
            }
            parent = author;
        }
    }
}

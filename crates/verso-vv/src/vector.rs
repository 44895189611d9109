//! [`VersionVector`]: for every author, up to which entry all is held.

use std::collections::BTreeMap;

use crate::author::{Author, Dot, Seq};

/// For every author the last entry of a contiguous prefix: "all up to here". Authors of whom nothing is held don't appear.
///
/// A vector advances one contiguous run at a time, see [`advance`](Self::advance); there is no way to skip a gap, because
/// what was skipped would never be asked for again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionVector {
    entries: BTreeMap<Author, Seq>,
}

/// How two vectors stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Causality {
    /// Both hold the same.
    Equal,
    /// The first lacks something that the second holds, and not the reverse.
    Before,
    /// The first holds something that the second lacks, and not the reverse.
    After,
    /// Each holds something that the other lacks.
    Concurrent,
}

/// A run does not follow what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {got} of {author} does not follow: {expected} is next")]
pub struct NotContiguous {
    /// Whose chain.
    pub author: Author,
    /// The number that would follow.
    pub expected: Seq,
    /// The number that came.
    pub got: Seq,
}

impl VersionVector {
    /// Makes an empty vector: nothing is held.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the last entry held of `author`, [`Seq::ZERO`] if none.
    pub fn get(&self, author: &Author) -> Seq {
        self.entries.get(author).copied().unwrap_or(Seq::ZERO)
    }

    /// Tells whether the entry at `dot` is held. `Seq::ZERO` is always.
    pub fn contains(&self, dot: &Dot) -> bool {
        dot.seq <= self.get(&dot.author)
    }

    /// Advances `author` over the run `first..=last`.
    ///
    /// A run that overlaps what is held advances by what is new; one that is wholly held changes nothing.
    ///
    /// # Errors
    /// [`NotContiguous`] if `first` lies beyond the next number; the vector is unchanged.
    pub fn advance(&mut self, author: Author, first: Seq, last: Seq) -> Result<(), NotContiguous> {
        let held = self.get(&author);
        let expected = held.next();
        if first > expected {
            return Err(NotContiguous { author, expected, got: first });
        }
        if last > held {
            self.entries.insert(author, last);
        }
        Ok(())
    }

    /// Sets `author` to hold all up to `seq`, for a vector that is read from a message or a file. `Seq::ZERO` removes it.
    pub fn set(&mut self, author: Author, seq: Seq) {
        if seq == Seq::ZERO {
            self.entries.remove(&author);
        } else {
            self.entries.insert(author, seq);
        }
    }

    /// Takes for every author the greater of both: what two replicas hold together.
    pub fn merge(&mut self, other: &Self) {
        for (author, seq) in &other.entries {
            if *seq > self.get(author) {
                self.entries.insert(*author, *seq);
            }
        }
    }

    /// Tells whether all that `other` holds is held here.
    pub fn covers(&self, other: &Self) -> bool {
        other.entries.iter().all(|(author, seq)| self.get(author) >= *seq)
    }

    /// Compares what two vectors hold.
    pub fn compare(&self, other: &Self) -> Causality {
        match (self.covers(other), other.covers(self)) {
            (true, true) => Causality::Equal,
            (false, true) => Causality::Before,
            (true, false) => Causality::After,
            (false, false) => Causality::Concurrent,
        }
    }

    /// Iterates over what is held here and lacking in `other`: author, first and last number of the run.
    pub fn beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (Author, Seq, Seq)> + 'a {
        self.entries.iter().filter_map(|(author, last)| {
            let theirs = other.get(author);
            (*last > theirs).then(|| (*author, theirs.next(), *last))
        })
    }

    /// Counts the entries that are held here and lacking in `other`, saturating.
    pub fn count_beyond(&self, other: &Self) -> u64 {
        self.beyond(other)
            .fold(0_u64, |count, (_, first, last)| count.saturating_add((last.0 - first.0).saturating_add(1)))
    }

    /// Counts all entries held, saturating.
    pub fn count(&self) -> u64 {
        self.entries.values().fold(0_u64, |count, seq| count.saturating_add(seq.0))
    }

    /// Iterates over authors and their last numbers, in the order of authors.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Author, Seq)> + '_ {
        self.entries.iter().map(|(author, seq)| (*author, *seq))
    }

    /// Counts the authors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<(Author, Seq)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (Author, Seq)>>(entries: I) -> Self {
        let mut vector = Self::new();
        for (author, seq) in entries {
            vector.set(author, seq);
        }
        vector
    }
}

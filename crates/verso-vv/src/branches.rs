//! [`Branches`]: which chains are parts of forked ones, and how those hang together.

use std::collections::BTreeMap;

use crate::author::{Author, Seq};
use crate::hash::EntryHash;

/// For each author that is a branch of a forked chain: whose chain it goes on from, and from which entry on it is its own.
///
/// A branch's chain has all numbers: below its first entry they are its parent's, and below that one's first its parent's again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Branches {
    parents: BTreeMap<Author, (Author, Seq)>,
    /// What became of the entries up to one that was named by author, number and hash.
    named: BTreeMap<(Author, Seq, EntryHash), Vec<(Author, Seq)>>,
}

impl Branches {
    /// Makes an empty record: nothing is forked.
    pub const fn new() -> Self {
        Self { parents: BTreeMap::new(), named: BTreeMap::new() }
    }

    /// Notes that `branch` goes on from `parent`'s chain, and that its own first entry is `first`. What would make a circle is ignored: entries of
    /// a branch come after those of its parent, so nothing that was hashed can.
    pub fn insert(&mut self, branch: Author, parent: Author, first: Seq) {
        if self.line(&parent).all(|(ancestor, _)| ancestor != branch) && branch != parent {
            self.parents.insert(branch, (parent, first));
        }
    }

    /// Notes whose the entries up to one are that is named by the name its author had: for each part of the chain its author and its last number,
    /// ascending.
    pub fn name(&mut self, author: Author, seq: Seq, hash: EntryHash, parts: Vec<(Author, Seq)>) {
        self.named.insert((author, seq, hash), parts);
    }

    /// Returns whose the entries up to the named one are. What nothing is known of keeps its name.
    pub fn parts(&self, author: &Author, seq: Seq, hash: &EntryHash) -> Vec<(Author, Seq)> {
        self.named.get(&(*author, seq, *hash)).cloned().unwrap_or_else(|| vec![(*author, seq)])
    }

    /// Iterates over the authors before `author` in its line, its parent first, each with the first number that is not its own there.
    pub fn line(&self, author: &Author) -> impl Iterator<Item = (Author, Seq)> + '_ {
        let mut next = self.parents.get(author);
        let mut until = Seq(u64::MAX);
        std::iter::from_fn(move || {
            let (parent, first) = *next?;
            next = self.parents.get(&parent);
            until = until.min(first);
            Some((parent, until))
        })
    }

    /// Returns the first number that is not `ancestor`'s own in the line of `author`; `None` if it is not in it.
    pub fn until(&self, author: &Author, ancestor: &Author) -> Option<Seq> {
        self.line(author).find(|(one, _)| one == ancestor).map(|(_, until)| until)
    }

    /// Tells whether nothing is forked.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use verso_identity::DeviceId;

    use super::*;
    use crate::author::Incarnation;

    fn author(incarnation: u64) -> Author {
        Author { device: DeviceId::from_bytes([1; 32]), incarnation: Incarnation(incarnation) }
    }

    #[test]
    fn a_line_leads_from_a_branch_of_a_branch_to_the_trunk() {
        let [trunk, branch, nested] = [1, 2, 3].map(author);
        let mut branches = Branches::new();
        branches.insert(nested, branch, Seq(9));
        branches.insert(branch, trunk, Seq(5));
        assert_eq!(branches.line(&nested).collect::<Vec<_>>(), [(branch, Seq(9)), (trunk, Seq(5))]);
        assert_eq!((branches.until(&nested, &trunk), branches.until(&trunk, &nested)), (Some(Seq(5)), None));
        branches.insert(trunk, nested, Seq(1));
        assert_eq!(branches.line(&trunk).count(), 0, "a circle is ignored");
    }

    #[test]
    fn what_is_named_is_found_under_its_new_names() {
        let mut branches = Branches::new();
        let (hash, other) = (EntryHash([1; 32]), EntryHash([2; 32]));
        branches.name(author(1), Seq(8), hash, vec![(author(1), Seq(4)), (author(2), Seq(8))]);
        assert_eq!(branches.parts(&author(1), Seq(8), &hash), [(author(1), Seq(4)), (author(2), Seq(8))]);
        assert_eq!(branches.parts(&author(1), Seq(8), &other), [(author(1), Seq(8))]);
    }
}

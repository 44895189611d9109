//! [`Presence`]: whether a node is there, a ghost, or gone, from what was done, deleted and decided.

pub(crate) mod snapshot;

use crate::chains::{At, Chains, Name};
use crate::intent::Choice;
use crate::node::Node;
use crate::table::{LineIx, NodeIx, SeenIx, Table};

/// Whether a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Live,
    /// Deleted, but not all that was done to it had been seen by a deletion, or so decided.
    Ghost(Settled),
    Removed,
}

/// Whether something is left to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    Yes,
    No,
}

/// What an author had applied, beside its own chain.
pub(crate) struct SeenVector {
    /// Ascending.
    pub(crate) names: Box<[Name]>,
    /// Nodes to look at again when a named entry arrives; `None` once nothing that arrives can change what is covered.
    pub(crate) users: Option<Vec<NodeIx>>,
}

/// Deletions of a node and decisions about it: of each author the last counts. Both ascend by chain.
#[derive(Default)]
pub(crate) struct Marks {
    deletions: Vec<Mark>,
    decisions: Vec<(Choice, Mark)>,
}

/// An entry and what its author had seen: all before it in its own chain, and the vector.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) at: At,
    pub(crate) seen: SeenIx,
}

pub(crate) type SeenVectors = Table<SeenIx, SeenVector>;

/// What decides about what was seen: all chains and vectors.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) chains: &'a Chains,
    pub(crate) vectors: &'a SeenVectors,
}

impl Sight<'_> {
    /// Tells whether the author of the mark had seen the entry.
    fn saw(self, mark: Mark, at: At) -> bool {
        if self.chains.on_chain(mark.at.chain(), mark.at.seq() - 1, at) {
            return true;
        }
        let names = &self.vectors[mark.seen].names;
        let line: LineIx = self.chains.line_of(at);
        let start = names.partition_point(|name| *name < Name::first_at(line, at.seq()));
        let of_line = names.iter().skip(start).take_while(|name| name.line == line);
        of_line.into_iter().any(|name| self.chains.covers(*name, at))
    }
}

impl Marks {
    pub(crate) fn delete(&mut self, mark: Mark) {
        let place = self.deletions.partition_point(|other| other.at.chain() < mark.at.chain());
        match self.deletions.get_mut(place) {
            Some(last) if last.at.chain() == mark.at.chain() => *last = mark,
            _ => self.deletions.insert(place, mark),
        }
    }

    pub(crate) fn decide(&mut self, choice: Choice, mark: Mark) {
        let place = self.decisions.partition_point(|(_, other)| other.at.chain() < mark.at.chain());
        match self.decisions.get_mut(place) {
            Some(last) if last.1.at.chain() == mark.at.chain() => *last = (choice, mark),
            _ => self.decisions.insert(place, (choice, mark)),
        }
    }

    pub(crate) fn deletions(&self) -> &[Mark] {
        &self.deletions
    }

    pub(crate) fn decisions(&self) -> &[(Choice, Mark)] {
        &self.decisions
    }
}

/// How a node's presence comes about.
///
/// 1. A decision that no other has seen is *current*. The greatest choice among the current ones is made: keep before ghost before delete.
/// 2. The decisions of that choice count, unless one of another choice has seen them.
/// 3. Deletions count, unless the choice is keep and a decision that counts has seen them. If the choice is delete, the decisions that
///    count are deletions themselves.
/// 4. An activity is *removed* if a deletion that counts has seen it. Decisions to keep or for a ghost that count are activities, too.
/// 5. Without any deletion that counts a node lives, or is a ghost if that is the choice. With one it is gone if all activities are
///    removed, else a ghost.
/// 6. A ghost is settled if that is the choice, and all deletions that count and all activities that aren't removed were
///    seen by a decision that counts.
pub(crate) struct Review<'a> {
    pub(crate) presence: Presence,
    /// Deletions that count.
    pub(crate) deletions: Vec<Mark>,
    /// The choice that is made, and the decisions that count.
    pub(crate) choice: Option<Choice>,
    pub(crate) decisions: Vec<Mark>,
    /// Activities that no deletion which counts has seen; of each chain the last. Decisions are not among them.
    pub(crate) left: Vec<At>,
    sight: Sight<'a>,
}

impl<'a> Review<'a> {
    pub(crate) fn of(node: &Node, sight: Sight<'a>) -> Self {
        let mut review =
            Self { presence: Presence::Live, deletions: vec![], choice: None, decisions: vec![], left: vec![], sight };
        let Some(marks) = node.marks() else { return review };
        review.decide(&marks.decisions);
        review.weigh(&marks.deletions);
        let saw_any = |marks: &[Mark], at: At| marks.iter().any(|mark| sight.saw(*mark, at));
        review.left = node.activities().filter(|at| !saw_any(&review.deletions, *at)).collect();

        let kept = !matches!(review.choice, None | Some(Choice::Delete))
            && review.decisions.iter().any(|decision| !saw_any(&review.deletions, decision.at));
        let settled = || {
            let all_seen = review.left.iter().copied().chain(review.deletions.iter().map(|deletion| deletion.at));
            let mut all_seen = all_seen.filter(|at| !saw_any(&review.decisions, *at));
            if review.choice == Some(Choice::Ghost) && all_seen.next().is_none() { Settled::Yes } else { Settled::No }
        };
        review.presence = if review.deletions.is_empty() {
            if review.choice == Some(Choice::Ghost) { Presence::Ghost(settled()) } else { Presence::Live }
        } else if review.left.is_empty() && !kept {
            Presence::Removed
        } else {
            Presence::Ghost(settled())
        };
        review
    }

    /// Finds the choice that is made, and the decisions that count.
    fn decide(&mut self, decisions: &[(Choice, Mark)]) {
        let sight = self.sight;
        let current = decisions.iter().filter(|(_, one)| !decisions.iter().any(|(_, other)| sight.saw(*other, one.at)));
        // Only forged vectors can claim to have seen each other; then none is current and all are taken.
        self.choice = current.map(|(choice, _)| *choice).max().or(decisions.iter().map(|(choice, _)| *choice).max());
        let Some(made) = self.choice else { return };
        let overruled = |one: At| decisions.iter().any(|(choice, other)| *choice != made && sight.saw(*other, one));
        self.decisions = decisions
            .iter()
            .filter(|(choice, mark)| *choice == made && !overruled(mark.at))
            .map(|(_, mark)| *mark)
            .collect();
    }

    /// Finds the deletions that count.
    fn weigh(&mut self, deletions: &[Mark]) {
        let void =
            |one: At| self.choice == Some(Choice::Keep) && self.decisions.iter().any(|keep| self.sight.saw(*keep, one));
        let mut counting: Vec<Mark> = deletions.iter().filter(|one| !void(one.at)).copied().collect();
        if self.choice == Some(Choice::Delete) {
            counting.extend(&self.decisions);
        }
        self.deletions = counting;
    }
}

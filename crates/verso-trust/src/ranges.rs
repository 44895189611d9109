//! [`Ranges`]: sets of entries of one chain.

use verso_vv::Seq;

/// A set of sequence numbers as runs, first and last, ascending and apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ranges {
    runs: Vec<(Seq, Seq)>,
}

impl Ranges {
    pub(crate) fn as_slice(&self) -> &[(Seq, Seq)] {
        &self.runs
    }

    pub(crate) fn contains(&self, seq: Seq) -> bool {
        self.overlaps(seq, seq)
    }

    /// Tells whether any number in `first..=last` is in the set.
    pub(crate) fn overlaps(&self, first: Seq, last: Seq) -> bool {
        self.runs.iter().any(|(start, end)| *start <= last && first <= *end)
    }

    /// Returns the numbers that are in either set.
    pub(crate) fn union(&self, other: &Self) -> Self {
        self.runs.iter().chain(&other.runs).copied().collect()
    }

    /// Returns the numbers that are in both sets.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let common = |(first, last): &(Seq, Seq)| {
            let (first, last) = (*first, *last);
            other.runs.iter().map(move |(from, to)| (first.max(*from), last.min(*to)))
        };
        self.runs.iter().flat_map(common).collect()
    }

    /// Returns the numbers of this set that aren't in the other.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        other.runs.iter().fold(self.clone(), |rest, (from, to)| rest.without(*from, *to))
    }

    /// Returns the numbers of this set that aren't in `from..=to`.
    pub(crate) fn without(&self, from: Seq, to: Seq) -> Self {
        let parts = self.runs.iter().flat_map(|(first, last)| {
            if to < *first || *last < from {
                return [(*first, *last), (Seq::FIRST, Seq::ZERO)];
            }
            // What would be an empty run has its first number behind its last.
            let before = if *first < from { (*first, from.previous()) } else { (Seq::FIRST, Seq::ZERO) };
            let after = if to < *last { (to.next(), *last) } else { (Seq::FIRST, Seq::ZERO) };
            [before, after]
        });
        parts.collect()
    }
}

impl FromIterator<(Seq, Seq)> for Ranges {
    /// Takes runs in any order, also such as overlap; empty ones, whose first number is behind their last, are left out.
    fn from_iter<I: IntoIterator<Item = (Seq, Seq)>>(runs: I) -> Self {
        let mut given: Vec<(Seq, Seq)> = runs.into_iter().filter(|(first, last)| first <= last).collect();
        given.sort_unstable();
        let mut runs: Vec<(Seq, Seq)> = Vec::new();
        for (first, last) in given {
            match runs.last_mut() {
                Some(before) if first <= before.1.next() => before.1 = before.1.max(last),
                _ => runs.push((first, last)),
            }
        }
        Self { runs }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        proptest::collection::vec((1..12_u64, 0..12_u64), 0..5)
    }

    fn set(runs: &[(u64, u64)]) -> Ranges {
        runs.iter().map(|(first, last)| (Seq(*first), Seq(*last))).collect()
    }

    fn model(runs: &[(u64, u64)], seq: u64) -> bool {
        runs.iter().any(|(first, last)| (*first..=*last).contains(&seq))
    }

    proptest! {
        #[test]
        fn ranges_are_sets(left in ranges(), right in ranges(), from in 0..13_u64, to in 0..13_u64) {
            let (one, other) = (set(&left), set(&right));
            let rest = one.without(Seq(from), Seq(to));
            for seq in 0..14 {
                prop_assert_eq!(one.contains(Seq(seq)), model(&left, seq));
                prop_assert_eq!(one.union(&other).contains(Seq(seq)), model(&left, seq) || model(&right, seq));
                let in_both = model(&left, seq) && model(&right, seq);
                prop_assert_eq!(one.intersection(&other).contains(Seq(seq)), in_both);
                prop_assert_eq!(one.minus(&other).contains(Seq(seq)), model(&left, seq) && !model(&right, seq));
                prop_assert_eq!(rest.contains(Seq(seq)), model(&left, seq) && !(from..=to).contains(&seq));
            }
            prop_assert!(one.as_slice().is_sorted_by(|before, after| before.1.next() < after.0));
        }
    }

    #[test]
    fn a_run_may_end_at_the_greatest_number() {
        let all = Ranges::from_iter([(Seq::FIRST, Seq(u64::MAX)), (Seq(7), Seq(u64::MAX))]);
        assert_eq!(all.as_slice(), [(Seq::FIRST, Seq(u64::MAX))]);
        assert_eq!(all.without(Seq(5), Seq(u64::MAX)).as_slice(), [(Seq::FIRST, Seq(4))]);
    }
}

//! [`VersionVector`] against the plainest model there is: the set of all dots held.

use std::collections::BTreeSet;

use proptest::prelude::*;
use verso_identity::DeviceId;
use verso_vv::{Author, Causality, Dot, Incarnation, NotContiguous, Seq, VersionVector};

fn author(number: u8) -> Author {
    Author { device: DeviceId::from_bytes([number / 2; 32]), incarnation: Incarnation(u64::from(number % 2)) }
}

fn vector() -> impl Strategy<Value = VersionVector> {
    prop::collection::vec((0_u8..5, 0_u64..6), 0..6)
        .prop_map(|entries| entries.into_iter().map(|(number, seq)| (author(number), Seq(seq))).collect())
}

fn dots(vector: &VersionVector) -> BTreeSet<Dot> {
    let run = |(author, last): (Author, Seq)| (1..=last.0).map(move |seq| Dot { author, seq: Seq(seq) });
    vector.iter().flat_map(run).collect()
}

fn merged(one: &VersionVector, other: &VersionVector) -> VersionVector {
    let mut merged = one.clone();
    merged.merge(other);
    merged
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn merge_is_a_join_semilattice(a in vector(), b in vector(), c in vector()) {
        prop_assert_eq!(merged(&a, &a), a.clone());
        prop_assert_eq!(merged(&a, &VersionVector::new()), a.clone());
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        // The least upper bound: it covers both, and whatever covers both covers it.
        prop_assert!(merged(&a, &b).covers(&a) && merged(&a, &b).covers(&b));
        prop_assert_eq!(c.covers(&a) && c.covers(&b), c.covers(&merged(&a, &b)));
    }

    #[test]
    fn all_is_as_the_sets_of_dots_say(a in vector(), b in vector()) {
        let (set_a, set_b) = (dots(&a), dots(&b));
        prop_assert_eq!(a.count(), u64::try_from(set_a.len()).unwrap());
        prop_assert_eq!(dots(&merged(&a, &b)), &set_a | &set_b);
        prop_assert_eq!(a.covers(&b), set_a.is_superset(&set_b));
        prop_assert_eq!(a == b, set_a == set_b);
        let expected = match (set_a.is_superset(&set_b), set_a.is_subset(&set_b)) {
            (true, true) => Causality::Equal,
            (true, false) => Causality::After,
            (false, true) => Causality::Before,
            (false, false) => Causality::Concurrent,
        };
        prop_assert_eq!(a.compare(&b), expected);
        for dot in &set_b {
            prop_assert_eq!(a.contains(dot), set_a.contains(dot));
        }
    }

    #[test]
    fn beyond_is_the_difference(a in vector(), b in vector()) {
        let difference: BTreeSet<Dot> = &dots(&a) - &dots(&b);
        let run = |(author, first, last): (Author, Seq, Seq)| {
            (first.0..=last.0).map(move |seq| Dot { author, seq: Seq(seq) })
        };
        let listed: Vec<Dot> = a.beyond(&b).flat_map(run).collect();
        prop_assert_eq!(listed, difference.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(a.count_beyond(&b), u64::try_from(difference.len()).unwrap());
    }

    /// Streaming what is beyond, run by run, brings the other side level.
    #[test]
    fn beyond_advances_the_other_side(a in vector(), b in vector()) {
        let mut level = b.clone();
        for (author, first, last) in a.beyond(&b) {
            level.advance(author, first, last).unwrap();
        }
        prop_assert_eq!(level, merged(&a, &b));
    }

    #[test]
    fn advancing_never_skips(held in 0_u64..6, first in 0_u64..9, len in 0_u64..4) {
        let author = author(0);
        let mut vector = VersionVector::from_iter([(author, Seq(held))]);
        let before = vector.clone();
        let last = Seq((first + len).saturating_sub(1));
        let result = vector.advance(author, Seq(first), last);
        if first > held + 1 {
            let expected = NotContiguous { author, expected: Seq(held + 1), got: Seq(first) };
            prop_assert_eq!(result, Err(expected));
            prop_assert_eq!(vector, before);
        } else {
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(vector.get(&author), Seq(held).max(last));
        }
    }
}

#[test]
fn what_is_not_held_does_not_appear() {
    let mut vector = VersionVector::new();
    vector.set(author(1), Seq(3));
    vector.set(author(2), Seq::ZERO);
    vector.advance(author(3), Seq::FIRST, Seq::ZERO).unwrap();
    assert_eq!(vector.len(), 1);
    vector.set(author(1), Seq::ZERO);
    assert!(vector.is_empty());
    assert_eq!(vector, VersionVector::new());
    assert!(vector.contains(&Dot { author: author(1), seq: Seq::ZERO }));
}

#[test]
fn counts_saturate() {
    let full = VersionVector::from_iter([(author(0), Seq(u64::MAX)), (author(1), Seq(2))]);
    assert_eq!(full.count(), u64::MAX);
    assert_eq!(full.count_beyond(&VersionVector::new()), u64::MAX);
    let mut end = VersionVector::from_iter([(author(0), Seq(u64::MAX))]);
    end.advance(author(0), Seq(u64::MAX), Seq(u64::MAX)).unwrap();
    assert_eq!(end.beyond(&full).count(), 0);
}

#[test]
fn authors_iterate_in_order() {
    let vector = VersionVector::from_iter([(author(3), Seq(1)), (author(0), Seq(1)), (author(1), Seq(1))]);
    let order: Vec<Author> = vector.iter().map(|(author, _)| author).collect();
    assert_eq!(order, [author(0), author(1), author(3)]);
}

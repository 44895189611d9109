//! Random lives, a few of those that the simulator lives by the thousand.

use verso_graph::Graph;
use verso_testkit::life::Telling;
use verso_testkit::{Mutant, live};

use crate::scene::{for_seeds, with_seed};

/// Lives in which something once did not hold.
const ONCE_FAILED: [&[u64]; 6] = [
    // What nobody but a friend had, from whom it was taken, counted as safe.
    &[2755, 3713],
    // Two own devices that had admitted each other were handed the group secret by nobody, and had to be paired whenever they met.
    &[5013, 8125],
    // A friend had heard the word for itself, and not yet that for the device that brought it: it gave up the workspace for good.
    &[1692, 3969, 7354],
    // The proof of a fork came before the word for whoever had forked, and was dropped.
    &[7444],
    // A device whose control log was behind let a friend in again, and it got what was written after it had been taken out; so it did when it was opened.
    &[5807, 8700],
    // A branch was missed, sent again before its beginning, dropped, and never asked for.
    &[10_065, 11_785],
];

#[test]
fn of_some_seeds() {
    for_seeds(0..40, |seed| {
        live::<Graph>(seed, Mutant::None, Telling::Silent);
    });
}

#[test]
fn that_once_failed() {
    for seed in ONCE_FAILED.into_iter().flatten() {
        with_seed(*seed, |seed| {
            live::<Graph>(seed, Mutant::None, Telling::Silent);
        });
    }
}

//! Random lives, a few of those that the simulator lives by the thousand.

use verso_graph::Graph;
use verso_testkit::life::Telling;
use verso_testkit::{Mutant, live};

use crate::scene::for_seeds;

#[test]
fn of_some_seeds() {
    for_seeds(0..40, |seed| {
        live::<Graph>(seed, Mutant::None, Telling::Silent);
    });
}

/// Of 100,000 lives some showed what was wrong. 1692, 3969, 7354: who had let a friend in was not known there yet, and nothing more came from it. 7444: the proof of a fork
/// came before the word for whoever had forked.
#[test]
fn that_showed_something_once() {
    for seed in [1_692, 3_969, 7_354, 7_444] {
        live::<Graph>(seed, Mutant::None, Telling::Silent);
    }
}

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

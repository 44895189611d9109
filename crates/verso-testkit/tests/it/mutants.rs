//! That the simulator bites: of every world that is broken on purpose some life fails, and soon. `docs/testing.md` lists them.

#![expect(clippy::print_stdout, reason = "how many lives it took is what the list in the document is made of")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use verso_testkit::broken::{Broken, ForgetsDeletionAfterTag, LastToArriveWins, LosesLastOfBatch, NeverUntags};
use verso_testkit::life::Telling;
use verso_testkit::{Merge, Mutant, live};

/// How many lives there are to notice a defect.
const LIVES: u64 = 300;

/// Returns how many lives it took to notice, and asserts that one did.
fn caught<A: Merge>(mutant: Mutant) -> u64 {
    let fails = |seed: &u64| catch_unwind(AssertUnwindSafe(|| live::<A>(*seed, mutant, Telling::Silent))).is_err();
    let seed = (0..LIVES).find(fails);
    seed.unwrap_or_else(|| panic!("{mutant:?} of {}: no life noticed", std::any::type_name::<A>())) + 1
}

#[test]
fn every_broken_world_is_noticed() {
    for mutant in Mutant::ALL {
        println!("{mutant:?}: {}", caught::<verso_graph::Graph>(mutant));
    }
}

#[test]
fn every_broken_merge_is_noticed() {
    println!("LastToArriveWins: {}", caught::<Broken<LastToArriveWins>>(Mutant::None));
    println!("ForgetsDeletionAfterTag: {}", caught::<Broken<ForgetsDeletionAfterTag>>(Mutant::None));
    println!("NeverUntags: {}", caught::<Broken<NeverUntags>>(Mutant::None));
    println!("LosesLastOfBatch: {}", caught::<Broken<LosesLastOfBatch>>(Mutant::None));
}

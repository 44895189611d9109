//! Random sequences of everything a log does, against a model that is two numbers an author.

use proptest::prelude::*;
use verso_testkit::fuzz::journal_model;

use crate::support::cases;

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_log_is_its_model(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        journal_model(&choices);
    }
}

//! What the benches of the hot paths have in common.
#![expect(clippy::expect_used, reason = "a bench that can't go on says so and ends")]

pub mod workload;

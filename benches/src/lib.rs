//! What the benches have in common: [the work](rows), [who does it](writer), and [its payloads alone](workload).
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that can't go on says so and ends")]

pub mod rows;
pub mod workload;
pub mod writer;

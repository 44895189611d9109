//! What the benches have in common: [the work](rows), [who does it](writer), [its payloads alone](workload), and [what nobody can do without](floor).
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that can't go on says so and ends")]

pub mod floor;
pub mod rows;
pub mod workload;
pub mod writer;

//! What the benches have in common: [the work](rows), Verso's devices ([whole](device), [without disk and network](writer)), the graph in
//! others' crates (`peers`, with the feature of that name), [the work's payloads alone](workload), and [what nobody can do without](floor).
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench that can't go on says so and ends"
)]

pub mod device;
#[cfg(feature = "peers")]
pub mod docs;
pub mod edits;
pub mod floor;
pub mod machine;
#[cfg(feature = "peers")]
pub mod peers;
pub mod rows;
pub mod workload;
pub mod writer;

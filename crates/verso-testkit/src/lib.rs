#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "what only a bug can cause must stop the test, at the place where it shows"
)]

mod check;
mod compaction;
mod device;
pub mod fuzz;
pub mod journal;
mod liar;
mod link;
mod promises;
mod rng;
mod run;
mod world;

pub use check::View;
pub use device::{Device, DeviceIndex, SimReplica};
pub use rng::Rng;
pub use world::World;

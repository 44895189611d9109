#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "what only a bug can cause must stop the test, at the place where it shows"
)]

mod device;
mod link;
mod rng;
mod world;

pub use device::{Device, DeviceIndex, SimReplica};
pub use rng::Rng;
pub use world::World;

#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "what only a bug can cause must stop the test, at the place where it shows"
)]

pub mod backup;
pub mod broken;
mod check;
mod compaction;
mod device;
mod disk;
mod faults;
pub mod fuzz;
mod inventions;
pub mod journal;
mod ledger;
mod liar;
pub mod life;
mod link;
mod logs;
mod meet;
mod merge;
pub mod model;
mod mutant;
mod promises;
mod rng;
mod run;
mod shares;
mod stories;
mod tally;
mod trace;
mod undo;
mod witness;
mod world;

pub use check::View;
pub use device::{Device, DeviceIndex, SimReplica};
pub use disk::{Disk, Honesty, OpenFile};
pub use life::live;
pub use merge::Merge;
pub use mutant::Mutant;
pub use rng::Rng;
pub use tally::Tally;
pub use undo::Step;
pub use world::World;

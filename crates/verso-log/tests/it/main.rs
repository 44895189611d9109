//! Scenario tests, a file each.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what helps tests fails as they do, by panicking")]

mod append;
mod compaction;
mod crash;
mod damage;
mod example;
mod files;
mod flips;
mod golden;
mod memory;
mod model;
mod sealed;
#[cfg(target_os = "linux")]
mod size;
mod stream;
mod support;
mod torn;

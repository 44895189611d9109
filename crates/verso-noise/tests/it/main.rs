//! Scenario tests, a file each.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

mod fixture;
mod frames;
mod golden;
mod interop;
mod pairing;
mod sync;

//! Scenario tests, a file each.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic like tests; clippy's exceptions cover test functions alone"
)]

mod control;
mod control_registers;
mod decide;
mod dues;
mod encoding;
mod further;
mod giving_up;
mod membership;
mod orders;
mod quarantine;
mod revocation;
mod world;

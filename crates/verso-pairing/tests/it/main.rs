//! Scenario tests, a file each.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

mod adversary;
mod ceremony;
mod cuts;
mod forger;
mod fuzz;
mod golden;
mod impostors;
mod link;
mod link_errors;
mod meant;
mod names;
mod nearby;
mod offers;
mod qr;
mod rig;
mod ways;
mod words;

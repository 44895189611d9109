//! Scenario tests, a file each.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "helpers of tests may panic as tests do"
)]

mod converge;
mod cost;
mod credit;
mod cut;
mod declines;
mod forks;
mod goodbye;
mod liars;
mod live;
mod memory;
mod net;
mod offers;
mod order;
mod parts;
mod script;
mod silence;
mod store;
mod wild;

//! Scenario tests, a file each.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

mod application;
mod chain;
mod cut_and_join;
mod documents;
mod fork;
mod frames;
mod golden;
mod hostile_messages;
mod hostile_units;
mod limits;
mod messages;
mod reasons;
mod support;
mod units;

//! Scenario tests, a file each.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod authors;
mod example;
mod hlc;
mod seen;
mod vectors;

//! Scenario tests, a file each.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod device;
mod file_store;
mod ids;
mod secrecy;
mod stores;

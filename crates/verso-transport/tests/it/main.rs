//! Scenario tests, a file each: real iroh endpoints over 127.0.0.1.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

mod admission;
mod binding;
mod dialling;
mod eavesdrop;
mod fixture;
mod frames;
mod hostile;
mod keep_alive;
mod pairing;
mod sync;

#![doc = include_str!("../README.md")]
#![allow(clippy::unwrap_used, reason = "a laboratory: whatever can't be set up fails the test that wants it")]

mod lookup;
mod relay;

pub use lookup::Lookup;
pub use relay::{Access, Relay, Wire};

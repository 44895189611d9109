#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a laboratory: whatever can't be set up fails the test that wants it"
)]

mod lookup;
mod relay;

pub use lookup::Lookup;
pub use relay::{Access, Relay, Wire};

//! Scenario tests, a file each.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

#[cfg(target_os = "linux")]
mod lab;
#[cfg(target_os = "linux")]
mod listener;
#[cfg(target_os = "linux")]
mod namespaces;
mod rig;

mod addresses;
mod golden;
mod machine;
#[cfg(target_os = "linux")]
mod mdns;
mod private;
mod recognise;
mod screens;
mod strict;

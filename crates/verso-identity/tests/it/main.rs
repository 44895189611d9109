//! Scenario tests, a file each.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod device;
mod file_store;
mod ids;
#[cfg(target_os = "linux")]
mod inside;
#[cfg(all(target_os = "linux", feature = "keychain"))]
mod keychain;
mod secrecy;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
mod session;
mod stores;

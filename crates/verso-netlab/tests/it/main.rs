//! Real transports and workers, beyond one machine's loopback: a file a scenario.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]

#[allow(dead_code, reason = "the tests of the transport have it whole")]
#[path = "../../../verso-transport/tests/it/fixture.rs"]
mod fixture;
#[cfg(target_os = "linux")]
mod homes;
mod lookup;
#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/namespaces.rs"]
mod namespaces;
#[cfg(target_os = "linux")]
mod nat;
mod pairing;
mod patience;
mod people;
mod relay;
mod strangers;
#[cfg(target_os = "linux")]
mod weigh;

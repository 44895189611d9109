//! Workers over real QUIC on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]
#![expect(clippy::large_futures, reason = "a test's futures lie in its task, which is on the heap")]

#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/listener.rs"]
mod listener;
#[cfg(target_os = "linux")]
mod machines;
#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/namespaces.rs"]
mod namespaces;
mod rig;

mod compacting;
#[cfg(target_os = "linux")]
mod disks;
mod faults;
mod fragile;
mod hosting;
mod invitations;
mod lending;
#[cfg(target_os = "linux")]
mod links;
mod many;
mod marks;
#[cfg(target_os = "linux")]
mod near;
mod pairing;
mod reasons;
mod reconnecting;
mod recovering;
mod refusals;
mod slow_hosts;
mod supervising;
mod syncing;

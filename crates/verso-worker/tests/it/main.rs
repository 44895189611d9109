//! Workers over real QUIC on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]
#![expect(clippy::large_futures, reason = "a test's futures lie in its task, which is on the heap")]

#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/listener.rs"]
mod listener;
#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/namespaces.rs"]
mod namespaces;
mod rig;

mod compacting;
mod fragile;
mod hosting;
mod invitations;
mod lending;
mod marks;
#[cfg(target_os = "linux")]
mod near;
mod pairing;
mod reconnecting;
mod recovering;
mod refusals;
mod supervising;
mod syncing;

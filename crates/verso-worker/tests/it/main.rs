//! Workers over real QUIC on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here fails the test"
)]
#![expect(clippy::large_futures, reason = "a test's futures lie in its task, which is on the heap")]

mod rig;

mod pairing;
mod refusals;
mod syncing;

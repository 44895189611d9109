//! Workers over real QUIC on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may panic as tests do")]
#![expect(clippy::large_futures, reason = "a test's futures lie in its task, which is on the heap")]

mod rig;

mod compacting;
mod invitations;
mod marks;
mod pairing;
mod recovering;
mod refusals;
mod syncing;

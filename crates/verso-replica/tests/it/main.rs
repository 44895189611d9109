//! One device against peers, disks and keys that may be anything.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

mod admission;
mod backup;
mod checkpoint;
mod committing;
mod confirming;
mod conflicts;
mod contacts;
mod crashing;
mod cursors;
mod declining;
mod failing;
mod foretold;
mod forked_logs;
mod forks;
mod further;
mod healing;
mod high_water;
mod hooked;
mod joining;
mod mend;
mod notes;
mod offering;
mod opening;
mod pairing;
mod peer;
mod put_back;
mod quarantine;
mod rig;
mod rollback;
mod secrecy;
mod writer;

//! Whole devices in memory.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

mod backups;
mod compaction;
mod crashes;
mod cuts;
mod forks;
mod friends;
mod full;
mod fuzz;
mod judging;
mod liars;
mod lives;
mod meeting;
mod mutants;
mod random;
mod removals;
mod restored;
mod rollback;
mod scene;
mod three;
mod trust;

//! Scenario tests, a file each.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "the scenarios' helpers stand outside test functions, and a broken one should stop the test"
)]

mod changes;
mod clocks;
mod converge;
mod describe;
mod documents;
mod example;
mod explain;
mod forks;
mod golden;
mod hostile;
mod presence;
mod references;
mod registers;
mod rejections;
mod sets;
mod snapshot;
mod undo;
mod world;

//! What is fuzzed: for each target a function from bytes to nothing, which panics where a promise does not hold.
//!
//! `fuzz/` makes a fuzzer of each; a test here runs them on the inputs that are kept in `fuzz/corpus/` and on random ones,
//! so that what was once found stays found, without any fuzzer. To add a target:
//!
//! 1. a function here, in a file of its own, and its line in [`TARGETS`];
//! 2. `fuzz/fuzz_targets/NAME.rs` of three lines, like those beside it, and its `[[bin]]` in `fuzz/Cargo.toml`;
//! 3. some small inputs in `fuzz/corpus/NAME/`, which reach what the function is about.
//!
//! A test fails while one of the three lacks. A function reads bytes as they come off a wire or a disk, or takes them as a list of
//! choices with [`Bytes`]: small numbers, so that a fuzzer's small change is a small change of what happens. It bounds what one
//! input may cost, and uses no randomness and no clock of its own.

mod backup_restore;
mod bytes;
mod journal_model;
mod journal_recovery;

pub use backup_restore::backup_restore;
pub use bytes::Bytes;
pub use journal_model::journal_model;
pub use journal_recovery::journal_recovery;

/// Something to fuzz.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the fuzzer, of the folder with its inputs.
    pub name: &'static str,
    /// What it does with an input. It panics where a promise does not hold.
    pub run: fn(&[u8]),
}

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    Target { name: "backup_restore", run: backup_restore },
    Target { name: "journal_model", run: journal_model },
    Target { name: "journal_recovery", run: journal_recovery },
];

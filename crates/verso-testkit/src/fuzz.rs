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

mod announcement;
mod backup_restore;
mod bookmarks;
mod bytes;
mod chains;
mod event;
mod frame;
mod hello;
mod inflate;
mod journal_model;
mod journal_recovery;
mod kept;
mod link;
mod messages;
mod pairing;
mod payload;
mod peer;
mod proof;
mod session;
mod shapes;
mod units;
mod words;

pub use announcement::announcement;
pub use backup_restore::backup_restore;
pub use bookmarks::bookmarks;
pub use bytes::Bytes;
pub use chains::chain;
pub use event::event;
pub use frame::frame;
pub use hello::hello;
pub use inflate::inflate;
pub use journal_model::journal_model;
pub use journal_recovery::journal_recovery;
pub use kept::kept;
pub use link::link;
pub use messages::{message, message_round_trip};
pub use pairing::pairing;
pub use payload::payload;
pub use peer::peer;
pub use proof::proof;
pub use session::session;
pub use units::{unit, unit_round_trip};
pub use words::words;

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
    Target { name: "announcement", run: announcement },
    Target { name: "backup_restore", run: backup_restore },
    Target { name: "bookmarks", run: bookmarks },
    Target { name: "chain", run: chain },
    Target { name: "event", run: event },
    Target { name: "frame", run: frame },
    Target { name: "hello", run: hello },
    Target { name: "inflate", run: inflate },
    Target { name: "journal_model", run: journal_model },
    Target { name: "journal_recovery", run: journal_recovery },
    Target { name: "kept", run: kept },
    Target { name: "link", run: link },
    Target { name: "message", run: message },
    Target { name: "message_round_trip", run: message_round_trip },
    Target { name: "pairing", run: pairing },
    Target { name: "payload", run: payload },
    Target { name: "peer", run: peer },
    Target { name: "proof", run: proof },
    Target { name: "session", run: session },
    Target { name: "unit", run: unit },
    Target { name: "unit_round_trip", run: unit_round_trip },
    Target { name: "words", run: words },
];

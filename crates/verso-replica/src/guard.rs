//! What keeps a defect of the application from ending more than its workspace.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The application panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs something of the application's. Whoever gets an error uses nothing again that the application was about to change: it is built anew from the log.
pub(crate) fn run<T>(what: &str, run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_payload| {
        // The message is not told: it may hold what people wrote.
        tracing::error!(target: "verso.sync", what, "the application panicked");
        Panicked
    })
}

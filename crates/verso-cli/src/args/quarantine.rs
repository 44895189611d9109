//! What can be said to `quarantine`.

use clap::{Args, Subcommand};

use super::WorkspaceOption;

/// What is to be done with entries that were cut off.
#[derive(Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Lists what is held and not applied: who wrote it, when, what it would do, and who took the access away
    List {
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Applies entries after all, on every device
    Keep {
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Gives entries up for good, on every device
    Discard {
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        workspace: WorkspaceOption,
        /// Discards without asking
        #[arg(long)]
        yes: bool,
    },
}

/// Which entries.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Chosen {
    /// Entries by their ids, or the starts of them, as `quarantine list` shows them
    #[arg(value_name = "ENTRY")]
    pub(crate) entries: Vec<String>,
    /// All that this device wrote, by its name, id or start of its id
    #[arg(long, value_name = "DEVICE")]
    pub(crate) from: Option<String>,
    /// All that is held
    #[arg(long)]
    pub(crate) all: bool,
}

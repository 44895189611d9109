//! The commands on journals.

use std::time::Duration;

use clap::Subcommand;

use super::WorkspaceOption;

/// How many entries `log tail` shows unless told otherwise: a screen's worth.
const DEFAULT_TAIL: u16 = 20;

/// What is to be done with journals.
#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Shows the entries that were stored last
    Tail {
        /// How many
        #[arg(short, long = "entries", value_name = "N", default_value_t = DEFAULT_TAIL)]
        n: u16,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Reads everything, and names what is damaged
    Verify {
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Counts bytes, files, entries and authors
    Stats {
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Mends what is damaged, and fetches what is missing from peers
    Repair {
        #[command(flatten)]
        workspace: WorkspaceOption,
        /// How long to go on trying devices that don't answer
        #[arg(long, value_name = "TIME", default_value = super::DEFAULT_WAIT, value_parser = super::duration)]
        wait: Duration,
    },
    /// Joins what many commands left, and compresses it better
    Compact {
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
}

//! The commands on conflicts.

use clap::{Subcommand, ValueEnum};

use super::WorkspaceOption;

/// How a conflict is decided. Without a command, what is to be decided is listed.
#[derive(Debug, Subcommand)]
pub(crate) enum ConflictsCommand {
    /// Decides what becomes of a node that one deleted while another worked on it
    Resolve {
        /// The conflict's id, or the start of it or of its node's id
        id: String,
        /// What becomes of it; titles, urls and names can only be kept as shown
        #[arg(value_enum)]
        choice: ResolveChoice,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Takes one of the values that were written at the same time
    Pick {
        /// The conflict's id, or the start of it or of its node's id
        id: String,
        /// The value, or its number in the list
        value: String,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
}

/// What becomes of a contested node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResolveChoice {
    /// It is there, with all its tags and edges; of values the one that is shown
    Keep,
    /// It is gone
    Delete,
    /// It stays a ghost, and nothing is open about it
    Ghost,
}

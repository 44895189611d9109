//! The commands on what is to be decided.

use clap::{Args, Subcommand, ValueEnum};
use verso_graph::Choice;

use super::{WorkspaceOption, help};

/// What is to be decided: the list of it, or a decision.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_precedence_over_arg = true)]
pub(crate) struct ConflictsArgs {
    #[command(flatten)]
    pub(crate) workspace: WorkspaceOption,
    #[command(subcommand)]
    pub(crate) decision: Option<Decision>,
}

/// A decision. It holds on every device once they have met.
#[derive(Debug, Subcommand)]
pub(crate) enum Decision {
    /// Decides what becomes of a deleted node, or that the value shown stays
    #[command(after_help = help::CONFLICTS)]
    Resolve {
        /// Id of the conflict, or the start of it, or of the node's id
        id: String,
        /// What is to be
        #[arg(value_enum)]
        choice: ChoiceWord,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Shows one of the values instead
    #[command(after_help = help::CONFLICTS)]
    Pick {
        /// Id of the conflict, or the start of it, or of the node's id
        id: String,
        /// The value, or its number in the list
        value: String,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
}

/// What becomes of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChoiceWord {
    /// The node is there again; of values, the one that is shown stays
    Keep,
    /// The node stays a ghost, with its edges
    Ghost,
    /// The node goes
    Delete,
}

impl From<ChoiceWord> for Choice {
    fn from(word: ChoiceWord) -> Self {
        match word {
            ChoiceWord::Keep => Self::Keep,
            ChoiceWord::Ghost => Self::Ghost,
            ChoiceWord::Delete => Self::Delete,
        }
    }
}

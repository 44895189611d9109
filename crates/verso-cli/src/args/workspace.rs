//! The commands on workspaces, and how other commands name one.

use clap::{Args, Subcommand, ValueEnum};
use verso_trust::Access;

use super::help;

/// Which workspace a command is about.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WorkspaceOption {
    #[arg(short = 'w', long = "workspace", value_name = "WS", help = help::WHICH_WORKSPACE)]
    pub(crate) workspace: Option<String>,
}

/// What is to be done with workspaces.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Makes a workspace
    New {
        /// What people call it
        name: String,
    },
    /// Lists workspaces with their ids and sizes, and what friends offer
    List,
    /// Changes what a workspace is called, for everybody who has it
    Rename {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// The new name
        name: String,
    },
    /// Gives a workspace to a friend, or back to a device of yours
    Share {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// Peer by name, id or start of an id
        peer: String,
        /// Whether the friend may read, or read and write
        #[arg(long, value_enum, default_value_t = AccessChoice::Rw)]
        access: AccessChoice,
    },
    /// Takes a workspace away from a friend or a device of yours
    Unshare {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// Peer by name, id or start of an id
        peer: String,
    },
    /// Takes a workspace that a friend offers, or takes one back that this device left
    Join {
        /// The workspace by name, id or start of an id
        #[arg(value_name = "WS")]
        workspace: String,
    },
    /// Leaves a workspace, with this device alone: nothing more of it comes or goes
    Leave {
        #[arg(value_name = "WS", help = "Workspace by name, id or start of an id")]
        workspace: String,
        /// Leaves without asking
        #[arg(long)]
        yes: bool,
    },
}

/// What a peer may do in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccessChoice {
    /// To read
    Ro,
    /// To read and to write
    Rw,
}

impl AccessChoice {
    pub(crate) const fn access(self) -> Access {
        match self {
            Self::Ro => Access::ReadOnly,
            Self::Rw => Access::ReadWrite,
        }
    }
}

//! The commands on nodes and edges.

use clap::Subcommand;

use super::WorkspaceOption;

/// What is to be done with nodes. A node is named by its id, the start of its id, or its exact url or title.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Adds a node and prints its id
    Add {
        /// Where it points
        url: String,
        /// What people read
        #[arg(long)]
        title: Option<String>,
        /// A tag; may be given more than once
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Gives a node another title
    Title {
        /// Id, start of an id, url or title
        node: String,
        /// The new title
        title: String,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Gives a node another url
    Url {
        /// Id, start of an id, url or title
        node: String,
        /// The new url
        url: String,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Adds tags to a node
    Tag {
        /// Id, start of an id, url or title
        node: String,
        /// The tags
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Takes tags from a node
    Untag {
        /// Id, start of an id, url or title
        node: String,
        /// The tags
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Deletes nodes
    Rm {
        /// Ids, starts of ids, urls or titles
        #[arg(required = true, value_name = "NODE")]
        nodes: Vec<String>,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
    /// Shows a node with its tags and edges
    Show {
        /// Id, start of an id, url or title
        node: String,
        #[command(flatten)]
        workspace: WorkspaceOption,
    },
}

/// What is to be done with edges.
#[derive(Debug, Subcommand)]
pub(crate) enum EdgeCommand {
    /// Links one node to another
    Add {
        #[command(flatten)]
        ends: Ends,
    },
    /// Removes a link
    Rm {
        #[command(flatten)]
        ends: Ends,
    },
}

/// Two nodes and what the one is to the other.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Ends {
    /// Where it starts: id, start of an id, url or title
    pub(crate) src: String,
    /// Where it ends: id, start of an id, url or title
    pub(crate) dst: String,
    /// What kind of link it is; without it, a plain one
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) workspace: WorkspaceOption,
}

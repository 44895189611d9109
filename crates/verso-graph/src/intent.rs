//! [`Intent`]: what a user did, and [`Rejected`]: why it can't be recorded.

use verso_wire::limits::MAX_PAYLOAD;

use crate::node_id::NodeId;

/// Longest url in bytes. Together with [`MAX_TITLE`] it leaves room within one payload (64 KiB); what is longer is a
/// document in itself (`data:` urls), which doesn't belong into every device's memory.
pub const MAX_URL: usize = 32 * 1024;
/// Longest title in bytes. Pages that abuse their title for more exist; it is shown in one line.
pub const MAX_TITLE: usize = 16 * 1024;
/// Longest tag, edge kind, trigger or workspace name in bytes: labels that are typed and listed.
pub const MAX_LABEL: usize = 1024;
/// Most nodes that one [`Intent::DeleteNode`] names. With 22 bytes for each at worst they take a third of a payload,
/// and leave room for what was seen.
pub const MAX_DELETED: usize = 1024;
/// Something that a user did, as the host says it. Which earlier writes it replaces and what its author had seen is
/// filled in from the state when it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Intent {
    /// Creates a node.
    AddNode {
        /// Where it points to; may be empty.
        url: String,
        /// What it is called; may be empty.
        title: String,
    },
    /// Gives a node another title.
    SetTitle {
        /// The node.
        node: NodeRef,
        /// Its new title.
        title: String,
    },
    /// Gives a node another url.
    SetUrl {
        /// The node.
        node: NodeRef,
        /// Its new url.
        url: String,
    },
    /// Names the workspace.
    SetWorkspaceName {
        /// Its new name.
        name: String,
    },
    /// Puts a tag on a node.
    Tag {
        /// The node.
        node: NodeRef,
        /// The tag; not empty.
        tag: String,
    },
    /// Takes a tag off a node. Whoever adds it without having seen this, adds it nevertheless.
    Untag {
        /// The node.
        node: NodeRef,
        /// The tag.
        tag: String,
    },
    /// Draws an edge.
    Link {
        /// From where.
        src: NodeRef,
        /// To where.
        dst: NodeRef,
        /// What it means; may be empty. Edges of different kinds between two nodes are different edges.
        kind: String,
    },
    /// Takes an edge away. Whoever adds it without having seen this, adds it nevertheless.
    Unlink {
        /// From where.
        src: NodeRef,
        /// To where.
        dst: NodeRef,
        /// Its kind.
        kind: String,
    },
    /// Records that somebody went from one node to another.
    Traverse {
        /// From where.
        src: NodeRef,
        /// To where.
        dst: NodeRef,
        /// What led there, such as `click`; may be empty.
        trigger: String,
    },
    /// Deletes nodes. A node on which somebody was active without having seen this stays as a ghost.
    DeleteNode {
        /// The nodes, at most [`MAX_DELETED`].
        nodes: Vec<NodeRef>,
    },
    /// Settles a conflict, or undoes a deletion.
    Resolve {
        /// The node.
        node: NodeRef,
        /// Which of its registers is meant; none means its presence: whether it is kept, a ghost or deleted.
        register: Option<Register>,
        /// The decision. A register can only be kept: the value that is shown stays, the others go.
        choice: Choice,
    },
}

/// Names a node within a batch of intents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeRef {
    /// A node that exists.
    Id(NodeId),
    /// The node that an earlier [`Intent::AddNode`] of the same batch creates: that intent's index in the batch.
    New(usize),
}

impl From<NodeId> for NodeRef {
    fn from(id: NodeId) -> Self {
        Self::Id(id)
    }
}

/// A value of a node that a write replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// The title.
    Title,
    /// The url.
    Url,
}

impl Register {
    /// Returns the intent that writes this value.
    pub(crate) fn write(self, node: NodeId, value: String) -> Intent {
        let node = NodeRef::Id(node);
        match self {
            Self::Title => Intent::SetTitle { node, title: value },
            Self::Url => Intent::SetUrl { node, url: value },
        }
    }
}

/// How a conflict is settled. The order is the precedence among concurrent decisions: the greatest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choice {
    /// The node is gone.
    Delete,
    /// The node stays as a ghost, and nothing is open about it.
    Ghost,
    /// The node is there.
    Keep,
}

/// Which text of an intent is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// A url.
    Url,
    /// A title.
    Title,
    /// A tag.
    Tag,
    /// An edge's kind.
    EdgeKind,
    /// A traversal's trigger.
    Trigger,
    /// The workspace's name.
    WorkspaceName,
}

impl Field {
    /// Returns the longest text allowed, in bytes.
    #[must_use]
    pub const fn limit(self) -> usize {
        match self {
            Self::Url => MAX_URL,
            Self::Title => MAX_TITLE,
            Self::Tag | Self::EdgeKind | Self::Trigger | Self::WorkspaceName => MAX_LABEL,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Url => "a url",
            Self::Title => "a title",
            Self::Tag => "a tag",
            Self::EdgeKind => "an edge's kind",
            Self::Trigger => "a trigger",
            Self::WorkspaceName => "a workspace's name",
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A batch of intents was not encoded, none of it. `intent` is the index of the one that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// No such node is there, or it was deleted.
    #[error("there is no node {node:?} (intent {intent})")]
    UnknownNode {
        /// Which intent.
        intent: usize,
        /// The node that it names.
        node: NodeRef,
    },
    /// The node doesn't carry this tag.
    #[error("the node has no tag {tag:?} (intent {intent})")]
    NoSuchTag {
        /// Which intent.
        intent: usize,
        /// The tag.
        tag: String,
    },
    /// There is no such edge.
    #[error("there is no edge of kind {kind:?} between these nodes (intent {intent})")]
    NoSuchEdge {
        /// Which intent.
        intent: usize,
        /// The kind.
        kind: String,
    },
    /// A text is longer than allowed.
    #[error("{field} has {len} bytes, at most {} are allowed (intent {intent})", field.limit())]
    TooLong {
        /// Which intent.
        intent: usize,
        /// Which text.
        field: Field,
        /// How long it is, in bytes.
        len: usize,
    },
    /// A text is empty that must not be.
    #[error("{field} is empty (intent {intent})")]
    Empty {
        /// Which intent.
        intent: usize,
        /// Which text.
        field: Field,
    },
    /// A deletion names no node at all, or too many for one intent.
    #[error("a deletion names {count} nodes: between 1 and {MAX_DELETED} are allowed (intent {intent})")]
    NodeCount {
        /// Which intent.
        intent: usize,
        /// How many it names.
        count: usize,
    },
    /// A register can only be kept: there is nothing to delete about a title.
    #[error("a title or url can only be resolved by keeping what is shown (intent {intent})")]
    NotForRegisters {
        /// Which intent.
        intent: usize,
    },
    /// What the intent replaces or has seen takes more room than an entry has.
    #[error("the entry would take {len} bytes, at most {MAX_PAYLOAD} are allowed (intent {intent})")]
    TooLarge {
        /// Which intent.
        intent: usize,
        /// How many bytes.
        len: usize,
    },
}

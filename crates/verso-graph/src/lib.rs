#![doc = include_str!("../README.md")]

mod canonical;
mod chains;
mod conflict;
mod contested;
mod describe;
mod dots;
mod draft;
mod explain;
mod graph;
mod intent;
mod items;
mod labels;
mod node;
mod node_id;
mod payload;
mod presence;
mod read;
mod snapshot;
mod table;
mod undo;
mod values;

pub use conflict::{Conflict, ConflictId, ParseConflictIdError, Rule, Side, What};
pub use explain::{Explanation, Topic};
pub use graph::Graph;
pub use intent::{Choice, Field, Intent, MAX_DELETED, MAX_LABEL, MAX_TITLE, MAX_URL, NodeRef, Register, Rejected};
pub use node_id::{NodeId, ParseNodeIdError};
pub use payload::kinds;
pub use read::{Counts, Edge, Node, NodeState, Stamp, Traversal, Written};
pub use undo::{Plan, UndoStack};

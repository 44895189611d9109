//! What bookmarks are in a graph: [`import`](crate::import) and [`export`](crate::export) agree on it. The format of their files is that of
//! `verso-bookmarks`.
//!
//! | in the file | in the graph |
//! | --- | --- |
//! | a link | a node, with its tags |
//! | a folder | a node whose url is [`FOLDER`](verso_bookmarks::FOLDER) and its path |
//! | what lies in a folder | an edge of the kind [`CONTAINS`] from the folder's node |

/// The kind of the edges from a folder to what lies in it.
pub(crate) const CONTAINS: &str = "contains";

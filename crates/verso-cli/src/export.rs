//! Export of a whole workspace: one canonical JSON document, JSON lines or bookmarks that the importer reads, or what Graphviz draws. All are written
//! as they are made, node by node, and are never held.

mod bookmarks;
mod document;
mod dot;
mod lines;

pub(crate) use bookmarks::write_bookmarks;
pub(crate) use document::write_document;
pub(crate) use dot::write_dot;
pub(crate) use lines::write_lines;

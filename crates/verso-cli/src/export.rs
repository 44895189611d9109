//! Export of a whole workspace: one canonical JSON document, or JSON lines or bookmarks that the importer reads. All are written
//! as they are made, node by node, and are never held.

mod bookmarks;
mod document;
mod lines;

pub(crate) use bookmarks::write_bookmarks;
pub(crate) use document::write_document;
pub(crate) use lines::write_lines;

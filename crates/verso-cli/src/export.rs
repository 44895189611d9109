//! Export of a whole workspace: one canonical JSON document, or JSON lines that the importer reads. Both are written as they
//! are made, node by node, and are never held.

mod document;
mod lines;

pub(crate) use document::write_document;
pub(crate) use lines::write_lines;

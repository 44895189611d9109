//! The forms of what is imported and exported.

use clap::ValueEnum;

use crate::import::FileFormat;

/// What a file to import is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// What its first words say
    Auto,
    /// Bookmarks, as browsers export them
    Bookmarks,
    /// JSON lines, a node each
    Jsonl,
}

impl From<ImportFormat> for FileFormat {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Auto => Self::Auto,
            ImportFormat::Bookmarks => Self::Bookmarks,
            ImportFormat::Jsonl => Self::Lines,
        }
    }
}

/// The forms in which a workspace is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One canonical JSON document: devices in step print the same bytes
    Json,
    /// JSON lines that `verso import` reads
    Jsonl,
    /// Bookmarks that browsers import, and `verso import` reads, too
    Bookmarks,
    /// What Graphviz draws
    Dot,
}

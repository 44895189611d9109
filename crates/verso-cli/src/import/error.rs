//! [`ImportError`]: what can be wrong with a file, and where in it.

use std::io;
use std::path::Path;

use crate::error::{CliError, Exit, chain};

/// Why a file was not imported. Lines and columns count from 1, columns in characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ImportError {
    /// The file can't be opened.
    #[error("it can't be opened")]
    Open(#[source] io::Error),
    /// It is a folder or a device; it has to be read more than once.
    #[error("it is not a file")]
    NotAFile,
    /// It is compressed, and not with zstd.
    #[error("it is compressed with {name}")]
    OtherCompression {
        /// With what.
        name: &'static str,
    },
    /// Reading failed midway.
    #[error("it can't be read")]
    Read(#[source] io::Error),
    /// A compressed file ends too early.
    #[error("it is cut short: its compressed data ends early, in line {line}")]
    Truncated {
        /// Where reading came to.
        line: u64,
    },
    /// A compressed file can't be decompressed.
    #[error("its compressed data is damaged, in line {line}")]
    Damaged {
        /// Where reading came to.
        line: u64,
        /// What the decoder says.
        source: io::Error,
    },
    /// It is a browser's own file, which is not made for others to read.
    #[error("it is the file in which {browser} keeps its bookmarks, and not one that it exported")]
    BrowsersOwn {
        /// Whose.
        browser: &'static str,
    },
    /// It is HTML that doesn't say that it has bookmarks in it.
    #[error("it is HTML, and does not begin as files of bookmarks do: <!DOCTYPE NETSCAPE-Bookmark-file-1>")]
    OtherHtml,
    /// It says what bookmarks can't be.
    #[error("line {line}: {fault}")]
    Markup {
        /// Which line.
        line: u64,
        /// What is wrong there.
        fault: verso_bookmarks::Fault,
    },
    /// The file is not what it was when it was checked.
    #[error("it changed while it was read")]
    Changed,
    /// A line is too long to be a node.
    #[error("line {line} is longer than 1 MiB")]
    LineTooLong {
        /// Which line.
        line: u64,
    },
    /// A line is not text.
    #[error("line {line}, column {column}: not UTF-8")]
    NotUtf8 {
        /// Which line.
        line: u64,
        /// Where in it.
        column: usize,
    },
    /// A line is not JSON, or not of the right shape.
    #[error("line {line}, column {column}: {what}")]
    Json {
        /// Which line.
        line: u64,
        /// Where in it.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// A line is JSON of the right shape whose content can't be.
    #[error("line {line}, column {column}: {fault}")]
    Content {
        /// Which line.
        line: u64,
        /// Where in it.
        column: usize,
        /// What is wrong there.
        fault: Fault,
    },
}

/// What is wrong with the content of a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Another line has this id.
    #[error("the id {0} is that of an earlier line, too")]
    DuplicateId(u64),
    /// No line has this id.
    #[error("the link goes to {0}, and no line has that id")]
    UnknownTarget(u64),
    /// A text is longer than a graph holds.
    #[error("{field} has {len} bytes, at most {limit} are allowed")]
    TooLong {
        /// What is too long.
        field: &'static str,
        /// How long it is, in bytes.
        len: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A tag without a letter.
    #[error("a tag is empty")]
    EmptyTag,
}

impl ImportError {
    /// How the failure to import the file at `path` is told.
    pub(crate) fn to_cli(&self, path: &Path) -> CliError {
        let hint = match self {
            Self::Open(_) => "see that the path is right and the file may be read",
            Self::NotAFile => "name a file of bookmarks or of JSON lines, plain or .zst",
            Self::BrowsersOwn { .. } => "have the browser export its bookmarks as HTML, and import that file",
            Self::OtherHtml => "if it is a list of links all the same, say --format bookmarks",
            Self::Markup { fault, .. } if *fault != verso_bookmarks::Fault::NotUtf8 => {
                "mend that place; nothing of the file was imported"
            }
            Self::OtherCompression { .. } => "unpack it first, or compress it with zstd",
            Self::Read(_) => "see that the disk it lies on is all right",
            Self::Truncated { .. } | Self::Damaged { .. } => "get the file again; nothing of it was imported",
            Self::Changed => "run the import again when nobody writes to the file; it goes on where it stopped",
            Self::LineTooLong { .. } => "see that it is a file of bookmarks, or of JSON lines, one node a line",
            Self::NotUtf8 { .. } | Self::Markup { .. } => "save the file as UTF-8; nothing of it was imported",
            Self::Json { .. } | Self::Content { .. } => "mend that line; nothing of the file was imported",
        };
        CliError::new(Exit::Failed, format!("can't import {}", path.display()), chain(self), hint)
    }
}

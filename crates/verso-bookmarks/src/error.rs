//! [`ReadError`]: what can be wrong with a file of bookmarks, and where in it.

use std::io;

/// Why there is no next item, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    #[source]
    pub cause: Cause,
}

/// Why there is no next item: one or the other.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The bytes can't be read.
    #[error("it can't be read")]
    Read(#[source] io::Error),
    /// What they say can't be.
    #[error(transparent)]
    Fault(Fault),
}

/// What is wrong with a file of bookmarks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A name or an address is not text.
    #[error("not UTF-8")]
    NotUtf8,
    /// Folders lie in one another without end.
    #[error("folders lie too deep in one another")]
    TooDeep,
    /// Something is longer than it can be.
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// Our own attribute says something else.
    #[error("the attribute VERSO is not what `verso export` writes: {0}")]
    Ours(String),
    /// Our own attribute says a text that is longer than a graph holds.
    #[error("{field} has {len} bytes, at most {limit} are allowed")]
    OverLimit {
        /// What is too long.
        field: &'static str,
        /// How long it is, in bytes.
        len: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// Our own attribute says a tag without a letter.
    #[error("a tag is empty")]
    EmptyTag,
}

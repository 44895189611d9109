//! Import of a graph from a file: a browser's bookmarks, or JSON lines, one node a line with its tags and links; plain or
//! compressed with zstd.

mod batches;
mod check;
mod counts;
mod error;
mod present;
mod record;
mod records;
mod source;

pub(crate) use batches::Import;
pub(crate) use counts::ImportCounts;
pub(crate) use error::ImportError;
pub(crate) use records::FileFormat;

use records::Records;
use source::{Lines, Source};

/// How often progress is told, in lines, or links and folders.
const PROGRESS_EVERY: u64 = 1024;

/// What an import is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The whole file is checked; nothing is written yet.
    Checking,
    /// Nodes are added.
    Nodes,
    /// Tags are added.
    Tags,
    /// Links are added.
    Links,
}

/// How far an import is. Each phase reads the file from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What it is doing.
    pub(crate) phase: Phase,
    /// Bytes of the file that this phase has read, as they lie there.
    pub(crate) read: u64,
    /// Bytes of the file.
    pub(crate) of: u64,
    /// Lines that this phase has read.
    pub(crate) lines: u64,
}

impl Progress {
    fn new(phase: Phase, source: &Source, records: &Records) -> Self {
        Self { phase, read: records.consumed(), of: source.len(), lines: records.line() }
    }

    fn of_lines(phase: Phase, source: &Source, lines: &Lines) -> Self {
        Self { phase, read: lines.consumed(), of: source.len(), lines: lines.number() }
    }

    fn is_due(number: u64) -> bool {
        number.is_multiple_of(PROGRESS_EVERY)
    }
}

#[cfg(test)]
mod tests;

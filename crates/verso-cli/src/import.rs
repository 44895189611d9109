//! Import of JSON lines: one node a line, with its tags and links; plain or compressed with zstd.

mod batches;
mod check;
mod error;
mod present;
mod record;
mod source;

pub(crate) use batches::{Import, ImportCounts};
pub(crate) use error::ImportError;

use source::{Lines, Source};

/// How often progress is told, in lines.
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
    fn new(phase: Phase, source: &Source, lines: &Lines) -> Self {
        Self { phase, read: lines.consumed(), of: source.len(), lines: lines.number() }
    }

    fn is_due(line: u64) -> bool {
        line.is_multiple_of(PROGRESS_EVERY)
    }
}

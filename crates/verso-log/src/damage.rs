//! What can be wrong with a log, named by place: [`Corrupt`], [`Damage`], [`TornTail`].

use std::fmt;

/// A place in the log that does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("segment {segment}, offset {offset}: {what}")]
pub struct Corrupt {
    /// The number of the segment.
    pub segment: u32,
    /// Where in the segment's file.
    pub offset: u64,
    /// What is wrong there.
    pub what: Damage,
}

/// What is wrong at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Damage {
    /// Segments are not there, from this one up to `last`.
    Missing {
        /// The last segment that is missing.
        last: u32,
    },
    /// Neither copy of the segment's header verifies, so nothing in it can be read.
    Header,
    /// One copy of the segment's header does not verify; the other does, and nothing is lost.
    HeaderCopy,
    /// Records do not verify.
    Record,
    /// The segment ends before its last record, or is not the one that the next segment follows.
    Ending,
    /// The index, or what else lies behind the last record, does not verify; all records do, and nothing is lost.
    Index,
    /// The segment belongs to another log or under another name.
    Foreign,
    /// The segment is none of those that compaction put another one in the place of. Nothing is lost.
    Stray,
}

impl Damage {
    /// Tells whether records may be lost. If they may, the log takes no more of them.
    pub const fn loses_records(self) -> bool {
        match self {
            Self::Missing { .. } | Self::Header | Self::Record | Self::Ending | Self::Foreign => true,
            Self::HeaderCopy | Self::Index | Self::Stray => false,
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing { last } => return write!(f, "segments are missing, up to {last}"),
            Self::Header => "no copy of the header verifies",
            Self::HeaderCopy => "one copy of the header does not verify",
            Self::Record => "records do not verify",
            Self::Ending => "the segment is not what it was when the next one was begun",
            Self::Index => "the index does not verify; all records do",
            Self::Foreign => "the segment belongs elsewhere",
            Self::Stray => "the segment was replaced by another, and is not the one that was",
        })
    }
}

/// What a power cut left of the last batch, which was never acknowledged; it was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// The number of the segment.
    pub segment: u32,
    /// From where on it was cut.
    pub offset: u64,
    /// How many bytes were cut.
    pub bytes: u64,
}

/// What opening a log found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenReport {
    /// The remains of a batch that was never acknowledged.
    pub torn: Option<TornTail>,
    /// All that was found not to verify. Records of closed segments are not read to open a log: `verify` does.
    pub damage: Vec<Corrupt>,
    /// Segments that compaction had replaced and a crash had left.
    pub leftovers: Vec<u32>,
}

impl OpenReport {
    /// Tells whether records may be lost, so that the log was opened for reading only.
    pub fn loses_records(&self) -> bool {
        self.damage.iter().any(|corrupt| corrupt.what.loses_records())
    }
}

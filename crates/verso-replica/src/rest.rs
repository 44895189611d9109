//! [`rest_of`]: what of a stored unit follows what is held, for whoever copies a log.

use bytes::Bytes;
use verso_identity::WorkspaceId;
use verso_log::RunMeta;
use verso_vv::Seq;
use verso_wire::{ChainHead, CompressionLevel, CutError, DecodeError, SyncUnit};

use crate::journal::meta_of;

/// A record that verifies, and is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestError {
    /// It is no unit: a newer version wrote it.
    #[error("a record of a log is not a unit that this version reads")]
    Record(#[from] DecodeError),
    /// It can't be cut.
    #[error("a unit of a log can't be cut")]
    Cut(#[from] CutError),
}

/// A run that follows what is held.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) meta: RunMeta,
    pub(crate) bytes: Bytes,
    /// The end of the chain behind it.
    pub(crate) head: ChainHead,
}

/// Returns what of a stored unit follows `end`, that of its author's chain so far. `None` if nothing does: it is held already, or lies behind
/// something that can't be read. It begins within what is held where compaction joined runs.
pub(crate) fn rest_of(
    workspace: &WorkspaceId,
    bytes: &[u8],
    end: Option<ChainHead>,
) -> Result<Option<Rest>, RestError> {
    let unit = SyncUnit::decode(workspace, bytes)?.chain();
    let follows = match end {
        Some(head) => unit.before() == head,
        // What lies behind a lost beginning follows nothing, in a branch as in a trunk.
        None => unit.first_seq() == unit.branch().map_or(Seq::FIRST, |branch| branch.at),
    };
    if follows {
        return Ok(Some(Rest { meta: meta_of(&unit), bytes: Bytes::copy_from_slice(bytes), head: unit.head() }));
    }
    let Some(head) = end else { return Ok(None) };
    let next = head.seq.next();
    if unit.first_seq() >= next || unit.last_seq() < next || unit.hash_at(head.seq) != Some(head.hash) {
        return Ok(None);
    }
    let unit = unit.cut_front(next)?;
    let bytes = Bytes::from(unit.encode(CompressionLevel::RECORD));
    Ok(Some(Rest { meta: meta_of(&unit), bytes, head: unit.head() }))
}

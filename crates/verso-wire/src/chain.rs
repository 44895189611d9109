//! The hash chain: where it starts, how it goes on, and where a run ends, as [`ChainHead`].

use verso_identity::WorkspaceId;
use verso_vv::{Author, EntryHash, Seq};

use crate::entry::EntryDigest;

/// The end of a chain, or of a part of it: the last entry's number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainHead {
    /// The number of the last entry, [`Seq::ZERO`] of an empty chain.
    pub seq: Seq,
    /// Its hash `h(seq)`.
    pub hash: EntryHash,
}

impl ChainHead {
    /// Returns the head of `author`'s chain while it is empty.
    pub fn start(workspace: &WorkspaceId, author: &Author) -> Self {
        Self { seq: Seq::ZERO, hash: chain_start(workspace, author) }
    }
}

/// Returns `h(0)` = BLAKE3("verso chain v1" ‖ workspace ‖ device ‖ incarnation), from which an author's chain starts.
pub fn chain_start(workspace: &WorkspaceId, author: &Author) -> EntryHash {
    let hash = blake3::Hasher::new()
        .update(b"verso chain v1")
        .update(workspace.as_bytes())
        .update(author.device.as_bytes())
        .update(&author.incarnation.0.to_le_bytes())
        .finalize();
    EntryHash(*hash.as_bytes())
}

/// Returns `h(n)` = BLAKE3(h(n−1) ‖ seq ‖ d(n)), the hash of the entry at `seq`.
pub fn chain_next(previous: &EntryHash, seq: Seq, digest: &EntryDigest) -> EntryHash {
    let mut input = [0; 32 + 8 + 32];
    let (front, digest_bytes) = input.split_at_mut(40);
    let (previous_bytes, seq_bytes) = front.split_at_mut(32);
    previous_bytes.copy_from_slice(&previous.0);
    seq_bytes.copy_from_slice(&seq.0.to_le_bytes());
    digest_bytes.copy_from_slice(&digest.0);
    EntryHash(*blake3::hash(&input).as_bytes())
}

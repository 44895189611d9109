//! [`UnitBuilder`]: makes units of what is written on this device.

use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_vv::{Author, EntryHash, Hlc, Seq};

use crate::branch::Branch;
use crate::chain::{ChainHead, chain_next};
use crate::entry::{Content, EntryDigest, EntryKind};
use crate::limits::{MAX_PAYLOAD, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use crate::seal::Seal;
use crate::unit::{ChainedUnit, Rows, SyncUnit, VerifiedUnit};

/// Collects consecutive entries of one chain, hashing as they come, and seals them into a unit.
///
/// ```
/// use verso_identity::{DeviceKey, WorkspaceId};
/// use verso_vv::{Author, Hlc, Incarnation};
/// use verso_wire::{ChainHead, EntryKind, UnitBuilder};
///
/// let key = DeviceKey::generate()?;
/// let workspace = WorkspaceId::found(&key.id(), &[7; 16]);
/// let author = Author { device: key.id(), incarnation: Incarnation(1) };
/// let mut builder = UnitBuilder::new(workspace, author, None, ChainHead::start(&workspace, &author));
/// builder.push(EntryKind(1), Hlc::from_millis(1_700_000_000_000), b"an intent")?;
/// let unit = builder.seal(&key)?;
/// assert_eq!(unit.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct UnitBuilder {
    workspace: WorkspaceId,
    signer: Author,
    branch: Option<Branch>,
    after: ChainHead,
    head: ChainHead,
    rows: Rows,
    hashes: Vec<EntryHash>,
}

/// An entry doesn't go into the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The unit has no room for it: seal, and push it into the next.
    #[error("the unit is full")]
    Full,
    /// No unit has room for it.
    #[error("a payload of {len} bytes: at most {MAX_PAYLOAD} are allowed")]
    PayloadTooLarge {
        /// How many bytes it has.
        len: usize,
    },
    /// The chain has reached the last number there is.
    #[error("the chain has no numbers left")]
    Exhausted,
}

/// A unit can't be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is no entry in it.
    #[error("a unit without entries can't be sealed")]
    Empty,
    /// The key is another device's.
    #[error("the chain belongs to device {expected}, and the key to {got}")]
    WrongKey {
        /// The device whose chain it is.
        expected: DeviceId,
        /// The device whose key it is.
        got: DeviceId,
    },
    /// The entries lie before the branch that they were said to be on, or start it with another entry than its own.
    #[error("the entries are not on the branch from entry {at}")]
    Branch {
        /// Where the branch starts.
        at: Seq,
    },
}

impl UnitBuilder {
    /// Starts a unit that continues `signer`'s chain (or the branch of it) after `after`.
    pub fn new(workspace: WorkspaceId, signer: Author, branch: Option<Branch>, after: ChainHead) -> Self {
        Self { workspace, signer, branch, after, head: after, rows: Rows::default(), hashes: Vec::new() }
    }

    /// Appends an entry and returns its hash.
    ///
    /// # Errors
    /// [`UnitError`] if it doesn't fit; the builder is unchanged and can still be sealed.
    pub fn push(&mut self, kind: EntryKind, hlc: Hlc, payload: &[u8]) -> Result<EntryHash, UnitError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(UnitError::PayloadTooLarge { len: payload.len() });
        }
        if !self.fits(payload.len()) {
            return Err(UnitError::Full);
        }
        self.append(&Content::Full { kind, hlc, payload })
    }

    /// Appends an entry of which only the digest is left, and returns its hash.
    ///
    /// # Errors
    /// [`UnitError`] if it doesn't fit; the builder is unchanged and can still be sealed.
    pub fn push_digest(&mut self, digest: EntryDigest) -> Result<EntryHash, UnitError> {
        if self.is_full() {
            return Err(UnitError::Full);
        }
        self.append(&Content::Digest(digest))
    }

    fn append(&mut self, content: &Content<'_>) -> Result<EntryHash, UnitError> {
        let seq = self.head.seq.0.checked_add(1).map(Seq).ok_or(UnitError::Exhausted)?;
        let hash = chain_next(&self.head.hash, seq, &content.digest());
        self.rows.push(content);
        self.hashes.push(hash);
        self.head = ChainHead { seq, hash };
        Ok(hash)
    }

    /// Counts the entries so far.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Tells whether there is no entry yet.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Tells whether no further entry fits, however small.
    pub fn is_full(&self) -> bool {
        self.len() >= MAX_UNIT_ENTRIES
    }

    /// Tells whether an entry with a payload of `len` bytes still fits.
    pub fn fits(&self, len: usize) -> bool {
        !self.is_full() && self.rows.payload_len.saturating_add(len) <= MAX_UNIT_PAYLOAD
    }

    /// Returns where the chain stands after the entries so far.
    pub const fn head(&self) -> ChainHead {
        self.head
    }

    /// Seals what was pushed. What was signed here needs no check here, so this is a verified unit.
    ///
    /// # Errors
    /// [`SealError`] if there is no entry, the key isn't the signer's, or the entries aren't on the branch.
    pub fn seal(self, key: &DeviceKey) -> Result<VerifiedUnit, SealError> {
        if self.is_empty() {
            return Err(SealError::Empty);
        }
        let got = key.id();
        if got != self.signer.device {
            return Err(SealError::WrongKey { expected: self.signer.device, got });
        }
        if let Some(branch) = &self.branch
            && !branch.admits(&self.after, &self.hashes)
        {
            return Err(SealError::Branch { at: branch.at });
        }
        let seal = Seal::sign(&self.workspace, self.signer, self.head, key);
        let unit = SyncUnit {
            workspace: self.workspace,
            signer: self.signer,
            branch: self.branch,
            first_seq: self.after.seq.next(),
            prev_hash: self.after.hash,
            rows: self.rows,
            kept: Vec::new(),
            signature: seal.signature,
        };
        Ok(VerifiedUnit::sealed_here(ChainedUnit::from_parts(unit, self.hashes)))
    }
}

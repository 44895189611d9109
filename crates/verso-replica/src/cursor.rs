//! [`Cursor`]: how far a host has read a workspace, kept by the host, and the [`Batch`]es that it reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use verso_identity::WorkspaceId;
use verso_log::Storage;
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Seq};
use verso_wire::{Ancestor, Application, AppliedEntry, Content, EntryKind};

use crate::error::JournalError;
use crate::journal::Journal;
use crate::replica::Replica;
use crate::state::State;
use crate::view::Applied;

/// Most entries of a batch. Between two batches the device does everything else, so a larger one would only make others wait.
pub const MAX_BATCH_ENTRIES: usize = 1024;

/// Most bytes of payload of a batch, but for one that has a single entry: as many as a unit may have.
pub const MAX_BATCH_BYTES: usize = 256 * 1024;

/// The format of a cursor's bytes. A later version reads this one.
const VERSION: u8 = 1;

/// How far a host has read a workspace: of each author up to which entry, and which up to there were applied. The host keeps it together with what it
/// made of the entries, so that both are always of one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    chains: BTreeMap<Author, Applied>,
}

/// What bytes are no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// They were written by a later version, or by something else.
    #[error("the cursor is of a version that this one does not read")]
    Version,
    /// They are damaged.
    #[error("the cursor is damaged")]
    Malformed,
}

/// What lies behind a cursor.
#[derive(Debug, Clone)]
pub enum Following {
    /// The next entries.
    Entries(Batch),
    /// What was read before is no longer what is applied: something was taken out, came back or was renamed, or the device lost what it had and has yet
    /// to fetch it. The host forgets what it made of this workspace and reads again with an empty cursor.
    StartAnew,
}

/// Entries in their authors' order, and where to read on.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The entries: each author's in its order, the authors in any.
    pub entries: Vec<BatchEntry>,
    /// Where to read on, once these are taken in.
    pub cursor: Cursor,
    /// Whether there are more behind them now.
    pub more: More,
}

/// Whether something lies behind a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum More {
    /// There is.
    Yes,
    /// That was all.
    #[default]
    No,
}

/// Who wrote an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// This device, in its present life as a writer: the host has been told so when it committed it.
    Here,
    /// Anybody else, or this device before it was restored or rolled back.
    Elsewhere,
}

/// An entry as the application got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEntry {
    /// Its address.
    pub dot: Dot,
    /// The author that signed it, as payloads name it.
    pub tag: AuthorTag,
    /// Its identity.
    pub hash: EntryHash,
    /// What it is about. Those of [membership](EntryKind::is_membership) come, too.
    pub kind: EntryKind,
    /// When it was written.
    pub hlc: Hlc,
    /// What was written.
    pub payload: Vec<u8>,
    /// Authors to whom earlier parts of this chain belong, if it was forked; ascending.
    pub ancestors: Arc<[Ancestor]>,
    /// Who wrote it.
    pub origin: Origin,
}

impl BatchEntry {
    /// Returns the entry in the form in which an [`Application`] takes it.
    pub fn as_applied(&self) -> AppliedEntry<'_> {
        let Self { dot, tag, hash, kind, hlc, .. } = *self;
        AppliedEntry { dot, tag, hash, kind, hlc, payload: &self.payload, ancestors: &self.ancestors }
    }
}

impl Cursor {
    /// Makes a cursor before all entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the last entry of an author that was read, [`Seq::ZERO`] if none was.
    pub fn get(&self, author: &Author) -> Seq {
        self.chains.get(author).map_or(Seq::ZERO, |chain| chain.seq)
    }

    /// Returns the bytes in which a host keeps it.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory, of what has only lists, numbers and bytes, does not fail.
        postcard::to_extend(&self.chains, vec![VERSION]).unwrap_or_default()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// [`CursorError`]; the host reads again from the beginning.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CursorError> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => match postcard::take_from_bytes(rest) {
                Ok((chains, [])) => Ok(Self { chains }),
                _ => Err(CursorError::Malformed),
            },
            Some(_) => Err(CursorError::Version),
            None => Err(CursorError::Malformed),
        }
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Reads what is applied in a workspace behind `cursor`, at most [`MAX_BATCH_ENTRIES`] and [`MAX_BATCH_BYTES`] of it. All of it is durable: what is
    /// not yet is made so first.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such workspace, or its log failed.
    pub fn applied_after(&mut self, workspace: &WorkspaceId, cursor: &Cursor) -> Result<Following, JournalError> {
        self.sync_log(workspace)?;
        let me = self.author();
        let journal = self.workspaces.get(workspace).ok_or(JournalError::Missing)?;
        if !journal.continues(cursor)? {
            return Ok(Following::StartAnew);
        }
        let mut batch = Batch { cursor: cursor.clone(), ..Batch::default() };
        journal.fill(&mut batch)?;
        for entry in batch.entries.iter_mut().filter(|entry| entry.dot.author == me) {
            entry.origin = Origin::Here;
        }
        Ok(Following::Entries(batch))
    }
}

impl<S: Storage, T: State> Journal<S, T> {
    /// Tells whether all that was read up to a cursor is applied as it was then.
    fn continues(&self, cursor: &Cursor) -> Result<bool, JournalError> {
        for (author, read) in &cursor.chains {
            let Some(applied) = self.view.applied(author) else { return Ok(false) };
            let hash = if applied.seq == read.seq { Some(applied.hash) } else { self.own_hash(author, read.seq)? };
            if !applied.extends(read) || hash != Some(read.hash) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Adds to a batch what follows its cursor, until it is full.
    fn fill(&self, batch: &mut Batch) -> Result<(), JournalError> {
        let mut bytes = 0_usize;
        for author in self.view.authors() {
            let Some(applied) = self.view.applied(author) else { continue };
            let next = batch.cursor.get(author).next().max(self.lineage.first(author));
            if next > applied.seq {
                continue;
            }
            let ancestors: Arc<[Ancestor]> = self.lineage.ancestors(author).into();
            for run in self.runs_of(author, next).take_while(|run| run.meta.first_seq <= applied.seq) {
                let unit = self.decode(&self.log.read(run.id)?)?;
                let tag = AuthorTag::of(unit.signer());
                for (entry, hash) in unit.entries().zip(unit.hashes()) {
                    if entry.seq < next || !applied.has(entry.seq) {
                        continue;
                    }
                    // Of an entry whose content was given up only the digest is left, and nothing to take in.
                    if let Content::Full { kind, hlc, payload } = entry.content {
                        let is_first = batch.entries.is_empty();
                        bytes = bytes.saturating_add(payload.len());
                        if batch.entries.len() >= MAX_BATCH_ENTRIES || (bytes > MAX_BATCH_BYTES && !is_first) {
                            batch.more = More::Yes;
                            return Ok(());
                        }
                        let dot = Dot { author: *author, seq: entry.seq };
                        let (payload, ancestors) = (payload.to_vec(), Arc::clone(&ancestors));
                        let origin = Origin::Elsewhere;
                        batch.entries.push(BatchEntry { dot, tag, hash: *hash, kind, hlc, payload, ancestors, origin });
                    }
                    let chain = batch.cursor.chains.entry(*author).or_insert_with(|| Applied::new(tag));
                    chain.advance(entry.seq, *hash);
                }
            }
        }
        Ok(())
    }
}

//! [`HighWater`]: how far this device has written, to be kept apart from its data, so that data that was put back is noticed.

use serde::{Deserialize, Serialize};
use verso_identity::WorkspaceId;
use verso_log::Storage;
use verso_vv::{EntryHash, Incarnation, Seq};
use verso_wire::{Application, ChainHead};

use crate::replica::Replica;

/// How many workspaces a mark names. It has to fit wherever secrets are kept, and credentials of Windows hold 2,560 bytes. Those written last
/// stay: whatever was written last is what a directory that was put back lacks.
const MAX_HEADS: usize = 40;

/// The format of the bytes.
const VERSION: u8 = 1;

/// How far this device has written under one incarnation: the last own entry in each workspace and in the control log, the newest first.
///
/// Only what is durable is in it, so it is a lower bound, however late it was kept. A device that opens and holds less than its mark says was
/// put back to an earlier state, or lost a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighWater {
    incarnation: Incarnation,
    heads: Vec<(WorkspaceId, ChainHead)>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    incarnation: Incarnation,
    heads: Vec<(WorkspaceId, Seq, EntryHash)>,
}

impl HighWater {
    /// The mark of an incarnation that has written nothing.
    pub(crate) const fn new(incarnation: Incarnation) -> Self {
        Self { incarnation, heads: Vec::new() }
    }

    /// Tells whether it says nothing yet.
    pub const fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Returns the incarnation that it speaks of.
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Iterates over the workspaces and the last own entry in each, the one written last first.
    pub fn heads(&self) -> impl Iterator<Item = (WorkspaceId, ChainHead)> + '_ {
        self.heads.iter().copied()
    }

    /// Returns the bytes to keep.
    ///
    /// # Errors
    /// [`HighWaterError`], which no mark of a replica gives.
    pub fn encode(&self) -> Result<Vec<u8>, HighWaterError> {
        let heads = self.heads().map(|(workspace, head)| (workspace, head.seq, head.hash)).collect();
        let document = Document { incarnation: self.incarnation, heads };
        postcard::to_extend(&document, vec![VERSION]).map_err(|_source| HighWaterError)
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// [`HighWaterError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, HighWaterError> {
        let Some((&VERSION, body)) = bytes.split_first() else { return Err(HighWaterError) };
        let Ok((Document { incarnation, heads }, [])) = postcard::take_from_bytes(body) else {
            return Err(HighWaterError);
        };
        if heads.len() > MAX_HEADS || heads.iter().any(|(_, seq, _)| *seq == Seq::ZERO) {
            return Err(HighWaterError);
        }
        let heads = heads.into_iter().map(|(workspace, seq, hash)| (workspace, ChainHead { seq, hash })).collect();
        let mark = Self { incarnation, heads };
        // One form for one mark: numbers have longer forms, too.
        if mark.encode()? == bytes { Ok(mark) } else { Err(HighWaterError) }
    }

    /// Notes an own entry that is durable now.
    fn note(&mut self, workspace: WorkspaceId, head: ChainHead) {
        self.heads.retain(|(other, _)| *other != workspace);
        self.heads.insert(0, (workspace, head));
        self.heads.truncate(MAX_HEADS);
    }
}

/// The bytes are no mark that this version reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no high-water mark that this version reads")]
pub struct HighWaterError;

impl<S: Storage, A: Application> Replica<S, A> {
    /// Returns how far this device has written and it is durable, to be kept apart from its data and given to
    /// [`open_marked`](Self::open_marked).
    pub const fn high_water(&self) -> &HighWater {
        &self.high_water
    }

    /// Compares what is held with the mark. Returns where it shows that this device was put back to an earlier state, if it was.
    pub(crate) fn behind(&self, mark: &HighWater) -> Option<WorkspaceId> {
        let author = self.author();
        if mark.incarnation != author.incarnation {
            // A directory that knows nothing of that life is from before it, or never saw it.
            return (!self.local.left.contains(&mark.incarnation)).then_some(WorkspaceId::CONTROL);
        }
        // What can't be read is as good as not there: its numbers are not known.
        let is_held = |workspace, head: ChainHead| matches!(self.holder(&workspace, &author, &head), Ok(Some(_)));
        mark.heads().find(|(workspace, head)| !is_held(*workspace, *head)).map(|(workspace, _)| workspace)
    }

    /// Begins the mark from what is held, in the order that the one before had.
    pub(crate) fn begin_high_water(&mut self, before: Option<&HighWater>) {
        self.high_water = HighWater::new(self.author().incarnation);
        let known = before.into_iter().flat_map(|mark| mark.heads.iter().rev().map(|(workspace, _)| *workspace));
        let author = self.author();
        for workspace in self.workspaces().chain([WorkspaceId::CONTROL]).chain(known).collect::<Vec<_>>() {
            if let Some(head) = self.head(&workspace, &author).filter(|head| head.seq != Seq::ZERO) {
                self.high_water.note(workspace, head);
            }
        }
    }

    /// Notes how far this device has written in a log, all of which is durable.
    pub(crate) fn note_durable(&mut self, workspace: &WorkspaceId) {
        let author = self.author();
        if self.high_water.incarnation != author.incarnation {
            self.high_water = HighWater::new(author.incarnation);
        }
        let head = self.head(workspace, &author).filter(|head| head.seq != Seq::ZERO);
        // What others wrote moves nothing, and a mark never goes back: what it says was durable once.
        let noted = self.high_water.heads.iter().find(|(other, _)| other == workspace).map(|(_, head)| head.seq);
        if let Some(head) = head.filter(|head| noted.is_none_or(|noted| noted < head.seq)) {
            self.high_water.note(*workspace, head);
        }
    }
}

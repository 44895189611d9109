//! Taking over what another log of the same workspace holds.

use bytes::Bytes;
use verso_identity::DeviceId;
use verso_log::Storage;
use verso_trust::{Admissions, EventContext};
use verso_vv::{Author, Branches, EntryHash, Seq};
use verso_wire::{AppliedEntry, ChainHead, CompressionLevel, EntryKind, ForkProof};

use super::{Journal, OpenedLog, Standing, hash_before};
use crate::error::JournalError;
use crate::lineage::ForkPoint;
use crate::state::State;

/// A state that entries add up to nothing in: all that is asked of its journal is where units belong.
#[derive(Debug)]
pub(crate) struct Unfolded;

/// What became of a unit of another log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Salvaged {
    /// What of it was lacking is in this one now.
    Taken,
    /// All of it was held.
    Known,
    /// Something before it is missing.
    Behind,
}

impl<S: Storage> Journal<S, Unfolded> {
    /// Opens a log for what other logs of the workspace hold to be put in.
    pub(crate) fn open_unfolded(opened: OpenedLog<S>) -> Result<Self, JournalError> {
        let mut journal = Self::unread(opened, |_workspace| Unfolded);
        journal.replay(None)?;
        Ok(journal)
    }

    /// Takes over what of a unit, stored in another log of this device, follows what is held: by its hashes, whatever label it lies under there. A
    /// fork that it shows is learnt, and its proof added to `proofs` if one can be made.
    pub(crate) fn salvage(&mut self, bytes: &[u8], proofs: &mut Vec<ForkProof>) -> Result<Salvaged, JournalError> {
        let unit = self.decode(bytes)?;
        loop {
            match self.standing(&unit)? {
                Standing::Known(_) => return Ok(Salvaged::Known),
                Standing::Gap { .. } | Standing::Apart => return Ok(Salvaged::Behind),
                Standing::Forks { of, from } => {
                    proofs.extend(self.prove(&of, from, &unit)?);
                    let point = ForkPoint { at: from, prev_hash: hash_before(&unit, from) };
                    self.learn([(*unit.signer(), point)])?;
                    // Now it follows, under the names that were found anew.
                }
                Standing::Follows { after, from } => {
                    let rest = unit.cut_front(from)?;
                    let label = self.label_of_next(&rest, after);
                    let is_whole = from == unit.first_seq() && label.as_ref() == unit.branch();
                    let rest = rest.labelled(label)?;
                    let bytes = if is_whole {
                        Bytes::copy_from_slice(bytes)
                    } else {
                        Bytes::from(rest.encode(CompressionLevel::RECORD))
                    };
                    self.append(&rest, after, &bytes)?;
                    return Ok(Salvaged::Taken);
                }
            }
        }
    }

    /// Tells whether all that the log holds found its place.
    pub(crate) fn takes_in_all(&self) -> Result<bool, JournalError> {
        for (author, seq, hash) in self.log.heads() {
            if self.whose(&author.device, &ChainHead { seq, hash })?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whose an entry is that a device signed, if it is held.
    pub(crate) fn whose(&self, device: &DeviceId, entry: &ChainHead) -> Result<Option<Author>, JournalError> {
        for author in self.view.authors().iter().filter(|author| author.device == *device) {
            if self.own_hash(author, entry.seq)? == Some(entry.hash) {
                return Ok(Some(*author));
            }
        }
        Ok(None)
    }
}

impl State for Unfolded {
    const APPLIES: bool = false;

    fn hold(&mut self, _context: &EventContext, _kind: EntryKind, _payload: &[u8]) -> bool {
        false
    }

    fn admissions(&self, _author: &Author) -> Admissions {
        Admissions::none()
    }

    fn apply(&mut self, _entry: &AppliedEntry<'_>) {}

    fn reset(&mut self) {}

    fn forget(&mut self) {}

    fn named(&self) -> Vec<(Author, Seq, EntryHash)> {
        Vec::new()
    }

    fn set_branches(&mut self, _branches: Branches) {}
}

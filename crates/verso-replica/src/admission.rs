//! The one function that decides whether a unit enters a log.

use verso_log::Storage;
use verso_trust::Verdict;
use verso_vv::{Author, Seq};
use verso_wire::{ChainedUnit, CutError, DecodeError, Reason, SyncUnit, VerifiedUnit, VerifyError};

use crate::error::JournalError;
use crate::journal::Journal;
use crate::state::State;

/// What becomes of a unit.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is authentic, follows what is held and may be held.
    Take {
        /// The unit, or what of it is new.
        unit: Box<VerifiedUnit>,
        /// It is the unit as it came.
        whole: bool,
    },
    /// All of it is held already.
    Known {
        /// Its last entry.
        last: Seq,
    },
    /// It is not taken, and stops nothing behind it.
    Decline {
        /// The first entry that isn't taken.
        from: Seq,
        /// Why.
        reason: Reason,
    },
}

/// Why a unit ends the session that brought it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// It is not a unit, or beyond a limit.
    #[error("the peer sent something that is not a unit")]
    Malformed(#[from] DecodeError),
    /// Its chain or signature is false.
    #[error("the peer sent a unit that its author did not sign")]
    Forged(#[from] VerifyError),
    /// It overlaps what is held and can't be cut there.
    #[error("the peer's unit can't be cut")]
    Cut(#[from] CutError),
    /// The log can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Decides on a unit, in the order in which it is cheapest to be refused, and so that nothing is learned from an unauthentic one: limits and
/// format, the fold's word on the author, contiguity, agreement with what is held, the chain, the signature.
///
/// `judge` is the fold's word: it is asked about the author, how many other chains its device has here, and the entries, see [`decide`](verso_trust::decide).
pub(crate) fn admit<S: Storage, T: State>(
    journal: &Journal<S, T>,
    bytes: &[u8],
    judge: impl FnOnce(&T, usize, &ChainedUnit) -> Verdict,
) -> Result<(Author, Admission), AdmitError> {
    let unit = SyncUnit::decode(&journal.workspace, bytes)?.chain();
    let author = unit.author();
    if unit.branch().is_some() {
        // A branch is the carrier's label and no seal covers it: it is believed only of a chain that is known to be forked.
        return Ok((author, Admission::Decline { from: unit.first_seq(), reason: Reason::Fork }));
    }
    if let Verdict::Refuse(refusal) = judge(&journal.view.state, journal.view.other_chains(&author), &unit) {
        return Ok((author, Admission::Decline { from: unit.first_seq(), reason: crate::reason::of_refusal(refusal) }));
    }
    let head = journal.head(&author);
    let expected = head.seq.next();
    if unit.first_seq() > expected {
        return Ok((author, Admission::Decline { from: expected, reason: Reason::Gap }));
    }
    // Where the unit overlaps what is held, its hash at the last common entry decides for all before it.
    let common = head.seq.min(unit.last_seq());
    let theirs = if unit.first_seq() == expected { Some(*unit.prev_hash()) } else { unit.hash_at(common) };
    let ours = if common == head.seq { Some(head.hash) } else { journal.hash_at(&author, common)? };
    let verified = unit.verify()?;
    if theirs != ours {
        return Ok((author, Admission::Decline { from: verified.first_seq(), reason: Reason::Fork }));
    }
    if verified.last_seq() <= head.seq {
        return Ok((author, Admission::Known { last: verified.last_seq() }));
    }
    let whole = verified.first_seq() == expected;
    let unit = if whole { verified } else { verified.cut_front(expected)? };
    Ok((author, Admission::Take { unit: Box::new(unit), whole }))
}

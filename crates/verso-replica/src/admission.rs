//! The one function that decides whether a unit enters a log.

use verso_log::Storage;
use verso_trust::Verdict;
use verso_vv::Seq;
use verso_wire::limits::MAX_AUTHORS;
use verso_wire::{ChainedUnit, CutError, DecodeError, Reason, SyncUnit, VerifiedUnit, VerifyError};

use crate::error::JournalError;
use crate::journal::Journal;
use crate::reason;
use crate::state::State;

/// What becomes of a unit.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is authentic, follows what is held and may be held.
    Take {
        /// The unit, or what of it is new.
        unit: Box<VerifiedUnit>,
        /// Whether it is the unit as it came.
        extent: Extent,
    },
    /// All of it is held already.
    Known {
        /// Its last entry.
        last: Seq,
    },
    /// It is authentic, and its author wrote something else at the same place.
    Fork {
        /// Its first entry.
        from: Seq,
    },
    /// It is not taken, and stops nothing behind it.
    Decline {
        /// The first entry that isn't taken.
        from: Seq,
        /// Why.
        reason: Reason,
    },
}

/// How much of a unit is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Rest,
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

/// Decides on a unit, in the order in which it is cheapest to be refused, and so that nothing is learned from an unauthentic one: the fold's word
/// on the author, contiguity, agreement with what is held, the chain, the signature. Format and limits were checked by decoding it.
///
/// `judge` is the fold's word: it is asked about the unit from the first entry on that isn't held, and told how many other chains the
/// author's device has here, see [`decide`](verso_trust::decide).
pub(crate) fn admit<S: Storage, T: State>(
    journal: &Journal<S, T>,
    unit: SyncUnit,
    judge: impl FnOnce(&T, usize, Seq, &ChainedUnit) -> Verdict,
) -> Result<Admission, AdmitError> {
    let (author, first, last) = (unit.author(), unit.first_seq(), unit.last_seq());
    let decline = |from, reason| Ok(Admission::Decline { from, reason });
    if let Some(reason) = journal.closed() {
        return decline(first, reason);
    }
    if unit.branch().is_some() {
        // A branch is the carrier's label and no seal covers it: it is believed only of a chain that is known to be forked.
        return decline(first, Reason::Fork);
    }
    let unit = unit.chain();
    let head = journal.head(&author);
    let expected = head.seq.next();
    let new = if last < expected { first } else { first.max(expected) };
    if let Verdict::Refuse(refusal) = judge(&journal.view.state, journal.view.other_chains(&author), new, &unit) {
        return decline(new, reason::of_refusal(refusal));
    }
    if head.seq == Seq::ZERO && journal.view.authors().len() >= MAX_AUTHORS {
        // With more authors than a vector has room for the workspace could not be synced any more.
        return decline(first, Reason::Limit);
    }
    if first > expected {
        return decline(expected, Reason::Gap);
    }
    // Where the unit overlaps what is held, its hash at the last common entry decides for all before it.
    let common = head.seq.min(last);
    let (theirs, ours) = (unit.hash_at(common), journal.hash_at(&author, common)?);
    let unit = unit.verify()?;
    if theirs != ours {
        return Ok(Admission::Fork { from: first });
    }
    if last <= head.seq {
        return Ok(Admission::Known { last });
    }
    let extent = if first == expected { Extent::Whole } else { Extent::Rest };
    let unit = if extent == Extent::Whole { unit } else { unit.cut_front(expected)? };
    Ok(Admission::Take { unit: Box::new(unit), extent })
}

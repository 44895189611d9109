//! The one function that decides whether a unit enters a log.

use verso_log::Storage;
use verso_trust::Verdict;
use verso_vv::{Author, Seq};
use verso_wire::limits::MAX_AUTHORS;
use verso_wire::{ChainedUnit, CutError, DecodeError, ForkProof, Reason, SyncUnit, VerifiedUnit, VerifyError};

use crate::error::JournalError;
use crate::journal::{Journal, Standing};
use crate::lineage::Part;
use crate::reason;
use crate::state::State;

/// What becomes of a unit.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is authentic, follows what is held and may be held.
    Take {
        /// The unit, or what of it is new.
        unit: Box<VerifiedUnit>,
        /// Whose the entry before it is.
        after: Author,
        /// Whether it is the unit as it came.
        extent: Extent,
    },
    /// All of it is held already, in these parts.
    Known(Vec<Part>),
    /// It is authentic, and its author wrote something else at the same place, which nobody knew.
    Fork(Box<ForkProof>),
    /// It is authentic, and follows something else than what is held there: the two part somewhere before.
    Apart,
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
    judge: impl FnOnce(&T, Author, usize, Seq, &ChainedUnit) -> Verdict,
) -> Result<Admission, AdmitError> {
    let decline = |from, reason| Ok(Admission::Decline { from, reason });
    if let Some(reason) = journal.closed() {
        return decline(unit.first_seq(), reason);
    }
    let unit = unit.chain();
    let standing = journal.standing(&unit)?;
    let (author, new) = match &standing {
        Standing::Follows { after, from } => (journal.author_of_next(&unit, *after, *from), *from),
        Standing::Forks { of, from } => (*of, *from),
        Standing::Known(_) | Standing::Gap { .. } | Standing::Apart => (unit.author(), unit.first_seq()),
    };
    let other_chains = journal.view.other_chains(&author);
    if let Verdict::Refuse(refusal) = judge(&journal.view.state, author, other_chains, new, &unit) {
        return decline(new, reason::of_refusal(refusal));
    }
    if journal.head(&author).seq == Seq::ZERO && journal.view.authors().len() >= MAX_AUTHORS {
        // With more authors than a vector has room for the workspace could not be synced any more.
        return decline(new, Reason::Limit);
    }
    let (after, from) = match standing {
        Standing::Gap { expected } => return decline(expected, Reason::Gap),
        Standing::Apart => return unit.verify().map(|_| Admission::Apart).map_err(AdmitError::from),
        Standing::Known(parts) => return unit.verify().map(|_| Admission::Known(parts)).map_err(AdmitError::from),
        Standing::Forks { of, from } => {
            let unit = unit.verify()?;
            return match journal.prove(&of, from, &unit)? {
                Some(proof) => Ok(Admission::Fork(Box::new(proof))),
                None => decline(from, Reason::Fork),
            };
        }
        Standing::Follows { after, from } => (after, from),
    };
    // It is stored under the label of the chain that it continues. The one it came with is the carrier's, and no seal covers it.
    let label = journal.label_of_next(&unit.cut_front(from)?, after);
    let extent = if from == unit.first_seq() && label.as_ref() == unit.branch() { Extent::Whole } else { Extent::Rest };
    let unit = match extent {
        Extent::Whole => unit.verify()?,
        Extent::Rest => unit.verify()?.cut_front(from)?.labelled(label)?,
    };
    Ok(Admission::Take { unit: Box::new(unit), after, extent })
}

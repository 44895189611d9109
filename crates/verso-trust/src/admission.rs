//! [`Admission`]: what becomes of an entry, and [`Admissions`]: of all entries of one chain.

use verso_identity::DeviceId;
use verso_vv::{Hlc, Seq};

use crate::ranges::Ranges;

/// What becomes of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is applied.
    Applied,
    /// It is held and not applied.
    Held(HeldReason),
    /// Nobody has ever vouched for its author's device.
    Unknown,
}

/// Why an entry is held and not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeldReason {
    /// It lies past a cut: it is in quarantine until somebody keeps or discards it.
    Cut {
        /// Whose removal or revocation cut the chain.
        by: DeviceId,
        /// When that was.
        at: Hlc,
    },
    /// It lies past a cut, and was given up for good.
    Discarded,
    /// Its author's device has read-only access and never had more.
    ReadOnly,
}

/// Which entries of one chain are applied. Two values are equal when the same entries are, so comparing what a fold gives before and
/// after an event tells whether state has to be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admissions {
    pub(crate) applied: Ranges,
    pub(crate) discarded: Ranges,
    /// Of the discarded ones those that every owner gave up. They are never applied again.
    pub(crate) given_up: Ranges,
    pub(crate) otherwise: Admission,
}

impl Admissions {
    /// Those of a chain of which nobody has vouched for the author's device.
    pub fn none() -> Self {
        Self {
            applied: Ranges::default(),
            discarded: Ranges::default(),
            given_up: Ranges::default(),
            otherwise: Admission::Unknown,
        }
    }

    /// Tells what becomes of the entry at `seq`.
    pub fn at(&self, seq: Seq) -> Admission {
        if self.applied.contains(seq) {
            Admission::Applied
        } else if self.discarded.contains(seq) {
            Admission::Held(HeldReason::Discarded)
        } else {
            self.otherwise
        }
    }

    /// Returns the runs of entries that are applied, first and last, ascending. A run that is open ends at the greatest number.
    pub fn applied(&self) -> &[(Seq, Seq)] {
        self.applied.as_slice()
    }

    /// Returns the runs of entries that all owners gave up, first and last, ascending. Nothing brings them back, so of what they say only the digests
    /// are needed; but of entries about membership, which are no less known for it.
    pub fn given_up(&self) -> &[(Seq, Seq)] {
        self.given_up.as_slice()
    }

    /// Returns the runs of entries in `first..=last` that are not applied, ascending.
    pub fn not_applied(&self, first: Seq, last: Seq) -> Vec<(Seq, Seq)> {
        Ranges::from_iter([(first, last)]).minus(&self.applied).as_slice().to_vec()
    }

    /// Tells whether any entry in `first..=last` is applied.
    pub fn applies_any(&self, first: Seq, last: Seq) -> bool {
        self.applied.overlaps(first, last)
    }

    /// Tells whether what the author writes from now on is applied, however far its chain is.
    pub fn is_open(&self) -> bool {
        self.at(Seq(u64::MAX)) == Admission::Applied
    }
}

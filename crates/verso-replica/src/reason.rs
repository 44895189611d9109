//! Which [`Reason`] stands for an error: the closed set that a peer and a person are told.

use std::io;

use verso_log::{AppendError, ReadError};
use verso_trust::Refusal;
use verso_wire::Reason;

use crate::admission::AdmitError;
use crate::error::JournalError;

/// What a peer is told of a refusal.
pub(crate) const fn of_refusal(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::NotTrusted => Reason::NotTrusted,
        Refusal::Revoked => Reason::Revoked,
        Refusal::NoGrant => Reason::NoGrant,
        Refusal::ReadOnly => Reason::ReadOnly,
        Refusal::Limit => Reason::Limit,
        _ => Reason::Declined,
    }
}

/// What stops when a log can't be written.
pub(crate) fn of_append(error: &AppendError) -> Reason {
    match error {
        AppendError::Io(source) => of_io(source),
        _ => Reason::LogDamaged,
    }
}

/// What stops when a journal fails.
pub(crate) fn of_journal(error: &JournalError) -> Reason {
    match error {
        JournalError::Append(error) => of_append(error),
        JournalError::Io(source) | JournalError::Read(ReadError::Io(source)) => of_io(source),
        _ => Reason::LogDamaged,
    }
}

/// What stops when a unit is not admitted.
pub(crate) fn of_admit(error: &AdmitError) -> Reason {
    match error {
        AdmitError::Journal(error) => of_journal(error),
        AdmitError::Malformed(_) | AdmitError::Forged(_) | AdmitError::Cut(_) => Reason::Malformed,
    }
}

fn of_io(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reason::DiskFull,
        _ => Reason::LogDamaged,
    }
}

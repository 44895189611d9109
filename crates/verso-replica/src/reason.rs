//! Which [`Reason`] stands for an error: the closed set that a peer and a person are told.

use std::io;

use verso_log::{AppendError, CreateError, ReadError, SealError};
use verso_trust::Refusal;
use verso_wire::Reason;

use crate::admission::AdmitError;
use crate::error::{CommitError, ConnectError, FlushError, JournalError};
use crate::local::LocalStateError;

/// What a peer is told of a refusal.
pub(crate) const fn of_refusal(refusal: Refusal) -> Reason {
    match refusal {
        Refusal::NotTrusted => Reason::NotTrusted,
        Refusal::Revoked => Reason::Revoked,
        Refusal::NoGrant => Reason::NoGrant,
        Refusal::ReadOnly => Reason::ReadOnly,
        Refusal::Limit => Reason::Limit,
        Refusal::Unconfirmed => Reason::Unconfirmed,
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
        JournalError::Closed { reason } => *reason,
        JournalError::Append(error) => of_append(error),
        JournalError::Io(source)
        | JournalError::Create(CreateError::Io(source))
        | JournalError::Open(verso_log::OpenError::Io(source))
        | JournalError::Read(ReadError::Io(source)) => of_io(source),
        JournalError::Open(verso_log::OpenError::WrongKey) => Reason::KeyMissing,
        JournalError::Local(error) => of_local(error),
        JournalError::Missing => Reason::NoGrant,
        JournalError::Crashed => Reason::WorkerCrash,
        JournalError::Unit(_) | JournalError::Event(_) => Reason::Limit,
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

fn of_local(error: &LocalStateError) -> Reason {
    match error {
        LocalStateError::Io(source) | LocalStateError::Seal(SealError::Io(source)) => of_io(source),
        LocalStateError::WrongKey => Reason::KeyMissing,
        _ => Reason::LogDamaged,
    }
}

fn of_io(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reason::DiskFull,
        _ => Reason::LogDamaged,
    }
}

impl JournalError {
    /// Returns what the error is called wherever people and peers are told.
    pub fn reason(&self) -> Reason {
        of_journal(self)
    }
}

impl FlushError {
    /// Returns what the error is called wherever people and peers are told.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Log { reason, .. } => *reason,
            Self::Local(error) => of_local(error),
        }
    }
}

impl<R: std::error::Error + 'static> CommitError<R> {
    /// Returns what the error is called wherever people and peers are told, `None` if the caller asked for what can't be.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::UnknownWorkspace | Self::Rejected(_) => None,
            Self::Refused(refusal) => Some(of_refusal(*refusal)),
            Self::ReadOnlyLog => Some(Reason::LogDamaged),
            Self::Journal(error) => Some(of_journal(error)),
        }
    }
}

impl ConnectError {
    /// Returns what the error is called wherever people and peers are told.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(reason) => *reason,
            Self::Journal(error) => of_journal(error),
            Self::Flush(error) => error.reason(),
        }
    }
}

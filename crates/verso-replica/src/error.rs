//! What can go wrong, one type an operation.

use std::io;

use verso_identity::WorkspaceId;
use verso_log::{AppendError, ReadError};
use verso_trust::Refusal;
use verso_wire::{CutError, DecodeError, JoinError, Reason, SealError, UnitError};

use crate::local::LocalStateError;

/// A journal can't be made, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// There is no log of this workspace.
    #[error("there is no log of this workspace")]
    Missing,
    /// The journal takes nothing: it failed before, or its log is damaged and open for reading only.
    #[error("the log takes nothing: {}", .reason.what())]
    Closed {
        /// Why.
        reason: Reason,
    },
    /// The log can't be made.
    #[error("the log can't be made")]
    Create(#[from] verso_log::CreateError),
    /// The log can't be opened.
    #[error("the log can't be opened")]
    Open(#[from] verso_log::OpenError),
    /// The log can't be read.
    #[error("the log can't be read")]
    Read(#[from] ReadError),
    /// The log can't be written.
    #[error("the log can't be written")]
    Append(#[from] AppendError),
    /// A record of the log is authentic and yet no unit: it was written by a newer version, or by a defect.
    #[error("a record of the log is not a unit that this version reads")]
    Record(#[from] DecodeError),
    /// An entry fits no unit.
    #[error("the entry fits no unit")]
    Unit(#[from] UnitError),
    /// A unit can't be signed.
    #[error("the unit can't be signed")]
    Seal(#[from] SealError),
    /// A unit can't be cut.
    #[error("the unit can't be cut")]
    Cut(#[from] CutError),
    /// A stored unit is not on the branch that it belongs to.
    #[error("the unit is not on its branch")]
    Branch(#[from] verso_wire::VerifyError),
    /// Units can't be joined.
    #[error("the units can't be joined")]
    Join(#[from] JoinError),
    /// The log can't be compacted. It holds what it held.
    #[error("the log can't be compacted")]
    Compact(#[from] verso_log::CompactError<DecodeError>),
    /// The storage failed.
    #[error("the storage failed")]
    Io(#[from] io::Error),
    /// The device's local state can't be written.
    #[error(transparent)]
    Local(#[from] LocalStateError),
    /// The application panicked. The workspace takes nothing until it is opened again.
    #[error("the application failed by a defect of its own")]
    Crashed,
    /// An event does not fit its encoding.
    #[error("the event can't be recorded")]
    Event(#[from] verso_trust::EncodeEventError),
}

/// A device can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The local state can't be read or written.
    #[error(transparent)]
    Local(LocalStateError),
    /// What lies there was encrypted under another key. Nothing was changed.
    #[error("the data was encrypted under another key")]
    WrongKey,
    /// Two logs claim to be the same workspace's.
    #[error("two logs claim to be that of workspace {workspace}")]
    Twice {
        /// Which workspace.
        workspace: WorkspaceId,
    },
    /// A log can't be opened.
    #[error(transparent)]
    Journal(JournalError),
    /// The storage failed.
    #[error("the data directory can't be read")]
    Io(#[from] io::Error),
}

impl From<LocalStateError> for OpenError {
    fn from(error: LocalStateError) -> Self {
        if matches!(error, LocalStateError::WrongKey) { Self::WrongKey } else { Self::Local(error) }
    }
}

impl From<JournalError> for OpenError {
    fn from(error: JournalError) -> Self {
        if matches!(error, JournalError::Open(verso_log::OpenError::WrongKey)) {
            Self::WrongKey
        } else {
            Self::Journal(error)
        }
    }
}

/// What the user did can't be recorded. Nothing of it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError<R: std::error::Error + 'static> {
    /// No such workspace is held.
    #[error("there is no such workspace on this device")]
    UnknownWorkspace,
    /// This device may not write there.
    #[error("this device may not write in the workspace")]
    Refused(Refusal),
    /// The application does not take an intent.
    #[error(transparent)]
    Rejected(R),
    /// The log is damaged and was opened for reading only.
    #[error("the workspace's log is damaged and open for reading only")]
    ReadOnlyLog,
    /// The log failed. It takes nothing more until it is [recovered](crate::Replica::recover) or the device is opened again.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Something can't be made durable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// A log failed. What it held back was not acknowledged to anybody.
    #[error("the log of workspace {workspace} can't be made durable")]
    Log {
        /// Which one.
        workspace: WorkspaceId,
        /// What it is called wherever people and peers are told.
        reason: Reason,
        /// What failed.
        #[source]
        source: JournalError,
    },
    /// The local state failed.
    #[error(transparent)]
    Local(#[from] LocalStateError),
}

/// An exchange with a peer can't begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Trust refuses the peer.
    #[error("the peer is refused: {}", .0.what())]
    Refused(Reason),
    /// The peer's admission can't be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The peer's admission can't be made durable.
    #[error(transparent)]
    Flush(#[from] FlushError),
}

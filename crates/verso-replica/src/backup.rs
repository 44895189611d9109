//! Backups: a whole device in one encrypted file, written while the device may be in use, and made a device again from it.

mod format;
mod read;
mod write;

pub use format::HeaderError;
pub use read::{Backup, RestoreError, Restored};
pub use write::{BackedUp, BackupDamage, BackupError, BackupSource, back_up};

/// How far a backup or its restoring is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    /// Done.
    pub done: u64,
    /// Of so many, as far as is known.
    pub of: u64,
}

//! What can go wrong with a key store, one type an operation.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why the system's keychain did not do what it was asked. Each has its own way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeychainError {
    /// There is no keychain to be asked: no session bus, no service, or none on this system.
    #[error("there is no keychain: {what}")]
    Unreachable {
        /// The system's answer.
        what: String,
    },
    /// The keychain is locked, and its owner did not unlock it; or it refuses this program.
    #[error("the keychain is locked")]
    Locked,
    /// The keychain answers and has nowhere to keep anything: nobody has made its default collection yet.
    #[error("the keychain is empty: it has no default collection to keep anything in")]
    NoCollection,
    /// The keychain went on waiting for somebody, or hangs.
    #[error("the keychain did not answer within {} seconds", .waited.as_secs())]
    NoAnswer {
        /// How long it was waited for.
        waited: Duration,
    },
    /// More than one entry has the name of this one.
    #[error("the keychain has more than one entry of this name")]
    Ambiguous,
    /// Anything else that the system reports.
    #[error("the keychain failed: {what}")]
    Failed {
        /// The system's answer.
        what: String,
    },
}

/// Why an identity could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store answers, and keeps no identity.
    #[error("there is no identity")]
    Missing,
    /// The key file is whole, and this passphrase does not open it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// It is a key file, but bytes of it were changed or lost.
    #[error("the key file is damaged: {what}")]
    Damaged {
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file at this place is not one of ours.
    #[error("the file is not a Verso key file")]
    NotOurs,
    /// A later release wrote the file.
    #[error("the key file has format version {version}, this program reads up to {supported}")]
    Newer {
        /// The file's format version.
        version: u16,
        /// The newest version that can be read.
        supported: u16,
    },
    /// The file asks for more memory or time than any file that this program writes.
    #[error(
        "the key file asks for {memory_kib} KiB, {passes} passes and {lanes} lanes to unlock, which is out of bounds"
    )]
    OutOfBounds {
        /// Memory of the key derivation in KiB.
        memory_kib: u32,
        /// Passes over that memory.
        passes: u16,
        /// Lanes of that memory.
        lanes: u8,
    },
    /// The memory that unlocking needs isn't there.
    #[error("unlocking the key file needs {memory_kib} KiB of memory")]
    OutOfMemory {
        /// Memory of the key derivation in KiB.
        memory_kib: u32,
    },
    /// The keychain did not give the entry.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The entry in the keychain is not what this program writes.
    #[error("the entry in the keychain is damaged: {what}")]
    DamagedEntry {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A later release wrote the entry in the keychain.
    #[error("the entry in the keychain has version {version}, this program reads up to {supported}")]
    NewerEntry {
        /// The entry's version.
        version: u8,
        /// The newest version that can be read.
        supported: u8,
    },
    /// The store could not be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

/// Why an identity could not be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is an identity already; it was left as it is.
    #[error("there is an identity already")]
    Exists,
    /// The operating system has no randomness to give.
    #[error("there is no randomness to be had")]
    Random(#[source] getrandom::Error),
    /// The memory that sealing needs isn't there.
    #[error("sealing the key file needs {memory_kib} KiB of memory")]
    OutOfMemory {
        /// Memory of the key derivation in KiB.
        memory_kib: u32,
    },
    /// The keychain did not take the entry.
    #[error(transparent)]
    Keychain(#[from] KeychainError),
    /// The store could not be written.
    #[error("cannot write {}", path.display())]
    Io {
        /// What was written.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// What was read back is not what was written.
    #[error("the store does not give back what was written")]
    Differs,
}

/// Why a store is not fit to keep an identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The trial write failed.
    #[error("a trial write failed")]
    Write(#[source] StoreError),
    /// The trial read failed.
    #[error("reading back a trial write failed")]
    Read(#[source] LoadError),
    /// The trial gave back something else.
    #[error("a trial write came back different")]
    Differs,
}

/// Why no identity was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is an identity already; it was left as it is.
    #[error("there is an identity already")]
    Exists,
    /// The store can't tell whether there is one.
    #[error("the key store cannot tell whether there is an identity")]
    Ask(#[source] LoadError),
    /// The store is not fit to keep one.
    #[error("the key store does not keep what it is given")]
    Unproven(#[source] ProveError),
    /// The operating system has no randomness to give.
    #[error("no randomness for a new key")]
    Random(#[source] getrandom::Error),
    /// The new identity could not be kept.
    #[error("the new identity could not be kept")]
    Store(#[source] StoreError),
    /// The new identity was kept but can't be opened again.
    #[error("the new identity was kept but does not open")]
    ReadBack(#[source] LoadError),
    /// The store gave back another identity than it was given.
    #[error("the key store gave back another identity")]
    Differs,
}

/// Why a high-water mark was not read or kept. The identity is not concerned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkError {
    /// The store could not be read.
    #[error("the high-water mark can't be read")]
    Read(#[source] LoadError),
    /// The store could not be written.
    #[error("the high-water mark can't be kept")]
    Write(#[source] StoreError),
    /// What the store gave is not a mark of this device, or was changed.
    #[error("the high-water mark is damaged, or another device's")]
    Damaged,
    /// A later release wrote the mark.
    #[error("the high-water mark has version {version}, this program reads up to {supported}")]
    Newer {
        /// The mark's version.
        version: u8,
        /// The newest version that can be read.
        supported: u8,
    },
    /// No store has room for so much.
    #[error("a high-water mark of {len} bytes fits no store, {max} do")]
    TooLong {
        /// Its length.
        len: usize,
        /// The most that fits.
        max: usize,
    },
}

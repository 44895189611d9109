//! [`KeyStore`]: where a device's secret is kept, and the one careful way to make a new identity.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::device::DeviceKey;

mod file;
mod format;
mod memory;
mod passphrase;

pub use file::{ChangePassphraseError, FileKeyStore};
pub use memory::MemoryKeyStore;
pub use passphrase::{EmptyPassphrase, Passphrase};

/// Keeps one identity: the secret of one [`DeviceKey`].
///
/// A store never replaces an identity. Its owner's peers know the device by it, so losing it silently would be
/// losing every pairing.
///
/// What a store keeps for the identity beside the secret gets a method of its own here, with its own entry in the store:
/// the secret is written once and never again but for a change of passphrase.
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// Returns which kind of store this is, for people to see.
    fn kind(&self) -> KeyStoreKind;

    /// Tells whether an identity is kept here, without opening it.
    ///
    /// # Errors
    /// [`LoadError`] if the store can't be asked. That is never a reason to make a new identity.
    fn holds_identity(&self) -> Result<bool, LoadError>;

    /// Opens the identity.
    ///
    /// # Errors
    /// [`LoadError`]; only [`LoadError::Missing`] means that there is none.
    fn load(&self) -> Result<DeviceKey, LoadError>;

    /// Keeps the identity durably.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Exists`] if one is kept already, which stays as it is.
    fn store(&self, key: &DeviceKey) -> Result<(), StoreError>;

    /// Proves by a write and a read back that the store keeps what it is given, and leaves nothing behind.
    ///
    /// # Errors
    /// [`ProveError`] if it doesn't.
    fn prove(&self) -> Result<(), ProveError>;

    /// Makes a new identity and keeps it: proves the store first, so that no identity is made that can't be kept, and
    /// opens it again afterwards, so that none is used that can't be opened.
    ///
    /// # Errors
    /// [`CreateError`]; [`CreateError::Exists`] if there is an identity already, which stays as it is.
    fn create(&self) -> Result<DeviceKey, CreateError> {
        if self.holds_identity().map_err(CreateError::Ask)? {
            return Err(CreateError::Exists);
        }
        self.prove().map_err(CreateError::Unproven)?;
        let key = DeviceKey::generate().map_err(CreateError::Random)?;
        self.store(&key).map_err(|error| match error {
            StoreError::Exists => CreateError::Exists,
            error => CreateError::Store(error),
        })?;
        let kept = self.load().map_err(CreateError::ReadBack)?;
        if kept.id() != key.id() {
            return Err(CreateError::Differs);
        }
        Ok(kept)
    }
}

/// The kinds of key stores. [`code`](Self::code) is what `--keystore` and JSON call them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyStoreKind {
    /// A file that a passphrase encrypts.
    File,
    /// Memory only: gone with the process.
    Memory,
}

impl KeyStoreKind {
    /// Returns the stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for KeyStoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
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
    #[error("no randomness for the key file")]
    Random(#[source] getrandom::Error),
    /// The memory that sealing needs isn't there.
    #[error("sealing the key file needs {memory_kib} KiB of memory")]
    OutOfMemory {
        /// Memory of the key derivation in KiB.
        memory_kib: u32,
    },
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

//! [`KeyStore`]: where a device's secret is kept, and the one careful way to make a new identity.

use std::fmt;
use std::sync::Arc;

use crate::device::DeviceKey;

mod error;
mod file;
mod format;
#[cfg(feature = "keychain")]
mod keychain;
mod mark;
mod memory;
mod passphrase;
mod session;
mod slot;

pub use error::{CreateError, KeychainError, LoadError, MarkError, ProveError, StoreError};
pub use file::{ChangePassphraseError, FileKeyStore, FileMarkStore};
pub use format::Cost;
#[cfg(feature = "keychain")]
pub use keychain::{KeychainStore, Patience};
pub use mark::{MAX_MARK_LEN, MarkStore};
pub use memory::MemoryKeyStore;
pub use passphrase::{EmptyPassphrase, Passphrase};
pub use session::SessionError;
pub use slot::{KeychainSlot, ParseKeychainSlotError};

/// Keeps one identity: the secret of one [`DeviceKey`].
///
/// A store never replaces an identity. Its owner's peers know the device by it, so losing it silently would be
/// losing every pairing.
///
/// The secret is written once and never again but for a change of passphrase. What changes often, the high-water
/// mark, has an entry of its own, which [`marks`](Self::marks) leads to and which opens no secret.
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

    /// Returns where this store keeps the high-water mark.
    fn marks(&self) -> Arc<dyn MarkStore>;

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
    /// The system's keychain.
    Keychain,
    /// A file that a passphrase encrypts.
    File,
    /// Memory only: gone with the process.
    Memory,
}

impl KeyStoreKind {
    /// Returns the stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
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

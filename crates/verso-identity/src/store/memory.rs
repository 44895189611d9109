//! [`MemoryKeyStore`]: an identity that lives as long as the process.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::{KeyStore, KeyStoreKind, LoadError, ProveError, StoreError};
use crate::device::DeviceKey;

/// Keeps an identity in memory only, for demonstrations and tests. The secret is zeroized when the store is dropped.
#[derive(Default)]
pub struct MemoryKeyStore {
    secret: Mutex<Option<Zeroizing<[u8; 32]>>>,
}

impl MemoryKeyStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The secret is replaced whole or not at all, so a panic elsewhere while it was locked left nothing half-done.
    fn lock(&self) -> MutexGuard<'_, Option<Zeroizing<[u8; 32]>>> {
        self.secret.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyStore for MemoryKeyStore {
    fn kind(&self) -> KeyStoreKind {
        KeyStoreKind::Memory
    }

    fn holds_identity(&self) -> Result<bool, LoadError> {
        Ok(self.lock().is_some())
    }

    fn load(&self) -> Result<DeviceKey, LoadError> {
        self.lock().as_ref().map(DeviceKey::from_secret).ok_or(LoadError::Missing)
    }

    fn store(&self, key: &DeviceKey) -> Result<(), StoreError> {
        let mut secret = self.lock();
        if secret.is_some() {
            return Err(StoreError::Exists);
        }
        *secret = Some(key.to_secret());
        Ok(())
    }

    /// Memory gives back what it was given; there is nothing to try.
    fn prove(&self) -> Result<(), ProveError> {
        Ok(())
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryKeyStore")
    }
}

//! [`MemoryKeyStore`]: an identity that lives as long as the process.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::{KeyStore, KeyStoreKind, LoadError, MarkStore, ProveError, StoreError};
use crate::device::DeviceKey;

/// Keeps an identity in memory only, for demonstrations and tests. The secret is zeroized when the store is dropped.
#[derive(Default)]
pub struct MemoryKeyStore {
    secret: Mutex<Option<Zeroizing<[u8; 32]>>>,
    mark: Arc<MemoryMark>,
}

#[derive(Default)]
struct MemoryMark(Mutex<Option<Vec<u8>>>);

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

    fn marks(&self) -> Arc<dyn MarkStore> {
        self.mark.clone()
    }
}

impl MarkStore for MemoryMark {
    fn read_sealed(&self) -> Result<Option<Vec<u8>>, LoadError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn write_sealed(&self, sealed: &[u8]) -> Result<(), StoreError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sealed.to_vec());
        Ok(())
    }
}

impl fmt::Debug for MemoryMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryMark")
    }
}

impl fmt::Debug for MemoryKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryKeyStore")
    }
}

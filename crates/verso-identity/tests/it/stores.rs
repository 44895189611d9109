//! What every key store promises, and how an identity is made.

use std::sync::Arc;

use verso_identity::{
    CreateError, DeviceKey, EmptyPassphrase, KeyStore, KeyStoreKind, LoadError, MarkError, MarkStore, MemoryKeyStore,
    Passphrase, ProveError, StoreError,
};
use zeroize::Zeroizing;

use crate::file_store::Fixture;

pub(crate) fn keeps_one_identity(store: &dyn KeyStore) {
    assert!(!store.holds_identity().unwrap());
    assert!(matches!(store.load(), Err(LoadError::Missing)));
    store.prove().unwrap();
    assert!(!store.holds_identity().unwrap(), "a trial leaves no identity");

    let key = store.create().unwrap();
    assert!(store.holds_identity().unwrap());
    assert_eq!(store.load().unwrap().id(), key.id());
    assert_eq!(*store.load().unwrap().to_secret(), *key.to_secret());

    assert!(matches!(store.create(), Err(CreateError::Exists)));
    assert!(matches!(store.store(&DeviceKey::generate().unwrap()), Err(StoreError::Exists)));
    store.prove().unwrap();
    assert_eq!(store.load().unwrap().id(), key.id(), "the identity stays as it is");
}

/// The mark is replaced as a whole, opens for its device alone, and leaves the identity as it is.
pub(crate) fn keeps_a_mark(store: &dyn KeyStore) {
    let (key, other) = (store.load().unwrap(), DeviceKey::generate().unwrap());
    let marks = store.marks();
    assert_eq!(marks.load_mark(&key).unwrap(), None);
    for mark in [&b"so far"[..], b"further", b""] {
        marks.store_mark(&key, mark).unwrap();
        assert_eq!(store.marks().load_mark(&key).unwrap().as_deref(), Some(mark));
    }
    assert!(matches!(marks.load_mark(&other), Err(MarkError::Damaged)));
    assert_eq!(store.load().unwrap().id(), key.id());
}

#[test]
fn memory_store() {
    let store = MemoryKeyStore::new();
    keeps_one_identity(&store);
    keeps_a_mark(&store);
    assert_eq!(MemoryKeyStore::new().kind().to_string(), "memory");
}

#[test]
fn file_store() {
    let fixture = Fixture::new();
    keeps_one_identity(&fixture.store("passphrase"));
    keeps_a_mark(&fixture.store("passphrase"));
    assert_eq!(fixture.store("passphrase").kind().to_string(), "file");
}

#[test]
fn an_empty_passphrase_is_none() {
    assert!(matches!(Passphrase::new(Zeroizing::new(String::new())), Err(EmptyPassphrase)));
}

/// A store that goes wrong at one place, as a broken keychain does.
#[derive(Debug, Default)]
struct Broken {
    inner: MemoryKeyStore,
    at: Option<At>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Ask,
    Prove,
    Store,
    ReadBack,
    GivesBackAnother,
}

impl KeyStore for Broken {
    fn kind(&self) -> KeyStoreKind {
        KeyStoreKind::Memory
    }

    fn holds_identity(&self) -> Result<bool, LoadError> {
        if self.at == Some(At::Ask) { Err(LoadError::NotOurs) } else { self.inner.holds_identity() }
    }

    fn load(&self) -> Result<DeviceKey, LoadError> {
        match self.at {
            Some(At::ReadBack) => Err(LoadError::Missing),
            Some(At::GivesBackAnother) => Ok(DeviceKey::generate().unwrap()),
            _ => self.inner.load(),
        }
    }

    fn store(&self, key: &DeviceKey) -> Result<(), StoreError> {
        if self.at == Some(At::Store) { Err(StoreError::Differs) } else { self.inner.store(key) }
    }

    fn prove(&self) -> Result<(), ProveError> {
        if self.at == Some(At::Prove) { Err(ProveError::Differs) } else { self.inner.prove() }
    }

    fn marks(&self) -> Arc<dyn MarkStore> {
        self.inner.marks()
    }
}

#[test]
fn no_identity_is_made_that_a_store_might_not_keep() {
    let create = |at| {
        let store = Broken { at: Some(at), ..Broken::default() };
        let error = store.create().unwrap_err();
        (error, store.inner.holds_identity().unwrap())
    };
    assert!(matches!(create(At::Ask), (CreateError::Ask(_), false)));
    assert!(matches!(create(At::Prove), (CreateError::Unproven(_), false)));
    assert!(matches!(create(At::Store), (CreateError::Store(_), false)));
    assert!(matches!(create(At::ReadBack), (CreateError::ReadBack(_), true)));
    assert!(matches!(create(At::GivesBackAnother), (CreateError::Differs, true)));
}

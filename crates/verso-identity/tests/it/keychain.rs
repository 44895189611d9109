//! The system's keychain, a real one: open, locked, asking for ever, empty, missing.

use std::time::{Duration, Instant};

use verso_identity::{
    CreateError, DeviceKey, KeyStore, KeyStoreKind, KeychainError, KeychainSlot, KeychainStore, LoadError,
    MAX_MARK_LEN, MarkError, Patience, ProveError, StoreError,
};

use crate::inside::inside;
use crate::secret_service::{Kernel, Keychain};
use crate::stores::{keeps_a_mark, keeps_one_identity};

fn slot(text: &str) -> KeychainSlot {
    text.parse().unwrap()
}

fn store(at: &str) -> KeychainStore {
    KeychainStore::new(slot(at), Patience::default())
}

const HERE: &str = "00112233445566ff";
const THERE: &str = "ff00112233445566";

#[test]
fn an_open_keychain_keeps_an_identity_and_a_mark() {
    inside(
        "keychain::an_open_keychain_keeps_an_identity_and_a_mark",
        Keychain::Unlocked,
        Kernel::WithoutSession,
        || {
            assert_eq!(store(HERE).kind(), KeyStoreKind::Keychain);
            keeps_one_identity(&store(HERE));
            keeps_a_mark(&store(HERE));
            let key = store(HERE).load().unwrap();
            store(HERE).marks().store_mark(&key, &[7; MAX_MARK_LEN]).unwrap();
            assert_eq!(store(HERE).marks().load_mark(&key).unwrap().unwrap(), [7; MAX_MARK_LEN]);

            // Another data directory of the same person has nothing to do with it.
            keeps_one_identity(&store(THERE));
            assert_ne!(store(HERE).load().unwrap().id(), store(THERE).load().unwrap().id());
            store(THERE).forget().unwrap();
            store(THERE).forget().unwrap();
            assert!(matches!(store(THERE).load(), Err(LoadError::Missing)));
            assert_eq!(store(THERE).marks().load_mark(&key).unwrap(), None);
            assert_eq!(store(HERE).load().unwrap().id(), key.id());
        },
    );
}

/// What fails, in the order in which a device would come to it.
fn failures(store: &KeychainStore) -> [KeychainError; 4] {
    let key = DeviceKey::generate().unwrap();
    let Err(ProveError::Write(StoreError::Keychain(prove))) = store.prove() else { panic!("it was proven") };
    let Err(StoreError::Keychain(kept)) = store.store(&key) else { panic!("it was kept") };
    let create = match store.create() {
        Err(
            CreateError::Unproven(ProveError::Write(StoreError::Keychain(error)))
            | CreateError::Ask(LoadError::Keychain(error)),
        ) => error,
        outcome => panic!("{outcome:?}"),
    };
    let mark = match store.marks().store_mark(&key, b"so far") {
        Err(MarkError::Write(StoreError::Keychain(error))) => error,
        outcome => panic!("{outcome:?}"),
    };
    [prove, kept, create, mark]
}

#[test]
fn a_locked_keychain_is_locked() {
    inside("keychain::a_locked_keychain_is_locked", Keychain::Locked, Kernel::WithoutSession, || {
        assert!(
            failures(&store(HERE)).iter().all(|error| *error == KeychainError::Locked),
            "{:?}",
            failures(&store(HERE))
        );
        // What isn't there can be seen without opening it; that is no reason to make anything.
        assert!(matches!(store(HERE).load(), Err(LoadError::Missing)));
    });
}

#[test]
fn an_empty_keychain_has_nothing_and_keeps_nothing() {
    inside(
        "keychain::an_empty_keychain_has_nothing_and_keeps_nothing",
        Keychain::Empty,
        Kernel::WithoutSession,
        || {
            assert!(matches!(store(HERE).load(), Err(LoadError::Missing)));
            assert!(failures(&store(HERE)).iter().all(|error| *error == KeychainError::NoCollection));
        },
    );
}

#[test]
fn a_missing_keychain_is_missing() {
    let body = || {
        let is_unreachable = |error: &KeychainError| matches!(error, KeychainError::Unreachable { .. });
        assert!(failures(&store(HERE)).iter().all(is_unreachable), "{:?}", failures(&store(HERE)));
        assert!(matches!(store(HERE).load(), Err(LoadError::Keychain(KeychainError::Unreachable { .. }))));
        assert!(matches!(store(HERE).forget(), Err(KeychainError::Unreachable { .. })));
    };
    let test = "keychain::a_missing_keychain_is_missing";
    inside(test, Keychain::Absent, Kernel::WithoutSession, body);
    inside(test, Keychain::Unserved, Kernel::WithoutSession, body);
}

#[test]
fn a_keychain_that_asks_for_ever_is_given_up() {
    inside("keychain::a_keychain_that_asks_for_ever_is_given_up", Keychain::Asking, Kernel::WithoutSession, || {
        let limit = Duration::from_millis(700);
        let patience = Patience { silence: Duration::from_millis(300), limit, word: || () };
        let store = KeychainStore::new(slot(HERE), patience);
        let began = Instant::now();
        let error = store.store(&DeviceKey::generate().unwrap()).unwrap_err();
        assert!(matches!(error, StoreError::Keychain(KeychainError::NoAnswer { .. })), "{error:?}");
        assert!(began.elapsed() >= limit && began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    });
}

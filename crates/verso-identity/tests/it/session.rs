//! The key of a key file in the login session's kernel keyring.

use std::fs;

use verso_identity::{FileKeyStore, KeyStore as _, SessionError};

use crate::file_store::{Fixture, passphrase};
use crate::inside::inside;
use crate::secret_service::{Kernel, Keychain};

/// The name under which the kernel has the key of a file.
fn name_of(fixture: &Fixture) -> String {
    let file = fs::read(fixture.path().join(FileKeyStore::FILE_NAME)).unwrap();
    format!("verso:{}", data_encoding::HEXLOWER.encode(file.get(24..40).unwrap()))
}

fn is_in_the_kernel(name: &str) -> bool {
    fs::read_to_string("/proc/keys").unwrap().contains(name)
}

#[test]
fn a_session_remembers_the_file_as_it_is() {
    let test = "session::a_session_remembers_the_file_as_it_is";
    inside(test, Keychain::Absent, Kernel::WithSession, || {
        let fixture = Fixture::new();
        let (dir, mut store) = (fixture.path(), fixture.store("tea"));
        let id = store.create().unwrap().id();
        assert!(FileKeyStore::load_from_session(dir).unwrap().is_none(), "nobody asked for it");
        let (key, kept) = store.remember().unwrap();
        assert_eq!((key.id(), kept), (id, Ok(())));
        assert_eq!(FileKeyStore::load_from_session(dir).unwrap().unwrap().id(), id);
        assert!(is_in_the_kernel(&name_of(&fixture)));

        // Another device's file is not opened by it, and a copy of this one is.
        let other = Fixture::new();
        other.store("tea").create().unwrap();
        assert!(FileKeyStore::load_from_session(other.path()).unwrap().is_none());

        store.change_passphrase(passphrase("cake")).unwrap();
        assert!(FileKeyStore::load_from_session(dir).unwrap().is_none(), "it opened the file that was");
        store.remember().unwrap().1.unwrap();
        assert!(FileKeyStore::load_from_session(dir).unwrap().is_some());
        FileKeyStore::forget_in_session(dir);
        assert!(FileKeyStore::load_from_session(dir).unwrap().is_none());
        store.remember().unwrap().1.unwrap();
        FileKeyStore::remove_from(dir).unwrap();
        fs::write(dir.join(FileKeyStore::FILE_NAME), include_bytes!("../golden/identity-v1.key")).unwrap();
        assert!(FileKeyStore::load_from_session(dir).unwrap().is_none());
    });
}

/// What lies there under the right name and is not the file's key opens nothing, and disturbs nothing.
#[test]
fn a_wrong_key_under_its_name_is_none() {
    let test = "session::a_wrong_key_under_its_name_is_none";
    inside(test, Keychain::Absent, Kernel::WithSession, || {
        let fixture = Fixture::new();
        let store = fixture.store("tea");
        let id = store.create().unwrap().id();
        for payload in ["short", "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef and more"] {
            let added = std::process::Command::new("keyctl")
                .args(["add", "user", &name_of(&fixture), payload, "@s"])
                .output()
                .unwrap();
            assert!(added.status.success(), "{added:?}");
            assert!(FileKeyStore::load_from_session(fixture.path()).unwrap().is_none(), "{payload}");
        }
        let (key, kept) = store.remember().unwrap();
        assert_eq!((key.id(), kept), (id, Ok(())));
    });
}

#[test]
fn without_a_session_nothing_is_kept_and_nothing_left_behind() {
    let test = "session::without_a_session_nothing_is_kept_and_nothing_left_behind";
    inside(test, Keychain::Absent, Kernel::WithoutSession, || {
        let fixture = Fixture::new();
        let id = fixture.store("tea").create().unwrap().id();
        let (key, kept) = fixture.store("tea").remember().unwrap();
        assert_eq!((key.id(), kept), (id, Err(SessionError::NoSession)));
        assert!(FileKeyStore::load_from_session(fixture.path()).unwrap().is_none());
        assert!(!is_in_the_kernel(&name_of(&fixture)));
    });
}

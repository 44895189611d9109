//! `identity.key` on a real disk: the golden file, what stands in its way, and changes of passphrase.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use verso_identity::{
    ChangePassphraseError, CreateError, DeviceKey, FileKeyStore, KeyStore, LoadError, Passphrase, ProveError,
    StoreError,
};
use zeroize::Zeroizing;

const GOLDEN: &[u8] = include_bytes!("../golden/identity-v1.key");
const GOLDEN_PASSPHRASE: &str = "correct horse battery staple";

/// A data directory of its own.
pub(crate) struct Fixture {
    directory: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    pub(crate) fn store(&self, passphrase: &str) -> FileKeyStore {
        FileKeyStore::new(self.directory.path(), self::passphrase(passphrase))
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("identity.key")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn key(seed: u8) -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([seed; 32]))
}

#[test]
fn the_golden_file_opens() {
    let fixture = Fixture::new();
    fs::write(fixture.file(), GOLDEN).unwrap();
    let secret = fixture.store(GOLDEN_PASSPHRASE).load().unwrap().to_secret();
    assert_eq!(*secret, std::array::from_fn(|at| u8::try_from(at).unwrap()));
    assert!(matches!(fixture.store("correct horse battery stable").load(), Err(LoadError::WrongPassphrase)));
}

#[test]
fn each_obstacle_has_its_own_error() {
    let fixture = Fixture::new();
    let load = |bytes: &[u8]| {
        fs::write(fixture.file(), bytes).unwrap();
        fixture.store(GOLDEN_PASSPHRASE).load().unwrap_err()
    };
    let mut damaged = GOLDEN.to_vec();
    damaged[60] ^= 1;
    assert!(matches!(load(&damaged), LoadError::Damaged { .. }));
    assert!(matches!(load(&GOLDEN[..80]), LoadError::Damaged { .. }));
    assert!(matches!(load(b""), LoadError::Damaged { .. }));
    assert!(matches!(load(b"-----BEGIN OPENSSH PRIVATE KEY-----"), LoadError::NotOurs));
    assert!(matches!(load(&vec![b'x'; 10_000_000]), LoadError::NotOurs));
    let endless = [GOLDEN, &vec![0; 10_000_000]].concat();
    assert!(matches!(load(&endless), LoadError::Damaged { .. }));

    fs::remove_file(fixture.file()).unwrap();
    assert!(matches!(fixture.store("x").load(), Err(LoadError::Missing)));
    fs::create_dir(fixture.file()).unwrap();
    assert!(matches!(fixture.store("x").load(), Err(LoadError::Io { .. })));
    assert!(matches!(fixture.store("x").create(), Err(CreateError::Exists)));
}

/// Whatever lies at its place, even what doesn't open, a new identity never takes it.
#[test]
fn nothing_at_its_place_is_overwritten() {
    let fixture = Fixture::new();
    fs::write(fixture.file(), b"somebody's").unwrap();
    assert!(matches!(fixture.store("x").store(&key(1)), Err(StoreError::Exists)));
    assert!(matches!(fixture.store("x").create(), Err(CreateError::Exists)));
    assert_eq!(fs::read(fixture.file()).unwrap(), b"somebody's");
    assert_eq!(fixture.names(), ["identity.key"]);
}

/// A dangling link doesn't "exist" to a careless look.
#[cfg(unix)]
#[test]
fn a_dangling_link_is_not_followed() {
    let fixture = Fixture::new();
    std::os::unix::fs::symlink("nowhere", fixture.file()).unwrap();
    assert!(matches!(fixture.store("x").store(&key(1)), Err(StoreError::Exists)));
    assert_eq!(fixture.names(), ["identity.key"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it_and_nothing_else_is_left() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixture = Fixture::new();
    let mut store = fixture.store("x");
    store.create().unwrap();
    assert_eq!(fs::metadata(fixture.file()).unwrap().permissions().mode() & 0o777, 0o600);
    store.change_passphrase(passphrase("y")).unwrap();
    assert_eq!(fs::metadata(fixture.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fixture.names(), ["identity.key"]);
}

#[test]
fn no_directory_no_identity() {
    let fixture = Fixture::new();
    let store = FileKeyStore::new(fixture.directory.path().join("missing"), passphrase("x"));
    assert!(matches!(store.load(), Err(LoadError::Missing)));
    assert!(matches!(store.prove(), Err(ProveError::Write(StoreError::Io { .. }))));
    assert!(matches!(store.create(), Err(CreateError::Unproven(_))));
    assert!(fixture.names().is_empty());
}

#[test]
fn the_secret_is_not_in_the_file_and_every_file_differs() {
    let write = || {
        let fixture = Fixture::new();
        fixture.store("x").store(&key(0x5a)).unwrap();
        fs::read(fixture.file()).unwrap()
    };
    let (one, other) = (write(), write());
    assert!(!one.windows(4).any(|window| window == [0x5a; 4]));
    let public = *key(0x5a).id().as_bytes();
    assert!(!one.windows(4).any(|window| window == &public[..4]));
    assert_ne!(one[24..], other[24..], "salt, nonce and all that follows from them are fresh");
}

#[test]
fn a_change_of_passphrase_keeps_the_identity() {
    let fixture = Fixture::new();
    let mut store = fixture.store("old");
    let id = store.create().unwrap().id();
    store.change_passphrase(passphrase("new")).unwrap();
    assert_eq!(store.load().unwrap().id(), id);
    assert_eq!(fixture.store("new").load().unwrap().id(), id);
    assert!(matches!(fixture.store("old").load(), Err(LoadError::WrongPassphrase)));
}

#[test]
fn a_change_that_fails_leaves_the_old_passphrase() {
    let fixture = Fixture::new();
    let id = fixture.store("old").create().unwrap().id();
    let before = fs::read(fixture.file()).unwrap();

    let error = fixture.store("wrong").change_passphrase(passphrase("new")).unwrap_err();
    assert!(matches!(error, ChangePassphraseError::Load(LoadError::WrongPassphrase)));
    let missing = Fixture::new().store("old").change_passphrase(passphrase("new")).unwrap_err();
    assert!(matches!(missing, ChangePassphraseError::Load(LoadError::Missing)));

    assert_eq!(fs::read(fixture.file()).unwrap(), before);
    assert_eq!(fixture.store("old").load().unwrap().id(), id);
    assert_eq!(fixture.names(), ["identity.key"]);
}

/// What a crash leaves at any moment before the file takes its place: a stray file, which disturbs nothing.
#[test]
fn a_left_over_temporary_file_disturbs_nothing() {
    let fixture = Fixture::new();
    let stray = fixture.directory.path().join("identity.key.0011223344556677.tmp");
    fs::write(&stray, &GOLDEN[..50]).unwrap();
    let mut store = fixture.store("x");
    let id = store.create().unwrap().id();
    store.change_passphrase(passphrase("y")).unwrap();
    assert_eq!(fixture.store("y").load().unwrap().id(), id);
}

#[test]
fn existence_needs_no_passphrase() {
    let fixture = Fixture::new();
    assert!(!FileKeyStore::exists_in(fixture.directory.path()).unwrap());
    fs::write(fixture.file(), GOLDEN).unwrap();
    assert!(FileKeyStore::exists_in(fixture.directory.path()).unwrap());
    assert!(!FileKeyStore::exists_in(Path::new("/nonexistent-for-sure")).unwrap());
}

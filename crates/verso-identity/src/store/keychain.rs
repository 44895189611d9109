//! [`KeychainStore`]: the identity in the system's keychain. The only file of this crate that talks to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use keyring::Entry;
use zeroize::{Zeroize as _, Zeroizing};

use super::error::{KeychainError, LoadError, ProveError, StoreError};
use super::mark::MarkStore;
use super::slot::KeychainSlot;
use super::{KeyStore, KeyStoreKind};
use crate::device::DeviceKey;

/// What keychains call the program whose entries these are.
const SERVICE: &str = "verso";

/// The version of an entry, its first byte.
const VERSION: u8 = 1;
const SECRET_LEN: usize = 32;
const CHECK_LEN: usize = 8;
const ENTRY_LEN: usize = 1 + SECRET_LEN + CHECK_LEN;

/// How long the keychain is waited for. It may be asking its owner for a password, in a window that nobody sees yet.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// After how long [`word`](Self::word) is said. A keychain that asks nobody answers within milliseconds.
    pub silence: Duration,
    /// After how long it is given up.
    pub limit: Duration,
    /// Tells whoever waits what is waited for.
    pub word: fn(),
}

impl Default for Patience {
    /// Long enough to find and type a password, and then an end.
    fn default() -> Self {
        Self { silence: Duration::from_secs(2), limit: Duration::from_mins(2), word: || {} }
    }
}

/// Keeps the identity in the system's keychain: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.
///
/// Every question is asked on a thread of its own and waited for with [`Patience`]. One that is given up may still be
/// answered: then an entry that was to be written appears late, under a name that is this data directory's own.
#[derive(Debug)]
pub struct KeychainStore {
    keychain: Arc<Keychain>,
}

impl KeychainStore {
    /// Names the store. Nothing is asked yet.
    pub fn new(slot: KeychainSlot, patience: Patience) -> Self {
        Self { keychain: Arc::new(Keychain { slot, patience, is_stuck: Arc::default() }) }
    }

    /// Removes the identity and the mark; what is not there is no error. For what was never used, and for what was moved to
    /// another store and read back from there: nothing else opens the device's data.
    ///
    /// # Errors
    /// [`KeychainError`]; then something may be left.
    pub fn forget(&self) -> Result<(), KeychainError> {
        [Part::Identity, Part::Mark, Part::Trial].into_iter().try_for_each(|part| self.keychain.remove(part))
    }
}

impl KeyStore for KeychainStore {
    fn kind(&self) -> KeyStoreKind {
        KeyStoreKind::Keychain
    }

    fn holds_identity(&self) -> Result<bool, LoadError> {
        Ok(self.keychain.get(Part::Identity)?.is_some())
    }

    fn load(&self) -> Result<DeviceKey, LoadError> {
        let entry = self.keychain.get(Part::Identity)?.ok_or(LoadError::Missing)?;
        decode(&entry).map(|secret| DeviceKey::from_secret(&secret))
    }

    fn store(&self, key: &DeviceKey) -> Result<(), StoreError> {
        if self.keychain.get(Part::Identity)?.is_some() {
            return Err(StoreError::Exists);
        }
        Ok(self.keychain.set(Part::Identity, encode(&key.to_secret()))?)
    }

    fn prove(&self) -> Result<(), ProveError> {
        let mut trial = Zeroizing::new(vec![0; ENTRY_LEN]);
        getrandom::fill(&mut trial).map_err(|source| ProveError::Write(StoreError::Random(source)))?;
        let written = self.keychain.set(Part::Trial, Zeroizing::new(trial.to_vec()));
        written.map_err(|error| ProveError::Write(error.into()))?;
        let back = self.keychain.get(Part::Trial).map_err(|error| ProveError::Read(error.into()))?;
        self.keychain.remove(Part::Trial).map_err(|error| ProveError::Write(error.into()))?;
        if back.is_some_and(|back| *back == *trial) { Ok(()) } else { Err(ProveError::Differs) }
    }

    fn marks(&self) -> Arc<dyn MarkStore> {
        self.keychain.clone()
    }
}

/// The entries of a device, each under a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Identity,
    Mark,
    /// What a trial writes, reads back and removes.
    Trial,
}

impl Part {
    fn name(self, slot: KeychainSlot) -> String {
        match self {
            Self::Identity => slot.to_string(),
            Self::Mark => format!("{slot}.mark"),
            Self::Trial => format!("{slot}.trial"),
        }
    }
}

/// The keychain, as far as one device has to do with it.
#[derive(Debug)]
struct Keychain {
    slot: KeychainSlot,
    patience: Patience,
    /// A question that was given up is still open. Until it is answered no other is asked, so that they don't pile up.
    is_stuck: Arc<AtomicBool>,
}

impl Keychain {
    fn get(&self, part: Part) -> Result<Option<Zeroizing<Vec<u8>>>, KeychainError> {
        self.ask(part, |entry| match entry.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn set(&self, part: Part, secret: Zeroizing<Vec<u8>>) -> Result<(), KeychainError> {
        self.ask(part, move |entry| entry.set_secret(&secret))
    }

    fn remove(&self, part: Part) -> Result<(), KeychainError> {
        self.ask(part, |entry| match entry.delete_credential() {
            Err(keyring::Error::NoEntry) => Ok(()),
            outcome => outcome,
        })
    }

    /// Asks the keychain something about an entry.
    fn ask<T: Send + 'static>(
        &self,
        part: Part,
        question: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<T, KeychainError> {
        let name = part.name(self.slot);
        self.wait_for(move || {
            if let Err(error) = Entry::store_status() {
                return Err(KeychainError::Unreachable { what: chain(error) });
            }
            let entry = Entry::new(SERVICE, &name).map_err(judge)?;
            question(&entry).map_err(judge)
        })
    }

    /// Runs a question that may take for ever, and waits for its answer as long as patience goes.
    fn wait_for<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<T, KeychainError> {
        if self.is_stuck.load(Ordering::Acquire) {
            return Err(KeychainError::NoAnswer { waited: Duration::ZERO });
        }
        let Patience { silence, limit, word } = self.patience;
        let (answer, answered) = mpsc::sync_channel(1);
        let is_stuck = Arc::clone(&self.is_stuck);
        let ask = move || {
            // Whoever asked may have gone; then the next question may be asked.
            if answer.send(question()).is_err() {
                is_stuck.store(false, Ordering::Release);
            }
        };
        let thread = thread::Builder::new().name("verso-keychain".to_owned()).spawn(ask);
        thread.map_err(|error| KeychainError::Failed { what: error.to_string() })?;
        let mut outcome = answered.recv_timeout(silence.min(limit));
        if matches!(outcome, Err(RecvTimeoutError::Timeout)) && limit > silence {
            word();
            outcome = answered.recv_timeout(limit.saturating_sub(silence));
        }
        outcome.unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => {
                self.is_stuck.store(true, Ordering::Release);
                Err(KeychainError::NoAnswer { waited: limit })
            }
            RecvTimeoutError::Disconnected => Err(KeychainError::Failed { what: "its client crashed".to_owned() }),
        })
    }
}

impl MarkStore for Keychain {
    fn read_sealed(&self) -> Result<Option<Vec<u8>>, LoadError> {
        Ok(self.get(Part::Mark)?.map(|sealed| sealed.to_vec()))
    }

    fn write_sealed(&self, sealed: &[u8]) -> Result<(), StoreError> {
        Ok(self.set(Part::Mark, Zeroizing::new(sealed.to_vec()))?)
    }
}

/// Tells what an error of the keychain means. None is kept: some carry what lies in an entry.
fn judge(error: keyring::Error) -> KeychainError {
    match error {
        keyring::Error::NoStorageAccess(source) => no_access(source.as_ref()),
        keyring::Error::PlatformFailure(source) => KeychainError::Failed { what: chain(source.as_ref()) },
        keyring::Error::Ambiguous(_) => KeychainError::Ambiguous,
        keyring::Error::NoDefaultStore => KeychainError::Unreachable { what: "this system has none".to_owned() },
        keyring::Error::BadEncoding(mut bytes) | keyring::Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            KeychainError::Failed { what: "the entry is not in its form".to_owned() }
        }
        error => KeychainError::Failed { what: error.to_string() },
    }
}

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
fn no_access(source: &(dyn std::error::Error + 'static)) -> KeychainError {
    match source.downcast_ref() {
        Some(secret_service::Error::NoResult) => KeychainError::NoCollection,
        Some(secret_service::Error::Locked | secret_service::Error::Prompt) => KeychainError::Locked,
        _ => KeychainError::Failed { what: chain(source) },
    }
}

#[cfg(not(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android")))))]
fn no_access(_source: &(dyn std::error::Error + 'static)) -> KeychainError {
    KeychainError::Locked
}

/// An error with its causes in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Most of these repeat their source.
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

fn encode(secret: &Zeroizing<[u8; SECRET_LEN]>) -> Zeroizing<Vec<u8>> {
    let mut entry = Zeroizing::new(Vec::with_capacity(ENTRY_LEN));
    entry.push(VERSION);
    entry.extend_from_slice(secret.as_ref());
    entry.extend_from_slice(&check(secret));
    entry
}

fn decode(entry: &[u8]) -> Result<Zeroizing<[u8; SECRET_LEN]>, LoadError> {
    const LENGTH: LoadError = LoadError::DamagedEntry { what: "it has another length" };
    let (version, rest) = entry.split_first().ok_or(LENGTH)?;
    match *version {
        VERSION => {}
        0 => return Err(LoadError::DamagedEntry { what: "it has version 0" }),
        version => return Err(LoadError::NewerEntry { version, supported: VERSION }),
    }
    let (secret, rest) = rest.split_first_chunk::<SECRET_LEN>().ok_or(LENGTH)?;
    let stored: &[u8; CHECK_LEN] = rest.try_into().map_err(|_length| LENGTH)?;
    let secret = Zeroizing::new(*secret);
    if *stored != check(&secret) {
        return Err(LoadError::DamagedEntry { what: "its bytes do not match its check" });
    }
    Ok(secret)
}

/// Tells an entry of ours from anything else.
fn check(secret: &Zeroizing<[u8; SECRET_LEN]>) -> [u8; CHECK_LEN] {
    let mut check = [0; CHECK_LEN];
    blake3::Hasher::new().update(b"verso keychain check v1").update(secret.as_ref()).finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    fn keychain(patience: Patience) -> Keychain {
        Keychain { slot: KeychainSlot::random().unwrap(), patience, is_stuck: Arc::default() }
    }

    #[test]
    fn the_document_has_an_entry() {
        let document = include_str!("../../../../docs/formats/identity.md");
        let entry = encode(&Zeroizing::new(std::array::from_fn(|at| u8::try_from(at).unwrap())));
        assert!(document.contains(&format!("`{}`", crate::hex::encode(&entry))));
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_nothing_else_is() {
        let secret = Zeroizing::new([0x5a; 32]);
        let entry = encode(&secret);
        assert_eq!((entry.len(), *decode(&entry).unwrap()), (41, [0x5a; 32]));
        for bit in 0..entry.len() * 8 {
            let mut flipped = entry.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = decode(&flipped).unwrap_err();
            let is_version = bit < 8 && bit != 0;
            assert_eq!(matches!(error, LoadError::NewerEntry { .. }), is_version, "{bit}: {error:?}");
            assert!(is_version || matches!(error, LoadError::DamagedEntry { .. }), "{bit}: {error:?}");
        }
        for len in 0..entry.len() {
            assert!(matches!(decode(&entry[..len]), Err(LoadError::DamagedEntry { .. })), "{len}");
        }
        assert!(decode(&[entry.as_slice(), &[0]].concat()).is_err());
    }

    #[test]
    fn a_keychain_that_never_answers_is_given_up_and_said_so() {
        static WORDS: AtomicUsize = AtomicUsize::new(0);
        let word = || {
            WORDS.fetch_add(1, Ordering::Relaxed);
        };
        let patience = Patience { silence: Duration::from_millis(1), limit: Duration::from_millis(3), word };
        let keychain = keychain(patience);
        let (release, held) = mpsc::channel::<()>();
        let outcome = keychain.wait_for(move || {
            held.recv().unwrap();
            Ok(())
        });
        assert_eq!(outcome, Err(KeychainError::NoAnswer { waited: patience.limit }));
        assert_eq!(WORDS.load(Ordering::Relaxed), 1);
        // Others are not asked meanwhile.
        let outcome = keychain.wait_for(|| -> Result<(), KeychainError> { panic!("it was asked") });
        assert_eq!(outcome, Err(KeychainError::NoAnswer { waited: Duration::ZERO }));
        release.send(()).unwrap();
        while keychain.is_stuck.load(Ordering::Acquire) {
            thread::yield_now();
        }
        // One that answers is given the time that its thread takes to start.
        let keychain = Keychain { patience: Patience::default(), ..keychain };
        assert_eq!(keychain.wait_for(|| Ok(7)), Ok(7));
    }

    #[test]
    fn a_crash_of_its_client_is_an_error() {
        let patience = Patience { limit: Duration::from_mins(1), ..Patience::default() };
        let outcome = keychain(patience).wait_for(|| -> Result<(), KeychainError> { panic!("on purpose") });
        assert!(matches!(outcome, Err(KeychainError::Failed { .. })), "{outcome:?}");
    }

    #[test]
    fn an_error_that_carries_the_secret_is_not_kept() {
        for error in [
            keyring::Error::BadEncoding(b"secret".to_vec()),
            keyring::Error::BadDataFormat(b"secret".to_vec(), "odd".into()),
        ] {
            let text = format!("{:?}", judge(error));
            assert!(!text.contains("115") && !text.contains("secret"), "{text}");
        }
    }
}

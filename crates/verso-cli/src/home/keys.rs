//! Where the device's secret is: opening the store that the configuration names, and moving the secret to the other.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use verso_identity::{
    DeviceKey, FileKeyStore, FileMarkStore, KeyStore, KeyStoreKind, KeychainSlot, KeychainStore, LoadError, MarkStore,
    Passphrase, Patience, StoreError,
};
use verso_log::FileStorage;

use super::Home;
use super::config::Config;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::{Format, Output};
use crate::prompt::{self, Confidant};
use crate::settings::{Environment, variable};

/// How long a command waits for the keychain to take or give the high-water mark, which nothing depends on.
const MARK_PATIENCE: Duration = Duration::from_secs(5);

/// The store for a new device.
#[derive(Debug)]
pub(crate) enum NewStore {
    Keychain,
    File(Passphrase),
}

impl NewStore {
    pub(super) const fn kind(&self) -> KeyStoreKind {
        match self {
            Self::Keychain => KeyStoreKind::Keychain,
            Self::File(_) => KeyStoreKind::File,
        }
    }
}

/// The keychain, for one device's entries. A person is told if it keeps them waiting.
pub(crate) fn keychain(slot: KeychainSlot, output: &Output) -> KeychainStore {
    let word = if output.format() == Format::Text { say_that_it_waits } else { || () };
    KeychainStore::new(slot, Patience { word, ..Patience::default() })
}

fn say_that_it_waits() {
    let text = "Waiting for the keychain: it may be asking for its password in a window.";
    writeln!(io::stderr(), "{text}").unwrap_or_default();
}

/// Proves that there is a keychain that keeps what it is given.
pub(crate) fn prove_keychain(output: &Output) -> Result<(), CliError> {
    let slot = KeychainSlot::random().map_err(failure::random)?;
    keychain(slot, output).prove().map_err(|error| failure::unproven(&error))
}

impl Home {
    /// Opens the identity. A person is asked for what it takes.
    pub(super) fn load(
        &self,
        config: &Config,
        environment: &Environment,
        person: &impl Confidant,
        output: &Output,
    ) -> Result<DeviceKey, CliError> {
        let wrong = |error: &LoadError| failure::key(error, &self.dir);
        if config.keystore == KeyStoreKind::Keychain {
            return keychain(config.slot, output).load().map_err(|error| wrong(&error));
        }
        if let Some(key) = self.load_unasked(environment)? {
            return Ok(key);
        }
        let store = FileKeyStore::new(&self.dir, prompt::passphrase(environment, person)?);
        let (key, kept) = if uses_session(environment)? {
            store.remember().map_err(|error| wrong(&error))?
        } else {
            (store.load().map_err(|error| wrong(&error))?, Ok(()))
        };
        if let Err(error) = kept {
            tracing::debug!(target: "verso.sync", %error, "the passphrase is asked for each time");
        }
        Ok(key)
    }

    /// Makes sure that a passphrase that was given opens the key file.
    #[cfg(unix)]
    pub(super) fn check_given(&self, environment: &Environment) -> Result<(), CliError> {
        match prompt::given(environment, "can't open the key file")? {
            Some(given) => {
                let opened = FileKeyStore::new(&self.dir, given).load();
                opened.map(drop).map_err(|error| failure::key(&error, &self.dir))
            }
            None => uses_session(environment).map(drop),
        }
    }

    /// Opens the key file if nobody has to be asked: by the passphrase that was given, which is always checked, or by what the
    /// login session remembers.
    pub(super) fn load_unasked(&self, environment: &Environment) -> Result<Option<DeviceKey>, CliError> {
        let wrong = |error: LoadError| failure::key(&error, &self.dir);
        if let Some(given) = prompt::given(environment, "can't open the key file")? {
            return FileKeyStore::new(&self.dir, given).load().map(Some).map_err(wrong);
        }
        if !uses_session(environment)? {
            return Ok(None);
        }
        FileKeyStore::load_from_session(&self.dir).map_err(wrong)
    }

    /// Where the high-water mark is kept.
    pub(super) fn marks(&self, config: &Config) -> Arc<dyn MarkStore> {
        match config.keystore {
            KeyStoreKind::Keychain => {
                let patience = Patience { silence: MARK_PATIENCE, limit: MARK_PATIENCE, word: || () };
                KeychainStore::new(config.slot, patience).marks()
            }
            _ => Arc::new(FileMarkStore::new(&self.dir)),
        }
    }

    /// Removes the copy that a move which was cut short may have left in the other store. The one that the configuration names was
    /// opened, so nothing is lost. What can't be removed now is at the next opportunity.
    pub(super) fn drop_spare(&self, config: Config, output: &Output) -> Config {
        let Some(spare) = config.spare else { return config };
        let removed = match spare {
            KeyStoreKind::Keychain => keychain(config.slot, output).forget().map_err(|error| error.to_string()),
            _ => FileKeyStore::remove_from(&self.dir).map_err(|error| error.to_string()),
        };
        let without = Config { spare: None, ..config };
        match removed.and_then(|()| self.write_config(without).map_err(|error| error.to_string())) {
            Ok(()) => without,
            Err(error) => {
                tracing::warn!(target: "verso.sync", %error, "a copy of the key in the other store is still to be removed");
                config
            }
        }
    }

    /// Moves the identity, whose key this is, to the other store.
    ///
    /// 1. The configuration says that the other store may hold a copy; then the copy is made there and read back.
    /// 2. The configuration names the other store. From here on that one counts.
    /// 3. The copy in the first store is removed, and the configuration says so.
    ///
    /// Killed at any moment, the store that the configuration names opens, and the next command removes the other copy.
    pub(super) fn move_to(
        &self,
        store: NewStore,
        key: &DeviceKey,
        config: Config,
        output: &Output,
    ) -> Result<(), CliError> {
        let to = store.kind();
        if to == KeyStoreKind::File
            && FileKeyStore::exists_in(&self.dir).map_err(|error| failure::key(&error, &self.dir))?
        {
            let why = format!("there is a file {} already, which this device does not use", FileKeyStore::FILE_NAME);
            return Err(CliError::new(Exit::KeyStore, WHAT, why, "move that file away, then run the command again"));
        }
        let begun = Config { spare: Some(to), ..config };
        let target: Box<dyn KeyStore> = match store {
            NewStore::Keychain => Box::new(keychain(begun.slot, output)),
            NewStore::File(passphrase) => Box::new(FileKeyStore::new(&self.dir, passphrase)),
        };
        if let Ok(other) = target.load()
            && other.id() != key.id()
        {
            let why = "another device's key lies where this one's would";
            return Err(CliError::new(Exit::KeyStore, WHAT, why, "leave it where it is"));
        }
        target.prove().map_err(|error| failure::unproven(&error))?;
        let unwritable = |error: io::Error| self.unwritable(&error);
        self.write_config(begun).map_err(unwritable)?;
        if let Err(error) = self.copy_to(target.as_ref(), key) {
            self.drop_spare(begun, output);
            return Err(error);
        }
        let (old, new) = (self.marks(&config), target.marks());
        if let Ok(Some(mark)) = old.load_mark(key)
            && let Err(error) = new.store_mark(key, &mark)
        {
            tracing::warn!(target: "verso.sync", %error, "the high-water mark begins anew");
        }
        let moved = Config { keystore: to, spare: Some(config.keystore), ..begun };
        self.write_config(moved).map_err(unwritable)?;
        if self.drop_spare(moved, output).spare.is_some() {
            output.note("The copy in the former store could not be removed yet; the next command tries again.");
        }
        Ok(())
    }

    /// Makes a copy of the identity in a store, and reads it back.
    fn copy_to(&self, target: &dyn KeyStore, key: &DeviceKey) -> Result<(), CliError> {
        match target.store(key) {
            // What was left there by a move that was cut short is as good as new.
            Ok(()) | Err(StoreError::Exists) => {}
            Err(error) => {
                return Err(CliError::because(Exit::KeyStore, WHAT, &error, "the key is where it was; try again"));
            }
        }
        let back = target.load().map_err(|error| failure::key(&error, &self.dir))?;
        if back.id() == key.id() {
            return Ok(());
        }
        let why = "the other store gives back another key than it was given";
        Err(CliError::new(Exit::KeyStore, WHAT, why, "the key is where it was"))
    }

    pub(super) fn write_config(&self, config: Config) -> io::Result<()> {
        config.write(&FileStorage::open(&self.dir)?)
    }
}

const WHAT: &str = "can't move the key";

/// Whether the login session may remember what opens the key file.
fn uses_session(environment: &Environment) -> Result<bool, CliError> {
    match environment.text(variable::KEY_CACHE)?.as_deref() {
        None | Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(other) => {
            let why = format!("its value `{other}` is neither on nor off");
            Err(CliError::new(Exit::Usage, "can't use VERSO_KEY_CACHE", why, "set it to off, or unset it"))
        }
    }
}

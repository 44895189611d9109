//! [`Home`]: the data directory. What lies in it, how it is told from a directory that isn't ours, and how it is opened.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use verso_identity::{DeviceKey, FileKeyStore, KeyStore as _, KeyStoreKind, MarkStore};
use verso_log::{DataDirLock, FileStorage, LockError};

use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::Output;
use crate::prompt::{self, Confidant, Person};
use crate::settings::{Environment, Settings};

mod config;
mod init;
mod keys;

use config::{Config, ConfigError};
pub(crate) use keys::{NewStore, prove_keychain};

/// The mark of an `init` that is under way, or was killed.
const UNFINISHED: &str = "unfinished";

/// Longest text in a lock file of ours: a process number and a line break.
const MAX_LOCK_TEXT: u64 = 16;

/// How long a command waits for the data directory. Reading a device takes some tens of milliseconds; who has the directory longer than this is `verso up`, and
/// stays.
const LOCK_PATIENCE: Duration = Duration::from_millis(600);
const LOCK_POLL: Duration = Duration::from_millis(15);

/// What lies in a data directory, as far as its names tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contents {
    /// Nothing, or not even the directory.
    Nothing,
    /// What a killed `init` left. There never was an identity.
    Unfinished,
    /// A device.
    Device,
    /// A device whose key is gone.
    KeyMissing,
    /// Something else.
    Foreign,
}

/// The data directory.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    dir: PathBuf,
}

/// A device's identity, opened. Nobody else has the data directory while this is kept.
#[derive(Debug)]
pub(crate) struct Unlocked {
    pub(crate) key: DeviceKey,
    pub(crate) keystore: KeyStoreKind,
    /// The UDP port that `init` chose.
    pub(crate) port: u16,
    /// Where its high-water mark is kept.
    pub(crate) marks: Arc<dyn MarkStore>,
    pub(crate) lock: DataDirLock,
}

/// A device's identity, opened, of which somebody else may have the data directory meanwhile.
#[derive(Debug)]
pub(crate) struct Released {
    pub(crate) key: DeviceKey,
    keystore: KeyStoreKind,
    port: u16,
    marks: Arc<dyn MarkStore>,
}

impl Unlocked {
    /// The identity, for whoever takes the data directory again later.
    pub(crate) fn released(&self) -> Released {
        let key = DeviceKey::from_secret(&self.key.to_secret());
        Released { key, keystore: self.keystore, port: self.port, marks: Arc::clone(&self.marks) }
    }
}

/// A device's identity, opened to read what lies in the data directory. Somebody else may have that.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) key: DeviceKey,
    /// The text of the configuration; empty if there is none.
    pub(crate) config: Vec<u8>,
}

/// Where a device's secret is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) keystore: KeyStoreKind,
    /// The file, or the keychain's entry.
    pub(crate) at: String,
    /// Whether the other store may still hold a copy.
    pub(crate) spare: bool,
}

impl Home {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { dir: settings.data_dir.clone() }
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes the directory and opens the identity in it, asking for the passphrase if need be.
    pub(crate) fn unlock(
        &self,
        settings: &Settings,
        environment: &Environment,
        person: &impl Confidant,
        output: &Output,
    ) -> Result<Unlocked, CliError> {
        self.require_device()?;
        let config = match Config::read(&self.dir) {
            Ok(config) => config,
            Err(ConfigError::Missing) => return self.unlock_without_config(environment, person, output),
            Err(error) => return Err(error.to_cli(&self.dir)),
        };
        self.require_store(settings, &config)?;
        // First, so that nobody types a passphrase to learn that it is in use.
        let lock = self.lock()?;
        let key = self.load(&config, environment, person, output)?;
        let config = self.drop_spare(config, output);
        Ok(Unlocked { key, keystore: config.keystore, port: config.port, marks: self.marks(&config), lock })
    }

    /// Takes the directory again for an identity that is open. Nobody is asked.
    pub(crate) fn take(&self, released: &Released) -> Result<Unlocked, CliError> {
        let lock = self.lock()?;
        let Released { key, keystore, port, marks } = released;
        let key = DeviceKey::from_secret(&key.to_secret());
        Ok(Unlocked { key, keystore: *keystore, port: *port, marks: Arc::clone(marks), lock })
    }

    /// Opens the identity without taking the directory: for whoever only reads, while somebody else may be writing.
    pub(crate) fn look_in(
        &self,
        settings: &Settings,
        environment: &Environment,
        person: &impl Confidant,
        output: &Output,
    ) -> Result<Seen, CliError> {
        self.require_device()?;
        let config = match Config::read(&self.dir) {
            Err(ConfigError::Missing) => Config::choose(KeyStoreKind::File).map_err(|error| self.unwritable(&error))?,
            config => config.map_err(|error| error.to_cli(&self.dir))?,
        };
        self.require_store(settings, &config)?;
        let key = self.load(&config, environment, person, output)?;
        Ok(Seen { key, config: fs::read(self.dir.join(config::FILE)).unwrap_or_default() })
    }

    /// As [`look_in`](Self::look_in), for whoever has the identity open.
    pub(crate) fn seen_by(&self, key: &DeviceKey) -> Seen {
        let key = DeviceKey::from_secret(&key.to_secret());
        Seen { key, config: fs::read(self.dir.join(config::FILE)).unwrap_or_default() }
    }

    /// Makes sure that whoever comes may use the device that somebody else has open: that the key is in the store that was asked for, if one was, and that a
    /// passphrase that was given is the right one. Nobody is asked.
    #[cfg(unix)]
    pub(crate) fn check(&self, settings: &Settings, environment: &Environment) -> Result<(), CliError> {
        self.require_device()?;
        let keystore = match Config::read(&self.dir) {
            Ok(config) => {
                self.require_store(settings, &config)?;
                config.keystore
            }
            Err(ConfigError::Missing) => KeyStoreKind::File,
            Err(error) => return Err(error.to_cli(&self.dir)),
        };
        if keystore == KeyStoreKind::File { self.check_given(environment) } else { Ok(()) }
    }

    /// Makes sure that the key is in the store that was asked for, if one was. None is ever exchanged for another on the way.
    fn require_store(&self, settings: &Settings, config: &Config) -> Result<(), CliError> {
        let Some(wanted) = settings.keystore.filter(|wanted| wanted.kind() != config.keystore) else { return Ok(()) };
        let why = format!("this device's key is in another key store: {}", config.keystore);
        let hint =
            format!("leave out --keystore and VERSO_KEYSTORE, or move it: verso keystore move {}", wanted.kind());
        Err(CliError::new(Exit::KeyStore, self.what(), why, hint))
    }

    /// Tells where the secret is, without opening it.
    pub(crate) fn place(&self) -> Result<Place, CliError> {
        self.require_device()?;
        let in_file = || self.dir.join(FileKeyStore::FILE_NAME).display().to_string();
        match Config::read(&self.dir) {
            Ok(config) => {
                let at = match config.keystore {
                    KeyStoreKind::Keychain => format!("entry {} of verso", config.slot),
                    _ => in_file(),
                };
                Ok(Place { keystore: config.keystore, at, spare: config.spare.is_some() })
            }
            Err(ConfigError::Missing) => Ok(Place { keystore: KeyStoreKind::File, at: in_file(), spare: false }),
            Err(error) => Err(error.to_cli(&self.dir)),
        }
    }

    /// Moves the secret to the store that `choose` comes up with, once the present one is open.
    pub(crate) fn move_key(
        &self,
        unlocked: Unlocked,
        output: &Output,
        choose: impl FnOnce() -> Result<NewStore, CliError>,
    ) -> Result<(), CliError> {
        let Unlocked { key, lock, .. } = unlocked;
        let config = Config::read(&self.dir).map_err(|error| error.to_cli(&self.dir))?;
        if config.spare.is_some() {
            let why = "an earlier move left a copy in the other store, which can't be removed now";
            let hint = "run the command again once the other store can be reached";
            return Err(CliError::new(Exit::KeyStore, "can't move the key", why, hint));
        }
        let moved = self.move_to(choose()?, &key, config, output);
        drop(lock);
        moved
    }

    /// Changes the passphrase of the key file.
    pub(crate) fn change_passphrase(&self, environment: &Environment, person: &impl Person) -> Result<(), CliError> {
        const WHAT: &str = "can't change the passphrase";
        let place = self.place()?;
        if place.keystore != KeyStoreKind::File {
            let why = format!("this device's key is in the {}, which has no passphrase of Verso's", place.keystore);
            return Err(CliError::new(Exit::KeyStore, WHAT, why, "to keep it in a file: verso keystore move file"));
        }
        let lock = self.lock()?;
        let old = prompt::passphrase(environment, person)?;
        let mut store = FileKeyStore::new(&self.dir, old);
        // Before a new one is thought up.
        store.load().map_err(|error| failure::key(&error, &self.dir))?;
        let new = prompt::another_passphrase(environment, person)?;
        let changed = store.change_passphrase(new);
        drop(lock);
        changed.map_err(|error| {
            let hint = "the old passphrase still holds; see that the disk has room";
            CliError::because(Exit::KeyStore, WHAT, &error, hint)
        })
    }

    /// With a key file the configuration holds nothing that can't be chosen again. The key shows that the directory is ours.
    fn unlock_without_config(
        &self,
        environment: &Environment,
        person: &impl Confidant,
        output: &Output,
    ) -> Result<Unlocked, CliError> {
        let config = Config::choose(KeyStoreKind::File).map_err(|error| self.unwritable(&error))?;
        let key = self.load(&config, environment, person, output)?;
        let lock = self.lock()?;
        FileStorage::open(&self.dir)
            .and_then(|storage| config.write(&storage))
            .map_err(|error| self.unwritable(&error))?;
        output.note(format_args!(
            "The file `config` was missing from the data directory and was made again; the UDP port is {} now.",
            config.port
        ));
        Ok(Unlocked { key, keystore: config.keystore, port: config.port, marks: self.marks(&config), lock })
    }

    /// Takes the directory. Waits a moment for who has it: `verso status --watch` looks in now and then, and most commands are done soon.
    pub(crate) fn lock(&self) -> Result<DataDirLock, CliError> {
        let begun = Instant::now();
        loop {
            match DataDirLock::acquire(&self.dir) {
                Err(LockError::Held { .. }) if begun.elapsed() < LOCK_PATIENCE => thread::sleep(LOCK_POLL),
                taken => return taken.map_err(|error| failure::lock(&error, &self.dir)),
            }
        }
    }

    /// Makes sure that there is a device, without changing anything.
    fn require_device(&self) -> Result<(), CliError> {
        let dir = self.dir.display();
        let why = match self.look()? {
            Contents::Device => return Ok(()),
            Contents::Nothing => format!("there is no device in {dir}"),
            Contents::Unfinished => {
                let why = format!("`verso init` or `verso restore` was cut short in {dir}");
                let hint = "run that command again: it clears away what was left, which is no device yet";
                return Err(CliError::new(Exit::NotInitialised, self.what(), why, hint));
            }
            Contents::KeyMissing => return Err(key_missing(self.what())),
            Contents::Foreign => {
                let why = format!("{dir} holds other things, and no device of Verso");
                let hint = "name another directory with --data-dir or VERSO_DATA_DIR; \
                            if the key is in the keychain, put the file `config` back, which says under which name";
                return Err(CliError::new(Exit::NotInitialised, self.what(), why, hint));
            }
        };
        let hint = "run `verso init`, or name the right directory with --data-dir or VERSO_DATA_DIR";
        Err(CliError::new(Exit::NotInitialised, self.what(), why, hint))
    }

    /// Looks at the names in the directory.
    fn look(&self) -> Result<Contents, CliError> {
        self.names().map(|names| self.judge(&names)).map_err(|error| {
            let hint = "name a directory that may be read and written, with --data-dir or VERSO_DATA_DIR";
            CliError::because(Exit::Failed, format!("can't read {}", self.dir.display()), &error, hint)
        })
    }

    fn names(&self) -> io::Result<Vec<String>> {
        match fs::read_dir(&self.dir) {
            Ok(entries) => {
                entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<io::Result<_>>()
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn judge(&self, names: &[String]) -> Contents {
        let holds = |name: &str| names.iter().any(|other| other == name);
        if holds(FileKeyStore::FILE_NAME) {
            return Contents::Device;
        }
        // The mark itself may have been cut short.
        let is_mark = || fs::read(self.dir.join(UNFINISHED)).is_ok_and(|text| init::MARK.starts_with(&text));
        if holds(UNFINISHED) && names.iter().all(|name| init::may_leave(name)) && is_mark() {
            return Contents::Unfinished;
        }
        // Other programs, too, have files called `config` and folders called `logs`: only the content tells.
        if holds(config::FILE)
            && let Ok(config) = Config::read(&self.dir)
        {
            let is_in_keychain = config.keystore == KeyStoreKind::Keychain;
            return if is_in_keychain { Contents::Device } else { Contents::KeyMissing };
        }
        match names {
            [] => Contents::Nothing,
            [only] if only == DataDirLock::FILE && self.is_our_lock() => Contents::Nothing,
            _ => Contents::Foreign,
        }
    }

    /// Tells whether the lock file is one that this program leaves behind.
    fn is_our_lock(&self) -> bool {
        let path = self.dir.join(DataDirLock::FILE);
        let is_small = fs::symlink_metadata(&path).is_ok_and(|data| data.is_file() && data.len() <= MAX_LOCK_TEXT);
        is_small && fs::read_to_string(path).is_ok_and(|text| text.trim_end().bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn what(&self) -> String {
        format!("can't open the device in {}", self.dir.display())
    }

    fn unwritable(&self, error: &dyn std::error::Error) -> CliError {
        let what = format!("can't write to {}", self.dir.display());
        CliError::because(Exit::Failed, what, error, "see that the disk has room and the directory may be written")
    }
}

fn key_missing(what: String) -> CliError {
    let why = format!("its key, the file {}, is missing", FileKeyStore::FILE_NAME);
    CliError::new(Exit::KeyStore, what, why, "put the file back from a backup: nothing opens the rest without it")
}

//! [`Home`]: the data directory. What lies in it, how it is told from a directory that isn't ours, and how it is opened.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use verso_identity::{DeviceKey, FileKeyStore, KeyStore as _, KeyStoreKind};
use verso_log::{DataDirLock, FileStorage};

use crate::args::KeyStoreChoice;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::Output;
use crate::prompt::{self, Person};
use crate::settings::{Environment, Settings};

mod config;
mod init;

use config::{Config, ConfigError};

/// The mark of an `init` that is under way, or was killed.
const UNFINISHED: &str = "unfinished";

/// Longest text in a lock file of ours: a process number and a line break.
const MAX_LOCK_TEXT: u64 = 16;

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
    pub(crate) lock: DataDirLock,
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
        person: &impl Person,
        output: Output,
    ) -> Result<Unlocked, CliError> {
        self.require_device()?;
        let config = match Config::read(&self.dir) {
            Ok(config) => config,
            Err(ConfigError::Missing) => return self.unlock_without_config(environment, person, output),
            Err(error) => return Err(error.to_cli(&self.dir)),
        };
        if let Some(KeyStoreChoice::File) = settings.keystore
            && config.keystore != KeyStoreKind::File
        {
            let why = format!("this device's key is in another key store: {}", config.keystore);
            return Err(CliError::new(Exit::KeyStore, self.what(), why, "leave out --keystore and VERSO_KEYSTORE"));
        }
        // First, so that nobody types a passphrase to learn that it is in use.
        let lock = self.lock()?;
        let key = self.load(environment, person)?;
        Ok(Unlocked { key, keystore: config.keystore, port: config.port, lock })
    }

    /// The configuration holds nothing that can't be chosen again. The key shows that the directory is ours.
    fn unlock_without_config(
        &self,
        environment: &Environment,
        person: &impl Person,
        output: Output,
    ) -> Result<Unlocked, CliError> {
        let key = self.load(environment, person)?;
        let lock = self.lock()?;
        let config = Config::choose().map_err(|error| self.unwritable(&error))?;
        FileStorage::open(&self.dir)
            .and_then(|storage| config.write(&storage))
            .map_err(|error| self.unwritable(&error))?;
        output.note(format_args!(
            "The file `config` was missing from the data directory and was made again; the UDP port is {} now.",
            config.port
        ));
        Ok(Unlocked { key, keystore: config.keystore, port: config.port, lock })
    }

    fn load(&self, environment: &Environment, person: &impl Person) -> Result<DeviceKey, CliError> {
        let passphrase = prompt::passphrase(environment, person)?;
        FileKeyStore::new(&self.dir, passphrase).load().map_err(|error| failure::key(&error, &self.dir))
    }

    fn lock(&self) -> Result<DataDirLock, CliError> {
        DataDirLock::acquire(&self.dir).map_err(|error| failure::lock(&error, &self.dir))
    }

    /// Makes sure that there is a device, without changing anything.
    fn require_device(&self) -> Result<(), CliError> {
        let dir = self.dir.display();
        let why = match self.look()? {
            Contents::Device => return Ok(()),
            Contents::Nothing => format!("there is no device in {dir}"),
            Contents::Unfinished => format!("`verso init` was cut short in {dir}"),
            Contents::KeyMissing => return Err(key_missing(self.what())),
            Contents::Foreign => {
                let why = format!("{dir} holds other things, and no device of Verso");
                let hint = "name another directory with --data-dir or VERSO_DATA_DIR";
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
        if holds(config::FILE) && Config::read(&self.dir).is_ok() {
            return Contents::KeyMissing;
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

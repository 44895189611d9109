//! Making a device: everything before its key, and the key last, so that there is a whole device or none.

use std::fs::{self, File};
use std::io::{self, Write as _};

use verso_identity::{DeviceKey, FileKeyStore, FileMarkStore, KeyStore, KeyStoreKind};
use verso_log::{DataDirLock, FileStorage, Storage as _};

use super::config::{self, Config};
use super::keys::{NewStore, keychain};
use super::{Contents, Home, UNFINISHED, Unlocked};
use crate::command::host_name;
use crate::command::restore::{PeerName, unconfirmed};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::Output;

/// What the mark says to whoever finds it.
pub(super) const MARK: &[u8] =
    b"Verso is making a device here. If `verso init` or `verso restore` was cut short, run it again.\n";

/// The folders that making a device leaves.
const FOLDERS: [&str; 2] = ["logs", "state"];

/// A new device.
#[derive(Debug)]
pub(crate) struct Made {
    /// Its identity, as its store gave it back.
    pub(crate) unlocked: Unlocked,
    /// What other devices call it.
    pub(crate) name: String,
    /// Whom it has to be told whether they are still trusted, if it was made again.
    pub(crate) unconfirmed: Vec<PeerName>,
}

/// What is known of a device when all of it was made.
struct Complete {
    key: DeviceKey,
    name: String,
    unconfirmed: Vec<PeerName>,
}

impl Home {
    /// Tells whether there is no device here, and one can be made.
    #[cfg(feature = "panel")]
    pub(crate) fn is_vacant(&self) -> Result<bool, CliError> {
        Ok(matches!(self.look()?, Contents::Nothing | Contents::Unfinished))
    }

    /// Makes sure that a device can be made here, without changing anything.
    pub(crate) fn require_room(&self) -> Result<(), CliError> {
        const HINT: &str = "name an empty or a new directory with --data-dir or VERSO_DATA_DIR";
        let what = self.cant_make();
        let (why, hint) = match self.look()? {
            Contents::Nothing | Contents::Unfinished => return Ok(()),
            Contents::Device => ("there is one already; it was left as it is", "see it with `verso id`"),
            Contents::KeyMissing => ("the journals of a device whose key is missing lie there", HINT),
            Contents::Foreign => ("the directory holds other things, which were left as they are", HINT),
        };
        Err(CliError::new(Exit::Failed, what, why, hint))
    }

    /// Makes a new device.
    pub(crate) fn make(&self, name: &str, store: NewStore, output: &Output) -> Result<Made, CliError> {
        let config = self.choose_config(&store)?;
        self.make_from(store, config, output, |_storage| {
            let key = DeviceKey::generate().map_err(|error| self.key_not_kept(&error))?;
            Ok((key, name.to_owned()))
        })
    }

    /// Makes a device again that `restore` fills the directory with, and whose key it returns. `kept` is the configuration it had.
    pub(crate) fn make_again(
        &self,
        store: NewStore,
        kept: &[u8],
        output: &Output,
        restore: impl FnOnce(&FileStorage) -> Result<DeviceKey, CliError>,
    ) -> Result<Made, CliError> {
        let config = self.choose_config(&store)?.or_port_of(kept);
        self.make_from(store, config, output, |storage| Ok((restore(storage)?, host_name())))
    }

    fn choose_config(&self, store: &NewStore) -> Result<Config, CliError> {
        Config::choose(store.kind()).map_err(|error| self.unwritable(&error))
    }

    /// Makes a device.
    ///
    /// 1. A mark says that the directory is being made; what a killed command left behind such a mark is cleared away.
    /// 2. The configuration, the journals and the state are made, as good as worthless without the key.
    /// 3. The key is stored.
    /// 4. The mark is removed: from here on there is a device, whole. (With a key file, from its being there.)
    ///
    /// `fill` gives its key, and the name for a device that has none yet.
    fn make_from(
        &self,
        store: NewStore,
        config: Config,
        output: &Output,
        fill: impl FnOnce(&FileStorage) -> Result<(DeviceKey, String), CliError>,
    ) -> Result<Made, CliError> {
        let was_there = self.dir.exists();
        let storage = FileStorage::open(&self.dir).map_err(|error| self.unwritable(&error))?;
        let lock = self.lock()?;
        // Somebody else may have come first.
        self.require_room()?;
        let made = self.begin(&storage, config, output).and_then(|()| {
            let store: Box<dyn KeyStore> = match store {
                NewStore::Keychain => Box::new(keychain(config.slot, output)),
                NewStore::File(passphrase) => Box::new(FileKeyStore::new(&self.dir, passphrase)),
            };
            // No key is made that can't be kept, and none is told of that can't be opened.
            store.prove().map_err(|error| failure::unproven(&error))?;
            self.complete(&storage, store.as_ref(), fill)
        });
        if made.is_err() && !self.dir.join(FileKeyStore::FILE_NAME).exists() {
            // What can't be cleared away now, the next `init` clears away.
            self.clear(output).and_then(|()| fs::remove_file(self.dir.join(UNFINISHED))).unwrap_or_default();
            if !was_there {
                fs::remove_file(self.dir.join(DataDirLock::FILE)).unwrap_or_default();
                fs::remove_dir(&self.dir).unwrap_or_default();
            }
        }
        let Complete { key, name, unconfirmed } = made?;
        let unlocked = Unlocked { key, keystore: config.keystore, port: config.port, marks: self.marks(&config), lock };
        Ok(Made { unlocked, name, unconfirmed })
    }

    fn begin(&self, storage: &FileStorage, config: Config, output: &Output) -> Result<(), CliError> {
        let begun = self.write_mark(storage).and_then(|()| self.clear(output)).and_then(|()| config.write(storage));
        begun.map_err(|error| self.unwritable(&error))
    }

    fn complete(
        &self,
        storage: &FileStorage,
        store: &dyn KeyStore,
        fill: impl FnOnce(&FileStorage) -> Result<(DeviceKey, String), CliError>,
    ) -> Result<Complete, CliError> {
        let (key, name) = fill(storage)?;
        let device = Device::open(&self.dir, DeviceKey::from_secret(&key.to_secret()), &name)?;
        let name = device.replica().name().to_owned();
        let unconfirmed = unconfirmed(&device);
        device.close()?;
        store.store(&key).map_err(|error| self.key_not_kept(&error))?;
        let found = store.load().map_err(|error| failure::key(&error, &self.dir))?;
        if found.id() != key.id() {
            let why = "the key store gave back another key than it was given";
            return Err(CliError::new(Exit::KeyStore, self.cant_make(), why, "use another disk"));
        }
        self.remove_mark(storage).map_err(|error| self.unwritable(&error))?;
        Ok(Complete { key: found, name, unconfirmed })
    }

    fn key_not_kept(&self, error: &dyn std::error::Error) -> CliError {
        let hint = "see that the disk has room and the directory may be written";
        CliError::because(Exit::KeyStore, self.cant_make(), error, hint)
    }

    fn cant_make(&self) -> String {
        format!("can't make a device in {}", self.dir.display())
    }

    fn write_mark(&self, storage: &FileStorage) -> io::Result<()> {
        let mut file = File::create(self.dir.join(UNFINISHED))?;
        file.write_all(MARK)?;
        file.sync_all()?;
        storage.sync_dir("")
    }

    fn remove_mark(&self, storage: &FileStorage) -> io::Result<()> {
        fs::remove_file(self.dir.join(UNFINISHED))?;
        storage.sync_dir("")
    }

    /// Removes what a killed `init` left. Only under the mark: what lies there was made by it.
    fn clear(&self, output: &Output) -> io::Result<()> {
        if let Ok(config) = Config::read(&self.dir)
            && config.keystore == KeyStoreKind::Keychain
            && let Err(error) = keychain(config.slot, output).forget()
        {
            // An identity that nobody was ever told of, under a name that nothing else uses.
            tracing::warn!(target: "verso.sync", %error, slot = %config.slot, "an entry may be left in the keychain");
        }
        for name in self.names()? {
            let path = self.dir.join(&name);
            if FOLDERS.contains(&name.as_str()) {
                fs::remove_dir_all(path)?;
            } else if is_on_the_way(&name) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// Tells whether a killed `init` may leave a file or folder of this name, or leave off while it makes one.
pub(super) fn may_leave(name: &str) -> bool {
    name == UNFINISHED || name == DataDirLock::FILE || FOLDERS.contains(&name) || is_on_the_way(name)
}

/// Tells the files that are not yet worth anything without the key.
fn is_on_the_way(name: &str) -> bool {
    let of_the_key = name.strip_prefix(FileKeyStore::FILE_NAME).is_some_and(|rest| rest.starts_with('.'));
    name.starts_with(config::FILE) || of_the_key || name.starts_with(FileMarkStore::FILE_NAME)
}

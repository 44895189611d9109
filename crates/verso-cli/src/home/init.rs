//! Making a device: everything before its key, and the key last, so that there is a whole device or none.

use std::fs::{self, File};
use std::io::{self, Write as _};

use verso_identity::{DeviceId, DeviceKey, FileKeyStore, FileMarkStore, KeyStore, KeyStoreKind};
use verso_log::{DataDirLock, FileStorage, Storage as _};

use super::config::{self, Config};
use super::keys::{NewStore, keychain};
use super::{Contents, Home, UNFINISHED};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::Output;

/// What the mark says to whoever finds it.
pub(super) const MARK: &[u8] = b"`verso init` is making a device here. If it was cut short, run it again.\n";

/// The folders that making a device leaves.
const FOLDERS: [&str; 2] = ["logs", "state"];

/// A new device.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) device: DeviceId,
    pub(crate) keystore: KeyStoreKind,
}

impl Home {
    /// Makes sure that a device can be made here, without changing anything.
    pub(crate) fn require_room(&self) -> Result<(), CliError> {
        const HINT: &str = "name an empty or a new directory with --data-dir or VERSO_DATA_DIR";
        let what = format!("can't make a device in {}", self.dir.display());
        let (why, hint) = match self.look()? {
            Contents::Nothing | Contents::Unfinished => return Ok(()),
            Contents::Device => ("there is one already; it was left as it is", "see it with `verso id`"),
            Contents::KeyMissing => ("the journals of a device whose key is missing lie there", HINT),
            Contents::Foreign => ("the directory holds other things, which were left as they are", HINT),
        };
        Err(CliError::new(Exit::Failed, what, why, hint))
    }

    /// Makes a device.
    ///
    /// 1. A mark says that the directory is being made; what a killed `init` left behind such a mark is cleared away.
    /// 2. The configuration, the journals and the state are made, as good as worthless without the key.
    /// 3. The key is stored.
    /// 4. The mark is removed: from here on there is a device, whole. (With a key file, from its being there.)
    pub(crate) fn make(&self, name: &str, store: NewStore, output: Output) -> Result<Made, CliError> {
        let storage = FileStorage::open(&self.dir).map_err(|error| self.unwritable(&error))?;
        let lock = self.lock()?;
        // Somebody else may have come first.
        self.require_room()?;
        let made = self.make_locked(&storage, name, store, output);
        if made.is_err() && !self.dir.join(FileKeyStore::FILE_NAME).exists() {
            // What can't be cleared away now, the next `init` clears away.
            self.clear(output).and_then(|()| fs::remove_file(self.dir.join(UNFINISHED))).unwrap_or_default();
        }
        drop(lock);
        made
    }

    fn make_locked(
        &self,
        storage: &FileStorage,
        name: &str,
        store: NewStore,
        output: Output,
    ) -> Result<Made, CliError> {
        let unwritable = |error: io::Error| self.unwritable(&error);
        self.write_mark(storage).map_err(unwritable)?;
        self.clear(output).map_err(unwritable)?;
        let config = Config::choose(store.kind()).map_err(|error| self.unwritable(&error))?;
        config.write(storage).map_err(unwritable)?;

        let store: Box<dyn KeyStore> = match store {
            NewStore::Keychain => Box::new(keychain(config.slot, output)),
            NewStore::File(passphrase) => Box::new(FileKeyStore::new(&self.dir, passphrase)),
        };
        let what = || format!("can't make a device in {}", self.dir.display());
        let kept = |error: &dyn std::error::Error| {
            let hint = "see that the disk has room and the directory may be written";
            CliError::because(Exit::KeyStore, what(), error, hint)
        };
        // No key is made that can't be kept, and none is told of that can't be opened.
        store.prove().map_err(|error| failure::unproven(&error))?;
        let key = DeviceKey::generate().map_err(|error| kept(&error))?;
        let twin = DeviceKey::from_secret(&key.to_secret());
        Device::open(&self.dir, twin, name)?.close()?;
        store.store(&key).map_err(|error| kept(&error))?;
        let found = store.load().map_err(|error| failure::key(&error, &self.dir))?;
        if found.id() != key.id() {
            let why = "the key store gave back another key than it was given";
            return Err(CliError::new(Exit::KeyStore, what(), why, "use another disk"));
        }
        self.remove_mark(storage).map_err(unwritable)?;
        Ok(Made { device: key.id(), keystore: store.kind() })
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
    fn clear(&self, output: Output) -> io::Result<()> {
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

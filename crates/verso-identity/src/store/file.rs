//! [`FileKeyStore`]: the identity in one file under a passphrase. The only file of this crate that touches the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::format::{self, Cost, NONCE_LEN, SALT_LEN};
use super::passphrase::Passphrase;
use super::{KeyStore, KeyStoreKind, LoadError, MarkStore, ProveError, SessionError, StoreError, session};
use crate::device::DeviceKey;
use crate::hex;

/// More than any version of the format will need; a larger file is not read to its end.
const MAX_READ: u64 = 64 * 1024;

/// What the names of files end in that are written before they take their place.
const TEMPORARY: &str = ".tmp";

/// Keeps the identity in `identity.key`, encrypted under a passphrase (Argon2id, AES-256-GCM).
///
/// The file appears whole or not at all, readable by its owner alone, and is never overwritten but by a change of passphrase,
/// which replaces it in one step. Unlocking takes 48 MiB of memory and some tens of milliseconds.
#[derive(Debug)]
pub struct FileKeyStore {
    directory: PathBuf,
    passphrase: Passphrase,
}

impl FileKeyStore {
    /// Name of the file within the data directory.
    pub const FILE_NAME: &'static str = "identity.key";

    /// Names the store in `directory`, which must exist by the time anything is stored. Nothing is read or written yet.
    pub fn new(directory: impl Into<PathBuf>, passphrase: Passphrase) -> Self {
        Self { directory: directory.into(), passphrase }
    }

    /// Tells whether there is a key file in `directory`, for which no passphrase is needed.
    ///
    /// # Errors
    /// [`LoadError::Io`] if the directory can't be read.
    pub fn exists_in(directory: &Path) -> Result<bool, LoadError> {
        let path = directory.join(Self::FILE_NAME);
        path.try_exists().map_err(|source| LoadError::Io { path, source })
    }

    /// Returns where the file lies.
    pub fn path(&self) -> PathBuf {
        self.directory.join(Self::FILE_NAME)
    }

    /// Opens the identity with what the login session holds of it, see [`remember`](Self::remember). `None` if it holds nothing
    /// that opens this file: then a passphrase is needed.
    ///
    /// # Errors
    /// [`LoadError`] if the file can't be read or is damaged, in which case a passphrase would not help.
    pub fn load_from_session(directory: &Path) -> Result<Option<DeviceKey>, LoadError> {
        let file = read_key_file(directory)?;
        let Some(key) = session::find(&format::salt(&file)?) else { return Ok(None) };
        // What is there under the name and opens nothing was not kept by this program.
        Ok(format::open(&file, &key).ok().map(|secret| DeviceKey::from_secret(&secret)))
    }

    /// Opens the identity, and has the login session keep what opens the file until the session ends, where there is one to do so.
    /// It is bound to the file as it is: under another passphrase, or in another directory, it opens nothing.
    ///
    /// # Errors
    /// [`LoadError`] if the file does not open. That the session can't keep its key is told beside the identity.
    pub fn remember(&self) -> Result<(DeviceKey, Result<(), SessionError>), LoadError> {
        let file = read_key_file(&self.directory)?;
        let key = format::stretch(&file, &self.passphrase)?;
        let secret = format::open(&file, &key)?;
        Ok((DeviceKey::from_secret(&secret), session::keep(&format::salt(&file)?, &key)))
    }

    /// Has the login session forget what opens the file in `directory`.
    pub fn forget_in_session(directory: &Path) {
        if let Ok(salt) = read_key_file(directory).and_then(|file| format::salt(&file)) {
            session::forget(&salt);
        }
    }

    /// Removes the key file and its mark from `directory`, durably; what is not there is no error. For an identity that was moved
    /// to another store and read back from there: nothing else opens the device's data.
    ///
    /// # Errors
    /// [`StoreError`]; then something may be left.
    pub fn remove_from(directory: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::Io { path: directory.to_owned(), source };
        Self::forget_in_session(directory);
        for entry in fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if is_of_the_store(&entry.file_name().to_string_lossy()) {
                let path = entry.path();
                fs::remove_file(&path).map_err(|source| StoreError::Io { path, source })?;
            }
        }
        sync_directory(directory)
    }

    /// Seals the identity under another passphrase, in one step: whatever happens, either the old or the new one opens the file.
    ///
    /// # Errors
    /// [`ChangePassphraseError`]; the old passphrase still holds then, but for [`ChangePassphraseError::NotDurable`].
    pub fn change_passphrase(&mut self, new: Passphrase) -> Result<(), ChangePassphraseError> {
        let key = self.load().map_err(ChangePassphraseError::Load)?;
        // Before the file is another one.
        Self::forget_in_session(&self.directory);
        let replaced = self.write_temporary(&key, &new).and_then(|temporary| {
            fs::rename(&temporary.path, self.path()).map_err(|source| StoreError::Io { path: self.path(), source })
        });
        replaced.map_err(ChangePassphraseError::Store)?;
        // From here on the new passphrase is the one that opens the file, durable or not.
        self.passphrase = new;
        sync_directory(&self.directory).map_err(ChangePassphraseError::NotDurable)
    }

    /// Writes the sealed secret beside its place, durably, and reads it back.
    fn write_temporary(&self, key: &DeviceKey, passphrase: &Passphrase) -> Result<Temporary, StoreError> {
        let (mut salt, mut nonce) = ([0; SALT_LEN], [0; NONCE_LEN]);
        getrandom::fill(&mut salt).map_err(StoreError::Random)?;
        getrandom::fill(&mut nonce).map_err(StoreError::Random)?;
        let file = format::seal(&key.to_secret(), passphrase, Cost::DEFAULT, &salt, &nonce)
            .ok_or(StoreError::OutOfMemory { memory_kib: Cost::DEFAULT.memory_kib })?;
        let temporary = Temporary::write(&self.directory, Self::FILE_NAME, &file)?;
        if read(&temporary.path).map_err(|source| StoreError::Io { path: temporary.path.clone(), source })? != file {
            return Err(StoreError::Differs);
        }
        Ok(temporary)
    }

    /// Gives the file its name, unless something has that name already.
    fn link(&self, temporary: &Temporary) -> Result<(), StoreError> {
        let path = self.path();
        let failed = match fs::hard_link(&temporary.path, &path) {
            Ok(()) => return Ok(()),
            Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Err(StoreError::Exists),
            Err(source) => source,
        };
        // Some file systems have no hard links. Looking first is the next best there: only another `init` on the same
        // directory at the same moment could come between, and the lock of the directory forbids that.
        match path.try_exists() {
            Ok(false) => fs::rename(&temporary.path, &path).map_err(|source| StoreError::Io { path, source }),
            Ok(true) => Err(StoreError::Exists),
            Err(_) => Err(StoreError::Io { path, source: failed }),
        }
    }
}

impl KeyStore for FileKeyStore {
    fn kind(&self) -> KeyStoreKind {
        KeyStoreKind::File
    }

    fn holds_identity(&self) -> Result<bool, LoadError> {
        Self::exists_in(&self.directory)
    }

    fn load(&self) -> Result<DeviceKey, LoadError> {
        let file = read_key_file(&self.directory)?;
        let key = format::stretch(&file, &self.passphrase)?;
        format::open(&file, &key).map(|secret| DeviceKey::from_secret(&secret))
    }

    fn store(&self, key: &DeviceKey) -> Result<(), StoreError> {
        if Self::exists_in(&self.directory).unwrap_or(false) {
            return Err(StoreError::Exists);
        }
        let temporary = self.write_temporary(key, &self.passphrase)?;
        self.link(&temporary)?;
        drop(temporary);
        sync_directory(&self.directory)
    }

    fn prove(&self) -> Result<(), ProveError> {
        let mut trial = Zeroizing::new([0; format::LEN]);
        getrandom::fill(trial.as_mut()).map_err(|source| ProveError::Write(StoreError::Random(source)))?;
        let temporary =
            Temporary::write(&self.directory, Self::FILE_NAME, trial.as_ref()).map_err(ProveError::Write)?;
        let back = read(&temporary.path)
            .map_err(|source| ProveError::Read(LoadError::Io { path: temporary.path.clone(), source }))?;
        if back == *trial { Ok(()) } else { Err(ProveError::Differs) }
    }

    fn marks(&self) -> Arc<dyn MarkStore> {
        Arc::new(FileMarkStore::new(&self.directory))
    }
}

/// Keeps the high-water mark in the file `high-water` beside the key file: it is put back with the directory, so it notices
/// only that single files were.
#[derive(Debug, Clone)]
pub struct FileMarkStore {
    directory: PathBuf,
}

impl FileMarkStore {
    /// Name of the file within the data directory.
    pub const FILE_NAME: &'static str = "high-water";

    /// Names the store in `directory`. Nothing is read or written yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }
}

impl MarkStore for FileMarkStore {
    fn read_sealed(&self) -> Result<Option<Vec<u8>>, LoadError> {
        let path = self.directory.join(Self::FILE_NAME);
        match read(&path) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LoadError::Io { path, source }),
        }
    }

    fn write_sealed(&self, sealed: &[u8]) -> Result<(), StoreError> {
        let path = self.directory.join(Self::FILE_NAME);
        let temporary = Temporary::write(&self.directory, Self::FILE_NAME, sealed)?;
        fs::rename(&temporary.path, &path).map_err(|source| StoreError::Io { path, source })?;
        sync_directory(&self.directory)
    }
}

/// A file that has not taken its place; what is left of it is deleted when this is dropped.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn write(directory: &Path, name: &str, bytes: &[u8]) -> Result<Self, StoreError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(StoreError::Random)?;
        let path = directory.join(format!("{name}.{}{TEMPORARY}", hex::encode(&random)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path).map_err(|source| StoreError::Io { path: path.clone(), source })?;
        let temporary = Self { path };
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(|source| StoreError::Io { path: temporary.path.clone(), source })?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing to delete; and a left-over file is sealed like the one that it was to be.
        drop(fs::remove_file(&self.path));
    }
}

fn read_key_file(directory: &Path) -> Result<Vec<u8>, LoadError> {
    let path = directory.join(FileKeyStore::FILE_NAME);
    read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LoadError::Missing,
        _ => LoadError::Io { path, source },
    })
}

/// Tells the files of the store by their names: the two, and what was on its way to become one.
fn is_of_the_store(name: &str) -> bool {
    [FileKeyStore::FILE_NAME, FileMarkStore::FILE_NAME].into_iter().any(|file| {
        name.strip_prefix(file)
            .is_some_and(|rest| rest.is_empty() || (rest.starts_with('.') && rest.ends_with(TEMPORARY)))
    })
}

/// Makes the names in a directory durable. Only Unix needs and allows it.
fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| StoreError::Io { path: directory.to_owned(), source })?;
    }
    Ok(())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_READ).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Why a passphrase was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangePassphraseError {
    /// The identity does not open with the old passphrase.
    #[error("the identity does not open")]
    Load(#[source] LoadError),
    /// The identity could not be sealed under the new one.
    #[error("the identity could not be sealed anew")]
    Store(#[source] StoreError),
    /// The new passphrase holds, but a power cut may bring the old one back.
    #[error("the new passphrase may not outlast a power cut")]
    NotDurable(#[source] StoreError),
}

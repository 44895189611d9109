//! [`Storage`]: the few operations on files that the journal needs, so that a disk can be a real one or a simulated one.
//!
//! Paths are relative to the storage's root and separated by `/`; the empty path is the root itself.

use std::io;

/// A place that holds directories and files. Clones are handles to the same place.
///
/// What survives a power cut is what a sync has covered: the bytes of a file by [`StorageFile::sync_data`], and the names in a
/// directory (what was created, renamed or removed there) by [`sync_dir`](Self::sync_dir).
pub trait Storage: Clone + Send + Sync + 'static {
    /// An open file.
    type File: StorageFile;

    /// Returns the names in a directory, sorted.
    ///
    /// # Errors
    /// `NotFound` if there is no such directory, else what the storage reports.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;

    /// Makes a directory. Its parent must be there.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, else what the storage reports.
    fn create_dir(&self, dir: &str) -> io::Result<()>;

    /// Opens a new empty file for reading and writing; a file that was there is emptied.
    ///
    /// # Errors
    /// What the storage reports.
    fn create(&self, path: &str) -> io::Result<Self::File>;

    /// Opens a file that is there for reading and writing.
    ///
    /// # Errors
    /// `NotFound` if there is none, else what the storage reports.
    fn open(&self, path: &str) -> io::Result<Self::File>;

    /// Gives a file or directory another name; a file that had that name is replaced, atomically.
    ///
    /// # Errors
    /// `NotFound` if there is none, else what the storage reports.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound` if there is none, else what the storage reports.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound` if there is none, `DirectoryNotEmpty` if something is in it, else what the storage reports.
    fn remove_dir(&self, dir: &str) -> io::Result<()>;

    /// Makes the names in a directory durable: what was created, renamed and removed there.
    ///
    /// # Errors
    /// What the storage reports; whether the names are durable is then unknown.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;

    /// Fills `bytes` with randomness that nobody can guess.
    ///
    /// # Errors
    /// What the source of randomness reports.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;
}

/// An open file of a [`Storage`].
#[expect(clippy::len_without_is_empty, reason = "a file is asked for its length to read it, not whether it is empty")]
pub trait StorageFile: Send + Sync {
    /// Returns the length in bytes.
    ///
    /// # Errors
    /// What the storage reports.
    fn len(&self) -> io::Result<u64>;

    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before `bytes` is full, else what the storage reports.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`; a gap behind the end is filled with zeros.
    ///
    /// # Errors
    /// What the storage reports; any part may then be written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Sets the length: cuts the file, or fills it up with zeros.
    ///
    /// # Errors
    /// What the storage reports.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// Makes the file at least `len` bytes long, new bytes reading as zeros and their room on the disk reserved where the
    /// file system can. Writing into it then changes no length, which makes a sync about a third cheaper.
    ///
    /// # Errors
    /// `StorageFull` if there is no room, else what the storage reports.
    fn preallocate(&mut self, len: u64) -> io::Result<()>;

    /// Makes everything written to the file durable, its length included.
    ///
    /// # Errors
    /// What the storage reports. Which of the unsynced writes are durable is then unknown, and a later sync that succeeds
    /// says nothing about them: the file must be opened again and read.
    fn sync_data(&mut self) -> io::Result<()>;
}

/// What is appended to a file's name while its replacement is being written.
pub const NEW_SUFFIX: &str = ".new";

/// Replaces the file at `path` by `bytes`: after a crash either the old content is there or the new one, whole.
///
/// # Errors
/// What the storage reports. The old content is then still in place, unless it was the last step that failed (making the
/// rename durable): then it may be either.
pub fn write_atomic<S: Storage>(storage: &S, path: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{path}{NEW_SUFFIX}");
    let mut file = storage.create(&new)?;
    file.write_at(0, bytes)?;
    file.sync_data()?;
    drop(file);
    storage.rename(&new, path)?;
    storage.sync_dir(parent(path))
}

/// Reads a whole file.
///
/// # Errors
/// `NotFound` if there is none, else what the storage reports.
pub fn read_all<S: Storage>(storage: &S, path: &str) -> io::Result<Vec<u8>> {
    let file = storage.open(path)?;
    let len = usize::try_from(file.len()?).map_err(|source| io::Error::new(io::ErrorKind::FileTooLarge, source))?;
    let mut bytes = vec![0; len];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Returns the directory that holds `path`, the root for a path of one name.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _name)| parent)
}

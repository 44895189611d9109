//! [`MemoryStorage`]: a disk in memory that loses what real disks lose, for tests and simulations.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::memory::disk::{Disk, Handle};
use crate::storage::{Storage, StorageFile};

mod disk;
mod inode;

/// A disk in memory. Clones are handles to the same disk.
///
/// It is honest about what a power cut may do: of what was written to a file since its last sync, any subset of the 512-byte
/// sectors may be there; a new length may be there without the bytes; of names that were made, changed or removed since the
/// directory's last sync, any subset may be. After a sync that failed, what it was to make durable may or may not be, and no
/// later sync changes that. All randomness comes from the seed.
///
/// ```
/// use verso_log::{MemoryStorage, Storage as _, StorageFile as _};
///
/// let disk = MemoryStorage::new(1);
/// let mut file = disk.create("file")?;
/// file.write_at(0, b"synced")?;
/// file.sync_data()?;
/// disk.sync_dir("")?;
/// file.write_at(0, b"or not")?;
/// let after = disk.crash(7);
/// assert!(matches!(&after.read_file("file").unwrap()[..], b"synced" | b"or not"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryStorage {
    disk: Arc<Mutex<Disk>>,
}

impl MemoryStorage {
    /// Makes an empty disk.
    pub fn new(seed: u64) -> Self {
        Self::of(Disk::new(seed))
    }

    fn of(disk: Disk) -> Self {
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        // A test that panicked elsewhere leaves a disk that can still be looked at.
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cuts the power: returns a disk with what is durable, and of the rest what `seed` lets survive. Faults are cleared.
    ///
    /// This disk stays as it is, so one moment can be crashed in many ways.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        Self::of(self.disk().crash(seed))
    }

    /// Copies the disk as programs see it now, all of it durable: an image, a clone of the machine.
    #[must_use]
    pub fn snapshot(&self, seed: u64) -> Self {
        Self::of(self.disk().snapshot(seed))
    }

    /// Counts the operations so far; those that failed count too.
    pub fn operations(&self) -> u64 {
        self.disk().operations()
    }

    /// Lets one operation fail: the next after `n` more. A write may be done in part; of a sync that fails some may be
    /// durable, and the rest never will.
    pub fn fail_after(&self, n: u64) {
        self.disk().fail_after(n);
    }

    /// Turns the power off at an operation, the next after `n` more: it may or may not be done, in part, and it and all
    /// later ones fail. [`crash`](Self::crash) gives the disk that is found when the power is back.
    pub fn crash_after(&self, n: u64) {
        self.disk().crash_after(n);
    }

    /// Clears what [`fail_after`](Self::fail_after) and [`crash_after`](Self::crash_after) set.
    pub fn clear_faults(&self) {
        self.disk().clear_faults();
    }

    /// Limits how many bytes all files hold together; more is `StorageFull`.
    pub fn set_capacity(&self, bytes: u64) {
        self.disk().set_capacity(bytes);
    }

    /// Returns the paths of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        self.disk().files()
    }

    /// Returns what programs read in a file, `None` if there is none.
    pub fn read_file(&self, path: &str) -> Option<Vec<u8>> {
        self.disk().read_file(path)
    }

    /// Returns what is durable of a file that programs see at `path`.
    pub fn read_durable(&self, path: &str) -> Option<Vec<u8>> {
        self.disk().read_durable(path)
    }

    /// Sets what a file holds, durably, behind the back of whoever has it open. Its directory must be there.
    ///
    /// # Panics
    /// If there is no such directory.
    pub fn write_file(&self, path: &str, bytes: &[u8]) {
        self.disk().write_file(path, bytes);
    }

    /// Flips bits of one byte of a file: bit rot.
    ///
    /// # Panics
    /// If there is no such file or byte.
    pub fn flip(&self, path: &str, offset: usize, bits: u8) {
        #[expect(clippy::expect_used, reason = "documented: a test names what is there")]
        let mut bytes = self.read_file(path).expect("the file is there");
        #[expect(clippy::expect_used, reason = "documented: a test names what is there")]
        let byte = bytes.get_mut(offset).expect("the file has that byte");
        *byte ^= bits;
        self.write_file(path, &bytes);
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").field("operations", &self.operations()).finish_non_exhaustive()
    }
}

/// An open file of a [`MemoryStorage`].
#[derive(Debug)]
pub struct MemoryFile {
    storage: MemoryStorage,
    handle: Handle,
}

impl Storage for MemoryStorage {
    type File = MemoryFile;

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.disk().list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.disk().create_dir(dir)
    }

    fn create(&self, path: &str) -> io::Result<MemoryFile> {
        let handle = self.disk().create(path)?;
        Ok(MemoryFile { storage: self.clone(), handle })
    }

    fn open(&self, path: &str) -> io::Result<MemoryFile> {
        let handle = self.disk().open(path)?;
        Ok(MemoryFile { storage: self.clone(), handle })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk().rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk().remove(path)
    }

    fn remove_dir(&self, dir: &str) -> io::Result<()> {
        self.disk().remove_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.disk().sync_dir(dir)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.disk().random(bytes)
    }
}

impl StorageFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        self.storage.disk().file_len(&self.handle)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.storage.disk().read_at(&self.handle, offset, bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.storage.disk().write_at(&self.handle, offset, bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.storage.disk().set_len(&self.handle, len)
    }

    fn preallocate(&mut self, len: u64) -> io::Result<()> {
        let now = self.storage.disk().len_of(&self.handle);
        if len > now { self.set_len(len) } else { Ok(()) }
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.storage.disk().sync_data(&self.handle)
    }
}

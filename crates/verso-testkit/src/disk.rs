//! [`Disk`]: the simulated disk as a replica uses it. An honest one does what is asked; the others are broken in ways that storage layers are.

use std::io;

use verso_log::{MemoryFile, MemoryStorage, Storage, StorageFile};

/// What a disk does about what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Honesty {
    /// A sync is a sync.
    #[default]
    Honest,
    /// Syncs of files say that they are done, and do nothing.
    ForgetsData,
    /// Of the syncs of files every fourth does nothing.
    ForgetsSomeData,
    /// Syncs of directories do nothing.
    ForgetsNames,
}

/// A handle to a simulated disk.
#[derive(Debug, Clone)]
pub struct Disk {
    memory: MemoryStorage,
    honesty: Honesty,
}

/// An open file of a [`Disk`].
#[derive(Debug)]
pub struct OpenFile {
    file: MemoryFile,
    honesty: Honesty,
    syncs: u64,
}

impl Disk {
    pub(crate) const fn new(memory: MemoryStorage, honesty: Honesty) -> Self {
        Self { memory, honesty }
    }

    const fn file(&self, file: MemoryFile) -> OpenFile {
        OpenFile { file, honesty: self.honesty, syncs: 0 }
    }
}

impl Storage for Disk {
    type File = OpenFile;

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.memory.list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.memory.create_dir(dir)
    }

    fn create(&self, path: &str) -> io::Result<OpenFile> {
        Ok(self.file(self.memory.create(path)?))
    }

    fn open(&self, path: &str) -> io::Result<OpenFile> {
        Ok(self.file(self.memory.open(path)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.memory.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.memory.remove(path)
    }

    fn remove_dir(&self, dir: &str) -> io::Result<()> {
        self.memory.remove_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        if self.honesty == Honesty::ForgetsNames { Ok(()) } else { self.memory.sync_dir(dir) }
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.memory.random(bytes)
    }
}

impl StorageFile for OpenFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn preallocate(&mut self, len: u64) -> io::Result<()> {
        self.file.preallocate(len)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.syncs += 1;
        match self.honesty {
            Honesty::ForgetsData => Ok(()),
            Honesty::ForgetsSomeData if self.syncs.is_multiple_of(4) => Ok(()),
            _ => self.file.sync_data(),
        }
    }
}

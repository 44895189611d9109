//! [`Hooked`]: a disk on which somebody else does something just before a chosen operation.

use std::io;
use std::sync::{Arc, Mutex};

use verso_log::{MemoryFile, MemoryStorage, Storage, StorageFile};

/// Counts operations, and runs what is to happen before one of them.
struct Hook {
    operations: u64,
    at: u64,
    run: Option<Box<dyn FnOnce() + Send>>,
}

#[derive(Clone)]
pub(crate) struct Hooked {
    disk: MemoryStorage,
    hook: Arc<Mutex<Hook>>,
}

impl Hooked {
    /// Runs `run` before the operation with number `at`.
    pub(crate) fn new(disk: &MemoryStorage, at: u64, run: impl FnOnce() + Send + 'static) -> Self {
        let hook = Hook { operations: 0, at, run: Some(Box::new(run)) };
        Self { disk: disk.clone(), hook: Arc::new(Mutex::new(hook)) }
    }

    /// How many operations there were.
    pub(crate) fn operations(&self) -> u64 {
        self.hook.lock().unwrap().operations
    }

    fn before(&self) -> &MemoryStorage {
        let mut hook = self.hook.lock().unwrap();
        if hook.operations == hook.at
            && let Some(run) = hook.run.take()
        {
            run();
        }
        hook.operations += 1;
        &self.disk
    }

    fn file(&self, file: MemoryFile) -> HookedFile {
        HookedFile { file, hook: self.clone() }
    }
}

impl Storage for Hooked {
    type File = HookedFile;

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        self.before().list(dir)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        self.before().create_dir(dir)
    }

    fn create(&self, path: &str) -> io::Result<HookedFile> {
        self.before().create(path).map(|file| self.file(file))
    }

    fn open(&self, path: &str) -> io::Result<HookedFile> {
        self.before().open(path).map(|file| self.file(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.before().rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.before().remove(path)
    }

    fn remove_dir(&self, dir: &str) -> io::Result<()> {
        self.before().remove_dir(dir)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        self.before().sync_dir(dir)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.disk.random(bytes)
    }
}

pub(crate) struct HookedFile {
    file: MemoryFile,
    hook: Hooked,
}

impl StorageFile for HookedFile {
    fn len(&self) -> io::Result<u64> {
        self.hook.before();
        self.file.len()
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.hook.before();
        self.file.read_at(offset, bytes)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.hook.before();
        self.file.write_at(offset, bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.hook.before();
        self.file.set_len(len)
    }

    fn preallocate(&mut self, len: u64) -> io::Result<()> {
        self.hook.before();
        self.file.preallocate(len)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.hook.before();
        self.file.sync_data()
    }
}

//! The one file of this crate that touches the operating system: [`FileStorage`] and [`DataDirLock`].
#![allow(clippy::disallowed_methods, reason = "this is the place that the other files are kept from")]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage::{Storage, StorageFile};

/// A directory of the operating system as a [`Storage`].
///
/// New directories are readable by their owner alone, new files too (Unix; elsewhere the parent's rights are inherited).
#[derive(Debug, Clone)]
pub struct FileStorage {
    root: Arc<PathBuf>,
}

impl FileStorage {
    /// Takes `root`, which is made with its parents if it is not there.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn open(root: &Path) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        private_dir(&mut builder);
        builder.create(root)?;
        Ok(Self { root: Arc::new(root.to_path_buf()) })
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Turns a storage path into one of the system; what would lead out of the root is refused.
    fn path(&self, path: &str) -> io::Result<PathBuf> {
        let mut full = self.root.as_path().to_path_buf();
        for name in path.split('/').filter(|_| !path.is_empty()) {
            if matches!(name, "" | "." | "..") || name.contains(['\\', '\0', ':']) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path within the storage"));
            }
            full.push(name);
        }
        Ok(full)
    }
}

impl Storage for FileStorage {
    type File = DiskFile;

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(dir)?)? {
            // A name that is not UTF-8 was not made here, and nothing here could be asked about it.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir(&self, dir: &str) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        private_dir(&mut builder);
        builder.create(self.path(dir)?)
    }

    fn create(&self, path: &str) -> io::Result<DiskFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        private_file(&mut options);
        options.open(self.path(path)?).map(|file| DiskFile { file })
    }

    fn open(&self, path: &str) -> io::Result<DiskFile> {
        OpenOptions::new().read(true).write(true).open(self.path(path)?).map(|file| DiskFile { file })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from)?, self.path(to)?)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path)?)
    }

    fn remove_dir(&self, dir: &str) -> io::Result<()> {
        fs::remove_dir(self.path(dir)?)
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        sync_directory(&self.path(dir)?)
    }

    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}

#[cfg(unix)]
fn private_dir(builder: &mut fs::DirBuilder) {
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
}

#[cfg(unix)]
fn private_file(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn private_dir(_builder: &mut fs::DirBuilder) {}

#[cfg(not(unix))]
fn private_file(_options: &mut OpenOptions) {}

/// Windows has no way to sync a directory; NTFS keeps its names in a journal of its own.
#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// An open file of a [`FileStorage`].
#[derive(Debug)]
pub struct DiskFile {
    file: File,
}

impl From<File> for DiskFile {
    /// Takes a file that lies anywhere.
    fn from(file: File) -> Self {
        Self { file }
    }
}

impl StorageFile for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut bytes: &mut [u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let read = std::os::windows::fs::FileExt::seek_read(&self.file, bytes, offset)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes = bytes.get_mut(read..).unwrap_or_default();
            offset += u64::try_from(read).unwrap_or_default();
        }
        Ok(())
    }

    #[cfg(unix)]
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn write_at(&mut self, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = std::os::windows::fs::FileExt::seek_write(&self.file, bytes, offset)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
            offset += u64::try_from(written).unwrap_or_default();
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn preallocate(&mut self, len: u64) -> io::Result<()> {
        let now = self.len()?;
        if len <= now {
            return Ok(());
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        match rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), now, len - now) {
            Ok(()) => return Ok(()),
            // A file system without it: a longer file is all that is needed, reserved room is a gain beside it.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
        self.file.set_len(len)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Holds a data directory for this process, by a lock of the operating system that a crash releases too.
///
/// The file keeps the number of the process that holds it, for the message that the second one gets.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

/// The data directory was not locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process holds it.
    #[error("another process holds the data directory{}", pid.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// The number of that process, if it could be read.
        pid: Option<u32>,
    },
    /// The lock file could not be used.
    #[error("the lock file could not be used")]
    Io(#[from] io::Error),
}

impl DataDirLock {
    /// The name of the lock file in the data directory.
    pub const FILE: &str = "lock";

    /// Locks the data directory at `root` until the value is dropped.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process (or another place in this one) holds it.
    pub fn acquire(root: &Path) -> Result<Self, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        private_file(&mut options);
        let mut file = options.open(root.join(Self::FILE))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Held { pid: read_pid(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(source.into()),
        }
        let mut lock = Self { file };
        lock.file.set_len(0)?;
        lock.file.seek(SeekFrom::Start(0))?;
        writeln!(lock.file, "{}", std::process::id())?;
        Ok(lock)
    }
}

impl Drop for DataDirLock {
    fn drop(&mut self) {
        // A number that is left behind would at worst be shown for an instant by a process that loses the next race.
        drop(self.file.set_len(0));
    }
}

/// Reads the number that the holder wrote. On Windows the lock keeps others from reading, so there is none.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

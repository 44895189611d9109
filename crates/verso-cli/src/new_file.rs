//! [`NewFile`]: a file that is written, and whole or not there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use verso_log::{FileStorage, Storage as _};

/// What becomes of a file that has the name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It is replaced once the new one is whole.
    Replace,
}

/// A file that is being written under a name of its own, beside the one it is to have. Dropped before it is finished, it is removed.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    part: PathBuf,
    existing: Existing,
}

impl NewFile {
    /// Makes sure that the file may be made, without making anything.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken and not to be given up, `IsADirectory`, `NotFound` if its folder isn't there.
    pub(crate) fn require_room(path: &Path, existing: Existing) -> io::Result<()> {
        fs::metadata(folder(path))?;
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) if existing == Existing::Keep => Err(io::ErrorKind::AlreadyExists.into()),
            Ok(_) => Ok(()),
        }
    }

    /// Begins to write it; only its owner may read it.
    ///
    /// # Errors
    /// As [`require_room`](Self::require_room), and what the file system reports.
    pub(crate) fn begin(path: &Path, existing: Existing) -> io::Result<(Self, File)> {
        Self::require_room(path, existing)?;
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let mut part = OsString::from(".");
        part.push(name);
        part.push(format!(".{:016x}.part", u64::from_le_bytes(random)));
        let part = folder(path).join(part);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&part)?;
        Ok((Self { path: path.to_owned(), part, existing }, file))
    }

    /// Gives the file its name, durably. What is in it must be durable already.
    ///
    /// # Errors
    /// `AlreadyExists` if the name was taken meanwhile and not to be given up, and what the file system reports.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.existing {
            Existing::Replace => fs::rename(&self.part, &self.path)?,
            Existing::Keep => match fs::hard_link(&self.part, &self.path) {
                Ok(()) => fs::remove_file(&self.part)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
                // Some file systems, as of memory cards, have no links.
                Err(_) => {
                    Self::require_room(&self.path, Existing::Keep)?;
                    fs::rename(&self.part, &self.path)?;
                }
            },
        }
        FileStorage::open(folder(&self.path))?.sync_dir("")
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Finished, it is gone under this name.
        fs::remove_file(&self.part).unwrap_or_default();
    }
}

/// The folder in which the file is to lie.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn it_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (new, mut file) = NewFile::begin(&path, Existing::Keep).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(new);
        assert_eq!(names(folder.path()), [""; 0], "it was given up");

        let (new, mut file) = NewFile::begin(&path, Existing::Keep).unwrap();
        file.write_all(b"whole").unwrap();
        new.finish().unwrap();
        assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["file".to_owned()], b"whole".to_vec()));
    }

    #[test]
    fn nothing_is_replaced_unless_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let (new, _file) = NewFile::begin(&path, Existing::Keep).unwrap();
        // Somebody else was faster.
        fs::write(&path, "theirs").unwrap();
        assert_eq!(new.finish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(NewFile::begin(&path, Existing::Keep).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["file".to_owned()], b"theirs".to_vec()));
        let (new, mut file) = NewFile::begin(&path, Existing::Replace).unwrap();
        file.write_all(b"mine").unwrap();
        new.finish().unwrap();
        assert_eq!((names(folder.path()), fs::read(&path).unwrap()), (vec!["file".to_owned()], b"mine".to_vec()));
    }

    #[test]
    fn where_no_file_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path, existing| NewFile::begin(path, existing).unwrap_err().kind();
        assert_eq!(kind(folder.path(), Existing::Replace), io::ErrorKind::IsADirectory);
        assert_eq!(kind(&folder.path().join("no/such"), Existing::Keep), io::ErrorKind::NotFound);
        assert_eq!(super::folder(Path::new("name")), Path::new("."));
    }
}

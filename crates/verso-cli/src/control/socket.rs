//! Where the control socket lies, and how it is told from one that a killed process left.
//!
//! It is the file `control` in the data directory. Addresses of sockets are short on every system; where that path is longer, the file is a symbolic link to a
//! socket in a directory of its own, which nobody else may enter.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Its name in the data directory.
const FILE: &str = "control";

/// What a directory of its own is called at the beginning.
const PREFIX: &str = "verso-";

/// The longest path that every system takes for the address of a socket: 104 bytes on macOS, less the one that ends it.
const MAX_ADDRESS: usize = 103;

/// A socket that others may come by, for as long as this is held.
#[derive(Debug)]
pub(super) struct Bound {
    /// In the data directory.
    file: PathBuf,
    /// The directory of its own, if it has one.
    _elsewhere: Option<TempDir>,
}

impl Bound {
    /// Makes the socket of the data directory `dir`, which the caller has locked: what lies there is nobody's any more.
    pub(super) fn make(dir: &Path) -> io::Result<(Self, UnixListener)> {
        let file = fs::canonicalize(dir)?.join(FILE);
        clear(&file)?;
        if is_address(&file)
            && let Ok(listener) = bind(&file)
        {
            return Ok((Self { file, _elsewhere: None }, listener));
        }
        // It is too long, or this file system has no sockets.
        let elsewhere = own_directory()?;
        let socket = elsewhere.path().join(FILE);
        let listener = bind(&socket)?;
        std::os::unix::fs::symlink(&socket, &file)?;
        Ok((Self { file, _elsewhere: Some(elsewhere) }, listener))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // What is left is taken for what it is by whoever comes next.
        fs::remove_file(&self.file).unwrap_or_default();
    }
}

/// Returns where the socket of a data directory is, if there is one, dead or alive.
pub(super) fn find(dir: &Path) -> Option<PathBuf> {
    let file = fs::canonicalize(dir).ok()?.join(FILE);
    let kind = fs::symlink_metadata(&file).ok()?.file_type();
    if kind.is_symlink() { fs::read_link(&file).ok() } else { kind.is_socket().then_some(file) }
}

fn is_address(path: &Path) -> bool {
    path.as_os_str().len() <= MAX_ADDRESS
}

/// Makes a socket that only its owner may use.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Makes a directory that only this user may enter, where such things go: it is emptied when nobody is logged in.
fn own_directory() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).permissions(fs::Permissions::from_mode(0o700));
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute()) {
        Some(folder) => builder.tempdir_in(folder).or_else(|_error| builder.tempdir()),
        None => builder.tempdir(),
    }
}

/// Removes what a killed process left under the name: a socket, or a link to one and what it leads to. Anything else stays, and nothing can be bound there.
fn clear(file: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(file) {
        Ok(data) => data.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if kind.is_symlink() {
        let socket = fs::read_link(file)?;
        let is_ours =
            |folder: &&Path| folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let is_socket = fs::symlink_metadata(&socket).is_ok_and(|data| data.file_type().is_socket());
        if let Some(folder) = socket.parent().filter(is_ours)
            && is_socket
        {
            fs::remove_file(&socket).and_then(|()| fs::remove_dir(folder)).unwrap_or_default();
        }
        return fs::remove_file(file);
    }
    if kind.is_socket() { fs::remove_file(file) } else { Err(io::ErrorKind::AlreadyExists.into()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// A data directory whose path has so many bytes.
    fn directory(folder: &TempDir, len: usize) -> PathBuf {
        let folder = fs::canonicalize(folder.path()).unwrap();
        let mut dir = folder.clone();
        while dir.as_os_str().len() + 1 < len {
            let room = len - dir.as_os_str().len() - 1;
            dir.push("d".repeat(if room > 200 { 150 } else { room }));
        }
        assert_eq!(dir.as_os_str().len(), len);
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn it_is_in_the_data_directory_where_that_is_an_address_and_leads_elsewhere_where_not() {
        for (len, is_link) in [(MAX_ADDRESS - 8, false), (MAX_ADDRESS - 7, true), (600, true)] {
            let folder = tempfile::tempdir().unwrap();
            let dir = directory(&folder, len);
            assert_eq!(find(&dir), None);
            let (bound, listener) = Bound::make(&dir).unwrap();
            let socket = find(&dir).unwrap();
            assert_eq!(fs::symlink_metadata(dir.join(FILE)).unwrap().is_symlink(), is_link, "{len}");
            assert_eq!(mode(&socket), 0o600);
            if is_link {
                assert_eq!(mode(socket.parent().unwrap()), 0o700);
            }
            UnixStream::connect(&socket).unwrap();
            drop((bound, listener));
            assert_eq!(find(&dir), None);
            assert!(!socket.exists() && (!is_link || !socket.parent().unwrap().exists()), "nothing is left");
        }
    }

    #[test]
    fn what_a_killed_process_left_is_replaced_and_what_is_something_else_is_not() {
        for len in [60, 300] {
            let folder = tempfile::tempdir().unwrap();
            let dir = directory(&folder, len.max(folder.path().as_os_str().len() + 2));
            let (left, listener) = Bound::make(&dir).unwrap();
            let before = find(&dir).unwrap();
            std::mem::forget(left);
            drop(listener);
            let refused = UnixStream::connect(&before).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            let (_bound, _listener) = Bound::make(&dir).unwrap();
            let after = find(&dir).unwrap();
            UnixStream::connect(&after).unwrap();
            assert!(before == after || !before.parent().unwrap().exists(), "{}", before.display());
        }
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "somebody's").unwrap();
        Bound::make(folder.path()).unwrap_err();
        assert_eq!(fs::read(folder.path().join(FILE)).unwrap(), b"somebody's");
        assert_eq!(find(folder.path()), None);
    }
}

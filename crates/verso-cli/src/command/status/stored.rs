//! [`Stored`]: what is stored, read again when it was changed and nobody writes, for as long as it takes to read it. So other commands go on as if
//! nobody watched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use verso_identity::DeviceKey;
use verso_log::{DataDirLock, LockError};

use super::look;
use super::state::Status;
use crate::app::App;
use crate::command::host_name;
use crate::counted::Counted;
use crate::device::Device;
use crate::error::CliError;
use crate::when;

/// What is stored, as it was when it could be read last.
pub(super) struct Stored {
    key: DeviceKey,
    dir: PathBuf,
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) read_ms: u64,
    /// The files as they were then.
    files: Files,
    /// The files as they were at the last look. Somebody is writing while they differ from look to look.
    seen: Files,
    /// Somebody else has the data directory, and so what is shown may be old.
    pub(super) is_held: bool,
}

impl Stored {
    /// Opens the identity, asking for the passphrase if need be, and reads what is stored.
    pub(super) fn open(app: &App) -> Result<Self, CliError> {
        let dir = app.home().dir().to_path_buf();
        let unlocked = app.unlock()?;
        let key = DeviceKey::from_secret(&unlocked.key.to_secret());
        let device = Device::open_unlocked(&dir, unlocked, &host_name())?;
        device.tell_notices(&app.output);
        let name = device.replica().trust().name(&key.id()).unwrap_or_default().to_owned();
        let status = look(app, &device, &mut Counted::default())?;
        device.close()?;
        let files = Files::of(&dir);
        Ok(Self { key, dir, name, status, read_ms: when::now_ms(), seen: files.clone(), files, is_held: false })
    }

    /// Reads anew what was changed, once nobody changes it any more.
    pub(super) fn look_again(&mut self, app: &App) -> Result<(), CliError> {
        let files = Files::of(&self.dir);
        let is_quiet = files == self.seen;
        self.seen = files;
        if self.seen == self.files {
            self.is_held = false;
            return Ok(());
        }
        if !is_quiet {
            return Ok(());
        }
        let lock = match DataDirLock::acquire(&self.dir) {
            Ok(lock) => lock,
            Err(LockError::Held { .. }) => {
                self.is_held = true;
                return Ok(());
            }
            Err(error) => return Err(crate::failure::lock(&error, &self.dir)),
        };
        let device = Device::open(&self.dir, DeviceKey::from_secret(&self.key.to_secret()), &host_name())?;
        self.status = look(app, &device, &mut Counted::default())?;
        // Nothing was done with it that would have to be kept.
        drop(device);
        self.files = Files::of(&self.dir);
        drop(lock);
        (self.seen, self.read_ms, self.is_held) = (self.files.clone(), when::now_ms(), false);
        Ok(())
    }
}

/// Lengths and times of the files in a data directory: what differs if anything was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Files(BTreeMap<PathBuf, (u64, Option<SystemTime>)>);

impl Files {
    fn of(dir: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![dir.to_path_buf()];
        while let Some(folder) = folders.pop() {
            // What can't be listed now is seen to be different later.
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(about) = entry.metadata() else { continue };
                if about.is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() != DataDirLock::FILE {
                    files.insert(entry.path(), (about.len(), about.modified().ok()));
                }
            }
        }
        Self(files)
    }
}

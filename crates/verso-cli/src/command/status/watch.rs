//! `status --watch`: the status, again whenever it is another.
//!
//! What is stored is only opened when something in the data directory was changed and nobody writes, for as long as it takes to read it: other
//! commands go on as if nobody watched.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use verso_identity::DeviceKey;
use verso_log::DataDirLock;

use super::screen::{Screen, Size};
use super::state::Status;
use super::{look, view};
use crate::app::App;
use crate::command::host_name;
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::net::{self, Signals};
use crate::output::{Format, Output};
use crate::when;

/// How often it is looked whether anything is different, and ages are counted anew.
const EVERY: Duration = Duration::from_millis(500);

/// Shows the status until somebody ends it.
pub(super) fn run(app: &App) -> Result<(), CliError> {
    let mut stored = Stored::open(app)?;
    let mut shown = Shown::new(app.output.clone());
    net::block_on(async {
        let mut signals = Signals::listen(app.output.seat())?;
        loop {
            stored.look_again(app)?;
            shown.show(&stored, when::now_ms())?;
            tokio::select! {
                () = signals.recv() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    })
}

/// What is stored, as it was when it could be read last.
struct Stored {
    key: DeviceKey,
    dir: PathBuf,
    name: String,
    status: Status,
    read_ms: u64,
    /// The files as they were then.
    files: Files,
    /// The files as they were at the last look. Somebody is writing while they differ from look to look.
    seen: Files,
    /// Somebody else has the data directory, and so what is shown may be old.
    is_held: bool,
}

impl Stored {
    fn open(app: &App) -> Result<Self, CliError> {
        let dir = app.home().dir().to_path_buf();
        let unlocked = app.unlock()?;
        let key = DeviceKey::from_secret(&unlocked.key.to_secret());
        let device = Device::open_unlocked(&dir, unlocked, &host_name())?;
        device.tell_notices(&app.output);
        let name = device.replica().trust().name(&key.id()).unwrap_or_default().to_owned();
        let status = look(app, &device)?;
        device.close()?;
        let files = Files::of(&dir);
        Ok(Self { key, dir, name, status, read_ms: when::now_ms(), seen: files.clone(), files, is_held: false })
    }

    /// Reads anew what was changed, once nobody changes it any more.
    fn look_again(&mut self, app: &App) -> Result<(), CliError> {
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
            Err(verso_log::LockError::Held { .. }) => {
                self.is_held = true;
                return Ok(());
            }
            Err(error) => return Err(crate::failure::lock(&error, &self.dir)),
        };
        let device = Device::open(&self.dir, DeviceKey::from_secret(&self.key.to_secret()), &host_name())?;
        self.status = look(app, &device)?;
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

/// What was shown last.
struct Shown {
    output: Output,
    screen: Option<Screen>,
    last: Vec<u8>,
}

impl Shown {
    fn new(output: Output) -> Self {
        let is_screen = output.format() == Format::Text && console::Term::stdout().features().is_attended();
        Self { output, screen: is_screen.then(Screen::default), last: Vec::new() }
    }

    /// At a terminal in the place of what was shown before, elsewhere below it, if it is another.
    fn show(&mut self, stored: &Stored, now_ms: u64) -> Result<(), CliError> {
        let Some(screen) = &mut self.screen else {
            let told = match self.output.format() {
                Format::Json => serde_json::to_vec(&stored.status).map_err(|error| unwritable(&error.into()))?,
                // Ages go on by themselves.
                Format::Text => {
                    view::lines(&stored.status, stored.read_ms, self.output.stdout()).join("\n").into_bytes()
                }
            };
            if told != self.last {
                self.output.print(&stored.status)?;
                self.last = told;
            }
            return Ok(());
        };
        let paint = self.output.stdout();
        let mut lines = view::lines(&stored.status, now_ms, paint);
        let held = if stored.is_held { "; another process has the data directory now" } else { "" };
        let name = crate::output::shown(&stored.name);
        let at = when::time_of_day(stored.read_ms);
        lines.push(String::new());
        lines.push(paint.faint(format_args!("{name}, as stored at {at}{held} · Ctrl-C ends it")).to_string());
        let (rows, columns) = console::Term::stdout().size();
        let drawn = screen.draw(&lines, Size { rows: rows.into(), columns: columns.into() });
        drawn.map_or(Ok(()), |drawn| self.output.tell(drawn))
    }
}

fn unwritable(error: &std::io::Error) -> CliError {
    CliError::because(Exit::Failed, "can't write the output", error, "run the command again")
}

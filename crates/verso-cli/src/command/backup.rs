//! `backup`: this device in one encrypted file.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use verso_identity::Cost;
use verso_log::{DiskFile, FileStorage};
use verso_replica::{BackupSource, back_up};

use crate::app::App;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::new_file::{Existing, NewFile};
use crate::output::{Paint, Report, entries, size, workspaces};
use crate::progress::WorkBar;
use crate::prompt;
use crate::when;

/// Writes the backup. The data directory is only read, so whoever uses it goes on.
pub(crate) fn run(app: &App, file: &Path, existing: Existing) -> Result<(), CliError> {
    let home = app.home();
    let dir = home.dir();
    let seen = match &app.host {
        Some(host) => home.seen_by(host.key()),
        None => home.look_in(&app.settings, &app.environment, app.output.seat(), &app.output)?,
    };
    let at = &app.path(file);
    // Before a passphrase is thought up.
    NewFile::require_room(at, existing).map_err(|error| failure::new_file(&error, file))?;
    require_elsewhere(file, at, dir)?;
    let passphrase = prompt::new_backup_passphrase(&app.environment, app.output.seat())?;

    let (new, out) = NewFile::begin(at, existing).map_err(|error| failure::new_file(&error, file))?;
    let storage =
        FileStorage::open(dir).map_err(|error| failure::io(format!("can't open {}", dir.display()), &error))?;
    let now_ms = when::now_ms();
    let source = BackupSource { storage: &storage, key: &seen.key, host: &seen.config, now_ms };
    let bar = WorkBar::new(&app.output, "backing up");
    let done = back_up(&source, &passphrase, Cost::BACKUP, DiskFile::from(out), &mut |at| bar.show(at.done, at.of))
        .map_err(|error| failure::backup(&error, file, dir))?;
    drop(bar);
    new.finish().map_err(|error| failure::new_file(&error, file))?;

    let damage = done.damage.iter().map(|lost| Damage {
        segment: lost.path.clone(),
        offset: lost.corrupt.offset,
        what: lost.corrupt.what.to_string(),
        workspace: lost.workspace.to_hex(),
    });
    let view = View {
        file: file.display().to_string(),
        device: seen.key.id().to_hex(),
        workspaces: done.workspaces,
        entries: done.entries,
        bytes: done.bytes,
        damage: damage.collect(),
    };
    app.output.print(&view)?;
    if view.damage.is_empty() {
        return Ok(());
    }
    let hint = "keep older backups, too; mend the journals with `verso log repair`, then make another one";
    let why = "the journals are damaged in the places named above; what lies behind these in a chain is not in it";
    Err(CliError::new(Exit::Damaged, "the backup is not of everything", why, hint))
}

/// A backup inside of what it is a backup of would be lost with it.
fn require_elsewhere(file: &Path, at: &Path, dir: &Path) -> Result<(), CliError> {
    let folder = at.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), fs::canonicalize(dir)) {
        (Ok(folder), Ok(dir)) if folder.starts_with(&dir) => {
            let why = "it would lie in the data directory, and be lost with it";
            Err(CliError::new(
                Exit::Usage,
                failure::cant_write(file),
                why,
                "name a file elsewhere, on another disk at best",
            ))
        }
        _ => Ok(()),
    }
}

#[derive(Debug, Serialize)]
struct View {
    file: String,
    device: String,
    workspaces: u64,
    entries: u64,
    bytes: u64,
    damage: Vec<Damage>,
}

/// Something that could not be read.
#[derive(Debug, Serialize)]
struct Damage {
    /// The segment's file, under the data directory.
    segment: String,
    offset: u64,
    what: String,
    workspace: String,
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(
            out,
            "{} {}, {}, {} in {}",
            paint.good("backed up:"),
            workspaces(self.workspaces),
            entries(self.entries),
            size(self.bytes),
            self.file
        )?;
        for damage in &self.damage {
            writeln!(out, "{} at byte {}: {}", paint.bad(&damage.segment), damage.offset, damage.what)?;
        }
        writeln!(out, "{} verso restore FILE, in an empty data directory", paint.faint("to use it:"))
    }
}

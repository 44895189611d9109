//! `restore` and `confirm`: a device made again from its backup, and whom it goes on trusting.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use verso_identity::DeviceId;
use verso_log::DiskFile;
use verso_replica::Backup;

use super::identity::{Identity, choose_store};
use crate::app::App;
use crate::device::Device;
use crate::error::CliError;
use crate::failure;
use crate::find;
use crate::output::{Paint, Report, entries, shown, workspaces};
use crate::progress::WorkBar;
use crate::prompt;
use crate::when;

/// Makes the device of a backup.
pub(crate) fn run(app: &App, file: &Path) -> Result<(), CliError> {
    let home = app.home();
    // Before anybody types a passphrase.
    home.require_room()?;
    let opened = File::open(file).map_err(|error| failure::backup_file(&error, file))?;
    let passphrase = prompt::backup_passphrase(&app.environment, app.output.seat())?;
    let backup = Backup::open(DiskFile::from(opened), &passphrase).map_err(|error| failure::restore(&error, file))?;
    let made_at = when::json(backup.made_ms());
    let kept = backup.host().to_vec();
    let store = choose_store(app, app.output.seat())?;

    let bar = WorkBar::new(&app.output, "restoring");
    let mut counts = (0, 0);
    let made = home.make_again(store, &kept, &app.output, |storage| {
        let restored = backup.restore(storage, &mut |at| bar.show(at.done, at.of));
        let restored = restored.map_err(|error| failure::restore(&error, file))?;
        counts = (restored.workspaces, restored.entries);
        Ok(restored.key)
    })?;
    drop(bar);
    app.output.print(&New {
        identity: Identity::new(made.unlocked.key.id(), made.name, made.unlocked.keystore),
        data_dir: home.dir().display().to_string(),
        made_at,
        workspaces: counts.0,
        entries: counts.1,
        unconfirmed: made.unconfirmed,
    })
}

/// Takes peers for trusted.
pub(crate) fn confirm(app: &App, wanted: &[String]) -> Result<(), CliError> {
    let mut device = app.device()?;
    let mut confirmed = Vec::new();
    for wanted in wanted {
        confirmed.push(find::peer(&device, wanted)?);
    }
    for peer in &confirmed {
        device.confirm(peer.device)?;
    }
    let view = Confirmed { confirmed, unconfirmed: unconfirmed(&device) };
    device.close()?;
    app.output.print(&view)
}

/// The peers that are still to be confirmed.
pub(crate) fn unconfirmed(device: &Device) -> Vec<PeerName> {
    let known = device.replica().known_peers(device.now());
    let named = |id: DeviceId| PeerName { name: known.get(&id).cloned().unwrap_or_default(), device: id };
    device.replica().unconfirmed().map(named).collect()
}

/// A peer, by the name that it goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PeerName {
    #[serde(serialize_with = "as_hex")]
    pub(crate) device: DeviceId,
    pub(crate) name: String,
}

fn as_hex<S: serde::Serializer>(device: &DeviceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&device.to_hex())
}

fn listed(peers: &[PeerName]) -> String {
    let names: Vec<String> = peers.iter().map(|peer| shown(&peer.name)).collect();
    names.join(", ")
}

/// A device that was just restored.
#[derive(Debug, Serialize)]
struct New {
    #[serde(flatten)]
    identity: Identity,
    data_dir: String,
    made_at: String,
    workspaces: u64,
    entries: u64,
    unconfirmed: Vec<PeerName>,
}

impl Report for New {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        self.identity.write_text(out, paint)?;
        writeln!(out, "data         {}", self.data_dir)?;
        writeln!(out, "backed up    {}", when::person_reads(&self.made_at))?;
        writeln!(out, "holds        {}, {}", workspaces(self.workspaces), entries(self.entries))?;
        if self.unconfirmed.is_empty() {
            return writeln!(out, "{} verso up", paint.faint("next:"));
        }
        writeln!(
            out,
            "The backup can't tell whom you have removed since. So nothing but who is trusted is synced with {} until\n\
             one of your own devices that was in use since has told that, or you confirm each by name.",
            listed(&self.unconfirmed)
        )?;
        writeln!(out, "{} verso up, on such a device too; or verso confirm PEER", paint.faint("next:"))
    }
}

#[derive(Debug, Serialize)]
struct Confirmed {
    confirmed: Vec<PeerName>,
    unconfirmed: Vec<PeerName>,
}

impl Report for Confirmed {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{} {}", paint.good("confirmed:"), listed(&self.confirmed))?;
        if self.unconfirmed.is_empty() {
            return writeln!(out, "{} verso up", paint.faint("next:"));
        }
        writeln!(out, "still to be confirmed: {}", listed(&self.unconfirmed))
    }
}

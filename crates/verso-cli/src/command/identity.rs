//! `init` and `id`: who this device is.

use std::io::{self, Write};

use serde::Serialize;
use verso_identity::{DeviceId, KeyStoreKind};
use verso_pairing::Name;

use super::host_name;
use crate::app::App;
use crate::error::{CliError, Exit};
use crate::output::{Paint, Report, shown};
use crate::prompt::{self, Terminal};

/// Makes this device's identity.
pub(crate) fn init(app: &App, name: Option<String>) -> Result<(), CliError> {
    let name = match name {
        Some(name) => checked(name)?,
        None => host_name(),
    };
    let home = app.home();
    // Before a passphrase is thought up.
    home.require_room()?;
    let passphrase = prompt::new_passphrase(&app.environment, &Terminal)?;
    let made = home.make(&name, passphrase)?;
    let identity = Identity::new(made.device, name, made.keystore);
    app.output.print(&New { identity, data_dir: home.dir().display().to_string() })
}

/// Shows who this device is.
pub(crate) fn id(app: &App) -> Result<(), CliError> {
    let unlocked = app.unlock()?;
    let keystore = unlocked.keystore;
    let device = crate::device::Device::open(app.home().dir(), unlocked.key, &host_name())?.keeping(unlocked.lock);
    device.tell_notices(app.output);
    let identity = Identity::new(device.replica().device(), device.replica().name().to_owned(), keystore);
    device.close()?;
    app.output.print(&identity)
}

fn checked(name: String) -> Result<String, CliError> {
    match Name::new(name) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(error) => {
            let hint = "give it a short name of visible characters, such as desk";
            Err(CliError::because(Exit::Usage, "can't name the device so", &error, hint))
        }
    }
}

/// Who a device is.
#[derive(Debug, Serialize)]
struct Identity {
    device: String,
    name: String,
    fingerprint: String,
    keystore: &'static str,
}

impl Identity {
    fn new(device: DeviceId, name: String, keystore: KeyStoreKind) -> Self {
        Self { device: device.to_hex(), name, fingerprint: device.fingerprint(), keystore: keystore.code() }
    }
}

impl Report for Identity {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "name         {}", paint.strong(shown(&self.name)))?;
        writeln!(out, "device       {}", self.device)?;
        writeln!(out, "fingerprint  {}", self.fingerprint)?;
        writeln!(out, "key store    {}", self.keystore)
    }
}

/// A device that was just made.
#[derive(Debug, Serialize)]
struct New {
    #[serde(flatten)]
    identity: Identity,
    data_dir: String,
}

impl Report for New {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        self.identity.write_text(out, paint)?;
        writeln!(out, "data         {}", self.data_dir)?;
        writeln!(
            out,
            "{} verso workspace new NAME, or verso join LINK with another device of yours",
            paint.faint("next:")
        )
    }
}

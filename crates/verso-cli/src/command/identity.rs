//! `init` and `id`: who this device is.

use std::io::{self, Write};

use serde::Serialize;
use verso_identity::{DeviceId, KeyStoreKind};
use verso_pairing::Name;

use super::host_name;
use crate::app::App;
use crate::args::KeyStoreChoice;
use crate::error::{CliError, Exit};
use crate::home::{NewStore, prove_keychain};
use crate::output::{Paint, Report, shown};
use crate::prompt::{self, Person};

/// What a script does that has no keychain, whichever command it runs.
const KEEP_IN_A_FILE: &str =
    "to keep the key in a file, set VERSO_PASSPHRASE, or run the command in a terminal with --keystore file";

/// Makes this device's identity.
pub(crate) fn init(app: &App, name: Option<String>) -> Result<(), CliError> {
    let name = match name {
        Some(name) => checked(name)?,
        None => host_name(),
    };
    let home = app.home();
    // Before a passphrase is thought up.
    home.require_room()?;
    let store = choose_store(app, app.output.seat())?;
    let made = home.make(&name, store, &app.output)?;
    let identity = Identity::new(made.unlocked.key.id(), made.name, made.unlocked.keystore);
    app.output.print(&New { identity, data_dir: home.dir().display().to_string() })
}

/// Chooses where the secret of a new device is kept: where it was asked for; under a passphrase, if one was given; else in the keychain, if
/// there is one. The file instead of it is a person's choice, and never made for them.
pub(crate) fn choose_store(app: &App, person: &impl Person) -> Result<NewStore, CliError> {
    if let Some(store) = settled_store(app)? {
        return Ok(store);
    }
    let file = || prompt::new_passphrase(&app.environment, person).map(NewStore::File);
    if app.settings.keystore == Some(KeyStoreChoice::File) {
        return file();
    }
    let Err(error) = prove_keychain(&app.output) else { return Ok(NewStore::Keychain) };
    if !person.is_there() {
        let hint = format!("{KEEP_IN_A_FILE}; {}", error.hint);
        return Err(CliError { what: "can't make a device".to_owned(), hint, ..error });
    }
    person.tell(&format!("The keychain can't keep this device's key: {}.", error.why));
    if prompt::consent(person, "can't make a device", "Keep it in a file under a passphrase instead?")? {
        return file();
    }
    Err(error)
}

/// The store of a new device, where nobody has to be asked: the keychain that was asked for, or a file under the passphrase that was given.
pub(crate) fn settled_store(app: &App) -> Result<Option<NewStore>, CliError> {
    if app.settings.keystore == Some(KeyStoreChoice::Keychain) {
        return prove_keychain(&app.output).map(|()| Some(NewStore::Keychain));
    }
    prompt::given(&app.environment, "can't make a key file").map(|given| given.map(NewStore::File))
}

/// Changes what this device is called.
pub(crate) fn rename(app: &App, name: String) -> Result<(), CliError> {
    let name = checked(name)?;
    let mut device = app.device()?;
    let keystore = app.home().place()?.keystore;
    device.rename(&name)?;
    let identity = Identity::new(device.replica().device(), device.replica().name().to_owned(), keystore);
    device.close()?;
    app.output.print(&identity)
}

/// Shows who this device is.
pub(crate) fn id(app: &App) -> Result<(), CliError> {
    let device = app.device()?;
    let keystore = app.home().place()?.keystore;
    let identity = Identity::new(device.replica().device(), device.replica().name().to_owned(), keystore);
    device.close()?;
    app.output.print(&identity)
}

/// A name as devices may have it.
pub(crate) fn checked(name: String) -> Result<String, CliError> {
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
pub(super) struct Identity {
    device: String,
    name: String,
    fingerprint: String,
    keystore: &'static str,
}

impl Identity {
    pub(super) fn new(device: DeviceId, name: String, keystore: KeyStoreKind) -> Self {
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

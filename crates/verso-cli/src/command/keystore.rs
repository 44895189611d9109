//! `keystore`: where this device's secret is, moving it, and changing the passphrase.

use std::io::{self, Write};

use serde::Serialize;
use verso_identity::KeyStoreKind;

use crate::app::App;
use crate::args::KeystoreCommand;
use crate::error::CliError;
use crate::home::{NewStore, Place, prove_keychain};
use crate::output::{Paint, Report, shown};
use crate::prompt;

pub(crate) fn run(app: &App, wanted: &KeystoreCommand) -> Result<(), CliError> {
    match wanted {
        KeystoreCommand::Show => show(app),
        KeystoreCommand::Move { to } => move_to(app, to.kind()),
        KeystoreCommand::Passphrase => passphrase(app),
    }
}

fn show(app: &App) -> Result<(), CliError> {
    let place = app.home().place()?;
    app.output.print(&Told::new(place))
}

fn move_to(app: &App, to: KeyStoreKind) -> Result<(), CliError> {
    let home = app.home();
    let from = home.place()?.keystore;
    if from != to {
        home.move_key(app.unlock()?, &app.output, || match to {
            KeyStoreKind::Keychain => prove_keychain(&app.output).map(|()| NewStore::Keychain),
            _ => prompt::new_passphrase(&app.environment, app.output.seat()).map(NewStore::File),
        })?;
    }
    app.output.print(&Told::new(home.place()?))
}

fn passphrase(app: &App) -> Result<(), CliError> {
    app.home().change_passphrase(&app.environment, app.output.seat())?;
    app.output.tell("The passphrase was changed. Backups of the old key file still open with the old one.")?;
    if app.output.format() == crate::output::Format::Json {
        return app.output.print(&Told::new(app.home().place()?));
    }
    Ok(())
}

/// Where the secret is.
#[derive(Debug, Serialize)]
struct Told {
    keystore: &'static str,
    at: String,
    high_water: &'static str,
    unfinished_move: bool,
}

impl Told {
    fn new(place: Place) -> Self {
        let high_water = if place.keystore == KeyStoreKind::Keychain { "apart" } else { "with-the-data" };
        Self { keystore: place.keystore.code(), at: place.at, high_water, unfinished_move: place.spare }
    }
}

impl Report for Told {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "key store        {}", paint.strong(self.keystore))?;
        writeln!(out, "at               {}", shown(&self.at))?;
        let mark = if self.high_water == "apart" {
            "in the keychain too: a data directory that is put back is noticed at once"
        } else {
            "in the data directory: if that is put back, only other devices notice"
        };
        writeln!(out, "high-water mark  {mark}")?;
        if self.unfinished_move {
            writeln!(out, "{} a move was cut short: the other store may still hold a copy", paint.warn("!"))?;
        }
        Ok(())
    }
}

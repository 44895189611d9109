//! The way to a device that is open: what the next step is, and what it takes. Nothing here shows anything or waits for anybody.

use std::cell::Cell;
use std::io;

use verso_identity::{Passphrase, WorkspaceId};
use verso_panel::state::Failure;
use verso_panel::{FirstRun, Keep, KeyPlace};
use zeroize::Zeroizing;

use super::attendant::told;
use crate::app::App;
use crate::args::KeyStoreChoice;
use crate::command::host_name;
use crate::command::identity::{checked, settled_store};
#[cfg(unix)]
use crate::control::client::Connection;
use crate::error::{CliError, Exit};
use crate::home::{NewStore, Released, Unlocked, prove_keychain};
use crate::prompt::{Confidant, Terminal};
use crate::settings::variable;

/// What comes next on the way to a device that is open.
#[derive(Debug)]
pub(super) enum Step {
    /// A `verso up` has it open.
    #[cfg(unix)]
    Attach(Connection),
    /// It runs here.
    Run(Box<Unlocked>),
    /// There is none yet.
    Make(Option<Failure>),
    /// Its key lies under a passphrase, which has to be asked for.
    Unlock(Option<Failure>),
    /// The `verso up` that had it has ended.
    Stopped(Option<Failure>),
    /// It can't be opened.
    Barred(Failure, Again),
    /// Its journals are mended: that of a workspace, or all.
    Mend(Box<Released>, Option<WorkspaceId>),
}

/// What is tried again of a way that is barred.
#[derive(Debug)]
pub(super) enum Again {
    /// Whether there is a `verso up` that shows it.
    Up,
    /// To open it here, with the identity that is open.
    Here(Box<Released>),
    /// The same, and to mend its journals may help.
    Mended(Box<Released>),
}

impl Step {
    /// The first step, as it is when the program starts. A passphrase is asked for at the terminal, if there is one.
    pub(super) fn first(app: &App) -> Result<Self, CliError> {
        #[cfg(unix)]
        if let Some(up) = Connection::reach(&app.home())? {
            return Self::attach(app, up);
        }
        if app.home().is_vacant()? {
            return Ok(Self::Make(None));
        }
        if Terminal.is_there() {
            return app.unlock().map(|unlocked| Self::Run(Box::new(unlocked)));
        }
        Self::open(app, &AtWindow::default())
    }

    /// The next step where a `verso up` may be there now. `None` if there is none.
    #[cfg(unix)]
    pub(super) fn to_up(app: &App) -> Option<Self> {
        let reached = Connection::reach(&app.home()).and_then(|up| up.map(|up| Self::attach(app, up)).transpose());
        reached.unwrap_or_else(|error| Some(Self::Barred(told(error), Again::Up)))
    }

    /// The next step where it was open here, or all but that: to open it again, if nobody else has meanwhile.
    pub(super) fn again(app: &App, released: Box<Released>) -> Self {
        #[cfg(unix)]
        if let Some(step) = Self::to_up(app) {
            return step;
        }
        match app.home().take(&released) {
            Ok(unlocked) => Self::Run(Box::new(unlocked)),
            Err(error) => Self::barred(error, released),
        }
    }

    /// The next step where it could not be opened here, or ended by itself.
    pub(super) fn barred(error: CliError, released: Box<Released>) -> Self {
        let again = if error.exit == Exit::Damaged { Again::Mended(released) } else { Again::Here(released) };
        Self::Barred(told(error), again)
    }

    /// The next step for whoever wants to run it here.
    pub(super) fn here(app: &App) -> Self {
        Self::open(app, &AtWindow::default()).unwrap_or_else(|error| Self::Stopped(Some(told(error))))
    }

    /// The next step for whoever typed a passphrase.
    pub(super) fn with_passphrase(app: &App, passphrase: Zeroizing<String>) -> Self {
        let person = AtWindow { passphrase: Cell::new(Some(passphrase)), ..AtWindow::default() };
        Self::open(app, &person).unwrap_or_else(|error| Self::Unlock(Some(told(error))))
    }

    /// Makes a device. The next step is to open it.
    pub(super) fn make(app: &App, name: String, keep: Keep) -> Self {
        make(app, name, keep).unwrap_or_else(|error| Self::Make(Some(told(error))))
    }

    /// What it is called in a log line.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            #[cfg(unix)]
            Self::Attach(_) => "attach",
            Self::Run(_) => "run",
            Self::Make(_) => "make",
            Self::Unlock(_) => "unlock",
            Self::Stopped(_) => "stopped",
            Self::Barred(..) => "barred",
            Self::Mend(..) => "mend",
        }
    }

    #[cfg(unix)]
    fn attach(app: &App, up: Connection) -> Result<Self, CliError> {
        app.home().check(&app.settings, &app.environment)?;
        Ok(Self::Attach(up))
    }

    fn open(app: &App, person: &AtWindow) -> Result<Self, CliError> {
        match app.home().unlock(&app.settings, &app.environment, person, &app.output) {
            Ok(unlocked) => Ok(Self::Run(Box::new(unlocked))),
            Err(_unanswered) if person.has_no_answer.get() => Ok(Self::Unlock(None)),
            Err(error) => Err(error),
        }
    }
}

fn make(app: &App, name: String, keep: Keep) -> Result<Step, CliError> {
    let (name, home) = (checked(name)?, app.home());
    home.require_room()?;
    let store = match keep {
        Keep::Keychain => {
            prove_keychain(&app.output)?;
            NewStore::Keychain
        }
        Keep::File { passphrase } => {
            let text = Zeroizing::new(passphrase.into_text());
            NewStore::File(Passphrase::new(text).map_err(|error| {
                let hint = "choose one of some length: a few words that you remember";
                CliError::because(Exit::KeyStore, "can't make a key file", &error, hint)
            })?)
        }
        Keep::AsSettled => settled_store(app)?.ok_or_else(|| {
            let hint = "close this window and open it again";
            CliError::new(Exit::KeyStore, "can't make a device", "it is not settled where its key is kept", hint)
        })?,
    };
    let made = home.make(&name, store, &app.output)?;
    Ok(Step::Run(Box::new(made.unlocked)))
}

/// What a person is asked who has no device yet. Looks for a keychain, which may take a while.
pub(super) fn first_run(app: &App, failure: Option<Failure>) -> FirstRun {
    let settled = |place: &str| KeyPlace::Settled { place: place.to_owned() };
    let is_given = app.environment.get(variable::PASSPHRASE).is_some();
    let key = match app.settings.keystore {
        Some(KeyStoreChoice::Keychain) => settled("in the system's keychain"),
        _ if is_given => settled("in a file, under the passphrase in VERSO_PASSPHRASE"),
        Some(KeyStoreChoice::File) => KeyPlace::OnlyFile { why: "it was told to keep to a file".to_owned() },
        None => {
            prove_keychain(&app.output).map_or_else(|error| KeyPlace::OnlyFile { why: error.why }, |()| KeyPlace::Ask)
        }
    };
    FirstRun { name: host_name(), place: app.home().dir().display().to_string(), key, failure }
}

/// A person at the window, who may have typed a passphrase there.
#[derive(Default)]
struct AtWindow {
    passphrase: Cell<Option<Zeroizing<String>>>,
    /// Whether a passphrase was wanted that was not there.
    has_no_answer: Cell<bool>,
}

impl Confidant for AtWindow {
    fn is_there(&self) -> bool {
        true
    }

    fn secret(&self, _question: &str) -> io::Result<Zeroizing<String>> {
        self.passphrase.take().ok_or_else(|| {
            self.has_no_answer.set(true);
            io::ErrorKind::Interrupted.into()
        })
    }
}

//! `log repair`: what is whole of damaged journals makes new ones, and the rest comes back from peers.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use verso_identity::{DeviceKey, WorkspaceId};
use verso_log::FileStorage;
use verso_replica::{MendScope, Mended, mend};
use verso_worker::OutcomeState;

use super::{Log, logs};
use crate::app::App;
use crate::args::WorkspaceOption;
use crate::command::host_name;
use crate::command::once::{Round, round};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::output::{Paint, Report, entries, shown};

const WHAT: &str = "the journals are not whole";

pub(super) fn run(app: &App, workspace: &WorkspaceOption, wait: Duration) -> Result<(), CliError> {
    let home = app.home();
    let unlocked = app.unlock().map_err(|error| if error.exit == Exit::Locked { held(error) } else { error })?;
    let key = DeviceKey::from_secret(&unlocked.key.to_secret());
    let only = only(app, &key, workspace)?;
    let scope = only.as_ref().map_or(MendScope::All, |log| MendScope::Only(log.id));
    let first = mended(app, &key, scope)?;
    let lacks = !(first.missing.is_empty() && first.lost.is_empty() && first.unreadable.is_empty());
    let (lock, last, reached) = if lacks {
        let reached = Reached::of(&round(app, unlocked, wait)?);
        (home.lock()?, mended(app, &key, scope)?, reached)
    } else {
        (unlocked.lock, first.clone(), Reached::NotTried)
    };
    let device = Device::open(home.dir(), key, &host_name())?;
    let name = only.as_ref().map(|log| log.name.clone());
    let logs = match only {
        Some(only) => vec![only],
        None => logs(&device, &WorkspaceOption::default(), app)?,
    };
    let view = View { only: name, ..View::new(&logs, &first, &last) };
    let mut damage = 0;
    // Of which nothing is whole there is nothing before something has come back.
    for log in logs.iter().filter(|log| device.replica().held(&log.id).is_some()) {
        damage += device.replica().verify_log(&log.id).map_err(|error| failure::read_log(&error))?.damage.len();
    }
    device.close()?;
    drop(lock);
    app.output.print(&View { ok: view.ok && damage == 0 && !matches!(reached, Reached::Nobody), ..view })?;
    if damage > 0 {
        let why = "something was damaged while it was mended";
        return Err(CliError::new(Exit::Damaged, WHAT, why, "see `verso log verify`; the disk may be failing"));
    }
    let why = match reached {
        Reached::Nobody => "no device was reached that could have what is missing",
        Reached::Somebody | Reached::NotTried if last.missing.is_empty() => return Ok(()),
        Reached::Somebody | Reached::NotTried => "no device that was reached has what is missing",
    };
    let hint = "run it again when another device of yours can be reached; all that is whole works meanwhile";
    Err(CliError::new(Exit::NoPeer, WHAT, why, hint))
}

/// Why it does not run beside a process that has the device, and what to do. That one writes in the very files that are put aside and made anew here, and what it
/// shows was read from them.
fn held(error: CliError) -> CliError {
    let why = format!("{}: it has the journals open that would be put aside and made anew", error.why);
    let hint = "end it (`verso up` ends at Ctrl-C), run this, and start it again: what is still missing then comes while it runs";
    CliError { why, hint: hint.to_owned(), ..error }
}

/// Returns the journal that is meant, if it is one.
fn only(app: &App, key: &DeviceKey, workspace: &WorkspaceOption) -> Result<Option<Log>, CliError> {
    if workspace.workspace.is_none() {
        return Ok(None);
    }
    let device = Device::open(app.home().dir(), DeviceKey::from_secret(&key.to_secret()), &host_name())?;
    let meant = logs(&device, workspace, app);
    device.close()?;
    meant.map(|logs| logs.into_iter().next())
}

fn mended(app: &App, key: &DeviceKey, scope: MendScope) -> Result<Mended, CliError> {
    let home = app.home();
    let what = || format!("can't open {}", home.dir().display());
    let storage = FileStorage::open(home.dir()).map_err(|error| failure::io(what(), &error))?;
    mend(&storage, key, scope).map_err(|error| failure::mend(&error, home.dir()))
}

/// Whom a round reached.
#[derive(Debug, Clone, Copy)]
enum Reached {
    NotTried,
    Nobody,
    Somebody,
}

impl Reached {
    fn of(round: &Round) -> Self {
        match round {
            Round::Done(outcomes, _) if outcomes.iter().any(|peer| peer.state != OutcomeState::Unreachable) => {
                Self::Somebody
            }
            _ => Self::Nobody,
        }
    }
}

#[derive(Debug, Serialize)]
struct View {
    ok: bool,
    /// The name of the one that was asked for, if not all were.
    #[serde(skip)]
    only: Option<String>,
    /// Journals of which something was damaged.
    damaged: Vec<Whose>,
    /// Journals of which nothing can be read, where they lie now.
    unreadable: Vec<String>,
    missing: Vec<Missing>,
}

#[derive(Debug, Serialize)]
struct Whose {
    workspace: String,
    name: String,
}

/// What is still to come.
#[derive(Debug, Serialize)]
struct Missing {
    #[serde(flatten)]
    whose: Whose,
    /// At least so many.
    entries: u64,
}

impl View {
    fn new(logs: &[Log], first: &Mended, last: &Mended) -> Self {
        let whose = |id: &WorkspaceId| {
            let name = logs.iter().find(|log| log.id == *id).map(|log| log.name.clone()).unwrap_or_default();
            Whose { workspace: id.to_hex(), name }
        };
        let missing = last.missing.iter().map(|(id, entries)| Missing { whose: whose(id), entries: *entries });
        Self {
            ok: last.missing.is_empty(),
            only: None,
            damaged: first.damaged.union(&last.damaged).map(whose).collect(),
            unreadable: first.unreadable.iter().chain(&last.unreadable).cloned().collect(),
            missing: missing.collect(),
        }
    }
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        for whose in &self.damaged {
            writeln!(out, "{} the journal of {}", paint.good("mended:"), shown(&whose.name))?;
        }
        for path in &self.unreadable {
            writeln!(out, "{} nothing of a journal could be read; it lies in {path} now", paint.warn("put aside:"))?;
        }
        for Missing { whose, entries: number } in &self.missing {
            writeln!(out, "{} at least {} of {}", paint.warn("missing:"), entries(*number), shown(&whose.name))?;
        }
        if self.ok {
            let which = self.only.as_ref().map(|name| format!("the journal of {}", shown(name)));
            let which = which.unwrap_or_else(|| "all journals".to_owned());
            writeln!(out, "{} {which}", paint.good("whole:"))?;
        }
        Ok(())
    }
}

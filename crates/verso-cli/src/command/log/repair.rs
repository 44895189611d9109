//! `log repair`: what is whole of damaged journals makes new ones, and the rest comes back from peers. The window does the same.

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
use crate::home::Unlocked;
use crate::net::{self, Signals};
use crate::output::{Paint, Report, entries, shown};

const WHAT: &str = "the journals are not whole";

pub(super) fn run(app: &App, workspace: &WorkspaceOption, wait: Duration) -> Result<(), CliError> {
    let unlocked = app.unlock().map_err(|error| if error.exit == Exit::Locked { held(error) } else { error })?;
    let only = only(app, &unlocked.key, workspace)?;
    let mut repair = Repair::begin(app, unlocked, only.as_ref().map(|log| log.id))?;
    if repair.is_lacking() {
        // Until then a signal ends the program at once, which does no harm.
        let stop = async {
            Signals::listen(app.output.seat())?.recv().await;
            Ok(())
        };
        repair = net::block_on(repair.fetch(wait, stop))?;
    }
    let repaired = repair.end()?;
    app.output.print(&View::new(only, &repaired))?;
    repaired.verdict()
}

/// A repair that is under way. Nobody else has the device, but for the round of this one.
///
/// 1. What is whole of damaged journals [makes new ones](Self::begin).
/// 2. If entries are [lacking](Self::is_lacking) then, they are [fetched](Self::fetch) from whichever peers are reached, and what had been put aside follows.
/// 3. At [the end](Self::end) all of it is verified.
///
/// Dropped, or killed, at any moment, it leaves a device that opens, and the next repair goes on.
#[derive(Debug)]
pub(crate) struct Repair<'a> {
    app: &'a App,
    unlocked: Unlocked,
    scope: MendScope,
    first: Mended,
    last: Mended,
    reached: Reached,
}

/// What a repair came to.
#[derive(Debug)]
pub(crate) struct Repaired {
    /// All that were looked at.
    logs: Vec<Log>,
    first: Mended,
    last: Mended,
    reached: Reached,
    /// Places that are damaged, though all was mended.
    damage: usize,
}

impl<'a> Repair<'a> {
    /// Begins to mend all journals, or only one. Blocks, as the end does.
    pub(crate) fn begin(app: &'a App, unlocked: Unlocked, only: Option<WorkspaceId>) -> Result<Self, CliError> {
        let scope = only.map_or(MendScope::All, MendScope::Only);
        let first = mended(app, &unlocked.key, scope)?;
        Ok(Self { app, unlocked, scope, last: first.clone(), first, reached: Reached::NotTried })
    }

    /// Tells whether a peer may have something that is not here.
    pub(crate) fn is_lacking(&self) -> bool {
        let Mended { missing, lost, unreadable, .. } = &self.last;
        !(missing.is_empty() && lost.is_empty() && unreadable.is_empty())
    }

    /// Fetches what is lacking, as far as peers are reached that have it, and goes on trying for so long, or until `stop`.
    pub(crate) async fn fetch(
        self,
        wait: Duration,
        stop: impl Future<Output = Result<(), CliError>>,
    ) -> Result<Self, CliError> {
        let Self { app, unlocked, scope, first, .. } = self;
        let released = unlocked.released();
        let reached = Reached::of(&round(app, unlocked, wait, stop).await?);
        tokio::task::block_in_place(|| {
            let unlocked = app.home().take(&released)?;
            let last = mended(app, &unlocked.key, scope)?;
            Ok(Self { app, unlocked, scope, first, last, reached })
        })
    }

    /// Verifies what there is now.
    pub(crate) fn end(self) -> Result<Repaired, CliError> {
        let Self { app, unlocked: Unlocked { key, lock, .. }, scope, first, last, reached } = self;
        let device = Device::open(app.home().dir(), key, &host_name())?;
        let is_meant = |log: &Log| scope == MendScope::All || scope == MendScope::Only(log.id);
        let logs: Vec<Log> = logs(&device, &WorkspaceOption::default(), app)?.into_iter().filter(is_meant).collect();
        let mut damage = 0;
        // Of which nothing is whole there is nothing before something has come back.
        for log in logs.iter().filter(|log| device.replica().held(&log.id).is_some()) {
            damage += device.replica().verify_log(&log.id).map_err(|error| failure::read_log(&error))?.damage.len();
        }
        device.close()?;
        drop(lock);
        Ok(Repaired { logs, first, last, reached, damage })
    }
}

impl Repaired {
    /// The journals of which entries are missing still.
    #[cfg(feature = "panel")]
    pub(crate) fn missing(&self) -> impl Iterator<Item = WorkspaceId> {
        self.last.missing.keys().copied()
    }

    /// Why not all is whole, and what to do, if it is not.
    pub(crate) fn verdict(&self) -> Result<(), CliError> {
        if self.damage > 0 {
            let why = "something was damaged while it was mended";
            return Err(CliError::new(Exit::Damaged, WHAT, why, "see `verso log verify`; the disk may be failing"));
        }
        let why = match self.reached {
            Reached::Nobody => "no device was reached that could have what is missing",
            Reached::Somebody | Reached::NotTried if self.last.missing.is_empty() => return Ok(()),
            Reached::Somebody | Reached::NotTried => "no device that was reached has what is missing",
        };
        let hint = "run it again when another device of yours can be reached; all that is whole works meanwhile";
        Err(CliError::new(Exit::NoPeer, WHAT, why, hint))
    }

    fn is_whole(&self) -> bool {
        self.verdict().is_ok()
    }
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
    fn new(only: Option<Log>, repaired: &Repaired) -> Self {
        let Repaired { logs, first, last, .. } = repaired;
        let whose = |id: &WorkspaceId| {
            let named = only.iter().chain(logs).find(|log| log.id == *id);
            Whose { workspace: id.to_hex(), name: named.map(|log| log.name.clone()).unwrap_or_default() }
        };
        let missing = last.missing.iter().map(|(id, entries)| Missing { whose: whose(id), entries: *entries });
        Self {
            ok: repaired.is_whole(),
            damaged: first.damaged.union(&last.damaged).map(whose).collect(),
            unreadable: first.unreadable.iter().chain(&last.unreadable).cloned().collect(),
            missing: missing.collect(),
            only: only.map(|log| log.name),
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

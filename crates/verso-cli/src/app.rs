//! [`App`]: one run of the program, from the words of the command line to the exit code.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::args::{Cli, Command, IdCommand, NoCommand, Repetition};
use crate::command;
use crate::control::{Guest, Host};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::home::{Home, Unlocked};
use crate::logging;
use crate::net;
use crate::new_file::Existing;
use crate::output::Output;
use crate::seat::Seat;
use crate::settings::{self, Environment, Settings};

/// What every command works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    pub(crate) output: Output,
    /// The `verso up` in which it runs, if it runs in one: that has the device open.
    pub(crate) host: Option<Host>,
}

impl App {
    pub(crate) fn home(&self) -> Home {
        Home::new(&self.settings)
    }

    /// Takes the data directory and opens the identity.
    pub(crate) fn unlock(&self) -> Result<Unlocked, CliError> {
        self.home().unlock(&self.settings, &self.environment, self.output.seat(), &self.output)
    }

    /// Opens the device in the data directory, or borrows it from the `verso up` that has it open.
    pub(crate) fn device(&self) -> Result<Device, CliError> {
        let device = match &self.host {
            Some(host) => Device::borrow(host)?,
            None => Device::open_unlocked(self.home().dir(), self.unlock()?, &command::host_name())?,
        };
        device.tell_notices(&self.output);
        Ok(device)
    }

    /// Runs the network part of a command to its end.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        match &self.host {
            Some(host) => host.runtime().block_on(work),
            None => net::block_on(work),
        }
    }

    /// Where a file is that the command line names.
    pub(crate) fn path(&self, named: &Path) -> PathBuf {
        self.host.as_ref().map_or_else(|| named.to_path_buf(), |host| host.path(named))
    }
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    let cli = match read(&words, &Environment::Process, &Seat::Here) {
        Ok(cli) => cli,
        Err(code) => return code.into(),
    };
    let is_demo = matches!(cli.command, Command::Demo { .. });
    let environment = if is_demo { Environment::WithoutVerso } else { Environment::Process };
    let output = settings::output(&cli.globals, &environment, Seat::Here);
    logging::start(cli.globals.verbose, &output);
    match carried_out(&words, &cli, &output) {
        Ok(Some(code)) => code.into(),
        Ok(None) => ended(&output, perform(cli, environment, output.clone(), None)).into(),
        Err(error) => ended(&output, Err(error)).into(),
    }
}

/// Runs a command for the process at the other end of the control socket, and returns its exit code.
#[cfg(unix)]
pub(crate) fn run_for(words: &[OsString], guest: &Arc<Guest>, host: Host) -> u8 {
    let (environment, seat) = (Environment::Sent(Arc::clone(guest)), Seat::Away(Arc::clone(guest)));
    let cli = match read(words, &environment, &seat) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let output = settings::output(&cli.globals, &environment, seat);
    if !cli.command.runs_in_up() {
        let why = "it is none that `verso up` carries out for others";
        return ended(&output, Err(CliError::new(Exit::Usage, "can't run the command", why, "end `verso up` first")));
    }
    ended(&output, perform(cli, environment, output.clone(), Some(host)))
}

/// Tells the process at the other end that a command ended by a defect.
#[cfg(unix)]
pub(crate) fn defect(guest: &Arc<Guest>) -> u8 {
    let output =
        Output::new(Seat::Away(Arc::clone(guest)), crate::output::Format::Text, crate::output::ColourWish::Plain);
    let hint = "see what `verso up` says on its standard error, and report it";
    ended(&output, Err(CliError::new(Exit::Failed, "the command ended", "by a defect of the program", hint)))
}

/// Reads the command line. If there is nothing to run, all is said, and this is the exit code.
fn read(words: &[OsString], environment: &Environment, seat: &Seat) -> Result<Cli, u8> {
    Cli::read(words).map_err(|none| match none {
        NoCommand::Answer(text) => {
            // A reader that has seen enough is no failure.
            seat.print(text.as_bytes()).unwrap_or_default();
            0
        }
        NoCommand::Help(text) => {
            seat.note(text.as_bytes()).unwrap_or_default();
            Exit::Usage.code()
        }
        NoCommand::Nonsense(error) => {
            settings::output_of_words(words, environment, seat.clone()).fail(&error);
            error.exit.code()
        }
    })
}

/// Has the command carried out by the `verso up` that has the data directory, if there is one. Returns its exit code.
#[cfg(unix)]
fn carried_out(words: &[OsString], cli: &Cli, output: &Output) -> Result<Option<u8>, CliError> {
    if !cli.command.runs_in_up() || cli.command.outlives_up() {
        return Ok(None);
    }
    let settings = Settings::new(&cli.globals, &Environment::Process)?;
    let home = Home::new(&settings);
    let Some(up) = crate::control::client::Connection::reach(&home)? else { return Ok(None) };
    home.check(&settings, &Environment::Process)?;
    up.run(words, output).map(Some)
}

/// Nothing carries out commands for others here.
#[cfg(not(unix))]
fn carried_out(_words: &[OsString], _cli: &Cli, _output: &Output) -> Result<Option<u8>, CliError> {
    Ok(None)
}

fn ended(output: &Output, outcome: Result<(), CliError>) -> u8 {
    let Err(error) = outcome else { return 0 };
    output.fail(&error);
    error.exit.code()
}

impl Command {
    /// Tells whether the command goes on when the `verso up` ends that it is carried out in, and turns to it by itself when there is one again.
    #[cfg(unix)]
    const fn outlives_up(&self) -> bool {
        match self {
            #[cfg(feature = "panel")]
            Self::Panel => true,
            Self::Status { watch } => *watch,
            _ => false,
        }
    }

    /// Tells whether the command is for a `verso up` that has the device open. The others need no device, or one that nobody has open.
    const fn runs_in_up(&self) -> bool {
        match self {
            #[cfg(feature = "panel")]
            Self::Panel => true,
            Self::Init { .. }
            | Self::Keystore(_)
            | Self::Nearby { .. }
            | Self::Up { once: false, .. }
            | Self::Restore { .. }
            | Self::Doctor
            | Self::Log(crate::args::LogCommand::Repair { .. })
            | Self::Demo { .. }
            | Self::Completions { .. }
            | Self::Man { .. } => false,
            Self::Id { .. }
            | Self::Workspace(_)
            | Self::Import { .. }
            | Self::Node(_)
            | Self::Edge(_)
            | Self::Show { .. }
            | Self::Export { .. }
            | Self::Pair { .. }
            | Self::Join { .. }
            | Self::Peers
            | Self::Forget { .. }
            | Self::Rename { .. }
            | Self::Address { .. }
            | Self::Status { .. }
            | Self::Up { once: true, .. }
            | Self::Backup { .. }
            | Self::Confirm { .. }
            | Self::Log(_)
            | Self::Conflicts { .. }
            | Self::Quarantine(_) => true,
        }
    }
}

fn perform(cli: Cli, environment: Environment, output: Output, host: Option<Host>) -> Result<(), CliError> {
    // These need no data directory, not even to know where one would be.
    match &cli.command {
        Command::Demo { import } => return command::demo::run(import.as_deref(), &output),
        Command::Completions { shell } => return command::completions::run(*shell, &output),
        Command::Man { folder } => return command::man::run(folder.as_deref(), &output),
        _ => {}
    }
    let settings = match &host {
        Some(host) => host.settings(&cli.globals, &environment)?,
        None => Settings::new(&cli.globals, &environment)?,
    };
    let app = App { settings, environment, output, host };
    match cli.command {
        Command::Init { name } => command::identity::init(&app, name),
        Command::Id { command: None } => command::identity::id(&app),
        Command::Id { command: Some(IdCommand::Rename { name }) } => command::identity::rename(&app, name),
        Command::Keystore(wanted) => command::keystore::run(&app, &wanted),
        Command::Workspace(wanted) => command::workspace::run(&app, &wanted),
        Command::Import { file, format, workspace } => command::import::run(&app, &file, &workspace, format),
        Command::Node(wanted) => command::node::run(&app, wanted),
        Command::Edge(wanted) => command::edge::run(&app, wanted),
        Command::Show { workspace } => command::show::run(&app, workspace.as_deref()),
        Command::Export { workspace, format } => command::export::run(&app, workspace.as_deref(), format),
        Command::Pair { wanted: Some(wanted), .. } => command::invite::run(&app, &wanted),
        Command::Pair { wanted: None, options } if options.invite => command::invite::make(&app, &options),
        Command::Pair { wanted: None, options } => command::pair::run(&app, &options),
        Command::Nearby { wait } => command::nearby::run(&app, wait),
        Command::Join { nearby: Some(name), at, yes, .. } => command::join::nearby(&app, &name, &at, yes.into()),
        Command::Join { code, at, yes, .. } => command::join::run(&app, &code, &at, yes.into()),
        Command::Peers => command::peers::run(&app),
        Command::Forget { peer } => command::sharing::forget(&app, &peer),
        Command::Rename { peer, name } => command::sharing::rename(&app, &peer, &name),
        Command::Address { peer, addresses } => command::sharing::address(&app, &peer, &addresses),
        Command::Up { once: true, wait } => command::once::run(&app, wait),
        Command::Up { once: false, .. } => command::up::run(&app),
        Command::Status { watch } => {
            command::status::run(&app, if watch { Repetition::Watch } else { Repetition::Once })
        }
        Command::Backup { file, replace } => {
            command::backup::run(&app, &file, if replace { Existing::Replace } else { Existing::Keep })
        }
        Command::Restore { file } => command::restore::run(&app, &file),
        Command::Confirm { peers } => command::restore::confirm(&app, &peers),
        Command::Doctor => command::doctor::run(&app),
        #[cfg(feature = "panel")]
        Command::Panel => crate::panel::run(&app),
        Command::Log(wanted) => command::log::run(&app, &wanted),
        Command::Conflicts { wanted, workspace } => command::conflicts::run(&app, wanted.as_ref(), &workspace),
        Command::Quarantine(wanted) => command::quarantine::run(&app, &wanted),
        // They were done before.
        Command::Demo { .. } | Command::Completions { .. } | Command::Man { .. } => Ok(()),
    }
}

//! [`App`]: one run of the program, from the words of the command line to the exit code.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::args::{Cli, Command, IdCommand, NoCommand, Repetition};
use crate::command;
use crate::device::Device;
use crate::error::CliError;
use crate::home::{Home, Unlocked};
use crate::logging;
use crate::new_file::Existing;
use crate::output::Output;
use crate::prompt::Terminal;
use crate::settings::{self, Environment, Settings};

/// What every command works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    pub(crate) output: Output,
}

impl App {
    pub(crate) fn home(&self) -> Home {
        Home::new(&self.settings)
    }

    /// Takes the data directory and opens the identity.
    pub(crate) fn unlock(&self) -> Result<Unlocked, CliError> {
        self.home().unlock(&self.settings, &self.environment, &Terminal, self.output)
    }

    /// Opens the device in the data directory, without any network.
    pub(crate) fn device(&self) -> Result<Device, CliError> {
        self.open(self.unlock()?)
    }

    /// Opens the device whose identity this is, without any network.
    pub(crate) fn open(&self, unlocked: Unlocked) -> Result<Device, CliError> {
        let device = Device::open_unlocked(self.home().dir(), unlocked, &command::host_name())?;
        device.tell_notices(self.output);
        Ok(device)
    }
}

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    let cli = match Cli::read(&words) {
        Ok(cli) => cli,
        Err(NoCommand::Answer(text)) => {
            // A reader that has seen enough is no failure.
            io::stdout().write_all(text.as_bytes()).unwrap_or_default();
            return ExitCode::SUCCESS;
        }
        Err(NoCommand::Help(text)) => {
            io::stderr().write_all(text.as_bytes()).unwrap_or_default();
            return crate::error::Exit::Usage.into();
        }
        Err(NoCommand::Nonsense(error)) => {
            settings::output_of_words(&words, &Environment::Process).fail(&error);
            return error.exit.into();
        }
    };
    let is_demo = matches!(cli.command, Command::Demo { .. });
    let environment = if is_demo { Environment::WithoutVerso } else { Environment::Process };
    let output = settings::output(&cli.globals, &environment);
    logging::start(cli.globals.verbose, output);
    match perform(cli, environment, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.fail(&error);
            error.exit.into()
        }
    }
}

fn perform(cli: Cli, environment: Environment, output: Output) -> Result<(), CliError> {
    // These need no data directory, not even to know where one would be.
    match &cli.command {
        Command::Demo { import } => return command::demo::run(import.as_deref(), output),
        Command::Completions { shell } => return command::completions::run(*shell, output),
        Command::Man { folder } => return command::man::run(folder.as_deref(), output),
        _ => {}
    }
    let settings = Settings::new(&cli.globals, &environment)?;
    let app = App { settings, environment, output };
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
        Command::Join { code, at, yes, .. } => command::join::run(&app, &code.join(" "), &at, yes.into()),
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
        Command::Log(wanted) => command::log::run(&app, &wanted),
        Command::Conflicts { wanted, workspace } => command::conflicts::run(&app, wanted.as_ref(), &workspace),
        Command::Quarantine(wanted) => command::quarantine::run(&app, &wanted),
        // They were done before.
        Command::Demo { .. } | Command::Completions { .. } | Command::Man { .. } => Ok(()),
    }
}

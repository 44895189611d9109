//! [`Host`]: the `verso up` in which a command runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};
use verso_graph::Graph;
use verso_identity::DeviceKey;
use verso_replica::OpenNotices;
use verso_worker::{Loan, WorkerHandle};

use crate::args::Globals;
use crate::error::{CliError, Exit};
use crate::settings::{Environment, Settings};

/// What a command has that runs in `verso up`: the device that is open there, and the network.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    shared: Arc<Shared>,
    /// The working directory of whoever runs the command.
    directory: PathBuf,
}

/// What all commands share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) worker: WorkerHandle<Graph>,
    pub(crate) runtime: Handle,
    pub(crate) key: DeviceKey,
    /// What was noticed when the device was opened.
    pub(crate) notices: OpenNotices,
    /// How `up` reaches others, and so do the commands that run in it.
    pub(crate) settings: Settings,
    /// Held by whoever shows an offer.
    pub(crate) screen: Screen,
}

/// The place of the one offer that a device shows at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Screen(Arc<Mutex<()>>);

impl Screen {
    /// Takes the place, until the guard is dropped.
    pub(crate) fn take(&self) -> Result<OwnedMutexGuard<()>, CliError> {
        Arc::clone(&self.0).try_lock_owned().map_err(|_held| {
            let why = "another code of this device waits for somebody to join";
            let hint = "join by that one, or end it: with Ctrl-C in its terminal, or in its window; `verso pair --invite` stands beside it";
            CliError::new(Exit::Failed, "no device was paired", why, hint)
        })
    }
}

impl Host {
    pub(super) const fn new(shared: Arc<Shared>, directory: PathBuf) -> Self {
        Self { shared, directory }
    }

    pub(crate) fn worker(&self) -> &WorkerHandle<Graph> {
        &self.shared.worker
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.shared.runtime
    }

    pub(crate) fn key(&self) -> &DeviceKey {
        &self.shared.key
    }

    /// What a file is that the command line names.
    pub(crate) fn path(&self, named: &Path) -> PathBuf {
        self.directory.join(named)
    }

    /// What was noticed when the device was opened.
    #[cfg(all(unix, feature = "panel"))]
    pub(crate) fn opened(&self) -> &OpenNotices {
        &self.shared.notices
    }

    /// What still holds of what was noticed when the device was opened: what is damaged. What was cut off or lost then was told then.
    pub(crate) fn notices(&self) -> OpenNotices {
        let damaged = self.shared.notices.logs.iter().filter(|(_, report)| !report.damage.is_empty());
        let logs = damaged.map(|(workspace, report)| {
            let mut report = report.clone();
            report.torn = None;
            (*workspace, report)
        });
        OpenNotices { logs: logs.collect(), ..OpenNotices::default() }
    }

    /// Puts together what the command line says of the device, and what `up` was started with.
    pub(crate) fn settings(&self, globals: &Globals, environment: &Environment) -> Result<Settings, CliError> {
        let settings = self.shared.settings.beside(globals, environment)?;
        Ok(Settings { data_dir: self.path(&settings.data_dir), ..settings })
    }

    /// Borrows the replica. Not from within an asynchronous task.
    pub(crate) fn lend(&self) -> Result<Loan<Graph>, CliError> {
        self.runtime().block_on(self.worker().lend()).ok_or_else(ended)
    }

    /// The place of the one offer that is shown.
    pub(crate) fn screen(&self) -> &Screen {
        &self.shared.screen
    }
}

/// The worker has ended.
pub(crate) fn ended() -> CliError {
    let why = "`verso up`, in which it ran, has ended";
    CliError::new(Exit::Failed, "the command was cut short", why, "run it again; what was done before is kept")
}

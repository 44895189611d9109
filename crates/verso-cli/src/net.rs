//! What the commands that use the network share: a runtime, the worker, signals.

use std::io;

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use verso_graph::Graph;
use verso_worker::{SyncWorker, WorkerError, WorkerHandle, WorkerOptions};

use crate::app::App;
use crate::command::host_name;
use crate::device::tell_notices;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::home::Unlocked;
use crate::seat::Seat;

/// Threads for the network. The engine has its own; more than these find nothing to do.
const THREADS: usize = 2;

/// Runs the network part of a command to its end. Threads that still wait for a person's answer are left behind.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = runtime().map_err(|error| failure::io("can't start the network's threads".to_owned(), &error))?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()
}

/// The device on the network: with a worker of the command's own, or with that of the `verso up` in which it runs.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) handle: WorkerHandle<Graph>,
    worker: Option<SyncWorker<Graph>>,
}

impl Link {
    /// Ends the command's own worker.
    pub(crate) async fn close(self, app: &App) -> Result<(), CliError> {
        let Some(worker) = self.worker else { return Ok(()) };
        worker.close().await.map_err(|error| failure::worker(&error, app.home().dir()))
    }
}

/// The identity that a worker of the command's own needs. A passphrase is asked for before anything of the network is begun.
pub(crate) fn unlock(app: &App) -> Result<Option<Unlocked>, CliError> {
    if app.host.is_some() { Ok(None) } else { app.unlock().map(Some) }
}

/// Gets on the network, as `unlocked` in which [`unlock`] resulted.
pub(crate) async fn connect(app: &App, unlocked: Option<Unlocked>) -> Result<Link, CliError> {
    let Some(unlocked) = unlocked else {
        let host = app.host.as_ref().ok_or_else(crate::control::ended)?;
        return Ok(Link { handle: host.worker().clone(), worker: None });
    };
    let (worker, handle) = open(app, unlocked).await?;
    Ok(Link { handle, worker: Some(worker) })
}

/// Opens the worker on the device of the data directory, which it locks itself.
pub(crate) async fn open(app: &App, unlocked: Unlocked) -> Result<(SyncWorker<Graph>, WorkerHandle<Graph>), CliError> {
    let port = unlocked.port;
    let opened = open_quietly(app, unlocked).await;
    let (worker, handle) = opened.map_err(|error| failure::worker(&error, app.home().dir()))?;
    tell_notices(worker.notices(), &app.output);
    if handle.port() != port && app.settings.listen.is_none() {
        let used = handle.port();
        app.output.note(format_args!("UDP port {port} is taken by another program; port {used} is used this time."));
    }
    Ok((worker, handle))
}

/// As [`open`], for a caller that has another use for the error.
pub(crate) async fn open_quietly(
    app: &App,
    unlocked: Unlocked,
) -> Result<(SyncWorker<Graph>, WorkerHandle<Graph>), WorkerError> {
    let Unlocked { key, port, marks, lock, .. } = unlocked;
    drop(lock);
    let options = WorkerOptions {
        data_dir: app.home().dir().to_path_buf(),
        name: host_name(),
        network: app.settings.network.clone(),
        port,
        listen: app.settings.listen,
        discovery: app.settings.discovery.clone(),
        marks,
    };
    // Boxed: its future is large, and would sit in that of every command.
    Box::pin(SyncWorker::open(options, key)).await
}

/// What ends a command from outside: Ctrl-C, or the signal that service managers send. They may come to the process at the other end of a control socket,
/// whose own end is one, too.
#[derive(Debug)]
pub(crate) enum Signals {
    Here(ProcessSignals),
    Away(CancellationToken),
}

impl Signals {
    /// Listens from now on; the signals no longer end the process by themselves.
    pub(crate) fn listen(seat: &Seat) -> Result<Self, CliError> {
        match seat {
            Seat::Here => ProcessSignals::register().map(Self::Here).map_err(|error| {
                CliError::because(Exit::Failed, "can't listen to signals", &error, "run the command again")
            }),
            Seat::Away(guest) => Ok(Self::Away(guest.interruption())),
        }
    }

    /// Waits for one of them.
    pub(crate) async fn recv(&mut self) {
        match self {
            Self::Here(signals) => signals.recv().await,
            Self::Away(interruption) => interruption.cancelled().await,
        }
    }
}

/// The signals to this process.
#[derive(Debug)]
pub(crate) struct ProcessSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl ProcessSignals {
    #[cfg(unix)]
    fn register() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(not(unix))]
    fn register() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn recv(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

//! [`Service`]: leads a window to a device that is open, wherever that is, and on when it is open there no longer.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use verso_identity::DeviceKey;
use verso_panel::{Gate, GateAction, PanelAction, PanelState};
use verso_worker::WorkerError;
use zeroize::Zeroizing;

use super::attendant::{self, Around, Attendant};
use super::doorkeeper::{self, Step};
use super::seam::{self, Near};
use super::window::{Asked, Back, Shown};
use crate::app::App;
use crate::command::up::{Begun, Control};
use crate::control::Screen;
use crate::error::CliError;
use crate::failure;
use crate::home::Unlocked;
use crate::net::{self, Signals};

/// How often it is looked whether there is a `verso up` again.
const EVERY: Duration = Duration::from_millis(500);

/// Leads a window to a device that is open.
///
/// 1. As long as a `verso up` has the device, the window is attached to it.
/// 2. When that ends, the window says so, and is attached again as soon as there is one. What a person does to have it run here instead is theirs to ask for:
///    a program that is only started anew finds the device as it left it.
/// 3. Where nobody has it, it is opened here, once there is one and its key is there.
///
/// It ends with the window, with a signal, and with a worker that runs here.
#[derive(Debug)]
pub(super) struct Service<'a> {
    app: &'a App,
    window: Back,
    signals: Signals,
}

/// Why the window is shown something no longer.
enum Over {
    /// The window is closed, or is to be.
    Closed,
    /// Whoever attended to it does so no longer.
    Left,
}

/// Who may open a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Only a person.
    ForPerson,
    /// Also a `verso up` that is there again.
    ForUp,
}

/// What came while a person was at a gate.
enum News {
    Closed,
    Asked(GateAction),
    /// There is a `verso up`.
    #[cfg(unix)]
    Up(Step),
}

impl<'a> Service<'a> {
    pub(super) fn new(app: &'a App, window: Back) -> Result<Self, CliError> {
        let signals = Signals::listen(app.output.seat())?;
        Ok(Self { app, window, signals })
    }

    /// Serves the window to its end, from this step on.
    pub(super) async fn serve(mut self, first: Step) -> Result<(), CliError> {
        let mut step = first;
        loop {
            let next = match step {
                #[cfg(unix)]
                Step::Attach(up) => self.attached(up).await,
                Step::Run(unlocked) => return self.run(*unlocked).await,
                waiting => self.at_gate(waiting).await,
            };
            let Some(next) = next else { return Ok(()) };
            tracing::info!(target: "verso.panel", step = next.name(), "the window goes on");
            step = next;
        }
    }

    /// Shows what a `verso up` has to show. `None` if the window is closed.
    #[cfg(unix)]
    async fn attached(&mut self, up: crate::control::client::Connection) -> Option<Step> {
        let mut attached = match super::attached::Attached::to(up) {
            Ok(attached) => attached,
            Err(error) => return Some(Step::Barred(attendant::told(error))),
        };
        let over = self.follow(&mut attached.near).await;
        let left = tokio::task::block_in_place(|| attached.leave());
        match (over, left) {
            (Over::Closed, _) => None,
            (Over::Left, Err(error)) if error != crate::control::ended() => Some(Step::Barred(attendant::told(error))),
            (Over::Left, _) => Some(Step::Stopped(None)),
        }
    }

    /// Runs the worker here. Others may have their commands carried out meanwhile.
    async fn run(&mut self, unlocked: Unlocked) -> Result<(), CliError> {
        let twin = DeviceKey::from_secret(&unlocked.key.to_secret());
        let (worker, handle) = net::open(self.app, unlocked).await?;
        let (notices, screen) = (worker.notices().clone(), Screen::default());
        let (mut near, far) = seam::new();
        let around = Around { notices: &notices, screen: screen.clone(), data_dir: &self.app.settings.data_dir };
        let mut attendant = Attendant::new(handle.clone(), far, around);
        let control = Control::open(self.app, &handle, twin, Begun { notices, screen });
        let shutdown = CancellationToken::new();
        let mut run = tokio::spawn(worker.run(shutdown.clone()));
        let attending = tokio::spawn(async move { attendant.attend().await });
        let ended = tokio::select! {
            _over = self.follow(&mut near) => None,
            ended = &mut run => Some(ended),
        };
        attending.abort();
        control.close().await;
        shutdown.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => run.await,
        };
        let ended = ended.unwrap_or(Err(WorkerError::Crashed));
        ended.map_err(|error| failure::worker(&error, self.app.home().dir()))
    }

    /// Hands states and actions on, until one of the two ends is gone.
    async fn follow(&mut self, near: &mut Near<PanelState, PanelAction>) -> Over {
        loop {
            tokio::select! {
                changed = near.states.changed() => {
                    if changed.is_err() {
                        return Over::Left;
                    }
                    if let Some(state) = near.states.borrow_and_update().clone() {
                        self.show(Shown::Panel(Box::new(state)));
                    }
                }
                asked = self.window.asked.recv() => match asked {
                    None => return Over::Closed,
                    Some(Asked::Panel(action)) => near.ask(action),
                    // It was asked for while the gate was being left.
                    Some(Asked::Gate(_)) => {}
                },
                () = self.signals.recv() => return Over::Closed,
            }
        }
    }

    /// Shows a gate until somebody opens it, or it opens by itself. `None` if the window is closed.
    async fn at_gate(&mut self, step: Step) -> Option<Step> {
        let app = self.app;
        // Whatever bars the way to it is there until somebody did something about it.
        let patience = if matches!(step, Step::Barred(_)) { Patience::ForPerson } else { Patience::ForUp };
        let gate = match step {
            Step::Make(failure) => {
                self.opening("Looking for a place for the key");
                Gate::NoDevice(tokio::task::block_in_place(|| doorkeeper::first_run(app, failure)))
            }
            Step::Unlock(failure) => Gate::Locked { failure },
            Step::Stopped(failure) => Gate::Stopped { failure },
            Step::Barred(failure) => Gate::Barred(failure),
            open => return Some(open),
        };
        self.show(Shown::Gate(gate));
        let action = match self.news(patience).await {
            News::Closed => return None,
            News::Asked(action) => action,
            #[cfg(unix)]
            News::Up(step) => return Some(step),
        };
        self.opening(if matches!(action, GateAction::Make { .. }) {
            "Setting up this device"
        } else {
            "Opening this device"
        });
        // Deriving a key and reading journals take their time.
        Some(tokio::task::block_in_place(|| match action {
            GateAction::Make { name, keep } => Step::make(app, name, keep),
            GateAction::Unlock { passphrase } => {
                Step::with_passphrase(app, Zeroizing::new(passphrase.expose().to_owned()))
            }
            GateAction::RunHere => Step::here(app),
            #[cfg(unix)]
            GateAction::Retry => Step::to_up(app).unwrap_or(Step::Stopped(None)),
            #[cfg(not(unix))]
            GateAction::Retry => Step::here(app),
        }))
    }

    /// Waits for what a person asks for at a gate, or for a `verso up` if the window may be attached to one.
    async fn news(&mut self, patience: Patience) -> News {
        loop {
            tokio::select! {
                asked = self.window.asked.recv() => match asked {
                    None => return News::Closed,
                    Some(Asked::Gate(action)) => return News::Asked(action),
                    // It was asked for before the device was gone.
                    Some(Asked::Panel(_)) => {}
                },
                () = self.signals.recv() => return News::Closed,
                () = tokio::time::sleep(EVERY), if patience == Patience::ForUp => {
                    #[cfg(unix)]
                    if crate::control::client::Connection::is_there(&self.app.home())
                        && let Some(step) = tokio::task::block_in_place(|| Step::to_up(self.app))
                    {
                        return News::Up(step);
                    }
                }
            }
        }
    }

    fn opening(&self, what: &str) {
        self.show(Shown::Gate(Gate::Opening { what: what.to_owned() }));
    }

    fn show(&self, shown: Shown) {
        self.window.states.send_replace(Some(shown));
    }
}

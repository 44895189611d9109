//! [`Service`]: leads a window to a device that is open, wherever that is, and on when it is open there no longer.

use std::time::Duration;

use tokio::task::block_in_place;
use tokio_util::sync::CancellationToken;
use verso_graph::Graph;
use verso_identity::{DeviceKey, WorkspaceId};
use verso_panel::{Gate, GateAction, PanelAction, PanelState};
use verso_worker::{SyncWorker, WorkerError, WorkerHandle};
use zeroize::Zeroizing;

use super::attendant::{self, Around, Attendant};
use super::doorkeeper::{self, Again, Step};
use super::recall::Recall;
use super::seam::{self, Near};
use super::window::{Asked, Back, Shown};
use crate::app::App;
use crate::command::log::repair::{Repair, Repaired};
use crate::command::up::{Begun, Control};
use crate::control::Screen;
use crate::error::CliError;
use crate::failure;
use crate::home::{Released, Unlocked};
use crate::net::{self, Signals};

#[cfg(test)]
mod tests;

/// How often it is looked whether there is a `verso up` again.
const EVERY: Duration = Duration::from_millis(500);
/// How long a repair goes on trying devices that don't answer, as `log repair` does if it is told nothing else.
const PATIENCE: Duration = Duration::from_secs(10);

/// Leads a window to a device that is open.
///
/// 1. As long as a `verso up` has the device, the window is attached to it.
/// 2. When that ends, the window says so, and is attached again as soon as there is one. What a person does to have it run here instead is theirs to ask for:
///    a program that is only started anew finds the device as it left it.
/// 3. Where nobody has it, it is opened here, once there is one and its key is there.
/// 4. To mend its journals it is closed here, and opened again after that.
///
/// What does not work is told in the window, with what to do and a way on. It ends with the window, and with a signal.
#[derive(Debug)]
pub(super) struct Service<'a> {
    app: &'a App,
    window: Back,
    signals: Signals,
    /// What the next panel goes on telling.
    recall: Recall,
}

/// Why the window is shown something no longer.
enum Over {
    /// The window is closed, or is to be.
    Closed,
    /// Whoever attended to it does so no longer.
    Left,
    /// A person wants journals mended, and they are open here.
    Repair(Option<WorkspaceId>),
}

/// Who has the device open that a window shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    #[cfg(unix)]
    Up,
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
        Ok(Self { app, window, signals, recall: Recall::default() })
    }

    /// Serves the window to its end, from this step on.
    pub(super) async fn serve(mut self, first: Step) -> Result<(), CliError> {
        let mut step = first;
        loop {
            let next = match step {
                #[cfg(unix)]
                Step::Attach(up) => self.attached(up).await,
                Step::Run(unlocked) => self.run(*unlocked).await?,
                Step::Mend(released, only) => self.mend(released, only).await,
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
        // That was of a device that this window had open.
        self.recall = Recall::default();
        let mut attached = match super::attached::Attached::to(up) {
            Ok(attached) => attached,
            Err(error) => return Some(Step::Barred(attendant::told(error), Again::Up)),
        };
        let over = self.follow(&mut attached.near, Place::Up).await;
        let left = block_in_place(|| attached.leave());
        match (over, left) {
            (Over::Closed, _) => None,
            (_, Err(error)) if error != crate::control::ended() => {
                Some(Step::Barred(attendant::told(error), Again::Up))
            }
            (_, _) => Some(Step::Stopped(None)),
        }
    }

    /// Runs the worker here. `None` if the window is closed.
    async fn run(&mut self, unlocked: Unlocked) -> Result<Option<Step>, CliError> {
        let released = Box::new(unlocked.released());
        let (worker, handle) = match net::open(self.app, unlocked).await {
            Ok(opened) => opened,
            Err(error) => return Ok(Some(Step::barred(error, released))),
        };
        let (over, ended) = self.keep(worker, handle, &released).await;
        self.after(over, ended, released)
    }

    /// What comes after a worker that ran here.
    fn after(
        &self,
        over: Over,
        ended: Result<(), WorkerError>,
        released: Box<Released>,
    ) -> Result<Option<Step>, CliError> {
        match (over, ended) {
            // Nobody is left who would see it in the window.
            (Over::Closed, ended) => {
                ended.map(|()| None).map_err(|error| failure::worker(&error, self.app.home().dir()))
            }
            // However it ended, nobody has the journals open now.
            (Over::Repair(only), _) => Ok(Some(Step::Mend(released, only))),
            (Over::Left, ended) => {
                let error = ended.err().unwrap_or(WorkerError::Crashed);
                let error = failure::worker(&error, self.app.home().dir());
                let hint = "try again; report it if it happens again, with what `verso panel -vv` tells".to_owned();
                Ok(Some(Step::barred(CliError { hint, ..error }, released)))
            }
        }
    }

    /// Keeps the device in step and the window shown, until one of them ends; then both have. Others may have their commands carried out meanwhile.
    async fn keep(
        &mut self,
        worker: SyncWorker<Graph>,
        handle: WorkerHandle<Graph>,
        identity: &Released,
    ) -> (Over, Result<(), WorkerError>) {
        let (notices, screen) = (worker.notices().clone(), Screen::default());
        let (mut near, far) = seam::new();
        let around = Around { notices: &notices, screen: screen.clone(), recall: std::mem::take(&mut self.recall) };
        let mut attendant = Attendant::new(handle.clone(), far, around);
        let twin = DeviceKey::from_secret(&identity.key.to_secret());
        let control = Control::open(self.app, &handle, twin, Begun { notices, screen });
        let shutdown = CancellationToken::new();
        let mut run = tokio::spawn(worker.run(shutdown.clone()));
        let attending = tokio::spawn(async move { attendant.attend().await });
        let (over, ended) = tokio::select! {
            over = self.follow(&mut near, Place::Here) => (over, None),
            ended = &mut run => (Over::Left, Some(ended)),
        };
        if !matches!(over, Over::Closed) {
            self.opening("Closing this device");
        }
        attending.abort();
        control.close().await;
        shutdown.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => run.await,
        };
        let told = near.states.borrow().as_ref().map(|state| state.activity.clone());
        self.recall.activity = told.unwrap_or_default();
        (over, ended.unwrap_or(Err(WorkerError::Crashed)))
    }

    /// Mends journals. What came of it is told in the panel, when the device is open again. `None` if the window is closed.
    async fn mend(&mut self, released: Box<Released>, only: Option<WorkspaceId>) -> Option<Step> {
        self.recall.begin_repair(only);
        let repaired = self.repair(&released, only).await.transpose()?;
        self.recall.end_repair(only, repaired);
        self.opening("Opening this device");
        Some(block_in_place(|| Step::again(self.app, released)))
    }

    /// Does what `log repair` does. Whoever closes the window has it end as soon as what is under way on the disk is done, and `None` is what comes of it.
    async fn repair(&mut self, released: &Released, only: Option<WorkspaceId>) -> Result<Option<Repaired>, CliError> {
        let app = self.app;
        self.mending("Looking at all that was recorded");
        let mut repair = block_in_place(|| Repair::begin(app, app.home().take(released)?, only))?;
        if repair.is_lacking() {
            self.mending("Fetching what is missing from your other devices");
            let stop = async {
                self.closed().await;
                Ok(())
            };
            repair = repair.fetch(PATIENCE, stop).await?;
        }
        if self.is_closed().await {
            return Ok(None);
        }
        self.mending("Verifying all of it");
        block_in_place(|| repair.end()).map(Some)
    }

    /// Waits until the window is closed, or is to be. What is asked for until then was asked for before the journals were being mended.
    async fn closed(&mut self) {
        loop {
            tokio::select! {
                asked = self.window.asked.recv() => if asked.is_none() { return },
                () = self.signals.recv() => self.window.asked.close(),
            }
        }
    }

    async fn is_closed(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.closed() => true,
            () = std::future::ready(()) => false,
        }
    }

    /// Hands states and actions on, until one of the two ends is gone.
    async fn follow(&mut self, near: &mut Near<PanelState, PanelAction>, place: Place) -> Over {
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
                    Some(Asked::Panel(PanelAction::Repair { workspace })) if place == Place::Here => {
                        return Over::Repair(workspace);
                    }
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
        let mut again = None;
        let (gate, patience) = match step {
            Step::Make(failure) => {
                self.opening("Looking for a place for the key");
                (Gate::NoDevice(block_in_place(|| doorkeeper::first_run(app, failure))), Patience::ForUp)
            }
            Step::Unlock(failure) => (Gate::Locked { failure }, Patience::ForUp),
            Step::Stopped(failure) => (Gate::Stopped { failure }, Patience::ForUp),
            Step::Barred(failure, way) => {
                // A `verso up` that bars the way to itself does so until somebody did something about it.
                let patience = if matches!(way, Again::Up) { Patience::ForPerson } else { Patience::ForUp };
                let is_mendable = matches!(way, Again::Mended(_));
                again = Some(way);
                (Gate::Barred { failure, is_mendable }, patience)
            }
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
        Some(block_in_place(|| match (action, again) {
            (GateAction::Make { name, keep }, _) => Step::make(app, name, keep),
            (GateAction::Unlock { passphrase }, _) => {
                Step::with_passphrase(app, Zeroizing::new(passphrase.into_text()))
            }
            (GateAction::Repair, Some(Again::Here(released) | Again::Mended(released))) => Step::Mend(released, None),
            (GateAction::Retry, Some(Again::Here(released) | Again::Mended(released))) => Step::again(app, released),
            #[cfg(unix)]
            (GateAction::Retry, _) => Step::to_up(app).unwrap_or(Step::Stopped(None)),
            _ => Step::here(app),
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
                        && let Some(step) = block_in_place(|| Step::to_up(self.app))
                    {
                        return News::Up(step);
                    }
                }
            }
        }
    }

    fn mending(&self, what: &str) {
        self.show(Shown::Gate(Gate::Mending { what: what.to_owned() }));
    }

    fn opening(&self, what: &str) {
        self.show(Shown::Gate(Gate::Opening { what: what.to_owned() }));
    }

    fn show(&self, shown: Shown) {
        self.window.states.send_replace(Some(shown));
    }
}

//! `panel`: the Sync Panel in a window.
//!
//! Three parts, which know of each other only the [`seam`]: the [`window`] shows states and hands over actions; the [`attendant`] has the device and
//! the worker, makes the states and carries the actions out. Another attendant, such as one at the far end of a socket, needs nothing of the window.

mod attendant;
mod carry;
mod ceremony;
mod mapping;
mod seam;
mod window;

use std::sync::mpsc;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::command::up::Control;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::home::Unlocked;
use crate::net::{self, Signals};
use attendant::Attendant;
use seam::Far;

/// Shows the window until it is closed. The worker runs as long.
pub(crate) fn run(app: &App) -> Result<(), CliError> {
    // Whoever has to type a passphrase does it before there is a window.
    let unlocked = app.unlock()?;
    let (near, far) = seam::new();
    let (ready, started) = mpsc::channel();
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || net::block_on(serve(app, unlocked, far, ready)));
        let shown = match started.recv() {
            Ok(first) => window::show(near, first),
            // It did not start, and says why.
            Err(_ended) => Ok(()),
        };
        let served = serving.join().unwrap_or_else(|_panic| {
            let hint = "run the command again, and report it if it goes on";
            Err(CliError::new(Exit::Failed, "the panel ended", "by a defect of the program", hint))
        });
        served?;
        shown.map_err(|why| {
            let hint = "run it in a graphical session; `verso up` and `verso status --watch` need none";
            CliError::new(Exit::Failed, "can't open a window", why, hint)
        })
    })
}

/// Runs the worker, and attends to the window until that is closed or a signal comes.
async fn serve(
    app: &App,
    unlocked: Unlocked,
    far: Far,
    ready: mpsc::Sender<verso_panel::PanelState>,
) -> Result<(), CliError> {
    let mut signals = Signals::listen(app.output.seat())?;
    let twin = verso_identity::DeviceKey::from_secret(&unlocked.key.to_secret());
    let (worker, handle) = net::open(app, unlocked).await?;
    let control = Control::open(app, &handle, twin, worker.notices().clone());
    let shutdown = CancellationToken::new();
    let closing = far.closing();
    let mut attendant = Attendant::new(handle, far, attendant::damaged(worker.notices()));
    let mut run = tokio::spawn(worker.run(shutdown.clone()));
    if let Some(first) = attendant.state().await {
        // Whoever waits for it opens the window.
        drop(ready.send(first));
    }
    drop(ready);
    let ended = tokio::select! {
        () = attendant.attend() => None,
        () = signals.recv() => None,
        ended = &mut run => Some(ended),
    };
    closing.close();
    drop(attendant);
    control.close().await;
    shutdown.cancel();
    let ended = match ended {
        Some(ended) => ended,
        None => run.await,
    };
    let ended = ended.unwrap_or(Err(verso_worker::WorkerError::Crashed));
    ended.map_err(|error| failure::worker(&error, app.home().dir()))
}

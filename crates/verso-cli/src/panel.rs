//! `panel`: the Sync Panel in a window.
//!
//! The [`window`] shows states and hands over what is asked for, through a [`seam`]. At the other side of it a [`Service`] leads it to a device that is open:
//! in this process, with an [`attendant`] that has the worker, makes the states and carries the actions out; or in a `verso up`, where such an attendant is
//! [`hosted`] by the control socket and this window [`attached`] to it. Neither the window nor the attendant knows which.

#[cfg(unix)]
mod attached;
mod attendant;
mod carry;
mod ceremony;
mod doorkeeper;
#[cfg(unix)]
mod hosted;
mod mapping;
mod recall;
mod seam;
mod service;
mod window;

use crate::app::App;
use crate::error::{CliError, Exit};
use crate::net;
use doorkeeper::Step;
use service::Service;

/// Shows the window until it is closed; within a `verso up`, attends to one that belongs to another process.
pub(crate) fn run(app: &App) -> Result<(), CliError> {
    #[cfg(unix)]
    if let Some(host) = &app.host {
        return hosted::run(app, host);
    }
    // What fails now fails in the terminal, and who can type a passphrase there does it before there is a window.
    let first = Step::first(app)?;
    let (near, far) = seam::new();
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || net::block_on(async { Service::new(app, far)?.serve(first).await }));
        let shown = window::show(near);
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

//! The panel of a window that belongs to another process, attended to where the device is open: its states are the command's standard output, a line each,
//! and what is asked for is its standard input, a piece each. Both are JSON.

use tokio::sync::oneshot;
use verso_panel::PanelAction;
use zeroize::Zeroizing;

use super::attendant::{Around, Attendant};
use super::recall::Recall;
use super::seam;
use crate::app::App;
use crate::control::Host;
use crate::error::{CliError, Exit};
use crate::output;
use crate::seat::Seat;

/// Ends a state. JSON has none within.
pub(super) const END: u8 = b'\n';

/// Attends to the window until it is closed, or the device is.
pub(super) fn run(app: &App, host: &Host) -> Result<(), CliError> {
    let Seat::Away(guest) = app.output.seat() else { return Err(crate::control::ended()) };
    let (mut near, far) = seam::new();
    let around = Around { notices: host.opened(), screen: host.screen().clone(), recall: Recall::default() };
    let mut attendant = Attendant::new(host.worker().clone(), far, around);
    let attending = host.runtime().spawn(async move { attendant.attend().await });
    let Some(mut input) = guest.input() else { return Err(crate::control::ended()) };
    let asked = near.asked;
    let (puzzled, mut puzzle) = oneshot::channel();
    host.runtime().spawn(async move {
        while let Some(piece) = input.recv().await {
            let is_heard = match serde_json::from_slice::<PanelAction>(&piece) {
                Ok(action) => asked.send(action).await.is_ok(),
                Err(error) => {
                    drop(puzzled.send(error));
                    break;
                }
            };
            if !is_heard {
                break;
            }
        }
        // Without anybody who asks, the attendant ends, and with it the command.
        drop(asked);
    });
    while host.runtime().block_on(near.states.changed()).is_ok() {
        // It may take long to send: whoever reads slowly is shown fewer states, and keeps nobody waiting.
        let state = near.states.borrow_and_update().clone();
        let mut line = Zeroizing::new(serde_json::to_vec(&state).map_err(|error| nonsense(&error))?);
        line.push(END);
        match guest.print(&line) {
            Ok(()) => {}
            Err(error) => {
                output::written(&error)?;
                break;
            }
        }
    }
    attending.abort();
    puzzle.try_recv().map_or(Ok(()), |error| Err(nonsense(&error)))
}

fn nonsense(error: &serde_json::Error) -> CliError {
    let hint = "end that `verso up`, and start it again with the program that you use now";
    CliError::because(Exit::Failed, "the window and `verso up` don't understand each other", error, hint)
}

//! What people answer while two devices are paired: yes or no, and nearby the code on the other screen.

use verso_pairing::NearbyCode;
use verso_worker::PairingEvent;

use super::agreement::{self, Consent};
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::prompt::Person;
use crate::seat::Seat;

/// Asks the person what a pairing wants to know, and gives the answer. Everything else may go on meanwhile.
pub(super) async fn respond(event: PairingEvent, consent: Consent, output: &Output) -> Result<(), CliError> {
    let is_heard = match event {
        PairingEvent::Confirm { summary, answer } => {
            answer.send(agreement::answer(&summary, consent, output).await?).is_ok()
        }
        PairingEvent::Compare { code, left, answer } => match typed(output.seat().clone(), code, left).await? {
            Some(typed) => answer.send(typed).is_ok(),
            // Dropped, it is no.
            None => true,
        },
        _ => true,
    };
    if !is_heard {
        output.note("The other device went away meanwhile.");
    }
    Ok(())
}

/// Tells the person at a question that it is not worth answering any more. Also a script has somebody to answer it.
pub(super) fn past(output: &Output, what: &str) {
    output.seat().tell(&format!("\n{what}; press Enter."));
}

/// Makes sure that somebody can type a code, before anything is looked for.
pub(super) fn require_somebody(person: &impl Person, what: &str) -> Result<(), CliError> {
    if person.is_there() {
        return Ok(());
    }
    let why = "somebody has to type the code on the other screen, and there is no terminal to ask at";
    Err(CliError::new(Exit::Usage, what, why, "run it in a terminal; a script joins by a link or by words"))
}

/// Shows the code of this screen, and asks for the one on the other. Nothing is no.
async fn typed(seat: Seat, code: NearbyCode, left: Option<u8>) -> Result<Option<NearbyCode>, CliError> {
    let asking = tokio::task::spawn_blocking(move || {
        match left {
            None => seat.tell(&format!(
                "A device nearby wants to be paired. Each of you types what the other screen shows.\n  this screen  {code}"
            )),
            Some(left) => seat.tell(&format!(
                "That is not what the other screen shows; {left} more {}.\n  this screen  {code}",
                if left == 1 { "try" } else { "tries" }
            )),
        }
        seat.code("The code on the other screen (nothing to stop)")
    });
    let text = asking.await.unwrap_or(Ok(String::new())).map_err(|error| {
        let why = if error.kind() == std::io::ErrorKind::Interrupted {
            "it was stopped at the question".to_owned()
        } else {
            format!("the terminal can't be read: {error}")
        };
        CliError::new(Exit::Failed, "can't compare codes", why, "run the command again")
    })?;
    Ok(text.parse().ok())
}

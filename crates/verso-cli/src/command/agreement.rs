//! What both people see before two devices are paired, and their yes or no.

use std::io::{self, Write};

use verso_pairing::{CodeError, Direction, Summary};
use verso_trust::{Access, PeerRole};
use verso_worker::Answer;

use crate::app::App;
use crate::error::{CliError, Exit};
use crate::output::{Output, Paint, shown};
use crate::prompt::{self, Person};

/// Whether somebody is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// At the terminal.
    Asked,
    /// It was given on the command line.
    Given,
}

impl From<bool> for Consent {
    fn from(yes: bool) -> Self {
        if yes { Self::Given } else { Self::Asked }
    }
}

/// Makes sure that there will be an answer, before anything is shown or dialled.
pub(super) fn require_answer(person: &impl Person, consent: Consent, what: &str) -> Result<(), CliError> {
    if consent == Consent::Asked && !person.is_there() {
        return Err(prompt::nobody_to_agree(what));
    }
    Ok(())
}

/// Tells what will happen, and gets the answer. Everything else may go on meanwhile.
pub(super) async fn answer(summary: &Summary, consent: Consent, output: &Output) -> Result<Answer, CliError> {
    let text = told(summary);
    if consent == Consent::Given {
        output.note(text);
        return Ok(Answer::Yes);
    }
    let question = format!("Pair with {}?", shown(summary.name.as_str()));
    let seat = output.seat().clone();
    let asking = tokio::task::spawn_blocking(move || {
        seat.tell(&text);
        prompt::consent(&seat, "can't pair", &question)
    });
    let agreed = asking.await.unwrap_or(Ok(false))?;
    Ok(if agreed { Answer::Yes } else { Answer::No })
}

/// Says what will happen.
fn told(summary: &Summary) -> String {
    let name = shown(summary.name.as_str());
    let role = match summary.terms.role() {
        PeerRole::Own => "another device of yours",
        PeerRole::Friend => "a friend's device",
    };
    let effect = match summary.direction {
        Direction::Both => "each gets all workspaces of the other, to read and to write",
        Direction::Gives => "it gets access to workspaces of this device",
        Direction::Receives => "this device gets access to workspaces of the other",
        Direction::Nothing => "neither gets access to anything yet",
    };
    let text = format!(
        "The other device is {name}.\n  fingerprint  {}  (its `verso id` shows the same)\n  role         {role}\n  effect       {effect}",
        summary.fingerprint
    );
    let listed = summary.terms.workspaces().iter().map(|workspace| {
        let access = match workspace.access {
            Access::ReadOnly => "to read",
            Access::ReadWrite => "to read and to write",
        };
        format!("\n  workspace    {}, {access}", shown(workspace.name.as_str()))
    });
    [text].into_iter().chain(listed).collect()
}

/// Whether `verso up` runs on this device, so that what was done is served and synced already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Up {
    Runs,
    DoesNotRun,
}

impl Up {
    pub(super) const fn of(app: &App) -> Self {
        if app.host.is_some() { Self::Runs } else { Self::DoesNotRun }
    }
}

/// Says what comes after a pairing.
pub(super) fn write_next(out: &mut dyn Write, paint: Paint, up: Up) -> io::Result<()> {
    let next = match up {
        Up::Runs => "verso up on the other device; here it runs",
        Up::DoesNotRun => "verso up, on both devices",
    };
    writeln!(out, "{} {next}", paint.faint("next:"))
}

/// The word for JSON.
pub(super) const fn role_code(role: PeerRole) -> &'static str {
    match role {
        PeerRole::Own => "own",
        PeerRole::Friend => "friend",
    }
}

/// A code that is none.
pub(crate) fn no_code(error: &CodeError) -> CliError {
    let (what, hint) = match error {
        CodeError::Words(_) => ("can't read the words", "type the six words that `verso pair` shows, in their order"),
        _ => ("can't read the link", "copy the whole link that `verso pair` shows, in quotes, or type its six words"),
    };
    CliError::because(Exit::Usage, what, error, hint)
}

//! `workspace leave`: this device goes on without a workspace.

use std::io::{self, Write};

use serde::Serialize;
use verso_trust::PeerRole;

use super::agreement::{self, Consent};
use crate::app::App;
use crate::error::{CliError, Exit};
use crate::failure;
use crate::find::{self, Named};
use crate::output::{Paint, Report, shown};
use crate::prompt;

const CANT_LEAVE: &str = "can't leave the workspace";

pub(super) fn run(app: &App, workspace: &str, consent: Consent) -> Result<(), CliError> {
    agreement::require_answer(app.output.seat(), consent, CANT_LEAVE)?;
    let mut device = app.device()?;
    let Named { id, name } = find::workspace(&device, Some(workspace), &app.settings)?;
    let others = device.replica().trust().peers().any(|peer| peer.role == PeerRole::Own);
    let yours = if others { " Your other devices keep it." } else { "" };
    app.output.note(format_args!(
        "This device gets no more of {} and sends no more of it.{yours} What it has of it stays here to be read, and \
         can't be changed any more; what it wrote before counts for all others.",
        shown(&name)
    ));
    let question = format!("Leave {}?", shown(&name));
    let asked = || prompt::consent(app.output.seat(), CANT_LEAVE, &question);
    if consent == Consent::Asked && !device.apart(asked)?? {
        device.close()?;
        return Err(CliError::new(Exit::Failed, CANT_LEAVE, "you said no", "nothing was changed"));
    }
    let now = device.now();
    device.replica_mut().leave(&id, now).map_err(|error| failure::decision(&error, CANT_LEAVE))?;
    device.close()?;
    app.output.note("Others learn of it at the next contact: `verso up`. `verso workspace join` takes it back.");
    app.output.print(&Left { workspace: Place { id: id.to_hex(), name } })
}

#[derive(Debug, Serialize)]
struct Left {
    workspace: Place,
}

#[derive(Debug, Serialize)]
struct Place {
    id: String,
    name: String,
}

impl Report for Left {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        writeln!(out, "left {}", shown(&self.workspace.name))
    }
}

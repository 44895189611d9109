//! `import`: a graph from a file, in batches that are each durable before the next is read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;
use tokio_util::sync::CancellationToken;
use verso_identity::WorkspaceId;

use super::peers;
use crate::app::App;
use crate::args::{ImportFormat, WorkspaceOption};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::find;
use crate::import::{FileFormat, Import, ImportCounts};
use crate::output::Output;
use crate::progress::Bar;
use crate::seat::Seat;

pub(crate) fn run(app: &App, file: &Path, workspace: &WorkspaceOption, format: ImportFormat) -> Result<(), CliError> {
    let mut device = app.device()?;
    let workspace = find::workspace(&device, workspace.workspace.as_deref(), &app.settings)?;
    let stop = Stop::at_interrupt(app.output.seat())?;
    let named = Named { file, at: &app.path(file), format: format.into() };
    let counts = import(&mut device, &workspace.id, named, &app.output, &stop);
    let is_alone = peers::rows(&device).is_empty();
    // What was done is whole, also if the rest failed.
    let closed = device.close();
    let counts = counts?;
    closed?;
    app.output.print(&counts)?;
    if is_alone && counts.nodes > 0 {
        let next = app.output.stdout().faint("next:");
        app.output.tell(format_args!("{next} verso show, and verso pair with another device of yours"))?;
    }
    Ok(())
}

/// A file that was named, and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    pub(crate) file: &'a Path,
    pub(crate) at: &'a Path,
    pub(crate) format: FileFormat,
}

/// Imports a file into a workspace; all of it is durable when this returns. Between batches others get at the device, if it is borrowed.
pub(crate) fn import(
    device: &mut Device,
    workspace: &WorkspaceId,
    Named { file, at, format }: Named<'_>,
    output: &Output,
    stop: &Stop,
) -> Result<ImportCounts, CliError> {
    let what = format!("can't import {}", file.display());
    let bar = Bar::new(output);
    let told = |error: crate::import::ImportError| error.to_cli(file);
    let mut import = device.apart(|| Import::check(at, format, &mut |progress| bar.show(progress)))?.map_err(told)?;
    loop {
        if stop.is_wanted() {
            let why = format!("it was stopped after {} intents, which are kept", import.counts().intents);
            return Err(CliError::new(Exit::Failed, what, why, "run it again: it goes on where it stopped"));
        }
        let Some(intents) = import.next_batch(device.graph(workspace)?).map_err(told)? else { break };
        device.commit(workspace, &intents, &what)?;
        device.flush()?;
        bar.show(import.progress());
        device.apart(|| ())?;
    }
    Ok(import.counts())
}

/// Whether the person wants it to end. A second Ctrl-C ends the process at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    wanted: Arc<AtomicBool>,
    /// The person sits at another process.
    away: Option<CancellationToken>,
}

impl Stop {
    /// Listens to Ctrl-C from now on.
    pub(crate) fn at_interrupt(seat: &Seat) -> Result<Self, CliError> {
        let mut stop = Self::default();
        if let Seat::Away(guest) = seat {
            stop.away = Some(guest.interruption());
            return Ok(stop);
        }
        flag::register_conditional_default(SIGINT, Arc::clone(&stop.wanted))
            .and_then(|_id| flag::register(SIGINT, Arc::clone(&stop.wanted)))
            .map_err(|error| {
                let hint = "run the command again";
                CliError::because(Exit::Failed, "can't listen to Ctrl-C", &error, hint)
            })?;
        Ok(stop)
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst) || self.away.as_ref().is_some_and(CancellationToken::is_cancelled)
    }
}

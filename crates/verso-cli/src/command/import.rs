//! `import`: a graph from a file, in batches that are each durable before the next is read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;
use verso_identity::WorkspaceId;

use crate::app::App;
use crate::args::{ImportFormat, WorkspaceOption};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::find;
use crate::import::{FileFormat, Import, ImportCounts};
use crate::output::Output;
use crate::progress::Bar;

pub(crate) fn run(app: &App, file: &Path, workspace: &WorkspaceOption, format: ImportFormat) -> Result<(), CliError> {
    let mut device = app.device()?;
    let workspace = find::workspace(&device, workspace.workspace.as_deref(), &app.settings)?;
    let counts = import(&mut device, &workspace.id, (file, format.into()), app.output, &Stop::at_interrupt()?);
    // What was done is whole, also if the rest failed.
    let closed = device.close();
    let counts = counts?;
    closed?;
    app.output.print(&counts)
}

/// Imports a file into a workspace; all of it is durable when this returns.
pub(crate) fn import(
    device: &mut Device,
    workspace: &WorkspaceId,
    (file, format): (&Path, FileFormat),
    output: Output,
    stop: &Stop,
) -> Result<ImportCounts, CliError> {
    let what = format!("can't import {}", file.display());
    let bar = Bar::new(output);
    let told = |error: crate::import::ImportError| error.to_cli(file);
    let mut import = Import::check(file, format, &mut |progress| bar.show(progress)).map_err(told)?;
    loop {
        if stop.is_wanted() {
            let why = format!("it was stopped after {} intents, which are kept", import.counts().intents);
            return Err(CliError::new(Exit::Failed, what, why, "run it again: it goes on where it stopped"));
        }
        let Some(intents) = import.next_batch(device.graph(workspace)?).map_err(told)? else { break };
        device.commit(workspace, &intents, &what)?;
        device.flush()?;
        bar.show(import.progress());
    }
    Ok(import.counts())
}

/// Whether the person wants it to end. A second Ctrl-C ends the process at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    wanted: Arc<AtomicBool>,
}

impl Stop {
    /// Listens to Ctrl-C from now on.
    pub(crate) fn at_interrupt() -> Result<Self, CliError> {
        let stop = Self::default();
        flag::register_conditional_default(SIGINT, Arc::clone(&stop.wanted))
            .and_then(|_id| flag::register(SIGINT, Arc::clone(&stop.wanted)))
            .map_err(|error| {
                let hint = "run the command again";
                CliError::because(Exit::Failed, "can't listen to Ctrl-C", &error, hint)
            })?;
        Ok(stop)
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }
}

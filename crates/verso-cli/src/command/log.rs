//! `log`: the journals of a device, looked at and looked after. A file a command.

use verso_identity::WorkspaceId;

use crate::app::App;
use crate::args::{LogCommand, WorkspaceOption};
use crate::device::Device;
use crate::error::CliError;
use crate::find;

mod compact;
pub(crate) mod repair;
mod stats;
mod tail;
mod verify;

pub(crate) fn run(app: &App, wanted: &LogCommand) -> Result<(), CliError> {
    match wanted {
        LogCommand::Tail { n, workspace } => tail::run(app, usize::from(*n), workspace),
        LogCommand::Verify { workspace } => verify::run(app, workspace),
        LogCommand::Stats { workspace } => stats::run(app, workspace),
        LogCommand::Repair { workspace, wait } => repair::run(app, workspace, *wait),
        LogCommand::Compact { workspace } => compact::run(app, workspace),
    }
}

/// What people call the journal that tells whom a device trusts. No workspace has this name and the reserved id.
const CONTROL: &str = "(trust)";

/// The journal of a workspace, or the one of trust.
#[derive(Debug)]
struct Log {
    id: WorkspaceId,
    name: String,
}

/// The journals that are meant: that of the workspace named, or all.
fn logs(device: &Device, workspace: &WorkspaceOption, app: &App) -> Result<Vec<Log>, CliError> {
    let log = |named: find::Named| Log { id: named.id, name: named.name };
    if workspace.workspace.is_some() {
        return Ok(vec![log(find::workspace(device, workspace.workspace.as_deref(), &app.settings)?)]);
    }
    let control = Log { id: WorkspaceId::CONTROL, name: CONTROL.to_owned() };
    Ok(find::workspaces(device).into_iter().map(log).chain([control]).collect())
}

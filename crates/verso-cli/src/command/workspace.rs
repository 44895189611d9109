//! `workspace`: making and listing workspaces.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;
use verso_graph::MAX_LABEL;
use verso_identity::WorkspaceId;
use verso_trust::Access;

use super::{leave, sharing};
use crate::app::App;
use crate::args::WorkspaceCommand;
use crate::error::{CliError, Exit};
use crate::find;
use crate::output::{Paint, Report, grouped, shown};
use crate::table::Table;

pub(crate) fn run(app: &App, wanted: &WorkspaceCommand) -> Result<(), CliError> {
    match wanted {
        WorkspaceCommand::New { name } => new(app, name),
        WorkspaceCommand::List => list(app),
        WorkspaceCommand::Rename { workspace, name } => sharing::rename_workspace(app, workspace, name),
        WorkspaceCommand::Share { workspace, peer, access } => sharing::share(app, workspace, peer, access.access()),
        WorkspaceCommand::Unshare { workspace, peer } => sharing::unshare(app, workspace, peer),
        WorkspaceCommand::Join { workspace } => sharing::join(app, workspace),
        WorkspaceCommand::Leave { workspace, yes } => leave::run(app, workspace, (*yes).into()),
    }
}

fn new(app: &App, name: &str) -> Result<(), CliError> {
    check_name(name, "can't make the workspace")?;
    let mut device = app.device()?;
    let has_twin = find::workspaces(&device).iter().any(|workspace| workspace.name == name);
    let id = device.found(name)?;
    device.close()?;
    if has_twin {
        app.output.note("There is another workspace of this name; name them by their ids.");
    }
    app.output.print(&New { id: id.to_hex(), name: name.to_owned() })
}

/// Makes sure that a workspace can be called so.
pub(super) fn check_name(name: &str, what: &str) -> Result<(), CliError> {
    if name.trim().is_empty() {
        return Err(CliError::new(Exit::Usage, what, "its name is empty", "give it a name, such as garden"));
    }
    if name.len() > MAX_LABEL {
        let why = format!("its name has {} bytes, at most {MAX_LABEL} are allowed", name.len());
        return Err(CliError::new(Exit::Usage, what, why, "make it shorter"));
    }
    Ok(())
}

fn list(app: &App) -> Result<(), CliError> {
    let device = app.device()?;
    let left: BTreeSet<WorkspaceId> = device.replica().left_workspaces().collect();
    let workspaces = find::workspaces(&device)
        .into_iter()
        .map(|workspace| {
            let counts = device.graph(&workspace.id)?.counts();
            let access = device.replica().access(&workspace.id);
            let is_left = left.contains(&workspace.id);
            Ok(Row {
                id: workspace.id.to_hex(),
                name: workspace.name,
                nodes: counts.nodes,
                edges: counts.edges,
                access: if is_left { "left" } else { access.map_or("none", access_code) },
            })
        })
        .collect::<Result<_, CliError>>()?;
    let names = device.replica().known_peers(device.now());
    let offers = device.replica().pending_offers().map(|offer| Offer {
        id: offer.workspace.to_hex(),
        name: offer.name,
        access: access_code(offer.access),
        from: names.get(&offer.from).cloned().unwrap_or_default(),
    });
    let offers = offers.collect();
    device.close()?;
    app.output.print(&List { workspaces, offers })
}

/// What to do with a workspace that has nothing in it.
pub(super) const FILL: &str = "verso import FILE with a browser's bookmarks, or verso node add URL";

/// The word for JSON.
pub(crate) const fn access_code(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "ro",
        Access::ReadWrite => "rw",
    }
}

#[derive(Debug, Serialize)]
struct New {
    id: String,
    name: String,
}

impl Report for New {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "made {} {}", paint.strong(shown(&self.name)), paint.faint(&self.id))?;
        writeln!(out, "{} {FILL}", paint.faint("next:"))
    }
}

#[derive(Debug, Serialize)]
struct List {
    workspaces: Vec<Row>,
    /// What friends offer and nobody has joined.
    offers: Vec<Offer>,
}

#[derive(Debug, Serialize)]
struct Offer {
    id: String,
    name: String,
    access: &'static str,
    /// Who offers it.
    from: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    nodes: usize,
    edges: usize,
    /// What this device may do in it; `none` before another device has vouched for it, `left` if it is without it since.
    access: &'static str,
}

impl Report for List {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        for offer in &self.offers {
            let (name, from) = (shown(&offer.name), shown(&offer.from));
            writeln!(out, "{from} offers {name} ({}): take it with `verso workspace join {name}`.", offer.access)?;
        }
        if self.workspaces.is_empty() {
            return writeln!(out, "There is no workspace yet: make one with `verso workspace new NAME`.");
        }
        let mut table = Table::new(["name", "nodes", "edges", "access", "id"]);
        for row in &self.workspaces {
            let [nodes, edges] = [row.nodes, row.edges].map(|count| grouped(u64::try_from(count).unwrap_or(u64::MAX)));
            table.row([shown(&row.name), nodes, edges, row.access.to_owned(), row.id.clone()]);
        }
        table.write(out, paint)
    }
}

//! `conflicts`: what is to be decided, and deciding it.

use std::io::{self, Write};

use serde::Serialize;
use verso_graph::{Choice, Conflict, ConflictId, Graph, Intent, Side, What};
use verso_identity::WorkspaceId;

use super::author::Made;
use crate::app::App;
use crate::args::{ConflictsCommand, ResolveChoice, WorkspaceOption};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::find::{self, Named};
use crate::output::{Paint, Report, shown};

pub(crate) fn run(app: &App, wanted: Option<&ConflictsCommand>, workspace: &WorkspaceOption) -> Result<(), CliError> {
    match wanted {
        None => list(app, workspace),
        Some(ConflictsCommand::Resolve { id, choice, workspace }) => {
            decide(app, workspace, id, |graph, id| resolution(graph, id, *choice))
        }
        Some(ConflictsCommand::Pick { id, value, workspace }) => {
            decide(app, workspace, id, |graph, id| pick(graph, id, value))
        }
    }
}

/// Returns the workspaces that are meant: all, unless one is named.
fn places(app: &App, device: &Device, wanted: &WorkspaceOption) -> Result<Vec<Named>, CliError> {
    match wanted.workspace.as_deref() {
        None if app.settings.workspace.is_none() => Ok(find::workspaces(device)),
        wanted => Ok(vec![find::workspace(device, wanted, &app.settings)?]),
    }
}

fn list(app: &App, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let device = app.device()?;
    let mut conflicts = Vec::new();
    for place in places(app, &device, workspace)? {
        let graph = device.graph(&place.id)?;
        conflicts.extend(graph.conflicts().iter().map(|conflict| Row::new(&device, graph, &place, conflict)));
    }
    device.close()?;
    app.output.print(&List { conflicts })
}

fn decide(
    app: &App,
    workspace: &WorkspaceOption,
    wanted: &str,
    intent: impl FnOnce(&Graph, &ConflictId) -> Result<Intent, CliError>,
) -> Result<(), CliError> {
    let mut device = app.device()?;
    let mut open: Vec<(WorkspaceId, ConflictId)> = Vec::new();
    for place in places(app, &device, workspace)? {
        open.extend(device.graph(&place.id)?.conflicts().iter().map(|conflict| (place.id, conflict.id)));
    }
    let (workspace, id) = find::conflict(&open, wanted)?;
    let intent = intent(device.graph(&workspace)?, &id)?;
    device.commit(&workspace, &[intent], "can't settle the conflict")?;
    device.close()?;
    let node = id.node().map(|node| node.to_hyphenated());
    app.output.print(&Settled { id: id.to_string(), kind: id.kind(), workspace: workspace.to_hex(), node })
}

fn resolution(graph: &Graph, id: &ConflictId, choice: ResolveChoice) -> Result<Intent, CliError> {
    let choice = match choice {
        ResolveChoice::Keep => Choice::Keep,
        ResolveChoice::Delete => Choice::Delete,
        ResolveChoice::Ghost => Choice::Ghost,
    };
    graph.resolution(id, choice).ok_or_else(|| {
        let why = "of values that were written at the same time one is kept; there is nothing to delete";
        let hint = "take one with `verso conflicts pick`, or `keep` what is shown";
        CliError::new(Exit::Usage, "can't settle the conflict that way", why, hint)
    })
}

/// Finds the value that is meant: by what it says, else by its number in the list.
fn pick(graph: &Graph, id: &ConflictId, wanted: &str) -> Result<Intent, CliError> {
    let sides = graph.conflict(id).map(|conflict| conflict.sides).unwrap_or_default();
    let says = sides.iter().position(|side| matches!(side.what, What::Value(value) if value == wanted));
    let number = || wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    says.or_else(number).and_then(|side| graph.pick(id, side)).ok_or_else(|| {
        let (why, hint) = match id {
            ConflictId::Deletion(_) => {
                ("a deletion has no values", "decide it with `verso conflicts resolve ID keep|delete|ghost`")
            }
            _ => ("it is none of the values, and no number of one", "see `verso conflicts`"),
        };
        CliError::new(Exit::Failed, "can't take that value", why, hint)
    })
}

/// All that is to be decided.
#[derive(Debug, Serialize)]
struct List {
    conflicts: Vec<Row>,
}

/// A conflict. Of `values`, `authors`, `names` and `times` those at one place belong together; of values the first is shown.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    kind: &'static str,
    workspace: String,
    node: Option<String>,
    title: String,
    values: Vec<String>,
    authors: Vec<String>,
    names: Vec<String>,
    times: Vec<String>,
    rule: &'static str,
    #[serde(skip)]
    told: Told,
}

/// What only people read.
#[derive(Debug)]
struct Told {
    rule: &'static str,
    sides: Vec<String>,
}

impl Row {
    fn new(device: &Device, graph: &Graph, place: &Named, conflict: &Conflict<'_>) -> Self {
        let node = conflict.id.node();
        let shown_node = node.and_then(|node| graph.node(&node));
        let title = shown_node.map_or_else(|| place.name.clone(), |node| node.title().to_owned());
        let made: Vec<Made> = conflict.sides.iter().map(|side| Made::new(device, side.stamp)).collect();
        let values: Vec<String> = conflict.sides.iter().map(|side| said(side)).collect();
        let sides = values.iter().zip(&made).map(|(value, made)| format!("{}  {}", shown(value), made.text()));
        Self {
            id: conflict.id.to_string(),
            kind: conflict.id.kind(),
            workspace: place.id.to_hex(),
            node: node.map(|node| node.to_hyphenated()),
            title,
            rule: conflict.rule.code(),
            told: Told { rule: conflict.rule.what(), sides: sides.collect() },
            authors: made.iter().map(|made| made.device.clone()).collect(),
            names: made.iter().map(|made| made.name.clone()).collect(),
            times: made.iter().map(|made| made.at.clone()).collect(),
            values,
        }
    }
}

/// What somebody wrote or did, in a word.
pub(super) fn said(side: &Side<'_>) -> String {
    match side.what {
        What::Value(value) => value.to_owned(),
        What::Deleted => "deleted".to_owned(),
        What::Activity(kind) => kind.to_owned(),
        What::Decided(Choice::Keep) => "keep".to_owned(),
        What::Decided(Choice::Ghost) => "ghost".to_owned(),
        What::Decided(Choice::Delete) => "delete".to_owned(),
    }
}

impl Report for List {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        if self.conflicts.is_empty() {
            return writeln!(out, "nothing is to be decided");
        }
        for (number, conflict) in self.conflicts.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            writeln!(out, "{}  {}", paint.strong(shown(&conflict.title)), paint.faint(&conflict.id))?;
            writeln!(out, "  {}", conflict.told.rule)?;
            for (number, side) in conflict.told.sides.iter().enumerate() {
                writeln!(out, "  {} {side}", paint.faint(number + 1))?;
            }
            let short = conflict.id.get(..conflict.kind.len() + 14).unwrap_or(&conflict.id);
            let command = match conflict.kind {
                "deletion" => format!("verso conflicts resolve {short} keep|delete|ghost"),
                _ => format!("verso conflicts pick {short} NUMBER"),
            };
            writeln!(out, "  {}", paint.faint(command))?;
        }
        Ok(())
    }
}

/// A conflict that was settled.
#[derive(Debug, Serialize)]
struct Settled {
    id: String,
    kind: &'static str,
    workspace: String,
    node: Option<String>,
}

impl Report for Settled {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "settled {}", paint.faint(&self.id))
    }
}

//! `conflicts`: what was done at once on several devices and can't stand side by side, and deciding it.

use std::io::{self, Write};

use serde::Serialize;
use verso_graph::{Choice, Conflict, ConflictId, Graph, Intent, What};
use verso_vv::Author;

use crate::app::App;
use crate::args::{ConflictsArgs, Decision, WorkspaceOption};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::find::{self, Named};
use crate::output::{Paint, Report, shown};
use crate::when;

pub(crate) fn run(app: &App, wanted: &ConflictsArgs) -> Result<(), CliError> {
    match &wanted.decision {
        None => list(app, &wanted.workspace),
        Some(Decision::Resolve { id, choice, workspace }) => {
            decide(app, workspace, id, |found| found.resolve((*choice).into()))
        }
        Some(Decision::Pick { id, value, workspace }) => decide(app, workspace, id, |found| found.pick(value)),
    }
}

fn list(app: &App, workspace: &WorkspaceOption) -> Result<(), CliError> {
    let device = app.device()?;
    let mut conflicts = Vec::new();
    for workspace in meant(app, &device, workspace)? {
        let graph = device.graph(&workspace.id)?;
        conflicts.extend(graph.conflicts().iter().map(|conflict| Row::new(&device, &workspace, graph, conflict)));
    }
    device.close()?;
    app.output.print(&List { conflicts })
}

fn decide(
    app: &App,
    workspace: &WorkspaceOption,
    id: &str,
    intent: impl FnOnce(&Found<'_>) -> Result<Intent, CliError>,
) -> Result<(), CliError> {
    let mut device = app.device()?;
    let workspaces = meant(app, &device, workspace)?;
    let (workspace, intent, decided) = {
        let found = find_conflict(&device, &workspaces, id)?;
        let decided = Decided { id: found.id.to_string(), workspace: found.workspace.id.to_hex() };
        (found.workspace.id, intent(&found)?, decided)
    };
    device.commit(&workspace, &[intent], CANT_DECIDE)?;
    device.close()?;
    app.output.print(&decided)
}

const CANT_DECIDE: &str = "can't decide the conflict";

/// The workspace that is named, or all of them.
fn meant(app: &App, device: &Device, wanted: &WorkspaceOption) -> Result<Vec<Named>, CliError> {
    match &wanted.workspace {
        Some(_) => Ok(vec![find::workspace(device, wanted.workspace.as_deref(), &app.settings)?]),
        None => Ok(find::workspaces(device)),
    }
}

/// A conflict that is open, and where.
struct Found<'a> {
    workspace: &'a Named,
    graph: &'a Graph,
    id: ConflictId,
}

/// Finds the conflict whose id, or whose node's id, is this or starts like this.
fn find_conflict<'a>(device: &'a Device, workspaces: &'a [Named], wanted: &str) -> Result<Found<'a>, CliError> {
    let wanted = wanted.to_ascii_lowercase();
    let mut found = Vec::new();
    for workspace in workspaces {
        let graph = device.graph(&workspace.id)?;
        let is_meant = |id: &ConflictId| {
            let of_node = |node: verso_graph::NodeId| node.to_hyphenated().starts_with(&wanted);
            id.to_string().starts_with(&wanted) || id.node().is_some_and(of_node)
        };
        let ids = graph.conflicts().into_iter().map(|conflict| conflict.id);
        found.extend(ids.filter(is_meant).map(|id| Found { workspace, graph, id }));
    }
    if let Some(whole) = found.iter().position(|one| one.id.to_string() == wanted)
        && found.iter().filter(|one| one.id.to_string() == wanted).count() == 1
    {
        return Ok(found.swap_remove(whole));
    }
    let many = || {
        let told = |one: &Found<'_>| format!("{} in {}", one.id, shown(&one.workspace.name));
        let why = format!("`{}` could be: {}", shown(&wanted), find::list(found.iter().map(told)));
        CliError::new(
            Exit::Usage,
            "can't tell which conflict is meant",
            why,
            "name more of its id, or the workspace with -w",
        )
    };
    match found.len() {
        1 => found.pop().ok_or_else(|| not_open(&wanted)),
        0 => Err(not_open(&wanted)),
        _ => Err(many()),
    }
}

fn not_open(wanted: &str) -> CliError {
    let why = format!("no open conflict has an id that starts with `{}`; it may be decided already", shown(wanted));
    CliError::new(Exit::Failed, "can't find the conflict", why, "see what is open with `verso conflicts`")
}

impl Found<'_> {
    fn resolve(&self, choice: Choice) -> Result<Intent, CliError> {
        self.graph.resolution(&self.id, choice).ok_or_else(|| {
            let why = format!("it is about the node's {}, and a value can only be kept or picked", self.id.kind());
            CliError::new(Exit::Usage, CANT_DECIDE, why, "say `keep`, or use `verso conflicts pick`")
        })
    }

    /// A value is meant by itself or, if none is like that, by its number in the list.
    fn pick(&self, wanted: &str) -> Result<Intent, CliError> {
        let sides = self.graph.conflict(&self.id).map(|conflict| conflict.sides).unwrap_or_default();
        let is_wanted = |what: &What<'_>| matches!(what, What::Value(value) if *value == wanted);
        let by_number = || wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let side = sides.iter().position(|side| is_wanted(&side.what)).or_else(by_number);
        side.and_then(|side| self.graph.pick(&self.id, side)).ok_or_else(|| {
            if matches!(self.id, ConflictId::Deletion(_)) {
                let why = "it is about whether the node stays, and there is no value to pick";
                return CliError::new(
                    Exit::Usage,
                    CANT_DECIDE,
                    why,
                    "say what becomes of it with `verso conflicts resolve`",
                );
            }
            let value =
                |(at, side): (usize, &verso_graph::Side<'_>)| format!("{} `{}`", at + 1, shown(&told(&side.what)));
            let why = format!("`{}` is none of: {}", shown(wanted), find::list(sides.iter().enumerate().map(value)));
            CliError::new(Exit::Usage, CANT_DECIDE, why, "give a value as it is listed, or its number")
        })
    }
}

/// What was done, in a word or as the value that was written.
pub(super) fn told(what: &What<'_>) -> String {
    match what {
        What::Value(value) => (*value).to_owned(),
        What::Deleted => "deleted".to_owned(),
        What::Activity(kind) => (*kind).to_owned(),
        What::Decided(Choice::Keep) => "keep".to_owned(),
        What::Decided(Choice::Ghost) => "ghost".to_owned(),
        What::Decided(Choice::Delete) => "delete".to_owned(),
    }
}

/// A decision that was recorded.
#[derive(Debug, Serialize)]
struct Decided {
    id: String,
    workspace: String,
}

impl Report for Decided {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{} {}", paint.good("decided"), self.id)
    }
}

/// What is open.
#[derive(Debug, Serialize)]
struct List {
    conflicts: Vec<Row>,
}

/// An open conflict. `values`, `authors`, `names` and `times` go together, what is shown first.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    kind: &'static str,
    workspace: String,
    node: Option<String>,
    /// What people know the node by, or the workspace.
    title: String,
    values: Vec<String>,
    authors: Vec<String>,
    names: Vec<String>,
    times: Vec<String>,
    rule: &'static str,
    #[serde(skip)]
    what: &'static str,
}

impl Row {
    fn new(device: &Device, workspace: &Named, graph: &Graph, conflict: &Conflict<'_>) -> Self {
        let node = conflict.id.node();
        let title = node.and_then(|node| graph.node(&node)).map(|node| match (node.title(), node.url()) {
            ("", url) => url.to_owned(),
            (title, _) => title.to_owned(),
        });
        let name = |author: &Author| device.replica().trust().name(&author.device).unwrap_or_default().to_owned();
        let stamps = || conflict.sides.iter().map(|side| side.stamp);
        Self {
            id: conflict.id.to_string(),
            kind: conflict.id.kind(),
            workspace: workspace.id.to_hex(),
            node: node.map(|node| node.to_hyphenated()),
            title: title.unwrap_or_else(|| workspace.name.clone()),
            values: conflict.sides.iter().map(|side| told(&side.what)).collect(),
            authors: stamps().map(|stamp| stamp.dot.author.device.to_hex()).collect(),
            names: stamps().map(|stamp| name(&stamp.dot.author)).collect(),
            times: stamps().map(|stamp| when::json(stamp.hlc.millis())).collect(),
            rule: conflict.rule.code(),
            what: conflict.rule.what(),
        }
    }
}

impl Report for List {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        if self.conflicts.is_empty() {
            return writeln!(out, "nothing is to be decided");
        }
        for conflict in &self.conflicts {
            writeln!(out, "{}  {}", paint.strong(shown(&conflict.title)), paint.faint(conflict.what))?;
            writeln!(out, "  id  {}", conflict.id)?;
            let who = conflict.names.iter().zip(&conflict.authors).zip(&conflict.times);
            for (number, (value, ((name, author), time))) in (1..).zip(conflict.values.iter().zip(who)) {
                let name = if name.is_empty() { author.get(..10).unwrap_or_default() } else { name };
                let by = format!("{}, {}", shown(name), when::person_reads(time));
                writeln!(out, "  {number:>2}  {}  {}", shown(value), paint.faint(by))?;
            }
            let hint = if conflict.kind == "deletion" { "resolve ID keep|delete|ghost" } else { "pick ID NUMBER" };
            writeln!(out, "  {}", paint.faint(format_args!("decide: verso conflicts {hint}")))?;
        }
        Ok(())
    }
}

//! `node`: adding, changing, showing and deleting nodes.

use std::io::{self, Write};

use serde::Serialize;
use verso_graph::{Graph, Intent, MAX_DELETED, NodeId, NodeRef};
use verso_identity::WorkspaceId;
use verso_vv::Dot;

use super::node_view::NodeView;
use crate::app::App;
use crate::args::{NodeCommand, WorkspaceOption};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::find;
use crate::output::{Paint, Report, shown};

pub(crate) fn run(app: &App, wanted: NodeCommand) -> Result<(), CliError> {
    match wanted {
        NodeCommand::Add { url, title, tags, workspace } => add(app, &workspace, &url, title.unwrap_or_default(), tags),
        NodeCommand::Title { node, title, workspace } => {
            change(app, &workspace, &node, "can't change the title", |node| {
                vec![Intent::SetTitle { node: node.id.into(), title }]
            })
        }
        NodeCommand::Url { node, url, workspace } => change(app, &workspace, &node, "can't change the url", |node| {
            vec![Intent::SetUrl { node: node.id.into(), url }]
        }),
        NodeCommand::Tag { node, tags, workspace } => change(app, &workspace, &node, "can't add the tags", |node| {
            let lacking = unique(tags).into_iter().filter(|tag| !node.tags.contains(tag));
            lacking.map(|tag| Intent::Tag { node: node.id.into(), tag }).collect()
        }),
        NodeCommand::Untag { node, tags, workspace } => {
            change(app, &workspace, &node, "can't take the tags away", |node| {
                unique(tags).into_iter().map(|tag| Intent::Untag { node: node.id.into(), tag }).collect()
            })
        }
        NodeCommand::Rm { nodes, workspace } => rm(app, &workspace, &nodes),
        NodeCommand::Show { node, workspace } => show(app, &workspace, &node),
    }
}

/// A node that is about to be changed.
struct Target {
    id: NodeId,
    tags: Vec<String>,
}

fn open(app: &App, workspace: &WorkspaceOption) -> Result<(Device, WorkspaceId), CliError> {
    let device = app.device()?;
    let workspace = find::workspace(&device, workspace.workspace.as_deref(), &app.settings)?;
    Ok((device, workspace.id))
}

fn add(app: &App, workspace: &WorkspaceOption, url: &str, title: String, tags: Vec<String>) -> Result<(), CliError> {
    let (mut device, workspace) = open(app, workspace)?;
    let mut intents = vec![Intent::AddNode { url: url.to_owned(), title }];
    intents.extend(unique(tags).into_iter().map(|tag| Intent::Tag { node: NodeRef::New(0), tag }));
    let committed = device.commit(&workspace, &intents, "can't add the node")?;
    let node = device.graph(&workspace)?.node_created_by(&Dot { author: committed.author, seq: committed.first });
    device.close()?;
    let node = node.ok_or_else(|| {
        CliError::new(Exit::Failed, "can't tell the new node's id", "it was recorded and is not shown", "report this")
    })?;
    app.output.print(&One { node: node.to_hyphenated() })
}

/// Changes one node. Nothing is recorded if there is nothing to change.
fn change(
    app: &App,
    workspace: &WorkspaceOption,
    node: &str,
    what: &str,
    intents: impl FnOnce(&Target) -> Vec<Intent>,
) -> Result<(), CliError> {
    let (mut device, workspace) = open(app, workspace)?;
    let found = find::node(device.graph(&workspace)?, node)?;
    let target = Target { id: found.id(), tags: found.tags().into_iter().map(str::to_owned).collect() };
    let intents = intents(&target);
    if !intents.is_empty() {
        device.commit(&workspace, &intents, what)?;
    }
    device.close()?;
    app.output.print(&One { node: target.id.to_hyphenated() })
}

fn rm(app: &App, workspace: &WorkspaceOption, wanted: &[String]) -> Result<(), CliError> {
    let (mut device, workspace) = open(app, workspace)?;
    let graph = device.graph(&workspace)?;
    let ids = wanted.iter().map(|node| Ok(find::node(graph, node)?.id())).collect::<Result<Vec<_>, CliError>>()?;
    let ids = unique(ids);
    let delete = |ids: &[NodeId]| Intent::DeleteNode { nodes: ids.iter().copied().map(NodeRef::Id).collect() };
    let intents: Vec<Intent> = ids.chunks(MAX_DELETED).map(delete).collect();
    device.commit(&workspace, &intents, "can't delete the nodes")?;
    device.close()?;
    app.output.print(&Many { nodes: ids.iter().map(NodeId::to_hyphenated).collect() })
}

fn show(app: &App, workspace: &WorkspaceOption, node: &str) -> Result<(), CliError> {
    let (device, workspace) = open(app, workspace)?;
    let graph: &Graph = device.graph(&workspace)?;
    let view = NodeView::new(&device, graph, &find::node(graph, node)?);
    device.close()?;
    app.output.print(&view)
}

/// What was given, each once, in the order in which it was given.
fn unique<T: PartialEq>(given: Vec<T>) -> Vec<T> {
    let mut unique = Vec::with_capacity(given.len());
    for one in given {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

/// A node that was added or changed. People get its id alone, to go on with.
#[derive(Debug, Serialize)]
struct One {
    node: String,
}

impl Report for One {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        writeln!(out, "{}", shown(&self.node))
    }
}

/// Nodes that were deleted.
#[derive(Debug, Serialize)]
struct Many {
    nodes: Vec<String>,
}

impl Report for Many {
    fn write_text(&self, out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        self.nodes.iter().try_for_each(|node| writeln!(out, "{node}"))
    }
}

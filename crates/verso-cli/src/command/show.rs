//! `show`: a workspace at a glance.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use serde::Serialize;
use verso_graph::NodeState;

use crate::app::App;
use crate::error::CliError;
use crate::find;
use crate::output::{Paint, Report, counted, entries, grouped, shown};

/// How many tags, and how many nodes, are shown.
const SHOWN: usize = 10;

pub(crate) fn run(app: &App, workspace: Option<&str>) -> Result<(), CliError> {
    let device = app.device()?;
    let workspace = find::workspace(&device, workspace, &app.settings)?;
    let graph = device.graph(&workspace.id)?;
    let counts = graph.counts();
    let mut tags = graph.tags();
    tags.sort_by_key(|(tag, count)| (Reverse(*count), *tag));
    let newest = newest(graph.nodes().map(|node| (node.created(), node.id())));
    let entries = device.replica().entries(&workspace.id).map_or(0, |(held, _applied)| held);
    let view = View {
        workspace: Named { id: workspace.id.to_hex(), name: workspace.name },
        nodes: counts.nodes,
        ghosts: counts.ghosts,
        tags: counts.tags,
        edges: counts.edges,
        traversals: counts.traversals,
        conflicts: counts.conflicts,
        entries,
        most_used_tags: tags
            .into_iter()
            .take(SHOWN)
            .map(|(tag, nodes)| TagCount { tag: tag.to_owned(), nodes })
            .collect(),
        newest_nodes: newest
            .into_iter()
            .filter_map(|(_created, id)| graph.node(&id))
            .map(|node| Short {
                id: node.id().to_hyphenated(),
                title: node.title().to_owned(),
                url: node.url().to_owned(),
                state: if node.state() == NodeState::Ghost { "ghost" } else { "live" },
            })
            .collect(),
    };
    device.close()?;
    app.output.print(&view)
}

/// Returns the greatest few, the greatest first.
fn newest<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut few = BinaryHeap::with_capacity(SHOWN + 1);
    for one in all {
        few.push(Reverse(one));
        if few.len() > SHOWN {
            few.pop();
        }
    }
    few.into_sorted_vec().into_iter().map(|Reverse(one)| one).collect()
}

#[derive(Debug, Serialize)]
struct View {
    workspace: Named,
    nodes: usize,
    ghosts: usize,
    tags: usize,
    edges: usize,
    traversals: usize,
    conflicts: usize,
    entries: u64,
    most_used_tags: Vec<TagCount>,
    newest_nodes: Vec<Short>,
}

#[derive(Debug, Serialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct TagCount {
    tag: String,
    nodes: usize,
}

#[derive(Debug, Serialize)]
struct Short {
    id: String,
    title: String,
    url: String,
    state: &'static str,
}

impl Report for View {
    fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let count = |number: usize| grouped(u64::try_from(number).unwrap_or(u64::MAX));
        writeln!(out, "{}  {}", paint.strong(shown(&self.workspace.name)), paint.faint(&self.workspace.id))?;
        let many = |number: usize, what| counted(u64::try_from(number).unwrap_or(u64::MAX), what);
        let (nodes, tags, edges) = (many(self.nodes, "node"), many(self.tags, "tag"), many(self.edges, "edge"));
        writeln!(out, "{nodes}, {tags}, {edges}; {} in the journal", entries(self.entries))?;
        if self.nodes == 0 {
            writeln!(out, "{} {}", paint.faint("next:"), super::workspace::FILL)?;
        }
        if self.conflicts > 0 {
            let (open, ghosts) = (paint.warn(count(self.conflicts)), many(self.ghosts, "ghost"));
            writeln!(out, "{open} to be decided, {ghosts}: see `verso conflicts`")?;
        }
        if !self.most_used_tags.is_empty() {
            let tags: Vec<String> =
                self.most_used_tags.iter().map(|one| format!("{} {}", shown(&one.tag), count(one.nodes))).collect();
            writeln!(out, "\n{}\n  {}", paint.faint("most used tags"), tags.join(", "))?;
        }
        if !self.newest_nodes.is_empty() {
            writeln!(out, "\n{}", paint.faint("newest nodes"))?;
        }
        for node in &self.newest_nodes {
            let label = if node.title.is_empty() { &node.url } else { &node.title };
            writeln!(out, "  {}  {}", paint.faint(node.id.get(..13).unwrap_or_default()), shown(label))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_come_first() {
        let expected: Vec<u32> = (90..100).rev().collect();
        assert_eq!(newest((0..100).map(|number| number * 37 % 100)), expected);
        assert_eq!(newest([1, 3, 2].into_iter()), [3, 2, 1]);
    }
}

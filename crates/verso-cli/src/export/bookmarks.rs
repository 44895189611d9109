//! Bookmarks, in the form that all browsers import, and `verso import` with all that they don't know of.

mod forest;

use std::collections::HashMap;
use std::io::{self, Write};

use verso_bookmarks::{Entry, Writer};
use verso_graph::{Edge, Graph, Node, NodeId};
use verso_wire::Application as _;

use crate::bookmarks::CONTAINS;
use forest::Forest;

/// Writes the nodes that a workspace shows as bookmarks, in the order in which they were made or put into their folders.
///
/// A node whose url says that it is a folder is one, and holds what an edge of the kind [`CONTAINS`] leads to; a link that several folders hold stands in each.
/// What browsers have no place for (other edges, tags with a comma, folders within each other in a circle) stands in an attribute of our own, which they
/// ignore.
pub(crate) fn write_bookmarks(out: &mut impl Write, graph: &Graph) -> io::Result<()> {
    let mut writer = Writer::begin(out, graph.name().unwrap_or("Bookmarks"))?;
    let forest = &Forest::of(graph);
    let entries = Entries { forest, ids: ids(graph, forest) };
    // What is still to be written, the next at the end.
    let mut steps: Vec<Step> = forest.top().iter().rev().map(|node| Step::Node(*node)).collect();
    while let Some(step) = steps.pop() {
        match step {
            Step::End => writer.end_folder()?,
            Step::Node(id) => {
                let Some(node) = graph.node(&id) else { continue };
                if forest.is_folder(&id) {
                    writer.folder(&entries.entry(&node))?;
                    steps.push(Step::End);
                    steps.extend(forest.within(&node).into_iter().rev().map(Step::Node));
                } else {
                    writer.link(&entries.entry(&node))?;
                }
            }
        }
    }
    writer.finish().map(|_out| ())
}

/// What is written next.
enum Step {
    Node(NodeId),
    /// The list of the innermost folder ends.
    End,
}

struct Entries<'a> {
    forest: &'a Forest,
    ids: HashMap<NodeId, u64>,
}

/// Edges that lead from this node and that no list says, by target and kind.
fn unsaid<'n>(forest: &Forest, node: &Node<'n>) -> impl Iterator<Item = Edge<'n>> {
    let src = node.id();
    node.outgoing().into_iter().filter(move |edge| edge.kind() != CONTAINS || !forest.lists(&src, &edge.dst()))
}

/// Ids for the nodes to which edges lead that no list says.
fn ids(graph: &Graph, forest: &Forest) -> HashMap<NodeId, u64> {
    let mut ids = HashMap::new();
    for node in graph.nodes() {
        for edge in unsaid(forest, &node) {
            let next = u64::try_from(ids.len()).unwrap_or(u64::MAX);
            ids.entry(edge.dst()).or_insert(next);
        }
    }
    ids
}

impl Entries<'_> {
    fn entry<'n>(&self, node: &Node<'n>) -> Entry<'n> {
        let links = unsaid(self.forest, node).filter_map(|edge| Some((*self.ids.get(&edge.dst())?, edge.kind())));
        Entry {
            url: node.url(),
            title: node.title(),
            tags: node.tags(),
            added: Some(node.created().hlc.millis() / 1000),
            id: self.ids.get(&node.id()).copied(),
            links: links.collect(),
        }
    }
}

#[cfg(test)]
mod tests;

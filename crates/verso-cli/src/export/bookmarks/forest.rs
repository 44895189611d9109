//! [`Forest`]: which folder lies where, so that each is written once, whatever edges there are.

use std::collections::{HashMap, HashSet};

use verso_bookmarks::{FOLDER, MAX_DEPTH};
use verso_graph::{Graph, Node, NodeId, Stamp};

use crate::bookmarks::CONTAINS;

/// Folders as trees.
///
/// Edges between folders may make anything, circles too. Of the folders that hold a folder one lists it, and a folder that nobody lists stands at the top; the
/// other edges are left to be said otherwise. Links may stand in many folders.
#[derive(Debug)]
pub(super) struct Forest {
    folders: HashSet<NodeId>,
    /// Which folder lists a folder.
    listed: HashMap<NodeId, NodeId>,
    /// What lies in no folder.
    top: Vec<NodeId>,
}

/// Whether a node is a folder of bookmarks.
fn is_folder(node: &Node<'_>) -> bool {
    node.url().starts_with(FOLDER)
}

impl Forest {
    pub(super) fn of(graph: &Graph) -> Self {
        let folders: HashSet<NodeId> = graph.nodes().filter(is_folder).map(|node| node.id()).collect();
        let mut forest = Self { folders, listed: HashMap::new(), top: Vec::new() };
        let folders_by_making = by_making(graph.nodes().filter(|node| is_folder(node)));
        let mut placed = HashSet::new();
        let mut top = HashSet::new();
        // Folders that none holds, then those that are left because they hold each other, or lie too deep.
        let is_held = |id: &NodeId| graph.node(id).is_some_and(|node| forest.holders(&node).next().is_some());
        let held: HashSet<NodeId> = folders_by_making.iter().copied().filter(is_held).collect();
        let (free, rest): (Vec<NodeId>, Vec<NodeId>) = folders_by_making.into_iter().partition(|id| !held.contains(id));
        for root in free.into_iter().chain(rest) {
            if placed.insert(root) {
                top.insert(root);
                forest.place_below(graph, root, &mut placed);
            }
        }
        let in_no_folder = |node: &Node<'_>| {
            if is_folder(node) { top.contains(&node.id()) } else { forest.holders(node).next().is_none() }
        };
        forest.top = by_making(graph.nodes().filter(in_no_folder));
        forest
    }

    /// Gives every folder below a root its place, as far down as the importer goes.
    fn place_below(&mut self, graph: &Graph, root: NodeId, placed: &mut HashSet<NodeId>) {
        let mut open = vec![(root, 1)];
        while let Some((id, depth)) = open.pop() {
            // The list of the whole is one, too.
            if depth + 1 >= MAX_DEPTH {
                continue;
            }
            let Some(node) = graph.node(&id) else { continue };
            for edge in node.outgoing() {
                let child = edge.dst();
                if edge.kind() == CONTAINS && self.folders.contains(&child) && placed.insert(child) {
                    self.listed.insert(child, id);
                    open.push((child, depth + 1));
                }
            }
        }
    }

    /// The folders that hold a node.
    fn holders(&self, node: &Node<'_>) -> impl Iterator<Item = NodeId> {
        let incoming = node.incoming().into_iter().filter(|edge| edge.kind() == CONTAINS).map(|edge| edge.src());
        incoming.filter(|src| self.folders.contains(src))
    }

    pub(super) fn is_folder(&self, id: &NodeId) -> bool {
        self.folders.contains(id)
    }

    /// Whether one folder's list has this node in it, given that it contains it.
    pub(super) fn lists(&self, folder: &NodeId, node: &NodeId) -> bool {
        self.folders.contains(folder)
            && (!self.folders.contains(node) || self.listed.get(node).is_some_and(|listing| listing == folder))
    }

    /// What lies in no folder, in the order in which it was made.
    pub(super) fn top(&self) -> &[NodeId] {
        &self.top
    }

    /// What a folder lists, in the order in which it was put there.
    pub(super) fn within(&self, folder: &Node<'_>) -> Vec<NodeId> {
        let contained = folder.outgoing().into_iter().filter(|edge| edge.kind() == CONTAINS);
        let listed = contained.filter(|edge| self.lists(&folder.id(), &edge.dst()));
        in_order(listed.map(|edge| (edge.linked().into_iter().min(), edge.dst())))
    }
}

fn by_making<'a>(nodes: impl Iterator<Item = Node<'a>>) -> Vec<NodeId> {
    in_order(nodes.map(|node| (Some(node.created()), node.id())))
}

fn in_order(nodes: impl Iterator<Item = (Option<Stamp>, NodeId)>) -> Vec<NodeId> {
    let mut nodes: Vec<(Option<Stamp>, NodeId)> = nodes.collect();
    nodes.sort_unstable();
    nodes.into_iter().map(|(_, id)| id).collect()
}

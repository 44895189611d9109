//! [`Picture`]: what a reader sees, of the model and of the real graph alike.

use std::collections::{BTreeMap, BTreeSet};

use verso_graph::{Graph, Node, NodeId, NodeState, Register, Stamp, Topic, What};
use verso_wire::Application as _;

use super::Edge;

/// What a reader sees.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// All names that stand, the shown one first.
    pub name: Vec<(String, Stamp)>,
    /// What is there.
    pub nodes: BTreeMap<NodeId, Shown>,
    /// What was there.
    pub removed: BTreeSet<NodeId>,
    /// Edges, and who added each.
    pub edges: BTreeMap<Edge, Vec<Stamp>>,
    /// Traversals, by time.
    pub traversals: Vec<(Stamp, Edge)>,
    /// The ids of all open conflicts.
    pub conflicts: BTreeSet<String>,
    /// Why each node is there, a ghost or gone.
    pub because: BTreeMap<NodeId, Because>,
}

/// A node.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// All titles that stand, the shown one first.
    pub titles: Vec<(String, Stamp)>,
    /// All urls that stand, the shown one first.
    pub urls: Vec<(String, Stamp)>,
    /// Its tags, and who added each.
    pub tags: BTreeMap<String, Vec<Stamp>>,
    /// Live or a ghost.
    pub state: NodeState,
}

/// What makes a node what it is; of each author the last.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Because {
    /// Deletions that count.
    pub deletions: Vec<Stamp>,
    /// What was done to it and no such deletion had seen.
    pub left: Vec<Stamp>,
    /// Decisions that count.
    pub decisions: Vec<Stamp>,
}

impl Picture {
    /// Reads the real graph, in every way in which it can be read; these nodes are asked for, too, though they may be gone.
    ///
    /// # Panics
    /// If two ways disagree.
    pub fn of(graph: &Graph, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        let conflicts = graph.conflicts();
        let counts = graph.counts();
        assert_eq!((counts.conflicts, counts.edges), (conflicts.len(), graph.edges().count()));
        assert_eq!((counts.nodes, counts.traversals), (graph.nodes().count(), graph.traversals().len()));
        let name: Vec<_> = graph.workspace_names().iter().map(|name| (name.value.to_owned(), name.stamp)).collect();
        assert_eq!(graph.name(), name.first().map(|(name, _)| name.as_str()));
        let existed: BTreeSet<NodeId> = nodes.into_iter().filter(|node| graph.state(node).is_some()).collect();
        Self {
            name,
            nodes: graph.nodes().map(|node| (node.id(), shown(graph, &node))).collect(),
            removed: existed.iter().copied().filter(|id| graph.state(id) == Some(NodeState::Removed)).collect(),
            edges: graph
                .edges()
                .map(|edge| ((edge.src(), edge.dst(), edge.kind().to_owned()), edge.linked()))
                .collect(),
            traversals: graph
                .traversals()
                .iter()
                .map(|one| (one.stamp, (one.src, one.dst, one.trigger.to_owned())))
                .collect(),
            conflicts: conflicts.iter().map(|conflict| conflict.id.to_string()).collect(),
            because: existed.iter().map(|id| (*id, because(graph, *id))).collect(),
        }
    }
}

fn shown(graph: &Graph, node: &Node<'_>) -> Shown {
    let values = |register| -> Vec<_> {
        node.values(register).iter().map(|written| (written.value.to_owned(), written.stamp)).collect()
    };
    let (titles, urls) = (values(Register::Title), values(Register::Url));
    assert_eq!((node.title(), node.url()), (titles[0].0.as_str(), urls[0].0.as_str()), "the first is shown");
    let is_it = |found: &Node<'_>| found.id() == node.id();
    assert!(graph.node(&node.id()).is_some());
    assert!(graph.nodes_with_title(node.title()).iter().any(is_it));
    assert!(graph.nodes_with_url(node.url()).iter().any(is_it));
    assert!(node.tags().iter().all(|tag| graph.nodes_with_tag(tag).iter().any(is_it)));
    assert!(node.outgoing().iter().all(|edge| edge.target().incoming().iter().any(|back| back.src() == node.id())));
    let tags = node.tags().into_iter().map(|tag| (tag.to_owned(), node.tagged(tag))).collect();
    Shown { titles, urls, tags, state: node.state() }
}

fn because(graph: &Graph, id: NodeId) -> Because {
    let mut because = Because::default();
    let explanation = graph.explain(&Topic::Node(id)).expect("it existed");
    for side in explanation.because {
        let sides = match side.what {
            What::Deleted => &mut because.deletions,
            What::Activity(_) => &mut because.left,
            What::Decided(_) => &mut because.decisions,
            What::Value(_) => panic!("a value is no reason for a node to be there"),
        };
        sides.push(side.stamp);
    }
    because
}

//! Reading: nodes, tags, edges, traversals, each in a fixed order.

use std::fmt;

use verso_vv::{Dot, Hlc};

use crate::chains::At;
use crate::graph::Graph;
use crate::intent::Register;
use crate::items::EdgeKey;
use crate::node::Created;
use crate::node_id::NodeId;
use crate::payload::kinds;
use crate::presence::Presence;
use crate::table::NodeIx;
use crate::values::Values;

/// When and by whom something was written. The order is the one that decides among concurrent writes: time, then author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// When, by the author's clock.
    pub hlc: Hlc,
    /// The entry that says so, and with it the author.
    pub dot: Dot,
}

/// Whether a node is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeState {
    /// It is.
    Live,
    /// It was deleted, but it isn't gone: somebody was active on it without having seen that, or it was decided so.
    Ghost,
    /// It was deleted, with all that was done to it.
    Removed,
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Nodes that are live or ghosts.
    pub nodes: usize,
    /// Those of them that are ghosts.
    pub ghosts: usize,
    /// Tags on these nodes.
    pub tags: usize,
    /// Edges between these nodes.
    pub edges: usize,
    /// Traversals between these nodes.
    pub traversals: usize,
    /// Open conflicts.
    pub conflicts: usize,
    /// Entries that name a node which hasn't arrived.
    pub waiting: usize,
    /// Entries that made no sense and were ignored.
    pub ignored: u64,
}

impl Graph {
    /// Counts what is there. Takes time in proportion to all of it.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let visible = |node: NodeIx| self.is_visible(node);
        let nodes = || self.nodes.iter().filter(|(node, _)| visible(*node));
        Counts {
            nodes: nodes().count(),
            ghosts: nodes().filter(|(_, row)| matches!(row.presence, Presence::Ghost(_))).count(),
            tags: self.tags.iter(&self.chains).filter(|tag| visible(tag.node)).count(),
            edges: self.edges.iter(&self.chains).filter(|edge| visible(edge.src) && visible(edge.dst)).count(),
            traversals: self.traversals.iter().filter(|passage| visible(passage.src) && visible(passage.dst)).count(),
            conflicts: self.count_conflicts(),
            waiting: self.chains.count_waiting(),
            ignored: self.ignored,
        }
    }

    /// Returns the node with this id, if it is live or a ghost.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<Node<'_>> {
        self.place_of(id).filter(|node| self.is_visible(*node)).map(|node| self.view(node))
    }

    /// Tells whether the node with this id is there, `None` if there never was one.
    #[must_use]
    pub fn state(&self, id: &NodeId) -> Option<NodeState> {
        self.place_of(id).map(|node| match self.nodes[node].presence {
            Presence::Live => NodeState::Live,
            Presence::Ghost(_) => NodeState::Ghost,
            Presence::Removed => NodeState::Removed,
        })
    }

    /// Returns the id of the node that this entry created: so whoever committed an [`AddNode`](crate::Intent::AddNode) learns what came of it. `None` if
    /// the entry is not applied or created nothing.
    #[must_use]
    pub fn node_created_by(&self, dot: &Dot) -> Option<NodeId> {
        let chain = self.chains.find(&dot.author)?;
        let known = self.chains.own(chain, dot.seq.0).filter(|known| known.kind == kinds::ADD_NODE)?;
        self.nodes[known.about?].created.as_ref().map(|created| created.id)
    }

    /// Iterates over the nodes that are live or ghosts, by id.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.in_order().iter().filter(|node| self.is_visible(**node)).map(|node| self.view(*node))
    }

    /// Iterates over the nodes whose id starts like this, in hexadecimal with or without hyphens, by id. Two are enough to know that a short
    /// form is not unique.
    pub fn nodes_with_prefix<'a>(&'a self, prefix: &str) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let digits: String = prefix.chars().filter(|digit| *digit != '-').collect();
        let order = self.in_order();
        let simple = |node: NodeIx| self.created(node).id.to_hyphenated().replace('-', "");
        let start = order.partition_point(|node| simple(*node) < digits);
        let found = order.iter().skip(start).take_while(move |node| simple(**node).starts_with(&digits));
        found.filter(|node| self.is_visible(**node)).map(|node| self.view(*node))
    }

    /// Returns the nodes that show this url, by id.
    #[must_use]
    pub fn nodes_with_url(&self, url: &str) -> Vec<Node<'_>> {
        self.showing(Register::Url, url)
    }

    /// Returns the nodes that show this title, by id.
    #[must_use]
    pub fn nodes_with_title(&self, title: &str) -> Vec<Node<'_>> {
        self.showing(Register::Title, title)
    }

    /// Returns the nodes that carry this tag, by id.
    #[must_use]
    pub fn nodes_with_tag(&self, tag: &str) -> Vec<Node<'_>> {
        let Some(tag) = self.labels.find(tag) else { return Vec::new() };
        self.sorted(self.tags.to(&self.chains, tag).map(|(_, key)| key.node))
    }

    /// Returns all tags that nodes carry, in alphabetical order, with how many.
    #[must_use]
    pub fn tags(&self) -> Vec<(&str, usize)> {
        let count = |tag| self.tags.to(&self.chains, tag).filter(|(_, key)| self.is_visible(key.node)).count();
        let mut tags: Vec<(&str, usize)> =
            self.labels.iter().map(|(tag, text)| (text, count(tag))).filter(|(_, count)| *count > 0).collect();
        tags.sort_unstable();
        tags
    }

    /// Iterates over all edges, by source, target and kind.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.nodes().flat_map(|node| node.outgoing())
    }

    /// Returns how people went from node to node, by time and author. Traversals of nodes that are gone are not among them.
    #[must_use]
    pub fn traversals(&self) -> Vec<Traversal<'_>> {
        let visible = self.traversals.iter().filter(|one| self.is_visible(one.src) && self.is_visible(one.dst));
        let mut traversals: Vec<Traversal<'_>> = visible
            .map(|one| Traversal {
                src: self.created(one.src).id,
                dst: self.created(one.dst).id,
                trigger: self.labels.text(one.trigger),
                stamp: self.chains.stamp(one.at),
            })
            .collect();
        traversals.sort_unstable_by_key(|traversal| traversal.stamp);
        traversals
    }

    fn showing(&self, register: Register, value: &str) -> Vec<Node<'_>> {
        let of = |node: NodeIx| self.nodes[node].shown(&self.chains, register);
        let index = match register {
            Register::Title => &self.titles,
            Register::Url => &self.urls,
        };
        let values = index.get_or_init(|| {
            let mut values = Values::default();
            for (node, _) in self.nodes.iter().filter(|(_, row)| row.created.is_some()) {
                values.insert(node, of(node), of);
            }
            values
        });
        self.sorted(values.find(value, of))
    }

    fn sorted(&self, nodes: impl Iterator<Item = NodeIx>) -> Vec<Node<'_>> {
        let mut nodes: Vec<Node<'_>> =
            nodes.filter(|node| self.is_visible(*node)).map(|node| self.view(node)).collect();
        nodes.sort_unstable_by_key(Node::id);
        nodes
    }

    /// Returns all nodes that have arrived, by id, those that are gone included.
    pub(crate) fn in_order(&self) -> &[NodeIx] {
        self.order.get_or_init(|| {
            let arrived = self.nodes.iter().filter(|(_, row)| row.created.is_some());
            let mut order: Vec<NodeIx> = arrived.map(|(node, _)| node).collect();
            order.sort_unstable_by_key(|node| self.created(*node).id);
            order
        })
    }

    pub(crate) fn is_visible(&self, node: NodeIx) -> bool {
        let row = &self.nodes[node];
        row.created.is_some() && row.presence != Presence::Removed
    }

    /// Returns the creation of a node that is known to have arrived.
    #[expect(clippy::expect_used, reason = "callers ask for what `is_visible` or `in_order` gave")]
    pub(crate) fn created(&self, node: NodeIx) -> &Created {
        self.nodes[node].created.as_ref().expect("the node has arrived")
    }

    pub(crate) fn view(&self, node: NodeIx) -> Node<'_> {
        Node { graph: self, node }
    }

    pub(crate) fn stamps(&self, dots: impl Iterator<Item = At>) -> Vec<Stamp> {
        let mut stamps: Vec<Stamp> = dots.map(|at| self.chains.stamp(at)).collect();
        stamps.sort_unstable();
        stamps
    }
}

/// A node, live or a ghost.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    graph: &'a Graph,
    node: NodeIx,
}

/// A value that stands in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// The value.
    pub value: &'a str,
    /// When and by whom it was written.
    pub stamp: Stamp,
}

impl<'a> Node<'a> {
    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> NodeId {
        self.graph.created(self.node).id
    }

    /// Returns its title: of several that stand the one with the greatest time and author.
    #[must_use]
    pub fn title(&self) -> &'a str {
        self.graph.nodes[self.node].shown(&self.graph.chains, Register::Title)
    }

    /// Returns its url, chosen as the title is.
    #[must_use]
    pub fn url(&self) -> &'a str {
        self.graph.nodes[self.node].shown(&self.graph.chains, Register::Url)
    }

    /// Returns all values that stand in a register; the first is the one shown, the others were written concurrently and are there until
    /// somebody writes again.
    #[must_use]
    pub fn values(&self, register: Register) -> Vec<Written<'a>> {
        self.graph.values(self.node, register)
    }

    /// Tells whether it is live or a ghost.
    #[must_use]
    pub fn state(&self) -> NodeState {
        match self.graph.nodes[self.node].presence {
            Presence::Live => NodeState::Live,
            Presence::Ghost(_) => NodeState::Ghost,
            Presence::Removed => NodeState::Removed,
        }
    }

    /// Returns when and by whom it was created.
    #[must_use]
    pub fn created(&self) -> Stamp {
        self.graph.chains.stamp(self.graph.created(self.node).at)
    }

    /// Returns its tags in alphabetical order.
    #[must_use]
    pub fn tags(&self) -> Vec<&'a str> {
        let Graph { tags, labels, chains, .. } = self.graph;
        let mut texts: Vec<&str> = tags.of(chains, self.node).map(|(_, key)| labels.text(key.tag)).collect();
        texts.sort_unstable();
        texts
    }

    /// Returns who added this tag and when; empty if the node doesn't carry it.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Vec<Stamp> {
        self.graph.who_tagged(&self.id(), tag)
    }

    /// Returns the edges that lead from it, by target and kind.
    #[must_use]
    pub fn outgoing(&self) -> Vec<Edge<'a>> {
        self.edges(self.graph.edges.of(&self.graph.chains, self.node).map(|(_, key)| key))
    }

    /// Returns the edges that lead to it, by source and kind.
    #[must_use]
    pub fn incoming(&self) -> Vec<Edge<'a>> {
        self.edges(self.graph.edges.to(&self.graph.chains, self.node).map(|(_, key)| key))
    }

    fn edges(&self, keys: impl Iterator<Item = EdgeKey>) -> Vec<Edge<'a>> {
        let graph = self.graph;
        let visible = keys.filter(|key| graph.is_visible(key.src) && graph.is_visible(key.dst));
        let mut edges: Vec<Edge<'a>> = visible.map(|key| Edge { graph, key }).collect();
        edges.sort_unstable_by_key(|edge| (edge.src(), edge.dst(), edge.kind()));
        edges
    }
}

impl Graph {
    /// Returns what stands in a register of a node, what is shown first.
    pub(crate) fn values(&self, node: NodeIx, register: Register) -> Vec<Written<'_>> {
        let row = &self.nodes[node];
        let written = row.writes(register).into_iter().flat_map(|writes| writes.iter(&self.chains));
        let mut values: Vec<Written<'_>> =
            written.map(|(at, value)| Written { value, stamp: self.chains.stamp(at) }).collect();
        if let (true, Some(created)) = (values.is_empty(), &row.created) {
            values.push(Written { value: created.value(register), stamp: self.chains.stamp(created.at) });
        }
        values.sort_unstable_by_key(|written| std::cmp::Reverse(written.stamp));
        values
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({}, {:?})", self.id(), self.state())
    }
}

/// An edge between two nodes that are there.
#[derive(Clone, Copy)]
pub struct Edge<'a> {
    graph: &'a Graph,
    key: EdgeKey,
}

impl<'a> Edge<'a> {
    /// Returns from where it leads.
    #[must_use]
    pub fn src(&self) -> NodeId {
        self.graph.created(self.key.src).id
    }

    /// Returns where it leads to.
    #[must_use]
    pub fn dst(&self) -> NodeId {
        self.graph.created(self.key.dst).id
    }

    /// Returns what it means.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.graph.labels.text(self.key.kind)
    }

    /// Returns the node from which it leads.
    #[must_use]
    pub fn source(&self) -> Node<'a> {
        self.graph.view(self.key.src)
    }

    /// Returns the node to which it leads.
    #[must_use]
    pub fn target(&self) -> Node<'a> {
        self.graph.view(self.key.dst)
    }

    /// Returns who added it and when.
    #[must_use]
    pub fn linked(&self) -> Vec<Stamp> {
        self.graph.who_linked(&self.src(), &self.dst(), self.kind())
    }
}

impl fmt::Debug for Edge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Edge({} → {})", self.src(), self.dst())
    }
}

/// Somebody went from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traversal<'a> {
    /// From where.
    pub src: NodeId,
    /// To where.
    pub dst: NodeId,
    /// What led there.
    pub trigger: &'a str,
    /// When, and who.
    pub stamp: Stamp,
}

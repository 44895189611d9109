//! [`Before`]: what an intent is about to change, and [`Others`]: what of it is not one's own.

use verso_identity::DeviceId;
use verso_vv::Dot;

use crate::graph::Graph;
use crate::intent::{Choice, Intent, NodeRef, Register};
use crate::node_id::NodeId;
use crate::presence::Presence;
use crate::read::{Stamp, Written};

/// What an intent is about to change.
#[derive(Debug)]
pub(super) enum Before {
    NoNode,
    Presence(Vec<(NodeId, Choice)>),
    Value(NodeId, Register, Stood<String>),
    Name(Stood<String>),
    Without(Item),
    With(Stood<Item>),
}

/// What stood, and the entry that said so, if it was one alone.
#[derive(Debug)]
pub(super) struct Stood<T> {
    pub(super) what: T,
    pub(super) by: Option<Dot>,
}

/// A tag on a node, or an edge.
#[derive(Debug)]
pub(super) enum Item {
    Tag(NodeId, String),
    Edge(NodeId, NodeId, String),
}

/// What others did to a node: activities, and deletions and decisions, each by its author's last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Others {
    pub(super) activities: Vec<Stamp>,
    pub(super) marks: Vec<Stamp>,
}

impl Before {
    /// Reads what an intent is about to change; `None` if nothing, or only something of a node that the same batch makes: that goes as a whole.
    pub(super) fn of(graph: &Graph, intent: &Intent) -> Option<Self> {
        let stood = |values: &[Written<'_>]| {
            let shown = values.first()?.value.to_owned();
            Some(Stood { what: shown, by: single(values.iter().map(|written| written.stamp)) })
        };
        let value = |node: &NodeRef, register| {
            let node = id(node)?;
            let values = graph.values(graph.place_of(&node)?, register);
            Some(Self::Value(node, register, stood(&values)?))
        };
        let choice = |node: NodeId| Some((node, graph.choice_of(&node)?));
        match intent {
            Intent::AddNode { .. } => Some(Self::NoNode),
            Intent::SetTitle { node, .. } => value(node, Register::Title),
            Intent::SetUrl { node, .. } => value(node, Register::Url),
            Intent::SetWorkspaceName { .. } => stood(&graph.workspace_names()).map(Self::Name),
            Intent::Tag { .. } | Intent::Link { .. } => {
                Item::of(intent).filter(|item| graph.who_added(item).is_empty()).map(Self::Without)
            }
            Intent::Untag { .. } | Intent::Unlink { .. } => {
                let item = Item::of(intent)?;
                let added = graph.who_added(&item);
                (!added.is_empty()).then(|| Self::With(Stood { what: item, by: single(added) }))
            }
            Intent::DeleteNode { nodes } => {
                Some(Self::Presence(nodes.iter().filter_map(id).filter_map(choice).collect()))
            }
            Intent::Resolve { node, register: None, .. } => Some(Self::Presence(vec![choice(id(node)?)?])),
            Intent::Traverse { .. } | Intent::Resolve { register: Some(_), .. } => None,
        }
    }

    /// Returns the entry that said what stood, if it was one alone.
    pub(super) const fn stood_by(&mut self) -> Option<&mut Dot> {
        match self {
            Self::Value(_, _, stood) | Self::Name(stood) => stood.by.as_mut(),
            Self::With(stood) => stood.by.as_mut(),
            Self::NoNode | Self::Presence(_) | Self::Without(_) => None,
        }
    }
}

impl Item {
    /// Returns what an intent adds or removes.
    fn of(intent: &Intent) -> Option<Self> {
        match intent {
            Intent::Tag { node, tag } | Intent::Untag { node, tag } => Some(Self::Tag(id(node)?, tag.clone())),
            Intent::Link { src, dst, kind } | Intent::Unlink { src, dst, kind } => {
                Some(Self::Edge(id(src)?, id(dst)?, kind.clone()))
            }
            _ => None,
        }
    }

    pub(super) const fn ends(&self) -> [NodeId; 2] {
        match self {
            Self::Tag(node, _) => [*node, *node],
            Self::Edge(src, dst, _) => [*src, *dst],
        }
    }

    pub(super) fn add(&self) -> Intent {
        match self {
            Self::Tag(node, tag) => Intent::Tag { node: (*node).into(), tag: tag.clone() },
            Self::Edge(src, dst, kind) => Intent::Link { src: (*src).into(), dst: (*dst).into(), kind: kind.clone() },
        }
    }

    pub(super) fn remove(&self) -> Intent {
        match self {
            Self::Tag(node, tag) => Intent::Untag { node: (*node).into(), tag: tag.clone() },
            Self::Edge(src, dst, kind) => Intent::Unlink { src: (*src).into(), dst: (*dst).into(), kind: kind.clone() },
        }
    }
}

/// Returns the entry that these name, if it is one alone.
fn single(stamps: impl IntoIterator<Item = Stamp>) -> Option<Dot> {
    let mut stamps = stamps.into_iter();
    stamps.next().filter(|_| stamps.next().is_none()).map(|stamp| stamp.dot)
}

/// Returns the node that an intent names, unless the same batch makes it.
const fn id(node: &NodeRef) -> Option<NodeId> {
    match node {
        NodeRef::Id(id) => Some(*id),
        NodeRef::New(_) => None,
    }
}

impl Graph {
    /// Returns the addition that an intent repeats.
    pub(super) fn renewed(&self, intent: &Intent) -> Option<Dot> {
        let is_addition = matches!(intent, Intent::Tag { .. } | Intent::Link { .. });
        Item::of(intent).filter(|_| is_addition).and_then(|item| single(self.who_added(&item)))
    }

    /// Returns who added a tag or an edge; empty if it isn't there.
    pub(super) fn who_added(&self, item: &Item) -> Vec<Stamp> {
        match item {
            Item::Tag(node, tag) => self.who_tagged(node, tag),
            Item::Edge(src, dst, kind) => self.who_linked(src, dst, kind),
        }
    }

    /// Returns the choice that makes a node what it is.
    pub(super) fn choice_of(&self, node: &NodeId) -> Option<Choice> {
        self.place_of(node).map(|node| match self.nodes[node].presence {
            Presence::Live => Choice::Keep,
            Presence::Ghost(_) => Choice::Ghost,
            Presence::Removed => Choice::Delete,
        })
    }

    /// Returns the node that this entry created.
    pub(super) fn created_at(&self, dot: Dot) -> Option<NodeId> {
        let chain = self.chains.find(&dot.author)?;
        let node = self.chains.own(chain, dot.seq.0)?.about?;
        let created = self.nodes[node].created.as_ref()?;
        (self.chains.stamp(created.at).dot == dot).then_some(created.id)
    }

    pub(super) fn others(&self, node: &NodeId, me: DeviceId) -> Others {
        let Some(node) = self.place_of(node).map(|node| &self.nodes[node]) else { return Others::default() };
        let others = |mut stamps: Vec<Stamp>| {
            stamps.retain(|stamp| stamp.dot.author.device != me);
            stamps
        };
        let marks = node.marks();
        let deletions = marks.into_iter().flat_map(|marks| marks.deletions().iter().map(|mark| mark.at));
        let decisions = marks.into_iter().flat_map(|marks| marks.decisions().iter().map(|(_, mark)| mark.at));
        Others {
            activities: others(self.stamps(node.activities())),
            marks: others(self.stamps(deletions.chain(decisions))),
        }
    }
}

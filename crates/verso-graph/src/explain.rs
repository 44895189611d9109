//! [`Explanation`]: why something is as it is, with who did what and when.

use crate::chains::At;
use crate::conflict::{Rule, Side, What};
use crate::graph::Graph;
use crate::intent::{Choice, Register};
use crate::items::{EdgeKey, TagKey};
use crate::node_id::NodeId;
use crate::payload::kinds;
use crate::presence::{Presence, Review, Settled, Sight};
use crate::read::{Stamp, Written};
use crate::table::NodeIx;

/// Something that can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic<'a> {
    /// Whether a node is there, a ghost or gone.
    Node(NodeId),
    /// What a node shows as its title or url.
    Value(NodeId, Register),
    /// What the workspace is called.
    WorkspaceName,
    /// That a node carries a tag.
    Tag(NodeId, &'a str),
    /// That there is an edge.
    Edge {
        /// From where.
        src: NodeId,
        /// To where.
        dst: NodeId,
        /// Its kind.
        kind: &'a str,
    },
}

/// Why something is as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation<'a> {
    /// What makes it so.
    pub rule: Rule,
    /// Of a node: deletions that count, then what no deletion had seen (of each author the last), then the decisions that count; of one that
    /// nobody ever deleted how it came. Of a value: all that stand, the shown one first. Of a tag or an edge: who added it.
    pub because: Vec<Side<'a>>,
}

impl Graph {
    /// Tells why something is as it is; `None` if it isn't there, and of a node if there never was one with this id.
    #[must_use]
    pub fn explain<'a>(&'a self, topic: &Topic<'_>) -> Option<Explanation<'a>> {
        match topic {
            Topic::Node(id) => self.place_of(id).map(|node| self.explain_node(node)),
            Topic::Value(id, register) => {
                let node = self.place_of(id).filter(|node| self.is_visible(*node))?;
                explain_values(&self.values(node, *register))
            }
            Topic::WorkspaceName => explain_values(&self.workspace_names()),
            Topic::Tag(node, tag) => self.node(node).and_then(|_| explain_item("tag", &self.who_tagged(node, tag))),
            Topic::Edge { src, dst, kind } => {
                self.node(src).zip(self.node(dst)).and_then(|_| explain_item("link", &self.who_linked(src, dst, kind)))
            }
        }
    }

    fn explain_node(&self, node: NodeIx) -> Explanation<'static> {
        let row = &self.nodes[node];
        let review = self.review_of(node);
        let is_decided = match review.presence {
            Presence::Live => !review.decisions.is_empty(),
            Presence::Ghost(settled) => settled == Settled::Yes,
            Presence::Removed => review.choice == Some(Choice::Delete),
        };
        let rule = match review.presence {
            _ if is_decided => Rule::Decided,
            Presence::Live => Rule::NotDeleted,
            Presence::Ghost(_) => Rule::UnseenActivity,
            Presence::Removed => Rule::SeenWhole,
        };
        let mut because = self.because(&review);
        if because.is_empty() {
            because.extend(row.created.as_ref().map(|created| self.activity(created.at)));
        }
        Explanation { rule, because }
    }

    /// Works out what makes a node what it is.
    pub(crate) fn review_of(&self, node: NodeIx) -> Review<'_> {
        Review::of(&self.nodes[node], Sight { chains: &self.chains, vectors: &self.vectors })
    }

    /// Lists what makes a node what it is.
    pub(crate) fn because(&self, review: &Review<'_>) -> Vec<Side<'static>> {
        let by_stamp = |mut sides: Vec<Side<'static>>| {
            sides.sort_unstable_by_key(|side| side.stamp);
            sides
        };
        let deleted = review.deletions.iter().map(|mark| self.side(What::Deleted, mark.at)).collect();
        let left = review.left.iter().map(|at| self.activity(*at)).collect();
        let decided = |choice| review.decisions.iter().map(move |mark| self.side(What::Decided(choice), mark.at));
        let decided = review.choice.into_iter().flat_map(decided).collect();
        [by_stamp(deleted), by_stamp(left), by_stamp(decided)].concat()
    }

    fn activity(&self, at: At) -> Side<'static> {
        let kind = self.chains.known(at).and_then(|known| kinds::name(known.kind));
        self.side(What::Activity(kind.unwrap_or("unknown")), at)
    }

    fn side<'a>(&self, what: What<'a>, at: At) -> Side<'a> {
        Side { what, stamp: self.chains.stamp(at) }
    }

    /// Returns who put a tag on a node, which may be gone; empty if it doesn't carry it.
    pub(crate) fn who_tagged(&self, node: &NodeId, tag: &str) -> Vec<Stamp> {
        let key = self.place_of(node).zip(self.labels.find(tag)).map(|(node, tag)| TagKey { node, tag });
        let item = key.and_then(|key| self.tags.find(key));
        self.stamps(item.into_iter().flat_map(|item| self.tags.additions(&self.chains, item)))
    }

    /// Returns who drew an edge, whose ends may be gone; empty if there is none.
    pub(crate) fn who_linked(&self, src: &NodeId, dst: &NodeId, kind: &str) -> Vec<Stamp> {
        let ends = self.place_of(src).zip(self.place_of(dst));
        let key = ends.zip(self.labels.find(kind)).map(|((src, dst), kind)| EdgeKey { src, dst, kind });
        let item = key.and_then(|key| self.edges.find(key));
        self.stamps(item.into_iter().flat_map(|item| self.edges.additions(&self.chains, item)))
    }
}

/// Lists values as what stands against each other.
pub(crate) fn sides<'a>(values: &[Written<'a>]) -> Vec<Side<'a>> {
    values.iter().map(|written| Side { what: What::Value(written.value), stamp: written.stamp }).collect()
}

fn explain_values<'a>(values: &[Written<'a>]) -> Option<Explanation<'a>> {
    let rule = if values.len() > 1 { Rule::GreatestStamp } else { Rule::LastWrite };
    (!values.is_empty()).then(|| Explanation { rule, because: sides(values) })
}

fn explain_item(kind: &'static str, added: &[Stamp]) -> Option<Explanation<'static>> {
    let side = |stamp: &Stamp| Side { what: What::Activity(kind), stamp: *stamp };
    (!added.is_empty()).then(|| Explanation { rule: Rule::Added, because: added.iter().map(side).collect() })
}

//! [`Inverse`]: the intents that take a step back.

use std::collections::BTreeMap;

use verso_vv::Dot;

use super::before::{Before, Item, Stood};
use super::{Change, Step};
use crate::graph::Graph;
use crate::intent::{Choice, Intent};
use crate::node_id::NodeId;
use crate::read::Written;

/// Takes changes back, the last first, as far as others have left them in place.
struct Inverse<'a> {
    graph: &'a Graph,
    intents: Vec<Intent>,
    /// Of each intent the entry that it says again.
    renewals: Vec<Option<Dot>>,
    /// What the intents make of nodes.
    choices: BTreeMap<NodeId, Choice>,
}

impl Graph {
    /// Returns the intents that take a step back as far as others have left it in place, each with the entry that it says again.
    pub(super) fn inverse(&self, step: &Step) -> (Vec<Intent>, Vec<Option<Dot>>) {
        let mut inverse = Inverse { graph: self, intents: vec![], renewals: vec![], choices: BTreeMap::new() };
        for change in step.iter().rev() {
            inverse.take_back(change);
        }
        (inverse.intents, inverse.renewals)
    }
}

impl Inverse<'_> {
    fn take_back(&mut self, change: &Change) {
        let graph = self.graph;
        match &change.before {
            Before::NoNode => self.unmake(change),
            Before::Presence(nodes) => self.restore(nodes, change),
            Before::Value(node, register, stood) if self.is_there(node) => {
                let standing = graph.place_of(node).map(|place| graph.values(place, *register)).unwrap_or_default();
                if let Some((value, renews)) = rewritten(stood, change.dot, &standing) {
                    self.write(register.write(*node, value), renews);
                }
            }
            Before::Name(stood) => {
                if let Some((name, renews)) = rewritten(stood, change.dot, &graph.workspace_names()) {
                    self.write(Intent::SetWorkspaceName { name }, renews);
                }
            }
            Before::Without(item) if self.has_ends(item) => {
                if matches!(graph.who_added(item).as_slice(), [only] if only.dot == change.dot) {
                    self.write(item.remove(), None);
                }
            }
            Before::With(Stood { what: item, by }) if self.has_ends(item) => {
                if graph.who_added(item).is_empty() {
                    self.write(item.add(), *by);
                }
            }
            Before::Value(..) | Before::Without(_) | Before::With(_) => {}
        }
    }

    fn write(&mut self, intent: Intent, renews: Option<Dot>) {
        self.intents.push(intent);
        self.renewals.push(renews);
    }

    /// Deletes what the change created, unless others have done something to it.
    fn unmake(&mut self, change: &Change) {
        let me = change.dot.author.device;
        let Some((node, _)) = change.others.first().filter(|(node, then)| self.graph.others(node, me) == *then) else {
            return;
        };
        if self.is_there(node) {
            self.choices.insert(*node, Choice::Delete);
            self.write(Intent::DeleteNode { nodes: vec![(*node).into()] }, None);
        }
    }

    /// Makes of nodes what they were, unless others have decided otherwise since, or would lose what they did.
    fn restore(&mut self, nodes: &[(NodeId, Choice)], change: &Change) {
        let me = change.dot.author.device;
        for ((node, choice), (_, then)) in nodes.iter().zip(&change.others) {
            let now = self.graph.others(node, me);
            let is_free = now.marks == then.marks && (*choice != Choice::Delete || now.activities == then.activities);
            if is_free && self.choice_of(node) != Some(*choice) {
                self.choices.insert(*node, *choice);
                self.write(Intent::Resolve { node: (*node).into(), register: None, choice: *choice }, None);
            }
        }
    }

    fn choice_of(&self, node: &NodeId) -> Option<Choice> {
        self.choices.get(node).copied().or_else(|| self.graph.choice_of(node))
    }

    fn is_there(&self, node: &NodeId) -> bool {
        self.choice_of(node).is_some_and(|choice| choice != Choice::Delete)
    }

    fn has_ends(&self, item: &Item) -> bool {
        item.ends().iter().all(|node| self.is_there(node))
    }
}

/// Returns what is to be written so that the write `mine` is taken back, if it still stands: alone, the value before it; beside one other, that
/// one. What stands beside several others is left to be decided.
fn rewritten(before: &Stood<String>, mine: Dot, standing: &[Written<'_>]) -> Option<(String, Option<Dot>)> {
    match standing {
        [only] if only.stamp.dot == mine => Some((before.what.clone(), before.by)),
        [one, other] | [other, one] if one.stamp.dot == mine => Some((other.value.to_owned(), None)),
        _ => None,
    }
}

//! [`UndoStack`]: taking back one's own last steps, by new intents.

mod before;
mod inverse;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use verso_vv::{Dot, Seq};

use crate::graph::Graph;
use crate::intent::Intent;
use crate::node_id::NodeId;
use before::{Before, Others};

/// Most steps that are remembered: more than anybody takes back one by one.
const MAX_STEPS: usize = 256;
/// Most changes of one step. A step with more, such as an import, can't be taken back, nor can what was done before it: it would hold the
/// whole graph twice.
const MAX_CHANGES: usize = 4096;

/// One device's last steps in a workspace, each a batch of intents. What comes from others never enters it, and taking a step back never
/// destroys what others did since: what they wrote over stays, a tag or edge that they added too stays, a node that they worked on stays.
///
/// 1. [`Plan::new`] before a batch is committed; [`done`](Self::done) after, with where its first entry stands.
/// 2. [`undo`](Self::undo) and [`redo`](Self::redo) give a plan, whose intents are committed like any others; then `done`, too. A plan that is
///    dropped, because its intents could not be committed, changes nothing.
///
/// Traversals are history, and keeping one of several values is a decision; both are never taken back. Neither is the workspace's first name.
#[derive(Debug, Default)]
pub struct UndoStack {
    undo: VecDeque<Step>,
    redo: Vec<Step>,
}

/// A batch of intents with what taking it back needs to know of the state before it.
#[derive(Debug)]
pub struct Plan {
    intents: Vec<Intent>,
    effects: Vec<Effect>,
    way: Way,
}

/// What an intent is about to do.
#[derive(Debug)]
struct Effect {
    /// What it changes.
    before: Option<Before>,
    /// The entry for which its own will stand, since it says the same again.
    renews: Option<Dot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Do,
    Undo,
    Redo,
}

/// What a batch changed.
type Step = Vec<Change>;

#[derive(Debug)]
struct Change {
    before: Before,
    /// The entry that made it, or the last one that renewed that.
    dot: Dot,
    /// Of each node whose presence it changed: what others had done to it.
    others: Vec<(NodeId, Others)>,
}

impl Plan {
    /// Plans a batch that is about to be committed, from the state as it is now.
    #[must_use]
    pub fn new(graph: &Graph, intents: Vec<Intent>) -> Self {
        let renewals = intents.iter().map(|intent| graph.renewed(intent)).collect();
        Self::on(graph, intents, renewals, Way::Do)
    }

    /// Returns the intents that are to be committed.
    #[must_use]
    pub fn intents(&self) -> &[Intent] {
        &self.intents
    }

    fn on(graph: &Graph, intents: Vec<Intent>, renewals: Vec<Option<Dot>>, way: Way) -> Self {
        let mut decided = BTreeSet::new();
        let effect = |(intent, renews)| {
            let mut before = Before::of(graph, intent);
            if let Some(Before::Presence(nodes)) = &mut before {
                // What a node was before is what it was before the first of several decisions.
                nodes.retain(|(node, _)| decided.insert(*node));
            }
            Effect { before, renews }
        };
        let effects = intents.iter().zip(renewals).map(effect).collect();
        Self { intents, effects, way }
    }
}

impl Change {
    fn new(graph: &Graph, before: Before, dot: Dot) -> Self {
        let nodes: Vec<NodeId> = match &before {
            Before::NoNode => graph.created_at(dot).into_iter().collect(),
            Before::Presence(nodes) => nodes.iter().map(|(node, _)| *node).collect(),
            _ => Vec::new(),
        };
        let others = nodes.into_iter().map(|node| (node, graph.others(&node, dot.author.device))).collect();
        Self { before, dot, others }
    }
}

impl UndoStack {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that the intents of a plan were committed and applied; `first` is where the entry of the first one stands.
    pub fn done(&mut self, graph: &Graph, plan: Plan, first: Dot) {
        let Plan { effects, way, .. } = plan;
        match way {
            Way::Do => self.redo.clear(),
            Way::Undo => drop(self.undo.pop_back()),
            Way::Redo => drop(self.redo.pop()),
        }
        let mut step = Step::new();
        let mut last = BTreeMap::new();
        for (seq, Effect { before, renews }) in (first.seq.0..).zip(effects) {
            let dot = Dot { author: first.author, seq: Seq(seq) };
            if let Some(renewed) = renews {
                let renewed = last.insert(renewed, dot).unwrap_or(renewed);
                let changes = self.undo.iter_mut().chain(&mut self.redo).flatten();
                changes.filter(|change| change.dot == renewed).for_each(|change| change.dot = dot);
            }
            step.extend(before.map(|mut before| {
                if let Some(by) = before.stood_by() {
                    *by = last.get(by).copied().unwrap_or(*by);
                }
                Change::new(graph, before, dot)
            }));
        }
        match way {
            _ if step.is_empty() => {}
            Way::Undo => self.redo.push(step),
            Way::Do | Way::Redo if step.len() > MAX_CHANGES => self.undo.clear(),
            Way::Do | Way::Redo => {
                self.undo.push_back(step);
                if self.undo.len() > MAX_STEPS {
                    self.undo.pop_front();
                }
            }
        }
    }

    /// Plans to take back the last step of which others have left something to take back; `None` if there is none.
    #[must_use]
    pub fn undo(&mut self, graph: &Graph) -> Option<Plan> {
        loop {
            let (intents, renewals) = graph.inverse(self.undo.back()?);
            if !intents.is_empty() {
                return Some(Plan::on(graph, intents, renewals, Way::Undo));
            }
            self.undo.pop_back();
        }
    }

    /// Plans to do again what was taken back last; `None` if nothing was, or something else was done since.
    #[must_use]
    pub fn redo(&mut self, graph: &Graph) -> Option<Plan> {
        loop {
            let (intents, renewals) = graph.inverse(self.redo.last()?);
            if !intents.is_empty() {
                return Some(Plan::on(graph, intents, renewals, Way::Redo));
            }
            self.redo.pop();
        }
    }
}

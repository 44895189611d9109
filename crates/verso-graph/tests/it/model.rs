//! A slow model of the same rules: sets of facts, everything worked out from scratch each time, no payloads, no vectors, no increments.
//!
//! What an author had seen is taken from the simulation: the exact set of entries that had arrived there.

use std::collections::{BTreeMap, BTreeSet};

use verso_graph::{Choice, Graph, NodeId, NodeState, Register, Stamp};
use verso_vv::{Author, Dot, EntryHash};
use verso_wire::Application as _;

use crate::world::Entry;

/// What an entry does, by identities alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    AddNode { url: String, title: String },
    Set { node: NodeId, register: Register, value: String },
    Name { value: String },
    Tag { node: NodeId, tag: String },
    Untag { node: NodeId, tag: String },
    Link { edge: Edge },
    Unlink { edge: Edge },
    Traverse { edge: Edge },
    Delete { nodes: Vec<NodeId> },
    Resolve { node: NodeId, choice: Choice },
    KeepShown { node: NodeId, register: Register },
}

/// Source, target, and kind or trigger.
pub(crate) type Edge = (NodeId, NodeId, String);

/// An entry, and what had arrived where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) entry: Entry,
    pub(crate) act: Act,
    pub(crate) saw: BTreeSet<EntryHash>,
}

/// All facts that any device ever wrote.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) all: BTreeMap<EntryHash, Fact>,
}

/// What a reader sees.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) name: Vec<(String, Stamp)>,
    pub(crate) nodes: BTreeMap<NodeId, Shown>,
    pub(crate) removed: BTreeSet<NodeId>,
    pub(crate) edges: BTreeSet<Edge>,
    pub(crate) traversals: Vec<Edge>,
    pub(crate) conflicts: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) titles: Vec<(String, Stamp)>,
    pub(crate) urls: Vec<(String, Stamp)>,
    pub(crate) tags: Vec<String>,
    pub(crate) state: NodeState,
}

/// What a reader of the real graph sees.
pub(crate) fn picture_of(graph: &Graph, arrived: &[Entry]) -> Picture {
    let values = |node: &verso_graph::Node<'_>, register| {
        node.values(register).iter().map(|written| (written.value.to_owned(), written.stamp)).collect()
    };
    let nodes = graph.nodes().map(|node| {
        // Every way to find a node must agree, and what is shown is the first of what stands.
        assert_eq!(node.title(), node.values(Register::Title)[0].value);
        assert_eq!(node.url(), node.values(Register::Url)[0].value);
        assert!(graph.node(&node.id()).is_some());
        assert!(graph.nodes_with_title(node.title()).iter().any(|found| found.id() == node.id()));
        assert!(graph.nodes_with_url(node.url()).iter().any(|found| found.id() == node.id()));
        assert!(node.tags().iter().all(|tag| graph.nodes_with_tag(tag).iter().any(|found| found.id() == node.id())));
        assert!(node.outgoing().iter().all(|edge| edge.target().incoming().iter().any(|back| back.src() == node.id())));
        let shown = Shown {
            titles: values(&node, Register::Title),
            urls: values(&node, Register::Url),
            tags: node.tags().iter().map(|tag| (*tag).to_owned()).collect(),
            state: node.state(),
        };
        (node.id(), shown)
    });
    let is_removed = |id: &NodeId| graph.state(id) == Some(NodeState::Removed);
    let conflicts = graph.conflicts();
    let counts = graph.counts();
    assert_eq!((counts.conflicts, counts.edges), (conflicts.len(), graph.edges().count()));
    let traversals = graph.traversals();
    assert_eq!(graph.name(), graph.workspace_names().first().map(|written| written.value));
    Picture {
        name: graph.workspace_names().iter().map(|written| (written.value.to_owned(), written.stamp)).collect(),
        nodes: nodes.collect(),
        removed: arrived.iter().map(Entry::node).filter(is_removed).collect(),
        edges: graph.edges().map(|edge| (edge.src(), edge.dst(), edge.kind().to_owned())).collect(),
        traversals: traversals.iter().map(|one| (one.src, one.dst, one.trigger.to_owned())).collect(),
        conflicts: conflicts.iter().map(|conflict| conflict.id.to_string()).collect(),
    }
}

impl Facts {
    /// Works out what a reader sees of these entries.
    pub(crate) fn picture(&self, arrived: &[Entry]) -> Picture {
        let view = View::new(self, arrived);
        let mut removed = BTreeSet::new();
        let mut nodes = BTreeMap::new();
        let mut conflicts = BTreeSet::new();
        let different = |values: &[(String, Stamp)]| values.iter().any(|(value, _)| *value != values[0].0);
        for node in view.nodes() {
            let (state, open) = view.state(node);
            if state == NodeState::Removed {
                removed.insert(node);
                continue;
            }
            let [titles, urls] = [Register::Title, Register::Url].map(|register| view.values(node, register));
            for (kind, is_open) in [("deletion", open), ("title", different(&titles)), ("url", different(&urls))] {
                if is_open {
                    conflicts.insert(format!("{kind}:{}", node.to_hyphenated()));
                }
            }
            nodes.insert(node, Shown { titles, urls, tags: view.tags(node), state });
        }
        let name = view.written(|act| matches!(act, Act::Name { .. }), |_| false);
        if !name.is_empty() && different(&name) {
            conflicts.insert("workspace-name".to_owned());
        }
        let visible = |edge: &Edge| nodes.contains_key(&edge.0) && nodes.contains_key(&edge.1);
        let edges = view.edges().into_iter().filter(visible).collect();
        let traversals = view.traversals().into_iter().filter(visible).collect();
        Picture { name, nodes, removed, edges, traversals, conflicts }
    }

    /// Returns the entries of which nothing that they name is missing, each chain up to the first other one: what counts as seen.
    fn effective(&self, saw: &BTreeSet<EntryHash>, own: &Entry) -> BTreeSet<EntryHash> {
        let nodes: BTreeSet<NodeId> = saw
            .iter()
            .map(|hash| &self.all[hash])
            .filter(|fact| matches!(fact.act, Act::AddNode { .. }))
            .map(|fact| fact.entry.node())
            .collect();
        let own_chain = self.chain_before(own);
        let waits = |fact: &Fact| named(&fact.act).iter().any(|node| !nodes.contains(node));
        saw.iter()
            .filter(|hash| {
                let fact = &self.all[*hash];
                own_chain.contains(*hash)
                    || !waits(fact) && !self.chain_before(&fact.entry).iter().any(|before| waits(&self.all[before]))
            })
            .copied()
            .collect()
    }

    /// Returns all entries before this one in its chain.
    fn chain_before(&self, entry: &Entry) -> BTreeSet<EntryHash> {
        let mut chain = BTreeSet::new();
        let mut previous = entry.previous;
        while let Some(fact) = self.all.get(&previous) {
            chain.insert(previous);
            previous = fact.entry.previous;
        }
        chain
    }
}

fn named(act: &Act) -> Vec<NodeId> {
    match act {
        Act::AddNode { .. } | Act::Name { .. } => vec![],
        Act::Set { node, .. }
        | Act::Tag { node, .. }
        | Act::Untag { node, .. }
        | Act::Resolve { node, .. }
        | Act::KeepShown { node, .. } => vec![*node],
        Act::Link { edge } | Act::Unlink { edge } | Act::Traverse { edge } => vec![edge.0, edge.1],
        Act::Delete { nodes } => nodes.clone(),
    }
}

/// A set of entries, and nothing else.
struct View<'a> {
    facts: &'a Facts,
    here: Vec<&'a Fact>,
    /// Whose each entry is, with branches as authors of their own.
    authors: BTreeMap<EntryHash, Author>,
}

impl<'a> View<'a> {
    fn new(facts: &'a Facts, arrived: &[Entry]) -> Self {
        let authors: BTreeMap<EntryHash, Author> = arrived.iter().map(|entry| (entry.hash, entry.author)).collect();
        Self { facts, here: authors.keys().map(|hash| &facts.all[hash]).collect(), authors }
    }

    fn stamp(&self, fact: &Fact) -> Stamp {
        Stamp { hlc: fact.entry.hlc, dot: Dot { author: self.authors[&fact.entry.hash], seq: fact.entry.seq } }
    }

    fn nodes(&self) -> Vec<NodeId> {
        self.here.iter().filter(|fact| matches!(fact.act, Act::AddNode { .. })).map(|fact| fact.entry.node()).collect()
    }

    /// Returns the writes that stand: not seen by any other, and not dropped by a decision.
    fn written(&self, is_write: impl Fn(&Act) -> bool, is_decision: impl Fn(&Act) -> bool) -> Vec<(String, Stamp)> {
        let here: BTreeSet<EntryHash> = self.here.iter().map(|fact| fact.entry.hash).collect();
        let mut stand: Vec<(String, Stamp)> = self
            .standing(&here, &is_write, &is_decision)
            .into_iter()
            .map(|hash| {
                let fact = &self.facts.all[&hash];
                let (Act::Set { value, .. } | Act::Name { value }) = &fact.act else { panic!("not a write") };
                (value.clone(), self.stamp(fact))
            })
            .collect();
        stand.sort_by_key(|(_, stamp)| std::cmp::Reverse(*stamp));
        stand
    }

    fn standing(
        &self,
        among: &BTreeSet<EntryHash>,
        is_write: &dyn Fn(&Act) -> bool,
        is_decision: &dyn Fn(&Act) -> bool,
    ) -> BTreeSet<EntryHash> {
        let facts = || among.iter().map(|hash| &self.facts.all[hash]);
        let mut stand: BTreeSet<EntryHash> =
            facts().filter(|fact| is_write(&fact.act)).map(|fact| fact.entry.hash).collect();
        for write in facts().filter(|fact| is_write(&fact.act)) {
            stand.retain(|hash| !write.saw.contains(hash));
        }
        for decision in facts().filter(|fact| is_decision(&fact.act)) {
            // What stood there beside the one shown goes, and what the same authors wrote before.
            let mut stood = self.standing(&decision.saw, is_write, is_decision);
            let shown = stood.iter().copied().max_by_key(|hash| {
                let entry = &self.facts.all[hash].entry;
                // Where it was written nobody knew of a fork.
                (entry.hlc, entry.signer, entry.seq)
            });
            stood.retain(|hash| Some(*hash) != shown);
            for loser in &stood {
                let before = self.facts.chain_before(&self.facts.all[loser].entry);
                stand.retain(|hash| hash != loser && !before.contains(hash));
            }
        }
        stand
    }

    fn values(&self, node: NodeId, register: Register) -> Vec<(String, Stamp)> {
        let is_write = |act: &Act| matches!(act, Act::Set { node: n, register: r, .. } if (*n, *r) == (node, register));
        let is_decision = |act: &Act| *act == Act::KeepShown { node, register };
        let written = self.written(is_write, is_decision);
        if !written.is_empty() {
            return written;
        }
        let creation = self.here.iter().find(|fact| fact.entry.node() == node).expect("it has arrived");
        let Act::AddNode { url, title } = &creation.act else { panic!("not a creation") };
        let value = if register == Register::Title { title } else { url };
        vec![(value.clone(), self.stamp(creation))]
    }

    /// Returns what was added and not removed by anybody who had seen that.
    fn added<T: Ord + Clone>(
        &self,
        added: impl Fn(&Act) -> Option<T>,
        removed: impl Fn(&Act) -> Option<T>,
    ) -> BTreeSet<T> {
        let survives = |addition: &&&Fact| {
            let what = added(&addition.act);
            !self.here.iter().any(|removal| removed(&removal.act) == what && removal.saw.contains(&addition.entry.hash))
        };
        let additions = self.here.iter().filter(|fact| added(&fact.act).is_some());
        additions.filter(survives).filter_map(|fact| added(&fact.act)).collect()
    }

    fn tags(&self, node: NodeId) -> Vec<String> {
        let added = |act: &Act| match act {
            Act::Tag { node: n, tag } if *n == node => Some(tag.clone()),
            _ => None,
        };
        let removed = |act: &Act| match act {
            Act::Untag { node: n, tag } if *n == node => Some(tag.clone()),
            _ => None,
        };
        self.added(added, removed).into_iter().collect()
    }

    fn edges(&self) -> BTreeSet<Edge> {
        let added = |act: &Act| if let Act::Link { edge } = act { Some(edge.clone()) } else { None };
        let removed = |act: &Act| if let Act::Unlink { edge } = act { Some(edge.clone()) } else { None };
        self.added(added, removed)
    }

    fn traversals(&self) -> Vec<Edge> {
        let mut traversals: Vec<_> = self
            .here
            .iter()
            .filter_map(|fact| match &fact.act {
                Act::Traverse { edge } => Some((self.stamp(fact), edge.clone())),
                _ => None,
            })
            .collect();
        traversals.sort();
        traversals.into_iter().map(|(_, edge)| edge).collect()
    }

    /// Tells whether a node is there, and whether that is to be decided.
    fn state(&self, node: NodeId) -> (NodeState, bool) {
        let seen: BTreeMap<EntryHash, BTreeSet<EntryHash>> = self
            .here
            .iter()
            .filter(|fact| matches!(fact.act, Act::Delete { .. } | Act::Resolve { .. }))
            .map(|fact| (fact.entry.hash, self.facts.effective(&fact.saw, &fact.entry)))
            .collect();
        let saw = |fact: &Fact, other: &Fact| seen[&fact.entry.hash].contains(&other.entry.hash);
        // Of each author the last counts.
        let last = |is_it: &dyn Fn(&Act) -> bool| -> Vec<&Fact> {
            let mut of_author: BTreeMap<Author, &Fact> = BTreeMap::new();
            for fact in self.here.iter().filter(|fact| is_it(&fact.act)) {
                let last = of_author.entry(self.authors[&fact.entry.hash]).or_insert(fact);
                if fact.entry.seq > last.entry.seq {
                    *last = fact;
                }
            }
            of_author.into_values().collect()
        };
        let choice_of = |fact: &Fact| match fact.act {
            Act::Resolve { choice, .. } => Some(choice),
            _ => None,
        };
        let decisions = last(&|act| matches!(act, Act::Resolve { node: n, .. } if *n == node));
        let choice = decisions
            .iter()
            .filter(|one| !decisions.iter().any(|other| saw(other, one)))
            .filter_map(|one| choice_of(one))
            .max();
        let counting: Vec<&Fact> = decisions
            .iter()
            .filter(|one| choice_of(one) == choice)
            .filter(|one| !decisions.iter().any(|other| choice_of(other) != choice && saw(other, one)))
            .copied()
            .collect();

        let mut deletions = last(&|act| matches!(act, Act::Delete { nodes } if nodes.contains(&node)));
        if choice == Some(Choice::Keep) {
            deletions.retain(|deletion| !counting.iter().any(|keep| saw(keep, deletion)));
        }
        if choice == Some(Choice::Delete) {
            deletions.extend(&counting);
        }
        let is_activity = |act: &Act| match act {
            Act::Set { node: n, .. } | Act::Tag { node: n, .. } | Act::KeepShown { node: n, .. } => *n == node,
            Act::Link { edge } | Act::Traverse { edge } => edge.0 == node || edge.1 == node,
            _ => false,
        };
        let is_removed = |fact: &Fact| deletions.iter().any(|deletion| saw(deletion, fact));
        let activities = self.here.iter().filter(|fact| is_activity(&fact.act) || fact.entry.node() == node);
        let left: Vec<&Fact> = activities.filter(|fact| !is_removed(fact)).copied().collect();
        let kept = matches!(choice, Some(Choice::Keep | Choice::Ghost)) && counting.iter().any(|one| !is_removed(one));
        let settled = choice == Some(Choice::Ghost)
            && left.iter().chain(&deletions).all(|fact| counting.iter().any(|one| saw(one, fact)));
        match (deletions.is_empty(), left.is_empty() && !kept) {
            (true, _) if choice == Some(Choice::Ghost) => (NodeState::Ghost, !settled),
            (true, _) => (NodeState::Live, false),
            (false, true) => (NodeState::Removed, false),
            (false, false) => (NodeState::Ghost, !settled),
        }
    }
}

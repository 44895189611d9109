//! The rules, each from the whole set.

use std::collections::{BTreeMap, BTreeSet};

use verso_graph::{Choice, NodeId, NodeState, Register, Stamp};
use verso_vv::{Author, Dot, EntryHash};

use super::{Act, Arrived, Because, Edge, Fact, Facts, Picture, Shown};

/// A set of entries, and nothing else.
struct View<'a> {
    facts: &'a Facts,
    arrived: &'a Arrived,
    here: Vec<&'a Fact>,
    /// Those that are about each node.
    about: BTreeMap<NodeId, Vec<&'a Fact>>,
    /// What each deletion and each decision has seen.
    seen: BTreeMap<EntryHash, BTreeSet<EntryHash>>,
}

/// Why a node is there, a ghost or gone.
struct Verdict<'a> {
    state: NodeState,
    is_open: bool,
    deletions: Vec<&'a Fact>,
    left: Vec<&'a Fact>,
    decisions: Vec<&'a Fact>,
}

impl Facts {
    /// Works out what a reader sees of these entries.
    ///
    /// # Panics
    /// If one of them was written by nobody.
    pub fn picture(&self, arrived: &Arrived) -> Picture {
        let view = View::new(self, arrived);
        let mut picture = Picture::default();
        let different = |values: &[(String, Stamp)]| values.iter().any(|(value, _)| *value != values[0].0);
        for node in view.here.iter().filter_map(|fact| fact.creates()) {
            let verdict = view.judge(node);
            picture.because.insert(node, view.because(&verdict));
            if verdict.state == NodeState::Removed {
                picture.removed.insert(node);
                continue;
            }
            let [titles, urls] = [Register::Title, Register::Url].map(|register| view.values(node, register));
            let open = [("deletion", verdict.is_open), ("title", different(&titles)), ("url", different(&urls))];
            let open = open.into_iter().filter(|(_, is_open)| *is_open);
            picture.conflicts.extend(open.map(|(kind, _)| format!("{kind}:{}", node.to_hyphenated())));
            picture.nodes.insert(node, Shown { titles, urls, tags: view.tags(node), state: verdict.state });
        }
        picture.name = view.written(&view.here, |act| matches!(act, Act::Name { .. }), |_| false);
        if !picture.name.is_empty() && different(&picture.name) {
            picture.conflicts.insert("workspace-name".to_owned());
        }
        let is_shown = |edge: &Edge| [edge.0, edge.1].iter().all(|node| picture.nodes.contains_key(node));
        let edges = view.edges().into_iter().filter(|(edge, _)| is_shown(edge)).collect();
        let traversals = view.traversals().into_iter().filter(|(_, edge)| is_shown(edge)).collect();
        Picture { edges, traversals, ..picture }
    }

    /// Returns what counts as seen by a fact: of what had arrived what waited for nothing, each chain up to the first that did; and its own chain.
    fn effective(&self, fact: &Fact) -> BTreeSet<EntryHash> {
        let mut saw: Vec<&Fact> = fact.saw.iter().map(|hash| &self.all[hash]).collect();
        saw.sort_by_key(|fact| fact.seq);
        let nodes: BTreeSet<NodeId> = saw.iter().filter_map(|fact| fact.creates()).collect();
        let mut seen = BTreeSet::new();
        for fact in saw {
            let waits = fact.act.named().iter().any(|node| !nodes.contains(node));
            if !waits && fact.previous.is_none_or(|previous| seen.contains(&previous)) {
                seen.insert(fact.hash);
            }
        }
        seen.extend(self.chain_before(fact).map(|before| before.hash));
        seen
    }
}

impl<'a> View<'a> {
    fn new(facts: &'a Facts, arrived: &'a Arrived) -> Self {
        let here: Vec<&Fact> = arrived.keys().map(|hash| facts.get(hash)).collect();
        let mut about: BTreeMap<NodeId, Vec<&Fact>> = BTreeMap::new();
        for fact in &here {
            for node in BTreeSet::from_iter(fact.nodes()) {
                about.entry(node).or_default().push(fact);
            }
        }
        let marks = here.iter().filter(|fact| matches!(fact.act, Act::Delete { .. } | Act::Resolve { .. }));
        let seen = marks.map(|fact| (fact.hash, facts.effective(fact))).collect();
        Self { facts, arrived, here, about, seen }
    }

    fn about(&self, node: NodeId) -> &[&'a Fact] {
        self.about.get(&node).map(Vec::as_slice).unwrap_or_default()
    }

    fn stamp(&self, fact: &Fact) -> Stamp {
        Stamp { hlc: fact.hlc, dot: Dot { author: self.arrived[&fact.hash], seq: fact.seq } }
    }

    fn stamps<'b>(&self, facts: impl IntoIterator<Item = &'b Fact>) -> Vec<Stamp> {
        let mut stamps: Vec<Stamp> = facts.into_iter().map(|fact| self.stamp(fact)).collect();
        stamps.sort();
        stamps
    }

    /// Returns the writes among some facts that stand, the greatest first.
    fn written(
        &self,
        among: &[&'a Fact],
        is_write: impl Fn(&Act) -> bool,
        is_decision: impl Fn(&Act) -> bool,
    ) -> Vec<(String, Stamp)> {
        let value = |fact: &Fact| {
            let (Act::Set { value, .. } | Act::Name { value }) = &fact.act else { panic!("not a write") };
            (value.clone(), self.stamp(fact))
        };
        let standing = self.standing(among, &is_write, &is_decision);
        let mut values: Vec<_> = standing.into_iter().map(|hash| value(self.facts.get(&hash))).collect();
        values.sort_by_key(|(_, stamp)| std::cmp::Reverse(*stamp));
        values
    }

    fn standing(
        &self,
        among: &[&'a Fact],
        is_write: &dyn Fn(&Act) -> bool,
        is_decision: &dyn Fn(&Act) -> bool,
    ) -> BTreeSet<EntryHash> {
        let writes = || among.iter().filter(|fact| is_write(&fact.act));
        let mut stand: BTreeSet<EntryHash> = writes().map(|fact| fact.hash).collect();
        for write in writes() {
            stand.retain(|hash| !self.facts.was_known(self.facts.get(hash), write));
        }
        for decision in among.iter().filter(|fact| is_decision(&fact.act)) {
            let there: Vec<&Fact> = decision.saw.iter().map(|hash| self.facts.get(hash)).collect();
            let mut stood = self.standing(&there, is_write, is_decision);
            let shown = stood.iter().copied().max_by_key(|hash| {
                let fact = self.facts.get(hash);
                // Where it was written nobody knew of a fork.
                (fact.hlc, fact.signer, fact.seq)
            });
            stood.retain(|hash| Some(*hash) != shown);
            for loser in &stood {
                let is_before = |hash: &EntryHash| self.facts.is_before(self.facts.get(hash), self.facts.get(loser));
                stand.retain(|hash| hash != loser && !is_before(hash));
            }
        }
        stand
    }

    fn values(&self, node: NodeId, register: Register) -> Vec<(String, Stamp)> {
        let is_write = |act: &Act| matches!(act, Act::Set { node: n, register: r, .. } if (*n, *r) == (node, register));
        let is_decision = |act: &Act| *act == Act::KeepShown { node, register };
        let written = self.written(self.about(node), is_write, is_decision);
        if !written.is_empty() {
            return written;
        }
        let creation = self.about(node).iter().find(|fact| fact.creates() == Some(node)).expect("it has arrived");
        let Act::AddNode { url, title } = &creation.act else { panic!("not a creation") };
        let value = if register == Register::Title { title } else { url };
        vec![(value.clone(), self.stamp(creation))]
    }

    /// Returns what was added and not removed by anybody who had seen that, with who added it: of each chain the last.
    fn added<T: Ord>(
        &self,
        among: &[&'a Fact],
        added: impl Fn(&Act) -> Option<T>,
        removed: impl Fn(&Act) -> Option<T>,
    ) -> BTreeMap<T, Vec<Stamp>> {
        let mut additions: BTreeMap<T, Vec<&Fact>> = BTreeMap::new();
        let mut removals: BTreeMap<T, Vec<&Fact>> = BTreeMap::new();
        for fact in among {
            if let Some(what) = added(&fact.act) {
                additions.entry(what).or_default().push(fact);
            } else if let Some(what) = removed(&fact.act) {
                removals.entry(what).or_default().push(fact);
            }
        }
        let mut there = BTreeMap::new();
        for (what, all) in additions {
            let removals = removals.get(&what).map(Vec::as_slice).unwrap_or_default();
            let again = |fact: &Fact| all.iter().any(|later| self.facts.is_before(fact, later));
            let is_removed = |fact: &Fact| removals.iter().any(|removal| self.facts.was_known(fact, removal));
            let left = self.stamps(all.iter().copied().filter(|fact| !again(fact) && !is_removed(fact)));
            if !left.is_empty() {
                there.insert(what, left);
            }
        }
        there
    }

    fn tags(&self, node: NodeId) -> BTreeMap<String, Vec<Stamp>> {
        let added = |act: &Act| if let Act::Tag { tag, .. } = act { Some(tag.clone()) } else { None };
        let removed = |act: &Act| if let Act::Untag { tag, .. } = act { Some(tag.clone()) } else { None };
        self.added(self.about(node), added, removed)
    }

    fn edges(&self) -> BTreeMap<Edge, Vec<Stamp>> {
        let added = |act: &Act| if let Act::Link { edge } = act { Some(edge.clone()) } else { None };
        let removed = |act: &Act| if let Act::Unlink { edge } = act { Some(edge.clone()) } else { None };
        self.added(&self.here, added, removed)
    }

    fn traversals(&self) -> Vec<(Stamp, Edge)> {
        let traversal = |fact: &&Fact| match &fact.act {
            Act::Traverse { edge } => Some((self.stamp(fact), edge.clone())),
            _ => None,
        };
        let mut traversals: Vec<_> = self.here.iter().filter_map(traversal).collect();
        traversals.sort();
        traversals
    }

    fn judge(&self, node: NodeId) -> Verdict<'a> {
        let about = self.about(node);
        let saw = |fact: &Fact, other: &Fact| self.seen[&fact.hash].contains(&other.hash);
        let choice_of = |fact: &Fact| match fact.act {
            Act::Resolve { choice, .. } => Some(choice),
            _ => None,
        };
        let decisions = self.last(about.iter().filter(|fact| choice_of(fact).is_some()));
        let is_current = |one: &&&Fact| !decisions.iter().any(|other| saw(other, one));
        let choice = decisions.iter().filter(is_current).filter_map(|one| choice_of(one)).max();
        let is_overruled = |one: &Fact| decisions.iter().any(|other| choice_of(other) != choice && saw(other, one));
        let counts = |one: &&&Fact| choice_of(one) == choice && !is_overruled(one);
        let counting: Vec<&Fact> = decisions.iter().filter(counts).copied().collect();

        let mut deletions = self.last(about.iter().filter(|fact| matches!(fact.act, Act::Delete { .. })));
        if choice == Some(Choice::Keep) {
            deletions.retain(|deletion| !counting.iter().any(|keep| saw(keep, deletion)));
        }
        if choice == Some(Choice::Delete) {
            deletions.extend(&counting);
        }
        let is_removed = |fact: &Fact| deletions.iter().any(|deletion| saw(deletion, fact));
        let activities = about.iter().filter(|fact| fact.act.is_activity());
        let left: Vec<&Fact> = activities.filter(|fact| !is_removed(fact)).copied().collect();
        let kept = matches!(choice, Some(Choice::Keep | Choice::Ghost)) && counting.iter().any(|one| !is_removed(one));
        let is_settled = choice == Some(Choice::Ghost)
            && left.iter().chain(&deletions).all(|fact| counting.iter().any(|one| saw(one, fact)));
        let (state, is_open) = match (deletions.is_empty(), left.is_empty() && !kept) {
            (true, _) if choice == Some(Choice::Ghost) => (NodeState::Ghost, !is_settled),
            (true, _) => (NodeState::Live, false),
            (false, true) => (NodeState::Removed, false),
            (false, false) => (NodeState::Ghost, !is_settled),
        };
        let left = if deletions.is_empty() && decisions.is_empty() {
            // Nobody ever asked what becomes of it.
            about.iter().filter(|fact| fact.creates() == Some(node)).copied().collect()
        } else {
            self.last(&left)
        };
        Verdict { state, is_open, deletions, left, decisions: counting }
    }

    /// Of each author the last.
    fn last<'b>(&self, facts: impl IntoIterator<Item = &'b &'a Fact>) -> Vec<&'a Fact>
    where
        'a: 'b,
    {
        let mut last: BTreeMap<Author, &Fact> = BTreeMap::new();
        for fact in facts {
            let one = last.entry(self.arrived[&fact.hash]).or_insert(fact);
            if fact.seq > one.seq {
                *one = fact;
            }
        }
        last.into_values().collect()
    }

    fn because(&self, verdict: &Verdict<'_>) -> Because {
        Because {
            deletions: self.stamps(verdict.deletions.iter().copied()),
            left: self.stamps(verdict.left.iter().copied()),
            decisions: self.stamps(verdict.decisions.iter().copied()),
        }
    }
}

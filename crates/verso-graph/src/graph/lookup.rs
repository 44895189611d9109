//! What payloads name: nodes, labels, vectors; and what is to be looked at again when more arrives.

use verso_vv::Seen;

use super::{Graph, Watcher};
use crate::chains::{At, Chains, Name};
use crate::contested::Open;
use crate::dots::DotSet;
use crate::intent::Register;
use crate::node::{Created, Node};
use crate::payload::{Label, Malformed, Ref, SeenBy, kinds};
use crate::presence::{Presence, SeenVector, Settled};
use crate::table::{LabelIx, LineIx, NodeIx, SeenIx};
use crate::values::Values;

/// A node that a payload names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found {
    /// It has a place.
    Node(NodeIx),
    /// It may have one.
    Named(Name),
}

/// What waited for an entry that is about to be recorded.
pub(super) struct Stirred {
    watchers: Vec<(Name, Watcher)>,
    /// Unlisted until it has been applied.
    registers: Vec<(NodeIx, Register)>,
}

impl Graph {
    /// Looks up a node that the entry `at` names.
    pub(super) fn find(&mut self, at: At, node: Ref) -> Result<Found, Malformed> {
        match node {
            Ref::Own(seq) => {
                self.chains.own(at.chain(), seq).and_then(|known| known.about).map(Found::Node).ok_or(Malformed)
            }
            Ref::Other(other) => {
                Ok(Found::Named(Name { line: self.chains.line(other.author), seq: other.seq, hash: other.hash }))
            }
        }
    }

    /// Returns the place of a node that the entry `at` names. If the node hasn't arrived, the entry waits for it.
    pub(super) fn reach(&mut self, at: At, found: Found) -> NodeIx {
        let node = match found {
            Found::Node(node) => node,
            Found::Named(name) => self.place(name),
        };
        if self.nodes[node].created.is_none() {
            self.chains.wait(at);
            self.nodes[node].more().waiting.push(at);
        }
        node
    }

    /// As [`reach`](Self::reach), for an entry whose effect depends on what its author had seen.
    pub(super) fn reach_with(&mut self, at: At, found: Found, seen: SeenIx) -> NodeIx {
        let node = self.reach(at, found);
        if let Some(users) = &mut self.vectors[seen].users {
            users.push(node);
        }
        node
    }

    fn place(&mut self, name: Name) -> NodeIx {
        if let Some(node) = self.created_by(name) {
            return node;
        }
        *self.expected.entry(name).or_insert_with(|| self.nodes.push(Node::expected()))
    }

    /// Returns the place where the node of this name is expected, if entries wait for it.
    pub(crate) fn place_expected(&self, name: Name) -> Option<NodeIx> {
        self.expected.get(&name).copied()
    }

    /// Returns the node that the entry of this name created.
    pub(crate) fn created_by(&self, name: Name) -> Option<NodeIx> {
        self.chains.named(name).find_map(|(_, known)| known.about.filter(|_| known.kind == kinds::ADD_NODE))
    }

    /// Gives a node that arrives its place: the one where it is expected, if any.
    ///
    /// An author can forge two branches on which different nodes bear the same name. Whoever names one names both, so they are one node, whose
    /// creation is the one with the lesser id.
    pub(super) fn create(&mut self, created: Created) -> NodeIx {
        let at = created.at;
        let name = self.chains.name(at);
        let forked = self.chains.is_forked(self.chains.line_of(at));
        let expected = if self.expected.is_empty() { None } else { name.and_then(|name| self.expected.remove(&name)) };
        let place = expected.or_else(|| name.filter(|_| forked).and_then(|name| self.created_by(name)));
        let node = place.unwrap_or_else(|| self.nodes.push(Node::expected()));
        match &self.nodes[node].created {
            Some(twin) if twin.id <= created.id => {}
            Some(twin) => {
                let twin_id = twin.id;
                self.unlist(node);
                if let Ok(entry) = self.by_id.find_entry(super::hash(&twin_id), |other| *other == node) {
                    entry.remove();
                }
                self.list(node, created);
            }
            None => {
                self.list(node, created);
                if let Some(more) = &mut self.nodes[node].more {
                    for at in std::mem::take(&mut more.waiting) {
                        self.chains.arrived(at);
                    }
                }
            }
        }
        self.act(node, at);
        if self.nodes[node].more.is_some() {
            self.review(node);
        }
        node
    }

    /// Makes a node findable.
    fn list(&mut self, node: NodeIx, created: Created) {
        let hash = super::hash(&created.id);
        self.nodes[node].created = Some(created);
        self.order.take();
        let nodes = &self.nodes;
        let id_hash = |node: &NodeIx| nodes[*node].created.as_ref().map_or(0, |created| super::hash(&created.id));
        self.by_id.insert_unique(hash, node, id_hash);
        for register in [Register::Title, Register::Url] {
            self.list_value(node, register);
        }
    }

    /// Makes all nodes findable by their ids that have arrived, after none was.
    pub(super) fn list_all(&mut self) {
        let Self { nodes, by_id, .. } = self;
        let id_hash = |node: &NodeIx| nodes[*node].created.as_ref().map_or(0, |created| super::hash(&created.id));
        let arrived = nodes.iter().filter(|(_, row)| row.created.is_some()).map(|(node, _)| node);
        for node in arrived {
            by_id.insert_unique(id_hash(&node), node, id_hash);
        }
    }

    fn unlist(&mut self, node: NodeIx) {
        for register in [Register::Title, Register::Url] {
            self.unlist_value(node, register);
        }
    }

    fn list_value(&mut self, node: NodeIx, register: Register) {
        self.index_value(node, register, |values, of| values.insert(node, of(node), of));
    }

    fn unlist_value(&mut self, node: NodeIx, register: Register) {
        self.index_value(node, register, |values, of| values.remove(node, of(node), of));
    }

    /// Changes the index of a register's values, if there is one and the node belongs into it.
    fn index_value<'a>(
        &'a mut self,
        node: NodeIx,
        register: Register,
        change: impl FnOnce(&mut Values, &dyn Fn(NodeIx) -> &'a str),
    ) {
        let Self { nodes, chains, titles, urls, .. } = self;
        let (nodes, chains) = (&*nodes, &*chains);
        let values = match register {
            Register::Title => titles.get_mut(),
            Register::Url => urls.get_mut(),
        };
        if let Some(values) = values
            && nodes[node].created.is_some()
        {
            change(values, &|node| nodes[node].shown(chains, register));
        }
    }

    /// Changes what was written to a register of a node.
    pub(super) fn rewrite(
        &mut self,
        node: NodeIx,
        register: Register,
        change: impl FnOnce(&mut DotSet<Box<str>>, &Chains, &mut Vec<Name>),
    ) {
        self.unlist_value(node, register);
        let mut watch = Vec::new();
        change(self.nodes[node].writes_mut(register), &self.chains, &mut watch);
        self.list_value(node, register);
        self.watch(&watch, Watcher::Register(node, register));
        self.review(node);
    }

    /// Notes that the entry acted on the node.
    pub(super) fn act(&mut self, node: NodeIx, at: At) {
        let row = &mut self.nodes[node];
        row.act(at);
        // Of a node that lives no deletion counts, so there is none that might not have seen this.
        if row.marks().is_some() && row.presence != Presence::Live {
            self.review(node);
        }
    }

    /// Works out again whether a node is there, and whether something about it is to be decided.
    pub(super) fn review(&mut self, node: NodeIx) {
        let row = &self.nodes[node];
        if row.created.is_none() {
            return;
        }
        let presence = self.review_of(node).presence;
        let is_open = |register| presence != Presence::Removed && row.is_contested(&self.chains, register);
        let open = Open {
            deletion: presence == Presence::Ghost(Settled::No),
            title: is_open(Register::Title),
            url: is_open(Register::Url),
        };
        self.nodes[node].presence = presence;
        self.contested.set(node, open);
    }

    /// Returns the label that the entry `at` names, and remembers it if it carries its text.
    pub(super) fn label(&mut self, at: At, label: Label<'_>) -> Result<LabelIx, Malformed> {
        match label {
            Label::Same(seq) => self.chains.label_at(at.chain(), seq).ok_or(Malformed),
            Label::Text(text) => {
                let label = self.labels.intern(text);
                self.chains.carry_label(at, label);
                Ok(label)
            }
        }
    }

    /// Returns the vector that the entry `at` names, and remembers it if it carries it.
    pub(super) fn vector(&mut self, at: At, seen: SeenBy) -> Result<SeenIx, Malformed> {
        match seen {
            SeenBy::Same(seq) => self.chains.seen_at(at.chain(), seq).ok_or(Malformed),
            SeenBy::Full(seen) => {
                let names = self.vector_names(&seen);
                let open: Vec<Name> = names.iter().copied().filter(|name| !self.chains.is_final(*name)).collect();
                let users = if open.is_empty() { None } else { Some(Vec::new()) };
                let seen = self.vectors.push(SeenVector { names, users });
                self.chains.carry_seen(at, seen);
                self.watch(&open, Watcher::Vector(seen));
                Ok(seen)
            }
        }
    }

    fn vector_names(&mut self, seen: &Seen) -> Box<[Name]> {
        let name =
            |item: &verso_vv::SeenItem| Name { line: self.chains.line(item.author), seq: item.seq.0, hash: item.tag };
        let mut names: Vec<Name> = seen.items().iter().map(name).collect();
        names.sort_unstable();
        names.into()
    }

    /// Returns the names of the entries that a list of the entry `at` names. An own entry that isn't there was discarded and replaces nothing.
    pub(super) fn names(&mut self, at: At, dots: &[Ref]) -> Vec<Name> {
        let name = |dot: &Ref| match dot {
            Ref::Own(seq) => self.chains.own_name(at.chain(), *seq),
            Ref::Other(other) => Some(Name { line: self.chains.line(other.author), seq: other.seq, hash: other.hash }),
        };
        dots.iter().filter_map(name).collect()
    }

    /// Looks at `watcher` again when one of these entries arrives.
    pub(super) fn watch(&mut self, names: &[Name], watcher: Watcher) {
        for name in names {
            self.watched.entry((name.line, name.seq)).or_default().push((*name, watcher));
        }
    }

    /// Prepares for an entry that others name to arrive: registers whose shown value changes when it is recorded are unlisted. Once it is, and
    /// has done what it does, [`wake`](Self::wake) is due.
    pub(super) fn stir(&mut self, place: (LineIx, u64)) -> Stirred {
        let watchers = self.watched.remove(&place).unwrap_or_default();
        let register = |watcher: &(Name, Watcher)| match watcher.1 {
            Watcher::Register(node, register) => Some((node, register)),
            _ => None,
        };
        let mut registers: Vec<(NodeIx, Register)> = watchers.iter().filter_map(register).collect();
        registers.sort_unstable();
        registers.dedup();
        for (node, register) in &registers {
            self.unlist_value(*node, *register);
        }
        Stirred { watchers, registers }
    }

    /// Looks again at what waited for an entry that has now been applied. Names that are now final are watched no longer.
    pub(super) fn wake(&mut self, place: (LineIx, u64), stirred: Stirred) {
        let Stirred { mut watchers, registers } = stirred;
        for (node, register) in registers {
            self.nodes[node].writes_mut(register).settle(&self.chains);
            self.list_value(node, register);
            self.review(node);
        }
        for (_, watcher) in &watchers {
            match *watcher {
                Watcher::Vector(seen) => self.review_users(seen),
                Watcher::Tag(item) => self.tags.settle(&self.chains, item),
                Watcher::Edge(item) => self.edges.settle(&self.chains, item),
                Watcher::WorkspaceName => self.name.settle(&self.chains),
                Watcher::Register(..) => {}
            }
        }
        watchers.retain(|(name, _)| !self.chains.is_final(*name));
        if !watchers.is_empty() {
            self.watched.insert(place, watchers);
        }
    }

    fn review_users(&mut self, seen: SeenIx) {
        let Some(users) = self.vectors[seen].users.take() else { return };
        for node in &users {
            self.review(*node);
        }
        let is_open = self.vectors[seen].names.iter().any(|name| !self.chains.is_final(*name));
        self.vectors[seen].users = is_open.then_some(users);
    }
}

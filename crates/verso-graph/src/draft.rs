//! From intents to payloads: what users say, with what it replaces and what had been seen.

use rustc_hash::FxHashMap;
use verso_vv::{Seen, SeenItem, Seq};
use verso_wire::limits::MAX_PAYLOAD;
use verso_wire::{Drafting, Drafts};

use crate::chains::{At, Name};
use crate::dots::DotSet;
use crate::graph::Graph;
use crate::intent::{Choice, Field, Intent, MAX_DELETED, NodeRef, Register, Rejected};
use crate::items::{EdgeKey, TagKey};
use crate::payload::{Label, MAX_SEQ, Payload, Ref, SeenBy};
use crate::table::{ChainIx, NodeIx};

/// Encodes a batch: of each intent one payload, in order.
pub(crate) fn encode(
    graph: &Graph,
    intents: &[Intent],
    context: &Drafting<'_>,
    out: &mut Drafts,
) -> Result<(), Rejected> {
    let mut batch = Batch::new(graph, intents, context);
    for intent in intents {
        let payload = batch.payload(intent)?;
        let mut len = 0;
        out.push_with(payload.kind(), |bytes| {
            let before = bytes.len();
            payload.write(batch.seq, bytes);
            len = bytes.len() - before;
        });
        if len > MAX_PAYLOAD {
            return Err(Rejected::TooLarge { intent: batch.intent, len });
        }
        batch.intent += 1;
        batch.seq += 1;
    }
    Ok(())
}

/// A batch on its way, with what its earlier intents will have done.
struct Batch<'a> {
    graph: &'a Graph,
    intents: &'a [Intent],
    seen: &'a Seen,
    /// The chain that is written, if anything of it was applied.
    own: Option<ChainIx>,
    /// The number that the batch's first entry gets.
    first: u64,
    /// The intent at hand, and the number that its entry gets.
    intent: usize,
    seq: u64,
    /// What the entry before is about.
    before: Option<Key>,
    /// Entries of this batch that carry the text of a label.
    labels: FxHashMap<&'a str, u64>,
    /// The label used last: mostly the next one is the same or not far.
    last_label: Option<(&'a str, u64)>,
    /// Entries of this batch that are about other authors' nodes.
    about: FxHashMap<NodeIx, u64>,
    /// The entry that carries the vector.
    vector: Option<u64>,
    /// What this batch changes, if it has intents that depend on it.
    changes: Option<Changes<'a>>,
}

/// A node of the state or of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Here(NodeIx),
    /// Created by the entry of this number.
    New(u64),
}

/// What earlier intents of a batch have put there, or taken away.
#[derive(Default)]
struct Changes<'a> {
    nodes: FxHashMap<Key, Change>,
    tags: FxHashMap<(Key, &'a str), Change>,
    edges: FxHashMap<(Key, Key, &'a str), Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    There,
    Gone,
}

impl<'a> Batch<'a> {
    fn new(graph: &'a Graph, intents: &'a [Intent], context: &Drafting<'a>) -> Self {
        let takes_away = |intent: &Intent| {
            matches!(
                intent,
                Intent::Untag { .. } | Intent::Unlink { .. } | Intent::DeleteNode { .. } | Intent::Resolve { .. }
            )
        };
        let own = graph.chains.find(&context.author);
        let last = own.and_then(|own| graph.chains.own(own, context.next.previous().0));
        Self {
            graph,
            intents,
            seen: context.seen,
            own,
            first: context.next.0,
            intent: 0,
            seq: context.next.0,
            before: last.and_then(|known| known.about).map(Key::Here),
            labels: FxHashMap::default(),
            last_label: None,
            about: FxHashMap::default(),
            vector: None,
            changes: intents.iter().any(takes_away).then(Changes::default),
        }
    }

    fn payload(&mut self, intent: &'a Intent) -> Result<Payload<'a>, Rejected> {
        match intent {
            Intent::AddNode { url, title } => {
                self.check(Field::Url, url)?;
                self.check(Field::Title, title)?;
                self.before = Some(Key::New(self.seq));
                Ok(Payload::AddNode { url, title })
            }
            Intent::SetTitle { node, title } => self.set(*node, Register::Title, title),
            Intent::SetUrl { node, url } => self.set(*node, Register::Url, url),
            Intent::SetWorkspaceName { name } => {
                self.check(Field::WorkspaceName, name)?;
                self.before = None;
                Ok(Payload::SetWorkspaceName { replaces: self.others(&self.graph.name), name })
            }
            Intent::Tag { node, tag } => {
                let key = self.there(*node)?;
                self.check(Field::Tag, tag)?;
                self.change(|changes| changes.tags.insert((key, tag), Change::There));
                Ok(Payload::Tag { node: self.subject(key), tag: self.label(tag) })
            }
            Intent::Untag { node, tag } => self.untag(*node, tag),
            Intent::Link { src, dst, kind } => {
                let (from, to) = (self.there(*src)?, self.there(*dst)?);
                self.check(Field::EdgeKind, kind)?;
                self.change(|changes| changes.edges.insert((from, to, kind), Change::There));
                let dst = self.object(to);
                Ok(Payload::Link { src: self.subject(from), dst, kind: self.label(kind) })
            }
            Intent::Unlink { src, dst, kind } => self.unlink(*src, *dst, kind),
            Intent::Traverse { src, dst, trigger } => {
                let (from, to) = (self.there(*src)?, self.there(*dst)?);
                self.check(Field::Trigger, trigger)?;
                let dst = self.object(to);
                Ok(Payload::Traverse { src: self.subject(from), dst, trigger: self.label(trigger) })
            }
            Intent::DeleteNode { nodes } => self.delete(nodes),
            Intent::Resolve { node, register: None, choice } => {
                let key = self.key(*node)?;
                let change = if *choice == Choice::Delete { Change::Gone } else { Change::There };
                self.change(|changes| changes.nodes.insert(key, change));
                let seen = self.vector();
                Ok(Payload::Resolve { choice: *choice, seen, node: self.subject(key) })
            }
            Intent::Resolve { node, register: Some(register), choice } => self.keep_shown(*node, *register, *choice),
        }
    }

    fn set(&mut self, node: NodeRef, register: Register, value: &'a str) -> Result<Payload<'a>, Rejected> {
        let key = self.there(node)?;
        self.check(if register == Register::Title { Field::Title } else { Field::Url }, value)?;
        let writes = here(key).and_then(|node| self.graph.nodes[node].writes(register));
        let replaces = writes.map(|writes| self.others(writes)).unwrap_or_default();
        Ok(Payload::Set { register, node: self.subject(key), replaces, value })
    }

    fn untag(&mut self, node: NodeRef, tag: &'a str) -> Result<Payload<'a>, Rejected> {
        let key = self.there(node)?;
        let Graph { tags, labels, chains, .. } = self.graph;
        let tag_key = here(key).zip(labels.find(tag)).map(|(node, tag)| TagKey { node, tag });
        let item = tag_key.and_then(|key| tags.find(key)).filter(|item| tags.is_there(chains, *item));
        let changed = self.changes.as_ref().and_then(|changes| changes.tags.get(&(key, tag)).copied());
        if changed.map_or(item.is_none(), |change| change == Change::Gone) {
            return Err(Rejected::NoSuchTag { intent: self.intent, tag: tag.to_owned() });
        }
        let seen = item.map(|item| tags.seen(chains, self.own, item)).unwrap_or_default();
        let removes = self.refs(seen.into_iter());
        self.change(|changes| changes.tags.insert((key, tag), Change::Gone));
        Ok(Payload::Untag { node: self.subject(key), removes, tag: self.label(tag) })
    }

    fn unlink(&mut self, src: NodeRef, dst: NodeRef, kind: &'a str) -> Result<Payload<'a>, Rejected> {
        let (from, to) = (self.there(src)?, self.there(dst)?);
        let Graph { edges, labels, chains, .. } = self.graph;
        let ends = here(from).zip(here(to));
        let edge_key = ends.zip(labels.find(kind)).map(|((src, dst), kind)| EdgeKey { src, dst, kind });
        let item = edge_key.and_then(|key| edges.find(key)).filter(|item| edges.is_there(chains, *item));
        let changed = self.changes.as_ref().and_then(|changes| changes.edges.get(&(from, to, kind)).copied());
        if changed.map_or(item.is_none(), |change| change == Change::Gone) {
            return Err(Rejected::NoSuchEdge { intent: self.intent, kind: kind.to_owned() });
        }
        let seen = item.map(|item| edges.seen(chains, self.own, item)).unwrap_or_default();
        let removes = self.refs(seen.into_iter());
        self.change(|changes| changes.edges.insert((from, to, kind), Change::Gone));
        let dst = self.object(to);
        Ok(Payload::Unlink { src: self.subject(from), dst, removes, kind: self.label(kind) })
    }

    fn delete(&mut self, nodes: &'a [NodeRef]) -> Result<Payload<'a>, Rejected> {
        if !(1..=MAX_DELETED).contains(&nodes.len()) {
            return Err(Rejected::NodeCount { intent: self.intent, count: nodes.len() });
        }
        let keys = nodes.iter().map(|node| self.there(*node)).collect::<Result<Vec<_>, _>>()?;
        let seen = self.vector();
        for key in &keys {
            self.change(|changes| changes.nodes.insert(*key, Change::Gone));
        }
        let rest: Vec<Ref> = keys.iter().skip(1).map(|key| self.mention(*key)).collect();
        // An entry is about the first node that it names.
        let nodes = keys.first().map(|first| self.subject(*first)).into_iter().chain(rest).collect();
        Ok(Payload::DeleteNode { seen, nodes })
    }

    fn keep_shown(&mut self, node: NodeRef, register: Register, choice: Choice) -> Result<Payload<'a>, Rejected> {
        let key = self.there(node)?;
        if choice != Choice::Keep {
            return Err(Rejected::NotForRegisters { intent: self.intent });
        }
        let chains = &self.graph.chains;
        let mut drops = Vec::new();
        if let Some(writes) = here(key).and_then(|node| self.graph.nodes[node].writes(register)) {
            let shown = writes.greatest(chains).map(|(at, _)| at);
            drops.extend(writes.iter(chains).filter(|(at, _)| Some(*at) != shown).filter_map(|(at, _)| {
                if self.is_own(at) { Some(Ref::Own(at.seq())) } else { chains.other_ref(at).map(Ref::Other) }
            }));
        }
        Ok(Payload::ResolveRegister { register, node: self.subject(key), drops })
    }

    fn check(&self, field: Field, text: &str) -> Result<(), Rejected> {
        if text.len() > field.limit() {
            return Err(Rejected::TooLong { intent: self.intent, field, len: text.len() });
        }
        if text.is_empty() && field == Field::Tag {
            return Err(Rejected::Empty { intent: self.intent, field });
        }
        Ok(())
    }

    /// Returns the node that an intent names, whether it is there or gone.
    fn key(&self, node: NodeRef) -> Result<Key, Rejected> {
        let key = match node {
            NodeRef::Id(id) => self.graph.place_of(&id).map(Key::Here),
            NodeRef::New(index) => {
                let adds = matches!(self.intents.get(index), Some(Intent::AddNode { .. }));
                let seq = u64::try_from(index).ok().and_then(|index| self.first.checked_add(index));
                seq.filter(|seq| adds && *seq < self.seq).map(Key::New)
            }
        };
        key.ok_or(Rejected::UnknownNode { intent: self.intent, node })
    }

    /// Returns the node that an intent names, which must be there.
    fn there(&self, node: NodeRef) -> Result<Key, Rejected> {
        let key = self.key(node)?;
        let changed = self.changes.as_ref().and_then(|changes| changes.nodes.get(&key).copied());
        let is_there = match (changed, key) {
            (Some(change), _) => change == Change::There,
            (None, Key::New(_)) => true,
            (None, Key::Here(node)) => self.graph.is_visible(node),
        };
        if is_there { Ok(key) } else { Err(Rejected::UnknownNode { intent: self.intent, node }) }
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Changes<'a>) -> T) {
        if let Some(changes) = &mut self.changes {
            change(changes);
        }
    }

    /// Names the node that this entry is about.
    fn subject(&mut self, key: Key) -> Ref {
        let reference = self.mention(key);
        self.before = Some(key);
        if let (Key::Here(node), Ref::Other(_)) = (key, reference) {
            self.about.insert(node, self.seq);
        }
        reference
    }

    /// Names a node, if possible as that of the entry before.
    fn mention(&self, key: Key) -> Ref {
        if self.before == Some(key) { Ref::Own(self.seq - 1) } else { self.object(key) }
    }

    /// Names a node by the own entry that created it, else by an own entry about it, else by another author's.
    fn object(&self, key: Key) -> Ref {
        let node = match key {
            Key::New(seq) => return Ref::Own(seq),
            Key::Here(node) => node,
        };
        let created = self.graph.created(node).at;
        if self.is_own(created) {
            return Ref::Own(created.seq());
        }
        if let Some(seq) = self.about.get(&node) {
            return Ref::Own(*seq);
        }
        let chains = &self.graph.chains;
        let own = self.own.and_then(|own| self.graph.nodes[node].activity_of(own));
        if let Some(own) = own.filter(|own| chains.known(*own).is_some_and(|known| known.about == Some(node))) {
            return Ref::Own(own.seq());
        }
        // A node that is there was created by an entry that is known; an own entry 0 would be refused by every reader.
        chains.other_ref(created).map_or(Ref::Own(0), Ref::Other)
    }

    fn is_own(&self, at: At) -> bool {
        self.own.is_some_and(|own| self.graph.chains.on_chain(own, MAX_SEQ, at))
    }

    /// Names all that this chain's author has seen in a set, but for what the chain wrote or named before.
    fn others<T>(&self, set: &DotSet<T>) -> Vec<Ref> {
        self.refs(set.seen(&self.graph.chains, self.own))
    }

    fn refs(&self, dots: impl Iterator<Item = At>) -> Vec<Ref> {
        dots.filter_map(|at| self.graph.chains.other_ref(at)).map(Ref::Other).collect()
    }

    /// Gives a label as text the first time that this chain uses it, then by the entry that did.
    fn label(&mut self, text: &'a str) -> Label<'a> {
        if let Some((last, seq)) = self.last_label
            && last == text
        {
            return Label::Same(seq);
        }
        let known = self.own.zip(self.graph.labels.find(text));
        let carried = known.and_then(|(own, label)| self.graph.chains.label_entry(own, label));
        let carried = carried.or_else(|| self.labels.get(text).copied());
        let seq = carried.unwrap_or_else(|| {
            self.labels.insert(text, self.seq);
            self.seq
        });
        self.last_label = Some((text, seq));
        if carried.is_some() { Label::Same(seq) } else { Label::Text(text) }
    }

    /// Gives what is applied in full the first time, then by the entry that did.
    fn vector(&mut self) -> SeenBy {
        if let Some(seq) = self.vector {
            return SeenBy::Same(seq);
        }
        let items = self.applied();
        let names: Option<Vec<Name>> = items.iter().map(|item| self.name(item)).collect();
        let last = self.own.and_then(|own| self.graph.chains.last_seen(own));
        if let (Some(mut names), Some((seq, seen))) = (names, last) {
            names.sort_unstable();
            if *self.graph.vectors[seen].names == *names {
                self.vector = Some(seq);
                return SeenBy::Same(seq);
            }
        }
        self.vector = Some(self.seq);
        SeenBy::Full(Seen::new(items))
    }

    fn name(&self, item: &SeenItem) -> Option<Name> {
        let line = self.graph.chains.find_line(item.author)?;
        Some(Name { line, seq: item.seq.0, hash: item.tag })
    }

    /// Returns what is applied of other chains, each up to the first entry that waits: nobody can have seen what that does.
    fn applied(&self) -> Vec<SeenItem> {
        let chains = &self.graph.chains;
        let mut items = Vec::new();
        for item in self.seen.items() {
            let named = self.name(item).and_then(|name| chains.chain_named(name));
            let Some(chain) = named else {
                items.push(*item);
                continue;
            };
            if self.own.is_some_and(|own| chains.is_part(chain, own)) {
                continue;
            }
            let Some(waiting) = chains.first_waiting(chain, item.seq.0) else {
                items.push(*item);
                continue;
            };
            let last = chains.last_until(chain, waiting - 1).and_then(|at| chains.other_ref(at));
            items.extend(last.map(|last| SeenItem { author: last.author, seq: Seq(last.seq), tag: last.hash }));
        }
        items
    }
}

fn here(key: Key) -> Option<NodeIx> {
    match key {
        Key::Here(node) => Some(node),
        Key::New(_) => None,
    }
}

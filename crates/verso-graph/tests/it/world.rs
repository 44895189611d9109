//! Devices in memory: each has its graph and its log, writes real payloads, and hands entries on in any order that keeps each chain's.

use std::collections::BTreeMap;

use verso_graph::{Graph, Intent, NodeId, NodeRef, Rejected};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, HlcClock, Incarnation, Seen, SeenItem, Seq};
use verso_wire::{
    Ancestor, Application as _, AppliedEntry, Branch, Drafting, Drafts, EntryDigest, EntryKind, chain_next, chain_start,
};

const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([9; 16]);

/// An entry as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) signer: Author,
    /// On a branch the derived author.
    pub(crate) author: Author,
    pub(crate) seq: Seq,
    pub(crate) previous: EntryHash,
    pub(crate) hash: EntryHash,
    pub(crate) kind: EntryKind,
    pub(crate) hlc: Hlc,
    pub(crate) payload: Vec<u8>,
    pub(crate) ancestors: Vec<Ancestor>,
}

impl Entry {
    pub(crate) fn node(&self) -> NodeId {
        NodeId::of(&self.hash)
    }

    pub(crate) fn apply_to(&self, graph: &mut Graph) {
        graph.apply(&AppliedEntry {
            dot: Dot { author: self.author, seq: self.seq },
            tag: AuthorTag::of(&self.signer),
            hash: self.hash,
            kind: self.kind,
            hlc: self.hlc,
            payload: &self.payload,
            ancestors: &self.ancestors,
        });
    }
}

/// Builds the state of these entries, in this order.
pub(crate) fn graph_of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Graph {
    let mut graph = Graph::new();
    for entry in entries {
        entry.apply_to(&mut graph);
    }
    graph
}

/// The canonical bytes of a state: what must be equal.
pub(crate) fn bytes_of(graph: &Graph) -> Vec<u8> {
    let mut bytes = Vec::new();
    graph.write_canonical(&mut |piece: &[u8]| bytes.extend_from_slice(piece));
    bytes
}

#[derive(Clone)]
struct Head {
    seq: Seq,
    hash: EntryHash,
}

/// One writing device.
pub(crate) struct Device {
    pub(crate) graph: Graph,
    pub(crate) author: Author,
    /// Its clock's wall time in milliseconds; wrong clocks are allowed.
    pub(crate) wall: u64,
    /// All entries in the order in which they were applied here.
    pub(crate) log: Vec<Entry>,
    clock: HlcClock,
    heads: BTreeMap<Author, Head>,
}

impl Device {
    pub(crate) fn new(number: u8) -> Self {
        let author = Author { device: DeviceId::from_bytes([number; 32]), incarnation: Incarnation(u64::from(number)) };
        Self {
            graph: Graph::new(),
            author,
            wall: 1_700_000_000_000,
            log: Vec::new(),
            clock: HlcClock::default(),
            heads: BTreeMap::new(),
        }
    }

    /// Makes a copy that goes on writing under the same author, as a copied disk does.
    pub(crate) fn clone_disk(&self) -> Self {
        Self {
            graph: graph_of(&self.log),
            author: self.author,
            wall: self.wall,
            log: self.log.clone(),
            clock: self.clock,
            heads: self.heads.clone(),
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        let item = |(author, head): (&Author, &Head)| SeenItem {
            author: AuthorTag::of(author),
            seq: head.seq,
            tag: head.hash.tag(),
        };
        Seen::new(self.heads.iter().map(item))
    }

    pub(crate) fn drafts(&self, intents: &[Intent]) -> Result<Drafts, Rejected> {
        let seen = self.seen();
        let next = self.heads.get(&self.author).map_or(Seq::FIRST, |head| head.seq.next());
        let tag = AuthorTag::of(&self.author);
        let context = Drafting { author: self.author, tag, next, seen: &seen, hlc_ms: self.wall };
        let mut drafts = Drafts::new();
        self.graph.encode(intents, &context, &mut drafts)?;
        Ok(drafts)
    }

    /// Writes a batch and applies it here.
    pub(crate) fn try_write(&mut self, intents: &[Intent]) -> Result<Vec<Entry>, Rejected> {
        let drafts = self.drafts(intents)?;
        assert_eq!(drafts.len(), intents.len());
        Ok(drafts.iter().map(|(kind, payload)| self.append(kind, payload)).collect())
    }

    /// Writes any bytes as the next entry and applies it here.
    pub(crate) fn append(&mut self, kind: EntryKind, payload: &[u8]) -> Entry {
        let start = Head { seq: Seq::ZERO, hash: chain_start(&WORKSPACE, &self.author) };
        let head = self.heads.get(&self.author).cloned().unwrap_or(start);
        let hlc = self.clock.tick(self.wall);
        let seq = head.seq.next();
        let entry = Entry {
            signer: self.author,
            author: self.author,
            seq,
            previous: head.hash,
            hash: chain_next(&head.hash, seq, &EntryDigest::of(kind, hlc, payload)),
            kind,
            hlc,
            payload: payload.to_vec(),
            ancestors: Vec::new(),
        };
        assert!(self.receive(&entry));
        entry
    }

    pub(crate) fn write(&mut self, intents: &[Intent]) -> Vec<Entry> {
        self.try_write(intents).expect("the intents make sense")
    }

    pub(crate) fn one(&mut self, intent: Intent) -> Entry {
        self.write(&[intent]).remove(0)
    }

    pub(crate) fn add(&mut self, title: &str) -> NodeId {
        self.one(Intent::AddNode { url: format!("https://{title}"), title: title.to_owned() }).node()
    }

    /// Applies an entry that follows what is held of its author; returns whether it did.
    pub(crate) fn receive(&mut self, entry: &Entry) -> bool {
        let start = Head { seq: Seq::ZERO, hash: chain_start(&WORKSPACE, &entry.author) };
        let head = self.heads.entry(entry.author).or_insert(start);
        if head.seq.next() != entry.seq || head.hash != entry.previous {
            return false;
        }
        *head = Head { seq: entry.seq, hash: entry.hash };
        entry.apply_to(&mut self.graph);
        self.clock.observe(entry.hlc, self.wall);
        self.log.push(entry.clone());
        true
    }

    /// Receives all that another device holds, in the order of its log.
    pub(crate) fn pull(&mut self, other: &Self) {
        for entry in &other.log {
            self.receive(entry);
        }
    }
}

/// Brings two devices in step and checks that they are.
pub(crate) fn sync(one: &mut Device, other: &mut Device) {
    one.pull(other);
    other.pull(one);
    assert_eq!(bytes_of(&one.graph), bytes_of(&other.graph));
}

/// Two devices.
pub(crate) fn pair() -> (Device, Device) {
    (Device::new(1), Device::new(2))
}

/// Names the branches of forked chains as every holder of all these entries does: from the first difference on, each side is an author of its
/// own. A trunk's entries come before its branches'.
pub(crate) fn relabel(entries: &[Entry]) -> Vec<Entry> {
    let mut followers: BTreeMap<EntryHash, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        let followers = followers.entry(entry.previous).or_default();
        if !followers.iter().any(|other| other.hash == entry.hash) {
            followers.push(entry);
        }
    }
    let mut signers: Vec<Author> = entries.iter().map(|entry| entry.signer).collect();
    signers.sort_unstable();
    signers.dedup();
    let mut relabelled = Vec::new();
    for signer in signers {
        let mut parts = vec![(chain_start(&WORKSPACE, &signer), signer, Vec::new())];
        while let Some((previous, author, ancestors)) = parts.pop() {
            let following = followers.get(&previous).map(Vec::as_slice).unwrap_or_default();
            for next in following {
                let (mut author, mut ancestors) = (author, ancestors.clone());
                if following.len() > 1 {
                    ancestors.push(Ancestor { author, until: next.seq });
                    author = Branch { at: next.seq, hash: next.hash }.author(&signer);
                }
                relabelled.push(Entry { author, ancestors: ancestors.clone(), ..(*next).clone() });
                parts.push((next.hash, author, ancestors));
            }
        }
    }
    relabelled
}

/// An order of arrival that keeps the order of each chain, chosen by `choices`; a branch comes after its trunk. Some entries come twice.
pub(crate) fn shuffled(entries: &[Entry], choices: &[u16]) -> Vec<Entry> {
    let mut queues: BTreeMap<Author, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        queues.entry(entry.author).or_default().push(entry);
    }
    for queue in queues.values_mut() {
        queue.sort_by_key(|entry| std::cmp::Reverse(entry.seq));
    }
    let mut done: BTreeMap<Author, Seq> = BTreeMap::new();
    let mut order = Vec::new();
    let mut choices = choices.iter().cycle();
    let mut choice = || usize::from(*choices.next().unwrap_or(&0));
    while !queues.is_empty() {
        let is_ready = |queue: &[&Entry]| {
            let next = queue.last().expect("queues are not empty");
            next.ancestors.last().is_none_or(|trunk| {
                // A chain that forks at its first entry has no trunk.
                let has_trunk = entries.iter().any(|entry| entry.author == trunk.author);
                !has_trunk || done.get(&trunk.author).is_some_and(|done| done.next() >= trunk.until)
            })
        };
        let ready: Vec<Author> =
            queues.iter().filter(|(_, queue)| is_ready(queue)).map(|(author, _)| *author).collect();
        let author = ready[choice() % ready.len()];
        for _ in 0..=choice() % 4 {
            let Some(entry) = queues.get_mut(&author).and_then(Vec::pop) else { break };
            done.insert(author, entry.seq);
            order.push(entry.clone());
            if choice() % 7 == 0 {
                order.push(entry.clone());
            }
        }
        queues.retain(|_, queue| !queue.is_empty());
    }
    order
}

pub(crate) fn title(node: impl Into<NodeRef>, title: &str) -> Intent {
    Intent::SetTitle { node: node.into(), title: title.to_owned() }
}

pub(crate) fn tag(node: impl Into<NodeRef>, tag: &str) -> Intent {
    Intent::Tag { node: node.into(), tag: tag.to_owned() }
}

pub(crate) fn untag(node: impl Into<NodeRef>, tag: &str) -> Intent {
    Intent::Untag { node: node.into(), tag: tag.to_owned() }
}

pub(crate) fn link(src: impl Into<NodeRef>, dst: impl Into<NodeRef>, kind: &str) -> Intent {
    Intent::Link { src: src.into(), dst: dst.into(), kind: kind.to_owned() }
}

pub(crate) fn unlink(src: impl Into<NodeRef>, dst: impl Into<NodeRef>, kind: &str) -> Intent {
    Intent::Unlink { src: src.into(), dst: dst.into(), kind: kind.to_owned() }
}

pub(crate) fn delete(node: impl Into<NodeRef>) -> Intent {
    Intent::DeleteNode { nodes: vec![node.into()] }
}

pub(crate) fn resolve(node: impl Into<NodeRef>, choice: verso_graph::Choice) -> Intent {
    Intent::Resolve { node: node.into(), register: None, choice }
}

//! Two devices change one graph while they are apart: nothing is lost, and what is to be decided is shown.
//!
//! `cargo run -p verso-graph --example two_readers`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;

use verso_graph::{Choice, Graph, Intent, NodeId, NodeRef};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, HlcClock, Incarnation, Seen, SeenItem, Seq};
use verso_wire::{Application as _, AppliedEntry, Drafting, Drafts, EntryDigest, EntryKind, chain_next, chain_start};

const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([1; 16]);

/// An entry as it would travel, sealed, in a unit of verso-wire.
#[derive(Clone)]
struct Entry {
    dot: Dot,
    hash: EntryHash,
    kind: EntryKind,
    hlc: Hlc,
    payload: Vec<u8>,
}

struct Reader {
    author: Author,
    clock: HlcClock,
    graph: Graph,
    /// How far each author's chain is applied here, with the hash at its end.
    heads: BTreeMap<Author, (Seq, EntryHash)>,
    log: Vec<Entry>,
}

impl Reader {
    fn new(number: u8) -> Self {
        let author = Author { device: DeviceId::from_bytes([number; 32]), incarnation: Incarnation(u64::from(number)) };
        Self { author, clock: HlcClock::default(), graph: Graph::new(), heads: BTreeMap::new(), log: Vec::new() }
    }

    /// Writes a batch: intents become payloads, payloads become entries, entries become state. Returns the nodes that were made.
    fn write(&mut self, now_ms: u64, intents: &[Intent]) -> Result<Vec<NodeId>, Box<dyn Error>> {
        let item = |(author, (seq, hash)): (&Author, &(Seq, EntryHash))| SeenItem {
            author: AuthorTag::of(author),
            seq: *seq,
            tag: hash.tag(),
        };
        let seen = Seen::new(self.heads.iter().map(item));
        let start = (Seq::ZERO, chain_start(&WORKSPACE, &self.author));
        let (mut seq, mut hash) = self.heads.get(&self.author).copied().unwrap_or(start);
        let tag = AuthorTag::of(&self.author);
        let context = Drafting { author: self.author, tag, next: seq.next(), seen: &seen, hlc_ms: now_ms };
        let mut drafts = Drafts::new();
        self.graph.encode(intents, &context, &mut drafts)?;
        let mut nodes = Vec::new();
        for ((kind, payload), intent) in drafts.iter().zip(intents) {
            let hlc = self.clock.tick(now_ms);
            seq = seq.next();
            hash = chain_next(&hash, seq, &EntryDigest::of(kind, hlc, payload));
            if matches!(intent, Intent::AddNode { .. }) {
                nodes.push(NodeId::of(&hash));
            }
            let dot = Dot { author: self.author, seq };
            self.apply(Entry { dot, hash, kind, hlc, payload: payload.to_vec() });
        }
        Ok(nodes)
    }

    fn apply(&mut self, entry: Entry) {
        let Entry { dot, hash, kind, hlc, ref payload } = entry;
        let tag = AuthorTag::of(&dot.author);
        self.graph.apply(&AppliedEntry { dot, tag, hash, kind, hlc, payload, ancestors: &[] });
        self.heads.insert(dot.author, (dot.seq, hash));
        self.clock.observe(hlc, hlc.millis());
        self.log.push(entry);
    }

    /// Applies what this side lacks, in each author's order. In earnest the session of verso-session brings it.
    fn pull(&mut self, other: &Self) {
        for entry in &other.log {
            let held = self.heads.get(&entry.dot.author).map_or(Seq::ZERO, |(seq, _)| *seq);
            if held.next() == entry.dot.seq {
                self.apply(entry.clone());
            }
        }
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (mut ada, mut ben) = (Reader::new(1), Reader::new(2));
    let add = Intent::AddNode { url: "https://example.org/hypercard".into(), title: "HyperCard".into() };
    let nodes = ada.write(1_000, &[add, Intent::Tag { node: NodeRef::New(0), tag: "history".into() }])?;
    let &[node] = &nodes[..] else { return Err("one node was made".into()) };
    ben.pull(&ada);

    // Apart: both give it another title, one tags it, the other throws it away.
    ada.write(2_000, &[Intent::SetTitle { node: node.into(), title: "HyperCard, 1987".into() }])?;
    ada.write(2_001, &[Intent::Tag { node: node.into(), tag: "to read".into() }])?;
    ben.write(3_000, &[Intent::SetTitle { node: node.into(), title: "HyperCard (Apple)".into() }])?;
    ben.write(3_001, &[Intent::DeleteNode { nodes: vec![node.into()] }])?;

    // They meet. Who pulls first makes no difference.
    ada.pull(&ben);
    ben.pull(&ada);
    if ada.graph.digest() != ben.graph.digest() {
        return Err("the same entries give the same state, byte for byte".into());
    }
    for conflict in ada.graph.conflicts() {
        println!("to decide, {}:", conflict.id.kind());
        for side in &conflict.sides {
            println!("    {:?} at {}", side.what, side.stamp.hlc);
        }
    }
    let conflicts = ada.graph.conflicts();
    let [deletion, title] = &conflicts[..] else { return Err("a deletion and a title are to be decided".into()) };

    // Nothing waits for a decision, and one decision counts for both.
    let keep = ada.graph.resolution(&deletion.id, Choice::Keep).ok_or("it is still open")?;
    let pick = ada.graph.pick(&title.id, 1).ok_or("it has two sides")?;
    ada.write(4_000, &[keep, pick])?;
    ben.pull(&ada);
    let kept = ben.graph.node(&node).ok_or("it was kept")?;
    println!("kept: {}, {:?}", kept.title(), kept.tags());
    if ben.graph.conflicts().is_empty() && kept.title() == "HyperCard, 1987" {
        Ok(())
    } else {
        Err("it was decided".into())
    }
}

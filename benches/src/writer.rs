//! [`Writer`]: a device that writes, with no disk and no network.

use verso_graph::{Graph, Intent, NodeId, NodeRef};
use verso_identity::{DeviceKey, WorkspaceId};
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Incarnation, Seen, SeenItem, Seq};
use verso_wire::limits::MAX_UNIT_ENTRIES;
use verso_wire::{Application as _, AppliedEntry, ChainHead, Content, Drafting, Drafts, EntryDigest, EntryKind};
use verso_wire::{CompressionLevel, SyncUnit, UnitBuilder, chain_next, chain_start};
use zeroize::Zeroizing;

use crate::rows::Row;

/// The workspace of all benches.
const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([1; 16]);

/// An entry, ready to be applied.
#[derive(Debug, Clone)]
pub struct Entry {
    author: Author,
    tag: AuthorTag,
    seq: Seq,
    previous: EntryHash,
    hash: EntryHash,
    kind: EntryKind,
    hlc: Hlc,
    payload: Vec<u8>,
}

impl Entry {
    /// Returns the node that it creates.
    pub fn node(&self) -> NodeId {
        NodeId::of(&self.hash)
    }

    /// Applies it.
    pub fn apply_to(&self, graph: &mut Graph) {
        graph.apply(&AppliedEntry {
            dot: Dot { author: self.author, seq: self.seq },
            tag: self.tag,
            hash: self.hash,
            kind: self.kind,
            hlc: self.hlc,
            payload: &self.payload,
            ancestors: &[],
        });
    }
}

/// One device that writes.
#[derive(Debug)]
pub struct Writer {
    /// What it shows.
    pub graph: Graph,
    key: DeviceKey,
    author: Author,
    tag: AuthorTag,
    seq: Seq,
    hash: EntryHash,
    clock: u64,
    drafts: Drafts,
}

impl Writer {
    /// Makes the device with this number.
    pub fn new(number: u8) -> Self {
        let key = DeviceKey::from_secret(&Zeroizing::new([number; 32]));
        let author = Author { device: key.id(), incarnation: Incarnation(7) };
        Self {
            graph: Graph::new(),
            key,
            author,
            tag: AuthorTag::of(&author),
            seq: Seq::ZERO,
            hash: chain_start(&WORKSPACE, &author),
            clock: 1_700_000_000_000 << 16,
            drafts: Drafts::new(),
        }
    }

    /// Encodes a batch, and nothing else. Returns how many payloads that made.
    ///
    /// # Panics
    /// If the intents make no sense.
    pub fn encode(&mut self, intents: &[Intent], seen: &Seen) -> usize {
        self.drafts.clear();
        let context =
            Drafting { author: self.author, tag: self.tag, next: self.seq.next(), seen, hlc_ms: self.clock >> 16 };
        self.graph.encode(intents, &context, &mut self.drafts).expect("the intents make sense");
        self.drafts.len()
    }

    /// Writes a batch, chained and applied.
    ///
    /// # Panics
    /// If the intents make no sense.
    pub fn write(&mut self, intents: &[Intent], seen: &Seen) -> Vec<Entry> {
        self.encode(intents, seen);
        let drafts = std::mem::take(&mut self.drafts);
        let entries: Vec<Entry> = drafts
            .iter()
            .map(|(kind, payload)| {
                self.seq = self.seq.next();
                self.clock += 1;
                let hlc = Hlc(self.clock);
                let previous = self.hash;
                self.hash = chain_next(&previous, self.seq, &EntryDigest::of(kind, hlc, payload));
                let (author, tag, seq, hash) = (self.author, self.tag, self.seq, self.hash);
                Entry { author, tag, seq, previous, hash, kind, hlc, payload: payload.to_vec() }
            })
            .collect();
        for entry in &entries {
            entry.apply_to(&mut self.graph);
        }
        entries
    }

    /// Returns what who has all of its entries has seen.
    pub fn seen(&self) -> SeenItem {
        SeenItem { author: self.tag, seq: self.seq, tag: self.hash.tag() }
    }

    /// Seals entries that it wrote into units, as they are stored and sent.
    ///
    /// # Panics
    /// If the entries don't follow each other.
    pub fn seal(&self, entries: &[Entry]) -> Vec<Vec<u8>> {
        let unit = |run: &[Entry]| {
            let before = ChainHead { seq: run[0].seq.previous(), hash: run[0].previous };
            let mut unit = UnitBuilder::new(WORKSPACE, self.author, None, before);
            for entry in run {
                unit.push(entry.kind, entry.hlc, &entry.payload).expect("it fits");
            }
            unit.seal(&self.key).expect("it is this device's").encode(CompressionLevel::RECORD)
        };
        entries.chunks(MAX_UNIT_ENTRIES).map(unit).collect()
    }
}

/// Verifies a unit and applies what it says.
///
/// # Panics
/// If it is none.
pub fn apply_unit(graph: &mut Graph, bytes: &[u8]) {
    let unit = SyncUnit::decode(&WORKSPACE, bytes).expect("a unit").chain().verify().expect("it is sealed");
    let (author, tag) = (unit.author(), AuthorTag::of(unit.signer()));
    for (entry, hash) in unit.entries().zip(unit.hashes()) {
        if let Content::Full { kind, hlc, payload } = entry.content {
            let dot = Dot { author, seq: entry.seq };
            graph.apply(&AppliedEntry { dot, tag, hash: *hash, kind, hlc, payload, ancestors: &[] });
        }
    }
}

/// Writes each node with its tags, then each node's links, a unit's worth at a time.
pub fn record(rows: &[Row], writer: &mut Writer) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut nodes: Vec<NodeId> = Vec::new();
    let seen = Seen::default();
    let mut flush = |intents: &mut Vec<Intent>, nodes: &mut Vec<NodeId>| {
        let written = writer.write(intents, &seen);
        let added = intents.iter().zip(&written).filter(|(intent, _)| matches!(intent, Intent::AddNode { .. }));
        nodes.extend(added.map(|(_, entry)| NodeId::of(&entry.hash)));
        intents.clear();
        entries.extend(written);
    };
    let mut batch = Vec::new();
    for row in rows {
        if batch.len() + 1 + row.tags.len() > MAX_UNIT_ENTRIES {
            flush(&mut batch, &mut nodes);
        }
        let node = NodeRef::New(batch.len());
        batch.push(Intent::AddNode { url: row.url.clone(), title: row.title.clone() });
        batch.extend(row.tags.iter().map(|tag| Intent::Tag { node, tag: tag.clone() }));
    }
    flush(&mut batch, &mut nodes);
    for (number, row) in rows.iter().enumerate() {
        for (target, kind) in &row.links {
            if batch.len() == MAX_UNIT_ENTRIES {
                flush(&mut batch, &mut nodes);
            }
            batch.push(Intent::Link { src: nodes[number].into(), dst: nodes[*target].into(), kind: kind.clone() });
        }
    }
    flush(&mut batch, &mut nodes);
    entries
}

//! For tests: a device's graph, and the chain of entries that built it. What a replica does, without journal, trust or disk.

use verso_graph::{Graph, Intent, NodeId};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, AuthorTag, Dot, Hlc, Incarnation, Seen, SeenItem};
use verso_wire::{Application as _, AppliedEntry, ChainHead, Drafting, Drafts, EntryDigest, chain_next};

/// A device that works alone.
pub(crate) struct Desk {
    pub(crate) graph: Graph,
    pub(crate) workspace: WorkspaceId,
    author: Author,
    head: ChainHead,
    now_ms: u64,
}

impl Desk {
    /// Two desks with different numbers are different devices.
    pub(crate) fn new(number: u8) -> Self {
        let device = DeviceId::from_bytes([number; 32]);
        let workspace = WorkspaceId::found(&device, &[number; 16]);
        let author = Author { device, incarnation: Incarnation(number.into()) };
        let head = ChainHead::start(&workspace, &author);
        Self { graph: Graph::default(), workspace, author, head, now_ms: 1_700_000_000_000 }
    }

    /// Writes a batch and returns, for each intent, the id that a node made by it has.
    pub(crate) fn commit(&mut self, intents: &[Intent]) -> Vec<NodeId> {
        let tag = AuthorTag::of(&self.author);
        let seen = Seen::new([SeenItem { author: tag, seq: self.head.seq, tag: self.head.hash.tag() }]);
        let next = self.head.seq.next();
        let context = Drafting { author: self.author, tag, next, seen: &seen, hlc_ms: self.now_ms };
        let mut drafts = Drafts::new();
        self.graph.encode(intents, &context, &mut drafts).expect("the graph takes the batch");
        let mut nodes = Vec::new();
        for (kind, payload) in drafts.iter() {
            self.now_ms += 1;
            let hlc = Hlc::from_millis(self.now_ms);
            let seq = self.head.seq.next();
            let hash = chain_next(&self.head.hash, seq, &EntryDigest::of(kind, hlc, payload));
            self.head = ChainHead { seq, hash };
            let dot = Dot { author: self.author, seq };
            self.graph.apply(&AppliedEntry { dot, tag, hash, kind, hlc, payload, ancestors: &[] });
            nodes.push(NodeId::of(&hash));
        }
        nodes
    }
}

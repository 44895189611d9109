//! [`Graph`]: the state, and what each entry does to it.

mod lookup;
mod perform;
mod snapshot;

use std::fmt;
use std::sync::OnceLock;

use hashbrown::HashTable;
use rustc_hash::FxHashMap;
use verso_vv::Dot;
use verso_wire::{Application, AppliedEntry, ConflictChanges, Description, Drafting, Drafts};

use crate::chains::{Arrival, At, Chains, Name};
use crate::contested::Contested;
use crate::dots::DotSet;
use crate::draft;
use crate::intent::{Intent, Register, Rejected};
use crate::items::{EdgeKey, Items, TagKey};
use crate::labels::Labels;
use crate::node::Node;
use crate::node_id::NodeId;
use crate::payload::{Malformed, Payload};
use crate::presence::SeenVectors;
use crate::table::{ItemIx, LabelIx, LineIx, NodeIx, SeenIx, Table};
use crate::values::Values;

/// A workspace's graph: nodes with titles, urls and tags, edges between them, and how people went through it.
///
/// It is a function of the *set* of applied entries: any order of arrival that keeps the order of each chain gives the same
/// state (a branch's chain includes the trunk below the fork). What an entry names and what hasn't arrived yet gets a place that
/// is invisible until it does. Reading is described with the methods.
#[derive(Default)]
pub struct Graph {
    pub(crate) chains: Chains,
    pub(crate) vectors: SeenVectors,
    pub(crate) labels: Labels,
    pub(crate) nodes: Table<NodeIx, Node>,
    pub(crate) tags: Items<TagKey>,
    pub(crate) edges: Items<EdgeKey>,
    pub(crate) traversals: Vec<Passage>,
    pub(crate) name: DotSet<Box<str>>,
    /// Nodes by the title and by the url that they show; made when something is looked up by it for the first time.
    pub(crate) titles: OnceLock<Values>,
    pub(crate) urls: OnceLock<Values>,
    /// Nodes about which something is to be decided.
    pub(crate) contested: Contested,
    /// Entries that made no sense.
    pub(crate) ignored: u64,
    by_id: HashTable<NodeIx>,
    /// Places of nodes that haven't arrived.
    expected: FxHashMap<Name, NodeIx>,
    /// What to look at again when an entry arrives.
    watched: FxHashMap<(LineIx, u64), Vec<(Name, Watcher)>>,
    /// All nodes that have arrived, by id; made when it is asked for.
    pub(crate) order: OnceLock<Vec<NodeIx>>,
}

/// Somebody went from one node to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    pub(crate) src: NodeIx,
    pub(crate) dst: NodeIx,
    pub(crate) trigger: LabelIx,
    pub(crate) at: At,
}

/// What changes when a watched entry arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watcher {
    Vector(SeenIx),
    Tag(ItemIx),
    Edge(ItemIx),
    Register(NodeIx, Register),
    WorkspaceName,
}

impl Application for Graph {
    type Intent = Intent;
    type Rejected = Rejected;

    /// The first version. It changes with the bytes, and with what the merge makes of entries: a state that an older merge built is no
    /// state of this one.
    const SNAPSHOTS: Option<u32> = Some(1);

    fn encode(&self, intents: &[Intent], context: &Drafting<'_>, out: &mut Drafts) -> Result<(), Rejected> {
        draft::encode(self, intents, context, out)
    }

    /// Applies an entry. Membership's kinds may be passed as well: they change nothing, but payloads that name them as the
    /// last thing seen are then understood also across a fork.
    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        let place = self.chains.place_of(entry);
        let stirred = if self.watched.contains_key(&place) { Some(self.stir(place)) } else { None };
        match self.chains.record(entry) {
            Arrival::New(at) => self.take_in(at, entry),
            Arrival::Held => {}
            Arrival::Beyond => self.ignored += 1,
        }
        if let Some(stirred) = stirred {
            self.wake(place, stirred);
        }
    }

    fn name(&self) -> Option<&str> {
        self.name.greatest(&self.chains).map(|(_, name)| &**name)
    }

    fn rename(name: &str) -> Intent {
        Intent::SetWorkspaceName { name: name.to_owned() }
    }

    fn take_conflict_changes(&mut self) -> ConflictChanges {
        self.conflict_changes()
    }

    fn describe(&self, held: &[AppliedEntry<'_>]) -> Vec<Description> {
        self.describe_held(held)
    }

    fn waiting_for(&self, held: &[AppliedEntry<'_>]) -> Vec<Dot> {
        self.waiting_for_held(held)
    }

    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        self.write_canonical(&mut |bytes| {
            hasher.update(bytes);
        });
        *hasher.finalize().as_bytes()
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        self.save(out);
    }

    fn restore(snapshot: &[u8]) -> Option<Self> {
        Self::load(snapshot)
    }
}

impl fmt::Debug for Graph {
    /// Counts only: what people wrote is theirs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.counts(), f)
    }
}

impl Graph {
    fn take_in(&mut self, at: At, entry: &AppliedEntry<'_>) {
        if entry.kind.is_membership() {
            return;
        }
        let payload = Payload::read(entry.kind, entry.payload, at.seq());
        match payload.and_then(|payload| self.perform(at, entry, payload)) {
            Ok(Some(about)) => self.chains.set_about(at, about),
            Ok(None) => {}
            Err(Malformed) => self.ignored += 1,
        }
    }

    /// Makes an empty graph.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the place of the node with this id, whether it is there or gone.
    pub(crate) fn place_of(&self, id: &NodeId) -> Option<NodeIx> {
        let is_it = |node: &NodeIx| self.nodes[*node].created.as_ref().is_some_and(|created| created.id == *id);
        self.by_id.find(hash(id), is_it).copied()
    }
}

/// Hashes an id, which is made from a hash already: by its last 8 bytes, only two bits of which are fixed.
fn hash(id: &NodeId) -> u64 {
    id.as_bytes().last_chunk().map_or(0, |last| u64::from_be_bytes(*last)).rotate_left(2)
}

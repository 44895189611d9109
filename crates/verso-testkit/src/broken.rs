//! Applications whose merge is broken, to show that the checks would notice. Each stands around the real graph.

use verso_graph::{Graph, Intent, Rejected, kinds};
use verso_wire::{Application, AppliedEntry, Drafting, Drafts, EntryKind};

use crate::merge::Merge;

/// What is broken about an application.
pub trait Defect: std::fmt::Debug + Default + Send + 'static {
    /// Returns which of the intents of a batch are recorded.
    fn recorded<'a>(&self, intents: &'a [Intent]) -> &'a [Intent] {
        intents
    }

    /// Sees an entry on its way to the graph. Returns whether it gets there with what it says.
    fn passes(&mut self, _entry: &AppliedEntry<'_>) -> bool {
        true
    }

    /// Returns what this defect adds to the state.
    fn state(&self) -> [u8; 32] {
        [0; 32]
    }
}

/// The graph with a defect.
#[derive(Debug, Default)]
pub struct Broken<D> {
    graph: Graph,
    defect: D,
}

impl<D: Defect> Merge for Broken<D> {
    fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl<D: Defect> Application for Broken<D> {
    type Intent = Intent;
    type Rejected = Rejected;

    fn encode(&self, intents: &[Intent], context: &Drafting<'_>, out: &mut Drafts) -> Result<(), Rejected> {
        self.graph.encode(self.defect.recorded(intents), context, out)
    }

    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        if self.defect.passes(entry) {
            self.graph.apply(entry);
        } else {
            // It has a place in its chain, and says nothing.
            self.graph.apply(&AppliedEntry { kind: EntryKind(u8::MAX), ..*entry });
        }
    }

    fn name(&self) -> Option<&str> {
        self.graph.name()
    }

    fn rename(name: &str) -> Intent {
        Graph::rename(name)
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = self.graph.digest();
        digest.iter_mut().zip(self.defect.state()).for_each(|(byte, more)| *byte ^= more);
        digest
    }
}

/// Of titles that were written in the same second the one that arrives last wins: `>=` where an order is needed.
#[derive(Debug, Default)]
pub struct LastToArriveWins {
    second: u64,
    winner: [u8; 32],
}

impl Defect for LastToArriveWins {
    fn passes(&mut self, entry: &AppliedEntry<'_>) -> bool {
        let second = entry.hlc.millis() / 1000;
        if entry.kind == kinds::SET_TITLE && second >= self.second {
            (self.second, self.winner) = (second, entry.hash.0);
        }
        true
    }

    fn state(&self) -> [u8; 32] {
        self.winner
    }
}

/// A deletion takes a node away only if it arrives before the next tag: the state depends on the order of arrival.
#[derive(Debug, Default)]
pub struct ForgetsDeletionAfterTag {
    is_tagged: bool,
}

impl Defect for ForgetsDeletionAfterTag {
    fn passes(&mut self, entry: &AppliedEntry<'_>) -> bool {
        self.is_tagged |= entry.kind == kinds::TAG;
        entry.kind != kinds::DELETE_NODE || !std::mem::take(&mut self.is_tagged)
    }
}

/// The last intent of a batch is lost, of those that have more than three.
#[derive(Debug, Default)]
pub struct LosesLastOfBatch;

impl Defect for LosesLastOfBatch {
    fn recorded<'a>(&self, intents: &'a [Intent]) -> &'a [Intent] {
        let count = if intents.len() > 3 { intents.len() - 1 } else { intents.len() };
        &intents[..count]
    }
}

/// A removal of a tag removes nothing, on all devices alike.
#[derive(Debug, Default)]
pub struct NeverUntags;

impl Defect for NeverUntags {
    fn passes(&mut self, entry: &AppliedEntry<'_>) -> bool {
        entry.kind != kinds::UNTAG
    }
}

//! [`Facts`]: the merge once more, slowly. Sets of entries, and everything worked out anew each time it is asked for: no payloads, no vectors, no
//! names, nothing that is kept up to date. What it says is what a reader must see.
//!
//! The rules, on the set of entries that have arrived:
//!
//! - *Values.* A write that has seen another replaces it. What stands is what no other write has seen; the greatest (time, author) is shown. Keeping
//!   what is shown drops the others that stood where it was decided, with what the same authors wrote before them.
//! - *Tags and edges.* An addition that no removal has seen keeps the thing there.
//! - *Deletions.* An activity on a node is removed if a deletion that counts saw it. Without a deletion that counts the node is there; with one it
//!   is gone if all its activities are removed, else a ghost.
//! - *Decisions.* One that no other has seen is current; of current ones keep wins over ghost over delete. Those of that choice which no decision of
//!   another choice has seen count. To keep voids the deletions that a counting decision saw; to delete is a deletion; to keep or make a ghost is an
//!   activity. A ghost is settled if that is the choice and the counting decisions saw all that deletes it and all that keeps it.
//! - *Seen* by an entry is what had arrived where it was written, but for what waited there for what it names, and what came after that in its chain.

mod picture;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use verso_graph::{Choice, Intent, NodeId, NodeRef, Register};
use verso_vv::{Author, EntryHash, Hlc, Seq};

pub use picture::{Because, Picture, Shown};

/// What an entry does, by identities alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as the intents of the graph")]
pub enum Act {
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
pub type Edge = (NodeId, NodeId, String);

/// An entry, and what had arrived where it was written.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its identity.
    pub hash: EntryHash,
    /// The fact before it in its chain, on whatever branch; anything else that lies between says nothing.
    pub previous: Option<EntryHash>,
    /// Who signed it.
    pub signer: Author,
    /// Its number.
    pub seq: Seq,
    /// When, by the author's clock.
    pub hlc: Hlc,
    /// What it does.
    pub act: Act,
    /// All facts that had arrived where it was written. It has seen those before it in its chain as well, whether they are among these or not.
    pub saw: Arc<BTreeSet<EntryHash>>,
}

/// All that anybody ever wrote.
#[derive(Debug, Default)]
pub struct Facts {
    all: BTreeMap<EntryHash, Fact>,
}

/// The entries that have arrived somewhere, each with its author there: on a branch the branch's.
pub type Arrived = BTreeMap<EntryHash, Author>;

impl Act {
    /// Reads an intent, with the ids of the nodes that it names.
    ///
    /// # Panics
    /// If it is one that the model doesn't know.
    pub fn of(intent: &Intent, id: impl Fn(&NodeRef) -> NodeId) -> Self {
        match intent {
            Intent::AddNode { url, title } => Self::AddNode { url: url.clone(), title: title.clone() },
            Intent::SetTitle { node, title } => {
                Self::Set { node: id(node), register: Register::Title, value: title.clone() }
            }
            Intent::SetUrl { node, url } => Self::Set { node: id(node), register: Register::Url, value: url.clone() },
            Intent::SetWorkspaceName { name } => Self::Name { value: name.clone() },
            Intent::Tag { node, tag } => Self::Tag { node: id(node), tag: tag.clone() },
            Intent::Untag { node, tag } => Self::Untag { node: id(node), tag: tag.clone() },
            Intent::Link { src, dst, kind } => Self::Link { edge: (id(src), id(dst), kind.clone()) },
            Intent::Unlink { src, dst, kind } => Self::Unlink { edge: (id(src), id(dst), kind.clone()) },
            Intent::Traverse { src, dst, trigger } => Self::Traverse { edge: (id(src), id(dst), trigger.clone()) },
            Intent::DeleteNode { nodes } => Self::Delete { nodes: nodes.iter().map(id).collect() },
            Intent::Resolve { node, register: None, choice } => Self::Resolve { node: id(node), choice: *choice },
            Intent::Resolve { node, register: Some(register), .. } => {
                Self::KeepShown { node: id(node), register: *register }
            }
            other => panic!("an intent that the model doesn't know: {other:?}"),
        }
    }

    /// Returns the nodes that it names.
    fn named(&self) -> Vec<NodeId> {
        match self {
            Self::AddNode { .. } | Self::Name { .. } => vec![],
            Self::Set { node, .. }
            | Self::Tag { node, .. }
            | Self::Untag { node, .. }
            | Self::Resolve { node, .. }
            | Self::KeepShown { node, .. } => vec![*node],
            Self::Link { edge } | Self::Unlink { edge } | Self::Traverse { edge } => vec![edge.0, edge.1],
            Self::Delete { nodes } => nodes.clone(),
        }
    }

    /// Tells whether it keeps a node that it names from being gone.
    const fn is_activity(&self) -> bool {
        match self {
            Self::AddNode { .. }
            | Self::Set { .. }
            | Self::Tag { .. }
            | Self::Link { .. }
            | Self::Traverse { .. }
            | Self::KeepShown { .. } => true,
            Self::Name { .. }
            | Self::Untag { .. }
            | Self::Unlink { .. }
            | Self::Delete { .. }
            | Self::Resolve { .. } => false,
        }
    }
}

impl Fact {
    /// Returns the node that it creates, if it creates one.
    fn creates(&self) -> Option<NodeId> {
        matches!(self.act, Act::AddNode { .. }).then(|| NodeId::of(&self.hash))
    }

    /// Returns the nodes that it is about.
    fn nodes(&self) -> Vec<NodeId> {
        self.creates().into_iter().chain(self.act.named()).collect()
    }
}

impl Facts {
    /// Adds what somebody wrote.
    pub fn add(&mut self, fact: Fact) {
        self.all.insert(fact.hash, fact);
    }

    /// Iterates over all of it.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.all.values()
    }

    /// Returns a fact.
    ///
    /// # Panics
    /// If nobody wrote it.
    pub fn get(&self, hash: &EntryHash) -> &Fact {
        &self.all[hash]
    }

    /// Counts all of it.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Tells whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Iterates over all facts before this one in its chain, the last first.
    fn chain_before<'a>(&'a self, fact: &'a Fact) -> impl Iterator<Item = &'a Fact> {
        std::iter::successors(fact.previous, |hash| self.all[hash].previous).map(|hash| &self.all[&hash])
    }

    /// Tells whether a fact stands before another in its chain.
    fn is_before(&self, one: &Fact, other: &Fact) -> bool {
        one.signer == other.signer
            && self.chain_before(other).take_while(|fact| fact.seq >= one.seq).any(|fact| fact.hash == one.hash)
    }

    /// Tells whether a fact was known where another was written.
    fn was_known(&self, one: &Fact, to: &Fact) -> bool {
        to.saw.contains(&one.hash) || self.is_before(one, to)
    }
}

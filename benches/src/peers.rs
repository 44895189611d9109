//! The same graph in others' crates, in the model that is natural to each: a map of nodes, each a map with its title, its url, and maps of its
//! tags and links. All of it is in memory until it is saved, and nothing signs or encrypts.

pub mod automerge;
pub mod loro;
pub mod yrs;

use crate::edits::{Edit, Who};
use crate::rows::Row;

/// Something that holds the graph.
pub trait Peer: Sized {
    /// What people call it.
    const NAME: &'static str;

    /// Makes one that holds nothing.
    fn new() -> Self;
    /// Adds nodes with their tags, all in one transaction. The first has this number.
    fn add_nodes(&mut self, first: usize, rows: &[Row]);
    /// Adds the links of nodes, all in one transaction. The first node has this number.
    fn add_links(&mut self, first: usize, rows: &[Row]);
    /// Writes all of it, history included.
    fn save(&mut self) -> Vec<u8>;
    /// Reads what was saved.
    fn load(bytes: &[u8]) -> Self;
    /// Reads every node with its title, url, tags and links. Returns how much that was.
    fn pass(&self) -> usize;
    /// Makes another replica of it.
    #[must_use]
    fn fork(&mut self) -> Self;
    /// Changes the node of a number, in a transaction.
    fn edit(&mut self, number: usize, edit: Edit, who: Who);
    /// Returns what another lacks, as it is sent.
    fn lacking(&mut self, other: &mut Self) -> Vec<Vec<u8>>;
    /// Takes in what it lacked.
    fn merge(&mut self, bytes: &[Vec<u8>]);
}

/// A [`Peer`] that has a protocol for meeting others.
pub trait Talks: Peer {
    /// What is remembered between two who stay connected.
    type Session;

    /// Brings two in step that know nothing of each other, both ways, as its own protocol has it. Returns how many bytes that takes.
    fn meet(&mut self, other: &mut Self) -> usize;
    /// Begins to remember what the other has, which is all there is.
    fn stay(&mut self, other: &mut Self) -> Self::Session;
    /// Tells the other what is new here. Returns how many bytes that takes, both ways.
    fn tell(&mut self, other: &mut Self, session: &mut Self::Session) -> usize;
}

/// Records nodes with their tags, a transaction a node, then each node's links, a transaction a node.
pub fn record<P: Peer>(rows: &[Row]) -> P {
    let mut peer = P::new();
    for (number, row) in rows.iter().enumerate() {
        peer.add_nodes(number, std::slice::from_ref(row));
    }
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| !row.links.is_empty()) {
        peer.add_links(number, std::slice::from_ref(row));
    }
    peer
}

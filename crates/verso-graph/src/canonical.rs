//! The canonical form of the state, which [`digest`](verso_wire::Application::digest) hashes: `docs/formats/graph.md` describes it.

use verso_vv::Author;

use crate::chains::At;
use crate::graph::Graph;
use crate::intent::{Choice, Register};
use crate::presence::{Marks, Presence, Settled};
use crate::read::Written;
use crate::table::{ChainIx, Ix as _, NodeIx};

impl Graph {
    /// Writes the canonical form piece by piece. Nothing in it depends on the order of arrival: authors, nodes, tags, edges and all else are
    /// sorted, and indices of memory don't appear.
    pub fn write_canonical(&self, write: &mut impl FnMut(&[u8])) {
        let mut form = Form { graph: self, ranks: Vec::new(), write };
        form.bytes(b"verso graph state v1");
        form.authors();
        form.values(&self.workspace_names());
        for node in self.in_order() {
            form.node(*node);
        }
        form.traversals();
        form.count(self.chains.count_waiting());
        form.number(self.ignored);
    }
}

struct Form<'a, W> {
    graph: &'a Graph,
    /// Of each chain its place among the authors.
    ranks: Vec<u64>,
    write: W,
}

impl<W: FnMut(&[u8])> Form<'_, W> {
    fn authors(&mut self) {
        let applied = self.graph.chains.iter().filter(|(ix, _)| self.graph.chains.last(*ix) > 0);
        let mut authors: Vec<(Author, ChainIx)> = applied.map(|(ix, chain)| (chain.author, ix)).collect();
        authors.sort_unstable();
        self.count(authors.len());
        for (rank, (author, ix)) in authors.iter().enumerate() {
            self.bytes(author.device.as_bytes());
            self.number(author.incarnation.0);
            self.number(self.graph.chains.last(*ix));
            if self.ranks.len() <= ix.position() {
                self.ranks.resize(ix.position() + 1, u64::MAX);
            }
            if let Some(place) = self.ranks.get_mut(ix.position()) {
                *place = u64::try_from(rank).unwrap_or(u64::MAX);
            }
        }
    }

    fn node(&mut self, node: NodeIx) {
        let graph = self.graph;
        let created = graph.created(node);
        self.bytes(created.id.as_bytes());
        self.bytes(&[match graph.nodes[node].presence {
            Presence::Live => 0,
            Presence::Ghost(Settled::Yes) => 1,
            Presence::Ghost(Settled::No) => 2,
            Presence::Removed => 3,
        }]);
        self.dots([created.at].into_iter());
        for register in [Register::Title, Register::Url] {
            self.values(&graph.values(node, register));
        }
        self.marks(node);

        let label = |label| graph.labels.text(label);
        let mut tags: Vec<_> = graph.tags.of(&graph.chains, node).collect();
        tags.sort_unstable_by_key(|(_, key)| label(key.tag));
        self.count(tags.len());
        for (item, key) in tags {
            self.text(label(key.tag));
            self.dots(graph.tags.additions(&graph.chains, item));
        }

        let arrived = graph.edges.of(&graph.chains, node).filter(|(_, key)| graph.nodes[key.dst].created.is_some());
        let mut edges: Vec<_> = arrived.collect();
        edges.sort_unstable_by_key(|(_, key)| (graph.created(key.dst).id, label(key.kind)));
        self.count(edges.len());
        for (item, key) in edges {
            self.bytes(graph.created(key.dst).id.as_bytes());
            self.text(label(key.kind));
            self.dots(graph.edges.additions(&graph.chains, item));
        }
    }

    fn marks(&mut self, node: NodeIx) {
        let marks = self.graph.nodes[node].marks();
        let deletions = marks.map(Marks::deletions).unwrap_or_default();
        self.dots(deletions.iter().map(|mark| mark.at));
        for choice in [Choice::Delete, Choice::Ghost, Choice::Keep] {
            let decisions = marks.map(Marks::decisions).unwrap_or_default();
            self.dots(decisions.iter().filter(|(made, _)| *made == choice).map(|(_, mark)| mark.at));
        }
    }

    fn traversals(&mut self) {
        let graph = self.graph;
        let arrived = graph
            .traversals
            .iter()
            .filter(|one| graph.nodes[one.src].created.is_some() && graph.nodes[one.dst].created.is_some());
        let mut traversals: Vec<_> = arrived.collect();
        traversals.sort_unstable_by_key(|one| graph.chains.stamp(one.at));
        self.count(traversals.len());
        for one in traversals {
            self.bytes(graph.created(one.src).id.as_bytes());
            self.bytes(graph.created(one.dst).id.as_bytes());
            self.text(graph.labels.text(one.trigger));
            self.dots([one.at].into_iter());
        }
    }

    fn values(&mut self, values: &[Written<'_>]) {
        self.count(values.len());
        for written in values {
            self.text(written.value);
            let chain = self.graph.chains.find(&written.stamp.dot.author);
            let rank = chain.and_then(|chain| self.ranks.get(chain.position()));
            let rank = rank.copied().unwrap_or(u64::MAX);
            self.number(rank);
            self.number(written.stamp.dot.seq.0);
            self.number(written.stamp.hlc.0);
        }
    }

    /// Writes dots with their times, sorted.
    fn dots(&mut self, dots: impl Iterator<Item = At>) {
        let rank = |at: At| self.ranks.get(at.chain().position()).copied().unwrap_or(u64::MAX);
        let mut dots: Vec<(u64, u64, u64)> = dots.map(|at| (rank(at), at.seq(), self.graph.chains.hlc(at).0)).collect();
        dots.sort_unstable();
        self.count(dots.len());
        for (rank, seq, hlc) in dots {
            self.number(rank);
            self.number(seq);
            self.number(hlc);
        }
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        (self.write)(bytes);
    }
}

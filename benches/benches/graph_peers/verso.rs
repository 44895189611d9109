//! Verso: entries, chained and sealed into units, and the graph that they make. What is saved are the units.

use std::time::Duration;

use verso_benches::edits::{Edit, Who};
use verso_benches::peers::{Peer, record};
use verso_benches::rows::Row;
use verso_benches::writer::{Entry, Writer, apply_unit};
use verso_graph::{Graph, Intent, NodeId, NodeRef};
use verso_vv::Seen;
use verso_wire::Application as _;

use crate::{median, timed};

pub(crate) struct Verso {
    writer: Writer,
    nodes: Vec<NodeId>,
    entries: Vec<Entry>,
    /// Of `entries` those that the other replica has.
    shared: usize,
    /// What of others it has seen.
    seen: Seen,
}

impl Verso {
    fn write(&mut self, intents: &[Intent]) {
        self.entries.extend(self.writer.write(intents, &self.seen));
    }
}

impl Peer for Verso {
    const NAME: &'static str = "verso";

    fn new() -> Self {
        Self { writer: Writer::new(1), nodes: vec![], entries: vec![], shared: 0, seen: Seen::default() }
    }

    fn add_nodes(&mut self, _first: usize, rows: &[Row]) {
        let (mut intents, mut created) = (Vec::new(), Vec::new());
        for row in rows {
            created.push(self.entries.len() + intents.len());
            let node = NodeRef::New(intents.len());
            intents.push(Intent::AddNode { url: row.url.clone(), title: row.title.clone() });
            intents.extend(row.tags.iter().map(|tag| Intent::Tag { node, tag: tag.clone() }));
        }
        self.write(&intents);
        self.nodes.extend(created.into_iter().map(|entry| self.entries[entry].node()));
    }

    fn add_links(&mut self, first: usize, rows: &[Row]) {
        let mut intents = Vec::new();
        for (src, row) in self.nodes[first..].iter().zip(rows) {
            let link = |(dst, kind): &(usize, String)| Intent::Link {
                src: (*src).into(),
                dst: self.nodes[*dst].into(),
                kind: kind.clone(),
            };
            intents.extend(row.links.iter().map(link));
        }
        self.write(&intents);
    }

    /// Units, one behind the other, each with its length before it.
    fn save(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for unit in self.writer.seal(&self.entries) {
            bytes.extend(u32::try_from(unit.len()).expect("a unit is short").to_le_bytes());
            bytes.extend(unit);
        }
        bytes
    }

    fn load(mut bytes: &[u8]) -> Self {
        let mut verso = Self::new();
        while let Some((len, rest)) = bytes.split_first_chunk() {
            let (unit, rest) = rest.split_at(usize::try_from(u32::from_le_bytes(*len)).expect("it fits memory"));
            apply_unit(&mut verso.writer.graph, unit);
            bytes = rest;
        }
        verso
    }

    fn pass(&self) -> usize {
        pass(&self.writer.graph)
    }

    fn fork(&mut self) -> Self {
        let mut writer = Writer::new(2);
        for entry in &self.entries {
            entry.apply_to(&mut writer.graph);
        }
        self.shared = self.entries.len();
        let seen = Seen::new([self.writer.seen()]);
        Self { writer, nodes: self.nodes.clone(), seen, ..Self::new() }
    }

    fn edit(&mut self, number: usize, edit: Edit, who: Who) {
        let node = NodeRef::Id(self.nodes[number]);
        let intent = match edit {
            Edit::Title => Intent::SetTitle { node, title: format!("by {} {number}", who.name()) },
            Edit::Tag => Intent::Tag { node, tag: format!("of {}", who.name()) },
            Edit::Delete => Intent::DeleteNode { nodes: vec![node] },
        };
        self.write(&[intent]);
    }

    /// As few units as it fits in: each transaction makes one, and small ones are joined on their way.
    fn lacking(&mut self, _other: &mut Self) -> Vec<Vec<u8>> {
        self.writer.seal(&self.entries[self.shared..])
    }

    fn merge(&mut self, bytes: &[Vec<u8>]) {
        for unit in bytes {
            apply_unit(&mut self.writer.graph, unit);
        }
    }
}

fn pass(graph: &Graph) -> usize {
    let node = |node: verso_graph::Node<'_>| {
        let tags: usize = node.tags().iter().map(|tag| tag.len()).sum();
        node.title().len() + node.url().len() + tags + node.outgoing().len()
    };
    graph.nodes().map(node).sum()
}

/// Tells how long it takes to open a checkpoint, which has the state and no history.
pub(crate) fn checkpoint(rows: &[Row], runs: usize) {
    let verso = record::<Verso>(rows);
    let passed = verso.pass();
    let mut snapshot = Vec::new();
    verso.writer.graph.snapshot(&mut snapshot);
    let bytes = zstd::bulk::compress(&snapshot, 1).expect("it fits memory");
    let opening: Duration = median(runs, || {
        let (time, read) = timed(|| {
            let snapshot = zstd::bulk::decompress(&bytes, snapshot.len()).expect("it was compressed here");
            let graph = Graph::restore(&snapshot).expect("it was written here");
            let read = pass(&graph);
            (graph, read)
        });
        assert_eq!(read.1, passed);
        time
    });
    println!("\nverso from a checkpoint of {} bytes, and a full pass: {:.3} s", bytes.len(), opening.as_secs_f64());
}

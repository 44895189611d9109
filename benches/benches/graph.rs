//! The graph: encoding intents, building the state, applying one entry, merging concurrent edits, reading.
//!
//! `VERSO_DATA=…/debian-packages.jsonl.zst cargo bench -p verso-benches --bench graph` measures that graph, one intent a node, tag and link;
//! without it a synthetic one of a tenth the size takes its place.
#![allow(
    missing_docs,
    clippy::print_stderr,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench tells its figures and is no library: `criterion_group!` documents nothing, and what fails should stop it"
)]

use std::env;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use verso_graph::{Graph, Intent, NodeId, NodeRef};
use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Hlc, Incarnation, Seen, SeenItem, Seq};
use verso_wire::{
    Application as _, AppliedEntry, Drafting, Drafts, EntryDigest, EntryKind, chain_next, chain_start,
    limits::MAX_UNIT_ENTRIES,
};

/// What the workload holds, as its file does.
struct Row {
    url: String,
    title: String,
    tags: Vec<String>,
    links: Vec<(usize, String)>,
}

fn rows() -> Vec<Row> {
    let Some(path) = env::var_os("VERSO_DATA") else { return synthetic(6_000) };
    let decoder = zstd::Decoder::new(File::open(path).expect("VERSO_DATA names a file")).expect("the file is zstd");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let row = |line: std::io::Result<String>| {
        let value: serde_json::Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let link = |link: &serde_json::Value| {
            (link[0].as_u64().and_then(|id| id.try_into().ok()).unwrap_or_default(), text(&link[1]))
        };
        Row {
            url: text(&value["url"]),
            title: text(&value["title"]),
            tags: value["tags"].as_array().into_iter().flatten().map(text).collect(),
            links: value["links"].as_array().into_iter().flatten().map(link).collect(),
        }
    };
    BufReader::new(decoder).lines().map(row).collect()
}

/// As many tags and links a node as the packages have, with as few different ones.
fn synthetic(count: usize) -> Vec<Row> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random >> 11).expect("64 bits") % below
    };
    let kinds = ["depends", "depends", "depends", "recommends"];
    (0..count)
        .map(|number| Row {
            url: format!("https://host-{}.example/{:x}", next(count / 4), next(1 << 20)),
            title: format!("page {number}"),
            tags: (0..next(6)).map(|_| format!("topic::{}", next(600))).collect(),
            // Few targets are named often, most seldom.
            links: (0..next(9)).map(|_| (next(count) * next(count) / count, kinds[next(4)].to_owned())).collect(),
        })
        .collect()
}

struct Entry {
    author: Author,
    tag: AuthorTag,
    seq: Seq,
    hash: EntryHash,
    kind: EntryKind,
    hlc: Hlc,
    payload: Vec<u8>,
}

impl Entry {
    fn apply_to(&self, graph: &mut Graph) {
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
struct Writer {
    graph: Graph,
    author: Author,
    tag: AuthorTag,
    seq: Seq,
    hash: EntryHash,
    clock: u64,
    drafts: Drafts,
}

impl Writer {
    fn new(number: u8) -> Self {
        let author = Author { device: DeviceId::from_bytes([number; 32]), incarnation: Incarnation(7) };
        Self {
            graph: Graph::new(),
            author,
            tag: AuthorTag::of(&author),
            seq: Seq::ZERO,
            hash: chain_start(&WorkspaceId::from_bytes([1; 16]), &author),
            clock: 1_700_000_000_000 << 16,
            drafts: Drafts::new(),
        }
    }

    fn encode(&mut self, intents: &[Intent], seen: &Seen) -> usize {
        self.drafts.clear();
        let context =
            Drafting { author: self.author, tag: self.tag, next: self.seq.next(), seen, hlc_ms: self.clock >> 16 };
        self.graph.encode(intents, &context, &mut self.drafts).expect("the intents make sense");
        self.drafts.len()
    }

    fn write(&mut self, intents: &[Intent], seen: &Seen) -> Vec<Entry> {
        self.encode(intents, seen);
        let drafts = std::mem::take(&mut self.drafts);
        let entries: Vec<Entry> = drafts
            .iter()
            .map(|(kind, payload)| {
                self.seq = self.seq.next();
                self.clock += 1;
                let hlc = Hlc(self.clock);
                self.hash = chain_next(&self.hash, self.seq, &EntryDigest::of(kind, hlc, payload));
                let (author, tag, seq, hash) = (self.author, self.tag, self.seq, self.hash);
                Entry { author, tag, seq, hash, kind, hlc, payload: payload.to_vec() }
            })
            .collect();
        for entry in &entries {
            entry.apply_to(&mut self.graph);
        }
        entries
    }

    fn seen(&self) -> SeenItem {
        SeenItem { author: self.tag, seq: self.seq, tag: self.hash.tag() }
    }
}

/// Each node with its tags, then each node's links, a unit's worth at a time.
fn record(rows: &[Row], writer: &mut Writer) -> Vec<Entry> {
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

fn count(entries: &[Entry]) -> Throughput {
    Throughput::Elements(entries.len().try_into().expect("a count"))
}

fn build(criterion: &mut Criterion) {
    let rows = rows();
    let mut writer = Writer::new(1);
    let entries = record(&rows, &mut writer);
    let mut group = criterion.benchmark_group("graph");
    group.sample_size(10);

    group.throughput(count(&entries)).bench_function("build", |bencher| {
        bencher.iter_with_large_drop(|| {
            let mut graph = Graph::new();
            for entry in &entries {
                entry.apply_to(&mut graph);
            }
            graph
        });
    });

    let nodes: Vec<NodeId> = writer.graph.nodes().map(|node| node.id()).collect();
    let links: Vec<Intent> = (0..MAX_UNIT_ENTRIES)
        .map(|number| Intent::Link {
            src: nodes[number % 50].into(),
            dst: nodes[number * 13 % nodes.len()].into(),
            kind: "depends".to_owned(),
        })
        .collect();
    group.throughput(Throughput::Elements(MAX_UNIT_ENTRIES.try_into().expect("a count")));
    group.bench_function("encode links", |bencher| {
        bencher.iter(|| writer.encode(black_box(&links), &Seen::default()));
    });

    group.throughput(Throughput::Elements(1));
    let mut number = 0;
    group.bench_function("write and apply one title", |bencher| {
        bencher.iter(|| {
            number += 1;
            let node = nodes[number % nodes.len()].into();
            writer.write(&[Intent::SetTitle { node, title: "another title".to_owned() }], &Seen::default())
        });
    });
    let mut snapshot = Vec::new();
    writer.graph.snapshot(&mut snapshot);
    let compressed = zstd::bulk::compress(&snapshot, 1).expect("it fits memory");
    eprintln!("a snapshot has {} bytes, {} with zstd at level 1", snapshot.len(), compressed.len());
    group.throughput(count(&entries));
    group.bench_function("snapshot", |bencher| {
        bencher.iter(|| {
            snapshot.clear();
            writer.graph.snapshot(&mut snapshot);
        });
    });
    group.bench_function("snapshot compressed", |bencher| bencher.iter(|| zstd::bulk::compress(&snapshot, 1)));
    group.bench_function("snapshot inflated", |bencher| {
        bencher.iter_with_large_drop(|| zstd::bulk::decompress(&compressed, snapshot.len()));
    });
    group.bench_function("restore", |bencher| {
        bencher.iter_with_large_drop(|| Graph::restore(&snapshot).expect("it was written here"));
    });

    group.throughput(Throughput::Elements(1));
    group.bench_function("digest", |bencher| bencher.iter(|| writer.graph.digest()));
    group.bench_function("all edges in order", |bencher| bencher.iter(|| writer.graph.edges().count()));
    group.bench_function("node by url", |bencher| {
        bencher.iter(|| {
            number += 1;
            writer.graph.nodes_with_url(&rows[number % rows.len()].url).len()
        });
    });
    group.finish();
}

/// A thousand edits against a thousand concurrent ones on the same nodes, every tenth of them a deletion.
fn merge(criterion: &mut Criterion) {
    let mut one = Writer::new(1);
    let adds: Vec<Intent> =
        (0..1_000).map(|number| Intent::AddNode { url: String::new(), title: format!("page {number}") }).collect();
    let created = one.write(&adds, &Seen::default());
    let mut two = Writer::new(2);
    for entry in &created {
        entry.apply_to(&mut two.graph);
    }
    let nodes: Vec<NodeId> = created.iter().map(|entry| NodeId::of(&entry.hash)).collect();
    let edits = |who: &str, deleted: usize| -> Vec<Intent> {
        let edit = |(number, node): (usize, &NodeId)| {
            let node = NodeRef::Id(*node);
            match number % 10 {
                rest if rest == deleted => Intent::DeleteNode { nodes: vec![node] },
                rest if rest < 5 => Intent::SetTitle { node, title: format!("by {who} {number}") },
                _ => Intent::Tag { node, tag: format!("of {who}") },
            }
        };
        nodes.iter().enumerate().map(edit).collect()
    };
    let seen = Seen::new([one.seen()]);
    let of_one = one.write(&edits("one", 2), &Seen::default());
    let of_two = two.write(&edits("two", 7), &seen);
    let mut group = criterion.benchmark_group("graph");
    group.throughput(count(&of_two)).bench_function("merge 1,000 against 1,000", |bencher| {
        let before = || {
            let mut graph = Graph::new();
            for entry in created.iter().chain(&of_one) {
                entry.apply_to(&mut graph);
            }
            graph
        };
        let merge = |mut graph: Graph| {
            for entry in &of_two {
                entry.apply_to(&mut graph);
            }
            graph
        };
        bencher.iter_batched(before, merge, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, build, merge);
criterion_main!(benches);

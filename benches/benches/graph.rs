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

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use verso_benches::rows::rows;
use verso_benches::writer::{Entry, Writer, record};
use verso_graph::{Graph, Intent, NodeId, NodeRef};
use verso_vv::Seen;
use verso_wire::Application as _;
use verso_wire::limits::MAX_UNIT_ENTRIES;

fn count(entries: &[Entry]) -> Throughput {
    Throughput::Elements(entries.len().try_into().expect("a count"))
}

fn build(criterion: &mut Criterion) {
    let rows = rows(6_000);
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
    let nodes: Vec<NodeId> = created.iter().map(Entry::node).collect();
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

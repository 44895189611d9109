//! Units: what an intent costs to record, to encode, to take in, and in bytes.
//!
//! `VERSO_DATA=…/debian-packages.jsonl.zst cargo bench -p verso-benches --bench wire` measures that graph, one entry a node, tag and link;
//! without it a made-up graph of the same proportions.

#![expect(clippy::expect_used, reason = "a bench that can't go on says so and ends")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use verso_benches::workload::{ADD_NODE, Workload};
use verso_identity::{DeviceKey, WorkspaceId};
use verso_vv::{Author, Hlc, Incarnation};
use verso_wire::limits::MAX_UNIT_ENTRIES;
use verso_wire::{ChainHead, CompressionLevel, SyncUnit, UnitBuilder, VerifiedUnit};
use zeroize::Zeroizing;

struct Writer {
    key: DeviceKey,
    workspace: WorkspaceId,
    author: Author,
}

impl Writer {
    fn new() -> Self {
        let key = DeviceKey::from_secret(&Zeroizing::new([7; 32]));
        let workspace = WorkspaceId::found(&key.id(), &[1; 16]);
        let author = Author { device: key.id(), incarnation: Incarnation(0x1234_5678_9abc_def0) };
        Self { key, workspace, author }
    }

    /// Records everything in units of `size` entries.
    fn record(&self, workload: &Workload, size: usize) -> Vec<VerifiedUnit> {
        let mut head = ChainHead::start(&self.workspace, &self.author);
        let mut clock = Hlc::from_millis(1_760_000_000_000);
        let mut units = Vec::new();
        for batch in workload.payloads.chunks(size) {
            let mut builder = self.after(head);
            for (kind, payload) in batch {
                clock = Hlc(clock.0 + 1);
                builder.push(*kind, clock, payload).expect("the batch fits a unit");
            }
            let unit = builder.seal(&self.key).expect("the key is the author's");
            head = unit.head();
            units.push(unit);
        }
        units
    }

    fn after(&self, head: ChainHead) -> UnitBuilder {
        UnitBuilder::new(self.workspace, self.author, None, head)
    }
}

/// Prints bytes an intent, for the sizes and levels that the defaults were chosen from.
#[expect(clippy::print_stderr, reason = "a bench reports on the terminal")]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures for people")]
fn sizes(_: &mut Criterion) {
    let (workload, writer) = (Workload::load(), Writer::new());
    let content: usize = workload.payloads.iter().map(|(_, payload)| payload.len()).sum();
    eprintln!("{} intents, {:.2} bytes of payload each", workload.count(), content as f64 / workload.count() as f64);
    for size in [256, 1024, MAX_UNIT_ENTRIES] {
        let units = writer.record(&workload, size);
        for level in [1, 3, 6, 9, 12, 19] {
            let bytes: usize = units.iter().map(|unit| unit.encode(CompressionLevel::new(level)).len()).sum();
            eprintln!(
                "{size:5} a unit, level {level:2}: {:.3} bytes an intent",
                bytes as f64 / workload.count() as f64
            );
        }
    }
    let mut builder = writer.after(ChainHead::start(&writer.workspace, &writer.author));
    let payload = b"\x15https://example.org/atitle...";
    builder.push(ADD_NODE, Hlc::from_millis(1_760_000_000_000), payload).expect("it fits");
    let single = builder.seal(&writer.key).expect("the key is the author's").encode(CompressionLevel::RECORD);
    eprintln!("a unit of one entry with {} bytes of payload: {} bytes", payload.len(), single.len());
}

fn units(criterion: &mut Criterion) {
    let (workload, writer) = (Workload::load(), Writer::new());
    let recorded = writer.record(&workload, MAX_UNIT_ENTRIES);
    let mut group = criterion.benchmark_group("units");
    group.sample_size(10).throughput(Throughput::Elements(workload.count()));
    group.bench_function("build and seal", |bench| bench.iter(|| writer.record(&workload, MAX_UNIT_ENTRIES)));
    for level in [1, 3, 6, 9] {
        let level_name = format!("encode, level {level}");
        group.bench_function(level_name, |bench| {
            bench.iter(|| recorded.iter().map(|unit| unit.encode(CompressionLevel::new(level)).len()).sum::<usize>());
        });
    }
    let encoded: Vec<Vec<u8>> = recorded.iter().map(|unit| unit.encode(CompressionLevel::RECORD)).collect();
    let decode = |bytes: &Vec<u8>| SyncUnit::decode(&writer.workspace, bytes).expect("it was encoded");
    group.bench_function("decode", |bench| {
        bench.iter(|| encoded.iter().map(|bytes| decode(bytes).len()).sum::<usize>());
    });
    group.bench_function("decode, chain", |bench| {
        bench.iter(|| encoded.iter().map(|bytes| decode(bytes).chain().hashes().len()).sum::<usize>());
    });
    group.bench_function("decode, chain, verify", |bench| {
        bench.iter(|| {
            for bytes in &encoded {
                black_box(decode(bytes).chain().verify().expect("it was sealed"));
            }
        });
    });
    group.finish();
}

fn single(criterion: &mut Criterion) {
    let writer = Writer::new();
    let start = ChainHead::start(&writer.workspace, &writer.author);
    let record = || {
        let mut builder = writer.after(start);
        builder.push(ADD_NODE, Hlc::from_millis(1_760_000_000_000), &[0x41; 30]).expect("it fits");
        builder.seal(&writer.key).expect("the key is the author's").encode(CompressionLevel::RECORD)
    };
    let bytes = record();
    let mut group = criterion.benchmark_group("one intent");
    group.bench_function("build, seal, encode", |bench| bench.iter(record));
    group.bench_function("decode, chain, verify", |bench| {
        bench.iter_batched(
            || SyncUnit::decode(&writer.workspace, &bytes).expect("it was encoded"),
            |unit| unit.chain().verify().expect("it was sealed"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, sizes, units, single);
criterion_main!(benches);

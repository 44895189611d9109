//! Units: what an intent costs to record, to encode, to take in, and in bytes.
//!
//! `VERSO_DATA=…/debian-packages.jsonl.zst cargo bench -p verso-benches --bench wire` measures that graph, one entry a node, tag and link;
//! without it a made-up graph of the same proportions.

#![expect(clippy::expect_used, reason = "a bench that can't go on says so and ends")]

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use verso_identity::{DeviceKey, WorkspaceId};
use verso_vv::{Author, Hlc, Incarnation};
use verso_wire::limits::MAX_UNIT_ENTRIES;
use verso_wire::{ChainHead, CompressionLevel, EntryKind, SyncUnit, UnitBuilder, VerifiedUnit};
use zeroize::Zeroizing;

const ADD_NODE: EntryKind = EntryKind(1);
const TAG: EntryKind = EntryKind(2);
const LINK: EntryKind = EntryKind(3);

/// Intents of a graph, encoded as tightly as is simple: nodes by number, integers of variable length.
#[derive(Default)]
struct Workload {
    payloads: Vec<(EntryKind, Vec<u8>)>,
}

impl Workload {
    fn load() -> Self {
        match std::env::var_os("VERSO_DATA") {
            Some(path) => {
                Self::debian(File::open(path).expect("VERSO_DATA names a file")).expect("the file is the graph")
            }
            None => Self::synthetic(5_000),
        }
    }

    /// Every node, then each node's tags and links.
    fn debian(file: File) -> Result<Self, Box<dyn Error>> {
        let lines = BufReader::new(zstd::Decoder::new(file)?).lines();
        let nodes: Vec<serde_json::Value> =
            lines.map(|line| Ok::<_, Box<dyn Error>>(serde_json::from_str(&line?)?)).collect::<Result<_, _>>()?;
        let mut workload = Self::default();
        for node in &nodes {
            workload.add_node(node["url"].as_str().unwrap_or_default(), node["title"].as_str().unwrap_or_default());
        }
        for (number, node) in (0_u64..).zip(&nodes) {
            for tag in node["tags"].as_array().into_iter().flatten() {
                workload.tag(number, tag.as_str().unwrap_or_default());
            }
            for link in node["links"].as_array().into_iter().flatten() {
                let kind = link[1].as_str().unwrap_or_default();
                workload.link(number, link[0].as_u64().unwrap_or_default(), kind);
            }
        }
        Ok(workload)
    }

    fn synthetic(nodes: u64) -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut workload = Self::default();
        for number in 0..nodes {
            workload.add_node(
                &format!("https://host-{}.example/{:x}", next(nodes / 4), next(1 << 20)),
                &format!("page {number}"),
            );
        }
        for number in 0..nodes {
            for _ in 0..next(6) {
                workload.tag(number, &format!("topic::{}", next(600)));
            }
            for _ in 0..next(9) {
                workload.link(number, next(nodes), if next(4) == 0 { "recommends" } else { "depends" });
            }
        }
        workload
    }

    fn add_node(&mut self, url: &str, title: &str) {
        let mut payload = Vec::new();
        put(&mut payload, url.len().try_into().expect("a length"));
        payload.extend_from_slice(url.as_bytes());
        payload.extend_from_slice(title.as_bytes());
        self.payloads.push((ADD_NODE, payload));
    }

    fn tag(&mut self, node: u64, tag: &str) {
        let mut payload = Vec::new();
        put(&mut payload, node + 1);
        payload.extend_from_slice(tag.as_bytes());
        self.payloads.push((TAG, payload));
    }

    fn link(&mut self, src: u64, dst: u64, kind: &str) {
        let mut payload = Vec::new();
        put(&mut payload, src + 1);
        put(&mut payload, dst + 1);
        payload.extend_from_slice(kind.as_bytes());
        self.payloads.push((LINK, payload));
    }

    fn len(&self) -> u64 {
        self.payloads.len().try_into().expect("a count")
    }

    /// Records everything in units of `size` entries.
    fn record(&self, writer: &Writer, size: usize) -> Vec<VerifiedUnit> {
        let mut head = ChainHead::start(&writer.workspace, &writer.author);
        let mut clock = Hlc::from_millis(1_760_000_000_000);
        let mut units = Vec::new();
        for batch in self.payloads.chunks(size) {
            let mut builder = writer.after(head);
            for (kind, payload) in batch {
                clock = Hlc(clock.0 + 1);
                builder.push(*kind, clock, payload).expect("the batch fits a unit");
            }
            let unit = builder.seal(&writer.key).expect("the key is the author's");
            head = unit.head();
            units.push(unit);
        }
        units
    }
}

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

    fn after(&self, head: ChainHead) -> UnitBuilder {
        UnitBuilder::new(self.workspace, self.author, None, head)
    }
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(u8::try_from(value & 0x7f | 0x80).expect("8 bits"));
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("7 bits"));
}

/// Prints bytes an intent, for the sizes and levels that the defaults were chosen from.
#[expect(clippy::print_stderr, reason = "a bench reports on the terminal")]
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "figures for people")]
fn sizes(_: &mut Criterion) {
    let (workload, writer) = (Workload::load(), Writer::new());
    let content: usize = workload.payloads.iter().map(|(_, payload)| payload.len()).sum();
    eprintln!("{} intents, {:.2} bytes of payload each", workload.len(), content as f64 / workload.len() as f64);
    for size in [256, 1024, MAX_UNIT_ENTRIES] {
        let units = workload.record(&writer, size);
        for level in [1, 3, 6, 9, 12, 19] {
            let bytes: usize = units.iter().map(|unit| unit.encode(CompressionLevel::new(level)).len()).sum();
            eprintln!("{size:5} a unit, level {level:2}: {:.3} bytes an intent", bytes as f64 / workload.len() as f64);
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
    let recorded = workload.record(&writer, MAX_UNIT_ENTRIES);
    let mut group = criterion.benchmark_group("units");
    group.sample_size(10).throughput(Throughput::Elements(workload.len()));
    group.bench_function("build and seal", |bench| bench.iter(|| workload.record(&writer, MAX_UNIT_ENTRIES)));
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

//! The whole path on one machine: record a graph, sync it to a second device over real QUIC on loopback, and what follows.
//!
//! `cargo bench -p verso-benches --bench whole` measures a made graph; with `VERSO_DATA` naming a file of JSON lines (also `.zst`) it measures that.
//! Without `--bench`, as the tests run it, a small graph goes through once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measurement that fails has nothing to say but that"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use verso_benches::floor::{Disk, Echo};
use verso_benches::rows::{Row, made, rows};
use verso_graph::{Graph, Intent, NodeRef};
use verso_identity::{DeviceKey, KeyStore as _, MemoryKeyStore, WorkspaceId};
use verso_replica::{Committed, PairSecret, ProvisionalPeer};
use verso_session::Progress;
use verso_transport::Network;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_vv::{Dot, Seq};
use verso_wire::Application as _;
use verso_worker::{LocalDiscovery, OutcomeState, PeerOutcome, SyncWorker, WorkerHandle, WorkerOptions};

/// How many intents are recorded and made durable at a time, as the import does.
const BATCH: usize = 16_384;
/// How often each measurement is repeated; the median is told.
const RUNS: usize = 5;
const WAIT: Duration = Duration::from_secs(30);

/// Names a data directory for a process that does nothing but open it, in which [`KEY`] is the secret key.
const REOPEN: &str = "VERSO_BENCH_REOPEN";
const KEY: &str = "VERSO_BENCH_KEY";

struct Device {
    directory: TempDir,
    key: DeviceKey,
    worker: SyncWorker<Graph>,
    handle: WorkerHandle<Graph>,
}

fn main() {
    if let Some(directory) = std::env::var_os(REOPEN) {
        return reopen_alone(Path::new(&directory));
    }
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let lines = if measuring { rows(20_000) } else { made(200) };
    let runs = if measuring { RUNS } else { 1 };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut figures: Vec<Figures> = (0..runs).map(|_| runtime.block_on(measure(&lines))).collect();
    let mut tell = |name: &str, unit: &str, of: fn(&Figures) -> f64| {
        figures.sort_by(|a, b| of(a).total_cmp(&of(b)));
        let (least, median, most) = (of(&figures[0]), of(&figures[runs / 2]), of(&figures[runs - 1]));
        println!("{name:<48} {median:>12.3} {unit:<10} ({least:.3} to {most:.3})");
    };
    tell("intents", "", |figures| figures.intents);
    tell("record all, durable", "s", |figures| figures.record);
    tell("record all, durable", "million/s", |figures| figures.intents / figures.record / 1e6);
    tell("bytes at rest an intent", "B", |figures| figures.at_rest / figures.intents);
    tell("cold sync, durable and applied at the receiver", "s", |figures| figures.cold_sync);
    tell("bytes on the wire an intent", "B", |figures| figures.on_wire / figures.intents);
    tell("close, with a checkpoint", "s", |figures| figures.close);
    tell("bytes of the checkpoint an intent", "B", |figures| figures.checkpoint / figures.intents);
    tell("reopen from a checkpoint, and a full pass", "s", |figures| figures.reopen);
    tell("the same, most memory of a process of its own", "MB", |figures| figures.reopen_memory / 1e6);
    tell("reopen with a full replay, and a full pass", "s", |figures| figures.replay);
    tell("the same, most memory of a process of its own", "MB", |figures| figures.replay_memory / 1e6);
    tell("no-op round, from dialling to both level", "ms", |figures| figures.no_op * 1e3);
    tell("no-op round, bytes sent", "B", |figures| figures.no_op_bytes);
    tell("one intent, commit to durable there, p50", "ms", |figures| figures.one_intent * 1e3);
    tell("of which the two disks alone", "ms", |figures| 2.0 * figures.disk * 1e3);
    tell("of which QUIC alone, there and back", "ms", |figures| figures.network * 1e3);
    tell("of which all else", "ms", |figures| (figures.one_intent - 2.0 * figures.disk - figures.network) * 1e3);
}

struct Figures {
    intents: f64,
    record: f64,
    at_rest: f64,
    cold_sync: f64,
    on_wire: f64,
    close: f64,
    checkpoint: f64,
    reopen: f64,
    reopen_memory: f64,
    replay: f64,
    replay_memory: f64,
    no_op: f64,
    no_op_bytes: f64,
    one_intent: f64,
    disk: f64,
    network: f64,
}

async fn measure(lines: &[Row]) -> Figures {
    let laptop = Device::open("laptop", tempfile::tempdir().unwrap(), DeviceKey::generate().unwrap()).await;
    let phone = Device::open("phone", tempfile::tempdir().unwrap(), DeviceKey::generate().unwrap()).await;
    let workspace = laptop.handle.found_workspace("bench".into()).await.unwrap();

    let start = Instant::now();
    let intents = record(&laptop.handle, workspace, lines).await;
    let record = start.elapsed();
    let at_rest = bytes_below(&laptop.directory.path().join("logs"));

    pair(&laptop, &phone).await;
    let start = Instant::now();
    let cold = round(&laptop, &phone).await;
    let cold_sync = start.elapsed();
    assert_eq!(digest(&laptop.handle, workspace).await, digest(&phone.handle, workspace).await, "both show the same");

    let start = Instant::now();
    let no_op = round(&laptop, &phone).await;
    let no_op_time = start.elapsed();

    let start = Instant::now();
    let laptop = laptop.close().await;
    let close = start.elapsed();
    let checkpoint: u64 = laptop.checkpoints().iter().map(|path| std::fs::metadata(path).unwrap().len()).sum();
    let reopen_memory = laptop.memory_of_reopening();
    let start = Instant::now();
    let laptop = laptop.open().await;
    let seen = full_pass(&laptop.handle, workspace).await;
    let reopen = start.elapsed();

    let laptop = laptop.close().await;
    laptop.checkpoints().iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let replay_memory = laptop.memory_of_reopening();
    laptop.checkpoints().iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let start = Instant::now();
    let laptop = laptop.open().await;
    assert_eq!(full_pass(&laptop.handle, workspace).await, seen, "both ways to open show the same");
    let replay = start.elapsed();
    let one_intent = one_intent(laptop, phone, workspace).await;

    Figures {
        intents: float(intents),
        record: record.as_secs_f64(),
        at_rest: float(at_rest),
        cold_sync: cold_sync.as_secs_f64(),
        on_wire: float(cold.bytes_sent),
        close: close.as_secs_f64(),
        checkpoint: float(checkpoint),
        reopen: reopen.as_secs_f64(),
        reopen_memory: float(reopen_memory),
        replay: replay.as_secs_f64(),
        replay_memory: float(replay_memory),
        no_op: no_op_time.as_secs_f64(),
        no_op_bytes: float(no_op.bytes_sent),
        one_intent: one_intent.whole.as_secs_f64(),
        disk: one_intent.disk.as_secs_f64(),
        network: one_intent.network.as_secs_f64(),
    }
}

impl Device {
    async fn open(name: &str, directory: TempDir, key: DeviceKey) -> Self {
        let options = WorkerOptions {
            data_dir: directory.path().to_owned(),
            name: name.into(),
            network: Network::Loopback,
            port: 0,
            listen: None,
            discovery: LocalDiscovery::Off,
            marks: MemoryKeyStore::new().marks(),
        };
        let twin = DeviceKey::from_secret(&key.to_secret());
        let (worker, handle) = SyncWorker::open(options, twin).await.unwrap();
        Self { directory, key, worker, handle }
    }

    async fn close(self) -> Closed {
        let Self { directory, key, worker, handle } = self;
        drop(handle);
        worker.close().await.unwrap();
        Closed { directory, key }
    }
}

/// A device that is not running.
struct Closed {
    directory: TempDir,
    key: DeviceKey,
}

impl Closed {
    async fn open(self) -> Device {
        Device::open("laptop", self.directory, self.key).await
    }

    fn checkpoints(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.directory.path().join("state")).unwrap();
        files.map(|file| file.unwrap().path()).filter(|path| path.file_name().unwrap().len() == 16).collect()
    }

    /// Has another process open the device and pass through all of it. Returns its peak of resident memory in bytes.
    fn memory_of_reopening(&self) -> u64 {
        let key = self.key.to_secret().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let mut process = std::process::Command::new(std::env::current_exe().unwrap());
        let output = process.env(REOPEN, self.directory.path()).env(KEY, key).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}

/// What the other process does: it opens the device without network, passes through all workspaces, and prints the peak of its memory.
fn reopen_alone(directory: &Path) {
    let hex = std::env::var(KEY).unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let secret: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
    let key = DeviceKey::from_secret(&zeroize::Zeroizing::new(secret.try_into().unwrap()));
    let storage = verso_log::FileStorage::open(directory).unwrap();
    let now = verso_worker::now_since(Instant::now());
    let (replica, _) = verso_worker::HostReplica::<Graph>::open(storage, key, "laptop", now).unwrap();
    for workspace in replica.workspaces() {
        assert!(pass(replica.application(&workspace).unwrap()) > 0);
    }
    // Nothing is closed, so nothing is written.
    std::mem::forget(replica);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("{}", kib * 1024);
}

/// Reads every node with its tags and edges.
fn pass(graph: &Graph) -> usize {
    graph.nodes().map(|node| node.title().len() + node.url().len() + node.tags().len() + node.outgoing().len()).sum()
}

async fn full_pass(handle: &WorkerHandle<Graph>, workspace: WorkspaceId) -> usize {
    handle.read(move |replica| replica.application(&workspace).map(pass)).await.unwrap().unwrap()
}

/// Records all nodes with their tags, then all links. Returns how many intents that were.
async fn record(handle: &WorkerHandle<Graph>, workspace: WorkspaceId, lines: &[Row]) -> u64 {
    let mut ids = Vec::with_capacity(lines.len());
    let mut count = 0;
    let mut rest = lines;
    while !rest.is_empty() {
        let mut batch = Vec::new();
        let mut nodes = Vec::new();
        for line in rest {
            if batch.len() >= BATCH {
                break;
            }
            nodes.push(u64::try_from(batch.len()).unwrap());
            let node = NodeRef::New(batch.len());
            batch.push(Intent::AddNode { url: line.url.clone(), title: line.title.clone() });
            batch.extend(line.tags.iter().map(|tag| Intent::Tag { node, tag: tag.clone() }));
        }
        count += batch.len();
        rest = &rest[nodes.len()..];
        let Committed { author, first, .. } = handle.commit(workspace, batch).await.unwrap();
        let created = handle.read(move |replica| {
            let graph = replica.application(&workspace).unwrap();
            let created = |at| graph.node_created_by(&Dot { author, seq: Seq(first.0 + at) }).unwrap();
            nodes.into_iter().map(created).collect::<Vec<_>>()
        });
        ids.extend(created.await.unwrap());
    }
    let mut batch = Vec::new();
    for (line, src) in lines.iter().zip(&ids) {
        for (dst, kind) in &line.links {
            batch.push(Intent::Link { src: NodeRef::Id(*src), dst: NodeRef::Id(ids[*dst]), kind: kind.clone() });
        }
        if batch.len() >= BATCH {
            count += batch.len();
            handle.commit(workspace, std::mem::take(&mut batch)).await.unwrap();
        }
    }
    count += batch.len();
    handle.commit(workspace, batch).await.unwrap();
    u64::try_from(count).unwrap()
}

/// One round of sync between both. Returns what the laptop says of it.
async fn round(laptop: &Device, phone: &Device) -> PeerOutcome {
    let (mut first, second) = tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    assert_eq!(first[0].state, OutcomeState::InStep, "{first:?}");
    assert_eq!(second[0].state, OutcomeState::InStep, "{second:?}");
    first.remove(0)
}

/// What becomes of the time of one intent: medians of 100, measured by turns.
struct OneIntent {
    /// From the commit on one device until it is durable and acknowledged by the other, both running.
    whole: Duration,
    /// What the disk alone takes for as many bytes, once.
    disk: Duration,
    /// What QUIC alone takes for as many, there and back.
    network: Duration,
}

async fn one_intent(laptop: Device, phone: Device, workspace: WorkspaceId) -> OneIntent {
    let (mut disk, mut echo) = (Disk::new(laptop.directory.path()).unwrap(), Echo::new().await.unwrap());
    let shutdown = tokio_util::sync::CancellationToken::new();
    let peer = phone.handle.device();
    phone.handle.add_addresses(laptop.handle.device(), laptop.handle.addresses()).await;
    let handle = laptop.handle.clone();
    let mut status = handle.status();
    let running = [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(phone.worker.run(shutdown.clone()))];
    let mut in_step = async |sent: u64| {
        let arrived = |progress: &Progress| progress.sent >= sent;
        let wait = status
            .wait_for(|status| status.peers.get(&peer).is_some_and(|peer| peer.in_step && arrived(&peer.total())));
        drop(tokio::time::timeout(WAIT, wait).await.unwrap().unwrap());
    };
    in_step(0).await;
    let [mut times, mut disks, mut pings] = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..100_u64 {
        disks.push(disk.append().unwrap());
        pings.push(echo.ping().await.unwrap());
        let start = Instant::now();
        let intent =
            Intent::AddNode { url: format!("https://example.org/{number}"), title: format!("one more {number}") };
        handle.commit(workspace, vec![intent]).await.unwrap();
        in_step(number + 1).await;
        times.push(start.elapsed());
    }
    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    OneIntent { whole: median(times), disk: median(disks), network: median(pings) }
}

/// Leaves both devices as a completed pairing leaves them.
async fn pair(laptop: &Device, phone: &Device) {
    for (me, peer, side) in [(laptop, phone, PairingSide::Showing), (phone, laptop, PairingSide::Joining)] {
        let noise_key = peer.handle.read(verso_worker::HostReplica::noise_key).await.unwrap();
        let provisional = ProvisionalPeer {
            device: peer.handle.device(),
            noise_key,
            sealing_key: [0; 32],
            secret: PairSecret::from_bytes([7; 32]),
            name: "peer".into(),
            role: PeerRole::Own,
            side,
            way: PairingWay::Link,
            addresses: peer.handle.addresses().iter().map(ToString::to_string).collect(),
            workspaces: Vec::new(),
            expires_ms: u64::MAX,
        };
        me.handle.store_provisional(provisional).await.unwrap();
    }
}

async fn digest(handle: &WorkerHandle<Graph>, workspace: WorkspaceId) -> [u8; 32] {
    handle.read(move |replica| replica.application(&workspace).map(Graph::digest)).await.unwrap().unwrap()
}

fn bytes_below(directory: &Path) -> u64 {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                bytes_below(&entry.path())
            } else {
                std::os::unix::fs::MetadataExt::blocks(&metadata) * 512
            }
        })
        .sum()
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures to be read, far below 2⁵³")]
fn float(number: u64) -> f64 {
    number as f64
}

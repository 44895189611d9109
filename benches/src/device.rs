//! [`Device`]: Verso as its hosts have it, the worker with the graph, on a disk, over real QUIC on loopback.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use verso_graph::{Graph, Intent, NodeId, NodeRef};
use verso_identity::{DeviceKey, KeyStore as _, MemoryKeyStore, WorkspaceId};
use verso_replica::{Committed, PairSecret, ProvisionalPeer};
use verso_transport::Network;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_vv::{Dot, Seq};
use verso_wire::Application as _;
use verso_worker::{HostReplica, LocalDiscovery, OutcomeState, PeerOutcome, SyncWorker, WorkerHandle, WorkerOptions};

use crate::rows::{Row, Work};

/// How many intents are recorded and made durable at a time, as an import does.
pub const BATCH: usize = 16_384;

/// How long anything may take.
pub const WAIT: Duration = Duration::from_mins(5);

/// A device whose worker is open and not yet running.
#[derive(Debug)]
pub struct Device {
    /// Where it keeps everything.
    pub directory: PathBuf,
    /// What syncs, once it runs.
    pub worker: SyncWorker<Graph>,
    /// How it is spoken to.
    pub handle: WorkerHandle<Graph>,
}

impl Device {
    /// Opens the device in `directory`, which is made if it is not there. Its secret is the number, for all to know.
    ///
    /// # Panics
    /// If it can't be opened.
    pub async fn open(directory: &Path, number: u8) -> Self {
        let options = WorkerOptions {
            data_dir: directory.to_owned(),
            name: format!("device {number}"),
            network: Network::Loopback,
            port: 0,
            listen: None,
            discovery: LocalDiscovery::Off,
            marks: MemoryKeyStore::new().marks(),
        };
        let key = DeviceKey::from_secret(&zeroize::Zeroizing::new([number; 32]));
        let (worker, handle) = SyncWorker::open(options, key).await.unwrap();
        Self { directory: directory.to_owned(), worker, handle }
    }

    /// Ends it, which writes checkpoints.
    ///
    /// # Panics
    /// If that fails.
    pub async fn close(self) {
        let Self { directory: _, worker, handle } = self;
        drop(handle);
        worker.close().await.unwrap();
    }

    /// Returns the one workspace that it holds.
    ///
    /// # Panics
    /// If there is none.
    pub async fn workspace(&self) -> WorkspaceId {
        self.handle.read(|replica| replica.workspaces().next()).await.unwrap().unwrap()
    }

    /// Reads every node with its tags and edges. Returns how much that was.
    ///
    /// # Panics
    /// If the workspace is not held.
    pub async fn full_pass(&self, workspace: WorkspaceId) -> usize {
        self.handle.read(move |replica| replica.application(&workspace).map(pass)).await.unwrap().unwrap()
    }

    /// Returns a digest of all that it shows.
    ///
    /// # Panics
    /// If the workspace is not held.
    pub async fn digest(&self, workspace: WorkspaceId) -> [u8; 32] {
        self.handle.read(move |replica| replica.application(&workspace).map(Graph::digest)).await.unwrap().unwrap()
    }

    /// Returns the ids of its first nodes.
    ///
    /// # Panics
    /// If the workspace is not held.
    pub async fn first_nodes(&self, workspace: WorkspaceId, count: usize) -> Vec<NodeId> {
        let ids = move |graph: &Graph| graph.nodes().take(count).map(|node| node.id()).collect();
        self.handle.read(move |replica| replica.application(&workspace).map(ids)).await.unwrap().unwrap()
    }

    /// Records all nodes with their tags, then all links, in batches each of which is durable when it returns. Returns how many intents that were,
    /// and how long it took without the reading of them.
    ///
    /// # Panics
    /// If that fails.
    pub async fn record(&self, workspace: WorkspaceId, work: &Work) -> (u64, Duration) {
        let (mut ids, mut count, mut took) = (Vec::new(), 0, Duration::ZERO);
        for rows in work.pieces(BATCH, Row::node_intents) {
            let (start, mut batch, mut nodes) = (Instant::now(), Vec::new(), Vec::new());
            for row in rows {
                nodes.push(u64::try_from(batch.len()).unwrap());
                let node = NodeRef::New(batch.len());
                batch.push(Intent::AddNode { url: row.url, title: row.title });
                batch.extend(row.tags.into_iter().map(|tag| Intent::Tag { node, tag }));
            }
            count += batch.len();
            let Committed { author, first, .. } = self.handle.commit(workspace, batch).await.unwrap();
            let created = self.handle.read(move |replica| {
                let graph = replica.application(&workspace).unwrap();
                let created = |at| graph.node_created_by(&Dot { author, seq: Seq(first.0 + at) }).unwrap();
                nodes.into_iter().map(created).collect::<Vec<_>>()
            });
            ids.extend(created.await.unwrap());
            took += start.elapsed();
        }
        let mut src = ids.iter().copied();
        for rows in work.pieces(BATCH, Row::link_intents) {
            let (start, mut batch) = (Instant::now(), Vec::new());
            for (row, src) in rows.into_iter().zip(src.by_ref()) {
                let link = |(dst, kind): (usize, String)| Intent::Link { src: src.into(), dst: ids[dst].into(), kind };
                batch.extend(row.links.into_iter().map(link));
            }
            count += batch.len();
            self.handle.commit(workspace, batch).await.unwrap();
            took += start.elapsed();
        }
        (u64::try_from(count).unwrap(), took)
    }

    /// Compacts all logs.
    ///
    /// # Panics
    /// If that fails.
    pub async fn compact(&self, workspace: WorkspaceId) {
        let mut loan = self.handle.lend().await.unwrap();
        loan.compact(&workspace, |_report| ()).unwrap();
        loan.give_back();
    }

    /// Returns the bytes of its logs on the disk.
    pub fn bytes_of_logs(&self) -> u64 {
        crate::machine::bytes_below(&self.directory.join("logs"))
    }
}

/// Returns where the checkpoints of the device in `directory` lie.
///
/// # Panics
/// If they can't be listed.
pub fn checkpoints(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory.join("state")).unwrap();
    files.map(|file| file.unwrap().path()).filter(|path| path.file_name().unwrap().len() == 16).collect()
}

/// Leaves both devices as a completed pairing leaves them.
///
/// # Panics
/// If either can't keep it.
pub async fn pair(showing: &Device, joining: &Device) {
    for (me, peer, side) in [(showing, joining, PairingSide::Showing), (joining, showing, PairingSide::Joining)] {
        let noise_key = peer.handle.read(HostReplica::noise_key).await.unwrap();
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

/// One round of sync between both, from dialling until each knows that the other has everything, durably. Returns what the first says of it, and how long it took.
///
/// # Panics
/// If they are not in step at the end.
pub async fn round(one: &Device, two: &Device) -> (PeerOutcome, Duration) {
    let start = Instant::now();
    let (mut first, second) = tokio::join!(one.handle.sync_once(WAIT), two.handle.sync_once(WAIT));
    let took = start.elapsed();
    assert_eq!(first[0].state, OutcomeState::InStep, "{first:?}");
    assert_eq!(second[0].state, OutcomeState::InStep, "{second:?}");
    (first.remove(0), took)
}

fn pass(graph: &Graph) -> usize {
    graph.nodes().map(|node| node.title().len() + node.url().len() + node.tags().len() + node.outgoing().len()).sum()
}

//! Many devices in one process: all pairs are connected and in step, and what that takes is bounded.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceKey, KeyStore as _, MemoryKeyStore};
use verso_replica::{PairSecret, ProvisionalPeer};
use verso_transport::Network;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::Application as _;
use verso_worker::{HostReplica, LocalDiscovery, SyncWorker, WorkerHandle, WorkerOptions};

use crate::rig::{in_step, until};

/// Most memory that a device may take, with its connections to all others: 24 MiB, and it is some 15 in a debug build.
#[cfg(target_os = "linux")]
const MAX_KIB_A_DEVICE: u64 = 24 * 1024;

struct Member {
    _directory: tempfile::TempDir,
    handle: WorkerHandle<Graph>,
    worker: SyncWorker<Graph>,
}

async fn member(number: usize, sessions: usize) -> Member {
    let directory = tempfile::tempdir().unwrap();
    let options = WorkerOptions {
        data_dir: directory.path().to_owned(),
        name: format!("device {number}"),
        network: Network::Loopback,
        port: 0,
        listen: None,
        discovery: LocalDiscovery::Off,
        marks: MemoryKeyStore::new().marks(),
    };
    let key = DeviceKey::generate().unwrap();
    let (worker, handle) = SyncWorker::open_serving(options, key, sessions).await.unwrap();
    Member { _directory: directory, handle, worker }
}

/// Leaves two devices as a completed pairing leaves them.
async fn pair(one: &Member, another: &Member, secret: [u8; 32]) {
    for (me, peer, side) in [(one, another, PairingSide::Showing), (another, one, PairingSide::Joining)] {
        let keys = |replica: &HostReplica<Graph>| (replica.noise_key(), replica.sealing_key());
        let (noise_key, sealing_key) = peer.handle.read(keys).await.unwrap();
        let provisional = ProvisionalPeer {
            device: peer.handle.device(),
            noise_key,
            sealing_key,
            secret: PairSecret::from_bytes(secret),
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

#[expect(clippy::indexing_slicing, reason = "as tests do")]
async fn all_pairs_live(devices: usize) {
    let mut members = Vec::new();
    for number in 0..devices {
        members.push(member(number, devices).await);
    }
    let workspace = members[0].handle.found_workspace("Reading".to_owned()).await.unwrap();
    // Each is paired with the first; the others it knows, and they it, by what that one tells.
    for (number, other) in members.iter().enumerate().skip(1) {
        pair(&members[0], other, [u8::try_from(number).unwrap(); 32]).await;
    }
    let shutdown = CancellationToken::new();
    let mut workers = JoinSet::new();
    let mut handles = Vec::new();
    let mut directories = Vec::new();
    for Member { _directory: directory, handle, worker } in members {
        directories.push(directory);
        workers.spawn(worker.run(shutdown.clone()));
        // One after the other: a few hundred handshakes at a time are a bench of the processor.
        let up: Vec<_> = handles.iter().map(WorkerHandle::device).collect();
        until(&handle, |status| up.iter().all(|other| in_step(status, *other))).await;
        handles.push(handle);
    }
    let handles = Arc::new(handles);
    let all_level = async || {
        for handle in handles.iter() {
            let others: Vec<_> =
                handles.iter().map(WorkerHandle::device).filter(|other| *other != handle.device()).collect();
            until(handle, |status| others.iter().all(|other| in_step(status, *other))).await;
        }
    };
    all_level().await;
    // Each writes, all get it: every connection is of use, and none is served twice.
    for (number, handle) in handles.iter().enumerate() {
        let intent = Intent::AddNode { url: format!("https://example.org/{number}"), title: format!("of {number}") };
        handle.commit(workspace, vec![intent]).await.unwrap();
    }
    for handle in handles.iter() {
        let mut events = handle.events();
        while handle
            .read(move |replica| replica.application(&workspace).map(|graph| graph.nodes().count()))
            .await
            .unwrap()
            != Some(devices)
        {
            // Whatever happened, it may have brought one.
            drop(events.recv().await);
        }
    }
    all_level().await;
    let mut digests = Vec::new();
    for handle in handles.iter() {
        digests.push(handle.read(move |replica| replica.application(&workspace).map(Graph::digest)).await.unwrap());
    }
    assert!(digests.windows(2).all(|pair| pair[0] == pair[1] && pair[0].is_some()));
    assert_bounded(devices);
    shutdown.cancel();
    while let Some(ended) = workers.join_next().await {
        ended.unwrap().unwrap();
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::print_stderr, reason = "what it measured")]
fn assert_bounded(devices: usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = line.split_whitespace().next().unwrap().parse().unwrap();
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    eprintln!("{devices} devices, all pairs live: {} MiB, {tasks} tasks", kib / 1024);
    let devices = u64::try_from(devices).unwrap();
    assert!(kib < MAX_KIB_A_DEVICE * devices + 64 * 1024, "{kib} KiB");
    // Of each connection: who keeps it, who serves it, and two a stream.
    assert!(u64::try_from(tasks).unwrap() < devices * (devices * 24 + 64), "{tasks} tasks");
}

#[cfg(not(target_os = "linux"))]
fn assert_bounded(_devices: usize) {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_devices_are_connected_with_each_other() {
    all_pairs_live(6).await;
}

/// 190 connections in one process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute on a busy machine"]
async fn twenty_devices_are_connected_with_each_other() {
    all_pairs_live(20).await;
}

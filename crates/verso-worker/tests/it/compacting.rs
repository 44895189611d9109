//! A worker compacts journals beside its work.

use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::timeout;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceKey, KeyStore as _, MemoryKeyStore, WorkspaceId};
use verso_log::{FileStorage, LogStats};
use verso_replica::Replica;
use verso_worker::now_since;

use crate::rig::Device;

/// Much longer than a step takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// As many commands, each of which leaves a file, are a reason to compact.
const COMMANDS: usize = 20;

/// A device that only commands have used until now, each of which added `nodes` nodes.
fn used_by_commands(nodes: usize) -> (TempDir, DeviceKey, WorkspaceId) {
    let (directory, key) = (tempfile::tempdir().unwrap(), DeviceKey::generate().unwrap());
    let now = now_since(Instant::now());
    let open = || {
        let storage = FileStorage::open(directory.path()).unwrap();
        let key = DeviceKey::from_secret(&key.to_secret());
        Replica::<_, Graph>::open(storage, key, "laptop", now).unwrap().0
    };
    let mut replica = open();
    let workspace = replica.found_workspace("Reading", now).unwrap();
    replica.close().unwrap();
    for command in 0..COMMANDS {
        let mut replica = open();
        let intents: Vec<Intent> = (0..nodes).map(|node| self::node(&format!("{command:02}-{node}"))).collect();
        replica.commit(&workspace, &intents, now).unwrap();
        replica.close().unwrap();
    }
    (directory, key, workspace)
}

fn node(title: &str) -> Intent {
    Intent::AddNode { url: format!("https://example.org/{title}"), title: title.into() }
}

async fn start(directory: TempDir, key: DeviceKey) -> Device {
    Device::open_keeping("laptop", directory, key, MemoryKeyStore::new().marks()).await
}

async fn stats(device: &Device, workspace: WorkspaceId) -> LogStats {
    device.handle.read(move |replica| replica.log_stats(&workspace).unwrap()).await.unwrap()
}

async fn is_whole(device: &Device, workspace: WorkspaceId) -> bool {
    device.handle.read(move |replica| replica.verify_log(&workspace).unwrap().damage.is_empty()).await.unwrap()
}

#[tokio::test]
async fn what_many_commands_left_is_joined_while_commits_go_on() {
    let (directory, key, workspace) = used_by_commands(1);
    let laptop = start(directory, key).await;
    let mut titles = laptop.titles(workspace).await;
    assert_eq!(titles.len(), COMMANDS);
    let compacted = async {
        while stats(&laptop, workspace).await.segments > 2 {
            let title = format!("meanwhile-{}", titles.len());
            laptop.add(workspace, &title).await;
            titles.push(title);
        }
    };
    timeout(PATIENCE, compacted).await.expect("it compacts by itself");
    assert!(titles.len() > COMMANDS, "commits went on");
    let after = stats(&laptop, workspace).await;
    assert_eq!(after.loose_segments, 1, "the one that is written to: {after:?}");
    titles.sort();
    assert_eq!(laptop.titles(workspace).await, titles);

    let digest = laptop.digest(workspace).await;
    let laptop = laptop.restart("laptop").await;
    assert_eq!((laptop.titles(workspace).await, laptop.digest(workspace).await), (titles, digest));
    assert!(is_whole(&laptop, workspace).await);
    laptop.close().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_compaction_and_leaves_the_journal_whole() {
    let (directory, key, workspace) = used_by_commands(500);
    let laptop = start(directory, key).await;
    let before = (stats(&laptop, workspace).await.entries, laptop.digest(workspace).await);
    // It began before the first question was answered.
    let stopping = Instant::now();
    let laptop = laptop.restart("laptop").await;
    assert!(stopping.elapsed() < PATIENCE);
    assert_eq!((stats(&laptop, workspace).await.entries, laptop.digest(workspace).await), before);
    assert!(is_whole(&laptop, workspace).await);
    // Nothing that was begun then keeps it from being done now.
    let compacted = async {
        while stats(&laptop, workspace).await.loose_segments > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, compacted).await.expect("it compacts in the end");
    assert_eq!(laptop.digest(workspace).await, before.1);
    laptop.close().await;
}

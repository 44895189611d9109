//! Hosts that don't keep up: they lose nothing, and slow nobody.

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use verso_graph::Intent;
use verso_replica::{Cursor, Following, More};

use crate::rig::{Device, PATIENCE, in_step, pair, until};

const COMMITS: u64 = 400;
const NODES: u64 = 8;

/// One listens to events and never reads one; another reads one batch of entries and stops. All that others do goes on, and both catch up when they like.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_reads_nothing_loses_nothing_and_slows_nobody() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    pair(&laptop, &phone).await;
    let (writer, reader) = (laptop.handle.clone(), phone.handle.clone());
    let (laptop_id, phone_id) = (writer.device(), reader.device());
    let shutdown = CancellationToken::new();
    let running = [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(phone.worker.run(shutdown.clone()))];
    until(&reader, |status| in_step(status, laptop_id)).await;
    let mut never_read = reader.events();
    let Following::Entries(first) = reader.applied_after(workspace, Cursor::new()).await.unwrap() else { panic!() };

    for commit in 0..COMMITS {
        let node = |at| Intent::AddNode { url: format!("https://example.org/{commit}/{at}"), title: "one".into() };
        writer.commit(workspace, (0..NODES).map(node).collect()).await.unwrap();
    }
    until(&writer, |status| in_step(status, phone_id) && status.peers[&phone_id].total().sent >= COMMITS * NODES).await;

    // Both go on where they stopped: the one is told how many events it missed, the other misses nothing.
    let lagged = tokio::time::timeout(PATIENCE, never_read.recv()).await.unwrap();
    assert!(matches!(lagged, Err(RecvError::Lagged(_)) | Ok(_)), "{lagged:?}");
    let (mut cursor, mut read) = (first.cursor, 0);
    loop {
        let Following::Entries(batch) = reader.applied_after(workspace, cursor).await.unwrap() else { panic!() };
        read += batch.entries.len();
        cursor = batch.cursor;
        if batch.more == More::No {
            break;
        }
    }
    assert_eq!(u64::try_from(read).unwrap(), COMMITS * NODES);
    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
}

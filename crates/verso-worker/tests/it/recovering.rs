//! Logs that fail under a running worker: it opens them again by itself, and goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use verso_graph::Intent;
use verso_identity::WorkspaceId;
use verso_replica::Event;
use verso_worker::WorkerHandle;

use crate::rig::{Device, pair};

/// Much longer than it waits for its first attempts.
const PATIENCE: Duration = Duration::from_mins(1);

fn node(title: &str) -> Vec<Intent> {
    vec![Intent::AddNode { url: format!("https://example.org/{title}"), title: title.into() }]
}

/// Where the logs lie, and where they are put so that nothing can be written.
fn places(directory: &Path) -> (PathBuf, PathBuf) {
    (directory.join("logs"), directory.join("elsewhere"))
}

/// Waits for the event that tells that a workspace was opened again.
async fn opened_again(handle: &WorkerHandle<verso_graph::Graph>, workspace: WorkspaceId, mend: impl FnOnce()) {
    let mut events = handle.events();
    mend();
    let rebuilt = async {
        while !matches!(events.recv().await, Ok(Event::Rebuilt { workspace: which }) if which == workspace) {}
    };
    // It tries again by itself.
    timeout(PATIENCE, rebuilt).await.unwrap();
}

#[tokio::test]
async fn a_disk_that_takes_nothing_for_a_while_costs_only_that_while() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    laptop.add(workspace, "one").await;
    pair(&laptop, &phone).await;
    // Opened anew, a log makes a file for what is written first.
    let laptop = laptop.restart("laptop").await;
    phone.handle.add_addresses(laptop.handle.device(), laptop.handle.addresses()).await;
    let shutdown = CancellationToken::new();
    let (handle, other) = (laptop.handle.clone(), phone.handle.clone());
    let (logs, elsewhere) = places(laptop.directory.path());
    let running = [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(phone.worker.run(shutdown.clone()))];

    fs::rename(&logs, &elsewhere).unwrap();
    let refused = handle.commit(workspace, node("lost")).await.unwrap_err();
    assert!(!refused.to_string().is_empty());
    // It goes on refusing, and keeps nothing of it.
    handle.commit(workspace, node("lost")).await.unwrap_err();
    opened_again(&handle, workspace, || fs::rename(&elsewhere, &logs).unwrap()).await;
    handle.commit(workspace, node("two")).await.unwrap();

    // Whoever is connected, or comes, gets what is written now, and nothing else.
    let mut events = other.events();
    let titles = || async {
        let titles = other.read(move |replica| {
            let graph = replica.application(&workspace)?;
            Some(graph.nodes().map(|node| node.title().to_owned()).collect::<Vec<_>>())
        });
        let mut titles = titles.await.unwrap().unwrap_or_default();
        titles.sort();
        titles
    };
    let arrived = async {
        while titles().await != ["one", "two"] {
            // Whatever happened, it may have brought it.
            drop(events.recv().await);
        }
    };
    timeout(PATIENCE, arrived).await.expect("the other device gets it");
    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
}

//! Defects: what they end is counted, told, and started again; what can't be is the worker's end, and that is told, too.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use verso_identity::WorkspaceId;
use verso_replica::Event;
use verso_wire::Reason;
use verso_worker::{CommandError, WorkerError, WorkerHandle};

use crate::faults::panic_on;
use crate::fragile::{Fragile, Intent, UNNAMEABLE};
use crate::rig::{Device, PATIENCE, in_step, pair, until};

async fn texts(handle: &WorkerHandle<Fragile>, workspace: WorkspaceId) -> Vec<String> {
    handle.read(move |replica| replica.application(&workspace).map(Fragile::texts)).await.unwrap().unwrap_or_default()
}

async fn has_text(handle: &WorkerHandle<Fragile>, workspace: WorkspaceId, text: &str) {
    let mut events = handle.events();
    let arrived = async {
        while !texts(handle, workspace).await.iter().any(|known| known == text) {
            // Whatever happened, it may have brought it.
            drop(events.recv().await);
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.unwrap();
}

/// A peer brings what the application panics on. The session ends with that reason, is counted, and started again; all that has nothing to do with it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_panics_ends_its_session_and_nothing_else() {
    let (laptop, phone) = (Device::<Fragile>::of("laptop").await, Device::<Fragile>::of("phone").await);
    let bad = laptop.handle.found_workspace("bad".to_owned()).await.unwrap();
    let good = laptop.handle.found_workspace("good".to_owned()).await.unwrap();
    pair(&laptop, &phone).await;
    let (writer, reader) = (laptop.handle.clone(), phone.handle.clone());
    let (laptop_id, phone_id) = (writer.device(), reader.device());
    let shutdown = CancellationToken::new();
    let mut workers = JoinSet::new();
    workers.spawn(laptop.worker.run(shutdown.clone()));
    workers.spawn(phone.worker.run(shutdown.clone()));
    until(&reader, |status| in_step(status, laptop_id)).await;

    let mut events = reader.events();
    writer.commit(bad, vec![Intent::Poison]).await.unwrap();
    let told = async {
        loop {
            if let Event::PeerOffline { peer, reason: Some(Reason::WorkerCrash) } = events.recv().await.unwrap() {
                return peer;
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap(), Some(laptop_id));
    until(&reader, |status| status.crashes > 0).await;
    // The other side is told, too.
    until(&writer, |status| status.peers[&phone_id].contacts > 1).await;
    // It is started again, and what can go on does.
    writer.commit(good, vec![Intent::Write("meanwhile")]).await.unwrap();
    has_text(&reader, good, "meanwhile").await;
    reader.commit(good, vec![Intent::Write("answer")]).await.unwrap();
    has_text(&writer, good, "answer").await;
    // What stands still says why.
    until(&reader, |status| status.peers[&laptop_id].reason == Some(Reason::WorkerCrash)).await;
    assert_eq!(texts(&reader, bad).await, ["bad"]);
    shutdown.cancel();
    while let Some(ended) = workers.join_next().await {
        ended.unwrap().unwrap();
    }
}

/// A task of a connection panics, one that reads or the one that leads it. That connection ends with its reason on both sides, is counted where it happened, and
/// another takes its place.
#[expect(clippy::indexing_slicing, reason = "as tests do")]
async fn a_panic_ends_its_connection(target: &'static str) {
    let (laptop, phone) = (Device::<Fragile>::of("laptop").await, Device::<Fragile>::of("phone").await);
    pair(&laptop, &phone).await;
    let handles = [laptop.handle.clone(), phone.handle.clone()];
    let [laptop_id, phone_id] = [&laptop, &phone].map(|device| device.handle.device());
    let shutdown = CancellationToken::new();
    let workers = [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(phone.worker.run(shutdown.clone()))];
    until(&handles[0], |status| in_step(status, phone_id)).await;
    until(&handles[1], |status| in_step(status, laptop_id)).await;

    let peers = [phone_id, laptop_id];
    let mut events = [handles[0].events(), handles[1].events()];
    let before = [0, 1].map(|side| handles[side].status().borrow().peers[&peers[side]].contacts);
    let workspace = handles[0].found_workspace("Reading".to_owned()).await.unwrap();
    panic_on(target, workspace);
    handles[0].commit(workspace, vec![Intent::Write("one")]).await.unwrap();
    for (events, peer) in events.iter_mut().zip(peers) {
        let told = async {
            loop {
                if let Event::PeerOffline { peer: Some(who), reason } = events.recv().await.unwrap() {
                    return (who, reason);
                }
            }
        };
        let told = tokio::time::timeout(PATIENCE, told).await.unwrap();
        assert_eq!(told, (peer, Some(Reason::WorkerCrash)), "both are told");
    }
    for side in [0, 1] {
        until(&handles[side], |status| {
            in_step(status, peers[side]) && status.peers[&peers[side]].contacts > before[side]
        })
        .await;
    }
    has_text(&handles[1], workspace, "one").await;
    let counted = [0, 1].map(|side| {
        let status = handles[side].status().borrow().clone();
        assert_eq!(status.crashes, status.peers[&peers[side]].crashes);
        status.crashes
    });
    assert_eq!(counted.iter().sum::<u64>(), 1, "counted once, where it happened: {counted:?}");
    shutdown.cancel();
    for worker in workers {
        worker.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_a_task_that_reads_ends_its_connection() {
    a_panic_ends_its_connection("verso.sync.unit_received").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_the_task_that_leads_a_connection_ends_it() {
    a_panic_ends_its_connection("verso.sync.stream_opened").await;
}

/// What the host asks and the application answers with a panic is theirs: the engine goes on.
#[tokio::test]
async fn a_panic_of_the_host_s_own_making_reaches_the_host_alone() {
    let device = Device::<Fragile>::of("laptop").await;
    let workspace = device.handle.found_workspace("Reading".to_owned()).await.unwrap();
    let handle = device.handle.clone();
    let asked = tokio::spawn(async move { handle.read(|_| panic!("a defect that a test called for")).await });
    assert!(asked.await.unwrap_err().is_panic());
    let refused = device.handle.commit(workspace, vec![Intent::Absurd]).await.unwrap_err();
    assert!(matches!(refused, CommandError::Commit(_)), "{refused}");
    device.handle.commit(workspace, vec![Intent::Write("one")]).await.unwrap();
    assert_eq!(texts(&device.handle, workspace).await, ["Reading", "one"]);
}

/// Where the engine itself ends by a defect, whoever runs the worker is told, and so is whoever asks it.
#[tokio::test]
async fn the_end_of_the_engine_is_never_silent() {
    let (laptop, phone) = (Device::<Fragile>::of("laptop").await, Device::<Fragile>::of("phone").await);
    let workspace = laptop.handle.found_workspace("Reading".to_owned()).await.unwrap();
    pair(&laptop, &phone).await;
    let (handle, other) = (laptop.handle.clone(), phone.handle.clone());
    let id = handle.device();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(laptop.worker.run(shutdown.clone()));
    let still_running = tokio::spawn(phone.worker.run(shutdown.clone()));
    until(&other, |status| in_step(status, id)).await;
    let mut events = other.events();
    handle.commit(workspace, vec![Intent::Write(UNNAMEABLE)]).await.unwrap_err();
    let ended = tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    assert!(matches!(ended, Err(WorkerError::Crashed)), "{ended:?}");
    let refused = handle.commit(workspace, vec![Intent::Write("too late")]).await.unwrap_err();
    assert!(matches!(refused, CommandError::Ended), "{refused}");
    assert_eq!(handle.read(|replica| replica.workspaces().count()).await, None);
    // Its peers are told why it went.
    let told = async {
        loop {
            if let Event::PeerOffline { peer, reason } = events.recv().await.unwrap() {
                return (peer, reason);
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap(), (Some(id), Some(Reason::WorkerCrash)));
    shutdown.cancel();
    still_running.await.unwrap().unwrap();
}

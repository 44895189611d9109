//! Paired devices sync.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use verso_graph::Intent;
use verso_identity::{KeyStore as _, MemoryKeyStore};
use verso_worker::OutcomeState;

use crate::rig::{Device, copy, pair};

const WAIT: Duration = Duration::from_secs(10);
/// Enough for two connections to end together in some of them: on a busy machine one round in a hundred.
const ROUNDS: u64 = 100;

#[tokio::test]
async fn one_round_brings_both_level() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    laptop.add(workspace, "one").await;
    pair(&laptop, &phone).await;
    let (first, second) = tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    assert_eq!(first[0].state, OutcomeState::InStep, "{first:?}");
    assert_eq!(second[0].state, OutcomeState::InStep, "{second:?}");
    assert_eq!(phone.titles(workspace).await, ["one"]);
    assert_eq!(laptop.digest(workspace).await, phone.digest(workspace).await);
}

#[tokio::test]
async fn what_was_done_apart_survives_restarts_and_meets() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    pair(&laptop, &phone).await;
    tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    laptop.add(workspace, "from the laptop").await;
    phone.add(workspace, "from the phone").await;
    // Ports differ after the restart: what each knows of the other is stale until one of them is told.
    let laptop = laptop.restart("laptop").await;
    let addresses = laptop.handle.addresses();
    phone.handle.add_addresses(laptop.handle.device(), addresses).await;
    let (first, second) = tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    assert_eq!(first[0].state, OutcomeState::InStep, "{first:?}");
    assert_eq!(second[0].state, OutcomeState::InStep, "{second:?}");
    assert_eq!(laptop.titles(workspace).await, ["from the laptop", "from the phone"]);
    assert_eq!(laptop.digest(workspace).await, phone.digest(workspace).await);
}

/// Both dial at the same moment, again and again: whichever connection stays, and however the other's end falls together with the goodbyes on it, each
/// round ends in step, and soon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rounds_in_which_both_dial_at_once_all_end_in_step() {
    let (first, second) = in_order(Device::new("laptop").await, Device::new("phone").await);
    pair(&first, &second).await;
    for round in 0..ROUNDS {
        // The one that dials at once waits about as long as the other leaves the dial to it.
        let late = Duration::from_micros(8_000 + 1_000 * (round % 5));
        let first_round = async {
            tokio::time::sleep(late).await;
            first.handle.sync_once(WAIT).await
        };
        let (one, two) = tokio::join!(first_round, second.handle.sync_once(WAIT));
        assert_eq!(one[0].state, OutcomeState::InStep, "round {round}: {one:?}");
        assert_eq!(two[0].state, OutcomeState::InStep, "round {round}: {two:?}");
    }
}

/// Where both come at the same moment one of them makes no connection that would be given up. On a machine that is busy it may dial all the same, but not each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_higher_id_leaves_the_dial_to_the_lower() {
    let (first, second) = in_order(Device::new("laptop").await, Device::new("phone").await);
    pair(&first, &second).await;
    let peer = first.handle.device();
    let dials = || second.handle.status().borrow().peers.get(&peer).map_or(0, |peer| peer.dials);
    for _ in 0..ROUNDS {
        let before = dials();
        tokio::join!(first.handle.sync_once(WAIT), second.handle.sync_once(WAIT));
        if dials() == before {
            return;
        }
    }
    panic!("it dialled in each of {ROUNDS} rounds");
}

/// The one of the lower id first.
fn in_order(one: Device, other: Device) -> (Device, Device) {
    if one.handle.device() < other.handle.device() { (one, other) } else { (other, one) }
}

/// What it wrote after the backup and what it wrote after it was put back are both there, after one round.
#[tokio::test]
async fn a_device_that_was_put_back_and_writes_before_it_meets_anybody_is_in_step_after_one_round() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    pair(&laptop, &phone).await;
    tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    let laptop = laptop.restart("laptop").await;
    let image = tempfile::tempdir().unwrap();
    copy(laptop.directory.path(), image.path());
    laptop.add(workspace, "after the backup").await;
    phone.handle.add_addresses(laptop.handle.device(), laptop.handle.addresses()).await;
    let (first, second) = tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    assert_eq!(first[0].state, OutcomeState::InStep, "{first:?}");
    assert_eq!(second[0].state, OutcomeState::InStep, "{second:?}");
    assert_eq!(phone.titles(workspace).await, ["after the backup"]);
    let (_directory, secret) = laptop.close().await;

    let laptop = Device::open_keeping("laptop", image, secret, MemoryKeyStore::new().marks()).await;
    laptop.add(workspace, "instead").await;
    phone.handle.add_addresses(laptop.handle.device(), laptop.handle.addresses()).await;
    let (first, second) = tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    assert_eq!(first[0].state, OutcomeState::InStep, "{first:?}");
    assert_eq!(second[0].state, OutcomeState::InStep, "{second:?}");
    for device in [&laptop, &phone] {
        assert_eq!(device.titles(workspace).await, ["after the backup", "instead"]);
        assert_eq!(device.handle.read(move |replica| replica.forks(&workspace).len()).await, Some(1));
    }
    assert_eq!(laptop.digest(workspace).await, phone.digest(workspace).await);
}

#[tokio::test]
async fn nobody_there_is_said_and_costs_the_wait() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    pair(&laptop, &phone).await;
    phone.worker.close().await.unwrap();
    let outcomes = laptop.handle.sync_once(Duration::from_secs(1)).await;
    assert_eq!(outcomes[0].state, OutcomeState::Unreachable, "{outcomes:?}");
}

#[tokio::test]
async fn running_workers_push_commits_at_once_and_end_when_told() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    pair(&laptop, &phone).await;
    let shutdown = CancellationToken::new();
    let (laptop_handle, phone_handle) = (laptop.handle.clone(), phone.handle.clone());
    let running = [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(phone.worker.run(shutdown.clone()))];
    let mut status = phone_handle.status();
    let in_step =
        |device| move |status: &verso_worker::Status| status.peers.get(&device).is_some_and(|peer| peer.in_step);
    tokio::time::timeout(WAIT, status.wait_for(in_step(laptop_handle.device()))).await.unwrap().unwrap();

    let mut events = phone_handle.events();
    let intents = vec![Intent::AddNode { url: "https://example.org/".into(), title: "live".into() }];
    laptop_handle.commit(workspace, intents).await.unwrap();
    let pushed = async {
        while !matches!(events.recv().await.unwrap(), verso_replica::Event::RemoteDelta { workspace: of, .. } if of == workspace)
        {
        }
    };
    tokio::time::timeout(WAIT, pushed).await.expect("the commit is pushed");
    let count =
        phone_handle.read(move |replica| replica.application(&workspace).map(|graph| graph.nodes().count())).await;
    assert_eq!(count, Some(Some(1)));

    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
}

/// A round of a worker that runs: who is away is tried for as long as it is told to, who is there is met, and the connection stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_beside_a_running_worker_ends_when_all_are_level() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    pair(&laptop, &phone).await;
    tokio::join!(laptop.handle.sync_once(WAIT), phone.handle.sync_once(WAIT));
    let (phone_dir, phone_secret) = phone.close().await;
    let (_laptop_dir, _, laptop, worker) = laptop.into_parts();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(worker.run(shutdown.clone()));
    let away = laptop.round(Duration::from_millis(600)).await;
    assert_eq!(away[0].state, OutcomeState::Unreachable, "{away:?}");

    let phone: Device = Device::open_keeping("phone", phone_dir, phone_secret, MemoryKeyStore::new().marks()).await;
    laptop.add_addresses(phone.handle.device(), phone.handle.addresses()).await;
    let (_phone_dir, _, phone, phone_worker) = phone.into_parts();
    let phone_running = tokio::spawn(phone_worker.run(shutdown.clone()));
    let node = |title: &str| vec![Intent::AddNode { url: format!("u:{title}"), title: title.into() }];
    for (round, title) in ["one", "two", "three"].into_iter().enumerate() {
        laptop.commit(workspace, node(title)).await.unwrap();
        let met = laptop.round(WAIT).await;
        assert_eq!(met[0].state, OutcomeState::InStep, "{met:?}");
        // What is recorded goes at once, so its acknowledgement may have come before the round.
        assert!(met[0].entries_sent <= 1 && met[0].entries_received == 0, "{round}: {met:?}");
        let nodes = phone.read(move |replica| replica.application(&workspace).map(|graph| graph.counts().nodes));
        assert_eq!(nodes.await.unwrap(), Some(round + 1), "it is there when the round is over");
    }
    assert!(laptop.status().borrow().peers[&phone.device()].connected, "the connection stays");
    shutdown.cancel();
    for worker in [running, phone_running] {
        worker.await.unwrap().unwrap();
    }
}

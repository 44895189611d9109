//! The replica of a running worker in somebody else's hands.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use tokio_util::sync::CancellationToken;
use verso_graph::{Graph, Intent};
use verso_worker::Loan;

use crate::rig::{Device, copy, pair};

fn node(title: &str) -> Intent {
    Intent::AddNode { url: format!("https://example.org/{title}"), title: title.into() }
}

/// Gives a loan back from a thread where that may wait.
async fn give_back(loan: Loan<Graph>) {
    tokio::task::spawn_blocking(move || loan.give_back()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_borrower_writes_goes_to_peers_as_soon_as_the_replica_is_back() {
    let (desk, lap) = (Device::new("desk").await, Device::new("lap").await);
    let notes = desk.found("notes").await;
    pair(&desk, &lap).await;
    let (_desk_dir, _, desk, desk_worker) = desk.into_parts();
    let (_lap_dir, _, lap, lap_worker) = lap.into_parts();
    let shutdown = CancellationToken::new();
    let running = [desk_worker, lap_worker].map(|worker| tokio::spawn(worker.run(shutdown.clone())));
    let mut status = desk.status();
    status.wait_for(|status| status.peers.values().any(|peer| peer.in_step)).await.unwrap();

    let mut events = lap.events();
    let mut loan = desk.lend().await.unwrap();
    let now = loan.now();
    loan.commit(&notes, &[node("lent")], now).unwrap();
    loan.flush(now).unwrap();
    give_back(loan).await;
    loop {
        let event = events.recv().await.unwrap();
        if matches!(event, verso_replica::Event::RemoteDelta { workspace, .. } if workspace == notes) {
            break;
        }
    }
    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_this_device_trusts_is_known_when_the_loan_is_over() {
    let (desk, lap) = (Device::new("desk").await, Device::new("lap").await);
    pair(&desk, &lap).await;
    let (one, other) = (
        desk.handle.sync_once(std::time::Duration::from_secs(10)),
        lap.handle.sync_once(std::time::Duration::from_secs(10)),
    );
    tokio::join!(one, other);
    let peer = lap.handle.device();
    let mut loan = desk.handle.lend().await.unwrap();
    let now = loan.now();
    loan.forget(peer, now).unwrap();
    give_back(loan).await;
    let outcomes = lap.handle.sync_once(std::time::Duration::from_secs(10));
    let (_, outcomes) = tokio::join!(desk.handle.sync_once(std::time::Duration::from_secs(10)), outcomes);
    assert_eq!(outcomes[0].state, verso_worker::OutcomeState::Refused, "{outcomes:?}");
    desk.close().await;
    lap.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_else_waits_for_a_loan_and_goes_on_after_it() {
    let desk = Device::new("desk").await;
    let notes = desk.found("notes").await;
    let mut loan = desk.handle.lend().await.unwrap();
    let now = loan.now();
    loan.commit(&notes, &[node("first")], now).unwrap();

    let mut second = Box::pin(desk.add(notes, "second"));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
    // Whoever gives up waiting for a loan holds nothing.
    let mut never = Box::pin(desk.handle.lend());
    assert!(never.as_mut().poll(&mut context).is_pending());
    drop(never);
    assert_eq!(second.as_mut().poll(&mut context), Poll::Pending);
    // Dropped, it is back as well, and what was not flushed is now.
    drop(loan);
    second.await;
    assert_eq!(desk.titles(notes).await, ["first", "second"]);
    let desk = desk.restart("desk").await;
    assert_eq!(desk.titles(notes).await, ["first", "second"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_borrower_that_panics_gives_the_replica_back() {
    let desk = Device::new("desk").await;
    let notes = desk.found("notes").await;
    let loan = desk.handle.lend().await.unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _loan = loan;
        panic!("a defect of the borrower");
    }));
    std::panic::set_hook(hook);
    panicked.unwrap_err();
    desk.add(notes, "after").await;
    assert_eq!(desk.titles(notes).await, ["after"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_worker_waits_for_a_loan() {
    let desk = Device::new("desk").await;
    let notes = desk.found("notes").await;
    let (directory, secret, handle, worker) = desk.into_parts();
    let mut loan = handle.lend().await.unwrap();
    let closing = tokio::spawn(worker.close());
    let now = loan.now();
    loan.commit(&notes, &[node("late")], now).unwrap();
    loan.flush(now).unwrap();
    give_back(loan).await;
    closing.await.unwrap().unwrap();
    assert!(handle.lend().await.is_none(), "there is nothing to borrow any more");
    let marks = verso_identity::KeyStore::marks(&verso_identity::MemoryKeyStore::new());
    let desk = Device::open_keeping("desk", directory, secret, marks).await;
    assert_eq!(desk.titles(notes).await, ["late"]);
    desk.close().await;
}

/// Also what the borrower did not flush itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_done_is_durable_when_the_replica_is_back() {
    let desk = Device::new("desk").await;
    let notes = desk.found("notes").await;
    let mut loan = desk.handle.lend().await.unwrap();
    let now = loan.now();
    loan.commit(&notes, &[node("lent")], now).unwrap();
    give_back(loan).await;
    // As if the power went now.
    let left = tempfile::tempdir().unwrap();
    copy(desk.directory.path(), left.path());
    let (_directory, secret) = desk.close().await;
    let marks = verso_identity::KeyStore::marks(&verso_identity::MemoryKeyStore::new());
    let again: Device = Device::open_keeping("desk", left, secret, marks).await;
    assert_eq!(again.titles(notes).await, ["lent"]);
    again.close().await;
}

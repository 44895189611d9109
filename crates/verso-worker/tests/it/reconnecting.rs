//! Dialling again: at once where something changed, ever less often where nothing does, and not at all after a refusal.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use verso_identity::{KeyStore as _, MemoryKeyStore};
use verso_replica::Event;
use verso_wire::Reason;

use crate::refusals::believe;
use crate::rig::{Device, in_step, pair, until};

/// Whoever was refused asks once, and again when it is told to, not before.
#[tokio::test]
async fn who_was_refused_does_not_ask_again_before_something_changed() {
    let (laptop, stranger) = (Device::new("laptop").await, Device::new("stranger").await);
    believe(&stranger, &laptop, [1; 32]).await;
    let (id, handle) = (laptop.handle.device(), stranger.handle.clone());
    let mut events = handle.events();
    let shutdown = CancellationToken::new();
    let running =
        [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(stranger.worker.run(shutdown.clone()))];
    until(&handle, |status| status.peers.get(&id).is_some_and(|peer| peer.reason == Some(Reason::NotTrusted))).await;
    // As long as ten attempts would take, and thousands that don't wait.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(handle.status().borrow().peers[&id].dials, 1);
    handle.sync_now();
    until(&handle, |status| status.peers[&id].dials == 2).await;
    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
    let mut told = 0;
    while let Ok(event) = events.try_recv() {
        told += usize::from(matches!(event, Event::PeerOffline { .. }));
    }
    assert_eq!(told, 1, "the same twice is news once");
}

/// Both are told when the other comes and goes, each time.
#[tokio::test]
async fn a_peer_that_comes_and_goes_is_told_of_and_found_again() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    pair(&laptop, &phone).await;
    let (laptop_id, phone_id) = (laptop.handle.device(), phone.handle.device());
    let handle = laptop.handle.clone();
    let mut events = handle.events();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(laptop.worker.run(shutdown.clone()));
    let mut phone = phone;
    for _ in 0..3 {
        let end = CancellationToken::new();
        let (directory, secret, other, worker) = phone.into_parts();
        let away = tokio::spawn(worker.run(end.clone()));
        until(&handle, |status| in_step(status, phone_id)).await;
        until(&other, |status| in_step(status, laptop_id)).await;
        end.cancel();
        away.await.unwrap().unwrap();
        drop(other);
        until(&handle, |status| !status.peers[&phone_id].connected).await;
        phone = Device::open_keeping("phone", directory, secret, MemoryKeyStore::new().marks()).await;
    }
    shutdown.cancel();
    running.await.unwrap().unwrap();
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            Event::PeerOnline { peer } => seen.push(("online", peer)),
            Event::PeerOffline { peer: Some(peer), .. } => seen.push(("offline", peer)),
            _ => {}
        }
    }
    // While it is away the reason may change once, from how it went to how it can't be reached.
    seen.dedup();
    let turns = [("online", phone_id), ("offline", phone_id)];
    assert_eq!(seen, [turns; 3].concat());
}

/// A dial to an address at which the peer is no more waits for seconds. A peer that has come by itself meanwhile is not to lose the connection that it made when that dial
/// finds it after all: iroh tries it at the address where it has just shown itself.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_come_by_itself_keeps_its_connection() {
    let (laptop, phone) = (Device::new("one").await, Device::new("another").await);
    // Of two connections that of the lower id stays.
    let (laptop, phone) =
        if laptop.handle.device() < phone.handle.device() { (laptop, phone) } else { (phone, laptop) };
    pair(&laptop, &phone).await;
    let (laptop_id, phone_id) = (laptop.handle.device(), phone.handle.device());
    let was_at = phone.handle.addresses();
    let (directory, secret) = phone.close().await;
    // Somebody else is there now, who says nothing.
    let _silent: Vec<_> = was_at.iter().map(|address| std::net::UdpSocket::bind(address).unwrap()).collect();
    let (handle, shutdown) = (laptop.handle.clone(), CancellationToken::new());
    let running = tokio::spawn(laptop.worker.run(shutdown.clone()));
    until(&handle, |status| status.peers.get(&phone_id).is_some_and(|peer| peer.dials > 0)).await;
    let phone: Device = Device::open_keeping("phone", directory, secret, MemoryKeyStore::new().marks()).await;
    let other = phone.handle.clone();
    let away = tokio::spawn(phone.worker.run(shutdown.clone()));
    until(&handle, |status| in_step(status, phone_id)).await;
    until(&other, |status| in_step(status, laptop_id)).await;
    // As long as QUIC waits before it tries again, several times.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let now = handle.status().borrow().peers[&phone_id].clone();
    assert_eq!((now.connected, now.contacts, now.dials), (true, 1, 1));
    shutdown.cancel();
    for worker in [running, away] {
        worker.await.unwrap().unwrap();
    }
}

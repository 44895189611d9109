//! Those who come unasked, in crowds, and those who come at the same moment.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;
use verso_graph::Intent;
use verso_identity::DeviceId;
use verso_transport::{Closed, DialError, Network};
use verso_wire::{CloseCode, Reason};
use verso_worker::{Link, Ways};

use crate::fixture::Device;
use crate::patience::PATIENCE;
use crate::people::{Person, Up};

/// How many strangers there are at a time, each with an endpoint and a key, and how often each comes.
const STRANGERS: u8 = 12;
const TIMES: u32 = 40;

/// By how many KiB the process may grow during the last three quarters of the flood, strangers included. It grows by 2 MiB; 360 connections that were kept, each
/// with the 64 KiB of data that a stranger may send, would take 23 MiB and more.
const GROWTH_KIB: u64 = 16 * 1024;

async fn pair() -> [Arc<Person>; 2] {
    let listen: Option<SocketAddr> = Some("127.0.0.1:0".parse().unwrap());
    let [anna, ben] = [(); 2].map(|()| Person::new(Network::Loopback, listen));
    let (shown, invitation) = oneshot::channel();
    tokio::join!(anna.clone().show(Ways::Link, shown), ben.clone().join(invitation));
    [anna, ben]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_dial_each_other_at_once_end_with_one_connection() {
    let [anna, ben] = Box::pin(pair()).await;
    for round in 0..4 {
        let (on_annas, on_bens) = tokio::join!(anna.clone().up(), ben.clone().up());
        // Each knows where the other is now, and dials at the same moment as the other.
        let (annas_addresses, bens_addresses) = (on_annas.handle.addresses(), on_bens.handle.addresses());
        tokio::join!(
            on_annas.handle.add_addresses(ben.id(), bens_addresses),
            on_bens.handle.add_addresses(anna.id(), annas_addresses)
        );
        if round == 0 {
            on_annas.found().await;
        }
        // Both ends look at the same connection: what the one has sent there the other has received.
        let is_same = async {
            loop {
                let (a, b) = (link(&on_annas, ben.id()), link(&on_bens, anna.id()));
                if let (Some(a), Some(b)) = (a, b)
                    && (a.bytes_sent, a.bytes_received) == (b.bytes_received, b.bytes_sent)
                    && in_step(&on_annas, ben.id())
                    && in_step(&on_bens, anna.id())
                {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, is_same).await.unwrap();
        tokio::join!(on_annas.down(), on_bens.down());
    }
}

fn link(up: &Up, peer: DeviceId) -> Option<Link> {
    up.handle.status().borrow().peers.get(&peer)?.link.clone()
}

fn in_step(up: &Up, peer: DeviceId) -> bool {
    up.handle.status().borrow().peers.get(&peer).is_some_and(|peer| peer.in_step)
}

/// Bounded in count, and by each dial's own time.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_leaves_peers_in_step_and_memory_flat() {
    let [anna, ben] = Box::pin(pair()).await;
    let on_annas = anna.clone().up().await;
    let garden = on_annas.found().await;
    let on_bens = ben.clone().up().await;
    on_bens.handle.add_addresses(anna.id(), on_annas.handle.addresses()).await;
    on_bens.wait_in_step(anna.id(), garden).await;

    let (came, addresses, annas_id) = (Arc::new(AtomicU32::new(0)), on_annas.handle.addresses(), anna.id());
    assert!(addresses.iter().all(|address| address.ip() == IpAddr::from([127, 0, 0, 1])));
    let mut flood = JoinSet::new();
    for name in 1..=STRANGERS {
        let (came, addresses) = (Arc::clone(&came), addresses.clone());
        flood.spawn(async move {
            let stranger = Device::up(name, &[]).await;
            for _ in 0..TIMES {
                let refusal = match stranger.transport.dial_pairing(&annas_id, &addresses).await {
                    Ok(connection) => match connection.closed().await {
                        Closed::ByPeer(code) => code,
                        Closed::Lost => Reason::Busy.into(),
                        other => panic!("{other:?}"),
                    },
                    Err(DialError::Refused(code)) => code,
                    // Its time is over before it was served.
                    Err(DialError::Unreachable | DialError::Lost) => Reason::Busy.into(),
                    Err(other) => panic!("{other:?}"),
                };
                let told: [CloseCode; 2] = [Reason::NotTrusted.into(), Reason::Busy.into()];
                assert!(told.contains(&refusal), "{refusal:?}");
                came.fetch_add(1, Ordering::Relaxed);
            }
            stranger.transport.close().await;
        });
    }
    let all = u32::from(STRANGERS) * TIMES;
    let until = |part: u32| {
        let came = Arc::clone(&came);
        async move {
            while came.load(Ordering::Relaxed) < all * part / 4 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    };
    until(1).await;
    // By now one of two connections has given way to the other, if both have dialled.
    let contacts = on_annas.handle.status().borrow().peers[&ben.id()].contacts;
    let before = resident_kib();
    // Meanwhile the work goes on.
    for number in 0..20 {
        let node = Intent::AddNode { url: format!("https://example.org/{number}"), title: String::new() };
        on_bens.handle.commit(garden, vec![node]).await.unwrap();
    }
    let nodes = || async {
        let count = move |replica: &verso_worker::HostReplica<verso_graph::Graph>| {
            replica.application(&garden).map_or(0, |graph| graph.nodes().count())
        };
        on_annas.handle.read(count).await
    };
    while nodes().await != Some(21) {
        tokio::task::yield_now().await;
    }
    until(4).await;
    let after = resident_kib();
    let now = on_annas.handle.status().borrow().peers[&ben.id()].clone();
    assert_eq!((now.connected, now.contacts), (true, contacts), "the peer's connection was not touched");
    assert!(after < before + GROWTH_KIB, "{before} KiB have become {after} KiB by {all} strangers");
    while let Some(ended) = flood.join_next().await {
        ended.unwrap();
    }
    tokio::join!(on_annas.down(), on_bens.down());
}

/// What this process has in memory.
#[cfg(target_os = "linux")]
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

//! A quiet connection stays; one whose peer has gone silent is noticed in time. iroh reads the clock itself, so these take as long as they say
//! and run only when they are asked for.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::{sleep, timeout};
use verso_transport::Closed;
use verso_wire::Reason;
use verso_wire::limits::{IDLE_TIMEOUT, KEEP_ALIVE};

use crate::fixture::{ANNA, BEN, Device, LOOPBACK, close_all, connected};

#[tokio::test]
#[ignore = "45 s"]
async fn a_connection_on_which_nothing_is_said_stays() {
    let (anna, ben, (dialled, mut control), (accepted, mut other)) = connected().await;
    sleep(IDLE_TIMEOUT * 3 / 2).await;
    assert_eq!((dialled.close_reason(), accepted.close_reason()), (None, None));
    control.send(Bytes::from_static(b"still here")).await.unwrap();
    assert_eq!(other.receive().await.unwrap().as_deref(), Some(&b"still here"[..]));
    close_all([&anna, &ben]).await;
}

/// Ben, on a thread of his own, where he falls silent: he says nothing more, and his port stays open.
fn ben_who_falls_silent(addresses: &mpsc::Sender<Vec<SocketAddr>>, over: &mpsc::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ben = Device::with_config(BEN, &[ANNA], LOOPBACK).await;
        addresses.send(ben.addresses()).unwrap();
        let (_connection, mut control) = ben.accept_sync().await;
        assert_eq!(control.receive().await.unwrap().as_deref(), Some(&b"hello"[..]));
        // Nothing of this runtime goes on while this waits.
        over.recv().unwrap();
    });
}

#[tokio::test]
#[ignore = "30 to 40 s"]
async fn a_peer_that_falls_silent_is_noticed_in_time() {
    let (tell_addresses, addresses) = mpsc::channel();
    let (end, over) = mpsc::channel();
    let ben = std::thread::spawn(move || ben_who_falls_silent(&tell_addresses, &over));
    let anna = Device::up(ANNA, &[BEN]).await;
    let (connection, mut control) = anna.dial_at(BEN, &addresses.recv().unwrap()).await.unwrap();
    control.send(Bytes::from_static(b"hello")).await.unwrap();
    let since = Instant::now();
    let closed = timeout(IDLE_TIMEOUT * 4, connection.closed()).await.expect("it is noticed");
    assert_eq!((closed, closed.reason()), (Closed::Lost, Some(Reason::Unreachable)));
    // The clock of a side starts again once with what it says since it last heard anything: with the keep-alive.
    let (least, most) = (IDLE_TIMEOUT * 9 / 10, IDLE_TIMEOUT + KEEP_ALIVE + Duration::from_secs(5));
    assert!((least..=most).contains(&since.elapsed()), "after {:?}", since.elapsed());
    end.send(()).unwrap();
    ben.join().unwrap();
    close_all([&anna]).await;
}

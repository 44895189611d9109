//! Addresses that are stale, foreign or useless.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use bytes::Bytes;
use verso_transport::DialError;
use verso_wire::Reason;

use crate::fixture::{ANNA, BEN, CARL, Device, close_all, id};

/// A socket that takes everything and answers nothing, as a firewall does.
fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// An address at which nobody listens.
fn closed() -> SocketAddr {
    silent().1
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_addresses_do_not_delay_the_living_one() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    let (_silent, silent) = silent();
    let addresses = [&[closed(), silent], anna.addresses().as_slice()].concat();
    let started = Instant::now();
    let (dialled, _accepted) = tokio::join!(ben.dial_at(ANNA, &addresses), anna.accept_sync());
    dialled.unwrap();
    // Far less than any retry or time-out of QUIC takes, far more than a handshake on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    close_all([&anna, &ben]).await;
}

/// The worst of stale addresses is one at which another device answers now. Field case: two devices of a household had
/// changed their addresses, and neither could be reached any more.
#[tokio::test(flavor = "multi_thread")]
async fn another_device_at_a_stale_address_does_not_keep_the_right_one_away() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    let carl = Device::up(CARL, &[ANNA, BEN]).await;
    let addresses = [carl.addresses(), anna.addresses()].concat();
    for _ in 0..2 {
        let (dialled, accepted) = tokio::join!(ben.dial_at(ANNA, &addresses), anna.accept_sync());
        let ((dialled, mut control), (accepted, mut other)) = (dialled.unwrap(), accepted);
        assert_eq!((dialled.peer(), accepted.peer()), (id(ANNA), id(BEN)));
        control.send(Bytes::from_static(b"found")).await.unwrap();
        assert_eq!(other.receive().await.unwrap(), Some(Bytes::from_static(b"found")));
    }
    // The address is remembered no longer than it does harm: alone it is as good as ever.
    let (dialled, _accepted) = tokio::join!(ben.dial(&anna), anna.accept_sync());
    dialled.unwrap();
    close_all([&anna, &ben, &carl]).await;
}

/// Field case: of strangers whose first attempt had failed some were told that they had closed the connection themselves, since the endpoint of the second
/// was closed as soon as its connection was.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_second_attempt_is_not_lost() {
    let (anna, carl) = (Device::up(ANNA, &[]).await, Device::up(CARL, &[]).await);
    // Carl answers in Anna's place at first, so that only an attempt at her address alone can lead to her.
    let addresses = [carl.addresses(), anna.addresses()].concat();
    let mut strangers = tokio::task::JoinSet::new();
    for name in 1..=6 {
        let addresses = addresses.clone();
        strangers.spawn(async move {
            let stranger = Device::up(name, &[ANNA]).await;
            let error = stranger.dial_at(ANNA, &addresses).await.unwrap_err();
            stranger.transport.close().await;
            error
        });
    }
    while let Some(error) = strangers.join_next().await {
        assert_eq!(error.unwrap(), DialError::Refused(Reason::NotTrusted.into()));
    }
    close_all([&anna, &carl]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_device_alone_is_reported_as_such_and_soon() {
    let (ben, carl) = (Device::up(BEN, &[ANNA]).await, Device::up(CARL, &[ANNA, BEN]).await);
    let error = ben.dial_at(ANNA, &carl.addresses()).await.unwrap_err();
    assert_eq!(error, DialError::WrongDevice);
    assert_eq!(error.reason(), Reason::Unreachable);
    close_all([&ben, &carl]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn useless_addresses_are_not_tried() {
    let ben = Device::up(BEN, &[ANNA, BEN]).await;
    let beyond: Vec<SocketAddr> = ["192.0.2.1:7", "0.0.0.0:7", "127.0.0.1:0"].map(|text| text.parse().unwrap()).into();
    for addresses in [&[], beyond.as_slice(), &ben.addresses()] {
        assert_eq!(ben.dial_at(ANNA, addresses).await.unwrap_err(), DialError::NoAddress);
    }
    assert_eq!(ben.dial_at(BEN, &[closed()]).await.unwrap_err(), DialError::Oneself);
    close_all([&ben]).await;
}

/// An IPv4 address in IPv6 clothes is the same address.
#[tokio::test(flavor = "multi_thread")]
async fn mapped_addresses_are_understood() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    let mapped = [SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), anna.transport.port())];
    let (dialled, _accepted) = tokio::join!(ben.dial_at(ANNA, &mapped), anna.accept_sync());
    dialled.unwrap();
    close_all([&anna, &ben]).await;
}

/// A dial that is given up leaves nothing behind that would keep the transport from closing.
#[tokio::test(flavor = "multi_thread")]
async fn a_dial_can_be_given_up_at_any_time() {
    let ben = Device::up(BEN, &[ANNA]).await;
    let (_silent, silent) = silent();
    let addresses = [silent];
    for patience in [0, 1, 20, 600] {
        let dialling = ben.dial_at(ANNA, &addresses);
        tokio::time::timeout(Duration::from_millis(patience), dialling).await.unwrap_err();
    }
    let started = Instant::now();
    ben.transport.close().await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_that_is_needed_no_more_is_given_up() {
    let ben = Device::up(BEN, &[ANNA]).await;
    let (_silent, silent) = silent();
    let needless = tokio::time::sleep(Duration::from_millis(20));
    let given_up = ben.transport.dial_unless(&id(ANNA), &[silent], needless).await.unwrap_err();
    assert_eq!(given_up, DialError::GivenUp);
    close_all([&ben]).await;
}

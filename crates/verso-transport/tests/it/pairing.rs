//! Connections of devices that are being paired.

use bytes::Bytes;
use verso_transport::{Closed, DialError, MAX_PAIRING_MESSAGE, PairError};
use verso_wire::limits::HANDSHAKE_TIMEOUT;
use verso_wire::{CloseCode, Reason};

use crate::fixture::{ANNA, BEN, CARL, Device, close_all, id, key};

#[tokio::test(flavor = "multi_thread")]
async fn strangers_may_talk_while_an_offer_is_open() {
    let (anna, ben) = (Device::up(ANNA, &[]).await, Device::up(BEN, &[]).await);
    anna.gate.open_pairing();
    let joining = async {
        let mut pairing = ben.transport.dial_pairing(&anna.id(), &anna.addresses()).await.unwrap();
        pairing.send(Bytes::from_static(b"first")).await.unwrap();
        assert_eq!(pairing.receive().await.unwrap(), b"second"[..]);
        pairing.send(vec![7; MAX_PAIRING_MESSAGE].into()).await.unwrap();
        assert_eq!(pairing.closed().await, Closed::ByPeer(CloseCode::DONE));
        (pairing.own(), pairing.peer(), pairing.dialer_and_acceptor(), *pairing.exporter())
    };
    let showing = async {
        let mut pairing = anna.accept_pairing().await;
        assert_eq!(pairing.receive().await.unwrap(), b"first"[..]);
        pairing.proven();
        pairing.send(Bytes::from_static(b"second")).await.unwrap();
        assert_eq!(pairing.receive().await.unwrap().len(), MAX_PAIRING_MESSAGE);
        pairing.close(CloseCode::DONE);
        (pairing.peer(), pairing.own(), pairing.dialer_and_acceptor(), *pairing.exporter())
    };
    let (joiner, shower) = tokio::join!(joining, showing);
    assert_eq!(joiner, shower);
    assert_eq!(joiner.2, (id(BEN), id(ANNA)));
    close_all([&anna, &ben]).await;
}

/// Even a paired device gets no pairing connection, and a stranger learns no more than it would anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_open_offer_nobody_may() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[]).await);
    assert_eq!(refusal(&ben, &anna).await, Reason::NotTrusted.into());
    close_all([&anna, &ben]).await;
}

/// Dials for pairing and returns the code of the refusal, which comes while the stream is being opened or after it.
async fn refusal(visitor: &Device, device: &Device) -> CloseCode {
    match visitor.transport.dial_pairing(&device.id(), &device.addresses()).await {
        Err(DialError::Refused(code)) => code,
        Ok(pairing) => match pairing.closed().await {
            Closed::ByPeer(code) => code,
            other => panic!("{other:?}"),
        },
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_four_are_unproven_at_a_time() {
    let anna = Device::up(ANNA, &[]).await;
    anna.gate.open_pairing();
    let mut visitors = Vec::new();
    for name in 1..=5 {
        visitors.push(Device::up(name, &[]).await);
    }
    let visit = async |visitor: &Device| {
        let mut pairing = visitor.transport.dial_pairing(&anna.id(), &anna.addresses()).await.unwrap();
        pairing.send(Bytes::from_static(b"hello")).await.unwrap();
        pairing
    };
    let mut open = Vec::new();
    for visitor in visitors.iter().take(4) {
        open.push(tokio::join!(visit(visitor), anna.accept_pairing()));
    }
    assert_eq!(refusal(&visitors[4], &anna).await, Reason::Busy.into());

    // One has proven itself, so there is room for another, while the proven one stays.
    open[0].1.proven();
    open.push(tokio::join!(visit(&visitors[4]), anna.accept_pairing()));
    let (joiner, shower) = &mut open[0];
    shower.send(Bytes::from_static(b"still here")).await.unwrap();
    assert_eq!(joiner.receive().await.unwrap(), b"still here"[..]);
    drop(open);
    close_all(&visitors).await;
    close_all([&anna]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_long_is_refused_on_both_sides() {
    let (anna, ben) = (Device::up(ANNA, &[]).await, Device::up(BEN, &[]).await);
    anna.gate.open_pairing();
    let mut pairing = ben.transport.dial_pairing(&anna.id(), &anna.addresses()).await.unwrap();
    let len = MAX_PAIRING_MESSAGE + 1;
    assert_eq!(pairing.send(vec![0; len].into()).await, Err(PairError::TooLong { len }));
    close_all([&anna, &ben]).await;
}

/// Time is virtual here: nobody waits 10 s.
#[tokio::test]
async fn who_proves_nothing_in_time_is_put_out() {
    let (anna, ben) = (Device::up(ANNA, &[]).await, Device::up(BEN, &[]).await);
    anna.gate.open_pairing();
    let addresses = anna.addresses();
    let anna_id = anna.id();
    let dialling = async {
        let mut pairing = ben.transport.dial_pairing(&anna_id, &addresses).await.unwrap();
        pairing.proven();
        pairing.send(Bytes::from_static(b"hello")).await.unwrap();
        pairing
    };
    let (dialled, accepted) = tokio::join!(dialling, anna.accept_pairing());
    tokio::time::pause();
    tokio::time::advance(HANDSHAKE_TIMEOUT).await;
    tokio::time::resume();
    assert_eq!(accepted.closed().await, Closed::ByUs);
    assert_eq!(dialled.closed().await, Closed::ByPeer(Reason::HandshakeFailed.into()));
    close_all([&anna, &ben]).await;
}

/// A one-time endpoint is another id at another port, lets everybody try to pair, and nobody do anything else.
#[tokio::test(flavor = "multi_thread")]
async fn a_door_is_for_pairing_alone() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    let door = anna.transport.open_door(&key(CARL)).await.unwrap();
    assert_eq!(door.id(), id(CARL));
    assert_ne!(door.port(), anna.transport.port());
    let addresses = door.addresses();
    assert!(!addresses.is_empty() && addresses.iter().all(|address| address.ip().is_loopback()), "{addresses:?}");

    let knock = async {
        let mut pairing = ben.transport.dial_pairing(&id(CARL), &addresses).await.unwrap();
        pairing.send(Bytes::from_static(b"knock")).await.unwrap();
        pairing
    };
    let (outside, inside) = tokio::join!(knock, door.accept());
    let mut inside = inside.unwrap();
    assert_eq!(inside.receive().await.unwrap(), b"knock"[..]);
    assert_eq!((inside.own(), inside.peer()), (id(CARL), id(BEN)));
    assert_eq!((outside.own(), outside.peer()), (id(BEN), id(CARL)));
    assert_eq!(inside.exporter(), outside.exporter());

    // Not even those who know the device get anything else there, nor does the device answer there under its own id.
    ben.gate.agree(CARL, crate::fixture::Agreed::with(CARL));
    let dialled = tokio::time::timeout(std::time::Duration::from_secs(2), ben.dial_at(CARL, &addresses)).await;
    assert!(!matches!(dialled, Ok(Ok(_))), "it syncs with nobody");
    let elsewhere = ben.transport.dial_pairing(&anna.id(), &addresses).await.unwrap_err();
    assert_eq!(elsewhere, DialError::WrongDevice);

    // When it closes, so does what came by it, and nobody is there any more; the device itself stays.
    door.close().await;
    assert_eq!(outside.closed().await, Closed::ByPeer(CloseCode::DONE));
    assert!(door.accept().await.is_none());
    drop(inside);
    let mut end = ben.dial(&anna).await.unwrap();
    end.1.send(Bytes::from_static(b"still here")).await.unwrap();
    drop(end);
    close_all([&anna, &ben]).await;
}

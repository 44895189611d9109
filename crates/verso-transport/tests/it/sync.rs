//! Paired devices connect, and frames go both ways.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use verso_transport::{Closed, Incoming, KeyAgreement, PathKind, SyncConnection};
use verso_wire::limits::MAX_FRAME;
use verso_wire::{CloseCode, Reason};

use crate::fixture::{ANNA, BEN, Device, close_all, connected, id};

#[tokio::test(flavor = "multi_thread")]
async fn both_learn_who_the_other_is() {
    let (anna, ben, (dialled, _), (accepted, _)) = connected().await;
    assert_eq!((dialled.peer(), accepted.peer()), (id(BEN), id(ANNA)));
    assert_eq!((dialled.dialed_by_us(), accepted.dialed_by_us()), (true, false));
    assert_eq!((dialled.dialer(), accepted.dialer()), (id(ANNA), id(ANNA)));
    assert_eq!((dialled.generation(), accepted.generation()), (1, 1));
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_agreed_post_quantum() {
    let (anna, ben, (dialled, _), (accepted, _)) = connected().await;
    assert_eq!(dialled.key_agreement(), KeyAgreement::PostQuantum);
    assert_eq!(accepted.key_agreement(), KeyAgreement::PostQuantum);
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_path_is_direct_and_has_a_round_trip() {
    let (anna, ben, (dialled, _), _accepted) = connected().await;
    let path = dialled.path().unwrap();
    let PathKind::Direct { address } = path.kind else { panic!("{path:?}") };
    assert_eq!(address.ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
    assert_eq!(vec![address], ben.addresses());
    assert!(path.round_trip < Duration::from_secs(1), "{path:?}");
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_arrive_whole_and_in_order_on_the_control_stream() {
    let (anna, ben, (_a, mut dialled), (_b, mut accepted)) = connected().await;
    let frames: Vec<Bytes> = [0, 1, 1_024, 1_025, 70_000, MAX_FRAME]
        .into_iter()
        .enumerate()
        .map(|(number, len)| Bytes::from(vec![u8::try_from(number).unwrap(); len]))
        .collect();
    let sending = async {
        for frame in &frames {
            dialled.send(frame.clone()).await.unwrap();
        }
        for frame in &frames {
            assert_eq!(dialled.receive().await.unwrap().as_ref(), Some(frame));
        }
    };
    let echoing = async {
        for frame in &frames {
            let received = accepted.receive().await.unwrap().unwrap();
            assert_eq!(&received, frame);
            accepted.send(received).await.unwrap();
        }
    };
    tokio::join!(sending, echoing);
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_opened_by_either_side_and_end_cleanly() {
    let (anna, ben, (dialled, _c), (accepted, _d)) = connected().await;
    for (opener, other) in [(&dialled, &accepted), (&accepted, &dialled)] {
        let opening = async {
            let mut stream = opener.open_stream().await.unwrap();
            stream.send(Bytes::from_static(b"hello")).await.unwrap();
            let (sender, mut receiver) = stream.split();
            sender.finish().await.unwrap();
            assert_eq!(receiver.receive().await.unwrap(), Some(Bytes::from_static(b"goodbye")));
            assert_eq!(receiver.receive().await.unwrap(), None);
        };
        let accepting = async {
            let mut stream = other.accept_stream().await.unwrap();
            assert_eq!(stream.receive().await.unwrap(), Some(Bytes::from_static(b"hello")));
            assert_eq!(stream.receive().await.unwrap(), None);
            stream.send(Bytes::from_static(b"goodbye")).await.unwrap();
            stream.sender.finish().await.unwrap();
        };
        tokio::join!(opening, accepting);
    }
    close_all([&anna, &ben]).await;
}

/// The counters hold what `status` and the figures speak of: headers and the proof are in them.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_counted_with_headers_and_proof() {
    let (anna, ben, (dialled, mut control), (accepted, mut other)) = connected().await;
    let (proof, answer) = (4 + 1 + 8 + 48, 4 + 1 + 48);
    assert_eq!((dialled.bytes_sent(), dialled.bytes_received()), (proof, answer));
    assert_eq!((accepted.bytes_sent(), accepted.bytes_received()), (answer, proof));

    control.send(Bytes::from(vec![7; 10_000])).await.unwrap();
    other.receive().await.unwrap();
    assert_eq!(dialled.bytes_sent(), proof + 4 + 10_000);
    assert_eq!(accepted.bytes_received(), proof + 4 + 10_000);
    close_all([&anna, &ben]).await;
}

/// Far more than fits any window goes through, on several streams at once, while the control stream keeps working.
#[tokio::test(flavor = "multi_thread")]
async fn much_data_flows() {
    const FRAMES: u8 = 24;
    const LEN: usize = 256 * 1024;
    let (anna, ben, (dialled, mut control), (accepted, mut other)) = connected().await;
    let frame = Bytes::from(vec![0xDA; LEN]);
    let send = async |number: u8| {
        let mut stream = dialled.open_stream().await.unwrap();
        for _ in 0..FRAMES {
            stream.send(frame.clone()).await.unwrap();
        }
        stream.send(Bytes::from(vec![number])).await.unwrap();
        stream.sender.finish().await.unwrap();
    };
    let receive = async || {
        let mut stream = accepted.accept_stream().await.unwrap();
        for _ in 0..FRAMES {
            assert_eq!(stream.receive().await.unwrap().unwrap(), frame);
        }
        stream.receive().await.unwrap().unwrap()[0]
    };
    let ask = async {
        for number in 0..50_u8 {
            control.send(Bytes::from(vec![number])).await.unwrap();
            assert_eq!(control.receive().await.unwrap().unwrap(), vec![number]);
        }
    };
    let answer = async {
        for _ in 0..50 {
            let frame = other.receive().await.unwrap().unwrap();
            other.send(frame).await.unwrap();
        }
    };
    let ((), (), (), mut first, second, ()) =
        tokio::join!(send(1), send(2), ask, async { vec![receive().await] }, receive(), answer);
    first.push(second);
    first.sort_unstable();
    assert_eq!(first, [1, 2]);
    let all = 2 * (u64::from(FRAMES) * (4 + u64::try_from(LEN).unwrap()) + 5);
    assert!(accepted.bytes_received() > all);
    close_all([&anna, &ben]).await;
}

/// The windows are open on both sides, for streams as for data.
#[tokio::test(flavor = "multi_thread")]
async fn both_sides_may_have_many_streams_at_a_time() {
    const STREAMS: usize = 40;
    let (anna, ben, (dialled, _c), (accepted, _d)) = connected().await;
    let frame = Bytes::from(vec![3; 200_000]);
    let open = async |connection: &SyncConnection| {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let mut stream = connection.open_stream().await.unwrap();
            stream.send(frame.clone()).await.unwrap();
            streams.push(stream);
        }
        streams
    };
    let accept = async |connection: &SyncConnection| {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            streams.push(connection.accept_stream().await.unwrap());
        }
        for stream in &mut streams {
            assert_eq!(stream.receive().await.unwrap().as_ref(), Some(&frame));
        }
        streams
    };
    let all = async { tokio::join!(open(&dialled), open(&accepted), accept(&dialled), accept(&accepted)) };
    let (first, second, third, fourth) = tokio::time::timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!([first, second, third, fourth].map(|streams| streams.len()), [STREAMS; 4]);
    close_all([&anna, &ben]).await;
}

/// A receiver that doesn't read holds its sender back, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_holds_the_sender_back() {
    const MANY: u32 = 64;
    let (anna, ben, (dialled, _c), (accepted, _d)) = connected().await;
    let mut stream = dialled.open_stream().await.unwrap();
    let frame = Bytes::from(vec![1; MAX_FRAME]);
    stream.send(frame.clone()).await.unwrap();
    let mut receiving = accepted.accept_stream().await.unwrap();
    let mut sent = 1_u32;
    let sending = async {
        while sent < MANY {
            stream.send(frame.clone()).await.unwrap();
            sent += 1;
        }
    };
    // Held back is who gets rid of nothing more. All that may wait is far less than what is to be sent.
    let stalled = async {
        let mut before = 0;
        while before == 0 || before != dialled.bytes_sent() {
            before = dialled.bytes_sent();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::select! {
        () = sending => panic!("{MANY} MiB were taken without anyone reading"),
        () = stalled => (),
    }

    let sending = async {
        stream.send(Bytes::from_static(b"last")).await.unwrap();
        stream
    };
    let receiving = async {
        let mut received = 0;
        loop {
            let next = receiving.receive().await.unwrap().unwrap();
            if next == b"last"[..] {
                return received;
            }
            assert_eq!(next, frame);
            received += 1;
        }
    };
    let (_stream, received) = tokio::join!(sending, receiving);
    assert_eq!(received, sent + 1, "the frame whose sending was broken off is whole, too");
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_peer_learns_why_a_connection_was_closed() {
    let (anna, ben, (dialled, _c), (accepted, mut control)) = connected().await;
    assert_eq!(dialled.close_reason(), None);
    dialled.close(Reason::Revoked.into());
    assert_eq!(dialled.closed().await, Closed::ByUs);
    assert_eq!(accepted.closed().await, Closed::ByPeer(Reason::Revoked.into()));
    assert_eq!(accepted.close_reason().unwrap().reason(), Some(Reason::Revoked));
    let error = control.receive().await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::Revoked));
    assert!(accepted.open_stream().await.is_err());
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_connection_closes_without_a_complaint() {
    let (anna, ben, dialled, (accepted, _control)) = connected().await;
    drop(dialled);
    assert_eq!(accepted.closed().await, Closed::ByPeer(CloseCode::DONE));
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_the_transport_ends_everything_soon() {
    let (anna, ben, (_dialled, mut control), (accepted, _d)) = connected().await;
    let started = std::time::Instant::now();
    let waiting = async { (control.receive().await.is_err(), anna.transport.accept().await.is_none()) };
    let (ended, ()) = tokio::join!(waiting, anna.transport.close());
    assert_eq!(ended, (true, true));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(accepted.closed().await, Closed::ByPeer(CloseCode::DONE));
    assert!(matches!(anna.dial(&ben).await, Err(verso_transport::DialError::Closed)));
    close_all([&anna, &ben]).await;
}

/// Each side dials the other at the same time: both connections come to be, and both sides agree which one stays.
#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_dials_give_two_connections_of_which_both_sides_choose_the_same() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    let (from_anna, from_ben, at_anna, at_ben) =
        tokio::join!(anna.dial(&ben), ben.dial(&anna), anna.accept_sync(), ben.accept_sync());
    let (from_anna, from_ben) = (from_anna.unwrap(), from_ben.unwrap());
    let anna_keeps = [&from_anna.0, &at_anna.0].into_iter().min_by_key(|connection| connection.dialer()).unwrap();
    let ben_keeps = [&from_ben.0, &at_ben.0].into_iter().min_by_key(|connection| connection.dialer()).unwrap();
    assert_eq!(anna_keeps.dialer(), ben_keeps.dialer());
    let mut stream = anna_keeps.open_stream().await.unwrap();
    stream.send(Bytes::from_static(b"kept")).await.unwrap();
    let mut stream = ben_keeps.accept_stream().await.unwrap();
    assert_eq!(stream.receive().await.unwrap(), Some(Bytes::from_static(b"kept")));
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_can_come_back_again_and_again() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    for _ in 0..12 {
        let (dialled, accepted) = tokio::join!(anna.dial(&ben), ben.transport.accept());
        let (connection, mut control) = dialled.unwrap();
        // TLS resumes its session from the second time on, with fresh keys all the same.
        assert_eq!(connection.key_agreement(), KeyAgreement::PostQuantum);
        let Some(Incoming::Sync(accepted, _control)) = accepted else { panic!("{accepted:?}") };
        connection.close(CloseCode::DONE);
        assert_eq!(accepted.closed().await, Closed::ByPeer(CloseCode::DONE));
        assert!(control.receive().await.is_err());
    }
    close_all([&anna, &ben]).await;
}

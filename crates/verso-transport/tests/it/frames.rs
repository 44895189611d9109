//! Frames of which one side breaks off, gives up, or sends too much.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use verso_transport::StreamError;
use verso_wire::FrameError;
use verso_wire::limits::MAX_FRAME;

use crate::fixture::{close_all, connected};

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_large_is_not_sent_and_hurts_nothing() {
    let (anna, ben, (_a, mut dialled), (_b, mut accepted)) = connected().await;
    let len = MAX_FRAME + 1;
    assert_eq!(dialled.send(vec![0; len].into()).await, Err(StreamError::Frame(FrameError::TooLarge { len })));
    dialled.send(Bytes::from_static(b"small")).await.unwrap();
    assert_eq!(accepted.receive().await.unwrap(), Some(Bytes::from_static(b"small")));
    close_all([&anna, &ben]).await;
}

/// QUIC gives a connection up when too many packets of a stream wait in it unread. Field case: a device whose disk stalled
/// for a second lost its connection to one that committed single intents meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn many_small_frames_may_wait_unread() {
    const FRAMES: u32 = 20_000;
    let (anna, ben, (_a, mut dialled), (accepted, mut other)) = connected().await;
    let frame = |number: u32| Bytes::from([number.to_le_bytes().as_slice(), &[0xDA; 181]].concat());
    for number in 0..FRAMES {
        dialled.send(frame(number)).await.unwrap();
        // Lets each be sent in a packet of its own.
        tokio::task::yield_now().await;
    }
    assert_eq!(accepted.close_reason(), None);
    for number in 0..FRAMES {
        assert_eq!(other.receive().await.unwrap(), Some(frame(number)));
    }
    assert!(other.receiver.try_receive().is_none());
    close_all([&anna, &ben]).await;
}

/// Both halves may stand in a `select!`: futures that are dropped after a first poll lose nothing.
#[tokio::test(flavor = "multi_thread")]
async fn dropped_futures_lose_nothing() {
    let (anna, ben, (_a, mut dialled), (_b, mut accepted)) = connected().await;
    let frames: Vec<Bytes> = (0..40_u8).map(|number| Bytes::from(vec![number; 300_000])).collect();
    let sending = async {
        for frame in &frames {
            // Dropped at once; whatever QUIC did not take is left to the next.
            if let Poll::Ready(sent) = poll_once(dialled.send(frame.clone())) {
                sent.unwrap();
            }
        }
        dialled.send(Bytes::new()).await.unwrap();
    };
    let receiving = async {
        let mut received = Vec::new();
        loop {
            let next = match poll_once(accepted.receive()) {
                Poll::Ready(next) => next,
                Poll::Pending => accepted.receive().await,
            };
            match next.unwrap().unwrap() {
                end if end.is_empty() => return received,
                frame => received.push(frame),
            }
        }
    };
    let ((), received) = tokio::join!(sending, receiving);
    assert!(received == frames, "{} of {} frames", received.len(), frames.len());
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_given_up_ends_for_the_other_side_and_the_connection_goes_on() {
    let (anna, ben, (dialled, mut control), (accepted, mut other)) = connected().await;
    let mut stream = dialled.open_stream().await.unwrap();
    stream.send(Bytes::from_static(b"first")).await.unwrap();
    let mut other_end = accepted.accept_stream().await.unwrap();
    assert!(other_end.receive().await.unwrap().is_some());

    let (sender, receiver) = stream.split();
    sender.abandon();
    assert_eq!(other_end.receive().await, Err(StreamError::GivenUp));
    drop(receiver);
    let given_up = async {
        loop {
            if let Err(error) = other_end.send(Bytes::from_static(b"too late")).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(given_up.await, StreamError::GivenUp);

    control.send(Bytes::from_static(b"still here")).await.unwrap();
    assert_eq!(other.receive().await.unwrap(), Some(Bytes::from_static(b"still here")));
    close_all([&anna, &ben]).await;
}

fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

//! Who is not let in gets nothing, and learns why as far as it may.

use std::sync::Arc;

use verso_transport::{DialError, TransportConfig};
use verso_wire::Reason;

use crate::fixture::{ANNA, Agreed, BEN, CARL, Device, LOOPBACK, close_all, id, noise_key};

fn refused(reason: Reason) -> DialError {
    DialError::Refused(reason.into())
}

/// Asserts that nobody waits at `device`, by letting somebody in who may.
async fn assert_only_a_friend_comes_in(device: &Device, friend: &Device) {
    let (dialled, accepted) = tokio::join!(friend.dial(device), device.accept_sync());
    dialled.unwrap();
    assert_eq!(accepted.0.peer(), friend.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_not_trusted_and_is_never_heard_of() {
    let (anna, ben) = (Device::up(ANNA, &[CARL]).await, Device::up(BEN, &[ANNA]).await);
    let error = ben.dial(&anna).await.unwrap_err();
    assert_eq!(error, refused(Reason::NotTrusted));
    assert_eq!(error.reason(), Reason::NotTrusted);

    let carl = Device::up(CARL, &[ANNA]).await;
    assert_only_a_friend_comes_in(&anna, &carl).await;
    close_all([&anna, &ben, &carl]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_device_is_told_revoked_and_its_owner_hears_of_it() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    anna.gate.refuse(BEN, Reason::Revoked);
    assert_eq!(ben.dial(&anna).await.unwrap_err(), refused(Reason::Revoked));
    assert_eq!(anna.refused().await, (id(BEN), Reason::Revoked));
    close_all([&anna, &ben]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_admitted_is_not_dialled_either() {
    let (anna, ben) = (Device::up(ANNA, &[BEN, CARL]).await, Device::up(BEN, &[]).await);
    assert_eq!(ben.dial(&anna).await.unwrap_err(), DialError::NotAdmitted(Reason::NotTrusted.into()));
    ben.gate.refuse(ANNA, Reason::Revoked);
    assert_eq!(ben.dial(&anna).await.unwrap_err(), DialError::NotAdmitted(Reason::Revoked.into()));

    let carl = Device::up(CARL, &[ANNA]).await;
    assert_only_a_friend_comes_in(&anna, &carl).await;
    close_all([&anna, &ben, &carl]).await;
}

/// TLS proves the device; that it also holds what was agreed is proven before anything else is said.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_something_else_than_was_agreed_gets_no_connection() {
    let others = [
        ("pre-shared key", Agreed { psk: 0x5F, ..Agreed::with(ANNA) }),
        ("pinned key", Agreed { noise_key: noise_key(CARL), ..Agreed::with(ANNA) }),
        ("generation", Agreed { generation: 2, ..Agreed::with(ANNA) }),
    ];
    for (what, agreed) in others {
        let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[]).await);
        ben.gate.agree(ANNA, agreed);
        assert_eq!(ben.dial(&anna).await.unwrap_err(), refused(Reason::HandshakeFailed), "ben holds another {what}");
        assert_eq!(anna.refused().await, (id(BEN), Reason::HandshakeFailed));

        // The other way round it is the acceptor that holds the wrong thing; it notices just as well.
        assert_eq!(anna.dial(&ben).await.unwrap_err(), refused(Reason::HandshakeFailed), "ben holds another {what}");
        assert_eq!(ben.refused().await, (id(ANNA), Reason::HandshakeFailed));
        close_all([&anna, &ben]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_counted_by_peer_and_a_full_house_is_busy() {
    let config = TransportConfig { max_incoming_sessions: 1, ..LOOPBACK };
    let anna = Device::with_config(ANNA, &[BEN, CARL], config).await;
    let (ben, carl) = (Device::up(BEN, &[ANNA]).await, Device::up(CARL, &[ANNA]).await);

    let (first, first_at_anna) = tokio::join!(ben.dial(&anna), anna.accept_sync());
    assert_eq!(carl.dial(&anna).await.unwrap_err(), refused(Reason::Busy));
    assert_eq!(anna.refused().await, (id(CARL), Reason::Busy));

    // Ben comes back before anyone has noticed that he was gone.
    let (second, second_at_anna) = tokio::join!(ben.dial(&anna), anna.accept_sync());
    drop((first.unwrap(), first_at_anna));
    assert_eq!(carl.dial(&anna).await.unwrap_err(), refused(Reason::Busy));
    assert_eq!(anna.refused().await, (id(CARL), Reason::Busy));

    drop((second.unwrap(), second_at_anna));
    let (third, _third_at_anna) = tokio::join!(carl.dial(&anna), anna.accept_sync());
    third.unwrap();
    close_all([&anna, &ben, &carl]).await;
}

/// Strangers come in crowds; a paired device gets through all the same, and nothing of them is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_strangers_does_not_keep_a_paired_device_out() {
    let anna = Arc::new(Device::up(ANNA, &[BEN]).await);
    let ben = Device::up(BEN, &[ANNA]).await;
    let mut crowd = tokio::task::JoinSet::new();
    for name in 1..=24 {
        let anna = Arc::clone(&anna);
        crowd.spawn(async move {
            let stranger = Device::up(name, &[ANNA]).await;
            let error = stranger.dial(&anna).await.unwrap_err();
            stranger.transport.close().await;
            error
        });
    }
    // As a worker does: who is not served in time on a busy machine dials again.
    let dialling = async {
        loop {
            match ben.dial(&anna).await {
                Ok(dialled) => break dialled,
                Err(error) => assert_eq!(error.reason(), Reason::Unreachable, "{error:?}"),
            }
        }
    };
    let (_dialled, accepted) = tokio::join!(dialling, anna.accept_sync());
    assert_eq!(accepted.0.peer(), id(BEN));
    while let Some(error) = crowd.join_next().await {
        // A busy machine may leave some of them waiting until their time is over. None of them learns anything else.
        let learned = [refused(Reason::NotTrusted), refused(Reason::Busy), DialError::Lost, DialError::Unreachable];
        let error = error.unwrap();
        assert!(learned.contains(&error), "{error:?}");
    }
    close_all([&*anna, &ben]).await;
}

/// A device that slept through renewals of the group secret holds the oldest alone.
#[tokio::test(flavor = "multi_thread")]
async fn the_one_generation_that_both_hold_is_found_among_many() {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    for generation in 2..=15 {
        anna.gate.renew(BEN, Agreed { generation, psk: 0x77, ..Agreed::with(BEN) });
    }
    for (dialer, acceptor) in [(&anna, &ben), (&ben, &anna)] {
        let (dialled, accepted) = tokio::join!(dialer.dial(acceptor), acceptor.accept_sync());
        assert_eq!((dialled.unwrap().0.generation(), accepted.0.generation()), (1, 1));
    }
    close_all([&anna, &ben]).await;
}

/// A renewal of the pairing that broke off leaves one side with two secrets and the other with the older, or each with another newer one: they find the one
/// that both hold, whoever dials. Where both hold both, it is the newer.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_pairing_that_broke_off_blocks_nobody() {
    let renewed = |generation: u64, peer| Agreed { generation, psk: 0x77, ..Agreed::with(peer) };
    for (annas, bens, proven) in [(Some(9), None, 1), (None, Some(9), 1), (Some(9), Some(8), 1), (Some(9), Some(9), 9)]
    {
        let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
        if let Some(generation) = annas {
            anna.gate.renew(BEN, renewed(generation, BEN));
        }
        if let Some(generation) = bens {
            ben.gate.renew(ANNA, renewed(generation, ANNA));
        }
        for (dialer, acceptor) in [(&anna, &ben), (&ben, &anna)] {
            let (dialled, accepted) = tokio::join!(dialer.dial(acceptor), acceptor.accept_sync());
            assert_eq!((dialled.unwrap().0.generation(), accepted.0.generation()), (proven, proven));
        }
        close_all([&anna, &ben]).await;
    }
}

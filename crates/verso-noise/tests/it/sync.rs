//! The handshake between paired devices: it completes for those who agree on everything, and for nobody else.

use proptest::prelude::*;
use verso_noise::{HandshakeError, NoisePublicKey, SyncHandshake, SyncPrologue};

use crate::fixture::{ACCEPTOR, DIALER, SyncBelief, id, noise_key, run_sync};

#[test]
fn both_sides_complete_with_the_same_hash() {
    let (dialer, acceptor) = SyncBelief::pair();
    let (dialled, accepted) = run_sync(&dialer, &acceptor, |_, message| {
        assert_eq!(message.len(), SyncHandshake::MESSAGE_BYTES);
        message
    })
    .unwrap();
    assert_eq!(dialled, accepted);
}

#[test]
fn the_same_randomness_gives_the_same_bytes_and_other_randomness_others() {
    let (dialer, acceptor) = SyncBelief::pair();
    let record = |dialer: &SyncBelief, acceptor: &SyncBelief| {
        let mut messages = Vec::new();
        let (hash, _) = run_sync(dialer, acceptor, |_, message| {
            messages.push(message.clone());
            message
        })
        .unwrap();
        (messages, *hash.as_bytes())
    };
    let first = record(&dialer, &acceptor);
    assert_eq!(first, record(&dialer, &acceptor));
    let other = record(&SyncBelief { randomness: 0x03, ..dialer }, &acceptor);
    assert_ne!(first.0[0], other.0[0]);
    assert_ne!(first.1, other.1);
}

/// A handshake's hash is that of this connection alone.
#[test]
fn another_exporter_gives_another_hash() {
    let (dialer, acceptor) = SyncBelief::pair();
    let other = SyncPrologue { exporter: [0xE1; 32], ..dialer.prologue };
    let (first, _) = run_sync(&dialer, &acceptor, |_, message| message).unwrap();
    let (second, _) = run_sync(
        &SyncBelief { prologue: other, ..dialer },
        &SyncBelief { prologue: other, ..acceptor },
        |_, message| message,
    )
    .unwrap();
    assert_ne!(first, second);
}

#[test]
fn whoever_believes_something_else_gets_nowhere() {
    let (dialer, acceptor) = SyncBelief::pair();
    let prologue = dialer.prologue;
    let stranger = noise_key(0x99).public();
    let others = [
        ("pre-shared key", SyncBelief { psk: 0x5F, ..dialer }),
        ("pinned key", SyncBelief { peer: stranger, ..dialer }),
        ("own key", SyncBelief { own: 0x99, ..dialer }),
        ("generation", SyncBelief { prologue: SyncPrologue { generation: 4, ..prologue }, ..dialer }),
        ("exporter", SyncBelief { prologue: SyncPrologue { exporter: [0xE1; 32], ..prologue }, ..dialer }),
        ("dialer", SyncBelief { prologue: SyncPrologue { dialer: id(0x99), ..prologue }, ..dialer }),
        ("acceptor", SyncBelief { prologue: SyncPrologue { acceptor: id(0x99), ..prologue }, ..dialer }),
        (
            "order of the ids",
            SyncBelief { prologue: SyncPrologue { dialer: id(ACCEPTOR), acceptor: id(DIALER), ..prologue }, ..dialer },
        ),
    ];
    for (what, other) in others {
        let result = run_sync(&other, &acceptor, |_, message| message);
        assert_eq!(result.err(), Some(HandshakeError::NotAuthentic), "another {what}");
    }
    let other = SyncBelief { peer: stranger, ..acceptor };
    let result = run_sync(&dialer, &other, |_, message| message);
    assert_eq!(result.err(), Some(HandshakeError::NotAuthentic), "the acceptor pinned another key");
}

#[test]
fn a_change_at_any_position_of_any_message_is_noticed() {
    let (dialer, acceptor) = SyncBelief::pair();
    for target in 0..2 {
        for position in 0..SyncHandshake::MESSAGE_BYTES {
            for bit in [0x01, 0x80] {
                // The highest bit of an X25519 key has no meaning (RFC 7748), but the transcript covers it.
                let result = run_sync(&dialer, &acceptor, |number, mut message| {
                    if number == target {
                        message[position] ^= bit;
                    }
                    message
                });
                assert!(
                    matches!(result, Err(HandshakeError::NotAuthentic)),
                    "message {target}, byte {position}, bit {bit:#x}: {result:?}"
                );
            }
        }
    }
}

#[test]
fn a_message_of_another_length_is_refused_before_it_is_read() {
    let (dialer, acceptor) = SyncBelief::pair();
    for target in 0..2 {
        for len in (0..48).chain([49, 65_535, 70_000]) {
            let result = run_sync(&dialer, &acceptor, |number, mut message| {
                if number == target {
                    message.resize(len, 0);
                }
                message
            });
            assert_eq!(result.err(), Some(HandshakeError::MessageLength { len, expected: 48 }));
        }
    }
}

#[test]
fn a_failed_handshake_can_not_be_tried_again() {
    let (dialer, acceptor) = SyncBelief::pair();
    let good = dialer.dial().unwrap().write_message().unwrap();
    let mut bad = good.clone();
    bad[40] ^= 1;
    let mut accepting = acceptor.accept().unwrap();
    assert_eq!(accepting.read_message(&bad), Err(HandshakeError::NotAuthentic));
    assert_eq!(accepting.read_message(&good), Err(HandshakeError::OutOfTurn));
    assert_eq!(accepting.finish(), Err(HandshakeError::OutOfTurn));
}

#[test]
fn steps_out_of_turn_are_misuse() {
    let (dialer, acceptor) = SyncBelief::pair();
    let first = dialer.dial().unwrap().write_message().unwrap();
    assert_eq!(acceptor.accept().unwrap().write_message(), Err(HandshakeError::OutOfTurn));
    assert_eq!(dialer.dial().unwrap().read_message(&first), Err(HandshakeError::OutOfTurn));
    assert_eq!(dialer.dial().unwrap().finish(), Err(HandshakeError::OutOfTurn));
    let mut dialling = dialer.dial().unwrap();
    dialling.write_message().unwrap();
    assert_eq!(dialling.finish(), Err(HandshakeError::OutOfTurn));

    let mut accepting = acceptor.accept().unwrap();
    accepting.read_message(&first).unwrap();
    accepting.write_message().unwrap();
    assert_eq!(accepting.read_message(&first), Err(HandshakeError::OutOfTurn));
}

/// A key of small order would make the agreed secret one that everybody knows.
#[test]
fn a_pinned_key_of_small_order_is_refused() {
    let (dialer, _) = SyncBelief::pair();
    let weak = SyncBelief { peer: NoisePublicKey::from_bytes([0; 32]), ..dialer };
    assert_eq!(weak.dial().unwrap().write_message(), Err(HandshakeError::WeakKey));
}

#[test]
fn nothing_secret_is_printed() {
    let (dialer, _) = SyncBelief::pair();
    let key = noise_key(DIALER);
    let printed = format!("{:?} {:?} {:?}", key, crate::fixture::psk(0x5E), crate::fixture::randomness(0x5E));
    let public = key.public().to_string();
    assert_eq!(printed, format!("NoiseKey({public}) PreSharedKey(…) Randomness(…)"));
    assert_eq!(format!("{:?}", dialer.dial().unwrap()), "SyncHandshake { .. }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn bytes_from_a_stranger_end_in_an_error(bytes in prop::collection::vec(any::<u8>(), 0..128)) {
        let (dialer, acceptor) = SyncBelief::pair();
        prop_assert!(acceptor.accept().unwrap().read_message(&bytes).is_err());
        let mut dialling = dialer.dial().unwrap();
        dialling.write_message().unwrap();
        prop_assert!(dialling.read_message(&bytes).is_err());
    }
}

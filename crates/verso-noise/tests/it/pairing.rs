//! The handshake between devices that share a token, and the channel after it.

use proptest::prelude::*;
use verso_noise::{ChannelError, HandshakeError, PairedChannel, PairingPrologue, PairingWay};

use crate::fixture::{ACCEPTOR, DIALER, PairingBelief, id, noise_key, run_pairing};

fn channels() -> (PairedChannel, PairedChannel) {
    let (dialer, acceptor) = PairingBelief::pair();
    run_pairing(&dialer, &acceptor, |_, message| message).unwrap()
}

#[test]
fn both_sides_complete_and_learn_each_others_key() {
    let (dialer, acceptor) = channels();
    assert_eq!(dialer.handshake_hash(), acceptor.handshake_hash());
    assert_eq!(*dialer.peer(), noise_key(ACCEPTOR).public());
    assert_eq!(*acceptor.peer(), noise_key(DIALER).public());
}

#[test]
fn the_channel_carries_messages_both_ways_in_order() {
    let (mut dialer, mut acceptor) = channels();
    for (number, len) in [0, 1, 1_000, PairedChannel::MAX_PAYLOAD_BYTES].into_iter().enumerate() {
        let payload = vec![u8::try_from(number).unwrap(); len];
        let sealed = dialer.seal(&payload).unwrap();
        assert_eq!(sealed.len(), len + 16);
        assert_eq!(*acceptor.open(&sealed).unwrap(), payload);
        let sealed = acceptor.seal(&payload).unwrap();
        assert_eq!(*dialer.open(&sealed).unwrap(), payload);
    }
}

#[test]
fn a_changed_repeated_skipped_or_reflected_message_closes_the_channel() {
    let changes: [fn(&mut PairedChannel) -> Vec<u8>; 3] = [
        |peer| {
            let mut message = peer.seal(b"changed").unwrap();
            message[3] ^= 1;
            message
        },
        |peer| {
            peer.seal(b"skipped").unwrap();
            peer.seal(b"next").unwrap()
        },
        |peer| peer.seal(b"truncated").unwrap()[..12].to_vec(),
    ];
    for change in changes {
        let (mut dialer, mut acceptor) = channels();
        let message = change(&mut dialer);
        assert_eq!(acceptor.open(&message).err(), Some(ChannelError::NotAuthentic));
        let next = dialer.seal(b"next").unwrap();
        assert_eq!(acceptor.open(&next).err(), Some(ChannelError::Closed));
        assert_eq!(acceptor.seal(b"answer").err(), Some(ChannelError::Closed));
    }

    let (mut dialer, mut acceptor) = channels();
    let message = dialer.seal(b"once").unwrap();
    assert_eq!(dialer.open(&message).err(), Some(ChannelError::NotAuthentic), "reflected");
    acceptor.open(&message).unwrap();
    assert_eq!(acceptor.open(&message).err(), Some(ChannelError::NotAuthentic), "repeated");
}

#[test]
fn too_much_for_a_message_is_refused() {
    let (mut dialer, mut acceptor) = channels();
    let len = PairedChannel::MAX_PAYLOAD_BYTES + 1;
    assert_eq!(dialer.seal(&vec![0; len]), Err(ChannelError::PayloadLength { len }));
    assert_eq!(acceptor.open(&vec![0; 1 << 20]).err(), Some(ChannelError::NotAuthentic));
}

#[test]
fn whoever_believes_something_else_gets_nowhere() {
    let (dialer, acceptor) = PairingBelief::pair();
    let prologue = dialer.prologue;
    let with = |prologue| PairingBelief { prologue, ..dialer };
    let others = [
        ("token", PairingBelief { token: 0x71, ..dialer }),
        ("way", with(PairingPrologue { way: PairingWay::Words { token_hash: [0x11; 32] }, ..prologue })),
        ("third way", with(PairingPrologue { way: PairingWay::Nearby, ..prologue })),
        ("link", with(PairingPrologue { way: PairingWay::Link { canonical_hash: [0x12; 32] }, ..prologue })),
        ("exporter", with(PairingPrologue { exporter: [0xE1; 32], ..prologue })),
        ("dialer", with(PairingPrologue { dialer: id(0x99), ..prologue })),
        ("acceptor", with(PairingPrologue { acceptor: id(0x99), ..prologue })),
        ("order of the ids", with(PairingPrologue { dialer: id(ACCEPTOR), acceptor: id(DIALER), ..prologue })),
    ];
    for (what, other) in others {
        let result = run_pairing(&other, &acceptor, |_, message| message);
        assert_eq!(result.err(), Some(HandshakeError::NotAuthentic), "another {what}");
    }
}

/// The token is proven by the third message: a wrong one is not noticed before, but the acceptor gives nothing away.
#[test]
fn a_wrong_token_shows_at_the_third_message() {
    let (dialer, acceptor) = PairingBelief::pair();
    let mut last = None;
    let result = run_pairing(&PairingBelief { token: 0x71, ..dialer }, &acceptor, |number, message| {
        last = Some(number);
        message
    });
    assert_eq!((result.err(), last), (Some(HandshakeError::NotAuthentic), Some(2)));
}

#[test]
fn a_change_at_any_position_of_any_message_is_noticed() {
    let (dialer, acceptor) = PairingBelief::pair();
    for (target, len) in [48, 96, 64].into_iter().enumerate() {
        for position in 0..len {
            let result = run_pairing(&dialer, &acceptor, |number, mut message| {
                if number == target {
                    assert_eq!(message.len(), len);
                    message[position] ^= 1;
                }
                message
            });
            assert_eq!(result.err(), Some(HandshakeError::NotAuthentic), "message {target}, byte {position}");
        }
    }
}

#[test]
fn a_message_of_another_length_is_refused_before_it_is_read() {
    let (dialer, acceptor) = PairingBelief::pair();
    for (target, expected) in [48, 96, 64].into_iter().enumerate() {
        for len in [0, 1, expected - 1, expected + 1, 65_535, 70_000] {
            let result = run_pairing(&dialer, &acceptor, |number, mut message| {
                if number == target {
                    message.resize(len, 0);
                }
                message
            });
            assert_eq!(result.err(), Some(HandshakeError::MessageLength { len, expected }));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The first message's ephemeral key is public and its tag is made of public things, so random bytes fail there too.
    #[test]
    fn bytes_from_a_stranger_end_in_an_error(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        let (_, acceptor) = PairingBelief::pair();
        prop_assert!(acceptor.accept().unwrap().read_message(&bytes).is_err());
    }
}

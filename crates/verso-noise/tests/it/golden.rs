//! Test vectors: the keys of [`fixture`](crate::fixture), and the bytes that they give. Whoever changes a prologue, a
//! label or a pattern changes these, and no longer understands devices of before.

use crate::fixture::{ACCEPTOR, DIALER, PairingBelief, SyncBelief, noise_key, run_pairing, run_sync};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[test]
fn static_keys() {
    assert_eq!(
        hex(noise_key(DIALER).public().as_bytes()),
        "f7541d9f4865686588ea377c3643ca3fbe5649e8242f3fec5558b3da79863053"
    );
    assert_eq!(
        hex(noise_key(ACCEPTOR).public().as_bytes()),
        "52ec3bf99fa2cdcaa084f37a8b4001ad1b174c41ca68aabb472b14b0172b9a0b"
    );
}

#[test]
fn sync() {
    let (dialer, acceptor) = SyncBelief::pair();
    let mut messages = Vec::new();
    let (hash, _) = run_sync(&dialer, &acceptor, |_, message| {
        messages.push(hex(&message));
        message
    })
    .unwrap();
    assert_eq!(
        messages,
        [
            "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209c3ee0702139f14c3edbc991012e849a3",
            "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59d6acaf2687e4a89ba02a01ffc509785a"
        ]
    );
    assert_eq!(hex(hash.as_bytes()), "e444a08e69d48d78fd36fca79b724be6a45be95d2d2d43540e33fe4465df4f58");
}

#[test]
fn pairing() {
    let (dialer, acceptor) = PairingBelief::pair();
    let mut messages = Vec::new();
    let (mut dialer, _) = run_pairing(&dialer, &acceptor, |_, message| {
        messages.push(hex(&message));
        message
    })
    .unwrap();
    messages.push(hex(&dialer.seal(b"first in the channel").unwrap()));
    assert_eq!(
        messages,
        [
            "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a2098cd75aa8ed03ab8ec6303da5ae4533db",
            "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59f02f8810c064c327417371c6c736fab8b9a2e7f6ba4ca9b0cb0fac0a946bbf648b3d6eb55901bb1eaecabf62d5d09f86d1918b80e6885a10a765384985ea1df2",
            "23ed9976b8e23b98bcbb6a5258bcb346e23cfe09a5b7cb9b69cf307c3dcd21c181b69205cd1e600bbc795030aa6b8d1dc2aec1caac7dfed0ccf74b31f2bfecfe",
            "d8323bcbe71aba9cdecbf09c5f34f8a8f6c207cfb88f95e958f61240cc3e85c27b907382"
        ]
    );
    assert_eq!(
        hex(dialer.handshake_hash().as_bytes()),
        "9274812aa2c530c15f62ebcba324e55060ca59bea6c8806a5c61f064067e7d00"
    );
}

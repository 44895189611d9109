//! Test vectors of `docs/formats/noise.md`: the keys of [`fixture`](crate::fixture), and the bytes that they give. Whoever changes a prologue, a
//! label or a pattern changes these, and no longer understands devices of before.

use crate::fixture::{ACCEPTOR, DIALER, PairingBelief, SyncBelief, noise_key, run_pairing, run_sync};

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

const DOCUMENT: &str = include_str!("../../../../docs/formats/noise.md");

/// Checks that the document has a row of this beginning and this value.
fn has_row(what: &str, value: &[u8]) {
    let row = format!("| `{}` |", hex(value));
    let found = DOCUMENT.lines().any(|line| line.starts_with(&format!("| {what}")) && line.ends_with(&row));
    assert!(found, "no row `| {what}… {row}`");
}

#[test]
fn static_keys() {
    has_row("dialer's static key", noise_key(DIALER).public().as_bytes());
    has_row("acceptor's static key", noise_key(ACCEPTOR).public().as_bytes());
}

#[test]
fn sync() {
    let (dialer, acceptor) = SyncBelief::pair();
    let (hash, _) = run_sync(&dialer, &acceptor, |number, message| {
        has_row(&format!("sync, message {}", number + 1), &message);
        message
    })
    .unwrap();
    has_row("sync, handshake hash", hash.as_bytes());
}

#[test]
fn pairing() {
    let (dialer, acceptor) = PairingBelief::pair();
    let (mut dialer, _) = run_pairing(&dialer, &acceptor, |number, message| {
        has_row(&format!("pairing, message {}", number + 1), &message);
        message
    })
    .unwrap();
    has_row("pairing, the dialer's first message behind it", &dialer.seal(b"first in the channel").unwrap());
    has_row("pairing, handshake hash", dialer.handshake_hash().as_bytes());
}

//! The first bytes of anybody: the messages of both handshakes, before anything is proven.

use std::sync::LazyLock;

use verso_identity::{DeviceId, DeviceKey};
use verso_noise::{
    NoiseKey, PairedChannel, PairingHandshake, PairingPrologue, PairingSecrets, PairingWay, PreSharedKey, Randomness,
    SyncHandshake, SyncPrologue, SyncSecrets,
};
use zeroize::Zeroizing;

use crate::fuzz::{Bytes, shapes};

/// How many changes of an input are made.
const MAX_CHANGES: usize = 8;

static KEYS: LazyLock<[NoiseKey; 2]> =
    LazyLock::new(|| [1, 2].map(|number| NoiseKey::derive(&DeviceKey::from_secret(&Zeroizing::new([number; 32])))));
static SHARED: LazyLock<PreSharedKey> = LazyLock::new(|| PreSharedKey::new(Zeroizing::new([3; 32])));

const DIALER: DeviceId = DeviceId::from_bytes([1; 32]);
const ACCEPTOR: DeviceId = DeviceId::from_bytes([2; 32]);

const SYNC: SyncPrologue = SyncPrologue { generation: 0, dialer: DIALER, acceptor: ACCEPTOR, exporter: [5; 32] };
const PAIRING: PairingPrologue =
    PairingPrologue { way: PairingWay::Nearby, dialer: DIALER, acceptor: ACCEPTOR, exporter: [5; 32] };

fn randomness(number: u8) -> Randomness {
    Randomness::new(Zeroizing::new([number; 32]))
}

/// Has two devices prove themselves to each other, one message of which is not what was said but what `input` makes of it, or is made up.
///
/// # Panics
/// If anything but what was said is taken for a proof, or what was said is not.
pub fn hello(input: &[u8]) {
    let mut input = Bytes::new(input);
    let [mut changed_at, is_pairing] = [input.byte() % 4, input.byte() % 2];
    let is_made_up = input.byte().is_multiple_of(4);
    let mut has_changed = false;
    let mut pass = |message: Vec<u8>| {
        let here = changed_at == 0;
        changed_at = changed_at.wrapping_sub(1);
        if !here {
            return message;
        }
        let passed = if is_made_up { input.rest().to_vec() } else { shapes::edited(&message, &mut input, MAX_CHANGES) };
        has_changed = passed != message;
        passed
    };
    let is_proven = if is_pairing == 1 { pair(&mut pass) } else { sync(&mut pass) }.is_some();
    assert_eq!(is_proven, !has_changed);
}

fn sync(pass: &mut impl FnMut(Vec<u8>) -> Vec<u8>) -> Option<()> {
    let [first, second] = &*KEYS;
    let (firsts, seconds) = (first.public(), second.public());
    let (ours, theirs) = (
        SyncSecrets { own: first, peer: &seconds, psk: &SHARED },
        SyncSecrets { own: second, peer: &firsts, psk: &SHARED },
    );
    let mut dialer = SyncHandshake::dial(&ours, &SYNC, randomness(6)).expect("the keys are whole");
    let mut acceptor = SyncHandshake::accept(&theirs, &SYNC, randomness(7)).expect("the keys are whole");
    acceptor.read_message(&pass(dialer.write_message().expect("it begins"))).ok()?;
    dialer.read_message(&pass(acceptor.write_message().expect("it is its turn"))).ok()?;
    let hashes = (dialer.finish().expect("it is complete"), acceptor.finish().expect("it is complete"));
    assert_eq!(hashes.0, hashes.1);
    Some(())
}

fn pair(pass: &mut impl FnMut(Vec<u8>) -> Vec<u8>) -> Option<()> {
    let [first, second] = &*KEYS;
    let (ours, theirs) =
        (PairingSecrets { own: first, token: &SHARED }, PairingSecrets { own: second, token: &SHARED });
    let mut dialer = PairingHandshake::dial(&ours, &PAIRING, randomness(6)).expect("the keys are whole");
    let mut acceptor = PairingHandshake::accept(&theirs, &PAIRING, randomness(7)).expect("the keys are whole");
    acceptor.read_message(&pass(dialer.write_message().expect("it begins"))).ok()?;
    dialer.read_message(&pass(acceptor.write_message().expect("it is its turn"))).ok()?;
    acceptor.read_message(&pass(dialer.write_message().expect("it is its turn"))).ok()?;
    let (mut dialer, mut acceptor) = (dialer.finish().ok()?, acceptor.finish().ok()?);
    let mut say = |from: &mut PairedChannel, to: &mut PairedChannel, payload: &[u8]| {
        let opened = to.open(&pass(from.seal(payload).expect("it is short"))).ok()?;
        assert_eq!(&opened[..], payload);
        Some(())
    };
    say(&mut acceptor, &mut dialer, b"welcome")
}

//! Two devices with fixed keys, and everything that a handshake between them starts from.

use verso_identity::{DeviceId, DeviceKey};
use verso_noise::{
    HandshakeError, HandshakeHash, NoiseKey, NoisePublicKey, PairedChannel, PairingHandshake, PairingPrologue,
    PairingSecrets, PairingWay, PreSharedKey, Randomness, SyncHandshake, SyncPrologue, SyncSecrets,
};
use zeroize::Zeroizing;

/// The secret of the device that dials; every test vector is made of these.
pub(crate) const DIALER: u8 = 0xD1;
/// The secret of the device that accepts.
pub(crate) const ACCEPTOR: u8 = 0xAC;

/// The device whose secret is 32 times `byte`.
pub(crate) fn device(byte: u8) -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([byte; 32]))
}

pub(crate) fn id(byte: u8) -> DeviceId {
    device(byte).id()
}

pub(crate) fn noise_key(byte: u8) -> NoiseKey {
    NoiseKey::derive(&device(byte))
}

pub(crate) fn psk(byte: u8) -> PreSharedKey {
    PreSharedKey::new(Zeroizing::new([byte; 32]))
}

pub(crate) fn randomness(byte: u8) -> Randomness {
    Randomness::new(Zeroizing::new([byte; 32]))
}

/// Everything that one side of a sync handshake believes.
#[derive(Clone, Copy)]
pub(crate) struct SyncBelief {
    pub(crate) own: u8,
    pub(crate) peer: NoisePublicKey,
    pub(crate) psk: u8,
    pub(crate) prologue: SyncPrologue,
    pub(crate) randomness: u8,
}

impl SyncBelief {
    /// What the dialer and the acceptor of the same agreement believe.
    pub(crate) fn pair() -> (Self, Self) {
        let prologue = SyncPrologue { generation: 3, dialer: id(DIALER), acceptor: id(ACCEPTOR), exporter: [0xE0; 32] };
        let dialer = Self { own: DIALER, peer: noise_key(ACCEPTOR).public(), psk: 0x5E, prologue, randomness: 0x01 };
        let acceptor = Self { own: ACCEPTOR, peer: noise_key(DIALER).public(), randomness: 0x02, ..dialer };
        (dialer, acceptor)
    }

    pub(crate) fn dial(&self) -> Result<SyncHandshake, HandshakeError> {
        let (own, psk) = (noise_key(self.own), psk(self.psk));
        let secrets = SyncSecrets { own: &own, peer: &self.peer, psk: &psk };
        SyncHandshake::dial(&secrets, &self.prologue, randomness(self.randomness))
    }

    pub(crate) fn accept(&self) -> Result<SyncHandshake, HandshakeError> {
        let (own, psk) = (noise_key(self.own), psk(self.psk));
        let secrets = SyncSecrets { own: &own, peer: &self.peer, psk: &psk };
        SyncHandshake::accept(&secrets, &self.prologue, randomness(self.randomness))
    }
}

/// Runs a sync handshake whose messages pass through `wire`, which is given the number of the message.
pub(crate) fn run_sync(
    dialer: &SyncBelief,
    acceptor: &SyncBelief,
    mut wire: impl FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> Result<(HandshakeHash, HandshakeHash), HandshakeError> {
    let (mut dialling, mut accepting) = (dialer.dial()?, acceptor.accept()?);
    accepting.read_message(&wire(0, dialling.write_message()?))?;
    dialling.read_message(&wire(1, accepting.write_message()?))?;
    Ok((dialling.finish()?, accepting.finish()?))
}

/// Everything that one side of a pairing believes.
#[derive(Clone, Copy)]
pub(crate) struct PairingBelief {
    pub(crate) own: u8,
    pub(crate) token: u8,
    pub(crate) prologue: PairingPrologue,
    pub(crate) randomness: u8,
}

impl PairingBelief {
    /// What the dialer and the acceptor of the same pairing believe.
    pub(crate) fn pair() -> (Self, Self) {
        let prologue = PairingPrologue {
            way: PairingWay::Link { canonical_hash: [0x11; 32] },
            dialer: id(DIALER),
            acceptor: id(ACCEPTOR),
            exporter: [0xE0; 32],
        };
        let dialer = Self { own: DIALER, token: 0x70, prologue, randomness: 0x01 };
        let acceptor = Self { own: ACCEPTOR, randomness: 0x02, ..dialer };
        (dialer, acceptor)
    }

    pub(crate) fn dial(&self) -> Result<PairingHandshake, HandshakeError> {
        let (own, token) = (noise_key(self.own), psk(self.token));
        let secrets = PairingSecrets { own: &own, token: &token };
        PairingHandshake::dial(&secrets, &self.prologue, randomness(self.randomness))
    }

    pub(crate) fn accept(&self) -> Result<PairingHandshake, HandshakeError> {
        let (own, token) = (noise_key(self.own), psk(self.token));
        let secrets = PairingSecrets { own: &own, token: &token };
        PairingHandshake::accept(&secrets, &self.prologue, randomness(self.randomness))
    }
}

/// Runs a pairing handshake whose messages pass through `wire`, which is given the number of the message.
pub(crate) fn run_pairing(
    dialer: &PairingBelief,
    acceptor: &PairingBelief,
    mut wire: impl FnMut(usize, Vec<u8>) -> Vec<u8>,
) -> Result<(PairedChannel, PairedChannel), HandshakeError> {
    let (mut dialling, mut accepting) = (dialer.dial()?, acceptor.accept()?);
    accepting.read_message(&wire(0, dialling.write_message()?))?;
    dialling.read_message(&wire(1, accepting.write_message()?))?;
    accepting.read_message(&wire(2, dialling.write_message()?))?;
    Ok((dialling.finish()?, accepting.finish()?))
}

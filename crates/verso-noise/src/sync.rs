//! The handshake between paired devices: both static keys are pinned, and a pre-shared key is mixed in.

use std::fmt;

use verso_identity::DeviceId;

use crate::keys::{NoiseKey, NoisePublicKey, PreSharedKey, Randomness};
use crate::machine::{HandshakeError, HandshakeHash, KEY_BYTES, Machine, Pattern, Side, Start, TAG_BYTES};

static KK: Pattern = Pattern {
    name: "Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s",
    psk_position: 0,
    // Both messages are an ephemeral key and the tag of an empty payload: the handshake only proves; what devices tell
    // each other goes over the connection it proved.
    message_bytes: &[KEY_BYTES + TAG_BYTES, KEY_BYTES + TAG_BYTES],
};

/// Names the protocol and the version of this prologue's layout.
const PROTOCOL: &[u8; 16] = b"verso sync noise";
const LAYOUT: u8 = 1;

/// What both sides must agree on beside their keys. It binds the proof to one connection: relayed over another one it
/// is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPrologue {
    /// Generation of the pre-shared key.
    pub generation: u64,
    /// The device that dialled the connection.
    pub dialer: DeviceId,
    /// The device that accepted it.
    pub acceptor: DeviceId,
    /// 32 bytes that TLS exports on both ends of this connection and on no other (RFC 5705, RFC 8446 section 7.5).
    pub exporter: [u8; 32],
}

impl SyncPrologue {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 1 + 8 + 3 * 32);
        bytes.extend_from_slice(PROTOCOL);
        bytes.push(LAYOUT);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(self.dialer.as_bytes());
        bytes.extend_from_slice(self.acceptor.as_bytes());
        bytes.extend_from_slice(&self.exporter);
        bytes
    }
}

/// What one side holds of the agreement made at pairing.
#[derive(Debug, Clone, Copy)]
pub struct SyncSecrets<'a> {
    /// The own static key.
    pub own: &'a NoiseKey,
    /// The peer's static key, as pinned at pairing.
    pub peer: &'a NoisePublicKey,
    /// The pre-shared key of the generation that the prologue names.
    pub psk: &'a PreSharedKey,
}

/// `Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s`, one side of it.
///
/// 1. The dialer writes the first message, the acceptor reads it and then knows the dialer.
/// 2. The acceptor writes the second, the dialer reads it and then knows the acceptor.
/// 3. Both finish and hold the same [`HandshakeHash`].
///
/// Any error ends it: every later call is [`HandshakeError::OutOfTurn`].
pub struct SyncHandshake(Machine);

impl SyncHandshake {
    /// Length of each of the two messages in bytes: an ephemeral key and a tag.
    pub const MESSAGE_BYTES: usize = KEY_BYTES + TAG_BYTES;

    /// Starts as the device that dialled.
    ///
    /// # Errors
    /// [`HandshakeError`] only if the keys can't be used at all.
    pub fn dial(
        secrets: &SyncSecrets<'_>,
        prologue: &SyncPrologue,
        randomness: Randomness,
    ) -> Result<Self, HandshakeError> {
        Self::start(Side::Dialer, secrets, prologue, randomness)
    }

    /// Starts as the device that accepted.
    ///
    /// # Errors
    /// [`HandshakeError`] only if the keys can't be used at all.
    pub fn accept(
        secrets: &SyncSecrets<'_>,
        prologue: &SyncPrologue,
        randomness: Randomness,
    ) -> Result<Self, HandshakeError> {
        Self::start(Side::Acceptor, secrets, prologue, randomness)
    }

    fn start(
        side: Side,
        secrets: &SyncSecrets<'_>,
        prologue: &SyncPrologue,
        randomness: Randomness,
    ) -> Result<Self, HandshakeError> {
        let start = Start {
            own: secrets.own,
            peer: Some(secrets.peer),
            psk: secrets.psk,
            prologue: &prologue.encode(),
            randomness,
        };
        Machine::new(&KK, side, start).map(Self)
    }

    /// Writes the next message, which is [`MESSAGE_BYTES`](Self::MESSAGE_BYTES) long.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] if it is the peer's turn; [`HandshakeError::WeakKey`].
    pub fn write_message(&mut self) -> Result<Vec<u8>, HandshakeError> {
        self.0.write()
    }

    /// Reads the peer's message.
    ///
    /// # Errors
    /// [`HandshakeError::NotAuthentic`] if the peer does not hold what this side holds or the message was changed, and the
    /// other peers' faults of [`HandshakeError`]; [`HandshakeError::OutOfTurn`] if it is the own turn.
    pub fn read_message(&mut self, message: &[u8]) -> Result<(), HandshakeError> {
        self.0.read(message)
    }

    /// Ends the handshake after its two messages.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] if it is not complete.
    pub fn finish(self) -> Result<HandshakeHash, HandshakeError> {
        self.0.finish().map(|(hash, _state)| hash)
    }
}

impl fmt::Debug for SyncHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncHandshake").finish_non_exhaustive()
    }
}

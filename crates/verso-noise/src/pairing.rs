//! The handshake between strangers who share a token, and the channel that it opens.

use std::fmt;

use snow::TransportState;
use verso_identity::DeviceId;
use zeroize::Zeroizing;

use crate::keys::{NoiseKey, NoisePublicKey, PreSharedKey, Randomness};
use crate::machine::{HandshakeError, HandshakeHash, KEY_BYTES, Machine, Pattern, Side, Start, TAG_BYTES};

static XX: Pattern = Pattern {
    name: "Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s",
    psk_position: 3,
    // An ephemeral key, then each static key encrypted, and the tag of an empty payload. Nothing goes into the payloads:
    // the first two could be read by anyone who dials; the channel afterwards carries everything.
    message_bytes: &[
        KEY_BYTES + TAG_BYTES,
        KEY_BYTES + (KEY_BYTES + TAG_BYTES) + TAG_BYTES,
        (KEY_BYTES + TAG_BYTES) + TAG_BYTES,
    ],
};

/// Noise's own limit of a message (specification, section 3).
const MAX_MESSAGE_BYTES: usize = 65_535;

/// Names the protocol and the version of this prologue's layout.
const PROTOCOL: &[u8; 16] = b"verso pair noise";
const LAYOUT: u8 = 1;

/// How the token came from one device to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PairingWay {
    /// As a link or a QR code, which hold the same.
    Link {
        /// Hash of the canonical link: whoever changed the link on the way gets no pairing.
        canonical_hash: [u8; 32],
    },
    /// As words.
    Words {
        /// Hash of what the words are worth: whoever has other words learns nothing, not even this side's static key.
        token_hash: [u8; 32],
    },
    /// Not at all: the token is known to everybody, and people compare codes once the channel is open.
    Nearby,
}

impl PairingWay {
    /// Returns the way's number, by which the dialer says in the clear which way it tries. It is bound as all of the prologue is.
    pub const fn number(&self) -> u8 {
        match self {
            Self::Link { .. } => 1,
            Self::Words { .. } => 2,
            Self::Nearby => 3,
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.number());
        bytes.extend_from_slice(match self {
            Self::Link { canonical_hash: hash } | Self::Words { token_hash: hash } => hash,
            Self::Nearby => &[0; 32],
        });
    }
}

/// What both sides must agree on beside the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairingPrologue {
    /// How the token travelled.
    pub way: PairingWay,
    /// The id that the dialer has on this connection, which may be a one-time id.
    pub dialer: DeviceId,
    /// The id that the acceptor has on this connection, which may be a one-time id.
    pub acceptor: DeviceId,
    /// 32 bytes that TLS exports on both ends of this connection and on no other (RFC 5705, RFC 8446 section 7.5).
    pub exporter: [u8; 32],
}

impl PairingPrologue {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + 1 + 1 + 4 * 32);
        bytes.extend_from_slice(PROTOCOL);
        bytes.push(LAYOUT);
        self.way.encode(&mut bytes);
        bytes.extend_from_slice(self.dialer.as_bytes());
        bytes.extend_from_slice(self.acceptor.as_bytes());
        bytes.extend_from_slice(&self.exporter);
        bytes
    }
}

/// What one side brings to a pairing.
#[derive(Debug, Clone, Copy)]
pub struct PairingSecrets<'a> {
    /// The own static key, which the peer learns and pins.
    pub own: &'a NoiseKey,
    /// The token, stretched to 32 bytes.
    pub token: &'a PreSharedKey,
}

/// `Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s`, one side of it.
///
/// 1. The dialer writes the first message and the acceptor the second; nobody has proven anything yet.
/// 2. The dialer writes the third: reading it, the acceptor knows that the dialer holds the token.
/// 3. Both finish into a [`PairedChannel`], which only holders of the token can read. The dialer *knows* that the
///    acceptor is one once it has opened the acceptor's first message there.
///
/// Any error ends it: every later call is [`HandshakeError::OutOfTurn`].
pub struct PairingHandshake(Machine);

impl PairingHandshake {
    /// Starts as the device that dialled.
    ///
    /// # Errors
    /// [`HandshakeError`] only if the keys can't be used at all.
    pub fn dial(
        secrets: &PairingSecrets<'_>,
        prologue: &PairingPrologue,
        randomness: Randomness,
    ) -> Result<Self, HandshakeError> {
        Self::start(Side::Dialer, secrets, prologue, randomness)
    }

    /// Starts as the device that accepted.
    ///
    /// # Errors
    /// [`HandshakeError`] only if the keys can't be used at all.
    pub fn accept(
        secrets: &PairingSecrets<'_>,
        prologue: &PairingPrologue,
        randomness: Randomness,
    ) -> Result<Self, HandshakeError> {
        Self::start(Side::Acceptor, secrets, prologue, randomness)
    }

    fn start(
        side: Side,
        secrets: &PairingSecrets<'_>,
        prologue: &PairingPrologue,
        randomness: Randomness,
    ) -> Result<Self, HandshakeError> {
        let prologue = prologue.encode();
        let start = Start { own: secrets.own, peer: None, psk: secrets.token, prologue: &prologue, randomness };
        Machine::new(&XX, side, start).map(Self)
    }

    /// Writes the next message. The three are 48, 96 and 64 bytes long.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] if it is the peer's turn; [`HandshakeError::WeakKey`].
    pub fn write_message(&mut self) -> Result<Vec<u8>, HandshakeError> {
        self.0.write()
    }

    /// Reads the peer's message.
    ///
    /// # Errors
    /// [`HandshakeError::NotAuthentic`] if the peer does not hold the token (shows at the third message) or the message was
    /// changed, and the other peers' faults of [`HandshakeError`]; [`HandshakeError::OutOfTurn`] if it is the own turn.
    pub fn read_message(&mut self, message: &[u8]) -> Result<(), HandshakeError> {
        self.0.read(message)
    }

    /// Ends the handshake after its three messages.
    ///
    /// # Errors
    /// [`HandshakeError::OutOfTurn`] if it is not complete.
    pub fn finish(self) -> Result<PairedChannel, HandshakeError> {
        let (hash, state) = self.0.finish()?;
        // Complete, so the peer's static key was read; the pattern is of two ways, so transport mode exists.
        let peer = state.get_remote_static().and_then(|key| key.try_into().ok()).ok_or(HandshakeError::OutOfTurn)?;
        let state = state.into_transport_mode().map_err(|_source| HandshakeError::OutOfTurn)?;
        Ok(PairedChannel { hash, peer: NoisePublicKey::from_bytes(peer), state: Some(state) })
    }
}

impl fmt::Debug for PairingHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingHandshake").finish_non_exhaustive()
    }
}

/// The encrypted channel between two devices that did the same pairing handshake.
///
/// Messages must arrive whole, once, and in the order they were sealed. Any error closes the channel.
pub struct PairedChannel {
    hash: HandshakeHash,
    peer: NoisePublicKey,
    state: Option<TransportState>,
}

impl PairedChannel {
    /// The longest message that can be sealed, in bytes: Noise's 65,535 without the tag.
    pub const MAX_PAYLOAD_BYTES: usize = MAX_MESSAGE_BYTES - TAG_BYTES;

    /// Returns the hash of the whole handshake, which device keys sign.
    pub const fn handshake_hash(&self) -> &HandshakeHash {
        &self.hash
    }

    /// Returns the static key that the peer showed, to be pinned.
    pub const fn peer(&self) -> &NoisePublicKey {
        &self.peer
    }

    /// Encrypts a message for the peer; it grows by 16 bytes.
    ///
    /// # Errors
    /// [`ChannelError::PayloadLength`] if it is longer than [`MAX_PAYLOAD_BYTES`](Self::MAX_PAYLOAD_BYTES);
    /// [`ChannelError::Closed`] after an earlier error.
    pub fn seal(&mut self, payload: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let mut state = self.state.take().ok_or(ChannelError::Closed)?;
        if payload.len() > Self::MAX_PAYLOAD_BYTES {
            return Err(ChannelError::PayloadLength { len: payload.len() });
        }
        let mut message = vec![0; payload.len() + TAG_BYTES];
        let len = state.write_message(payload, &mut message).map_err(|_source| ChannelError::Closed)?;
        message.truncate(len);
        self.state = Some(state);
        Ok(message)
    }

    /// Decrypts the peer's next message. What it says may be secret, so it is zeroized when dropped.
    ///
    /// # Errors
    /// [`ChannelError::NotAuthentic`] if the message was changed, left out, repeated, or sealed by somebody else;
    /// [`ChannelError::Closed`] after an earlier error.
    pub fn open(&mut self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
        let mut state = self.state.take().ok_or(ChannelError::Closed)?;
        let len = message.len().checked_sub(TAG_BYTES).ok_or(ChannelError::NotAuthentic)?;
        let mut payload = Zeroizing::new(vec![0; len.min(Self::MAX_PAYLOAD_BYTES)]);
        let len = state.read_message(message, &mut payload).map_err(|_source| ChannelError::NotAuthentic)?;
        payload.truncate(len);
        self.state = Some(state);
        Ok(payload)
    }
}

impl fmt::Debug for PairedChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairedChannel").field("hash", &self.hash).field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Why a message of a [`PairedChannel`] could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The message was changed, left out, repeated, or sealed by somebody else.
    #[error("a message of the pairing does not verify")]
    NotAuthentic,
    /// Misuse: the message is longer than [`PairedChannel::MAX_PAYLOAD_BYTES`].
    #[error("a message of {len} bytes where 65,519 are possible")]
    PayloadLength {
        /// Length that was given, in bytes.
        len: usize,
    },
    /// Misuse: an earlier error closed the channel.
    #[error("the channel is closed")]
    Closed,
}

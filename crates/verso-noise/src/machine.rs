//! What both handshakes share: turns, limits, errors, and the end in a [`HandshakeHash`].

use std::fmt;

use snow::{Builder, HandshakeState};

use crate::keys::{NoiseKey, NoisePublicKey, PreSharedKey, Randomness};
use crate::resolver::Resolver;

/// Poly1305's tag, once for a payload and once for an encrypted static key.
pub(crate) const TAG_BYTES: usize = 16;
/// An X25519 public key.
pub(crate) const KEY_BYTES: usize = 32;

/// Why a handshake did not go on. After any of these it can't be continued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The message does not verify: changed on the way, or the peer holds another pre-shared key, another static
    /// key, or another prologue. Which of these it was can't be told, and is not meant to be.
    #[error("the peer did not prove what was agreed at pairing")]
    NotAuthentic,
    /// The message does not have the one length that it must have.
    #[error("a handshake message of {len} bytes instead of {expected}")]
    MessageLength {
        /// Length that arrived, in bytes.
        len: usize,
        /// The only valid length, in bytes.
        expected: usize,
    },
    /// A public key has small order, so that the agreed secret would be no secret.
    #[error("a public key of small order")]
    WeakKey,
    /// Misuse: it is the other side's turn, the handshake is over, or it is not over yet, or it failed before.
    #[error("the handshake is not at this step")]
    OutOfTurn,
}

/// BLAKE2s hash of everything that both sides sent, said and agreed before: equal on both sides if and only if they
/// completed the same handshake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HandshakeHash([u8; 32]);

impl HandshakeHash {
    /// Returns the 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for HandshakeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeHash(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}

/// Which of the two a side is. The dialer of the connection writes the first message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Dialer,
    Acceptor,
}

/// What a pattern is: its name, where its pre-shared key goes, and how long each message is. Payloads are empty.
pub(crate) struct Pattern {
    pub(crate) name: &'static str,
    pub(crate) psk_position: u8,
    pub(crate) message_bytes: &'static [usize],
}

/// The secrets and the prologue that a handshake starts from.
pub(crate) struct Start<'a> {
    pub(crate) own: &'a NoiseKey,
    pub(crate) peer: Option<&'a NoisePublicKey>,
    pub(crate) psk: &'a PreSharedKey,
    pub(crate) prologue: &'a [u8],
    pub(crate) randomness: Randomness,
}

/// A handshake under way. The first failure ends it: snow would let a caller try again with other bytes.
pub(crate) struct Machine {
    pattern: &'static Pattern,
    state: Option<HandshakeState>,
    /// Messages written and read.
    step: usize,
}

impl Machine {
    pub(crate) fn new(pattern: &'static Pattern, side: Side, start: Start<'_>) -> Result<Self, HandshakeError> {
        let state = build(pattern, side, start).map_err(|source| classify(&source))?;
        Ok(Self { pattern, state: Some(state), step: 0 })
    }

    pub(crate) fn write(&mut self) -> Result<Vec<u8>, HandshakeError> {
        self.advance(|state, expected| {
            let mut message = vec![0; expected];
            let len = state.write_message(&[], &mut message).map_err(|source| classify(&source))?;
            message.truncate(len);
            Ok(message)
        })
    }

    pub(crate) fn read(&mut self, message: &[u8]) -> Result<(), HandshakeError> {
        self.advance(|state, expected| {
            if message.len() != expected {
                return Err(HandshakeError::MessageLength { len: message.len(), expected });
            }
            state.read_message(message, &mut []).map(|_empty| ()).map_err(|source| classify(&source))
        })
    }

    /// Ends the handshake, which must be complete.
    pub(crate) fn finish(mut self) -> Result<(HandshakeHash, HandshakeState), HandshakeError> {
        let complete = self.state.take_if(|state| state.is_handshake_finished());
        let mut state = complete.ok_or(HandshakeError::OutOfTurn)?;
        wipe(&mut state, self.pattern);
        // BLAKE2s has 32 bytes, so the conversion can't fail.
        let hash = state.get_handshake_hash().try_into().map_err(|_length| HandshakeError::OutOfTurn)?;
        Ok((HandshakeHash(hash), state))
    }

    /// Takes one step with the length that its message must have; a failure ends the handshake.
    fn advance<T>(
        &mut self,
        step: impl FnOnce(&mut HandshakeState, usize) -> Result<T, HandshakeError>,
    ) -> Result<T, HandshakeError> {
        let expected = self.pattern.message_bytes.get(self.step).copied();
        let result = match (&mut self.state, expected) {
            (Some(state), Some(expected)) => step(state, expected),
            _ => Err(HandshakeError::OutOfTurn),
        };
        if result.is_ok() {
            self.step += 1;
        } else {
            self.end();
        }
        result
    }

    fn end(&mut self) {
        if let Some(mut state) = self.state.take() {
            wipe(&mut state, self.pattern);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}

/// Overwrites the pre-shared key inside snow, which does not do so itself.
fn wipe(state: &mut HandshakeState, pattern: &Pattern) {
    // The position and the length are those that were accepted before, so it can't fail.
    state.set_psk(usize::from(pattern.psk_position), &[0; 32]).unwrap_or_default();
    // Without this the compiler may leave out a write to what is dropped next.
    std::hint::black_box(state);
}

fn build(pattern: &Pattern, side: Side, start: Start<'_>) -> Result<HandshakeState, snow::Error> {
    let resolver = Box::new(Resolver::new(start.randomness));
    let mut builder = Builder::with_resolver(pattern.name.parse()?, resolver)
        .prologue(start.prologue)?
        .local_private_key(start.own.expose())?
        .psk(pattern.psk_position, start.psk.expose())?;
    if let Some(peer) = start.peer {
        builder = builder.remote_public_key(peer.as_bytes())?;
    }
    match side {
        Side::Dialer => builder.build_initiator(),
        Side::Acceptor => builder.build_responder(),
    }
}

fn classify(source: &snow::Error) -> HandshakeError {
    match source {
        snow::Error::Dh => HandshakeError::WeakKey,
        snow::Error::State(_) => HandshakeError::OutOfTurn,
        _ => HandshakeError::NotAuthentic,
    }
}

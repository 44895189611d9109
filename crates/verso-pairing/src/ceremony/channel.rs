//! What both machines do with the channel that the handshake opened, and how they stop.

use serde::Serialize;
use serde::de::DeserializeOwned;
use verso_noise::{HandshakeHash, NoisePublicKey, PairedChannel};

use super::{Output, PairingError};
use crate::codec;
use crate::offer::Refusal;

/// The end of a ceremony before its time: why, and what the peer is told about it.
#[derive(Debug)]
pub(super) struct Stop {
    pub(super) error: PairingError,
    pub(super) tell: Option<Refusal>,
}

impl Stop {
    /// Ends without a word: the peer has proven nothing, or is gone, or said no itself.
    pub(super) const fn silent(error: PairingError) -> Self {
        Self { error, tell: None }
    }

    /// Ends and tells the peer, if there is a channel by now.
    pub(super) const fn telling(tell: Refusal, error: PairingError) -> Self {
        Self { error, tell: Some(tell) }
    }

    /// Ends over a message that has no place here.
    pub(super) const fn out_of_order() -> Self {
        Self::telling(Refusal::Protocol, PairingError::OutOfOrder)
    }

    /// Ends because the peer said no.
    pub(super) fn refused(number: u8) -> Self {
        Self::silent(PairingError::PeerRefused(Refusal::of(number)))
    }
}

/// The channel, once it is there.
#[derive(Debug, Default)]
pub(super) struct Channel(Option<PairedChannel>);

impl Channel {
    pub(super) fn open(&mut self, channel: PairedChannel) {
        self.0 = Some(channel);
    }

    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Encodes and seals a message.
    pub(super) fn say<T: Serialize>(&mut self, message: &T) -> Result<Output, Stop> {
        let channel = self.0.as_mut().ok_or(Stop::out_of_order())?;
        let sealed = channel.seal(&codec::encode(message));
        sealed.map(Output::Send).map_err(|error| Stop::silent(PairingError::Channel(error)))
    }

    /// Opens and decodes a message.
    pub(super) fn hear<T: DeserializeOwned>(&mut self, message: &[u8]) -> Result<T, Stop> {
        let channel = self.0.as_mut().ok_or(Stop::out_of_order())?;
        let opened = channel.open(message).map_err(|error| Stop::silent(PairingError::Channel(error)))?;
        codec::decode(&opened).map_err(|error| Stop::telling(Refusal::Protocol, PairingError::Message(error)))
    }

    /// What device keys sign, and the key to pin; `None` before the handshake is complete.
    pub(super) fn proof(&self) -> Option<(HandshakeHash, NoisePublicKey)> {
        self.0.as_ref().map(|channel| (*channel.handshake_hash(), *channel.peer()))
    }
}

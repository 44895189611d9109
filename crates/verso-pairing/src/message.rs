//! What the two sides say to each other once the handshake is done, each message sealed by the channel that it opened.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, Name, Signature};
use verso_noise::HandshakeHash;
use zeroize::Zeroizing;

use crate::codec;
use crate::name::{self, MAX_ADDRESSES, Profile, RelayUrl};
use crate::terms::Terms;

/// From the showing side. Its introduction may be borrowed, since it is kept until the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ShowerMessage<I = ShowerIntroduction> {
    /// The offer, and who makes it.
    Offer(I),
    /// The showing device has signed all that both have said.
    Signed(Signature),
    /// The showing person said yes.
    Confirmed,
    /// The showing device has stored the pairing. Its last message.
    Stored,
    /// No; a number of [`Refusal`](crate::Refusal).
    Refused(u8),
    /// Nearby, its first message: a commitment to the nonce that it will reveal.
    Commit([u8; 32]),
    /// Nearby: the nonce.
    Reveal([u8; 32]),
}

/// From the joining side. Its introduction may be borrowed, since it is kept until the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum JoinerMessage<I = Introduction> {
    /// Who joins, signed.
    Join(I, Signature),
    /// The joining person said yes, and the joining device has stored the pairing. Its last message.
    Stored,
    /// No; a number of [`Refusal`](crate::Refusal).
    Refused(u8),
    /// Nearby, its first message: the joining side's nonce.
    Nonce([u8; 32]),
    /// Nearby: the joining person has typed the code that the showing screen shows.
    Matched,
}

/// The offer, and who makes it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ShowerIntroduction {
    pub(crate) terms: Terms,
    pub(crate) introduction: Introduction,
}

/// What a device says about itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Introduction {
    pub(crate) device: DeviceId,
    pub(crate) name: Name,
    /// The X25519 key to which secrets are sealed for the device.
    pub(crate) sealing_key: [u8; 32],
    pub(crate) addresses: Addresses,
    pub(crate) relay: Option<RelayUrl>,
    /// Fresh secret bytes, half of what the pair's secret is made of.
    pub(crate) contribution: Zeroizing<[u8; 32]>,
}

impl Introduction {
    pub(crate) fn new(device: DeviceId, profile: &Profile, contribution: &Zeroizing<[u8; 32]>) -> Self {
        Self {
            device,
            name: profile.name.clone(),
            sealing_key: profile.sealing_key,
            addresses: Addresses(name::dialable(profile.addresses.iter().copied())),
            relay: profile.relay.clone(),
            contribution: contribution.clone(),
        }
    }
}

impl std::fmt::Debug for Introduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introduction").field("device", &self.device).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Address hints as text, since serde's own form of socket addresses loses the scope of link-local ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub(crate) struct Addresses(pub(crate) Vec<SocketAddr>);

impl From<Addresses> for Vec<String> {
    fn from(addresses: Addresses) -> Self {
        addresses.0.iter().map(SocketAddr::to_string).collect()
    }
}

impl TryFrom<Vec<String>> for Addresses {
    type Error = &'static str;

    fn try_from(texts: Vec<String>) -> Result<Self, Self::Error> {
        if texts.len() > MAX_ADDRESSES {
            return Err("too many addresses");
        }
        let parse = |text: &String| text.parse().ok().filter(name::is_dialable).ok_or("an address that is none");
        texts.iter().map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// All that both sides have said and agreed on before they sign.
pub(crate) struct Transcript {
    bytes: Vec<u8>,
}

impl Transcript {
    /// Both introductions enter by the hash of their encoding, so what is signed is short and all of it is bound.
    pub(crate) fn new(hash: &HandshakeHash, shower: &ShowerIntroduction, joiner: &Introduction) -> Self {
        let mut bytes = Vec::with_capacity(1 + 5 * 32);
        bytes.extend_from_slice(hash.as_bytes());
        bytes.extend_from_slice(blake3::hash(&codec::encode(shower)).as_bytes());
        bytes.extend_from_slice(blake3::hash(&codec::encode(joiner)).as_bytes());
        bytes.extend_from_slice(shower.introduction.device.as_bytes());
        bytes.extend_from_slice(joiner.device.as_bytes());
        Self { bytes }
    }

    /// What the showing device signs.
    pub(crate) fn of_shower(&self) -> Vec<u8> {
        [&[1], self.bytes.as_slice()].concat()
    }

    /// What the joining device signs. Neither side can pass the other's signature off as its own.
    pub(crate) fn of_joiner(&self) -> Vec<u8> {
        [&[2], self.bytes.as_slice()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_peer_are_few_and_lead_somewhere() {
        let texts = |count: usize| (0..count).map(|port| format!("192.168.1.5:{}", 40_000 + port)).collect::<Vec<_>>();
        let most = Addresses::try_from(texts(MAX_ADDRESSES)).unwrap();
        assert_eq!(Vec::from(most), texts(MAX_ADDRESSES));
        assert!(Addresses::try_from(texts(MAX_ADDRESSES + 1)).is_err());
        for nowhere in ["", "192.168.1.5", "example.org:80", "0.0.0.0:41234", "192.168.1.5:0", "239.1.2.3:41234"] {
            assert!(Addresses::try_from(vec![nowhere.to_owned()]).is_err(), "{nowhere}");
        }
    }
}

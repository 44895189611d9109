//! Both sides of the ceremony written again from `docs/formats/pairing.md`, able to lie where the real ones can't.

use verso_identity::{DeviceId, DeviceKey, Signature, SignatureDomain};
use verso_noise::{
    NoiseKey, PairedChannel, PairingHandshake, PairingPrologue, PairingSecrets, PairingWay, PreSharedKey, Randomness,
};
use zeroize::Zeroizing;

use crate::rig::{EXPORTER, TOKEN, offer};

/// What somebody who holds the token says, true or not.
pub(crate) struct Forger {
    pub(crate) key: DeviceKey,
    /// The id that it has on the connection.
    pub(crate) connected_as: DeviceId,
    /// The id that it says it has.
    pub(crate) claims: DeviceId,
    /// The id of the other end.
    pub(crate) peer: DeviceId,
    /// What both sides share before, and how it came.
    pub(crate) shared: [u8; 32],
    pub(crate) way: PairingWay,
    pub(crate) contribution: [u8; 32],
}

impl Forger {
    /// An honest one.
    pub(crate) fn honest(key: u8, peer: u8) -> Self {
        let id = crate::rig::id(key);
        Self {
            key: DeviceKey::from_secret(&Zeroizing::new([key; 32])),
            connected_as: id,
            claims: id,
            peer: crate::rig::id(peer),
            shared: blake3::derive_key("verso pairing token v1", &TOKEN),
            way: PairingWay::Link { canonical_hash: link_hash() },
            contribution: [0x77; 32],
        }
    }

    /// One with words, right or wrong.
    pub(crate) fn by_words(key: u8, peer: u8, token: [u8; 32]) -> Self {
        let token_hash = blake3::derive_key("verso pairing words hash v1", &token);
        Self { shared: token, way: PairingWay::Words { token_hash }, ..Self::honest(key, peer) }
    }

    /// One who comes nearby, or is.
    pub(crate) fn nearby(key: u8, peer: u8) -> Self {
        let shared = blake3::derive_key("verso pairing nearby v1", b"");
        Self { shared, way: PairingWay::Nearby, ..Self::honest(key, peer) }
    }

    /// Sends the first message, the way in front.
    pub(crate) fn dial(&self) -> (PairingHandshake, Vec<u8>) {
        let (own, psk) = (NoiseKey::derive(&self.key), PreSharedKey::new(Zeroizing::new(self.shared)));
        let secrets = PairingSecrets { own: &own, token: &psk };
        let (way, dialer, acceptor) = (self.way, self.connected_as, self.peer);
        let prologue = PairingPrologue { way, dialer, acceptor, exporter: EXPORTER };
        let randomness = Randomness::new(Zeroizing::new([0x66; 32]));
        let mut handshake = PairingHandshake::dial(&secrets, &prologue, randomness).unwrap();
        let number = match self.way {
            PairingWay::Link { .. } => 1,
            PairingWay::Words { .. } => 2,
            _ => 3,
        };
        let first = [&[number][..], &handshake.write_message().unwrap()].concat();
        (handshake, first)
    }

    /// Reads the first message, and answers.
    pub(crate) fn accept(&self, first: &[u8]) -> (PairingHandshake, Vec<u8>) {
        let (own, psk) = (NoiseKey::derive(&self.key), PreSharedKey::new(Zeroizing::new(self.shared)));
        let secrets = PairingSecrets { own: &own, token: &psk };
        let (way, dialer, acceptor) = (self.way, self.peer, self.connected_as);
        let prologue = PairingPrologue { way, dialer, acceptor, exporter: EXPORTER };
        let randomness = Randomness::new(Zeroizing::new([0x67; 32]));
        let mut handshake = PairingHandshake::accept(&secrets, &prologue, randomness).unwrap();
        handshake.read_message(&first[1..]).unwrap();
        let second = handshake.write_message().unwrap();
        (handshake, second)
    }

    /// Device, name "Device x", sealing key, one address, no relay, contribution.
    pub(crate) fn introduction(&self) -> Vec<u8> {
        let mut bytes = self.claims.as_bytes().to_vec();
        text(&mut bytes, "Device x");
        bytes.extend_from_slice(&[0x5e; 32]);
        bytes.push(1);
        text(&mut bytes, "192.0.2.66:4242");
        bytes.push(0);
        bytes.extend_from_slice(&self.contribution);
        bytes
    }

    /// The message in which a joiner says who it is.
    pub(crate) fn join(&self, channel: &PairedChannel, shower: &[u8], shower_id: &DeviceId) -> Vec<u8> {
        let introduction = self.introduction();
        let signature = self.sign(2, channel, (shower, shower_id), (&introduction, &self.claims));
        [&[1, 0][..], &introduction, signature.as_bytes()].concat()
    }

    /// What a device key signs: its side, the handshake, the hashes of both introductions, both ids.
    pub(crate) fn sign(
        &self,
        side: u8,
        channel: &PairedChannel,
        shower: (&[u8], &DeviceId),
        joiner: (&[u8], &DeviceId),
    ) -> Signature {
        let hash = |introduction: &[u8]| *blake3::hash(&[&[1], introduction].concat()).as_bytes();
        let message = [
            &[side][..],
            channel.handshake_hash().as_bytes(),
            &hash(shower.0),
            &hash(joiner.0),
            shower.1.as_bytes(),
            joiner.1.as_bytes(),
        ];
        self.key.sign(SignatureDomain::Pairing, &message.concat())
    }

    /// The pair's secret.
    pub(crate) fn secret(
        &self,
        channel: &PairedChannel,
        contributions: [&[u8; 32]; 2],
        ids: [&DeviceId; 2],
    ) -> [u8; 32] {
        let [shower, joiner] = contributions;
        let [shower_id, joiner_id] = ids;
        let parts = [
            &self.shared[..],
            shower,
            joiner,
            channel.handshake_hash().as_bytes(),
            shower_id.as_bytes(),
            joiner_id.as_bytes(),
        ];
        blake3::derive_key("verso pairing pair secret v1", &parts.concat())
    }
}

/// An offer's terms: a friend, and one workspace read-only.
pub(crate) fn terms(workspace: u8) -> Vec<u8> {
    let mut bytes = vec![2, 1];
    bytes.extend_from_slice(&[workspace; 16]);
    bytes.push(1);
    text(&mut bytes, "Reading list");
    bytes
}

/// Text: its length, here always below 128, and its UTF-8.
fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(u8::try_from(text.len()).unwrap());
    bytes.extend_from_slice(text.as_bytes());
}

fn link_hash() -> [u8; 32] {
    *blake3::hash(format!("verso pairing link v1{}", offer().link()).as_bytes()).as_bytes()
}

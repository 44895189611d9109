//! [`ProvisionalPeer`]: what each side stores before its last message, and the secret in it.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, Name};
use verso_noise::{HandshakeHash, NoisePublicKey, PreSharedKey};
use verso_trust::{Grant, PairingSide, PairingWay, PeerRole};
use zeroize::Zeroizing;

use crate::codec::{self, DecodeError};
use crate::message::{Addresses, Introduction, ShowerIntroduction};
use crate::name::RelayUrl;
use crate::offer::FINISH_SECONDS;
use crate::shared::Shared;
use crate::terms::{Terms, WorkspaceTerms};

/// The secret that two devices agreed on at pairing, kept for this pair. Zeroized when dropped, never cloned, never printed.
pub struct PairSecret(Zeroizing<[u8; 32]>);

impl PairSecret {
    /// Takes the 32 bytes, as they were stored.
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes, to be stored encrypted.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Gives the pre-shared key of the pair's Noise handshakes.
    pub fn to_pre_shared_key(&self) -> PreSharedKey {
        PreSharedKey::new(self.0.clone())
    }

    /// Derives the secret from what only both sides know: what they shared before and a fresh contribution of each, which travelled
    /// encrypted; bound to the handshake and to both devices. Whoever learns the token or the words later lacks the contributions.
    pub(crate) fn derive(
        shared: &Shared,
        hash: &HandshakeHash,
        shower: &ShowerIntroduction,
        joiner: &Introduction,
    ) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("verso pairing pair secret v1");
        hasher
            .update(shared.expose())
            .update(shower.introduction.contribution.as_ref())
            .update(joiner.contribution.as_ref())
            .update(hash.as_bytes())
            .update(shower.introduction.device.as_bytes())
            .update(joiner.device.as_bytes());
        let mut secret = Zeroizing::new([0; 32]);
        hasher.finalize_xof().fill(secret.as_mut());
        zeroize::Zeroize::zeroize(&mut hasher);
        Self(secret)
    }
}

impl fmt::Debug for PairSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairSecret(…)")
    }
}

/// A peer that gives no access yet: both people confirmed, and the first handshake with its secret will make it real on both
/// sides at once. If the other side has not stored the same secret, none ever will, and it lapses.
#[derive(Debug)]
pub struct ProvisionalPeer {
    /// The other device, whose key signed the ceremony.
    pub device: DeviceId,
    /// Its Noise key, to be pinned.
    pub noise_key: NoisePublicKey,
    /// Its X25519 key to which secrets are sealed.
    pub sealing_key: [u8; 32],
    /// What the two agreed on.
    pub secret: PairSecret,
    /// What it calls itself.
    pub name: Name,
    /// The side that *this* device was on.
    pub side: PairingSide,
    /// How the two came together.
    pub way: PairingWay,
    /// What was confirmed.
    pub terms: Terms,
    /// Where it can be dialled, by its own account.
    pub addresses: Vec<SocketAddr>,
    /// The relay it uses.
    pub relay: Option<RelayUrl>,
    /// When it lapses if no handshake has succeeded, in seconds since the Unix epoch.
    pub expires_at: u64,
}

impl ProvisionalPeer {
    /// Makes the record of a peer that has proven itself, on the device that was on `side`.
    pub(crate) fn new(side: PairingSide, proof: Proof, peer: Introduction, terms: Terms, now_ms: u64) -> Self {
        Self {
            device: peer.device,
            noise_key: proof.noise_key,
            sealing_key: peer.sealing_key,
            secret: proof.secret,
            name: peer.name,
            side,
            way: proof.way,
            terms,
            addresses: peer.addresses.0,
            relay: peer.relay,
            expires_at: (now_ms / 1_000).saturating_add(FINISH_SECONDS),
        }
    }

    /// Returns what the two devices will be to each other.
    pub const fn role(&self) -> PeerRole {
        self.terms.role()
    }

    /// Returns what was granted to a friend: by this device if it showed the code, to this device if it joined. For own
    /// devices there are no grants, since they have everything.
    pub fn grants(&self) -> Vec<Grant> {
        self.shared().iter().map(|workspace| Grant { workspace: workspace.id, access: workspace.access }).collect()
    }

    /// Returns the workspaces of the [grants](Self::grants), with their names.
    pub fn shared(&self) -> &[WorkspaceTerms] {
        match self.terms.role() {
            PeerRole::Own => &[],
            PeerRole::Friend => self.terms.workspaces(),
        }
    }

    /// Tells whether it has lapsed at `now_ms` since the Unix epoch.
    pub const fn has_lapsed(&self, now_ms: u64) -> bool {
        now_ms / 1_000 >= self.expires_at
    }

    /// Encodes it for a file, which must be encrypted: the secret is in it.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        codec::encode(&Kept {
            device: self.device,
            noise_key: *self.noise_key.as_bytes(),
            sealing_key: self.sealing_key,
            name: self.name.clone(),
            shows: matches!(self.side, PairingSide::Showing),
            way: number_of(self.way),
            terms: self.terms.clone(),
            addresses: Addresses(self.addresses.clone()),
            relay: self.relay.clone(),
            expires_at: self.expires_at,
            secret: self.secret.0.clone(),
        })
    }

    /// Decodes what [`encode`](Self::encode) gave.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not such.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let kept: Kept = codec::decode(bytes)?;
        Ok(Self {
            device: kept.device,
            noise_key: NoisePublicKey::from_bytes(kept.noise_key),
            sealing_key: kept.sealing_key,
            secret: PairSecret(kept.secret),
            name: kept.name,
            side: if kept.shows { PairingSide::Showing } else { PairingSide::Joining },
            way: way_of(kept.way).ok_or(DecodeError::Malformed)?,
            terms: kept.terms,
            addresses: kept.addresses.0,
            relay: kept.relay,
            expires_at: kept.expires_at,
        })
    }
}

/// What the handshake with a peer has come to.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) noise_key: NoisePublicKey,
    pub(crate) secret: PairSecret,
    pub(crate) way: PairingWay,
}

const WAYS: [(u8, PairingWay); 4] =
    [(1, PairingWay::Link), (2, PairingWay::Words), (3, PairingWay::Nearby), (4, PairingWay::Invite)];

fn number_of(way: PairingWay) -> u8 {
    WAYS.into_iter().find(|(_, known)| *known == way).map_or(0, |(number, _)| number)
}

fn way_of(number: u8) -> Option<PairingWay> {
    WAYS.into_iter().find(|(known, _)| *known == number).map(|(_, way)| way)
}

/// What is kept of it. The secret stands last, so that a buffer that grows leaves no copy of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    device: DeviceId,
    noise_key: [u8; 32],
    sealing_key: [u8; 32],
    name: Name,
    shows: bool,
    way: u8,
    terms: Terms,
    addresses: Addresses,
    relay: Option<RelayUrl>,
    expires_at: u64,
    secret: Zeroizing<[u8; 32]>,
}

//! [`Gatekeeper`]: the one who knows who may come in. The transport asks; it decides nothing itself.

use std::fmt;

use verso_identity::DeviceId;
use verso_noise::{NoisePublicKey, PreSharedKey};
use verso_wire::CloseCode;

/// Answers for the device whose transport this is. It is asked often and from many tasks, so it answers from memory.
pub trait Gatekeeper: Send + Sync + 'static {
    /// Decides whether a connection with `peer` may exist at all. Asked before dialling, and on accepting as soon as
    /// TLS has proven who the peer is, before any of its streams is looked at.
    ///
    /// # Errors
    /// The code to close with, which the peer learns: [`Reason::Revoked`](verso_wire::Reason::Revoked) for a device that
    /// once was paired, [`Reason::NotTrusted`](verso_wire::Reason::NotTrusted) for all others.
    fn admit(&self, peer: &DeviceId) -> Result<(), CloseCode>;

    /// Returns the secrets that this device and `peer` may share, the one to be tried first in front. There can be several: a pairing was renewed, or a group secret, and
    /// it is not known yet how far the peer is. Of more than 16 only these count when dialling.
    fn secrets(&self, peer: &DeviceId) -> Vec<PeerSecret>;

    /// Tells whether an offer to pair is open, so that strangers may connect for that.
    fn pairing_open(&self) -> bool;
}

/// What was agreed with a peer at pairing, and what it must prove to hold.
pub struct PeerSecret {
    /// The peer's static Noise key, pinned.
    pub noise_key: NoisePublicKey,
    /// The pre-shared key.
    pub psk: PreSharedKey,
    /// Which generation of the pre-shared key this is.
    pub generation: u64,
}

impl fmt::Debug for PeerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { noise_key, psk: _, generation } = self;
        f.debug_struct("PeerSecret")
            .field("noise_key", noise_key)
            .field("generation", generation)
            .finish_non_exhaustive()
    }
}

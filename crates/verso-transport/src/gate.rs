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

    /// Returns what was agreed with `peer` at pairing: nothing, one secret, or two, if a pairing was renewed and it is not known yet whether the peer has
    /// completed that. The one to be tried first comes first; of more than two only these are.
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

//! The keys of both handshakes, each a type of its own.

use std::fmt;

use verso_identity::{DeviceKey, Key, purposes};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// A device's static X25519 key, derived from its identity for the Noise handshakes alone.
///
/// It is zeroized when dropped, never cloned, and never printed.
pub struct NoiseKey {
    secret: Key<purposes::Noise>,
    public: NoisePublicKey,
}

impl NoiseKey {
    /// Derives the key of the device whose identity is `device`. The same identity gives the same key.
    pub fn derive(device: &DeviceKey) -> Self {
        let secret = device.derive::<purposes::Noise>();
        let public = NoisePublicKey(PublicKey::from(&StaticSecret::from(*secret.expose())).to_bytes());
        Self { secret, public }
    }

    /// Returns the public half, which a peer pins at pairing.
    pub fn public(&self) -> NoisePublicKey {
        self.public
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.secret.expose()
    }
}

impl fmt::Debug for NoiseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoiseKey({})", self.public)
    }
}

/// The public half of a [`NoiseKey`]. Any 32 bytes can be held: whether they are a usable key shows in a handshake.
///
/// `Display` and `Debug` print the short form, the first ten hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoisePublicKey([u8; 32]);

impl NoisePublicKey {
    /// Length of a key in bytes.
    pub const LEN: usize = 32;

    /// Takes the 32 bytes of a public key (RFC 7748, little-endian u-coordinate).
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the public key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for NoisePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(5).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NoisePublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoisePublicKey({self})")
    }
}

/// 32 secret bytes that both sides hold before the handshake: what was agreed at pairing, or a pairing token.
///
/// They are zeroized when dropped, never cloned, and never printed.
pub struct PreSharedKey(Zeroizing<[u8; 32]>);

impl PreSharedKey {
    /// Takes the 32 bytes of the key. A shorter secret is stretched to them by its owner.
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PreSharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreSharedKey(…)")
    }
}

/// The 32 random bytes that one side of one handshake needs: its ephemeral key is made of them.
///
/// They must be fresh from the operating system for every handshake, or come from a seed in a test. Used twice with
/// different transcripts they give the handshake's keys away, so the handshake takes them by value.
pub struct Randomness(pub(crate) Zeroizing<[u8; 32]>);

impl Randomness {
    /// Takes 32 random bytes.
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Randomness(…)")
    }
}

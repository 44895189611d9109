//! A device's key pair: [`DeviceKey`] signs, [`DeviceId`] names and verifies.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::hex;
use crate::purpose::{Key, Purpose};

/// How many characters of an id its short form shows: 40 bits, enough to tell a person's devices apart.
const SHORT_LEN: usize = 10;

/// The public half of a device's Ed25519 key, and the device's name in every layer.
///
/// These are the 32 bytes that iroh calls `EndpointId`. Any 32 bytes can be held; whether they are a usable key
/// shows when a signature is verified. `Display` and `Debug` print the short form, [`to_hex`](Self::to_hex)
/// the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceId([u8; 32]);

impl DeviceId {
    /// Length of an id in bytes.
    pub const LEN: usize = 32;

    /// Takes the 32 bytes of a public key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes of the public key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the whole id as 64 lower-case hexadecimal digits, the form that [`FromStr`] reads.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// Returns what two people compare by eye: six groups of four base-32 digits (120 bits) of the id's BLAKE3 hash.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::Hasher::new().update(b"verso fingerprint v1").update(&self.0).finalize();
        let digits = data_encoding::BASE32_NOPAD.encode(hash.as_bytes());
        let groups: Vec<&str> = (0..6).filter_map(|group| digits.get(group * 4..group * 4 + 4)).collect();
        groups.join("-")
    }

    /// Verifies a signature over `message` in `domain`, strictly: small-order keys and non-canonical
    /// encodings are refused (RFC 8032 with the checks of "Taming the many `EdDSAs`").
    ///
    /// # Errors
    /// [`SignatureError`] if the signature isn't this device's over this message in this domain.
    pub fn verify(&self, domain: SignatureDomain, message: &[u8], signature: &Signature) -> Result<(), SignatureError> {
        if !self.is_canonical() {
            return Err(SignatureError);
        }
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_source| SignatureError)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(&domain.message(message), &signature).map_err(|_source| SignatureError)
    }

    /// Tells whether the point's coordinate is below the field's prime 2²⁵⁵ − 19, as RFC 8032 demands and the curve's
    /// decoder does not: else one key would go by two ids.
    fn is_canonical(&self) -> bool {
        let [first, middle @ .., last] = &self.0;
        *first < 0xed || middle.iter().any(|byte| *byte != 0xff) || *last & 0x7f != 0x7f
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_hex().get(..SHORT_LEN).unwrap_or_default())
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceId({self})")
    }
}

impl FromStr for DeviceId {
    type Err = ParseDeviceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::decode(text).map(Self).ok_or(ParseDeviceIdError)
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device id is 64 lower-case hexadecimal digits")]
pub struct ParseDeviceIdError;

/// What a signature is about. The domain's name stands before the message, so a signature for one purpose is worth
/// nothing for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureDomain {
    /// The head of an author's chain.
    Seal,
    /// The transcript of a pairing.
    Pairing,
}

impl SignatureDomain {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Seal => b"verso seal v1",
            Self::Pairing => b"verso pairing v1",
        }
    }

    fn message(self, message: &[u8]) -> Vec<u8> {
        [self.name(), message].concat()
    }
}

/// The 64 bytes of an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Length of a signature in bytes.
    pub const LEN: usize = 64;

    /// Takes the 64 bytes of a signature, unverified.
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Returns the 64 bytes of the signature.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Serialize for Signature {
    /// 64 bytes, without a length: serde itself knows arrays of up to 32 only.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, second) = self.0.split_at(32);
        let halves: Result<([u8; 32], [u8; 32]), _> =
            first.try_into().and_then(|first| Ok((first, second.try_into()?)));
        halves.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let halves = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(halves.0.iter().chain(&halves.1)).for_each(|(to, from)| *to = *from);
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({}…)", hex::encode(self.0.get(..4).unwrap_or_default()))
    }
}

/// The signature does not verify: another key, another message, another domain, or a key of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureError;

/// The secret half of a device's key. It is zeroized when dropped, never cloned, and never printed.
pub struct DeviceKey {
    signing: SigningKey,
}

impl DeviceKey {
    /// Makes a new key from the operating system's randomness.
    ///
    /// # Errors
    /// [`getrandom::Error`] if the operating system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut())?;
        Ok(Self::from_secret(&secret))
    }

    /// Takes the 32 secret bytes of an Ed25519 key, as a key store keeps them.
    pub fn from_secret(secret: &Zeroizing<[u8; 32]>) -> Self {
        Self { signing: SigningKey::from_bytes(secret) }
    }

    /// Returns the 32 secret bytes, for a key store to keep and for the transport's TLS.
    pub fn to_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// Returns the public half.
    pub fn id(&self) -> DeviceId {
        DeviceId(self.signing.verifying_key().to_bytes())
    }

    /// Signs `message` in `domain`. The same input gives the same signature (RFC 8032).
    pub fn sign(&self, domain: SignatureDomain, message: &[u8]) -> Signature {
        Signature(self.signing.sign(&domain.message(message)).to_bytes())
    }

    /// Derives the key for one purpose by HKDF-SHA256 (RFC 5869) from the secret, with the purpose's label as `info`.
    pub fn derive<P: Purpose>(&self) -> Key<P> {
        Key::expand(&self.to_secret())
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_is_below_the_prime() {
        let number = |first, middle, last| {
            let mut bytes = [middle; 32];
            (bytes[0], bytes[31]) = (first, last);
            DeviceId(bytes).is_canonical()
        };
        assert!(number(0xec, 0xff, 0x7f));
        assert!(number(0xec, 0xff, 0xff));
        assert!(number(0xff, 0xff, 0x7e));
        assert!(number(0xff, 0xfe, 0x7f));
        assert!(!number(0xed, 0xff, 0x7f));
        assert!(!number(0xed, 0xff, 0xff));
        assert!(!number(0xff, 0xff, 0x7f));
    }

    #[test]
    fn domains_are_no_prefixes_of_each_other() {
        let (seal, pairing) = (SignatureDomain::Seal.name(), SignatureDomain::Pairing.name());
        assert!(!seal.starts_with(pairing) && !pairing.starts_with(seal));
    }
}

//! Secrets of 32 bytes, sealed so that one device can open them, and what two devices derive from one that several hold.
//!
//! Sealed with HPKE (RFC 9180) in its base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. `docs/formats/trust.md` has the
//! layout.

use std::convert::Infallible;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{
    Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _, single_shot_open, single_shot_seal_with_rng,
};
use verso_identity::{DeviceId, Key, purposes};
use verso_trust::{GenerationId, Sealed};
use zeroize::Zeroizing;

use crate::local::PairSecret;

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// HPKE's `info`.
const INFO: &[u8] = b"verso sealed secret v1";

/// How long the encapsulated key is, which stands in front.
const ENCAPPED: usize = 32;

/// Which secret is sealed. It is authenticated with it, so none is taken for another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    /// A generation of the group secret.
    Group(GenerationId),
    /// What was agreed at pairing with a peer.
    Pair(DeviceId),
}

impl Subject {
    /// What is authenticated beside the secret: `0` and the generation, or `1` and the peer; then for whom.
    fn aad(&self, device: &DeviceId) -> Vec<u8> {
        let mut aad = match self {
            Self::Group(GenerationId(id)) => [[0].as_slice(), id].concat(),
            Self::Pair(peer) => [[1].as_slice(), peer.as_bytes()].concat(),
        };
        aad.extend_from_slice(device.as_bytes());
        aad
    }
}

/// Seals a secret for a device, with 32 fresh random bytes. `None` if the device's key is none that anything can be sealed to.
pub(crate) fn seal(
    secret: &PairSecret,
    subject: Subject,
    device: DeviceId,
    sealing_key: &[u8; 32],
    fresh: [u8; 32],
) -> Option<Sealed> {
    let key = PublicKey::from_bytes(sealing_key).ok()?;
    let (encapped, sealed) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        INFO,
        secret.expose(),
        &subject.aad(&device),
        &mut Fresh::new(fresh),
    )
    .ok()?;
    Some(Sealed { device, bytes: [encapped.to_bytes().as_slice(), &sealed].concat() })
}

/// Opens a secret that was sealed for this device. `None` if it was not, or not as this.
pub(crate) fn open(sealed: &Sealed, subject: Subject, key: &Key<purposes::Sealing>) -> Option<PairSecret> {
    let (encapped, ciphertext) = sealed.bytes.split_at_checked(ENCAPPED)?;
    let secret = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &PrivateKey::from_bytes(key.expose()).ok()?,
        &EncappedKey::from_bytes(encapped).ok()?,
        INFO,
        ciphertext,
        &subject.aad(&sealed.device),
    )
    .map(Zeroizing::new)
    .ok()?;
    secret.as_slice().try_into().ok().map(PairSecret::from_bytes)
}

/// Derives what two devices prove to each other from a secret that more than these two hold.
pub(crate) fn for_two(secret: &PairSecret, one: &DeviceId, other: &DeviceId) -> PairSecret {
    let mut hasher = blake3::Hasher::new_derive_key("verso 2026-11 shared secret of two devices v1");
    hasher.update(secret.expose()).update(one.min(other).as_bytes()).update(one.max(other).as_bytes());
    let derived = PairSecret::from_bytes(*hasher.finalize().as_bytes());
    zeroize::Zeroize::zeroize(&mut hasher);
    derived
}

/// Random bytes that were drawn before: HPKE asks for as many as a key has.
struct Fresh(blake3::OutputReader);

impl Fresh {
    fn new(seed: [u8; 32]) -> Self {
        Self(blake3::Hasher::new_keyed(&seed).finalize_xof())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }
}

impl TryRng for Fresh {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.take()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.take()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Fresh {}

#[cfg(test)]
mod tests {
    use verso_identity::DeviceKey;
    use x25519_dalek::{PublicKey, StaticSecret};

    use super::*;

    const SECRET: PairSecret = PairSecret::from_bytes([7; 32]);
    const GROUP: Subject = Subject::Group(GenerationId([1; 16]));

    fn device(number: u8) -> (DeviceId, Key<purposes::Sealing>, [u8; 32]) {
        let key = DeviceKey::from_secret(&Zeroizing::new([number; 32]));
        let sealing = key.derive::<purposes::Sealing>();
        let public = PublicKey::from(&StaticSecret::from(*sealing.expose())).to_bytes();
        (key.id(), sealing, public)
    }

    #[test]
    fn only_the_device_it_was_sealed_for_opens_it_and_only_as_what_it_is() {
        let ((id, key, public), (other, other_key, _)) = (device(1), device(2));
        let sealed = seal(&SECRET, GROUP, id, &public, [3; 32]).unwrap();
        assert_eq!(sealed.bytes.len(), 80);
        assert_eq!(open(&sealed, GROUP, &key).unwrap().expose(), SECRET.expose());
        assert!(open(&sealed, GROUP, &other_key).is_none());
        assert!(open(&sealed, Subject::Group(GenerationId([2; 16])), &key).is_none(), "another generation");
        assert!(open(&sealed, Subject::Pair(other), &key).is_none(), "another kind");
        assert!(open(&Sealed { device: other, ..sealed.clone() }, GROUP, &key).is_none(), "another device's name");
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            assert!(open(&changed, GROUP, &key).is_none(), "byte {at}");
        }
        for length in 0..sealed.bytes.len() {
            let cut = Sealed { device: id, bytes: sealed.bytes[..length].to_vec() };
            assert!(open(&cut, GROUP, &key).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn the_document_s_vectors_hold() {
        let document = include_str!("../../../docs/formats/trust.md");
        let ((first, _, public), (second, ..)) = (device(1), device(2));
        let sealed = |subject, fresh| seal(&SECRET, subject, first, &public, [fresh; 32]).unwrap().bytes;
        let (as_group, as_pair) = (sealed(GROUP, 3), sealed(Subject::Pair(second), 4));
        let (derived, number) = (for_two(&SECRET, &first, &second), SECRET.generation().to_le_bytes());
        let rows: [(&str, &[u8]); 6] = [
            ("first device", first.as_bytes()),
            ("second device", second.as_bytes()),
            ("sealed for the first device, as generation 16 times `0x01`", &as_group),
            ("sealed for the first device, as what was agreed with the second", &as_pair),
            ("derived for the two", derived.expose()),
            ("number of the secret, little-endian", &number),
        ];
        let rows = rows.map(|(what, bytes)| format!("| {what} | `{}` |", data_encoding::HEXLOWER.encode(bytes)));
        let missing: Vec<&String> = rows.iter().filter(|row| !document.lines().any(|line| line == *row)).collect();
        assert_eq!(missing, Vec::<&String>::new());
    }

    #[test]
    fn each_sealing_is_another() {
        let (id, _, public) = device(1);
        let [one, two] = [[3; 32], [4; 32]].map(|fresh| seal(&SECRET, GROUP, id, &public, fresh).unwrap().bytes);
        assert!(one[..32] != two[..32] && one[32..] != two[32..]);
    }

    #[test]
    fn nothing_is_sealed_to_a_key_that_anybody_knows() {
        assert!(seal(&SECRET, GROUP, device(1).0, &[0; 32], [3; 32]).is_none(), "a point of small order");
    }

    #[test]
    fn two_devices_derive_the_same_and_another_pair_does_not() {
        let (a, b, c) = (device(1).0, device(2).0, device(3).0);
        assert_eq!(for_two(&SECRET, &a, &b).expose(), for_two(&SECRET, &b, &a).expose());
        assert_ne!(for_two(&SECRET, &a, &b).expose(), for_two(&SECRET, &a, &c).expose());
    }
}

//! Keys and signatures: known answers, domains, and the keys that no signature may verify under.

use proptest::prelude::*;
use verso_identity::{DeviceId, DeviceKey, Key, Signature, SignatureDomain, purposes};
use zeroize::Zeroizing;

fn key(seed: u8) -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([seed; 32]))
}

/// RFC 8032, section 7.1, test 1.
#[test]
fn public_key_of_rfc_8032() {
    let secret = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let key = DeviceKey::from_secret(&Zeroizing::new(secret));
    assert_eq!(key.id().to_hex(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    assert_eq!(*key.to_secret(), secret);
}

/// Held fast, because changing any of them loses what was encrypted or breaks every pairing. Computed once with Python's
/// `cryptography` (HKDF-SHA256, salt "verso key purposes v1", info the label).
#[test]
fn purposes_are_known_answers() {
    let key = key(7);
    assert_eq!(key.derive::<purposes::Log>().expose(), &hex(LOG));
    assert_eq!(key.derive::<purposes::LocalState>().expose(), &hex(LOCAL_STATE));
    assert_eq!(key.derive::<purposes::Noise>().expose(), &hex(NOISE));
    assert_eq!(key.derive::<purposes::Sealing>().expose(), &hex(SEALING));
}

#[test]
fn another_device_derives_another_key() {
    let (one, other): (Key<purposes::Log>, Key<purposes::Log>) = (key(1).derive(), key(2).derive());
    assert_ne!(one.expose(), other.expose());
}

#[test]
fn a_generated_key_is_new() {
    assert_ne!(DeviceKey::generate().unwrap().id(), DeviceKey::generate().unwrap().id());
}

/// 64 bytes in binary formats, no length before them.
#[test]
fn signatures_serialise_as_their_bytes() {
    let signature = key(1).sign(SignatureDomain::Seal, b"message");
    let bytes = postcard::to_allocvec(&signature).unwrap();
    assert_eq!(bytes, signature.as_bytes());
    assert_eq!(postcard::from_bytes::<Signature>(&bytes).unwrap(), signature);
    assert!(postcard::from_bytes::<Signature>(&bytes[..63]).is_err());
}

#[test]
fn a_signature_holds_for_its_key_domain_and_message_only() {
    let signature = key(1).sign(SignatureDomain::Seal, b"message");
    assert!(key(1).id().verify(SignatureDomain::Seal, b"message", &signature).is_ok());
    assert!(key(2).id().verify(SignatureDomain::Seal, b"message", &signature).is_err());
    assert!(key(1).id().verify(SignatureDomain::Pairing, b"message", &signature).is_err());
    assert!(key(1).id().verify(SignatureDomain::Seal, b"another", &signature).is_err());
}

/// The neutral element as key and as `R`, and `S` = 0: the equation holds for every message, unless small orders are refused.
#[test]
fn small_order_keys_verify_nothing() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut forged = [0; 64];
    forged[0] = 1;
    let id = DeviceId::from_bytes(neutral);
    assert!(id.verify(SignatureDomain::Seal, b"anything", &Signature::from_bytes(forged)).is_err());
}

#[test]
fn bytes_that_are_no_point_verify_nothing() {
    let signature = key(1).sign(SignatureDomain::Seal, b"message");
    for id in [[2; 32], [0xff; 32], [0; 32]] {
        assert!(DeviceId::from_bytes(id).verify(SignatureDomain::Seal, b"message", &signature).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn signing_is_deterministic_and_any_flipped_bit_breaks_it(message: Vec<u8>, bit in 0_usize..512) {
        let signature = key(3).sign(SignatureDomain::Pairing, &message);
        prop_assert_eq!(signature, key(3).sign(SignatureDomain::Pairing, &message));
        let mut bytes = *signature.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let flipped = Signature::from_bytes(bytes);
        prop_assert!(key(3).id().verify(SignatureDomain::Pairing, &message, &flipped).is_err());
    }

    #[test]
    fn arbitrary_signatures_verify_nothing(id: [u8; 32], one: [u8; 32], two: [u8; 32], message: Vec<u8>) {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&one);
        bytes[32..].copy_from_slice(&two);
        let verdict = DeviceId::from_bytes(id).verify(SignatureDomain::Seal, &message, &Signature::from_bytes(bytes));
        prop_assert!(verdict.is_err());
    }
}

fn hex(text: &str) -> [u8; 32] {
    *text.parse::<DeviceId>().unwrap().as_bytes()
}

const LOG: &str = "571ec479bca18ded150b8d636e55e030115119d9e89827218b92e7da4627386f";
const LOCAL_STATE: &str = "15548c5adba8e316a1429f2acec2c76dd43c46269ee853036aa94bced3d616ba";
const NOISE: &str = "0463264c3f4114b3c5d2760cc7b92bd7af48b1632d0322fb08bdef25b77c7dd0";
const SEALING: &str = "81e452ba4f90cca42bfb2a7edbee134e42fa39ac29a908704ce7620a870d82f1";

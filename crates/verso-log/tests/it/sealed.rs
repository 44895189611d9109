//! Sealed files: private, whole, and of one use.

use proptest::prelude::*;
use verso_identity::{DeviceKey, Key, purposes};
use verso_log::{MemoryStorage, SealedFile, UnsealError};
use zeroize::Zeroizing;

use crate::support::cases;

fn key(n: u8) -> Key<purposes::LocalState> {
    DeviceKey::from_secret(&Zeroizing::new([n; 32])).derive()
}

fn sealed(text: &[u8]) -> MemoryStorage {
    let disk = MemoryStorage::new(1);
    SealedFile::seal(&disk, "state", &key(1), b"peers", text).unwrap();
    disk
}

#[test]
fn a_file_opens_under_its_key_and_label_alone() {
    let disk = sealed(b"who my friends are");
    assert_eq!(&SealedFile::open(&disk, "state", &key(1), b"peers").unwrap()[..], b"who my friends are");
    for (with, label) in [(2, &b"peers"[..]), (1, b"peer"), (1, b""), (1, b"peersx")] {
        let error = SealedFile::open(&disk, "state", &key(with), label).unwrap_err();
        assert!(matches!(error, UnsealError::WrongKey), "{error}");
    }
    let other_purpose: Key<purposes::Log> = DeviceKey::from_secret(&Zeroizing::new([1; 32])).derive();
    assert!(matches!(SealedFile::open(&disk, "state", &other_purpose, b"peers"), Err(UnsealError::WrongKey)));
    assert!(matches!(SealedFile::open(&disk, "none", &key(1), b"peers"), Err(UnsealError::NotFound)));
}

#[test]
fn every_flipped_bit_and_every_cut_is_damage() {
    let disk = sealed(b"who my friends are");
    let bytes = disk.read_file("state").unwrap();
    for at in 0..bytes.len() {
        disk.flip("state", at, 1 << (at % 8));
        let error = SealedFile::open(&disk, "state", &key(1), b"peers").unwrap_err();
        assert!(matches!(error, UnsealError::Damaged), "byte {at}: {error}");
        disk.write_file("state", &bytes[..at]);
        let error = SealedFile::open(&disk, "state", &key(1), b"peers").unwrap_err();
        assert!(matches!(error, UnsealError::Damaged), "cut to {at}: {error}");
        disk.write_file("state", &bytes);
    }
    disk.write_file("state", &[&bytes[..], b"x"].concat());
    assert!(matches!(SealedFile::open(&disk, "state", &key(1), b"peers"), Err(UnsealError::Damaged)));
}

#[test]
fn a_file_from_the_future_says_so() {
    let disk = sealed(b"text");
    let mut bytes = disk.read_file("state").unwrap();
    bytes[8] = 2;
    let end = bytes.len() - 8;
    let check: [u8; 8] = blake3::hash(&bytes[..end]).as_bytes()[..8].try_into().unwrap();
    bytes[end..].copy_from_slice(&check);
    disk.write_file("state", &bytes);
    let error = SealedFile::open(&disk, "state", &key(1), b"peers").unwrap_err();
    assert!(matches!(error, UnsealError::NewerFormat { found: 2, supported: 1 }), "{error}");
}

/// The check is no secret: whoever wrote one can make it fit.
#[test]
fn a_file_whose_check_fits_is_damaged_all_the_same_where_its_fields_say_nothing() {
    let disk = sealed(b"text");
    let whole = disk.read_file("state").unwrap();
    let refused = |body: &[u8]| {
        let check: [u8; 8] = blake3::hash(body).as_bytes()[..8].try_into().unwrap();
        disk.write_file("state", &[body, &check].concat());
        SealedFile::open(&disk, "state", &key(1), b"peers")
    };
    let body = &whole[..whole.len() - 8];
    assert!(refused(body).is_ok());
    let mut reserved = body.to_vec();
    reserved[10] = 1;
    assert!(matches!(refused(&reserved), Err(UnsealError::Damaged)));
    // No room for the tag, nor for the header.
    for len in (0..body.len() - 4).filter(|len| *len < 48 + 16) {
        assert!(matches!(refused(&body[..len]), Err(UnsealError::Damaged)), "{len} bytes");
    }
}

#[test]
fn sealing_again_shares_no_byte_pattern_and_keeps_the_old_content_until_it_is_done() {
    let disk = sealed(&[0; 200]);
    let first = disk.read_file("state").unwrap();
    SealedFile::seal(&disk, "state", &key(1), b"peers", &[0; 200]).unwrap();
    let second = disk.read_file("state").unwrap();
    let same = first.iter().zip(&second).skip(16).filter(|(a, b)| a == b).count();
    assert!(same < 20, "another salt, another key: {same} bytes alike");
    let probe = disk.snapshot(0);
    SealedFile::seal(&probe, "state", &key(1), b"peers", b"new").unwrap();
    for at in 0..probe.operations() {
        let disk = disk.snapshot(at);
        disk.crash_after(at);
        let done = SealedFile::seal(&disk, "state", &key(1), b"peers", b"new").is_ok();
        let after = disk.crash(at);
        let text = SealedFile::open(&after, "state", &key(1), b"peers").unwrap();
        assert!(text[..] == *b"new" || (!done && text[..] == [0; 200]), "cut at {at}");
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn any_text_comes_back(text in prop::collection::vec(any::<u8>(), 0..2_000), label in prop::collection::vec(any::<u8>(), 0..40)) {
        let disk = MemoryStorage::new(1);
        SealedFile::seal(&disk, "state", &key(1), &label, &text).unwrap();
        let found = SealedFile::open(&disk, "state", &key(1), &label).unwrap();
        prop_assert!(found[..] == text[..]);
        let bytes = disk.read_file("state").unwrap();
        prop_assert!(text.len() < 8 || !bytes.windows(text.len()).any(|window| window == text));
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let disk = MemoryStorage::new(1);
        disk.write_file("state", &bytes);
        let refused = SealedFile::open(&disk, "state", &key(1), b"");
        prop_assert!(matches!(refused, Err(UnsealError::Damaged)));
    }
}

//! [`MarkStore`]: where the high-water mark is kept, sealed, as `docs/formats/identity.md` lays it out.

use std::fmt;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};

use super::error::{LoadError, MarkError, StoreError};
use crate::device::DeviceKey;
use crate::purpose::purposes;

/// Longest mark in bytes before it is sealed. Sealed it has to fit into one credential of Windows, which takes 2,560 bytes.
pub const MAX_MARK_LEN: usize = 2432;

const MAGIC: &[u8; 10] = b"verso mark";
/// The newest version of the format, and the only one so far.
const VERSION: u8 = 1;
const HEADER_LEN: usize = MAGIC.len() + 1;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Keeps the high-water mark of a device: how far it has written, so that a data directory that was put back is noticed.
///
/// What the mark says is its user's business; here it is bytes. They are sealed under a key of the device, so that wherever
/// they lie they tell nothing, and one that was changed is none. Replaced as a whole, often, and never the only thing that
/// anything depends on.
pub trait MarkStore: fmt::Debug + Send + Sync {
    /// Returns the sealed mark; `None` if none was ever kept.
    ///
    /// # Errors
    /// [`LoadError`] if the store can't be asked.
    fn read_sealed(&self) -> Result<Option<Vec<u8>>, LoadError>;

    /// Replaces the sealed mark.
    ///
    /// # Errors
    /// [`StoreError`]; then the one before is there, or this one.
    fn write_sealed(&self, sealed: &[u8]) -> Result<(), StoreError>;

    /// Returns the mark of the device whose key this is; `None` if none was ever kept.
    ///
    /// # Errors
    /// [`MarkError`] if the store can't be asked, or what it gives is no mark of this device.
    fn load_mark(&self, key: &DeviceKey) -> Result<Option<Vec<u8>>, MarkError> {
        self.read_sealed().map_err(MarkError::Read)?.map(|sealed| open(key, &sealed)).transpose()
    }

    /// Replaces the mark of the device whose key this is.
    ///
    /// # Errors
    /// [`MarkError`]; then the one before is there, or this one.
    fn store_mark(&self, key: &DeviceKey, mark: &[u8]) -> Result<(), MarkError> {
        self.write_sealed(&seal(key, mark)?).map_err(MarkError::Write)
    }
}

fn cipher(key: &DeviceKey) -> Aes256Gcm {
    Aes256Gcm::new(key.derive::<purposes::HighWater>().expose().into())
}

fn seal(key: &DeviceKey, mark: &[u8]) -> Result<Vec<u8>, MarkError> {
    if mark.len() > MAX_MARK_LEN {
        return Err(MarkError::TooLong { len: mark.len(), max: MAX_MARK_LEN });
    }
    // Random nonces under one key are good for 2³² seals: a renewal a second for a hundred years.
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|source| MarkError::Write(StoreError::Random(source)))?;
    let header = header();
    let mut body = mark.to_vec();
    let tag = cipher(key)
        .encrypt_inout_detached(&Nonce::from(nonce), &header, body.as_mut_slice().into())
        .map_err(|_too_long| MarkError::TooLong { len: mark.len(), max: MAX_MARK_LEN })?;
    Ok([header.as_slice(), &nonce, &body, &tag].concat())
}

fn open(key: &DeviceKey, sealed: &[u8]) -> Result<Vec<u8>, MarkError> {
    let rest = sealed.strip_prefix(MAGIC).ok_or(MarkError::Damaged)?;
    let (version, rest) = rest.split_first().ok_or(MarkError::Damaged)?;
    match *version {
        VERSION => {}
        0 => return Err(MarkError::Damaged),
        version => return Err(MarkError::Newer { version, supported: VERSION }),
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(MarkError::Damaged)?;
    let (body, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(MarkError::Damaged)?;
    if body.len() > MAX_MARK_LEN {
        return Err(MarkError::Damaged);
    }
    let mut mark = body.to_vec();
    cipher(key)
        .decrypt_inout_detached(&Nonce::from(*nonce), &header(), mark.as_mut_slice().into(), &Tag::from(*tag))
        .map_err(|_forged| MarkError::Damaged)?;
    Ok(mark)
}

fn header() -> [u8; HEADER_LEN] {
    let mut header = [VERSION; HEADER_LEN];
    header.iter_mut().zip(MAGIC).for_each(|(to, from)| *to = *from);
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;

    fn key(seed: u8) -> DeviceKey {
        DeviceKey::from_secret(&Zeroizing::new([seed; 32]))
    }

    #[test]
    fn the_longest_mark_fits_a_credential_of_windows() {
        let sealed = seal(&key(1), &[7; MAX_MARK_LEN]).unwrap();
        assert!(sealed.len() <= 2560, "{}", sealed.len());
        assert_eq!(open(&key(1), &sealed).unwrap(), [7; MAX_MARK_LEN]);
        assert!(matches!(seal(&key(1), &[7; MAX_MARK_LEN + 1]), Err(MarkError::TooLong { .. })));
    }

    #[test]
    fn another_device_s_mark_is_none() {
        let sealed = seal(&key(1), b"far").unwrap();
        assert!(matches!(open(&key(2), &sealed), Err(MarkError::Damaged)));
        assert!(!sealed.windows(3).any(|window| window == b"far"), "what it says is not to be read");
        assert_ne!(sealed, seal(&key(1), b"far").unwrap(), "a nonce is used once");
    }

    #[test]
    fn the_document_s_vector_opens() {
        let document = include_str!("../../../../docs/formats/identity.md");
        let vector = document.split('`').find(|part| part.starts_with("766572736f206d61726b01")).unwrap();
        let sealed = data_encoding::HEXLOWER.decode(vector.as_bytes()).unwrap();
        let device = DeviceKey::from_secret(&Zeroizing::new(std::array::from_fn(|at| u8::try_from(at).unwrap())));
        let mark = open(&device, &sealed).unwrap();
        assert_eq!((mark.len(), &mark[..4], &mark[4..20]), (103, &[1, 0x91, 0x22, 2][..], &[3; 16][..]));
    }

    #[test]
    fn a_later_version_says_so() {
        let mut sealed = seal(&key(1), b"far").unwrap();
        sealed[MAGIC.len()] = 2;
        assert!(matches!(open(&key(1), &sealed), Err(MarkError::Newer { version: 2, supported: 1 })));
    }

    #[test]
    fn every_flip_and_every_truncation_is_noticed() {
        let sealed = seal(&key(1), b"far").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key(1), &flipped).is_err(), "{bit}");
        }
        for len in 0..sealed.len() {
            assert!(open(&key(1), &sealed[..len]).is_err(), "{len}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(mark in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(open(&key(3), &seal(&key(3), &mark).unwrap()).unwrap(), mark);
        }

        #[test]
        fn anything_else_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(&key(3), &bytes).is_err());
            prop_assert!(open(&key(3), &[MAGIC, bytes.as_slice()].concat()).is_err());
        }
    }
}

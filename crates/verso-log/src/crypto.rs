//! Keys and ciphers of the journal: one key a segment, one nonce a record.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use verso_identity::{Key, Purpose};
use zeroize::Zeroizing;

use crate::codec::prefix;

/// Length of an authentication tag.
pub(crate) const TAG_LEN: usize = 16;

/// Length of the random salt that a key is derived with. 32 bytes never repeat, so no key does.
pub(crate) const SALT_LEN: usize = 32;

/// The generation of the master key. It stands in every header, so that a later release can change the key and still open
/// what the old one encrypted.
pub(crate) const KEY_GENERATION: u32 = 1;

/// The log's master key, from which each segment's is derived.
pub(crate) struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    pub(crate) fn new<P: Purpose>(key: &Key<P>) -> Self {
        Self(Zeroizing::new(*key.expose()))
    }

    /// Derives the key of the segment with this salt.
    pub(crate) fn segment(&self, generation: u32, salt: &[u8; SALT_LEN]) -> SegmentKey {
        let mut okm = Zeroizing::new([0; 64]);
        derive("verso-log 2026-11 segment key v1", &self.0, generation, salt, okm.as_mut());
        SegmentKey::new(&okm)
    }

    /// Derives the key of the sealed file with this salt.
    pub(crate) fn sealed_file(&self, generation: u32, salt: &[u8; SALT_LEN]) -> SegmentKey {
        let mut okm = Zeroizing::new([0; 64]);
        derive("verso-log 2026-11 sealed file key v1", &self.0, generation, salt, okm.as_mut());
        SegmentKey::new(&okm)
    }

    /// Derives the key of the stream whose header has this hash.
    pub(crate) fn stream(&self, generation: u32, header_hash: &[u8; 32]) -> SegmentKey {
        let mut okm = Zeroizing::new([0; 64]);
        derive("verso-log 2026-11 stream key v1", &self.0, generation, header_hash, okm.as_mut());
        SegmentKey::new(&okm)
    }
}

fn derive(context: &str, master: &[u8; 32], generation: u32, salt: &[u8; SALT_LEN], out: &mut [u8]) {
    blake3::Hasher::new_derive_key(context)
        .update(master)
        .update(&generation.to_le_bytes())
        .update(salt)
        .finalize_xof()
        .fill(out);
}

/// The key of one segment or sealed file: AES-256-GCM, and a key for the checks of record headers.
///
/// A nonce must be used once. The journal takes the record's number; a segment is never appended to after it was opened
/// again, and every new one has a new salt.
pub(crate) struct SegmentKey {
    cipher: Aes256Gcm,
    check: Zeroizing<[u8; 32]>,
}

impl SegmentKey {
    fn new(okm: &[u8; 64]) -> Self {
        let (cipher, check) = okm.split_at(32);
        let mut check_key = Zeroizing::new([0; 32]);
        check_key.copy_from_slice(check);
        #[expect(clippy::expect_used, reason = "half of 64 bytes is a key of 32")]
        let cipher = Aes256Gcm::new_from_slice(cipher).expect("an AES-256 key has 32 bytes");
        Self { cipher, check: check_key }
    }

    /// Encrypts `text` in place and returns the tag.
    pub(crate) fn seal(&self, nonce: u64, associated: &[u8], text: &mut [u8]) -> [u8; TAG_LEN] {
        #[expect(
            clippy::expect_used,
            reason = "AES-GCM takes 64 GiB; texts here fit in memory and files are far smaller"
        )]
        let tag = self
            .cipher
            .encrypt_inout_detached(&nonce_bytes(nonce), associated, text.into())
            .expect("the text is within AES-GCM's limit");
        tag.into()
    }

    /// Decrypts `sealed` (text and tag) into `out`, whose content is replaced. `None` if it is not authentic; `out` is
    /// then empty.
    pub(crate) fn open(&self, nonce: u64, associated: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        out.clear();
        let (text, tag) = sealed.split_last_chunk::<TAG_LEN>()?;
        out.resize(text.len(), 0);
        let buffer = InOutBuf::new(text, out.as_mut_slice()).ok()?;
        let opened =
            self.cipher.decrypt_inout_detached(&nonce_bytes(nonce), associated, buffer, &Tag::<_>::from(*tag)).is_ok();
        if !opened {
            out.clear();
        }
        opened.then_some(())
    }

    /// Returns the 4-byte check of a record header's first 12 bytes. It is keyed, so that what is left on a disk from
    /// other files is not taken for a header of this segment.
    pub(crate) fn header_check(&self, fields: &[u8; 12]) -> [u8; 4] {
        prefix(blake3::keyed_hash(&self.check, fields))
    }
}

impl fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentKey")
    }
}

/// The nonce of record `number`: the number, little-endian, filled up with zeros.
fn nonce_bytes(number: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    for (byte, from) in nonce.iter_mut().zip(number.to_le_bytes()) {
        *byte = from;
    }
    nonce.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(salt: u8) -> SegmentKey {
        MasterKey(Zeroizing::new([7; 32])).segment(KEY_GENERATION, &[salt; SALT_LEN])
    }

    #[test]
    fn opens_only_under_the_same_key_nonce_and_associated_data() {
        let mut sealed = b"text".to_vec();
        let tag = key(1).seal(5, b"data", &mut sealed);
        sealed.extend_from_slice(&tag);
        let mut out = Vec::new();
        assert!(key(1).open(5, b"data", &sealed, &mut out).is_some());
        assert_eq!(out, b"text");
        assert!(key(1).open(6, b"data", &sealed, &mut out).is_none());
        assert!(out.is_empty(), "nothing unauthentic is given out");
        assert!(key(1).open(5, b"other", &sealed, &mut out).is_none());
        assert!(key(2).open(5, b"data", &sealed, &mut out).is_none());
        assert!(key(1).open(5, b"data", &tag[..8], &mut out).is_none());
    }

    #[test]
    fn segments_and_sealed_files_have_keys_apart() {
        let master = MasterKey(Zeroizing::new([7; 32]));
        let segment = master.segment(KEY_GENERATION, &[1; SALT_LEN]);
        let file = master.sealed_file(KEY_GENERATION, &[1; SALT_LEN]);
        assert_ne!(segment.header_check(&[0; 12]), file.header_check(&[0; 12]));
        assert_ne!(segment.header_check(&[0; 12]), key(2).header_check(&[0; 12]));
    }
}

//! [`SealedFile`]: a small file that is encrypted as a whole and replaced as a whole.

use std::io;

use verso_identity::{Key, Purpose};
use zeroize::Zeroizing;

use crate::codec::{Input, prefix};
use crate::crypto::{KEY_GENERATION, MasterKey, SALT_LEN, TAG_LEN};
use crate::storage::{Storage, read_all, write_atomic};

/// The newest version of the format, and the only one so far.
const VERSION: u16 = 1;

const MAGIC: &[u8; 8] = b"VERSOBOX";
const HEADER_LEN: usize = 16 + SALT_LEN;
const CHECK_LEN: usize = 8;

/// Each file has a key of its own, so its one text takes nonce 0.
const NONCE: u64 = 0;

/// A file was not sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The storage failed. What the file held before is in place, or what it was to hold.
    #[error("the file could not be written")]
    Io(#[from] io::Error),
}

/// A sealed file was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// The file is whole, and sealed under another key or label.
    #[error("the file is sealed under another key or for another use")]
    WrongKey,
    /// The file is damaged, or none of this kind.
    #[error("the file is damaged")]
    Damaged,
    /// A newer version of this program wrote the file.
    #[error("the file has format version {found}, this program reads up to {supported}")]
    NewerFormat {
        /// The version of the file.
        found: u16,
        /// The newest version that is understood.
        supported: u16,
    },
    /// The storage failed.
    #[error("the file could not be read")]
    Io(#[source] io::Error),
}

/// Small encrypted files, such as local state and checkpoints: read and replaced as a whole.
///
/// Every time a file is sealed it gets a new random salt and with it a new key. `label` says what the file is; one that was
/// sealed for another use does not open, so files can't be swapped. An older state of the same file can be put back by whoever
/// can write to the disk: what must not be rolled back is to be checked elsewhere.
#[derive(Debug)]
pub enum SealedFile {}

impl SealedFile {
    /// Encrypts `plaintext` and puts it in the place of what is at `path`, durably: after a crash the old content is there
    /// or the new one.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal<S: Storage, P: Purpose>(
        storage: &S,
        path: &str,
        key: &Key<P>,
        label: &[u8],
        plaintext: &[u8],
    ) -> Result<(), SealError> {
        let mut salt = [0; SALT_LEN];
        storage.random(&mut salt)?;
        Ok(write_atomic(storage, path, &encode(&MasterKey::new(key), &salt, label, plaintext))?)
    }

    /// Reads the file at `path` and decrypts it.
    ///
    /// # Errors
    /// [`UnsealError`].
    pub fn open<S: Storage, P: Purpose>(
        storage: &S,
        path: &str,
        key: &Key<P>,
        label: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let bytes = read_all(storage, path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => UnsealError::NotFound,
            _ => UnsealError::Io(error),
        })?;
        decode(&MasterKey::new(key), label, &bytes)
    }
}

fn encode(master: &MasterKey, salt: &[u8; SALT_LEN], label: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN + CHECK_LEN);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&0_u16.to_le_bytes());
    bytes.extend_from_slice(&KEY_GENERATION.to_le_bytes());
    bytes.extend_from_slice(salt);
    let associated = associated(&bytes, label);
    bytes.extend_from_slice(plaintext);
    let text = bytes.get_mut(HEADER_LEN..).unwrap_or_default();
    let tag = master.sealed_file(KEY_GENERATION, salt).seal(NONCE, &associated, text);
    bytes.extend_from_slice(&tag);
    bytes.extend_from_slice(&check(&bytes));
    bytes
}

fn decode(master: &MasterKey, label: &[u8], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
    let (sealed, stored_check) = bytes.split_last_chunk::<CHECK_LEN>().ok_or(UnsealError::Damaged)?;
    let (header, body) = sealed.split_at_checked(HEADER_LEN).ok_or(UnsealError::Damaged)?;
    let mut input = Input::new(header);
    let magic: [u8; 8] = input.array().ok_or(UnsealError::Damaged)?;
    if magic != *MAGIC || check(sealed) != *stored_check {
        return Err(UnsealError::Damaged);
    }
    let found = input.u16().ok_or(UnsealError::Damaged)?;
    if found != VERSION {
        return Err(UnsealError::NewerFormat { found, supported: VERSION });
    }
    let reserved = input.u16().ok_or(UnsealError::Damaged)?;
    let generation = input.u32().ok_or(UnsealError::Damaged)?;
    let salt = input.array().ok_or(UnsealError::Damaged)?;
    if reserved != 0 || body.len() < TAG_LEN {
        return Err(UnsealError::Damaged);
    }
    let mut text = Zeroizing::new(Vec::new());
    let key = master.sealed_file(generation, &salt);
    key.open(NONCE, &associated(header, label), body, &mut text).ok_or(UnsealError::WrongKey)?;
    Ok(text)
}

/// The text is bound to the header and to the label.
fn associated(header: &[u8], label: &[u8]) -> Vec<u8> {
    [header, label].concat()
}

/// The check needs no key, so damage can be told from a wrong key.
fn check(bytes: &[u8]) -> [u8; CHECK_LEN] {
    prefix(blake3::hash(bytes))
}

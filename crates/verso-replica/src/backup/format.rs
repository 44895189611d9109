//! The bytes of a backup, version 1, as `docs/formats/backup.md` lays them out: a header, and behind it an encrypted stream of items.

use verso_identity::{Cost, Key, Passphrase, purposes};
use verso_log::StreamKey;

/// The newest version of the format, and the only one so far.
const VERSION: u16 = 1;

const MAGIC: &[u8; 12] = b"verso backup";
/// The number of Argon2id in its version 1.3 (RFC 9106), the only key derivation there is.
const ARGON2ID: u8 = 1;
const SALT_LEN: usize = 16;
const CANARY_LEN: usize = 16;
const CHECK_LEN: usize = 16;
/// All that the key is bound to.
const BOUND_LEN: usize = MAGIC.len() + 2 + 2 + 1 + 1 + 2 + 4 + SALT_LEN;
/// Where the header's length stands, in every version.
const LEN_AT: usize = MAGIC.len() + 2;
/// As many bytes of a file as suffice to read the header of any version.
pub(super) const MAX_HEADER_LEN: usize = 4096;
/// Length of the header.
pub(super) const HEADER_LEN: usize = BOUND_LEN + CANARY_LEN + CHECK_LEN;

/// Length of what stands before an item: its kind and the length of its body.
pub(super) const ITEM_HEAD_LEN: usize = 5;

/// The longest body of an item: more than the longest record of a journal, and little enough to be held in memory.
pub(super) const MAX_ITEM_LEN: usize = 4 * 1024 * 1024;

/// What an item of the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// Whose backup this is: the secret, when it was made, and what the host keeps beside. Always the first.
    Device,
    /// The log of a workspace begins.
    Log,
    /// A unit of that log.
    Unit,
    /// The device's local state.
    State,
    /// How many units and entries there were. Always the last.
    End,
    /// The proofs of forks that the device knows.
    Forks,
}

impl Item {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Device => 1,
            Self::Log => 2,
            Self::Unit => 3,
            Self::State => 4,
            Self::End => 5,
            Self::Forks => 6,
        }
    }

    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Device),
            2 => Some(Self::Log),
            3 => Some(Self::Unit),
            4 => Some(Self::State),
            5 => Some(Self::End),
            6 => Some(Self::Forks),
            _ => None,
        }
    }
}

/// A file does not open as a backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It is something else.
    #[error("the file is no backup of Verso")]
    NotOurs,
    /// Its header is damaged.
    #[error("the backup's header is damaged")]
    Damaged,
    /// A newer version of this program wrote it.
    #[error("the backup has format version {found}, this program reads up to {supported}")]
    Newer {
        /// The version of the file.
        found: u16,
        /// The newest version that is understood.
        supported: u16,
    },
    /// It asks for more memory or time than an honest one would.
    #[error("the backup asks for an unreasonable cost to open it")]
    OutOfBounds,
    /// The memory to open it isn't there.
    #[error("there are not the {memory_kib} KiB of memory that opening the backup takes")]
    OutOfMemory {
        /// How much is needed.
        memory_kib: u32,
    },
    /// The passphrase is another one.
    #[error("the passphrase is not the one of this backup")]
    WrongPassphrase,
}

/// Makes a header and the key of the stream behind it; `None` if the memory isn't there. The salt must be fresh.
pub(super) fn seal_header(passphrase: &Passphrase, cost: Cost, salt: &[u8; SALT_LEN]) -> Option<(Vec<u8>, StreamKey)> {
    let mut header = Vec::with_capacity(HEADER_LEN);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&u16::try_from(HEADER_LEN).ok()?.to_le_bytes());
    header.extend_from_slice(&[ARGON2ID, cost.lanes]);
    header.extend_from_slice(&cost.passes.to_le_bytes());
    header.extend_from_slice(&cost.memory_kib.to_le_bytes());
    header.extend_from_slice(salt);
    let key: Key<purposes::Backup> = cost.derive(passphrase, salt)?;
    let key = StreamKey::new(&key, &header);
    header.extend_from_slice(&key.canary());
    header.extend_from_slice(&check(&header));
    Some((header, key))
}

/// Opens a header: `bytes` are the file's first, as many as there are up to [`MAX_HEADER_LEN`].
pub(super) fn open_header(bytes: &[u8], passphrase: &Passphrase) -> Result<StreamKey, HeaderError> {
    if bytes.is_empty() || !bytes.starts_with(MAGIC.get(..bytes.len().min(MAGIC.len())).unwrap_or_default()) {
        return Err(HeaderError::NotOurs);
    }
    // Every version has its length and its check at the same places, so that a flipped version is damage and not "newer".
    let len = bytes.get(LEN_AT..).and_then(<[u8]>::first_chunk).ok_or(HeaderError::Damaged)?;
    let header = bytes.get(..usize::from(u16::from_le_bytes(*len))).ok_or(HeaderError::Damaged)?;
    let (body, stored) = header.split_last_chunk::<CHECK_LEN>().ok_or(HeaderError::Damaged)?;
    if check(body) != *stored {
        return Err(HeaderError::Damaged);
    }
    let fields = body.get(MAGIC.len()..).unwrap_or_default();
    let (version, fields) = fields.split_first_chunk::<2>().ok_or(HeaderError::Damaged)?;
    let found = u16::from_le_bytes(*version);
    if found > VERSION {
        return Err(HeaderError::Newer { found, supported: VERSION });
    }
    let (_len, fields) = fields.split_first_chunk::<2>().ok_or(HeaderError::Damaged)?;
    let (&[kdf, lanes], fields) = fields.split_first_chunk::<2>().ok_or(HeaderError::Damaged)?;
    let (passes, fields) = fields.split_first_chunk::<2>().ok_or(HeaderError::Damaged)?;
    let (memory, fields) = fields.split_first_chunk::<4>().ok_or(HeaderError::Damaged)?;
    let (salt, canary) = fields.split_first_chunk::<SALT_LEN>().ok_or(HeaderError::Damaged)?;
    if found != VERSION || header.len() != HEADER_LEN || kdf != ARGON2ID {
        return Err(HeaderError::Damaged);
    }
    let memory_kib = u32::from_le_bytes(*memory);
    let cost = Cost { memory_kib, passes: u16::from_le_bytes(*passes), lanes };
    if !cost.is_within_bounds() {
        return Err(HeaderError::OutOfBounds);
    }
    let key: Key<purposes::Backup> = cost.derive(passphrase, salt).ok_or(HeaderError::OutOfMemory { memory_kib })?;
    let key = StreamKey::new(&key, body.get(..BOUND_LEN).unwrap_or_default());
    // The header is as it was written, or the check would have told: what is left is the passphrase.
    if key.canary() == *canary { Ok(key) } else { Err(HeaderError::WrongPassphrase) }
}

/// Tells damage from a wrong passphrase. It is no protection: everyone can compute it.
fn check(body: &[u8]) -> [u8; CHECK_LEN] {
    let mut check = [0; CHECK_LEN];
    blake3::Hasher::new().update(b"verso backup check v1").update(body).finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    fn header() -> Vec<u8> {
        seal_header(&passphrase("right"), CHEAP, &[7; 16]).unwrap().0
    }

    #[test]
    fn layout_is_the_documented_one() {
        assert_eq!((BOUND_LEN, HEADER_LEN), (40, 72));
        assert_eq!(header().len(), HEADER_LEN);
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert!(open_header(&header(), &passphrase("right")).is_ok());
        let open = |bytes: &[u8]| open_header(bytes, &passphrase("right")).unwrap_err();
        assert!(matches!(open_header(&header(), &passphrase("wrong")).unwrap_err(), HeaderError::WrongPassphrase));
        assert!(matches!(open(b""), HeaderError::NotOurs));
        assert!(matches!(open(b"PK\x03\x04 something else"), HeaderError::NotOurs));
        for len in 1..HEADER_LEN {
            assert!(matches!(open(&header()[..len]), HeaderError::Damaged), "{len}");
        }
        for bit in 0..HEADER_LEN * 8 {
            let mut flipped = header();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match open(&flipped) {
                HeaderError::NotOurs => assert!(bit < MAGIC.len() * 8),
                HeaderError::Damaged => {}
                other => panic!("{bit}: {other}"),
            }
        }
    }

    #[test]
    fn a_newer_version_says_so_whatever_its_length() {
        let mut newer = header();
        newer.truncate(HEADER_LEN - CHECK_LEN);
        newer.extend_from_slice(&[0; 40]);
        newer[12..16].copy_from_slice(&[2, 0, 112, 0]);
        newer.truncate(96);
        newer.extend_from_slice(&check(&newer));
        newer.extend_from_slice(b"and a stream behind it");
        let error = open_header(&newer, &passphrase("right")).unwrap_err();
        assert!(matches!(error, HeaderError::Newer { found: 2, supported: 1 }), "{error}");
    }

    #[test]
    fn costs_beyond_bounds_are_not_paid() {
        for (at, bytes) in [(17, &[9_u8][..]), (18, &[0, 0]), (20, &[0xff; 4])] {
            let mut forged = header();
            forged[at..at + bytes.len()].copy_from_slice(bytes);
            let check = check(&forged[..HEADER_LEN - CHECK_LEN]);
            forged[HEADER_LEN - CHECK_LEN..].copy_from_slice(&check);
            assert!(matches!(open_header(&forged, &passphrase("right")).unwrap_err(), HeaderError::OutOfBounds));
        }
    }
}

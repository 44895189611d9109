//! The bytes of `identity.key`, version 1, as `docs/formats/identity.md` lays them out.

use std::fmt;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::LoadError;
use super::passphrase::Passphrase;
use crate::purpose::{Key, Purpose};

/// The newest format version, which is the one that is written.
pub(super) const VERSION: u16 = 1;
/// Length of a file of version 1 in bytes.
pub(super) const LEN: usize = CHECK_AT + CHECK_LEN;
/// Length of the salt in bytes: what RFC 9106 recommends.
pub(super) const SALT_LEN: usize = 16;
/// Length of the nonce in bytes: AES-GCM's own.
pub(super) const NONCE_LEN: usize = 12;

const MAGIC: &[u8; 14] = b"verso identity";
const SECRET_LEN: usize = 32;
const CHECK_LEN: usize = 16;
/// Everything before this offset is the header, which the cipher authenticates.
const SECRET_AT: usize = MAGIC.len() + 2 + 1 + 1 + 2 + 4 + SALT_LEN + NONCE_LEN;
const TAG_AT: usize = SECRET_AT + SECRET_LEN;
const CHECK_AT: usize = TAG_AT + 16;
/// The number of Argon2id in its version 1.3 (RFC 9106), the only key derivation there is.
const ARGON2ID: u8 = 1;

/// What opening something with a passphrase costs the owner, and so what each guess costs a thief: the parameters of Argon2id
/// (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u16,
    /// Lanes of that memory.
    pub lanes: u8,
}

impl Cost {
    /// What new files are written with: 48 MiB and 2 passes take about 65 ms on a core of 2026, which leaves room within
    /// the 64 MiB and 150 ms that unlocking may take at most, the rest of the process included. More would be felt
    /// at every command; less would make guesses cheaper.
    pub const DEFAULT: Self = Self { memory_kib: 48 * 1024, passes: 2, lanes: 1 };

    /// What backups are written with: 64 MiB and 8 passes take about half a second (0.47 to 0.52 s, measured in November 2026 on a virtual
    /// core). A backup is opened on a bad day and not at every command, and it lies where others may get at it.
    pub const BACKUP: Self = Self { memory_kib: 64 * 1024, passes: 8, lanes: 1 };

    /// A file that asks for more memory than this is refused before a byte of it is allocated: 64 MiB.
    const MAX_MEMORY_KIB: u32 = 64 * 1024;
    /// A file that asks for more passes is refused: at the greatest memory this many take a second, not an hour.
    const MAX_PASSES: u16 = 16;
    /// A file that asks for more lanes is refused. Lanes cost nothing by themselves; nothing is written with more than one.
    const MAX_LANES: u8 = 4;
    /// Argon2 needs 8 KiB for each lane.
    const MIN_MEMORY_KIB_PER_LANE: u32 = 8;

    /// Tells whether this is a cost that may be paid, whoever asks for it.
    pub fn is_within_bounds(self) -> bool {
        let least = Self::MIN_MEMORY_KIB_PER_LANE * u32::from(self.lanes);
        (least..=Self::MAX_MEMORY_KIB).contains(&self.memory_kib)
            && (1..=Self::MAX_PASSES).contains(&self.passes)
            && (1..=Self::MAX_LANES).contains(&self.lanes)
    }

    /// Stretches a passphrase into a key for purpose `P`; `None` if the memory isn't there, or the cost is beyond bounds. The salt must be
    /// fresh for each thing that is encrypted.
    pub fn derive<P: Purpose>(self, passphrase: &Passphrase, salt: &[u8; 16]) -> Option<Key<P>> {
        let stretched = self.is_within_bounds().then(|| self.stretch(passphrase, salt))??;
        let mut bytes = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(b"verso passphrase v1"), stretched.as_ref()).expand(P::LABEL, bytes.as_mut()).ok()?;
        Some(Key::new(bytes))
    }

    /// Stretches the passphrase into the file's own key; `None` if the memory isn't there.
    fn stretch(self, passphrase: &Passphrase, salt: &[u8; SALT_LEN]) -> Option<Zeroizing<[u8; 32]>> {
        let params = Params::new(self.memory_kib, u32::from(self.passes), u32::from(self.lanes), Some(32)).ok()?;
        let mut blocks: Vec<Block> = Vec::new();
        blocks.try_reserve_exact(params.block_count()).ok()?;
        blocks.resize(params.block_count(), Block::new());
        let mut key = Zeroizing::new([0; 32]);
        let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
            passphrase.expose(),
            salt,
            key.as_mut(),
            &mut blocks,
        );
        blocks.iter_mut().for_each(Block::zeroize);
        done.ok().map(|()| key)
    }
}

/// Seals the secret under the passphrase; `None` if the memory for that isn't there. Salt and nonce must be fresh.
pub(super) fn seal(
    secret: &Zeroizing<[u8; SECRET_LEN]>,
    passphrase: &Passphrase,
    cost: Cost,
    salt: &[u8; SALT_LEN],
    nonce: &[u8; NONCE_LEN],
) -> Option<Vec<u8>> {
    let mut file = Vec::with_capacity(LEN);
    file.extend_from_slice(MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.push(ARGON2ID);
    file.push(cost.lanes);
    file.extend_from_slice(&cost.passes.to_le_bytes());
    file.extend_from_slice(&cost.memory_kib.to_le_bytes());
    file.extend_from_slice(salt);
    file.extend_from_slice(nonce);

    let key = cost.stretch(passphrase, salt)?;
    let mut sealed = Zeroizing::new(**secret);
    let tag = Aes256Gcm::new((&*key).into())
        .encrypt_inout_detached(&Nonce::from(*nonce), &file, sealed.as_mut_slice().into())
        .ok()?;
    file.extend_from_slice(sealed.as_slice());
    file.extend_from_slice(&tag);
    let check = check(&file);
    file.extend_from_slice(&check);
    Some(file)
}

/// What a passphrase comes to once it is stretched: it opens the one file that has this salt, and nothing else.
pub(super) struct FileKey(pub(super) Zeroizing<[u8; 32]>);

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(…)")
    }
}

/// Stretches the passphrase for a file.
pub(super) fn stretch(file: &[u8], passphrase: &Passphrase) -> Result<FileKey, LoadError> {
    let parts = parse(file)?;
    let Cost { memory_kib, .. } = parts.cost;
    parts.cost.stretch(passphrase, parts.salt).map(FileKey).ok_or(LoadError::OutOfMemory { memory_kib })
}

/// Returns a file's salt, which is no other file's.
pub(super) fn salt(file: &[u8]) -> Result<[u8; SALT_LEN], LoadError> {
    Ok(*parse(file)?.salt)
}

/// Opens a file with what its passphrase comes to.
pub(super) fn open(file: &[u8], key: &FileKey) -> Result<Zeroizing<[u8; SECRET_LEN]>, LoadError> {
    let parts = parse(file)?;
    let mut secret = Zeroizing::new(*parts.sealed);
    Aes256Gcm::new((&*key.0).into())
        .decrypt_inout_detached(
            &Nonce::from(*parts.nonce),
            parts.header,
            secret.as_mut_slice().into(),
            &Tag::from(*parts.tag),
        )
        // The bytes are those that were written, or the check would have told: what is left is the passphrase.
        .map_err(|_source| LoadError::WrongPassphrase)?;
    Ok(secret)
}

/// A file taken apart, with everything checked that can be without the passphrase.
#[derive(Debug)]
struct Parts<'a> {
    header: &'a [u8],
    cost: Cost,
    salt: &'a [u8; SALT_LEN],
    nonce: &'a [u8; NONCE_LEN],
    sealed: &'a [u8; SECRET_LEN],
    tag: &'a [u8; 16],
}

fn parse(file: &[u8]) -> Result<Parts<'_>, LoadError> {
    const TRUNCATED: LoadError = LoadError::Damaged { what: "it ends early" };
    if file.len() < MAGIC.len() {
        return Err(if MAGIC.starts_with(file) { TRUNCATED } else { LoadError::NotOurs });
    }
    let after_magic = file.strip_prefix(MAGIC).ok_or(LoadError::NotOurs)?;

    // The check stands at the end of every version, so that a flipped version is damage and not "newer".
    let (body, stored) = file.split_last_chunk::<CHECK_LEN>().ok_or(TRUNCATED)?;
    if body.len() < MAGIC.len() + 2 {
        return Err(TRUNCATED);
    }
    if *stored != check(body) {
        return Err(LoadError::Damaged { what: "its bytes do not match its check" });
    }

    let (version, rest) = after_magic.split_first_chunk::<2>().ok_or(TRUNCATED)?;
    match u16::from_le_bytes(*version) {
        VERSION => {}
        0 => return Err(LoadError::Damaged { what: "it has version 0" }),
        version => return Err(LoadError::Newer { version, supported: VERSION }),
    }
    let (&[kdf, lanes], rest) = rest.split_first_chunk::<2>().ok_or(TRUNCATED)?;
    let (passes, rest) = rest.split_first_chunk::<2>().ok_or(TRUNCATED)?;
    let (memory_kib, rest) = rest.split_first_chunk::<4>().ok_or(TRUNCATED)?;
    let (salt, rest) = rest.split_first_chunk::<SALT_LEN>().ok_or(TRUNCATED)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or(TRUNCATED)?;
    let (sealed, rest) = rest.split_first_chunk::<SECRET_LEN>().ok_or(TRUNCATED)?;
    let (tag, rest) = rest.split_first_chunk::<16>().ok_or(TRUNCATED)?;
    if rest.len() != CHECK_LEN {
        return Err(LoadError::Damaged { what: "bytes follow its end" });
    }
    if kdf != ARGON2ID {
        return Err(LoadError::Damaged { what: "its key derivation is unknown" });
    }
    let cost = Cost { memory_kib: u32::from_le_bytes(*memory_kib), passes: u16::from_le_bytes(*passes), lanes };
    if !cost.is_within_bounds() {
        let Cost { memory_kib, passes, lanes } = cost;
        return Err(LoadError::OutOfBounds { memory_kib, passes, lanes });
    }
    let header = file.get(..SECRET_AT).ok_or(TRUNCATED)?;
    Ok(Parts { header, cost, salt, nonce, sealed, tag })
}

/// Tells damage from a wrong passphrase. It is no protection: everyone can compute it.
fn check(body: &[u8]) -> [u8; CHECK_LEN] {
    let mut check = [0; CHECK_LEN];
    blake3::Hasher::new().update(b"verso identity check v1").update(body).finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As cheap as Argon2 allows: these tests are about bytes.
    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/identity-v1.key");

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    fn open(file: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<[u8; 32]>, LoadError> {
        super::open(file, &stretch(file, passphrase)?)
    }

    fn cheap_file() -> Vec<u8> {
        seal(&Zeroizing::new([7; 32]), &passphrase("right"), CHEAP, &[1; 16], &[2; 12]).unwrap()
    }

    /// Rewrites bytes and makes the check match again, as only someone who means it does.
    fn forge(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
        file[at..at + bytes.len()].copy_from_slice(bytes);
        recheck(file)
    }

    fn recheck(mut file: Vec<u8>) -> Vec<u8> {
        file.truncate(file.len() - CHECK_LEN);
        let check = check(&file);
        file.extend_from_slice(&check);
        file
    }

    #[test]
    fn writes_the_golden_file() {
        let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let salt: [u8; 16] = std::array::from_fn(|at| 0xa0 + u8::try_from(at).unwrap());
        let nonce: [u8; 12] = std::array::from_fn(|at| 0xc0 + u8::try_from(at).unwrap());
        let cost = Cost { memory_kib: 48 * 1024, passes: 2, lanes: 1 };
        let file = seal(&Zeroizing::new(secret), &passphrase("correct horse battery staple"), cost, &salt, &nonce);
        assert_eq!(file.unwrap(), GOLDEN);
        assert_eq!(Cost::DEFAULT, cost);
    }

    #[test]
    fn layout_is_the_documented_one() {
        assert_eq!((LEN, SECRET_AT, TAG_AT, CHECK_AT), (116, 52, 84, 100));
    }

    #[test]
    fn hostile_costs_are_refused_before_they_are_paid() {
        let file = cheap_file();
        for (at, bytes) in [
            (17, &[0_u8][..]),
            (17, &[5]),
            (17, &[2]), // 8 KiB are too little for two lanes
            (18, &[0, 0]),
            (18, &[0xff, 0xff]),
            (20, &[0xff, 0xff, 0xff, 0xff]),
            (20, &(64_u32 * 1024 + 1).to_le_bytes()),
            (20, &7_u32.to_le_bytes()),
        ] {
            let error = open(&forge(file.clone(), at, bytes), &passphrase("right")).unwrap_err();
            assert!(matches!(error, LoadError::OutOfBounds { .. }), "{at}: {error:?}");
        }
    }

    #[test]
    fn a_forged_header_does_not_open() {
        // Everything that the cipher must authenticate and that gets past the parser: cost, salt, nonce.
        for (at, bytes) in [(18, &[2_u8, 0][..]), (20, &[9, 0, 0, 0]), (24, &[9]), (40, &[9]), (52, &[9]), (84, &[9])] {
            let error = open(&forge(cheap_file(), at, bytes), &passphrase("right")).unwrap_err();
            assert!(matches!(error, LoadError::WrongPassphrase), "{at}: {error:?}");
        }
    }

    #[test]
    fn versions_and_kinds() {
        let open = |file: Vec<u8>| open(&file, &passphrase("right")).unwrap_err();
        assert!(matches!(open(forge(cheap_file(), 14, &[2, 0])), LoadError::Newer { version: 2, supported: 1 }));
        assert!(matches!(open(forge(cheap_file(), 14, &[0, 0])), LoadError::Damaged { .. }));
        assert!(matches!(open(forge(cheap_file(), 16, &[2])), LoadError::Damaged { .. }));
        // A newer version may be longer or shorter.
        let mut longer = forge(cheap_file(), 14, &[3, 1]);
        longer.extend_from_slice(&[0; 40]);
        assert!(matches!(open(recheck(longer)), LoadError::Newer { version: 0x103, .. }));
        let mut longer = cheap_file();
        longer.push(0);
        assert!(matches!(open(recheck(longer)), LoadError::Damaged { what: "bytes follow its end" }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn round_trip(secret: [u8; 32], text in ".{1,40}", salt: [u8; 16], nonce: [u8; 12]) {
            let file = seal(&Zeroizing::new(secret), &passphrase(&text), CHEAP, &salt, &nonce).unwrap();
            prop_assert_eq!(*open(&file, &passphrase(&text)).unwrap(), secret);
            let error = open(&file, &passphrase(&format!("{text}x"))).unwrap_err();
            prop_assert!(matches!(error, LoadError::WrongPassphrase));
        }

        #[test]
        fn arbitrary_bytes_never_open(file: Vec<u8>) {
            prop_assert!(open(&file, &passphrase("right")).is_err());
        }

        #[test]
        fn arbitrary_bytes_after_the_magic_never_open(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let error = open(&[&MAGIC[..], &body].concat(), &passphrase("right")).unwrap_err();
            let damaged = matches!(error, LoadError::Damaged { .. });
            prop_assert!(damaged);
        }
    }

    #[test]
    fn every_flipped_bit_is_damage_or_not_ours() {
        let file = cheap_file();
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match open(&flipped, &passphrase("right")).unwrap_err() {
                LoadError::NotOurs => assert!(bit / 8 < MAGIC.len()),
                LoadError::Damaged { .. } => assert!(bit / 8 >= MAGIC.len()),
                error => panic!("bit {bit}: {error:?}"),
            }
        }
    }

    #[test]
    fn every_truncation_is_damage() {
        let file = cheap_file();
        for len in 0..file.len() {
            let error = open(&file[..len], &passphrase("right")).unwrap_err();
            assert!(matches!(error, LoadError::Damaged { .. }), "{len}: {error:?}");
        }
    }
}

//! Golden files of format version 1: what was written then opens now, and the same is written again. A second reader, written
//! from `docs/formats/journal.md` alone, finds the same in them.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use verso_identity::{DeviceKey, Key, purposes};
use verso_log::{BranchPoint, LogOptions, MemoryStorage, OpenReport, RunMeta, SealedFile, Storage, SyncLog};
use verso_vv::Seq;
use zeroize::Zeroizing;

use crate::support::{Concat, DIR, LABEL, append, author, check, hash, key, meta, open, runs, segment};

const APPENDED: &[u8] = include_bytes!("../golden/segment-v1-appended.seg");
const FOLLOWING: &[u8] = include_bytes!("../golden/segment-v1-following.seg");
const COMPACTED: &[u8] = include_bytes!("../golden/segment-v1-compacted.seg");
const SEALED: &[u8] = include_bytes!("../golden/sealed-v1.box");

/// Two segments, the second after a reopen: two authors and a branch, in three batches.
fn appended() -> MemoryStorage {
    let disk = MemoryStorage::new(2026);
    let mut log = SyncLog::create(disk.clone(), DIR, &key(1), LABEL, LogOptions::default()).unwrap();
    append(&mut log, author(1), 3).unwrap();
    append(&mut log, author(2), 1).unwrap();
    log.sync().unwrap();
    append(&mut log, author(1), 1).unwrap();
    log.close().unwrap();
    let (mut log, _) = open(&disk);
    log.append(&branch(), b"a branch").unwrap();
    log.close().unwrap();
    disk
}

fn branch() -> RunMeta {
    let of = author(3);
    RunMeta { branch: Some(BranchPoint { at: Seq(300), hash: hash(&of, 300) }), ..meta(of, 300, 1_000) }
}

fn compacted() -> MemoryStorage {
    let disk = appended();
    let (mut log, _) = SyncLog::open(disk.clone(), DIR, &key(1), LogOptions::default()).unwrap();
    log.compact(&mut Concat::new(10)).unwrap();
    disk
}

fn local_state_key() -> Key<purposes::LocalState> {
    DeviceKey::from_secret(&Zeroizing::new([1; 32])).derive()
}

fn sealed() -> MemoryStorage {
    let disk = MemoryStorage::new(2026);
    SealedFile::seal(&disk, "box", &local_state_key(), b"label", b"the text of a sealed file").unwrap();
    disk
}

/// Compares with a golden file; writes it instead if asked to, for a new version of the format.
fn compare(name: &str, golden: &[u8], written: &[u8]) {
    if std::env::var_os("VERSO_BLESS").is_some() {
        #[expect(clippy::disallowed_methods, reason = "a new golden file is written by hand, not by the library")]
        std::fs::write(format!("tests/golden/{name}"), written).unwrap();
        return;
    }
    assert!(written == golden, "{name} is no longer what is written: the format has changed");
}

#[test]
fn the_same_is_written_again() {
    let disk = appended();
    compare("segment-v1-appended.seg", APPENDED, &disk.read_file(&segment(1)).unwrap());
    compare("segment-v1-following.seg", FOLLOWING, &disk.read_file(&segment(2)).unwrap());
    compare("segment-v1-compacted.seg", COMPACTED, &compacted().read_file(&segment(2)).unwrap());
    compare("sealed-v1.box", SEALED, &sealed().read_file("box").unwrap());
}

#[test]
fn what_was_written_then_opens_now() {
    let disk = MemoryStorage::new(1);
    disk.create_dir(DIR).unwrap();
    disk.write_file(&segment(1), APPENDED);
    disk.write_file(&segment(2), FOLLOWING);
    let (log, report) = open(&disk);
    assert_eq!((report, log.label()), (OpenReport::default(), &LABEL));
    let expected = [meta(author(1), 1, 3), meta(author(2), 1, 1), meta(author(1), 4, 4), branch()];
    assert_eq!(runs(&log), expected);
    assert_eq!(log.verify().unwrap().damage, []);

    SyncLog::remove(&disk, DIR).unwrap();
    disk.create_dir(DIR).unwrap();
    disk.write_file(&segment(2), COMPACTED);
    let (log, report) = open(&disk);
    assert_eq!(report, OpenReport::default());
    assert_eq!(runs(&log), [meta(author(1), 1, 4), meta(author(2), 1, 1), branch()]);

    disk.write_file("box", SEALED);
    let text = SealedFile::open(&disk, "box", &local_state_key(), b"label").unwrap();
    assert_eq!(&text[..], b"the text of a sealed file");
}

/// The reader of the document's tables: offsets are written out, nothing of the library is used.
mod by_hand {
    use super::*;

    pub(super) fn u32_at(bytes: &[u8], at: usize) -> usize {
        usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
    }

    pub(super) struct Segment<'a> {
        pub(super) bytes: &'a [u8],
        pub(super) copy: &'a [u8],
        cipher: Aes256Gcm,
        check: [u8; 32],
    }

    pub(super) fn derive(context: &str, generation: &[u8], salt: &[u8], secret: &[u8; 32]) -> (Aes256Gcm, [u8; 32]) {
        let mut okm = [0; 64];
        let material = [secret, generation, salt].concat();
        blake3::Hasher::new_derive_key(context).update(&material).finalize_xof().fill(&mut okm);
        (Aes256Gcm::new_from_slice(&okm[..32]).unwrap(), okm[32..].try_into().unwrap())
    }

    pub(super) fn open(cipher: &Aes256Gcm, nonce: u64, msg: &[u8], aad: &[u8]) -> Vec<u8> {
        let nonce = [&nonce.to_le_bytes()[..], &[0; 4]].concat();
        let nonce = Nonce::<aes_gcm::aead::consts::U12>::try_from(&nonce[..]).unwrap();
        cipher.decrypt(&nonce, Payload { msg, aad }).unwrap()
    }

    impl<'a> Segment<'a> {
        pub(super) fn read(bytes: &'a [u8]) -> Self {
            assert_eq!(&bytes[..8], b"VERSOLOG");
            assert_eq!(bytes[8..12], [1, 0, 0, 0], "version 1, reserved");
            let copy = &bytes[..u32_at(bytes, 12)];
            assert_eq!(copy.len(), 216 + 16 * u32_at(bytes, 28));
            assert_eq!(copy[copy.len() - 8..], blake3::hash(&copy[..copy.len() - 8]).as_bytes()[..8]);
            assert_eq!(bytes[512..512 + copy.len()], *copy, "the second copy");
            assert!(bytes[copy.len()..512].iter().chain(&bytes[512 + copy.len()..1_024]).all(|byte| *byte == 0));
            let (cipher, check) =
                derive("verso-log 2026-11 segment key v1", &copy[16..20], &copy[144..176], key(1).expose());
            let canary = copy.len() - 40;
            assert_eq!(open(&cipher, 0, &copy[canary..canary + 32], &copy[..canary]), LABEL);
            Self { bytes, copy, cipher, check }
        }

        /// All records, as (kind, number, batch, text), and where each begins.
        pub(super) fn records(&self) -> Vec<(usize, [usize; 3], Vec<u8>)> {
            let mut records = Vec::new();
            let mut at = 1_024;
            while at < self.bytes.len() - 24 {
                let header = &self.bytes[at..at + 16];
                let len = u32_at(header, 0) & 0xff_ffff;
                assert_eq!(header[12..], blake3::keyed_hash(&self.check, &header[..12]).as_bytes()[..4]);
                let (kind, number, batch) = (usize::from(header[3]), u32_at(header, 4), u32_at(header, 8));
                let aad = [blake3::hash(self.copy).as_bytes(), header].concat();
                let body = &self.bytes[at + 16..at + 16 + len];
                let nonce = u64::try_from(number).unwrap();
                records.push((at, [kind, number, batch], open(&self.cipher, nonce, body, &aad)));
                at += 16 + len;
            }
            let trailer = &self.bytes[at..];
            assert_eq!((&trailer[..8], trailer.len()), (&b"VERSOEND"[..], 24));
            assert_eq!(u32_at(trailer, 8), records.last().unwrap().0, "the index is the last record");
            let check = blake3::keyed_hash(blake3::hash(self.copy).as_bytes(), &trailer[8..16]);
            assert_eq!(trailer[16..], check.as_bytes()[..8]);
            records
        }

        pub(super) fn closing_digest(&self) -> [u8; 32] {
            let mut digest = blake3::Hasher::new();
            digest.update(blake3::hash(self.copy).as_bytes());
            for (at, [kind, ..], text) in self.records() {
                if kind == 1 {
                    digest.update(&self.bytes[at..at + 16]);
                    digest.update(&self.bytes[at + 16 + text.len()..at + 32 + text.len()]);
                }
            }
            *digest.finalize().as_bytes()
        }
    }
}

#[test]
fn a_second_reader_finds_what_the_document_says() {
    let first = by_hand::Segment::read(APPENDED);
    let fields = |copy: &[u8]| (by_hand::u32_at(copy, 16), by_hand::u32_at(copy, 20), by_hand::u32_at(copy, 24));
    assert_eq!(fields(first.copy), (1, 1, 1), "key generation, number, first number");
    assert!(first.copy[48..144].iter().all(|byte| *byte == 0), "nothing before, and it stands for itself");
    let records = first.records();
    let numbers: Vec<_> = records.iter().map(|(_, numbers, _)| *numbers).collect();
    assert_eq!(numbers, [[1, 1, 1], [1, 2, 1], [1, 3, 3], [2, 4, 4]], "kind, number, batch");

    let run = meta(author(1), 1, 3);
    let text = &records[0].2;
    assert_eq!(text[0], 0, "no branch");
    assert_eq!(text[1..33], *run.author.device.as_bytes());
    assert_eq!(text[33..41], run.author.incarnation.0.to_le_bytes());
    assert_eq!(text[41..43], [1, 2], "the first entry, and two more");
    assert_eq!((&text[43..75], &text[75..107]), (&run.prev_hash.0[..], &run.head_hash.0[..]));
    assert_eq!(text[107..], crate::support::record(&run));

    let index = &records[3].2;
    assert_eq!((index[0], &index[1..33]), (1, &first.closing_digest()[..]));
    assert_eq!((index[33], index[34]), (2, 0), "two authors, the first without a branch");
    assert_eq!(index[35..67], *author(1).device.as_bytes());
    let rows = 34 + 2 * 41;
    assert_eq!(index[rows..rows + 3], [3, 0, 1], "three runs; of author 0, with its start; from entry 1");

    let second = by_hand::Segment::read(FOLLOWING);
    assert_eq!(fields(second.copy), (1, 2, 2));
    assert_eq!(second.copy[48..64], first.copy[32..48], "the segment before, by its id");
    assert_eq!(second.copy[64..96], first.closing_digest());
    let (_, _, text) = &second.records()[0];
    assert_eq!(text[0], 1, "a branch");
    assert_eq!(text[41..43], [0xac, 0x02], "at entry 300");
    assert_eq!(text[43..75], hash(&author(3), 300).0);
    assert_eq!(text[75..79], [0xac, 0x02, 0xbc, 0x05], "from entry 300, and 700 more");

    let both = by_hand::Segment::read(COMPACTED);
    assert_eq!(fields(both.copy), (1, 2, 1), "number 2, in the place of 1 and 2");
    assert_eq!(both.copy[176..192], first.copy[32..48]);
    assert_eq!(both.copy[192..208], second.copy[32..48]);

    let (cipher, _) = by_hand::derive(
        "verso-log 2026-11 sealed file key v1",
        &SEALED[12..16],
        &SEALED[16..48],
        local_state_key().expose(),
    );
    assert_eq!((&SEALED[..8], &SEALED[8..12]), (&b"VERSOBOX"[..], &[1, 0, 0, 0][..]));
    let end = SEALED.len() - 8;
    assert_eq!(SEALED[end..], blake3::hash(&SEALED[..end]).as_bytes()[..8]);
    let aad = [&SEALED[..48], b"label"].concat();
    assert_eq!(by_hand::open(&cipher, 0, &SEALED[48..end], &aad), b"the text of a sealed file");
}

#[test]
fn a_log_goes_on_from_golden_files() {
    let disk = MemoryStorage::new(1);
    disk.create_dir(DIR).unwrap();
    disk.write_file(&segment(1), APPENDED);
    let (mut log, _) = open(&disk);
    append(&mut log, author(1), 2).unwrap();
    log.compact(&mut Concat::new(100)).unwrap();
    log.close().unwrap();
    let (log, report) = open(&disk);
    assert_eq!(report, OpenReport::default());
    assert_eq!(check(&log)[&author(1)], 6);
}

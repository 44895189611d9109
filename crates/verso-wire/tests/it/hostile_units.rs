//! Whatever the bytes, decoding ends in a typed error or in a unit within the limits, and nothing but what was signed verifies.

use proptest::prelude::*;
use verso_identity::WorkspaceId;
use verso_vv::Hlc;
use verso_wire::limits::{MAX_INFLATED, MAX_UNIT_BYTES, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use verso_wire::{CompressionLevel, DecodeError, EntryKind, SyncUnit};

use crate::support::{Draft, NOW, Writer, drafts, drafts_of};

const COMPRESSED: u8 = 0x81;
/// Bytes before a first number below 128 has ended: format, head, number.
const FRONT: usize = 1 + 136 + 1;

/// Units of every form, encoded: short, with extras, compressed.
fn specimens() -> Vec<(WorkspaceId, SyncUnit, Vec<u8>)> {
    let mut writer = Writer::new(1);
    let short = writer.one(b"a short one");
    let rich = writer.rich();
    let long: Vec<Draft> =
        (0..100).map(|step| Draft::Full(EntryKind(1), Hlc(NOW.0 + step), b"https://example.org".to_vec())).collect();
    let long = writer.unit(&long);
    let encode = |unit: verso_wire::VerifiedUnit| {
        let bytes = unit.encode(CompressionLevel::RECORD);
        (writer.workspace, unit.into_chained().into_unit(), bytes)
    };
    let specimens: Vec<_> = [short, rich, long].map(encode).into();
    assert_eq!(specimens.iter().map(|(_, _, bytes)| bytes[0]).collect::<Vec<_>>(), [0x01, 0x41, 0x81]);
    specimens
}

#[test]
fn a_unit_cut_short_or_continued_is_refused() {
    for (workspace, _, bytes) in specimens() {
        for len in 0..bytes.len() {
            assert!(SyncUnit::decode(&workspace, &bytes[..len]).is_err(), "{len} of {} bytes", bytes.len());
        }
        for more in [&[0][..], &[0xff], &[0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00]] {
            assert!(SyncUnit::decode(&workspace, &[&bytes, more].concat()).is_err(), "with {more:?} behind");
        }
    }
}

#[test]
fn no_changed_bit_verifies_as_something_else() {
    for (workspace, unit, bytes) in specimens() {
        let (mut same, mut relabelled) = (0, 0);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(decoded) = SyncUnit::decode(&workspace, &changed) else { continue };
            let branch = decoded.branch().copied();
            let Ok(verified) = decoded.chain().verify() else { continue };
            assert_eq!((verified.signer(), drafts_of(&verified)), (unit.signer(), drafts_of(&unit)), "bit {bit}");
            if branch.as_ref() == unit.branch() { same += 1 } else { relabelled += 1 }
        }
        // zstd ignores two bits of its frame header. The branch is the carrier's label, which no seal covers: here another earlier fork than the
        // unit starts at could be claimed, by two of the 64 bits of its number. Everywhere else each bit counts.
        let compressed = bytes[0] & 0x80 != 0;
        assert!(same <= if compressed { 2 } else { 0 }, "{same} bits of format {:#x}", bytes[0]);
        assert_eq!(relabelled, if unit.branch().is_some() { 2 } else { 0 }, "of format {:#x}", bytes[0]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), format in prop::sample::select(vec![0x01, 0x41, 0x81, 0xc1])) {
        if let Some(first) = bytes.first_mut() {
            *first = format;
        }
        // Random bytes may be a unit by chance, but never a signed one.
        if let Ok(unit) = SyncUnit::decode(&Writer::new(1).workspace, &bytes) {
            prop_assert!(unit.len() <= MAX_UNIT_ENTRIES);
            prop_assert!(unit.chain().verify().is_err());
        }
    }

    #[test]
    fn damaged_units_never_verify_as_others(
        entries in drafts(30),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut writer = Writer::new(1);
        let unit = writer.unit(&entries);
        let mut bytes = unit.encode(CompressionLevel::RECORD);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(decoded) = SyncUnit::decode(&writer.workspace, &bytes) {
            let again = SyncUnit::decode(&writer.workspace, &decoded.encode(CompressionLevel::RECORD));
            prop_assert_eq!(again.as_ref(), Ok(&decoded));
            if let Ok(verified) = decoded.chain().verify() {
                prop_assert_eq!(verified, unit);
            }
        }
    }
}

/// A unit whose columns are this.
fn with_columns(format: u8, columns: &[u8]) -> Result<SyncUnit, DecodeError> {
    let mut writer = Writer::new(1);
    let mut bytes = writer.one(b"x").encode(CompressionLevel::RECORD);
    bytes.truncate(FRONT);
    bytes[0] = format;
    bytes.extend_from_slice(columns);
    SyncUnit::decode(&writer.workspace, &bytes)
}

/// One zstd frame of `bytes`, which tells its size.
fn frame(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

#[test]
fn bombs_do_not_go_off() {
    // More than a unit may inflate to, though it compresses to nothing.
    for len in [MAX_INFLATED + 1, 8 << 20, 64 << 20] {
        let bomb = frame(&vec![0; len]);
        assert!(bomb.len() < 8_000);
        assert_eq!(with_columns(COMPRESSED, &bomb), Err(DecodeError::Inflate));
    }
    // The same without telling its size.
    let mut silent = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    std::io::Write::write_all(&mut silent, &vec![0; 64 << 20]).unwrap();
    assert_eq!(with_columns(COMPRESSED, &silent.finish().unwrap()), Err(DecodeError::Inflate));
    // A claim of more, and of less, than there is.
    let honest = frame(&vec![7; 300_000]);
    let place = honest.windows(4).position(|window| window == 300_000_u32.to_le_bytes()).unwrap();
    for claim in [300_001_u32, 299_999, 65_536, 1, 0, u32::MAX] {
        let mut lie = honest.clone();
        lie[place..place + 4].copy_from_slice(&claim.to_le_bytes());
        assert_eq!(with_columns(COMPRESSED, &lie), Err(DecodeError::Inflate), "claimed {claim}");
    }
    // Twice as much in two frames, and something that zstd skips.
    let columns = [1, 1, 0, 0];
    assert!(with_columns(COMPRESSED, &frame(&columns)).is_ok());
    assert_eq!(with_columns(COMPRESSED, &[frame(&columns), frame(&columns)].concat()), Err(DecodeError::Inflate));
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0x77];
    assert_eq!(with_columns(COMPRESSED, &[&frame(&columns)[..], &skipped].concat()), Err(DecodeError::Inflate));
    assert_eq!(with_columns(COMPRESSED, &[&skipped[..], &frame(&columns)].concat()), Err(DecodeError::Inflate));
    assert_eq!(with_columns(COMPRESSED, &frame(&[])), Err(DecodeError::Columns));
}

#[test]
fn a_unit_of_the_largest_size_inflates() {
    // Four times the payload that is allocated for ahead: the buffer has to grow.
    let mut writer = Writer::new(1);
    let entry = Draft::Full(EntryKind(1), NOW, vec![7; MAX_UNIT_PAYLOAD / MAX_UNIT_ENTRIES]);
    let unit = writer.unit(&vec![entry; MAX_UNIT_ENTRIES]);
    let bytes = unit.encode(CompressionLevel::RECORD);
    assert!(bytes.len() < 2_000, "{} bytes", bytes.len());
    let decoded = SyncUnit::decode(&writer.workspace, &bytes).unwrap().chain().verify().unwrap();
    assert_eq!(decoded, unit);
}

#[test]
fn columns_are_read_to_the_last_byte() {
    // Count, kind, clock, length, payload.
    assert!(with_columns(1, &[1, 1, 0, 2, b'h', b'i']).is_ok());
    for (columns, error) in [
        (&[][..], DecodeError::Columns),
        (&[0], DecodeError::Empty),
        (&[1], DecodeError::Columns),
        (&[1, 1, 0], DecodeError::Columns),
        (&[1, 1, 0, 2, b'h'], DecodeError::Columns),
        (&[1, 1, 0, 2, b'h', b'i', 0], DecodeError::Columns),
        (&[2, 1, 0, 2, b'h', b'i'], DecodeError::Columns),
        // Integers that are not in their shortest form, or too large.
        (&[0x81, 0x00, 1, 0, 0], DecodeError::Columns),
        (&[1, 1, 0x80, 0x00, 0], DecodeError::Columns),
        (&[1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0], DecodeError::Columns),
        // 4,097 entries; a payload of 65,537 bytes.
        (&[0x81, 0x20, 1, 0, 0], DecodeError::Columns),
        (&[1, 1, 0, 0x81, 0x80, 0x04], DecodeError::Columns),
        // 4,096 entries that aren't there.
        (&[0x80, 0x20, 1, 0, 0], DecodeError::Columns),
    ] {
        assert_eq!(with_columns(1, columns), Err(error), "{columns:?}");
    }
    let too_much = [&[5][..], &[1; 5], &[0; 5], &[0x80, 0x80, 0x04].repeat(5), &vec![0; 5 << 16]].concat();
    assert_eq!(with_columns(1, &too_much), Err(DecodeError::TooMuchPayload { len: 5 << 16 }));
}

#[test]
fn numbers_fit_a_chain() {
    let mut writer = Writer::new(1);
    let mut bytes = writer
        .unit(&[Draft::Full(EntryKind(1), NOW, vec![]), Draft::Full(EntryKind(1), NOW, vec![])])
        .encode(CompressionLevel::RECORD);
    bytes[FRONT - 1] = 0;
    assert_eq!(SyncUnit::decode(&writer.workspace, &bytes), Err(DecodeError::Numbers));
    let last_number = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    bytes.splice(FRONT - 1..FRONT, last_number);
    assert_eq!(SyncUnit::decode(&writer.workspace, &bytes), Err(DecodeError::Numbers));
    bytes[FRONT - 1] = 0xfe;
    assert!(SyncUnit::decode(&writer.workspace, &bytes).is_ok());
}

#[test]
fn extras_are_read_to_the_last_byte() {
    let mut writer = Writer::new(1);
    let bytes = writer.rich().encode(CompressionLevel::RECORD);
    let len = usize::from(bytes[FRONT] & 0x7f) | usize::from(bytes[FRONT + 1]) << 7;
    // Branch, kept seal, digests, and the root that points to them.
    assert_eq!(len, 40 + 66 + 2 * 34 + 24);
    // A byte that no part of the archive uses, in front of it.
    let mut padded = bytes.clone();
    padded.insert(FRONT + 2, 0);
    padded[FRONT] += 1;
    assert_eq!(SyncUnit::decode(&writer.workspace, &padded), Err(DecodeError::Extras));
    // Extras that say nothing.
    let plain = writer.one(b"x").encode(CompressionLevel::RECORD);
    let nothing = [&[0x41][..], &plain[1..FRONT], &[24], &[0; 24], &plain[FRONT..]].concat();
    assert_eq!(SyncUnit::decode(&writer.workspace, &nothing), Err(DecodeError::Extras));
    // Longer than what there is.
    let mut long = bytes;
    long[FRONT + 1] = 0x7f;
    assert_eq!(SyncUnit::decode(&writer.workspace, &long), Err(DecodeError::Truncated));
}

#[test]
fn a_unit_is_never_larger_than_a_frame() {
    let bytes = vec![1; MAX_UNIT_BYTES + 1];
    let error = DecodeError::TooLarge { len: MAX_UNIT_BYTES + 1 };
    assert_eq!(SyncUnit::decode(&Writer::new(1).workspace, &bytes), Err(error));
}

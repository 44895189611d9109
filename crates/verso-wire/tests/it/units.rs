//! Units come back from their bytes as they were, small where that matters.

use proptest::prelude::*;
use verso_vv::{Hlc, Seq};
use verso_wire::{CompressionLevel, Content, DecodeError, EntryKind, SyncUnit};

use crate::support::{Draft, NOW, Writer, drafts, drafts_of};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_unit_survives_its_encoding(batches in prop::collection::vec(drafts(60), 1..4), level in -5_i32..25) {
        let mut writer = Writer::new(1);
        let mut expected = 1;
        for batch in batches {
            let before = writer.head;
            let unit = writer.unit(&batch);
            prop_assert_eq!((unit.first_seq(), unit.len()), (Seq(expected), batch.len()));
            prop_assert_eq!(unit.before(), before);
            expected += u64::try_from(batch.len()).unwrap();

            let bytes = unit.encode(CompressionLevel::new(level));
            let decoded = SyncUnit::decode(&writer.workspace, &bytes).unwrap();
            prop_assert_eq!(&drafts_of(&decoded), &batch);
            prop_assert_eq!(decoded.signer(), &writer.author);
            prop_assert_eq!(decoded.author(), writer.author);
            let payload_len: usize = batch.iter().map(|draft| match draft {
                Draft::Full(_, _, payload) => payload.len(),
                Draft::Digest(_) => 0,
            }).sum();
            prop_assert_eq!(decoded.payload_len(), payload_len);
            let verified = decoded.chain().verify().unwrap();
            prop_assert_eq!(verified.hashes(), unit.hashes());
            prop_assert_eq!(&verified, &unit);
        }
    }
}

#[test]
fn a_unit_of_every_form_survives_its_encoding() {
    let mut writer = Writer::new(3);
    let unit = writer.rich();
    assert_ne!(unit.author(), writer.author);
    assert_eq!(unit.kept_seals().len(), 1);
    let bytes = unit.encode(CompressionLevel::RECORD);
    let decoded = SyncUnit::decode(&writer.workspace, &bytes).unwrap();
    assert_eq!(decoded.branch(), unit.branch());
    assert_eq!(decoded.author(), unit.author());
    let verified = decoded.chain().verify().unwrap();
    assert_eq!(verified, unit);
    assert_eq!(verified.encode(CompressionLevel::RECORD), bytes);
}

#[test]
fn entries_are_found_by_their_numbers() {
    let mut writer = Writer::new(1);
    writer.one(b"first");
    let unit = writer
        .unit(&[Draft::Full(EntryKind(1), NOW, b"second".to_vec()), Draft::Full(EntryKind(2), NOW, b"third".to_vec())]);
    assert!(unit.entry(Seq(1)).is_none());
    let third = unit.entry(Seq(3)).unwrap();
    assert_eq!(third.content, Content::Full { kind: EntryKind(2), hlc: NOW, payload: b"third" });
    assert!(unit.entry(Seq(4)).is_none());
    assert_eq!(unit.hash_at(Seq(1)), Some(*unit.prev_hash()));
    assert_eq!(unit.hash_at(Seq(0)), None);
    assert_eq!(unit.hash_at(Seq(4)), None);
}

#[test]
fn a_single_intent_is_small() {
    let mut writer = Writer::new(1);
    let bytes = writer.one(&[0x41; 30]).encode(CompressionLevel::RECORD);
    // 1 format, 136 head, 1 number; 1 count, 1 kind, 6 clock, 1 length, 30 payload.
    assert_eq!(bytes.len(), 177);
}

#[test]
fn many_intents_are_small() {
    let mut writer = Writer::new(1);
    // Addresses that share a front, and between them pairs of numbers that hardly shrink.
    let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
    let entries: Vec<Draft> = (0_u64..4096)
        .map(|step| {
            let mut random = [0; 3];
            noise.fill(&mut random);
            let (kind, payload) = match step % 5 {
                0 => (1, format!("https://example.org/{step}").into_bytes()),
                _ => (3, random.to_vec()),
            };
            Draft::Full(EntryKind(kind), Hlc(NOW.0 + step), payload)
        })
        .collect();
    let unit = writer.unit(&entries);
    let recorded = unit.encode(CompressionLevel::RECORD).len();
    let compacted = unit.encode(CompressionLevel::COMPACT).len();
    // 9,830 random bytes and little else. Without a block for each column it is 11,211.
    assert!(recorded < 11_000, "{recorded} bytes");
    assert!(compacted <= recorded, "{compacted} bytes");
}

#[test]
fn the_workspace_is_part_of_what_is_sealed() {
    let mut writer = Writer::new(1);
    let bytes = writer.one(b"x").encode(CompressionLevel::RECORD);
    let elsewhere = SyncUnit::decode(&Writer::new(2).workspace, &bytes).unwrap();
    assert!(elsewhere.chain().verify().is_err());
}

#[test]
fn debug_output_never_shows_payloads() {
    let unit = Writer::new(1).one(b"secret title");
    let entries: Vec<_> = unit.entries().collect();
    let text = format!("{unit:?} {entries:?}");
    assert!(!text.contains("secret") && !text.contains("115, 101, 99"), "{text}");
}

#[test]
fn later_formats_are_named() {
    let mut writer = Writer::new(1);
    let mut bytes = writer.one(b"x").encode(CompressionLevel::RECORD);
    for format in [0, 2, 0x11, 0x21, 0x0f] {
        bytes[0] = format;
        assert_eq!(SyncUnit::decode(&writer.workspace, &bytes), Err(DecodeError::Format { found: format }));
    }
}

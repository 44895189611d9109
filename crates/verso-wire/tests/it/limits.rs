//! What is too much is refused where it is made, so nobody sends what nobody takes.

use verso_vv::{EntryHash, Seq};
use verso_wire::limits::{MAX_PAYLOAD, MAX_UNIT_BYTES, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use verso_wire::{ChainHead, CompressionLevel, EntryDigest, EntryKind, SealError, SyncUnit, UnitBuilder, UnitError};

use crate::support::{NOW, Writer};

const KIND: EntryKind = EntryKind(1);

#[test]
fn a_unit_holds_4096_entries() {
    let writer = Writer::new(1);
    let mut builder = writer.builder();
    for _ in 0..MAX_UNIT_ENTRIES {
        assert!(!builder.is_full() && builder.fits(1));
        builder.push(KIND, NOW, &[1]).unwrap();
    }
    assert!(builder.is_full() && !builder.fits(0));
    let head = builder.head();
    assert_eq!(builder.push(KIND, NOW, &[]), Err(UnitError::Full));
    assert_eq!(builder.push_digest(EntryDigest([0; 32])), Err(UnitError::Full));
    assert_eq!((builder.head(), builder.len()), (head, MAX_UNIT_ENTRIES));
    assert_eq!(builder.seal(&writer.key).unwrap().len(), MAX_UNIT_ENTRIES);
}

#[test]
fn a_unit_holds_256_kib_of_payload() {
    let writer = Writer::new(1);
    let mut builder = writer.builder();
    let payload: Vec<u8> = (0..=250).cycle().take(MAX_PAYLOAD).collect();
    for _ in 0..MAX_UNIT_PAYLOAD / MAX_PAYLOAD {
        assert!(builder.fits(MAX_PAYLOAD));
        builder.push(KIND, NOW, &payload).unwrap();
    }
    assert!(builder.fits(0) && !builder.fits(1) && !builder.is_full());
    assert_eq!(builder.push(KIND, NOW, &[1]), Err(UnitError::Full));
    builder.push(KIND, NOW, &[]).unwrap();
    let unit = builder.seal(&writer.key).unwrap();
    assert_eq!(unit.payload_len(), MAX_UNIT_PAYLOAD);
    let bytes = unit.encode(CompressionLevel::RECORD);
    let decoded = SyncUnit::decode(&writer.workspace, &bytes).unwrap();
    assert_eq!(&decoded, &**unit);
}

#[test]
fn the_largest_unit_fits_a_frame() {
    let writer = Writer::new(1);
    let mut builder = writer.builder();
    // Random bytes, which don't compress, a kind and a clock that change each time, and lengths of two bytes.
    let mut noise = blake3::Hasher::new().update(b"noise").finalize_xof();
    for _ in 0..MAX_UNIT_ENTRIES {
        let mut bytes = [0; MAX_UNIT_PAYLOAD / MAX_UNIT_ENTRIES + 9];
        noise.fill(&mut bytes);
        let (head, payload) = bytes.split_at(9);
        let hlc = verso_vv::Hlc(u64::from_le_bytes(head[..8].try_into().unwrap()));
        builder.push(EntryKind(head[8]), hlc, payload).unwrap();
    }
    let unit = builder.seal(&writer.key).unwrap();
    let bytes = unit.encode(CompressionLevel::RECORD);
    assert!(bytes.len() > MAX_UNIT_PAYLOAD && bytes.len() <= MAX_UNIT_BYTES);
    assert_eq!(&SyncUnit::decode(&writer.workspace, &bytes).unwrap(), &**unit);
}

#[test]
fn no_payload_exceeds_64_kib() {
    let mut builder = Writer::new(1).builder();
    let payload = vec![0; MAX_PAYLOAD + 1];
    let error = UnitError::PayloadTooLarge { len: MAX_PAYLOAD + 1 };
    assert_eq!(builder.push(KIND, NOW, &payload), Err(error));
    assert!(builder.is_empty());
    builder.push(KIND, NOW, &payload[1..]).unwrap();
}

#[test]
fn only_the_signers_key_seals_and_only_entries() {
    let (writer, other) = (Writer::new(1), Writer::new(2));
    assert_eq!(writer.builder().seal(&writer.key), Err(SealError::Empty));
    let mut builder = writer.builder();
    builder.push(KIND, NOW, b"x").unwrap();
    let error = SealError::WrongKey { expected: writer.key.id(), got: other.key.id() };
    assert_eq!(builder.seal(&other.key), Err(error));
}

#[test]
fn a_chain_ends_with_its_numbers() {
    let writer = Writer::new(1);
    let after = ChainHead { seq: Seq(u64::MAX - 1), hash: EntryHash([1; 32]) };
    let mut builder = UnitBuilder::new(writer.workspace, writer.author, None, after);
    builder.push(KIND, NOW, b"the last").unwrap();
    assert_eq!(builder.push(KIND, NOW, b"one more"), Err(UnitError::Exhausted));
    let unit = builder.seal(&writer.key).unwrap();
    assert_eq!(unit.last_seq(), Seq(u64::MAX));
    let bytes = unit.encode(CompressionLevel::RECORD);
    assert_eq!(&SyncUnit::decode(&writer.workspace, &bytes).unwrap(), &**unit);
}

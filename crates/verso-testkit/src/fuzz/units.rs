//! Units: what decodes is within the limits and comes back, and so does what was written.

use verso_identity::WorkspaceId;
use verso_wire::limits::{MAX_KEPT_SEALS, MAX_UNIT_BYTES, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use verso_wire::{CompressionLevel, Seam, SyncUnit};

use crate::fuzz::{Bytes, shapes};

/// The flag of a unit whose columns are compressed.
const COMPRESSED: u8 = 0x80;

/// Most units of one input.
const MAX_UNITS: usize = 8;

/// Decodes `input` as a unit.
///
/// # Panics
/// If what decodes is beyond the limits, does not come back from its own encoding, or has another encoding without compression.
pub fn unit(input: &[u8]) {
    let workspace = WorkspaceId::from_bytes([1; 16]);
    let Ok(unit) = SyncUnit::decode(&workspace, input) else { return };
    assert!((1..=MAX_UNIT_ENTRIES).contains(&unit.len()));
    assert!(unit.payload_len() <= MAX_UNIT_PAYLOAD && unit.kept_seals().len() <= MAX_KEPT_SEALS);
    let again = unit.encode(CompressionLevel::RECORD);
    assert!(again.len() <= MAX_UNIT_BYTES, "what was taken can be passed on");
    let decoded = SyncUnit::decode(&workspace, &again).expect("it was just encoded");
    shapes::assert_same(&decoded, &unit);
    assert_eq!(decoded.encode(CompressionLevel::RECORD), again);
    if (input[0] | again[0]) & COMPRESSED == 0 {
        assert_eq!(again, input, "without compression there is one encoding");
    }
    let (chained, decoded) = (unit.chain(), decoded.chain());
    assert_eq!(chained.hashes(), decoded.hashes());
    // By chance nothing is signed.
    assert!(chained.verify().is_err());
}

/// Writes units as `input` says, encodes, joins and cuts them.
///
/// # Panics
/// If anything of that changes what was written, or what comes of it does not verify.
pub fn unit_round_trip(input: &[u8]) {
    let mut input = Bytes::new(input);
    let level = CompressionLevel::new(i32::from(input.byte() % 20));
    let mut writer = shapes::Writer::new(1);
    let mut units = Vec::new();
    while units.is_empty() || (!input.is_empty() && units.len() < MAX_UNITS) {
        let unit = writer.unit(&mut input, 24);
        let decoded = SyncUnit::decode(&writer.workspace, &unit.encode(level)).expect("it was just encoded");
        shapes::assert_same(&decoded, &unit);
        units.push(decoded.chain().verify().expect("it was just sealed"));
    }
    let mut joined = units[0].clone().into_chained().into_unit();
    for unit in &units[1..] {
        let seam = if input.byte().is_multiple_of(2) { Seam::Keep } else { Seam::Drop };
        joined.join(unit, seam).expect("a few small units fit one");
    }
    let written = units.iter().flat_map(|unit| unit.entries());
    assert!(joined.entries().eq(written), "joined it is what was written");
    let whole = SyncUnit::decode(&writer.workspace, &joined.encode(level)).expect("it was just encoded");
    shapes::assert_same(&whole, &joined);
    let whole = whole.chain().verify().expect("the last seal covers all before it");
    let hashes: Vec<_> = units.iter().flat_map(|unit| unit.hashes()).copied().collect();
    assert_eq!(whole.hashes(), hashes);
    for unit in &units {
        let front = whole.cut_front(unit.first_seq()).expect("it begins within");
        assert_eq!(front.clone().into_chained().verify().as_ref(), Ok(&front), "cut in front it verifies");
        let is_kept = whole.seal_at(unit.last_seq()).is_some();
        assert_eq!(front.cut_behind(unit.last_seq()).is_ok(), is_kept, "it is cut behind where a seal is");
    }
}

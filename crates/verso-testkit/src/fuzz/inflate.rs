//! Inflating: columns that were compressed by anybody, honestly or not.

use verso_identity::WorkspaceId;
use verso_wire::limits::{MAX_INFLATED, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use verso_wire::{CompressionLevel, DecodeError, SyncUnit};

use crate::fuzz::{Bytes, shapes};

/// Bytes before the columns of a unit that starts at 1: format, head, number.
const FRONT: usize = 1 + 136 + 1;
/// Format 1 with compressed columns.
const FORMAT: u8 = 0x81;
/// The most that one input has compressed: 32 times what a unit may inflate to.
const MAX_CONTENT: usize = 8 << 20;

/// Compresses what `input` says, mostly long runs, changes what comes of it, and has it decoded as the columns of a unit.
///
/// # Panics
/// If more is taken than a unit may hold, or what is too large is called anything else.
pub fn inflate(input: &[u8]) {
    let mut input = Bytes::new(input);
    let level = 1 + i32::from(input.byte() % 19);
    let mut content = Vec::new();
    let pieces = input.byte() % 8;
    for _ in 0..pieces {
        let len = 1_usize << (input.byte() % 23);
        let piece = match input.byte() % 3 {
            0 => vec![input.byte(); len],
            1 => input.take(len).to_vec(),
            // What repeats from further away.
            _ => content.iter().take(len).copied().collect(),
        };
        if content.len() + piece.len() <= MAX_CONTENT {
            content.extend(piece);
        }
    }
    let frame = zstd::bulk::compress(&content, level).expect("there is memory");
    let changed = shapes::edited(&frame, &mut input, 8);
    let unit = [&[FORMAT][..], &[7; FRONT - 2], &[1], &changed].concat();
    let decoded = SyncUnit::decode(&WorkspaceId::from_bytes([1; 16]), &unit);
    if changed == frame && content.len() > MAX_INFLATED {
        assert_eq!(decoded, Err(DecodeError::Inflate), "{} bytes", content.len());
    }
    let Ok(unit) = decoded else { return };
    assert!(unit.len() <= MAX_UNIT_ENTRIES && unit.payload_len() <= MAX_UNIT_PAYLOAD);
    let again =
        SyncUnit::decode(unit.workspace(), &unit.encode(CompressionLevel::RECORD)).expect("it was just encoded");
    shapes::assert_same(&again, &unit);
}

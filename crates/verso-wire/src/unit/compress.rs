//! zstd within bounds: [`CompressionLevel`], and inflating that no input can make expensive.

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe;

use crate::limits::{MAX_ALLOC_AHEAD, MAX_INFLATED};

/// Columns shorter than this stay as they are: zstd's own header would outweigh what it saves.
const MIN_COMPRESSED: usize = 96;

/// How hard zstd tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompressionLevel(i32);

impl CompressionLevel {
    /// For what is recorded now.
    pub const RECORD: Self = Self(3);
    /// For what is written once and kept: compaction.
    pub const COMPACT: Self = Self(9);

    /// Takes a level of zstd, from 1 to 19; others are moved into this range.
    pub const fn new(level: i32) -> Self {
        Self(if level < 1 {
            1
        } else if level > 19 {
            19
        } else {
            level
        })
    }
}

/// Compresses `raw`; `None` if that makes it no smaller.
pub(super) fn compress(raw: &[u8], level: CompressionLevel) -> Option<Vec<u8>> {
    if raw.len() < MIN_COMPRESSED {
        return None;
    }
    let mut context = Compressor::new(level.0).ok()?;
    context.compress(raw).ok().filter(|compressed| compressed.len() < raw.len())
}

/// Inflates exactly one frame that tells its size, at most [`MAX_INFLATED`]; `None` for anything else.
///
/// A claimed size alone makes nobody allocate more than [`MAX_ALLOC_AHEAD`] beyond the input: larger buffers come only after the data
/// has filled the smaller one.
pub(super) fn inflate(compressed: &[u8]) -> Option<Vec<u8>> {
    if zstd_safe::find_frame_compressed_size(compressed) != Ok(compressed.len()) {
        return None;
    }
    let claimed = zstd_safe::get_frame_content_size(compressed).ok()??;
    let claimed = usize::try_from(claimed).ok().filter(|claimed| *claimed <= MAX_INFLATED)?;
    let mut context = Decompressor::new().ok()?;
    let mut capacity = MAX_ALLOC_AHEAD + compressed.len();
    loop {
        let mut inflated = Vec::with_capacity(capacity.min(claimed));
        match context.decompress_to_buffer(compressed, &mut inflated) {
            Ok(len) => return (len == claimed).then_some(inflated),
            Err(_too_small_or_damaged) if capacity < claimed => capacity *= 4,
            Err(_damaged) => return None,
        }
    }
}

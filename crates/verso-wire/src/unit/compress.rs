//! zstd within bounds: [`CompressionLevel`], and inflating that no input can make expensive.

use std::io::{self, Write as _};

use zstd::bulk::Decompressor;
use zstd::stream::write::Encoder;
use zstd::zstd_safe;

use crate::limits::{MAX_ALLOC_AHEAD, MAX_INFLATED};
use crate::unit::columns::Columns;

/// Columns shorter than this in all stay as they are: zstd's own header would outweigh what it saves.
const MIN_COMPRESSED: usize = 96;

/// Columns shorter than this share a block with the next. A block has its own statistics (Huffman and FSE tables), which suit one column better
/// than a mixture, and pay for themselves from about here on. On a graph of 513,425 intents it saves 6 % at every level.
const MIN_BLOCK: usize = 1024;

/// How hard zstd tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompressionLevel(i32);

impl CompressionLevel {
    /// For what is recorded now: level 3. Measured on 4,096 entries of a real graph: 4.8 bytes and 0.08 µs an entry.
    pub const RECORD: Self = Self(3);
    /// For what is written once and kept, by compaction: level 9. 4.3 bytes and 0.31 µs an entry; levels 12 and 19 save little more.
    pub const COMPACT: Self = Self(9);

    /// Takes a level of zstd, from 1 to 19; others are moved into this range.
    pub fn new(level: i32) -> Self {
        Self(level.clamp(1, 19))
    }
}

/// Compresses columns into one frame that tells its size; `None` if that makes them no smaller.
pub(super) fn compress(columns: &Columns, level: CompressionLevel) -> Option<Vec<u8>> {
    if columns.bytes.len() < MIN_COMPRESSED {
        return None;
    }
    // Compressing into memory fails only for want of memory; then the columns stay as they are.
    compress_blocks(columns, level).ok().filter(|compressed| compressed.len() < columns.bytes.len())
}

fn compress_blocks(columns: &Columns, level: CompressionLevel) -> io::Result<Vec<u8>> {
    let mut rest = &columns.bytes[..];
    let mut encoder = Encoder::new(Vec::with_capacity(rest.len() / 2), level.0)?;
    encoder.set_pledged_src_size(u64::try_from(rest.len()).ok())?;
    let mut start = 0;
    for seam in &columns.seams {
        let len = seam - start;
        if len >= MIN_BLOCK
            && let Some((column, after)) = rest.split_at_checked(len)
        {
            encoder.write_all(column)?;
            // Ends the block.
            encoder.flush()?;
            (rest, start) = (after, *seam);
        }
    }
    encoder.write_all(rest)?;
    encoder.finish()
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

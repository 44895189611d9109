//! Frames: how messages follow one another in a stream of bytes.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::limits::MAX_FRAME;

/// Bytes of the length that stands before a frame's body.
const HEADER_LEN: usize = 4;

/// What comes from a stream is no frame. Whoever sent it is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame that is larger than any may be.
    #[error("a frame of {len} bytes: at most {MAX_FRAME} are allowed")]
    TooLarge {
        /// How many bytes it has, or claims.
        len: usize,
    },
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Truncated,
}

/// Returns the 4 bytes that stand before a frame's body on the wire: its length, little-endian.
///
/// # Errors
/// [`FrameError::TooLarge`] if the body is larger than a receiver takes.
pub fn frame_header(body: &[u8]) -> Result<[u8; HEADER_LEN], FrameError> {
    let too_large = FrameError::TooLarge { len: body.len() };
    if body.len() > MAX_FRAME {
        return Err(too_large);
    }
    u32::try_from(body.len()).map(u32::to_le_bytes).map_err(|_source| too_large)
}

/// Takes frames out of a stream of bytes that comes in pieces of any size.
///
/// 1. [`feed`](Self::feed) it what has arrived.
/// 2. Take [`next_frame`](Self::next_frame) until there is none.
/// 3. When the stream has ended, [`finish`](Self::finish) tells whether it ended between frames.
///
/// Guaranteed: it holds what it was fed and has not given out, and no declared length makes it allocate ahead of that.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
}

impl FrameDecoder {
    /// Makes a decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over bytes that have arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives the next whole frame's body, `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] as soon as the length is known; the stream can't be read any further.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(header) = self.buffer.first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let len = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
        if len > MAX_FRAME {
            return Err(FrameError::TooLarge { len });
        }
        if self.buffer.len() - HEADER_LEN < len {
            return Ok(None);
        }
        self.buffer.advance(HEADER_LEN);
        Ok(Some(self.buffer.split_to(len).freeze()))
    }

    /// Counts the bytes that were fed and not given out yet.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] if it ended within a frame.
    pub fn finish(self) -> Result<(), FrameError> {
        if self.buffer.is_empty() { Ok(()) } else { Err(FrameError::Truncated) }
    }
}

//! Frames in a stream that comes in pieces.

use verso_wire::limits::MAX_FRAME;
use verso_wire::{FrameDecoder, frame_header};

use crate::fuzz::Bytes;

/// Feeds the bytes of a stream in pieces of the sizes that `input` says.
///
/// # Panics
/// If the frames differ from those that stand in the stream, one is too large, or more waits than was fed and not taken.
pub fn frame(input: &[u8]) {
    let mut input = Bytes::new(input);
    let sizes = input.take(8);
    let stream = input.rest();
    let mut decoder = FrameDecoder::new();
    let (mut fed, mut taken) = (0, 0);
    let mut size = sizes.iter().cycle();
    while fed < stream.len() {
        let piece = 1 + size.next().map_or(0, |size| usize::from(*size));
        let end = stream.len().min(fed + piece);
        decoder.feed(&stream[fed..end]);
        fed = end;
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    // Framed again it is what stood in the stream.
                    let header = frame_header(&frame).expect("what came as a frame fits one");
                    let framed = [&header[..], &frame].concat();
                    assert_eq!(stream.get(taken..taken + framed.len()), Some(&framed[..]));
                    taken += framed.len();
                }
                Ok(None) => break,
                Err(_too_large) => {
                    let header = stream[taken..].first_chunk().expect("a header was read");
                    assert!(usize::try_from(u32::from_le_bytes(*header)).is_ok_and(|len| len > MAX_FRAME));
                    assert!(decoder.next_frame().is_err(), "nothing comes behind it");
                    return;
                }
            }
        }
        assert_eq!(decoder.pending(), fed - taken);
    }
    assert_eq!(decoder.finish().is_ok(), taken == stream.len(), "an end within a frame is told");
}

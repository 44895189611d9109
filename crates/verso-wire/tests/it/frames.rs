//! Frames come out of a stream as they went in, however it is cut into pieces.

use proptest::prelude::*;
use verso_wire::limits::MAX_FRAME;
use verso_wire::{FrameDecoder, FrameError, frame_header};

fn stream(bodies: &[Vec<u8>]) -> Vec<u8> {
    bodies.iter().flat_map(|body| [&frame_header(body).unwrap()[..], body].concat()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_pieces_give_the_same_frames(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        pieces in prop::collection::vec(1_usize..50, 1..20),
    ) {
        let stream = stream(&bodies);
        let mut decoder = FrameDecoder::new();
        let mut out = Vec::new();
        let mut rest = &stream[..];
        for len in pieces.iter().cycle() {
            let (piece, after) = rest.split_at((*len).min(rest.len()));
            rest = after;
            decoder.feed(piece);
            while let Some(frame) = decoder.next_frame().unwrap() {
                out.push(frame.to_vec());
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(out, bodies);
        prop_assert_eq!(decoder.pending(), 0);
        prop_assert_eq!(decoder.finish(), Ok(()));
    }
}

#[test]
fn a_stream_that_ends_within_a_frame_says_so() {
    let stream = stream(&[b"one".to_vec(), b"two".to_vec()]);
    for len in 0..stream.len() {
        let mut decoder = FrameDecoder::new();
        decoder.feed(&stream[..len]);
        while decoder.next_frame().unwrap().is_some() {}
        let expected = if len == 0 || len == 7 { Ok(()) } else { Err(FrameError::Truncated) };
        assert_eq!(decoder.finish(), expected, "{len} bytes");
    }
}

#[test]
fn a_frame_beyond_the_limit_is_refused_by_its_length_alone() {
    for len in [MAX_FRAME + 1, 0xffff_ffff] {
        let mut decoder = FrameDecoder::new();
        decoder.feed(&u32::try_from(len).unwrap().to_le_bytes());
        assert_eq!(decoder.next_frame(), Err(FrameError::TooLarge { len }));
        // It stays refused.
        decoder.feed(&[0; 64]);
        assert_eq!(decoder.next_frame(), Err(FrameError::TooLarge { len }));
    }
    assert_eq!(frame_header(&vec![0; MAX_FRAME + 1]), Err(FrameError::TooLarge { len: MAX_FRAME + 1 }));
    let largest = vec![5; MAX_FRAME];
    let mut decoder = FrameDecoder::new();
    decoder.feed(&frame_header(&largest).unwrap());
    assert_eq!(decoder.next_frame(), Ok(None));
    decoder.feed(&largest);
    assert_eq!(decoder.next_frame().unwrap().unwrap(), largest);
}

//! The frames of the proof: each has one form, whatever comes is read without a panic, and nothing is kept that isn't there.

use proptest::prelude::*;
use verso_noise::{AcceptorFrame, DialerFrame, LayoutError};

use crate::golden::hex;

fn others(count: usize) -> Vec<u64> {
    (0..count).map(|other| u64::try_from(other).unwrap() << 32 | 7).collect()
}

/// The vectors of `docs/formats/proof.md`.
#[test]
fn the_bytes_are_those_of_the_description() {
    let proof = [0xaa; 48];
    let tail = "aa".repeat(48);
    let one = DialerFrame { generation: 0x0102_0304_0506_0708, others: Vec::new(), proof: &proof };
    assert_eq!(hex(&one.encode()), format!("010807060504030201{tail}"));
    let more = DialerFrame { others: vec![1, u64::MAX], ..one };
    assert_eq!(hex(&more.encode()), format!("020807060504030201020100000000000000ffffffffffffffff{tail}"));
    assert_eq!(hex(&AcceptorFrame::Proof(&proof).encode()), format!("00{tail}"));
    assert_eq!(hex(&AcceptorFrame::Other(1 << 63).encode()), "010000000000000080");
}

#[test]
fn a_dialer_names_as_many_generations_as_there_is_room_for() {
    for count in 0..=255 {
        let frame = DialerFrame { generation: 9, others: others(count), proof: b"proof" };
        let bytes = frame.encode();
        let read = DialerFrame::decode(&bytes).unwrap();
        assert_eq!(read.others, others(count.min(DialerFrame::MAX_OTHERS)));
        assert_eq!((read.generation, read.proof), (9, b"proof".as_slice()));
        // As a frame says it, whoever wrote it.
        let said =
            [&[2], 9_u64.to_le_bytes().as_slice(), &[u8::try_from(count).unwrap()], &vec![0; 8 * count]].concat();
        assert_eq!(DialerFrame::decode(&said).is_ok(), (1..=DialerFrame::MAX_OTHERS).contains(&count), "{count}");
    }
}

#[test]
fn what_is_cut_before_the_proof_is_no_frame() {
    let proof = DialerFrame { generation: 1, others: others(15), proof: &[] };
    for frame in [proof.encode(), DialerFrame { others: Vec::new(), ..proof }.encode()] {
        for len in 0..frame.len() {
            assert_eq!(DialerFrame::decode(&frame[..len]), Err(LayoutError), "{len}");
        }
    }
    let other = AcceptorFrame::Other(1).encode();
    assert!((0..other.len()).all(|len| AcceptorFrame::decode(&other[..len]).is_err()));
    assert!(AcceptorFrame::decode(&[&other[..], &[0]].concat()).is_err());
}

proptest! {
    #[test]
    fn what_is_said_is_read(
        generation: u64,
        others in prop::collection::vec(any::<u64>(), 0..=DialerFrame::MAX_OTHERS),
        proof in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let frame = DialerFrame { generation, others, proof: &proof };
        let bytes = frame.encode();
        prop_assert_eq!(DialerFrame::decode(&bytes), Ok(frame.clone()));
        for frame in [AcceptorFrame::Proof(&proof), AcceptorFrame::Other(generation)] {
            let bytes = frame.encode();
            prop_assert_eq!(AcceptorFrame::decode(&bytes), Ok(frame));
        }
    }

    /// No two byte strings say the same.
    #[test]
    fn what_is_read_is_written_the_same(layout in 0_u8..4, rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [&[layout], &rest[..]].concat();
        if let Ok(frame) = DialerFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), &bytes[..]);
        }
        if let Ok(frame) = AcceptorFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), &bytes[..]);
        }
    }

    #[test]
    fn whatever_comes_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        if let Ok(frame) = DialerFrame::decode(&bytes) {
            prop_assert!(frame.others.len() <= DialerFrame::MAX_OTHERS);
        }
        if let Ok(AcceptorFrame::Proof(proof)) = AcceptorFrame::decode(&bytes) {
            prop_assert_eq!(proof, &bytes[1..]);
        }
    }
}

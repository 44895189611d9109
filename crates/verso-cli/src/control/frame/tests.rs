//! What is written is read the same, and nothing else is read.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

fn secret() -> impl Strategy<Value = Zeroizing<Vec<u8>>> {
    bytes().prop_map(Zeroizing::new)
}

fn to_server() -> impl Strategy<Value = ToServer> {
    let terminals = any::<[bool; 3]>().prop_map(|[stdin, stdout, stderr]| Terminals { stdin, stdout, stderr });
    let run = (vec(bytes(), 0..5), bytes(), vec((any::<String>(), bytes()), 0..4), terminals);
    let no_answer = prop_oneof![Just(NoAnswer::Stopped), Just(NoAnswer::Failed)];
    prop_oneof![
        run.prop_map(|(words, directory, variables, terminals)| {
            ToServer::Run(Run { words, directory, variables, terminals })
        }),
        (any::<u32>(), proptest::result::maybe_ok(secret(), no_answer))
            .prop_map(|(number, answer)| ToServer::Answer { number, answer }),
        Just(ToServer::Interrupt),
        Just(ToServer::Unread),
        secret().prop_map(ToServer::Input),
    ]
}

fn to_client() -> impl Strategy<Value = ToClient> {
    let stream = prop_oneof![Just(Stream::Output), Just(Stream::Error)];
    let question = prop_oneof![
        Just(Question::Secret),
        Just(Question::Consent),
        Just(Question::Code),
        Just(Question::Variable),
        Just(Question::Line)
    ];
    let shape = prop_oneof![Just(Shape::Phases), Just(Shape::Bytes), Just(Shape::Entries)];
    prop_oneof![
        (stream, secret()).prop_map(|(stream, bytes)| ToClient::Print(stream, bytes)),
        (any::<u32>(), question, any::<String>()).prop_map(|(number, question, text)| ToClient::Ask {
            number,
            question,
            text
        }),
        (shape, any::<String>(), any::<u64>(), any::<u64>()).prop_map(|(shape, what, done, of)| ToClient::Gauge {
            shape,
            what,
            done,
            of
        }),
        Just(ToClient::EndGauge),
        Just(ToClient::Unheard),
        any::<u8>().prop_map(ToClient::Done),
    ]
}

/// Takes the length off.
fn body(frame: &[u8]) -> &[u8] {
    let (length_of, body) = frame.split_first_chunk().unwrap();
    assert_eq!(length(*length_of, usize::MAX), Ok(body.len()));
    body
}

proptest! {
    #[test]
    fn what_a_client_says_is_read_the_same(said in to_server()) {
        prop_assert_eq!(ToServer::decode(body(&said.encode())), Ok(said));
    }

    #[test]
    fn what_a_server_says_is_read_the_same(said in to_client()) {
        prop_assert_eq!(ToClient::decode(body(&said.encode())), Ok(said));
    }

    /// Whatever is read is said by just these bytes, and a part of it, or more, is something else or nothing.
    #[test]
    fn any_bytes_are_one_frame_or_none(bytes in vec(any::<u8>(), 0..200), kind in 0_u8..9) {
        let bytes = [&[kind], bytes.as_slice()].concat();
        if let Ok(said) = ToServer::decode(&bytes) {
            let frame = said.encode();
            prop_assert_eq!(body(&frame), &bytes);
        }
        if let Ok(said) = ToClient::decode(&bytes) {
            let frame = said.encode();
            prop_assert_eq!(body(&frame), &bytes);
        }
    }

    #[test]
    fn a_frame_that_is_cut_or_continued_is_none(said in to_server(), cut in any::<prop::sample::Index>()) {
        let whole = said.encode();
        let whole = body(&whole);
        prop_assert!(ToServer::decode(&whole[..cut.index(whole.len())]).is_err());
        prop_assert_eq!(ToServer::decode(&[whole, &[0]].concat()), Err(FrameError::Trailing));
    }
}

#[test]
fn the_greeting_is_the_same_in_every_version() {
    let greeting = Greeting { version: 0x0102, welcome: Welcome::Busy, program: "0.1.0".to_owned() };
    let expected = b"\x14\0\0\0VERSOCTL\x02\x01\x01\x05\0\0\x000.1.0";
    assert_eq!(greeting.encode().as_slice(), expected);
    assert_eq!(Greeting::decode(body(expected)), Ok(greeting));
    assert_eq!(Greeting::decode(b"VERSOCTX\0\0\0\0\0\0\0"), Err(FrameError::Unknown));
    assert!(Greeting::new(Welcome::Ready).encode().len() <= MAX_GREETING);
}

#[test]
fn a_length_that_is_too_long_is_refused_before_anything_is_read() {
    assert_eq!(length(5_u32.to_le_bytes(), 5), Ok(5));
    assert_eq!(length(6_u32.to_le_bytes(), 5), Err(FrameError::TooLong));
    // As many items as fit into four bytes are said to be there, and none is.
    let list = [&[1, 0][..], &0_u32.to_le_bytes(), &u32::MAX.to_le_bytes()].concat();
    assert_eq!(ToServer::decode(&list), Err(FrameError::Short));
    for (len, is_read) in [(MAX_INPUT, true), (MAX_INPUT + 1, false)] {
        let input = ToServer::Input(Zeroizing::new(vec![7; len])).encode();
        assert_eq!(ToServer::decode(body(&input)).is_ok(), is_read, "{len}");
    }
}

//! Round trips, and that nothing else is read.

use proptest::prelude::*;
use verso_vv::{AuthorTag, HashTag, Seen, SeenItem, Seq};
use verso_wire::EntryKind;

use super::{Label, MAX_SEQ, Malformed, OtherRef, Payload, Ref, SeenBy, kinds};
use crate::intent::{Choice, MAX_DELETED, MAX_LABEL, Register};

/// The number of the entry that is written and read.
const SEQ: u64 = 1000;

fn reference() -> impl Strategy<Value = Ref> {
    let other = (any::<[u8; 8]>(), 1..=MAX_SEQ, any::<[u8; 4]>())
        .prop_map(|(author, seq, hash)| Ref::Other(OtherRef { author: AuthorTag(author), seq, hash: HashTag(hash) }));
    prop_oneof![(1..SEQ).prop_map(Ref::Own), other]
}

fn dots() -> impl Strategy<Value = Vec<Ref>> {
    prop::collection::vec(reference(), 0..4)
}

fn label() -> impl Strategy<Value = Label<'static>> {
    prop_oneof![(1..SEQ).prop_map(Label::Same), Just(Label::Text("games")), Just(Label::Text("ü"))]
}

fn seen() -> impl Strategy<Value = SeenBy> {
    let item = (any::<[u8; 8]>(), 1..=MAX_SEQ, any::<[u8; 4]>()).prop_map(|(author, seq, tag)| SeenItem {
        author: AuthorTag(author),
        seq: Seq(seq),
        tag: HashTag(tag),
    });
    let full = prop::collection::vec(item, 0..4).prop_map(|items| SeenBy::Full(Seen::new(items)));
    prop_oneof![(1..SEQ).prop_map(SeenBy::Same), full]
}

fn text() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just("Debian"), Just("\0"), Just("äöü")]
}

fn register() -> impl Strategy<Value = Register> {
    prop_oneof![Just(Register::Title), Just(Register::Url)]
}

fn payload() -> impl Strategy<Value = Payload<'static>> {
    let choice = prop_oneof![Just(Choice::Keep), Just(Choice::Ghost), Just(Choice::Delete)];
    prop_oneof![
        (text(), text()).prop_map(|(url, title)| Payload::AddNode { url, title }),
        (register(), reference(), dots(), text()).prop_map(|(register, node, replaces, value)| Payload::Set {
            register,
            node,
            replaces,
            value
        }),
        (dots(), text()).prop_map(|(replaces, name)| Payload::SetWorkspaceName { replaces, name }),
        (reference(), label()).prop_map(|(node, tag)| Payload::Tag { node, tag }),
        (reference(), dots(), label()).prop_map(|(node, removes, tag)| Payload::Untag { node, removes, tag }),
        (reference(), reference(), label()).prop_map(|(src, dst, kind)| Payload::Link { src, dst, kind }),
        (reference(), reference(), dots(), label()).prop_map(|(src, dst, removes, kind)| Payload::Unlink {
            src,
            dst,
            removes,
            kind
        }),
        (reference(), reference(), label()).prop_map(|(src, dst, trigger)| Payload::Traverse { src, dst, trigger }),
        (seen(), prop::collection::vec(reference(), 1..4))
            .prop_map(|(seen, nodes)| Payload::DeleteNode { seen, nodes }),
        (choice, seen(), reference()).prop_map(|(choice, seen, node)| Payload::Resolve { choice, seen, node }),
        (register(), reference(), dots()).prop_map(|(register, node, drops)| Payload::ResolveRegister {
            register,
            node,
            drops
        }),
    ]
}

fn written(payload: &Payload<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    payload.write(SEQ, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn payloads_survive(payload in payload()) {
        let bytes = written(&payload);
        prop_assert_eq!(Payload::read(payload.kind(), &bytes, SEQ), Ok(payload));
    }

    #[test]
    fn a_payload_has_one_encoding(kind in 0_u8..13, bytes in prop::collection::vec(0_u8..5, 0..40)) {
        if let Ok(payload) = Payload::read(EntryKind(kind), &bytes, SEQ) {
            prop_assert_eq!(written(&payload), bytes);
        }
    }

    #[test]
    fn whatever_is_cut_off_is_never_the_same_payload(payload in payload(), at in any::<prop::sample::Index>()) {
        let bytes = written(&payload);
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_ne!(Payload::read(payload.kind(), cut, SEQ), Ok(payload));
    }

    #[test]
    fn a_byte_too_many_is_refused_unless_it_belongs_to_a_text(payload in payload(), byte in any::<u8>()) {
        let mut bytes = written(&payload);
        bytes.push(byte);
        if let Ok(longer) = Payload::read(payload.kind(), &bytes, SEQ) {
            prop_assert_ne!(&longer, &payload);
            prop_assert_eq!(written(&longer), bytes.clone());
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(kind in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..200), seq in 1..=MAX_SEQ) {
        let read = Payload::read(EntryKind(kind), &bytes, seq);
        prop_assert!(kind <= 11 || read == Err(Malformed));
    }
}

fn read(kind: EntryKind, bytes: &[u8]) -> Result<Payload<'_>, Malformed> {
    Payload::read(kind, bytes, SEQ)
}

#[test]
fn absurd_counts_and_numbers_are_refused() {
    let other = |seq: &[u8]| [&[0; 9], seq, &[0; 4]].concat();
    // A list of 2⁶³ dots, and one of 4,097.
    assert_eq!(
        read(kinds::SET_WORKSPACE_NAME, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        Err(Malformed)
    );
    let many = [&[0x81, 0x20][..], &[1; 4097]].concat();
    assert_eq!(read(kinds::SET_WORKSPACE_NAME, &many), Err(Malformed));
    assert!(read(kinds::SET_WORKSPACE_NAME, &[&[0x80, 0x20][..], &[1; 4096]].concat()).is_ok());
    // An entry 0, one beyond 2⁴⁰, and an own one that isn't before this one.
    for seq in [&[0][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x20]] {
        assert_eq!(read(kinds::TAG, &[&other(seq)[..], b"\0t"].concat()), Err(Malformed));
    }
    assert!(read(kinds::TAG, &[&other(&[1])[..], b"\0t"].concat()).is_ok());
    assert_eq!(read(kinds::TAG, b"\xe8\x07\0t"), Err(Malformed));
    assert!(read(kinds::TAG, b"\xe7\x07\0t").is_ok());
    // A url that is longer than the payload; a vector with an entry 0 or out of order.
    assert_eq!(
        read(kinds::ADD_NODE, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, b'x']),
        Err(Malformed)
    );
    let vector = |items: &[&[u8]]| [&[0, u8::try_from(items.len()).unwrap()][..], &items.concat(), &[1]].concat();
    let item = |author: u8, seq: u8| [&[author; 8][..], &[seq], &[0; 4]].concat();
    assert!(read(kinds::DELETE_NODE, &vector(&[&item(1, 1), &item(2, 1)])).is_ok());
    assert_eq!(read(kinds::DELETE_NODE, &vector(&[&item(1, 0)])), Err(Malformed));
    assert_eq!(read(kinds::DELETE_NODE, &vector(&[&item(2, 1), &item(1, 1)])), Err(Malformed));
}

#[test]
fn limits_hold_when_reading_as_when_writing() {
    let label = |len: usize| [&[1, 0][..], "x".repeat(len).as_bytes()].concat();
    assert!(read(kinds::TAG, &label(MAX_LABEL)).is_ok());
    assert_eq!(read(kinds::TAG, &label(MAX_LABEL + 1)), Err(Malformed));
    assert_eq!(read(kinds::TAG, &label(0)), Err(Malformed));
    let nodes = |count: usize| [&[1][..], &vec![1; count]].concat();
    assert!(read(kinds::DELETE_NODE, &nodes(MAX_DELETED)).is_ok());
    assert_eq!(read(kinds::DELETE_NODE, &nodes(MAX_DELETED + 1)), Err(Malformed));
}

#[test]
fn every_kind_that_is_read_has_a_name() {
    for kind in 0..=u8::MAX {
        let kind = EntryKind(kind);
        let known = (0..2_u8).any(|byte| read(kind, &[0; 20]).is_ok() || read(kind, &[byte; 4]).is_ok());
        assert!(!known || kinds::name(kind).is_some(), "{kind:?}");
    }
    assert_eq!((kinds::name(kinds::LINK), kinds::name(EntryKind(12))), (Some("link"), None));
}

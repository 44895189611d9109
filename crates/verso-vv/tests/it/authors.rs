//! Names of authors, entries and hashes: what they show, and the tags that stand for them.

use proptest::prelude::*;
use verso_identity::DeviceId;
use verso_vv::{Author, AuthorTag, Dot, EntryHash, Incarnation, Seq};

fn author(device: u8, incarnation: u64) -> Author {
    Author { device: DeviceId::from_bytes([device; 32]), incarnation: Incarnation(incarnation) }
}

#[test]
fn names_are_short() {
    let author = author(0xab, 0x1234_5678_9abc_def0);
    let dot = Dot { author, seq: Seq(7) };
    assert_eq!(format!("{author} {author:?}"), "ababababab.1234 Author(ababababab.1234)");
    assert_eq!(format!("{dot} {dot:?}"), "ababababab.1234:7 Dot(ababababab.1234:7)");
    assert_eq!(format!("{} {:?}", Seq(7), Seq(7)), "7 Seq(7)");
    assert_eq!(author.incarnation.to_string(), "123456789abcdef0");
}

#[test]
fn a_tag_is_the_front_of_the_hash() {
    let hash = EntryHash(std::array::from_fn(|at| u8::try_from(at).unwrap()));
    assert_eq!(hash.tag().0, [0, 1, 2, 3]);
    assert_eq!(format!("{} {hash:?}", hash.tag()), "00010203 EntryHash(00010203…)");
}

/// Entries carry them, so they can't change.
#[test]
fn author_tags_are_stable() {
    assert_eq!(format!("{:?}", AuthorTag::of(&author(1, 2))), "AuthorTag(f6bf343ed41d1a26)");
}

#[test]
fn sequence_numbers_saturate() {
    assert_eq!(Seq::ZERO.next(), Seq::FIRST);
    assert_eq!(Seq::FIRST.previous(), Seq::ZERO);
    assert_eq!(Seq::ZERO.previous(), Seq::ZERO);
    assert_eq!(Seq(u64::MAX).next(), Seq(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn another_author_has_another_tag(one: ([u8; 32], u64), other: ([u8; 32], u64)) {
        let author = |(device, incarnation)| Author {
            device: DeviceId::from_bytes(device),
            incarnation: Incarnation(incarnation),
        };
        prop_assert_eq!(AuthorTag::of(&author(one)) == AuthorTag::of(&author(other)), one == other);
        let next_life = (one.0, one.1.wrapping_add(1));
        prop_assert_ne!(AuthorTag::of(&author(one)), AuthorTag::of(&author(next_life)));
    }
}

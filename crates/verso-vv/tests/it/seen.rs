//! [`Seen`]: one encoding for one vector, and nothing else decodes.

use proptest::prelude::*;
use verso_vv::{AuthorTag, HashTag, MAX_SEEN, Seen, SeenError, SeenItem, Seq};

fn item(author: u8, seq: u64, tag: u8) -> SeenItem {
    SeenItem { author: AuthorTag([author; 8]), seq: Seq(seq), tag: HashTag([tag; 4]) }
}

fn encoded(seen: &Seen) -> Vec<u8> {
    let mut bytes = Vec::new();
    seen.encode(&mut bytes);
    bytes
}

/// The items as they are given, canonical or not.
fn raw(items: &[SeenItem]) -> Vec<u8> {
    postcard::to_allocvec(items).unwrap()
}

#[test]
fn layout() {
    let seen = Seen::new([item(2, 300, 4), item(1, 5, 3)]);
    let expected = [&[2][..], &[1; 8], &[5], &[3; 4], &[2; 8], &[0xac, 0x02], &[4; 4]].concat();
    assert_eq!(encoded(&seen), expected);
    assert_eq!(postcard::to_allocvec(&seen).unwrap(), expected, "serde gives the same bytes");
    assert_eq!(encoded(&Seen::default()), [0]);
}

#[test]
fn branches_of_one_author_stand_beside_each_other() {
    let seen = Seen::new([item(1, 5, 3), item(1, 5, 2), item(1, 4, 9)]);
    assert_eq!(seen.items(), [item(1, 4, 9), item(1, 5, 2), item(1, 5, 3)]);
    assert_eq!(Seen::decode(&encoded(&seen)).unwrap(), (seen, &[][..]));
}

#[test]
fn what_says_nothing_is_left_out_and_refused() {
    assert_eq!(Seen::new([item(1, 0, 1)]), Seen::default());
    assert_eq!(Seen::decode(&raw(&[item(1, 0, 1)])), Err(SeenError::Nothing));
}

#[test]
fn disorder_is_refused() {
    for items in [[item(2, 1, 1), item(1, 1, 1)], [item(1, 2, 1), item(1, 1, 1)], [item(1, 1, 1), item(1, 1, 1)]] {
        assert_eq!(Seen::decode(&raw(&items)), Err(SeenError::NotAscending));
        assert!(postcard::from_bytes::<Seen>(&raw(&items)).is_err());
    }
}

#[test]
fn integers_have_one_form() {
    // The count 1 and the sequence number 1, each in two bytes.
    let long_count = [&[0x81, 0x00][..], &[1; 8], &[1], &[1; 4]].concat();
    let long_seq = [&[1][..], &[1; 8], &[0x81, 0x00], &[1; 4]].concat();
    assert_eq!(Seen::decode(&long_count), Err(SeenError::Truncated));
    assert_eq!(Seen::decode(&long_seq), Err(SeenError::Truncated));
}

/// Neither a count that bytes can't back, nor one beyond the limit, costs memory.
#[test]
fn counts_are_bounded() {
    assert_eq!(Seen::decode(&[0x80, 0x20]), Err(SeenError::Truncated));
    assert_eq!(Seen::decode(&[0x81, 0x20]), Err(SeenError::TooMany { count: MAX_SEEN + 1 }));
    let most = Seen::new((1..=4096_u64).map(|seq| item(1, seq, 1)));
    assert_eq!(most.items().len(), MAX_SEEN);
    assert_eq!(Seen::decode(&encoded(&most)), Ok((most, &[][..])));
    let more: Vec<SeenItem> = (1..=4097_u64).map(|seq| item(1, seq, 1)).collect();
    assert_eq!(Seen::decode(&raw(&more)), Err(SeenError::TooMany { count: 4097 }));
    assert_eq!(Seen::try_from(more), Err(SeenError::TooMany { count: 4097 }));
}

fn items() -> impl Strategy<Value = Vec<SeenItem>> {
    // Few distinct authors and tags, so that duplicates and branches happen.
    prop::collection::vec((0_u8..4, prop_oneof![0..4_u64, any::<u64>()], 0_u8..3), 0..20)
        .prop_map(|items| items.into_iter().map(|(author, seq, tag)| item(author, seq, tag)).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn round_trip(items in items(), rest: Vec<u8>) {
        let seen = Seen::new(items);
        let mut bytes = encoded(&seen);
        prop_assert_eq!(&postcard::to_allocvec(&seen).unwrap(), &bytes);
        prop_assert_eq!(&postcard::from_bytes::<Seen>(&bytes).unwrap(), &seen);
        bytes.extend_from_slice(&rest);
        prop_assert_eq!(Seen::decode(&bytes), Ok((seen, &rest[..])));
    }

    #[test]
    fn order_and_repetition_do_not_matter(items in items()) {
        let mut twice: Vec<SeenItem> = items.iter().rev().copied().collect();
        twice.extend_from_slice(&items);
        prop_assert_eq!(Seen::new(twice), Seen::new(items));
    }

    #[test]
    fn what_decodes_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..80), count in 0_u8..4) {
        for bytes in [bytes.clone(), [&[count][..], &bytes].concat()] {
            if let Ok((seen, rest)) = Seen::decode(&bytes) {
                prop_assert_eq!(&encoded(&seen), &bytes[..bytes.len() - rest.len()]);
            }
        }
    }

    #[test]
    fn every_truncation_is_refused(items in items()) {
        let bytes = encoded(&Seen::new(items));
        for len in 0..bytes.len() {
            prop_assert_eq!(Seen::decode(&bytes[..len]), Err(SeenError::Truncated));
        }
    }
}

/// The tenth byte of a number has room for one bit; what lies beyond must not give the same number again.
#[test]
fn a_number_of_more_than_64_bits_is_refused() {
    let item = |last: u8| [&[1][..], &[7; 8], &[0xff; 9], &[last], &[1, 2, 3, 4]].concat();
    assert!(Seen::decode(&item(1)).is_ok());
    assert_eq!(Seen::decode(&item(3)), Err(SeenError::Truncated));
}

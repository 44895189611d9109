//! TXT records are read strictly: exactly one announcement, or an error.

use proptest::prelude::*;
use verso_discovery::{Heard, HeardError, Input, MAX_TXT_BYTES, PairingScreen};

use crate::rig::{announcing, id, joined, open_screen, shared_with};

fn closed() -> Vec<u8> {
    announcing(1, vec![shared_with(id(2), 7)]).1.txt()
}

fn open() -> Vec<u8> {
    let (mut device, _) = announcing(1, vec![shared_with(id(2), 7)]);
    device.handle(1, open_screen("desk")).unwrap();
    joined(&mut device)[0].1.clone().unwrap().txt()
}

/// The strings of a record.
fn strings(record: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = record;
    let mut strings = Vec::new();
    while let Some((len, after)) = rest.split_first() {
        let (string, after) = after.split_at(usize::from(*len));
        strings.push(string.to_vec());
        rest = after;
    }
    strings
}

fn record(strings: &[Vec<u8>]) -> Vec<u8> {
    strings.iter().flat_map(|string| [&[u8::try_from(string.len()).unwrap()], string.as_slice()].concat()).collect()
}

#[test]
fn announcements_are_announcements() {
    assert_eq!(Heard::decode(&closed()).unwrap().screen, None);
    assert_eq!(Heard::decode(&open()).unwrap().screen.unwrap().name.as_str(), "desk");
    assert_eq!((closed().len(), record(&strings(&open()))), (349, open()));
    let mut longest = announcing(1, vec![shared_with(id(2), 7)]);
    longest.0.handle(1, Input::Screen(PairingScreen::Open(verso_identity::Name::lossy(&"x".repeat(500))))).unwrap();
    assert_eq!(joined(&mut longest.0)[0].1.clone().unwrap().txt().len(), 520);
}

#[test]
fn a_record_that_is_cut_is_none() {
    for record in [closed(), open()] {
        for end in 0..record.len() {
            // The first four strings of the longer are a whole announcement.
            let decoded = Heard::decode(&record[..end]);
            assert_eq!(decoded.is_ok(), end == closed().len(), "{end} bytes");
        }
    }
}

#[test]
fn strings_are_all_there_once_and_in_order() {
    let whole = strings(&open());
    for index in 0..whole.len() {
        let mut missing = whole.clone();
        missing.remove(index);
        assert!(Heard::decode(&record(&missing)).is_err(), "without string {index}");
        let mut twice = whole.clone();
        twice.insert(index, whole[index].clone());
        assert!(Heard::decode(&record(&twice)).is_err(), "string {index} twice");
        let mut empty = whole.clone();
        empty.insert(index, Vec::new());
        assert!(Heard::decode(&record(&empty)).is_err(), "an empty string before {index}");
        for other in index + 1..whole.len() {
            let mut swapped = whole.clone();
            swapped.swap(index, other);
            assert!(Heard::decode(&record(&swapped)).is_err(), "{index} and {other} swapped");
        }
        let mut longer = whole.clone();
        longer[index].push(b'1');
        // A longer name is a name.
        assert_eq!(Heard::decode(&record(&longer)).is_ok(), index == 5, "string {index} is longer");
    }
    let trailing = [open(), b"\x03x=y".to_vec()].concat();
    assert_eq!(Heard::decode(&trailing), Err(HeardError::Trailing));
}

#[test]
fn each_rule_has_its_error() {
    let with = |index: usize, string: &[u8]| {
        let mut changed = strings(&open());
        changed[index] = string.to_vec();
        Heard::decode(&record(&changed)).unwrap_err()
    };
    assert_eq!(with(0, b"v=2"), HeardError::OtherVersion);
    assert_eq!(with(0, b"w=1"), HeardError::Missing { key: "v" });
    assert_eq!(with(0, b"v"), HeardError::Missing { key: "v" });
    assert_eq!(with(1, b"s=short"), HeardError::Length { key: "s", bytes: 5 });
    assert_eq!(with(4, b"d="), HeardError::Length { key: "d", bytes: 0 });
    assert_eq!(with(5, b"n="), HeardError::Name);
    assert_eq!(with(5, b"n= desk"), HeardError::Name);
    assert_eq!(with(5, "n=de\u{202e}sk".as_bytes()), HeardError::Name);
    assert_eq!(with(5, b"n=\xff"), HeardError::Name);
    assert_eq!(with(5, &[b"n=".as_slice(), &[b'x'; 129]].concat()), HeardError::Name);
    assert_eq!(with(6, b"p=\0\0"), HeardError::Port);
    assert_eq!(with(6, b"p=\0"), HeardError::Length { key: "p", bytes: 1 });
    assert_eq!(Heard::decode(&vec![0; MAX_TXT_BYTES + 1]), Err(HeardError::TooLong { bytes: MAX_TXT_BYTES + 1 }));
    assert_eq!(Heard::decode(b"\x05v=1"), Err(HeardError::Cut));
    let whole = strings(&open());
    let slots = [&whole[2][2..], &whole[3][2..]].concat();
    let mut doubled = slots.clone();
    doubled.copy_within(0..10, 10);
    let string = |key: &[u8], slots: &[u8]| [key, slots].concat();
    assert_eq!(with(2, &string(b"a=", &doubled[..160])), HeardError::Order);
    assert_eq!(with(3, &string(b"b=", &slots[..160])), HeardError::Order);
}

/// A newer announcement is told from nonsense, whatever else it says.
#[test]
fn another_version_is_told_before_anything_else() {
    assert_eq!(Heard::decode(b"\x03v=2\x05what?"), Err(HeardError::OtherVersion));
}

proptest! {
    #[test]
    fn any_bytes_are_an_announcement_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        // Random bytes are never one; what matters is that nothing panics.
        prop_assert!(Heard::decode(&bytes).is_err());
    }

    #[test]
    fn a_changed_announcement_is_an_announcement_or_an_error(at in 0_usize..400, to in any::<u8>(), which in any::<bool>()) {
        let mut record = if which { open() } else { closed() };
        let at = at % record.len();
        record[at] = to;
        if let Ok(heard) = Heard::decode(&record) {
            prop_assert!(heard.recognise(&[shared_with(id(9), 9)]).is_empty());
        }
    }
}

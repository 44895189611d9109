//! The payloads of events: golden bytes of version 1, and strictness.

use proptest::prelude::*;
use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{
    Access, Admitted, ControlEvent, Cut, DecodeEventError, Discard, EncodeEventError, Excluded, Found, FurtherDevice,
    FurtherDevices, GenerationId, Granted, Included, Introduced, Keep, MAX_ADDRESSES, MAX_CHAINS_PER_DEVICE,
    MAX_FURTHER_ADDRESSES, MAX_FURTHER_DEVICES, MAX_NAME_BYTES, MAX_SEAL_BYTES, MAX_SEALED, MAX_SEALED_BYTES,
    MembershipEvent, PairingSide, PairingWay, PeerRole, Relocated, Removed, Renamed, Resume, Revoke, Run, Sealed,
    SecretRenewed, SecretShared, Standing, Vouch, Withdrawn, WorkspaceForgotten, WorkspaceKnown, WorkspaceOrigin,
};
use verso_vv::{Author, AuthorTag, EntryHash, HashTag, Incarnation, Seen, SeenItem, Seq};

use crate::world::cases;

fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 32])
}

fn author(number: u8) -> Author {
    Author { device: device(number), incarnation: Incarnation(0x0102_0304_0506_0708) }
}

fn seen() -> Seen {
    let item = |number: u8, seq| SeenItem { author: AuthorTag([number; 8]), seq: Seq(seq), tag: HashTag([number; 4]) };
    Seen::new([item(1, 5), item(2, 300)])
}

fn cut(number: u8) -> Cut {
    Cut { author: author(number), seq: Seq(1_000), hash: EntryHash([0xcc; 32]), seal: vec![0x5e; 64] }
}

fn run() -> Run {
    Run { author: author(4), first: Seq(6), last: Seq(200), hash: EntryHash([0xcc; 32]) }
}

fn sealed() -> Vec<Sealed> {
    vec![Sealed { device: device(1), bytes: vec![0xa1; 80] }, Sealed { device: device(2), bytes: vec![0xa2; 80] }]
}

fn workspace() -> WorkspaceId {
    WorkspaceId::from_bytes([0x77; 16])
}

/// One event of each kind of the control log, with every field filled.
fn control_samples() -> Vec<ControlEvent> {
    let addresses = vec!["192.0.2.1:4433".to_owned(), "[2001:db8::1]:4433".to_owned()];
    let name = "Küche".to_owned();
    let introduced =
        Introduced { name: name.clone(), noise_key: [0x11; 32], sealing_key: [0x22; 32], addresses: addresses.clone() };
    let admitted = Admitted {
        device: device(2),
        role: PeerRole::Own,
        side: PairingSide::Joining,
        way: PairingWay::Words,
        name: name.clone(),
        noise_key: [0x11; 32],
        sealing_key: [0x22; 32],
        addresses: addresses.clone(),
        pair_secret: sealed(),
    };
    let known = |origin| WorkspaceKnown { workspace: workspace(), name: name.clone(), origin };
    vec![
        ControlEvent::new(seen(), introduced),
        ControlEvent::new(seen(), admitted.clone()),
        ControlEvent::new(seen(), Admitted { role: PeerRole::Friend, way: PairingWay::Nearby, ..admitted }),
        ControlEvent::new(seen(), Removed { device: device(3), cuts: vec![cut(3)] }),
        ControlEvent::new(seen(), Renamed { device: device(3), name: name.clone() }),
        ControlEvent::new(seen(), Relocated { device: device(3), addresses }),
        ControlEvent::new(seen(), known(WorkspaceOrigin::Founded)),
        ControlEvent::new(Seen::default(), known(WorkspaceOrigin::Adopted { from: device(3) })),
        ControlEvent::new(seen(), WorkspaceForgotten { workspace: workspace() }),
        ControlEvent::new(seen(), Excluded { workspace: workspace(), device: device(3) }),
        ControlEvent::new(seen(), Included { workspace: workspace(), device: device(3) }),
        ControlEvent::new(seen(), Granted { device: device(3), workspace: workspace(), access: Access::ReadWrite }),
        ControlEvent::new(seen(), Withdrawn { device: device(3), workspace: workspace() }),
        ControlEvent::new(seen(), SecretRenewed { id: GenerationId([0x99; 16]), sealed: sealed() }),
        ControlEvent::new(seen(), SecretShared { id: GenerationId([0x99; 16]), sealed: sealed() }),
        ControlEvent::new(seen(), FurtherDevices { friend: device(3), devices: vec![further(5), further(6)] }),
    ]
}

fn further(number: u8) -> FurtherDevice {
    let addresses = vec!["192.0.2.1:4433".to_owned()];
    FurtherDevice { device: device(number), noise_key: [0x11; 32], name: "Küche".to_owned(), addresses }
}

/// One event of each kind of membership, with every field filled.
fn membership_samples() -> Vec<MembershipEvent> {
    let vouch = |access, standing| Vouch { device: device(3), access, standing };
    let revoke = |keeps| Revoke { device: device(3), cuts: vec![cut(3), cut(4)], keeps };
    vec![
        MembershipEvent::new(Seen::default(), Found { nonce: [0x44; 16] }),
        MembershipEvent::new(seen(), vouch(Access::ReadOnly, Standing::Member)),
        MembershipEvent::new(seen(), vouch(Access::ReadWrite, Standing::CoOwner)),
        MembershipEvent::new(seen(), revoke(None)),
        MembershipEvent::new(seen(), revoke(Some(Access::ReadOnly))),
        MembershipEvent::new(seen(), Keep { run: run() }),
        MembershipEvent::new(seen(), Discard { run: run() }),
        MembershipEvent::new(seen(), Resume {}),
    ]
}

/// All samples as kind and payload.
fn payloads() -> Vec<(u8, Vec<u8>)> {
    let control = control_samples().into_iter().map(|event| (event.kind(), event.encode().unwrap()));
    let membership = membership_samples().into_iter().map(|event| (event.kind(), event.encode().unwrap()));
    control.chain(membership).collect()
}

fn decode(kind: u8, payload: &[u8]) -> Result<(), DecodeEventError> {
    if kind < MembershipEvent::FIRST_KIND {
        ControlEvent::decode(kind, payload).map(drop)
    } else {
        MembershipEvent::decode(kind, payload).map(drop)
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn every_kind_reads_back_what_was_written() {
    for event in control_samples() {
        assert_eq!(ControlEvent::decode(event.kind(), &event.encode().unwrap()).unwrap(), event);
    }
    for event in membership_samples() {
        assert_eq!(MembershipEvent::decode(event.kind(), &event.encode().unwrap()).unwrap(), event);
    }
    let kinds: Vec<u8> = payloads().iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [1, 2, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12, 13, 14, 128, 129, 129, 130, 130, 131, 132, 133]);
}

#[test]
fn version_1_is_what_it_was() {
    let lines: Vec<String> = payloads().iter().map(|(kind, payload)| format!("{kind} {}", hex(payload))).collect();
    let golden: Vec<&str> =
        include_str!("../golden/events-v1.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, golden);
}

#[test]
fn an_event_cut_short_anywhere_is_refused() {
    for (kind, payload) in payloads() {
        for length in 0..payload.len() {
            assert!(decode(kind, &payload[..length]).is_err(), "kind {kind} cut to {length} bytes");
        }
    }
}

#[test]
fn bytes_behind_an_event_are_refused() {
    for (kind, mut payload) in payloads() {
        payload.push(0);
        assert!(matches!(decode(kind, &payload), Err(DecodeEventError::Trailing { count: 1 })), "kind {kind}");
    }
}

#[test]
fn unknown_kinds_and_versions_are_named() {
    let (_, mut payload) = payloads().remove(0);
    assert!(matches!(ControlEvent::decode(15, &payload), Err(DecodeEventError::UnknownKind { kind: 15 })));
    assert!(matches!(ControlEvent::decode(128, &payload), Err(DecodeEventError::UnknownKind { kind: 128 })));
    assert!(matches!(MembershipEvent::decode(127, &payload), Err(DecodeEventError::UnknownKind { kind: 127 })));
    payload[0] = 2;
    assert!(matches!(ControlEvent::decode(1, &payload), Err(DecodeEventError::UnknownVersion { version: 2 })));
    assert!(matches!(ControlEvent::decode(1, &[]), Err(DecodeEventError::Empty)));
}

#[test]
fn absurd_lengths_are_refused() {
    // A name, a list of addresses, and a seal that claim to be as long as a number can say.
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let renamed = [&[1, 0][..], &[3; 32], &huge].concat();
    assert!(matches!(decode(4, &renamed), Err(DecodeEventError::Body(_))));
    let relocated = [&[1, 0][..], &[3; 32], &huge].concat();
    assert!(matches!(decode(5, &relocated), Err(DecodeEventError::Body(_))));
    let removed = [&[1, 0][..], &[3; 32], &[1], &[3; 32], &[0, 1], &[0xcc; 32], &huge].concat();
    assert!(matches!(decode(3, &removed), Err(DecodeEventError::Body(_))));
    // A vector of seen entries likewise.
    let found = [&[1][..], &huge, &[4; 16]].concat();
    assert!(matches!(decode(128, &found), Err(DecodeEventError::Seen(_))));
}

#[test]
fn lists_have_limits_when_read_and_when_written() {
    let many = vec!["192.0.2.1:1".to_owned(); MAX_ADDRESSES + 1];
    let event = ControlEvent::new(seen(), Relocated { device: device(3), addresses: many });
    // What is written is checked too, by the size of a whole list.
    let cuts: Vec<Cut> = (0..=u8::try_from(MAX_CHAINS_PER_DEVICE).unwrap()).map(cut).collect();
    let removed = ControlEvent::new(seen(), Removed { device: device(3), cuts });
    let long = vec![Sealed { device: device(1), bytes: vec![0; MAX_SEALED_BYTES + 1] }];
    let shared = ControlEvent::new(seen(), SecretShared { id: GenerationId([1; 16]), sealed: long });
    let sealed: Vec<Sealed> = (0..=u8::try_from(MAX_SEALED).unwrap())
        .map(|number| Sealed { device: device(number), bytes: vec![1] })
        .collect();
    let widely = ControlEvent::new(seen(), SecretShared { id: GenerationId([1; 16]), sealed });
    let sealed_cut = Cut { seal: vec![0; MAX_SEAL_BYTES + 1], ..cut(3) };
    let sealed_cut = ControlEvent::new(seen(), Removed { device: device(3), cuts: vec![sealed_cut] });
    let devices = (0..=u8::try_from(MAX_FURTHER_DEVICES).unwrap()).map(further).collect();
    let devices = ControlEvent::new(seen(), FurtherDevices { friend: device(3), devices });
    let addresses = vec!["192.0.2.1:1".to_owned(); MAX_FURTHER_ADDRESSES + 1];
    let addresses = vec![FurtherDevice { addresses, ..further(5) }];
    let addresses = ControlEvent::new(seen(), FurtherDevices { friend: device(3), devices: addresses });
    for event in [event, removed, shared, widely, sealed_cut, devices, addresses] {
        assert!(matches!(event.encode(), Err(EncodeEventError::Invalid { .. })));
    }
    let items = u8::try_from(MAX_ADDRESSES).unwrap() + 1;
    let addresses: Vec<u8> = (0..items).flat_map(|_| *b"\x01a").collect();
    let too_many = [&[1, 0][..], &[3; 32], &[items], &addresses].concat();
    assert!(matches!(decode(5, &too_many), Err(DecodeEventError::Body(_))));
}

#[test]
fn a_pairing_by_which_nothing_was_agreed_is_none() {
    let admitted = Admitted {
        device: device(2),
        role: PeerRole::Friend,
        side: PairingSide::Joining,
        way: PairingWay::Introduced { by: device(5) },
        name: String::new(),
        noise_key: [0x11; 32],
        sealing_key: [0x22; 32],
        addresses: Vec::new(),
        pair_secret: Vec::new(),
    };
    let event = ControlEvent::new(seen(), admitted.clone());
    assert!(matches!(event.encode(), Err(EncodeEventError::Invalid { .. })));
    // As bytes: a pairing by a link, whose way is made another.
    let link = ControlEvent::new(seen(), Admitted { way: PairingWay::Link, ..admitted }).encode().unwrap();
    let at = link.windows(35).position(|bytes| bytes[..32] == [2; 32] && bytes[32..] == [0, 1, 0]).unwrap() + 34;
    let changed = [&link[..at], &[4], &[5; 32], &link[at + 1..]].concat();
    assert!(matches!(decode(2, &changed), Err(DecodeEventError::Invalid { .. })));
}

#[test]
fn names_and_addresses_have_rules() {
    let renamed = |name: String| ControlEvent::new(seen(), Renamed { device: device(3), name }).encode();
    assert!(renamed("n".repeat(MAX_NAME_BYTES)).is_ok());
    assert!(matches!(renamed("n".repeat(MAX_NAME_BYTES + 1)), Err(EncodeEventError::Invalid { .. })));
    assert!(matches!(renamed("two\nlines".to_owned()), Err(EncodeEventError::Invalid { .. })));
    let escape = [&[1, 0][..], &[3; 32], b"\x01\x1b"].concat();
    assert!(matches!(decode(4, &escape), Err(DecodeEventError::Invalid { .. })));
    let empty_address = [&[1, 0][..], &[3; 32], &[1, 0]].concat();
    assert!(matches!(decode(5, &empty_address), Err(DecodeEventError::Invalid { .. })));
}

#[test]
fn cuts_and_sealed_secrets_ascend_and_runs_are_not_empty() {
    let removed = |cuts| ControlEvent::new(seen(), Removed { device: device(3), cuts }).encode();
    assert!(removed(vec![cut(3), cut(4)]).is_ok());
    assert!(matches!(removed(vec![cut(4), cut(3)]), Err(EncodeEventError::Invalid { .. })));
    assert!(matches!(removed(vec![cut(3), cut(3)]), Err(EncodeEventError::Invalid { .. })));
    for devices in [vec![further(6), further(5)], vec![further(5), further(5)]] {
        let told = ControlEvent::new(seen(), FurtherDevices { friend: device(3), devices });
        assert!(matches!(told.encode(), Err(EncodeEventError::Invalid { .. })));
    }
    let twice = vec![sealed().remove(0), sealed().remove(0)];
    let shared = ControlEvent::new(seen(), SecretShared { id: GenerationId([1; 16]), sealed: twice });
    assert!(matches!(shared.encode(), Err(EncodeEventError::Invalid { .. })));
    for (first, last) in [(0, 5), (6, 5)] {
        let run = Run { first: Seq(first), last: Seq(last), ..run() };
        let keep = MembershipEvent::new(seen(), Keep { run });
        assert!(matches!(keep.encode(), Err(EncodeEventError::Invalid { .. })), "{first} to {last}");
    }
    let half_owner = Vouch { device: device(3), access: Access::ReadOnly, standing: Standing::CoOwner };
    assert!(matches!(MembershipEvent::new(seen(), half_owner).encode(), Err(EncodeEventError::Invalid { .. })));
}

#[test]
fn an_overlong_number_is_refused() {
    let payload = MembershipEvent::new(Seen::default(), Keep { run: run() }).encode().unwrap();
    let last = [0xc8, 0x01];
    let at = payload.windows(2).position(|bytes| bytes == last).unwrap();
    let overlong = [&payload[..at], &[0xc8, 0x81, 0x00], &payload[at + 2..]].concat();
    assert!(matches!(decode(131, &overlong), Err(DecodeEventError::NotCanonical)));
}

#[test]
fn an_event_is_no_longer_than_an_entry_may_be() {
    let item = |index: u16| SeenItem {
        author: AuthorTag([[0; 6].as_slice(), &index.to_be_bytes()].concat().try_into().unwrap()),
        seq: Seq(u64::MAX),
        tag: HashTag([0; 4]),
    };
    let event = ControlEvent::new(Seen::new((0..4_096).map(item)), WorkspaceForgotten { workspace: workspace() });
    assert!(matches!(event.encode(), Err(EncodeEventError::TooLarge { .. })));
    assert!(matches!(decode(7, &vec![1; 70_000]), Err(DecodeEventError::TooLarge { bytes: 70_000 })));
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn arbitrary_bytes_are_refused_or_canonical(kind: u8, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for bytes in [bytes.clone(), [&[1, 0], bytes.as_slice()].concat()] {
            if let Ok(event) = ControlEvent::decode(kind, &bytes) {
                prop_assert_eq!(event.encode().unwrap(), bytes.clone());
            }
            if let Ok(event) = MembershipEvent::decode(kind, &bytes) {
                prop_assert_eq!(event.encode().unwrap(), bytes);
            }
        }
    }

    #[test]
    fn a_changed_byte_gives_an_error_or_another_event(sample in 0..24_usize, at: prop::sample::Index, flip in 1..=255_u8) {
        let (kind, original) = payloads().swap_remove(sample);
        let mut changed = original.clone();
        changed[at.index(original.len())] ^= flip;
        if kind < MembershipEvent::FIRST_KIND {
            if let Ok(event) = ControlEvent::decode(kind, &changed) {
                prop_assert_eq!(event.encode().unwrap(), changed);
            }
        } else if let Ok(event) = MembershipEvent::decode(kind, &changed) {
            prop_assert_eq!(event.encode().unwrap(), changed);
        }
    }
}

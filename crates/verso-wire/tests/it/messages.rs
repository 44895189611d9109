//! Messages come back from their bytes as they were, and each has one encoding.

use bytes::Bytes;
use proptest::prelude::*;
use verso_identity::{DeviceId, Signature, WorkspaceId};
use verso_vv::{Author, EntryHash, Incarnation, Seq};
use verso_wire::limits::{
    MAX_ADDRESS, MAX_ADDRESSES, MAX_AUTHORS, MAX_FRAME, MAX_FURTHER_ADDRESS, MAX_FURTHER_ADDRESSES, MAX_NAME,
    MAX_OFFERED, MAX_PROOF_DIGESTS,
};
use verso_wire::{
    ChainHead, EntryDigest, ForkProof, ForkSide, FurtherDevice, HeldDigest, Message, MessageError, MessageTag, Offered,
    Reason, Seal, VectorEntry, VersionRange, WireAccess,
};

use crate::support::Writer;

fn author() -> impl Strategy<Value = Author> {
    (any::<[u8; 32]>(), any::<u64>()).prop_map(|(device, incarnation)| Author {
        device: DeviceId::from_bytes(device),
        incarnation: Incarnation(incarnation),
    })
}

fn authors() -> impl Strategy<Value = Vec<Author>> {
    prop::collection::btree_set(author(), 0..12).prop_map(|authors| authors.into_iter().collect())
}

fn workspace() -> impl Strategy<Value = WorkspaceId> {
    any::<[u8; 16]>().prop_map(WorkspaceId::from_bytes)
}

fn signature() -> impl Strategy<Value = Signature> {
    any::<[u8; 32]>().prop_map(|half| Signature::from_bytes([half, half].concat().try_into().unwrap()))
}

fn reason() -> impl Strategy<Value = Reason> {
    prop::sample::select(Reason::ALL)
}

fn seal() -> impl Strategy<Value = Seal> {
    (author(), any::<u64>(), any::<[u8; 32]>(), signature()).prop_map(|(author, seq, hash, signature)| Seal {
        author,
        head: ChainHead { seq: Seq(seq), hash: EntryHash(hash) },
        signature,
    })
}

fn side() -> impl Strategy<Value = ForkSide> {
    (prop::collection::vec(any::<[u8; 32]>(), 0..5), signature()).prop_map(|(digests, signature)| ForkSide {
        digests: digests.into_iter().map(EntryDigest).collect(),
        signature,
    })
}

fn offered() -> impl Strategy<Value = Offered> {
    let access = prop::sample::select(vec![WireAccess::ReadOnly, WireAccess::ReadWrite]);
    (workspace(), "\\PC{0,40}", access).prop_map(|(workspace, name, access)| Offered { workspace, name, access })
}

pub(crate) fn message() -> impl Strategy<Value = Message> {
    let vector_entry = |author| {
        (1..=u64::MAX, any::<[u8; 8]>()).prop_map(move |(seq, tag)| VectorEntry { author, seq: Seq(seq), tag })
    };
    prop_oneof![
        ("\\PC{0,40}", any::<u32>(), any::<u32>(), any::<u64>(), prop::collection::vec("\\PC{0,40}", 0..6)).prop_map(
            |(name, one, two, wall_clock_ms, addresses)| Message::PeerInfo {
                name,
                versions: VersionRange { min: one.min(two), max: one.max(two) },
                wall_clock_ms,
                addresses,
            }
        ),
        (prop::collection::vec(offered(), 0..6), prop::collection::vec(workspace(), 0..6))
            .prop_map(|(add, remove)| Message::Offer { add, remove }),
        workspace().prop_map(|workspace| Message::Open { workspace }),
        any::<[u8; 32]>().prop_map(|digest| Message::Hello { digest: HeldDigest(digest) }),
        (
            authors().prop_flat_map(move |authors| authors.into_iter().map(vector_entry).collect::<Vec<_>>()),
            prop::option::of(seal())
        )
            .prop_map(|(entries, seal)| Message::Vector { entries, seal }),
        prop::collection::vec(any::<u8>(), 1..300).prop_map(|bytes| Message::Unit { bytes: bytes.into() }),
        (authors(), any::<u64>(), any::<u64>()).prop_map(|(authors, seq, credit)| Message::Ack {
            held: authors.into_iter().map(|author| (author, Seq(seq))).collect(),
            credit,
        }),
        (author(), any::<u64>(), reason()).prop_map(|(author, from, reason)| Message::Decline {
            author,
            from: Seq(from),
            reason
        }),
        author().prop_map(|author| Message::Withdraw { author }),
        (author(), any::<u64>(), any::<[u8; 32]>(), side(), side()).prop_map(|(author, at, prev_hash, one, two)| {
            Message::Proof(ForkProof { author, at: Seq(at), prev_hash: EntryHash(prev_hash), sides: [one, two] })
        }),
        prop::option::of(reason()).prop_map(|reason| Message::Goodbye { reason }),
        prop::collection::btree_map(any::<[u8; 32]>(), further(), 0..4).prop_map(|devices| Message::Devices {
            devices: devices
                .into_iter()
                .map(|(device, (noise_key, name, addresses))| FurtherDevice {
                    device: DeviceId::from_bytes(device),
                    noise_key,
                    name,
                    addresses,
                })
                .collect(),
        }),
    ]
}

fn further() -> impl Strategy<Value = ([u8; 32], String, Vec<String>)> {
    (any::<[u8; 32]>(), "\\PC{0,40}", prop::collection::vec("\\PC{0,40}", 0..4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_message_survives_its_encoding(message in message()) {
        let body = message.encode().unwrap();
        prop_assert_eq!(body[0], message.tag().byte());
        prop_assert_eq!(Message::decode(&body), Ok(message));
    }
}

#[test]
fn tags_are_the_first_bytes_1_to_12() {
    let tags: Vec<u8> = MessageTag::ALL.iter().map(|tag| tag.byte()).collect();
    assert_eq!(tags, (1..=12).collect::<Vec<u8>>());
}

#[test]
fn everyday_messages_are_small() {
    let len = |message: Message| message.encode().unwrap().len();
    let author = Writer::new(1).author;
    assert_eq!(len(Message::Open { workspace: WorkspaceId::CONTROL }), 1 + 16);
    assert_eq!(len(Message::Hello { digest: HeldDigest([1; 32]) }), 1 + 32);
    assert_eq!(len(Message::Ack { held: vec![(author, Seq(5))], credit: 1 << 23 }), 1 + 48 + 16);
    assert_eq!(len(Message::Goodbye { reason: None }), 2);
    let entries = |count: u8| {
        (0..count)
            .map(|number| VectorEntry {
                author: Author { incarnation: Incarnation(number.into()), ..author },
                seq: Seq(1),
                tag: [0; 8],
            })
            .collect()
    };
    assert_eq!(len(Message::Vector { entries: entries(4), seal: None }), 1 + 4 * 56 + 16);
}

#[test]
fn the_largest_messages_fit_a_frame() {
    let writer = Writer::new(1);
    let author = |number: usize| Author { incarnation: Incarnation(number.try_into().unwrap()), ..writer.author };
    let entries =
        |count| (0..count).map(|number| VectorEntry { author: author(number), seq: Seq(1), tag: [1; 8] }).collect();
    let seal = Seal { author: writer.author, head: writer.head, signature: Signature::from_bytes([1; 64]) };
    let vector = |count| Message::Vector { entries: entries(count), seal: Some(seal) };
    let offer = |count: usize, name: usize| Message::Offer {
        add: vec![Offered { workspace: writer.workspace, name: "n".repeat(name), access: WireAccess::ReadOnly }; count],
        remove: vec![writer.workspace; count],
    };
    let ack = |count| Message::Ack { held: (0..count).map(|number| (author(number), Seq(1))).collect(), credit: 0 };
    let info = |name: usize, addresses: usize, address: usize| Message::PeerInfo {
        name: "n".repeat(name),
        versions: VersionRange::CURRENT,
        wall_clock_ms: 0,
        addresses: vec!["a".repeat(address); addresses],
    };
    let devices = |count: u8, name: usize, addresses: usize, address: usize| Message::Devices {
        devices: (0..count)
            .map(|number| FurtherDevice {
                device: DeviceId::from_bytes([number; 32]),
                noise_key: [number; 32],
                name: "n".repeat(name),
                addresses: vec!["a".repeat(address); addresses],
            })
            .collect(),
    };
    let side =
        |count| ForkSide { digests: vec![EntryDigest([2; 32]); count], signature: Signature::from_bytes([1; 64]) };
    let proof = |one, two| {
        Message::Proof(ForkProof {
            author: writer.author,
            at: Seq(1),
            prev_hash: EntryHash([0; 32]),
            sides: [side(one), side(two)],
        })
    };
    let unit = |len| Message::Unit { bytes: Bytes::from(vec![1; len]) };
    for message in [
        vector(MAX_AUTHORS),
        offer(MAX_OFFERED, MAX_NAME),
        ack(MAX_AUTHORS),
        info(MAX_NAME, MAX_ADDRESSES, MAX_ADDRESS),
        devices(16, MAX_NAME, MAX_FURTHER_ADDRESSES, MAX_FURTHER_ADDRESS),
        proof(MAX_PROOF_DIGESTS, MAX_PROOF_DIGESTS),
        unit(MAX_FRAME - 1),
    ] {
        let body = message.encode().unwrap();
        assert!(body.len() <= MAX_FRAME);
        assert_eq!(Message::decode(&body), Ok(message));
    }
    for message in [
        vector(MAX_AUTHORS + 1),
        offer(MAX_OFFERED + 1, 1),
        offer(1, MAX_NAME + 1),
        ack(MAX_AUTHORS + 1),
        info(MAX_NAME + 1, 0, 0),
        info(0, MAX_ADDRESSES + 1, 1),
        info(0, 1, MAX_ADDRESS + 1),
        devices(17, 0, 0, 0),
        devices(1, MAX_NAME + 1, 0, 0),
        devices(1, 0, MAX_FURTHER_ADDRESSES + 1, 1),
        devices(1, 0, 1, MAX_FURTHER_ADDRESS + 1),
        proof(MAX_PROOF_DIGESTS + 1, 1),
        proof(1, MAX_PROOF_DIGESTS + 1),
        unit(MAX_FRAME),
    ] {
        let refused = message.encode();
        assert!(matches!(refused, Err(MessageError::Limit { tag, .. }) if tag == message.tag()), "{refused:?}");
    }
}

#[test]
fn debug_output_never_shows_what_people_wrote() {
    let mut writer = Writer::new(1);
    let unit = writer.one(b"secret title").encode(verso_wire::CompressionLevel::RECORD);
    let offered =
        Offered { workspace: writer.workspace, name: "secret plans".to_owned(), access: WireAccess::ReadOnly };
    for message in [
        Message::Unit { bytes: unit.into() },
        Message::Offer { add: vec![offered], remove: Vec::new() },
        Message::PeerInfo {
            name: "secret laptop".to_owned(),
            versions: VersionRange::CURRENT,
            wall_clock_ms: 0,
            addresses: vec!["secret.example:1".to_owned()],
        },
        Message::Devices {
            devices: vec![FurtherDevice {
                device: writer.author.device,
                noise_key: [1; 32],
                name: "secret tablet".to_owned(),
                addresses: vec!["secret.example:1".to_owned()],
            }],
        },
    ] {
        let text = format!("{message:?}");
        assert!(text.starts_with(&message.tag().to_string()) && !text.contains("secret"), "{text}");
    }
}

#[test]
fn versions_meet_at_the_newest_common_one() {
    let range = |min, max| VersionRange { min, max };
    assert_eq!(range(1, 3).common(range(2, 5)), Some(3));
    assert_eq!(range(2, 5).common(range(1, 3)), Some(3));
    assert_eq!(range(1, 1).common(range(1, 1)), Some(1));
    assert_eq!(range(1, 2).common(range(3, 4)), None);
    assert_eq!(range(3, 4).common(range(1, 2)), None);
}

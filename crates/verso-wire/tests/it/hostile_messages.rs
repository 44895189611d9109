//! Whatever the bytes, decoding a message ends in a typed error or in the one message that they encode.

use bytes::Bytes;
use proptest::prelude::*;
use verso_identity::Signature;
use verso_vv::Seq;
use verso_wire::{
    FurtherDevice, HeldDigest, Message, MessageError, MessageTag, Offered, Reason, Seal, VectorEntry, VersionRange,
    WireAccess,
};

use crate::messages::message;
use crate::support::Writer;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), tag in 0_u8..13) {
        if let Some(first) = bytes.first_mut() {
            *first = tag;
        }
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn damaged_messages_are_refused_or_canonical(
        message in message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = message.encode().unwrap().to_vec();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(message.encode().unwrap(), bytes);
        }
    }

    #[test]
    fn messages_cut_short_or_continued_are_refused(message in message(), more in any::<u8>()) {
        prop_assume!(message.tag() != MessageTag::Unit);
        let bytes = message.encode().unwrap();
        for len in 0..bytes.len() {
            prop_assert!(Message::decode(&bytes[..len]).is_err(), "{} of {} bytes", len, bytes.len());
        }
        // Behind, and between tag and archive, where no pointer of the archive looks.
        prop_assert!(Message::decode(&[&bytes[..], &[more]].concat()).is_err());
        prop_assert!(Message::decode(&[&bytes[..1], &[more], &bytes[1..]].concat()).is_err());
    }
}

#[test]
fn bytes_without_a_known_tag_are_refused() {
    assert_eq!(Message::decode(&[]), Err(MessageError::Empty));
    for tag in [0, 13, 0xff] {
        assert_eq!(Message::decode(&[tag, 1, 2, 3]), Err(MessageError::UnknownTag { tag }));
    }
    assert_eq!(Message::decode(&[MessageTag::Unit.byte()]), Err(MessageError::Malformed { tag: MessageTag::Unit }));
}

/// Each place in an encoding where four bytes could be a count or a pointer, with absurd values put in.
fn with_absurd_numbers(bytes: &Bytes) -> impl Iterator<Item = Vec<u8>> {
    let absurd = [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 0x1000_0000, 0x0010_0000_u32];
    (1..bytes.len().saturating_sub(3)).flat_map(move |place| {
        absurd.map(|value| {
            let mut changed = bytes.to_vec();
            changed[place..place + 4].copy_from_slice(&value.to_le_bytes());
            changed
        })
    })
}

#[test]
fn absurd_counts_and_pointers_are_refused() {
    let mut writer = Writer::new(1);
    let seal = writer.one(b"x").head_seal();
    let messages = [
        Message::PeerInfo {
            name: "a name of more than eight bytes".to_owned(),
            versions: VersionRange::CURRENT,
            wall_clock_ms: 1,
            addresses: vec!["192.0.2.7:4433".to_owned(), "short".to_owned()],
        },
        Message::Offer {
            add: vec![Offered {
                workspace: writer.workspace,
                name: "a long enough name".to_owned(),
                access: WireAccess::ReadWrite,
            }],
            remove: vec![writer.workspace],
        },
        Message::Vector { entries: vec![VectorEntry::new(writer.author, Seq(3), &seal.head.hash)], seal: Some(seal) },
        Message::Ack { held: vec![(writer.author, Seq(3))], credit: 9 },
    ];
    for message in messages {
        let bytes = message.encode().unwrap();
        for changed in with_absurd_numbers(&bytes) {
            if let Ok(other) = Message::decode(&changed) {
                // The bytes were plain data, a number or an id, and say another thing now.
                assert_ne!(other, message);
                assert_eq!(other.encode().unwrap(), changed);
            }
        }
    }
}

fn refused<T>(tag: MessageTag) -> Result<T, MessageError> {
    Err(MessageError::Malformed { tag })
}

#[test]
fn values_that_a_message_cannot_have_are_refused() {
    let writer = Writer::new(1);
    let vector = |entries: &[(Seq, u8)]| Message::Vector {
        entries: entries
            .iter()
            .map(|&(seq, number)| VectorEntry { author: Writer::new(number).author, seq, tag: [0; 8] })
            .collect(),
        seal: None,
    };
    let (low, high) = if Writer::new(1).author < Writer::new(2).author { (1, 2) } else { (2, 1) };
    assert!(vector(&[(Seq(1), low), (Seq(1), high)]).encode().is_ok());
    assert_eq!(vector(&[(Seq(1), high), (Seq(1), low)]).encode(), refused(MessageTag::Vector));
    assert_eq!(vector(&[(Seq(1), low), (Seq(2), low)]).encode(), refused(MessageTag::Vector));
    assert_eq!(vector(&[(Seq(0), low)]).encode(), refused(MessageTag::Vector));
    let twice = Message::Ack { held: vec![(writer.author, Seq(1)), (writer.author, Seq(2))], credit: 0 };
    assert_eq!(twice.encode(), refused(MessageTag::Ack));
    let devices = |numbers: &[u8]| {
        let further = |number: &u8| FurtherDevice {
            device: Writer::new(*number).author.device,
            name: "phone".to_owned(),
            noise_key: [0; 32],
            addresses: Vec::new(),
        };
        Message::Devices { devices: numbers.iter().map(further).collect() }.encode()
    };
    let is_first = Writer::new(1).author.device < Writer::new(2).author.device;
    let (first, second) = if is_first { (1, 2) } else { (2, 1) };
    assert!(devices(&[first, second]).is_ok());
    assert_eq!(devices(&[second, first]), refused(MessageTag::Devices));
    assert_eq!(devices(&[first, first]), refused(MessageTag::Devices));
    let backwards = Message::PeerInfo {
        name: String::new(),
        versions: VersionRange { min: 2, max: 1 },
        wall_clock_ms: 0,
        addresses: Vec::new(),
    };
    assert_eq!(backwards.encode(), refused(MessageTag::PeerInfo));

    // The last byte of these is the reason, or the access.
    let unknown = |message: Message, value: u8| {
        let mut bytes = message.encode().unwrap().to_vec();
        *bytes.last_mut().unwrap() = value;
        Message::decode(&bytes)
    };
    let decline = Message::Decline { author: writer.author, from: Seq(1), reason: Reason::Limit };
    assert_eq!(unknown(decline.clone(), 0), refused(MessageTag::Decline));
    assert_eq!(unknown(decline, 99), refused(MessageTag::Decline));
    assert_eq!(unknown(Message::Goodbye { reason: None }, 99), refused(MessageTag::Goodbye));
    assert!(unknown(Message::Goodbye { reason: None }, Reason::Busy.number()).is_ok());
    let mut offer = Message::Offer {
        add: vec![Offered { workspace: writer.workspace, name: "n".to_owned(), access: WireAccess::ReadWrite }],
        remove: Vec::new(),
    }
    .encode()
    .unwrap()
    .to_vec();
    let place = 1 + 16 + 8;
    assert_eq!(offer[place], 1);
    offer[place] = 2;
    assert_eq!(Message::decode(&offer), refused(MessageTag::Offer));
}

#[test]
fn a_name_that_is_not_text_is_refused() {
    let info = Message::PeerInfo {
        name: "a name of more than eight bytes".to_owned(),
        versions: VersionRange::CURRENT,
        wall_clock_ms: 1,
        addresses: Vec::new(),
    };
    let mut bytes = info.encode().unwrap().to_vec();
    assert_eq!(bytes[1], b'a');
    bytes[1] = 0xff;
    assert_eq!(Message::decode(&bytes), Err(MessageError::Malformed { tag: MessageTag::PeerInfo }));
}

#[test]
fn what_carries_signatures_is_only_data_until_verified() {
    let writer = Writer::new(1);
    let seal = Seal { author: writer.author, head: writer.head, signature: Signature::from_bytes([0; 64]) };
    let vector = Message::Vector { entries: Vec::new(), seal: Some(seal) };
    let decoded = Message::decode(&vector.encode().unwrap()).unwrap();
    assert_eq!(decoded, vector);
    assert!(seal.verify(&writer.workspace).is_err());
    assert!(Message::decode(&Message::Hello { digest: HeldDigest([0; 32]) }.encode().unwrap()).is_ok());
}

//! What the documents in `docs/formats/` say is what the code does.

use data_encoding::HEXLOWER;
use verso_vv::{Hlc, Seq};
use verso_wire::limits::{
    MAX_ADDRESS, MAX_ADDRESSES, MAX_AUTHORS, MAX_DEVICES, MAX_FRAME, MAX_FURTHER_ADDRESS, MAX_FURTHER_ADDRESSES,
    MAX_FURTHER_DEVICES, MAX_INFLATED, MAX_KEPT_SEALS, MAX_NAME, MAX_OFFERED, MAX_PAYLOAD, MAX_PEER_INFO,
    MAX_PROOF_DIGESTS, MAX_UNIT_BYTES, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD,
};
use verso_wire::{Branch, ChainHead, CompressionLevel, EntryDigest, EntryKind, HeldDigest, MessageTag, Reason};

use crate::support::{NOW, Writer};

const UNIT: &str = include_str!("../../../../docs/formats/unit.md");
const MESSAGES: &str = include_str!("../../../../docs/formats/messages.md");

/// Checks that a document has a table row that starts with these cells.
fn has_row(document: &str, cells: &[&str]) {
    let start = format!("| {} |", cells.join(" | "));
    assert!(document.lines().any(|line| line.starts_with(&start)), "no row {start}");
}

/// Writes a number with commas between thousands, as the documents do.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

#[test]
fn the_test_vectors_hold() {
    let mut writer = Writer::new(0x11);
    let incarnation = writer.author.incarnation.0.to_le_bytes();
    let start = ChainHead::start(&writer.workspace, &writer.author);
    let payload = b"one intent of the user";
    let digest = EntryDigest::of(EntryKind(1), NOW, payload);
    let unit = writer.one(payload);
    let head = unit.head();
    let branch = Branch { at: Seq(1), hash: head.hash }.author(&writer.author);
    let rows: [(&str, &[u8]); 10] = [
        ("device", writer.author.device.as_bytes()),
        ("incarnation, little-endian", &incarnation),
        ("workspace", writer.workspace.as_bytes()),
        ("clock, little-endian", &NOW.0.to_le_bytes()),
        ("`h(0)`", &start.hash.0),
        ("`d(1)`", &digest.0),
        ("`h(1)`", &head.hash.0),
        ("signature", unit.signature().as_bytes()),
        ("incarnation of the branch (1, `h(1)`), little-endian", &branch.incarnation.0.to_le_bytes()),
        ("the unit", &unit.encode(CompressionLevel::RECORD)),
    ];
    for (name, bytes) in rows {
        has_row(UNIT, &[name, &format!("`{}`", HEXLOWER.encode(bytes))]);
    }
    let all = HeldDigest::of([(writer.author, head)]);
    has_row(MESSAGES, &["held digest", &format!("`{}`", HEXLOWER.encode(&all.0))]);
    assert_eq!(NOW, Hlc::from_millis(1_760_000_000_000));
}

#[test]
fn the_limits_are_the_codes() {
    for (document, name, value) in [
        (UNIT, "entries", MAX_UNIT_ENTRIES),
        (UNIT, "bytes of one payload", MAX_PAYLOAD),
        (UNIT, "bytes of payload in all", MAX_UNIT_PAYLOAD),
        (UNIT, "kept seals", MAX_KEPT_SEALS),
        (UNIT, "bytes of inflated columns", MAX_INFLATED),
        (UNIT, "bytes of the encoded unit", MAX_UNIT_BYTES),
        (MESSAGES, "bytes of a frame's body", MAX_FRAME),
        (MESSAGES, "bytes of a `PeerInfo`", MAX_PEER_INFO),
        (MESSAGES, "bytes of a name", MAX_NAME),
        (MESSAGES, "addresses", MAX_ADDRESSES),
        (MESSAGES, "bytes of an address", MAX_ADDRESS),
        (MESSAGES, "workspaces added, and removed", MAX_OFFERED),
        (MESSAGES, "authors of a vector, and of an acknowledgement", MAX_AUTHORS),
        (MESSAGES, "bytes of a `Devices`", MAX_DEVICES),
        (MESSAGES, "further devices", MAX_FURTHER_DEVICES),
        (MESSAGES, "addresses of a further device", MAX_FURTHER_ADDRESSES),
        (MESSAGES, "bytes of an address of a further device", MAX_FURTHER_ADDRESS),
        (MESSAGES, "digests of one side of a proof", MAX_PROOF_DIGESTS),
    ] {
        has_row(document, &[name, &grouped(value)]);
    }
}

#[test]
fn tags_and_reasons_are_the_codes() {
    for tag in MessageTag::ALL {
        has_row(MESSAGES, &[&tag.byte().to_string(), &format!("`{tag}`")]);
    }
    for reason in Reason::ALL {
        has_row(MESSAGES, &[&reason.number().to_string(), &format!("`{reason}`")]);
    }
    assert_eq!(grouped(1_048_576), "1,048,576");
}

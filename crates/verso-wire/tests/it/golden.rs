//! Bytes of format version 1, kept as files: they must be read for ever, and be written the same until a new version says otherwise.
//!
//! With `VERSO_BLESS=1` the files are written anew, for a new version of the format.

#![expect(clippy::disallowed_methods, reason = "golden files are files")]

use std::path::PathBuf;

use verso_identity::{DeviceId, Signature};
use verso_vv::{EntryHash, Hlc, Seq};
use verso_wire::{
    ChainHead, CompressionLevel, EntryDigest, EntryKind, ForkProof, ForkSide, FurtherDevice, HeldDigest, Message,
    Offered, Reason, Seal, SyncUnit, VectorEntry, VerifiedUnit, VersionRange, WireAccess,
};

use crate::support::{Draft, NOW, Writer};

/// Returns the file's bytes, after writing `bytes` to it if that is asked for.
fn golden(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("VERSO_BLESS").is_some() {
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::read(&path).unwrap()
}

fn long(writer: &mut Writer) -> VerifiedUnit {
    let entries: Vec<Draft> = (0_u64..200)
        .map(|step| {
            let (kind, text) = if step % 3 == 0 {
                (1, format!("https://example.org/{step}"))
            } else {
                (2, format!("tag {}", step % 7))
            };
            Draft::Full(EntryKind(kind), Hlc(NOW.0 + step), text.into_bytes())
        })
        .collect();
    writer.unit(&entries)
}

#[test]
fn units_of_version_1_are_read_and_written_alike() {
    let mut writer = Writer::new(0x11);
    for (name, unit) in
        [("unit-1-single.bin", writer.one(b"one intent of the user")), ("unit-1-rich.bin", writer.rich())]
    {
        let bytes = unit.encode(CompressionLevel::RECORD);
        let file = golden(name, &bytes);
        assert_eq!(SyncUnit::decode(&writer.workspace, &file).unwrap().chain().verify().as_ref(), Ok(&unit), "{name}");
        assert_eq!(bytes, file, "{name}");
    }
}

#[test]
fn compressed_units_of_version_1_are_read() {
    // How well zstd compresses may change with its version; what it means may not.
    let mut writer = Writer::new(0x22);
    let unit = long(&mut writer);
    let bytes = unit.encode(CompressionLevel::RECORD);
    let file = golden("unit-1-compressed.bin", &bytes);
    assert_eq!((bytes[0], file[0]), (0x81, 0x81));
    assert_eq!(SyncUnit::decode(&writer.workspace, &file).unwrap().chain().verify(), Ok(unit));
}

#[test]
fn messages_of_version_1_are_read_and_written_alike() {
    let mut writer = Writer::new(0x33);
    let author = writer.author;
    let unit = writer.one(b"an intent");
    let seal = Seal {
        author,
        head: ChainHead { seq: Seq(9), hash: EntryHash([0x0a; 32]) },
        signature: Signature::from_bytes([0x5e; 64]),
    };
    let side = |byte, len| ForkSide {
        digests: vec![EntryDigest([byte; 32]); len],
        signature: Signature::from_bytes([byte; 64]),
    };
    let messages = [
        Message::PeerInfo {
            name: "Mira's laptop".to_owned(),
            versions: VersionRange { min: 1, max: 2 },
            wall_clock_ms: NOW.millis(),
            addresses: vec!["192.0.2.7:4433".to_owned(), "[::1]:9".to_owned()],
        },
        Message::Offer {
            add: vec![
                Offered { workspace: writer.workspace, name: "Reading".to_owned(), access: WireAccess::ReadWrite },
                Offered {
                    workspace: Writer::new(2).workspace,
                    name: "A longer name".to_owned(),
                    access: WireAccess::ReadOnly,
                },
            ],
            remove: vec![Writer::new(3).workspace],
        },
        Message::Open { workspace: writer.workspace },
        Message::Hello { digest: HeldDigest([0x4e; 32]) },
        Message::Vector { entries: vec![VectorEntry::new(author, Seq(9), &EntryHash([0x0a; 32]))], seal: Some(seal) },
        Message::Unit { bytes: unit.encode(CompressionLevel::RECORD).into() },
        Message::Ack { held: vec![(author, Seq(9))], credit: 8 << 20 },
        Message::Decline { author, from: Seq(10), reason: Reason::Declined },
        Message::Withdraw { author },
        Message::Proof(ForkProof {
            author,
            at: Seq(5),
            prev_hash: EntryHash([0x44; 32]),
            sides: [side(1, 2), side(2, 1)],
        }),
        Message::Goodbye { reason: Some(Reason::Busy) },
        Message::Devices {
            devices: vec![
                FurtherDevice {
                    device: DeviceId::from_bytes([0x21; 32]),
                    noise_key: [0x22; 32],
                    name: "Mira's tablet".to_owned(),
                    addresses: vec!["192.0.2.8:4433".to_owned(), "[::1]:9".to_owned()],
                },
                FurtherDevice {
                    device: DeviceId::from_bytes([0x23; 32]),
                    noise_key: [0x24; 32],
                    name: "phone".to_owned(),
                    addresses: Vec::new(),
                },
            ],
        },
    ];
    for message in messages {
        let name = format!("message-1-{}.bin", message.tag().to_string().to_lowercase());
        let bytes = message.encode().unwrap();
        let file = golden(&name, &bytes);
        assert_eq!(bytes, file, "{name}");
        assert_eq!(Message::decode(&file), Ok(message), "{name}");
    }
}

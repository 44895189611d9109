//! Streams: whole or an error, whatever happened to the file.

use proptest::prelude::*;
use verso_identity::{DeviceKey, Key, purposes};
use verso_log::{MemoryStorage, Storage as _, StorageFile as _, StreamError, StreamKey, StreamReader, StreamWriter};
use zeroize::Zeroizing;

use crate::support::cases;

const CHUNK: usize = 64 << 10;
const SEALED: usize = CHUNK + 16;
const HEADER: &[u8] = b"a header of its own";

fn key(n: u8, header: &[u8]) -> StreamKey {
    let key: Key<purposes::Backup> = DeviceKey::from_secret(&Zeroizing::new([n; 32])).derive();
    StreamKey::new(&key, header)
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at + at / 251) % 256).unwrap()).collect()
}

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}

/// A file with a header and a stream behind it, written in pieces.
fn written(text: &[u8], pieces: usize) -> Vec<u8> {
    let disk = MemoryStorage::new(1);
    let mut file = disk.create("file").unwrap();
    file.write_at(0, HEADER).unwrap();
    let mut writer = StreamWriter::new(file, key(1, HEADER)).unwrap();
    for piece in text.chunks(pieces.max(1)) {
        writer.write(piece).unwrap();
    }
    let (_file, len) = writer.finish().unwrap();
    disk.sync_dir("").unwrap();
    let bytes = disk.crash(7).read_file("file").unwrap();
    assert_eq!(len, wide(bytes.len()));
    bytes
}

fn read_with(key: StreamKey, bytes: &[u8], len: usize) -> Result<Vec<u8>, StreamError> {
    let disk = MemoryStorage::new(2);
    disk.write_file("file", bytes);
    let mut reader = StreamReader::new(disk.open("file").unwrap(), key, wide(HEADER.len())).unwrap();
    let mut text = vec![0; len];
    reader.read(&mut text)?;
    reader.finish()?;
    Ok(text)
}

fn read(bytes: &[u8], len: usize) -> Result<Vec<u8>, StreamError> {
    read_with(key(1, HEADER), bytes, len)
}

#[test]
fn every_length_comes_back() {
    for len in [0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5] {
        let text = text(len);
        let bytes = written(&text, 10_000);
        // A chunk that is full is the last one where nothing follows.
        assert_eq!(bytes.len(), HEADER.len() + len + 16 * len.div_ceil(CHUNK).max(1));
        assert!(read(&bytes, len).unwrap() == text, "{len}");
        assert!(matches!(read(&bytes, len + 1), Err(StreamError::Ended)), "{len}");
        if len > 0 {
            assert!(matches!(read(&bytes, len - 1), Err(StreamError::GoesOn)), "{len}");
        }
    }
}

#[test]
fn another_key_or_header_opens_nothing() {
    let bytes = written(&text(100), 100);
    for other in [key(2, HEADER), key(1, b"another header of it")] {
        assert_ne!(other.canary(), key(1, HEADER).canary());
        assert!(matches!(read_with(other, &bytes, 100), Err(StreamError::Damaged { offset: 19 })));
    }
}

/// Chunks that are left out, repeated, swapped, and files that end between two chunks: each is told by
/// the place at which it begins.
#[test]
fn chunks_stay_in_their_places() {
    let len = 3 * CHUNK + 50;
    let bytes = written(&text(len), len);
    let (header, stream) = bytes.split_at(HEADER.len());
    let chunks: Vec<&[u8]> = stream.chunks(SEALED).collect();
    let [a, b, c, d] = chunks[..] else { panic!("four chunks") };
    for (parts, at) in [
        (vec![a, b, c], 2),
        (vec![a], 0),
        (vec![b, c, d], 0),
        (vec![a, c, d], 1),
        (vec![a, c, b, d], 1),
        (vec![a, a, b, c, d], 1),
        (vec![a, b, d], 2),
        (vec![a, b, c, d, d], 3),
    ] {
        let forged = [header, &parts.concat()].concat();
        let Err(StreamError::Damaged { offset }) = read(&forged, len) else { panic!("damage at chunk {at}") };
        assert_eq!(offset, wide(HEADER.len() + at * SEALED));
    }
    assert!(matches!(read(header, 0), Err(StreamError::Damaged { .. })), "a file without any chunk is none");
}

#[test]
fn a_disk_that_fails_is_told_at_the_latest_at_the_end() {
    let text = text(3 * CHUNK);
    let write = |disk: &MemoryStorage| {
        let mut writer = StreamWriter::new(disk.create("file")?, key(1, HEADER))?;
        text.chunks(1000).try_for_each(|piece| writer.write(piece))?;
        writer.finish()
    };
    let probe = MemoryStorage::new(3);
    write(&probe).unwrap();
    for at in 0..probe.operations() {
        let disk = MemoryStorage::new(at);
        disk.fail_after(at);
        assert!(write(&disk).is_err(), "operation {at}");
    }
    let full = MemoryStorage::new(4);
    full.set_capacity(100_000);
    assert_eq!(write(&full).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn any_change_is_noticed(
        len in 0..2 * CHUNK + 100,
        pieces in 1..100_000_usize,
        at in any::<prop::sample::Index>(),
        bits in 1..=255_u8,
    ) {
        let mut bytes = written(&text(len), pieces);
        prop_assert!(read(&bytes, len).unwrap() == text(len));
        let at = HEADER.len() + at.index(bytes.len() - HEADER.len());
        let cut = read(&bytes[..at], len);
        prop_assert!(matches!(cut, Err(StreamError::Damaged { .. } | StreamError::Ended)), "cut at {at}");
        bytes[at] ^= bits;
        let Err(StreamError::Damaged { offset }) = read(&bytes, len) else { panic!("damage at {at}") };
        prop_assert!((offset..offset + wide(SEALED)).contains(&wide(at)), "damage at {at} told at {offset}");
    }
}

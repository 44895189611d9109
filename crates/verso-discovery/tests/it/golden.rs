//! Test vectors of `docs/formats/discovery.md`: the bytes of version 1, and a second reader, written from that document.

use data_encoding::HEXLOWER;
use verso_discovery::{Announcement, Discovery, Heard, Input, Mode, Profile, Relationship};
use verso_identity::DeviceId;
use zeroize::Zeroizing;

use crate::rig::{connect, joined, open_screen};

const CLOSED: &str = include_str!("../golden/closed-v1.hex");
const OPEN: &str = include_str!("../golden/open-v1.hex");

const PORT: u16 = 4_242;

/// 32 bytes that count up from `first`.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

const ANNOUNCER: u8 = 0x40;
const PEER: u8 = 0x80;
const PAIR_SECRET: u8 = 0x00;
const GROUP_SECRET: u8 = 0x20;

fn id(first: u8) -> DeviceId {
    DeviceId::from_bytes(counting(first))
}

fn with(peer: u8, secret: u8) -> Relationship {
    Relationship::new(id(peer), Zeroizing::new(counting(secret)))
}

/// What the device 40… announces to one with which it shares the secret 00…, and to a group with the secret 20….
fn announcements() -> [Announcement; 2] {
    let profile = Profile { device: id(ANNOUNCER), port: PORT, mode: Mode::Announce };
    let mut device = Discovery::new(profile, Zeroizing::new(counting(0xa0)));
    device.handle(0, Input::Relationships(vec![with(PEER, PAIR_SECRET), with(0xc0, GROUP_SECRET)])).unwrap();
    let closed = connect(&mut device, 0, &[("wlan0", "192.168.1.1/24")])[0].1.clone().unwrap();
    device.handle(0, open_screen("Büro 7")).unwrap();
    [closed, joined(&mut device)[0].1.clone().unwrap()]
}

fn in_lines(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes.chunks(32).map(|line| HEXLOWER.encode(line)).collect();
    lines.join("\n") + "\n"
}

fn bytes(lines: &str) -> Vec<u8> {
    HEXLOWER.decode(lines.replace('\n', "").as_bytes()).unwrap()
}

#[test]
fn what_is_announced_stays_the_same() {
    let [closed, open] = announcements();
    assert_eq!(in_lines(&closed.txt()), CLOSED);
    assert_eq!(in_lines(&open.txt()), OPEN);
}

#[test]
fn what_was_announced_is_still_understood() {
    for (record, name) in [(CLOSED, None), (OPEN, Some("Büro 7"))] {
        let heard = Heard::decode(&bytes(record)).unwrap();
        assert_eq!(heard.recognise(&[with(ANNOUNCER, PAIR_SECRET)]), [(id(ANNOUNCER), PORT)].into());
        assert_eq!(heard.recognise(&[with(ANNOUNCER, GROUP_SECRET)]), [(id(ANNOUNCER), PORT)].into());
        assert_eq!(heard.recognise(&[with(PEER, PAIR_SECRET)]), [].into());
        assert_eq!(heard.screen.as_ref().map(|screen| screen.name.as_str()), name);
        assert!(heard.screen.is_none_or(|screen| (screen.device, screen.port) == (id(ANNOUNCER), PORT)));
    }
}

/// By offsets, as the document's tables have them.
#[test]
fn the_document_describes_it() {
    let record = bytes(CLOSED);
    assert_eq!((record.len(), &record[..4], &record[4..7]), (349, b"\x03v=1".as_slice(), b"\x12s=".as_slice()));
    let salt = &record[7..23];
    assert_eq!((&record[23..26], &record[186..189]), (b"\xa2a=".as_slice(), b"\xa2b=".as_slice()));
    let slots = [&record[26..186], &record[189..349]].concat();
    for secret in [PAIR_SECRET, GROUP_SECRET] {
        let input = [salt, b"verso discovery tag v1", id(ANNOUNCER).as_bytes()].concat();
        let mut output = [0; 10];
        blake3::Hasher::new_keyed(&counting(secret)).update(&input).finalize_xof().fill(&mut output);
        let slot = slots.chunks(10).find(|slot| slot[..8] == output[..8]).unwrap();
        let port = [slot[8] ^ output[8], slot[9] ^ output[9]];
        assert_eq!(u16::from_be_bytes(port), PORT);
    }
    let open = bytes(OPEN);
    assert_eq!(&open[349..352], b"\x22d=");
    assert_eq!(&open[352..384], id(ANNOUNCER).as_bytes());
    assert_eq!(&open[384..394], "\u{9}n=Büro 7".as_bytes());
    assert_eq!(&open[394..], [b"\x04p=".as_slice(), &PORT.to_be_bytes()].concat());
}

#[test]
fn the_vector_of_a_tag() {
    let mut output = [0; 10];
    blake3::Hasher::new_keyed(&counting(PAIR_SECRET))
        .update(&counting(0x60)[..16])
        .update(b"verso discovery tag v1")
        .update(&counting(ANNOUNCER))
        .finalize_xof()
        .fill(&mut output);
    assert_eq!(HEXLOWER.encode(&output), "7674a30438453b9e4baa");
}

//! [`Announcement`]: what a device tells a local network about itself, which is nothing to those who share no secret with it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use data_encoding::BASE32_NOPAD;
use verso_identity::DeviceId;

use crate::dice::Dice;
use crate::screen::PairingScreen;
use crate::tag::{Relationship, SALT_LEN, SLOT_LEN, Slot};
use crate::txt;

/// The service type (RFC 6763, section 7).
pub const SERVICE_TYPE: &str = "_verso-sync._udp.local.";

/// How many slots every announcement has, so that it tells nobody how many peers a device has. With these a record has 349 bytes, below
/// the 400 that RFC 6763 (section 6.2) advises; a change makes a new version of the format.
pub const SLOTS: usize = 32;

/// How many slots are in each of the two strings: a string of a record has at most 255 bytes.
pub(crate) const SLOTS_A_STRING: usize = SLOTS / 2;

/// The port in the SRV record of every announcement: "discard". The port of a device stays the same for years, so it would tell its
/// device apart from others; who recognises a tag reads the true one beside it.
pub const DECOY_PORT: u16 = 9;

/// Most addresses of an interface that are announced: one of IPv4 and a handful of IPv6 are usual.
pub const MAX_ADDRESSES: usize = 8;

/// Random bytes in a name: by chance two names are never the same, so no network has to be asked first (RFC 6762, section 8.1).
const NAME_BYTES: usize = 10;

pub(crate) const VERSION: &[u8] = b"1";

/// The keys of the strings, in their order.
pub(crate) mod key {
    pub(crate) const VERSION: &str = "v";
    pub(crate) const SALT: &str = "s";
    pub(crate) const FIRST_SLOTS: &str = "a";
    pub(crate) const LAST_SLOTS: &str = "b";
    pub(crate) const DEVICE: &str = "d";
    pub(crate) const NAME: &str = "n";
    pub(crate) const PORT: &str = "p";
}

/// What one interface is told, until it is told something that has nothing in common with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The service's name: 16 random letters.
    pub instance: String,
    /// The host's name: 16 random letters, without `.local.`.
    pub host: String,
    /// Where this device can be reached on that interface, at most [`MAX_ADDRESSES`].
    pub addresses: Vec<IpAddr>,
    /// The strings of the TXT record, in their order.
    pub strings: Vec<(&'static str, Vec<u8>)>,
}

/// Who announces, to whom, and where it can be reached.
#[derive(Debug)]
pub(crate) struct Announcer<'a> {
    pub(crate) device: DeviceId,
    pub(crate) port: u16,
    pub(crate) relationships: &'a [Relationship],
    pub(crate) screen: &'a PairingScreen,
}

impl Announcement {
    /// Makes an announcement that has nothing in common with any other.
    pub(crate) fn new(announcer: &Announcer<'_>, addresses: Vec<IpAddr>, dice: &mut Dice) -> Self {
        let salt: [u8; SALT_LEN] = dice.draw();
        let slots = slots(announcer, &salt, dice);
        let (first, last) = slots.split_at(SLOTS_A_STRING);
        let mut strings = vec![
            (key::VERSION, VERSION.to_vec()),
            (key::SALT, salt.to_vec()),
            (key::FIRST_SLOTS, first.iter().flat_map(|slot| slot.to_bytes()).collect()),
            (key::LAST_SLOTS, last.iter().flat_map(|slot| slot.to_bytes()).collect()),
        ];
        if let PairingScreen::Open(name) = announcer.screen {
            strings.push((key::DEVICE, announcer.device.as_bytes().to_vec()));
            strings.push((key::NAME, name.as_str().as_bytes().to_vec()));
            strings.push((key::PORT, announcer.port.to_be_bytes().to_vec()));
        }
        Self { instance: name(dice), host: name(dice), addresses, strings }
    }

    /// Returns the TXT record, byte for byte.
    pub fn txt(&self) -> Vec<u8> {
        txt::join(self.strings.iter().map(|(key, value)| (*key, value.as_slice())))
    }
}

/// The slots, in the order of their tags: those of the first relationships, and random ones up to the fixed number.
///
/// Whom there is no room for recognises nothing; but this device recognises it, since it looks for all its peers, and dials.
fn slots(announcer: &Announcer<'_>, salt: &[u8; SALT_LEN], dice: &mut Dice) -> Vec<Slot> {
    let relationships = announcer.relationships.iter();
    let mut slots = BTreeMap::new();
    for slot in relationships.filter_map(|relationship| relationship.slot(salt, &announcer.device, announcer.port)) {
        if slots.len() < SLOTS {
            slots.insert(slot.tag, slot);
        }
    }
    while slots.len() < SLOTS {
        let decoy = Slot::from_bytes(dice.draw::<SLOT_LEN>());
        slots.entry(decoy.tag).or_insert(decoy);
    }
    slots.into_values().collect()
}

fn name(dice: &mut Dice) -> String {
    BASE32_NOPAD.encode(&dice.draw::<NAME_BYTES>()).to_ascii_lowercase()
}

//! [`Heard`]: the announcement of another device, read strictly, because anybody on the network may have made it.

use std::collections::BTreeMap;

use verso_identity::{DeviceId, Name};

use crate::announcement::{SLOTS, SLOTS_A_STRING, VERSION, key};
use crate::tag::{Relationship, SALT_LEN, SLOT_LEN, Slot};
use crate::txt::{MAX_TXT_BYTES, Reader};

/// Why a TXT record is not an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeardError {
    /// It is longer than any announcement.
    #[error("a TXT record of {bytes} bytes: at most {MAX_TXT_BYTES} are looked at")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is of another version. What it says beyond that is not looked at.
    #[error("an announcement of another version")]
    OtherVersion,
    /// A string is cut short.
    #[error("a TXT record that is cut short")]
    Cut,
    /// A string is not there, or not in its place.
    #[error("an announcement without `{key}` in its place")]
    Missing {
        /// The key of the string.
        key: &'static str,
    },
    /// A string has another length than it must.
    #[error("an announcement whose `{key}` has {bytes} bytes")]
    Length {
        /// The key of the string.
        key: &'static str,
        /// The length of its value.
        bytes: usize,
    },
    /// The slots are not in the order of their tags, or two have the same.
    #[error("an announcement whose slots are out of order")]
    Order,
    /// The name can't be shown safely.
    #[error("an announcement with a name that can't be shown")]
    Name,
    /// The port is 0.
    #[error("an announcement with port 0")]
    Port,
    /// Bytes follow the last string.
    #[error("bytes follow an announcement")]
    Trailing,
}

/// What another device announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    salt: [u8; SALT_LEN],
    slots: Vec<Slot>,
    /// Who it says it is, if its pairing screen is open.
    pub screen: Option<HeardScreen>,
}

/// What a device with an open pairing screen says about itself. Nothing of it is proven before a pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardScreen {
    /// Its id.
    pub device: DeviceId,
    /// Its name.
    pub name: Name,
    /// Its UDP port, not 0.
    pub port: u16,
}

impl Heard {
    /// Reads a TXT record.
    ///
    /// # Errors
    /// [`HeardError`] if it is not exactly one announcement.
    pub fn decode(record: &[u8]) -> Result<Self, HeardError> {
        let mut reader = Reader::new(record)?;
        if reader.value(key::VERSION)? != VERSION {
            return Err(HeardError::OtherVersion);
        }
        let salt = reader.array(key::SALT)?;
        let mut slots = Vec::with_capacity(SLOTS);
        for key in [key::FIRST_SLOTS, key::LAST_SLOTS] {
            let bytes: [u8; SLOTS_A_STRING * SLOT_LEN] = reader.array(key)?;
            let (chunks, _none_left) = bytes.as_chunks::<SLOT_LEN>();
            slots.extend(chunks.iter().copied().map(Slot::from_bytes));
        }
        if !slots.is_sorted_by(|before, after| before.tag < after.tag) {
            return Err(HeardError::Order);
        }
        let screen = if reader.is_at_end() { None } else { Some(screen(&mut reader)?) };
        if !reader.is_at_end() {
            return Err(HeardError::Trailing);
        }
        Ok(Self { salt, slots, screen })
    }

    /// Tells which peers announce this, each with its UDP port: none if it is nobody with whom a secret is shared, one as a rule, and more if a peer
    /// has another endpoint for somebody who is just being paired with it.
    pub fn recognise(&self, relationships: &[Relationship]) -> BTreeMap<DeviceId, u16> {
        let mut peers = BTreeMap::new();
        for relationship in relationships {
            if let Some(port) = relationship.find(&self.salt, &self.slots).filter(|port| *port != 0) {
                peers.entry(relationship.peer()).or_insert(port);
            }
        }
        peers
    }
}

fn screen(reader: &mut Reader<'_>) -> Result<HeardScreen, HeardError> {
    let device = DeviceId::from_bytes(reader.array(key::DEVICE)?);
    let name = std::str::from_utf8(reader.value(key::NAME)?).ok().and_then(|text| Name::new(text).ok());
    let name = name.ok_or(HeardError::Name)?;
    let port = u16::from_be_bytes(reader.array(key::PORT)?);
    if port == 0 {
        return Err(HeardError::Port);
    }
    Ok(HeardScreen { device, name, port })
}

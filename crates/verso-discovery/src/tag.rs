//! Tags: how two devices that share a secret recognise each other, and nobody else either of them.

use std::fmt;

use verso_identity::DeviceId;
use zeroize::Zeroizing;

/// Length of a salt in bytes: two announcements never share one.
pub const SALT_LEN: usize = 16;

/// Length of a tag in bytes. By chance one of a thousand relationships matches one of 32 foreign slots once in 2⁴⁹ announcements, and then a
/// dial fails.
pub const TAG_LEN: usize = 8;

/// Length of a slot in bytes: a tag, and the port as only who recognises the tag can read it.
pub const SLOT_LEN: usize = TAG_LEN + 2;

/// What a tag is for; stands between the salt and the announcer.
const PURPOSE: &[u8] = b"verso discovery tag v1";

/// A paired device, and a secret that it and this device share: that of the pair, or that of a group to which both belong.
pub struct Relationship {
    peer: DeviceId,
    secret: Zeroizing<[u8; 32]>,
}

impl Relationship {
    /// Takes a secret that is shared with `peer`. A peer with several secrets has several relationships; a secret that is shared with several
    /// peers makes one tag.
    pub const fn new(peer: DeviceId, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { peer, secret }
    }

    /// Returns the peer.
    pub const fn peer(&self) -> DeviceId {
        self.peer
    }

    /// What `announcer` puts into an announcement for those who have this secret.
    pub(crate) fn slot(&self, salt: &[u8; SALT_LEN], announcer: &DeviceId, port: u16) -> Slot {
        let Pad { tag, mask } = self.pad(salt, announcer);
        Slot { tag, masked_port: port ^ mask }
    }

    /// Looks for the peer's slot among those of an announcement, in the order of their tags; returns the port in it.
    pub(crate) fn find(&self, salt: &[u8; SALT_LEN], slots: &[Slot]) -> Option<u16> {
        let Pad { tag, mask } = self.pad(salt, &self.peer);
        let at = slots.binary_search_by_key(&tag, |slot| slot.tag).ok()?;
        Some(slots.get(at)?.masked_port ^ mask)
    }

    /// `BLAKE3-keyed(secret; salt ‖ purpose ‖ announcer)`. With the announcer in it nobody can show a device its own tag as its peer's.
    fn pad(&self, salt: &[u8; SALT_LEN], announcer: &DeviceId) -> Pad {
        let mut output = [0; SLOT_LEN];
        blake3::Hasher::new_keyed(&self.secret)
            .update(salt)
            .update(PURPOSE)
            .update(announcer.as_bytes())
            .finalize_xof()
            .fill(&mut output);
        let [tag @ .., high, low] = output;
        Pad { tag, mask: u16::from_be_bytes([high, low]) }
    }
}

impl PartialEq for Relationship {
    fn eq(&self, other: &Self) -> bool {
        self.peer == other.peer && self.secret == other.secret
    }
}

impl Eq for Relationship {}

impl fmt::Debug for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relationship(with {})", self.peer)
    }
}

struct Pad {
    tag: [u8; TAG_LEN],
    mask: u16,
}

/// One place in an announcement: a tag with a port, or random bytes that nobody can tell from one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) tag: [u8; TAG_LEN],
    masked_port: u16,
}

impl Slot {
    pub(crate) fn from_bytes([tag @ .., high, low]: [u8; SLOT_LEN]) -> Self {
        Self { tag, masked_port: u16::from_be_bytes([high, low]) }
    }

    pub(crate) fn to_bytes(self) -> [u8; SLOT_LEN] {
        let mut bytes = [0; SLOT_LEN];
        let parts = self.tag.iter().copied().chain(self.masked_port.to_be_bytes());
        bytes.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        bytes
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot(…)")
    }
}

//! Tags: how two devices that share a secret recognise each other, and nobody else either of them.

use std::fmt;
use std::sync::Arc;

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

/// A secret by which devices recognise each other: mostly a paired device, and what it and this device share, which is a secret of the pair or of a
/// group to which both belong.
///
/// Clones share the one copy of the secret.
#[derive(Clone)]
pub struct Relationship {
    peer: DeviceId,
    secret: Arc<Zeroizing<[u8; 32]>>,
    voice: Voice,
}

/// What is announced to those who have the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// This device.
    Own,
    /// Nothing.
    Silent,
    /// Another endpoint of this device, which is the `peer`, at this port.
    Door(u16),
}

impl Relationship {
    /// Takes a secret that is shared with `peer`: each recognises the other. A peer with several secrets has several relationships; a secret that is
    /// shared with several peers makes one tag.
    pub fn new(peer: DeviceId, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { peer, secret: Arc::new(secret), voice: Voice::Own }
    }

    /// The peer is recognised by this secret, and nothing is announced to those who have it: too many may have it by now.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { voice: Voice::Silent, ..self }
    }

    /// Takes a secret by which others find a one-time `endpoint` of this device, at a port of its own. They know nothing of the device itself, and
    /// the other way round.
    pub fn door(endpoint: DeviceId, port: u16, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { peer: endpoint, secret: Arc::new(secret), voice: Voice::Door(port) }
    }

    /// Returns the peer, or the endpoint.
    pub const fn peer(&self) -> DeviceId {
        self.peer
    }

    /// Tells whether anything is announced to those who have the secret.
    pub(crate) fn is_announced(&self) -> bool {
        self.voice != Voice::Silent
    }

    /// What `announcer` puts into an announcement for those who have this secret.
    pub(crate) fn slot(&self, salt: &[u8; SALT_LEN], announcer: &DeviceId, port: u16) -> Option<Slot> {
        let (announcer, port) = match self.voice {
            Voice::Own => (announcer, port),
            Voice::Silent => return None,
            Voice::Door(port) => (&self.peer, port),
        };
        let Pad { tag, mask } = self.pad(salt, announcer);
        Some(Slot { tag, masked_port: port ^ mask })
    }

    /// Looks for the peer's slot among those of an announcement, in the order of their tags; returns the port in it.
    pub(crate) fn find(&self, salt: &[u8; SALT_LEN], slots: &[Slot]) -> Option<u16> {
        if matches!(self.voice, Voice::Door(_)) {
            // That would be this device's own announcement.
            return None;
        }
        let Pad { tag, mask } = self.pad(salt, &self.peer);
        let at = slots.binary_search_by_key(&tag, |slot| slot.tag).ok()?;
        Some(slots.get(at)?.masked_port ^ mask)
    }

    /// `BLAKE3-keyed(secret; salt ‖ purpose ‖ announcer)`. With the announcer in it nobody can show a device its own tag as its peer's.
    fn pad(&self, salt: &[u8; SALT_LEN], announcer: &DeviceId) -> Pad {
        let mut output = [0; SLOT_LEN];
        blake3::Hasher::new_keyed(self.secret.as_ref())
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
        (self.peer, self.voice) == (other.peer, other.voice) && self.secret == other.secret
    }
}

impl Eq for Relationship {}

impl fmt::Debug for Relationship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relationship(with {}, {:?})", self.peer, self.voice)
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

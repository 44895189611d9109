//! [`MembershipEvent`]: who may do what in one workspace, as entries of kind 128 and up in the workspace's own log.

use serde::{Deserialize, Serialize};
use verso_identity::DeviceId;
use verso_vv::{Author, EntryHash, Seen, Seq};

use crate::codec::{self, Body, changes};
use crate::event::{Cut, DecodeEventError, EncodeEventError, MAX_CHAINS_PER_DEVICE};
use crate::peer::{Access, Standing};

/// An entry about membership: what changed, and what its author had seen when it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipEvent {
    /// What the author had applied of the workspace's membership: [`Membership::seen`](crate::Membership::seen).
    pub seen: Seen,
    /// What it tells.
    pub change: MembershipChange,
}

impl MembershipEvent {
    /// The lowest entry kind of membership; all above are reserved for it.
    pub const FIRST_KIND: u8 = 128;

    /// Makes an event.
    pub fn new(seen: Seen, change: impl Into<MembershipChange>) -> Self {
        Self { seen, change: change.into() }
    }

    /// Returns the kind of the entry that carries this event.
    pub const fn kind(&self) -> u8 {
        self.change.kind()
    }

    /// Encodes the event as an entry's payload.
    ///
    /// # Errors
    /// [`EncodeEventError`] if a field breaks a rule of the format or the whole is too long.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeEventError> {
        self.change.encode(&self.seen)
    }

    /// Decodes the payload of an entry of kind `kind`, strictly.
    ///
    /// # Errors
    /// [`DecodeEventError`] unless the bytes are exactly what [`encode`](Self::encode) writes for some event.
    pub fn decode(kind: u8, payload: &[u8]) -> Result<Self, DecodeEventError> {
        let (seen, change) = MembershipChange::decode(kind, payload)?;
        Ok(Self { seen, change })
    }
}

changes! {
    /// What a membership event tells.
    MembershipChange {
        /// The workspace was founded.
        128 => Found,
        /// A device is vouched for.
        129 => Vouch,
        /// A device loses access.
        130 => Revoke,
        /// Entries past a cut are applied after all.
        131 => Keep,
        /// Entries past a cut are given up for good.
        132 => Discard,
        /// The author goes on writing under a newer grant.
        133 => Resume,
    }
}

/// The workspace was founded by the author's device: the first entry of the founding chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The 16 random bytes from which, with the founder's id, the workspace's id was made.
    pub nonce: [u8; 16],
}

impl Body for Found {}

/// A device is vouched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vouch {
    /// Which device.
    pub device: DeviceId,
    /// With what access.
    pub access: Access,
    /// With what say about others. A co-owner has read-write access.
    pub standing: Standing,
}

impl Body for Vouch {
    fn check(&self) -> Result<(), &'static str> {
        if self.standing == Standing::CoOwner && self.access != Access::ReadWrite {
            return Err("a co-owner with less than read-write access");
        }
        Ok(())
    }
}

/// A device loses access, all of it or a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoke {
    /// Which device.
    pub device: DeviceId,
    /// Where its chains end. A chain that isn't named ends before its first entry. Ascending by author.
    #[serde(deserialize_with = "codec::bounded::<_, _, MAX_CHAINS_PER_DEVICE>")]
    pub cuts: Vec<Cut>,
    /// What it keeps, as a member: nothing, read-only access, or read-write access for a co-owner that is one no longer.
    pub keeps: Option<Access>,
}

impl Body for Revoke {
    fn check(&self) -> Result<(), &'static str> {
        codec::check_cuts(&self.cuts)
    }
}

/// A run of one author's entries, pinned by the hash of its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Whose entries.
    pub author: Author,
    /// The first of them.
    pub first: Seq,
    /// The last of them.
    pub last: Seq,
    /// The chain hash at the last, so that the run means one history and no other.
    pub hash: EntryHash,
}

impl Run {
    /// Tells whether the entry at `seq` of `author` is in the run.
    pub fn contains(&self, author: &Author, seq: Seq) -> bool {
        self.author == *author && self.first <= seq && seq <= self.last
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.first < Seq::FIRST || self.first > self.last { Err("an empty run of entries") } else { Ok(()) }
    }
}

/// Entries past a cut are applied after all. Wins over a discard that hasn't seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// Which entries.
    pub run: Run,
}

impl Body for Keep {
    fn check(&self) -> Result<(), &'static str> {
        self.run.check()
    }
}

/// Entries past a cut are given up for good; their digests stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discard {
    /// Which entries.
    pub run: Run,
}

impl Body for Discard {
    fn check(&self) -> Result<(), &'static str> {
        self.run.check()
    }
}

/// The author goes on writing under the grants it has seen: what follows in its chain counts under them, what a cut took before stays cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {}

impl Body for Resume {}

impl MembershipChange {
    /// Returns the entries that it names by author, number and hash.
    pub(crate) fn named(&self) -> Vec<(Author, Seq, EntryHash)> {
        match self {
            Self::Revoke(revoke) => revoke.cuts.iter().map(|cut| (cut.author, cut.seq, cut.hash)).collect(),
            Self::Keep(Keep { run }) | Self::Discard(Discard { run }) => vec![(run.author, run.last, run.hash)],
            Self::Found(_) | Self::Vouch(_) | Self::Resume(_) => Vec::new(),
        }
    }
}

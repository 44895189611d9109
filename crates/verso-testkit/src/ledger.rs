//! [`Ledger`]: every entry that a user was told is safe.

use std::collections::BTreeMap;

use verso_identity::WorkspaceId;
use verso_vv::{Author, EntryHash, Seq};

use crate::device::DeviceIndex;

/// The end of a commit that was acknowledged to a user. Its chain hash stands for all of the chain up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Safe {
    pub(crate) by: DeviceIndex,
    pub(crate) workspace: WorkspaceId,
    pub(crate) author: Author,
    pub(crate) seq: Seq,
    pub(crate) hash: EntryHash,
}

/// All that users were told is safe, on whatever device. It must be everywhere in the end, unless the only disks that had it were put back or
/// rotted.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    safe: Vec<Safe>,
    /// What each device no longer knows that it wrote, because it was put back, and nobody has shown it since.
    unknown: BTreeMap<DeviceIndex, Vec<Safe>>,
}

impl Ledger {
    /// Notes the end of a commit. The copies of the device that wrote it can't know of it.
    ///
    /// # Panics
    /// If its number was used for something else, by a device that could know.
    pub(crate) fn note(&mut self, safe: Safe, copies: &[DeviceIndex]) {
        let Safe { by, workspace, author, seq, hash } = safe;
        let other = self
            .safe
            .iter()
            .find(|other| (other.workspace, other.author, other.seq) == (workspace, author, seq) && other.hash != hash);
        if let Some(other) = other {
            let is_unknown = self.unknown.get(&by).is_some_and(|unknown| unknown.contains(other));
            assert!(is_unknown, "device {} used {author}:{seq} twice, and could have known", by.0);
        }
        self.safe.push(safe);
        for copy in copies {
            self.unknown.entry(*copy).or_default().push(safe);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Safe> {
        self.safe.iter()
    }

    /// Forgets what nobody holds any more, for a reason that excuses it.
    pub(crate) fn forgive(&mut self, is_held: impl Fn(&Safe) -> bool) {
        self.safe.retain(is_held);
    }

    /// Notes what a device that was put back can't know that it wrote.
    pub(crate) fn forgotten_by(&mut self, device: DeviceIndex, knows: impl Fn(&Safe) -> bool) {
        let unknown = self.safe.iter().filter(|safe| !knows(safe)).copied().collect();
        self.unknown.insert(device, unknown);
    }

    /// Tells whether there is anything of its own that a device can't know.
    pub(crate) fn is_unaware(&self, device: DeviceIndex) -> bool {
        self.unknown.get(&device).is_some_and(|unknown| !unknown.is_empty())
    }

    /// Notes that a device was shown what a peer holds of its own.
    pub(crate) fn shown_to(&mut self, device: DeviceIndex, holds: impl Fn(&Safe) -> bool) {
        if let Some(unknown) = self.unknown.get_mut(&device) {
            unknown.retain(|safe| !holds(safe));
        }
    }
}

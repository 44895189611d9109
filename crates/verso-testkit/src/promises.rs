//! [`Promises`]: what devices have said that they hold for good.

use std::collections::BTreeMap;

use verso_identity::WorkspaceId;
use verso_vv::{Author, Seq};

use crate::device::DeviceIndex;

/// For every device the last entry of each chain that it acknowledged: to its user, as the end of a commit, or to a peer. From then on
/// it must be there, whatever happens.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    last: BTreeMap<(DeviceIndex, WorkspaceId, Author), Seq>,
}

impl Promises {
    pub(crate) fn make(&mut self, device: DeviceIndex, workspace: WorkspaceId, author: Author, seq: Seq) {
        let last = self.last.entry((device, workspace, author)).or_default();
        *last = seq.max(*last);
    }

    /// Replaces all of a device's promises, after its disk was put back.
    pub(crate) fn replace(&mut self, device: DeviceIndex, heads: impl IntoIterator<Item = (WorkspaceId, Author, Seq)>) {
        self.last.retain(|(other, _, _), _| *other != device);
        for (workspace, author, seq) in heads {
            self.make(device, workspace, author, seq);
        }
    }

    pub(crate) fn of(&self, device: DeviceIndex) -> impl Iterator<Item = (WorkspaceId, Author, Seq)> + '_ {
        let of_device = self.last.iter().filter(move |((other, _, _), _)| *other == device);
        of_device.map(|((_, workspace, author), seq)| (*workspace, *author, *seq))
    }

    /// Whether a device has promised to hold an entry.
    pub(crate) fn has(&self, device: DeviceIndex, workspace: WorkspaceId, author: Author, seq: Seq) -> bool {
        self.last.get(&(device, workspace, author)).is_some_and(|last| *last >= seq)
    }

    /// Whether any of some devices has promised to hold an entry.
    pub(crate) fn any_has(&self, devices: &[DeviceIndex], workspace: WorkspaceId, author: Author, seq: Seq) -> bool {
        devices.iter().any(|device| self.has(*device, workspace, author, seq))
    }
}

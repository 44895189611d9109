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
    pub(crate) const fn new() -> Self {
        Self { last: BTreeMap::new() }
    }

    pub(crate) fn make(&mut self, device: DeviceIndex, workspace: WorkspaceId, author: Author, seq: Seq) {
        let last = self.last.entry((device, workspace, author)).or_default();
        *last = seq.max(*last);
    }

    pub(crate) fn forgive(&mut self, device: DeviceIndex) {
        self.last.retain(|(other, _, _), _| *other != device);
    }

    pub(crate) fn of(&self, device: DeviceIndex) -> impl Iterator<Item = (WorkspaceId, Author, Seq)> + '_ {
        let of_device = self.last.iter().filter(move |((other, _, _), _)| *other == device);
        of_device.map(|((_, workspace, author), seq)| (*workspace, *author, *seq))
    }
}

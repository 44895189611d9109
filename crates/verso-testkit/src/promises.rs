//! [`Promises`]: what devices have said that they hold for good.

use std::collections::BTreeMap;

use verso_identity::WorkspaceId;
use verso_vv::Author;
use verso_wire::ChainHead;

use crate::device::DeviceIndex;

/// For every device the last entry of each chain that it acknowledged: to its user, as the end of a commit, or to a peer. From then on
/// it must be there, whatever happens, and whatever its author is called. Its chain hash stands for all of the chain up to it.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    last: BTreeMap<(DeviceIndex, WorkspaceId, Author), ChainHead>,
}

impl Promises {
    pub(crate) fn make(&mut self, device: DeviceIndex, workspace: WorkspaceId, author: Author, head: ChainHead) {
        let last = self.last.entry((device, workspace, author)).or_insert(head);
        if head.seq > last.seq {
            *last = head;
        }
    }

    /// Replaces all of a device's promises, after its disk was put back.
    pub(crate) fn replace(
        &mut self,
        device: DeviceIndex,
        heads: impl IntoIterator<Item = (WorkspaceId, Author, ChainHead)>,
    ) {
        self.last.retain(|(other, _, _), _| *other != device);
        for (workspace, author, head) in heads {
            self.make(device, workspace, author, head);
        }
    }

    pub(crate) fn of(&self, device: DeviceIndex) -> impl Iterator<Item = (WorkspaceId, Author, ChainHead)> + '_ {
        let of_device = self.last.iter().filter(move |((other, _, _), _)| *other == device);
        of_device.map(|((_, workspace, author), head)| (*workspace, *author, *head))
    }
}

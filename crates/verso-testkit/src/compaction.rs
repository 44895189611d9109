//! Compaction of a device's logs beside its work, as a worker does it.

use verso_identity::WorkspaceId;
use verso_replica::Compacted;

use crate::device::DeviceIndex;
use crate::disk::Disk;
use crate::merge::Merge;
use crate::world::World;

impl<A: Merge> World<A> {
    /// Begins a step of compaction and runs it. The device may do anything before it is [finished](Self::finish_compaction). `None` if nothing
    /// was worth it, or the device failed or lost power.
    pub fn begin_compaction(&mut self, device: DeviceIndex, workspace: WorkspaceId) -> Option<Compacted<Disk>> {
        let replica = self.devices[device.0].replica_mut()?;
        let done = replica.begin_compaction(&workspace).ok().flatten().and_then(|step| step.run().ok());
        self.settle(device);
        done
    }

    /// Puts in place what a step made, of however long ago. `false` if it came too late, or the device failed or lost power.
    pub fn finish_compaction(&mut self, device: DeviceIndex, done: Compacted<Disk>) -> bool {
        let Some(replica) = self.devices[device.0].replica_mut() else { return false };
        let finished = replica.finish_compaction(done);
        self.settle(device);
        finished.is_ok_and(|report| report.is_some())
    }
}

//! [`Device`]: a replica on a simulated disk, that can lose power and come back.

use verso_graph::Graph;
use verso_identity::{DeviceId, DeviceKey};
use verso_log::MemoryStorage;
use verso_replica::{Now, Replica};
use zeroize::Zeroizing;

/// The replica as the simulator drives it.
pub type SimReplica = Replica<MemoryStorage, Graph>;

/// Names a device of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(pub(crate) usize);

/// A simulated device.
#[derive(Debug)]
pub struct Device {
    name: String,
    secret: [u8; 32],
    storage: MemoryStorage,
    /// When the power goes off, in operations of the disk.
    power_off_at: Option<u64>,
    replica: Option<SimReplica>,
}

impl Device {
    pub(crate) fn new(name: &str, number: usize, seed: u64, now: Now) -> Self {
        let mut secret = [0x5e; 32];
        secret[..8].copy_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
        let storage = MemoryStorage::new(seed);
        let mut device = Self { name: name.to_owned(), secret, storage, power_off_at: None, replica: None };
        device.start(now);
        device
    }

    /// Returns the device's id.
    pub fn id(&self) -> DeviceId {
        self.key().id()
    }

    /// Returns the disk.
    pub const fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    /// Returns the replica, `None` while the device is off.
    pub const fn replica(&self) -> Option<&SimReplica> {
        self.replica.as_ref()
    }

    pub(crate) const fn replica_mut(&mut self) -> Option<&mut SimReplica> {
        self.replica.as_mut()
    }

    /// Turns the power off at the disk's operation `after` from now.
    pub(crate) fn power_off_after(&mut self, after: u64) {
        self.power_off_at = Some(self.storage.operations() + after);
        self.storage.crash_after(after);
    }

    /// Leaves the power on after all.
    pub(crate) fn power_stays_on(&mut self) {
        self.power_off_at = None;
        self.storage.clear_faults();
    }

    /// Tells whether the power has gone off in the middle of an operation.
    pub(crate) fn has_lost_power(&self) -> bool {
        self.power_off_at.is_some_and(|at| self.storage.operations() > at)
    }

    /// Stops the device at once: what was not durable may be lost.
    pub(crate) fn stop(&mut self, seed: u64) {
        self.replica = None;
        self.power_off_at = None;
        self.storage = self.storage.crash(seed);
    }

    /// Starts the device from what its disk holds.
    pub(crate) fn start(&mut self, now: Now) {
        let (replica, _notices) =
            Replica::open(self.storage.clone(), self.key(), &self.name, now).expect("a device opens after any crash");
        self.replica = Some(replica);
    }

    /// Puts the disk back to an earlier image, as a restored backup does.
    pub(crate) fn roll_back(&mut self, image: &MemoryStorage, seed: u64) {
        self.replica = None;
        self.power_off_at = None;
        self.storage = image.snapshot(seed);
    }

    fn key(&self) -> DeviceKey {
        DeviceKey::from_secret(&Zeroizing::new(self.secret))
    }
}

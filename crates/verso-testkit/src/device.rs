//! [`Device`]: a replica on a simulated disk, that can lose power and come back.

use std::mem;

use verso_graph::Graph;
use verso_identity::{DeviceId, DeviceKey};
use verso_log::MemoryStorage;
use verso_replica::{HighWater, Now, OpenError, OpenNotices, Replica};
use zeroize::Zeroizing;

use crate::disk::{Disk, Honesty};
use crate::liar::Liar;
use crate::logs::Reader;
use crate::merge::Merge;
use crate::undo::Steps;

/// The replica as the simulator drives it.
pub type SimReplica<A = Graph> = Replica<Disk, A>;

/// Names a device of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceIndex(pub(crate) usize);

/// A simulated device.
#[derive(Debug)]
pub struct Device<A: Merge = Graph> {
    pub(crate) name: String,
    id: DeviceId,
    secret: [u8; 32],
    storage: MemoryStorage,
    honesty: Honesty,
    /// When the power goes off, in operations of the disk.
    power_off_at: Option<u64>,
    replica: Option<SimReplica<A>>,
    flushes: u64,
    /// How far its wall clock is ahead of the world's, in milliseconds.
    pub(crate) clock_ahead_ms: i64,
    /// What becomes of what it says, if it lies.
    pub(crate) liar: Option<Liar>,
    /// Of 256 units of its own in the place of how many it tells another story.
    pub(crate) stories: usize,
    /// How many forks of nobody's chains it shows at each contact.
    pub(crate) inventions: usize,
    /// Whether bits of its disk have flipped.
    pub(crate) is_rotten: bool,
    /// What its person could take back.
    pub(crate) steps: Steps,
    /// What reads its disk, and those of all others.
    pub(crate) reader: Reader,
    /// What it told of its disk when it was started last, or at all starts since bits of it flipped: it tells of a loss once.
    notices: OpenNotices,
    /// The high-water mark that a key store gives it at every start, if it has one.
    pub(crate) mark: Option<HighWater>,
}

impl<A: Merge> Device<A> {
    pub(crate) fn new(name: &str, number: usize, seed: u64, honesty: Honesty, now: Now) -> Self {
        let mut secret = [0x5e; 32];
        secret[..8].copy_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
        let mut device = Self {
            name: name.to_owned(),
            id: DeviceKey::from_secret(&Zeroizing::new(secret)).id(),
            secret,
            storage: MemoryStorage::new(seed),
            honesty,
            power_off_at: None,
            replica: None,
            flushes: 0,
            clock_ahead_ms: 0,
            liar: None,
            stories: 0,
            inventions: 0,
            is_rotten: false,
            steps: Steps::new(),
            reader: Reader::default(),
            notices: OpenNotices::default(),
            mark: None,
        };
        device.start(now);
        device
    }

    /// Makes a copy of this device that goes on from an image of its disk.
    pub(crate) fn copy(&self, image: &MemoryStorage, seed: u64, now: Now) -> Self {
        let mut copy = Self {
            name: format!("{}'", self.name),
            id: self.id,
            secret: self.secret,
            storage: image.snapshot(seed),
            honesty: self.honesty,
            power_off_at: None,
            replica: None,
            flushes: 0,
            clock_ahead_ms: self.clock_ahead_ms,
            liar: None,
            stories: 0,
            inventions: 0,
            is_rotten: false,
            steps: Steps::new(),
            reader: self.reader.clone(),
            notices: OpenNotices::default(),
            mark: None,
        };
        copy.start(now);
        copy
    }

    /// Returns the device's id.
    pub const fn id(&self) -> DeviceId {
        self.id
    }

    /// Tells whether what it sends is what its replica says.
    pub(crate) const fn is_honest(&self) -> bool {
        self.liar.is_none() && self.stories == 0 && self.inventions == 0
    }

    /// Returns the disk.
    pub const fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    /// Returns the replica, `None` while the device is off.
    pub const fn replica(&self) -> Option<&SimReplica<A>> {
        self.replica.as_ref()
    }

    /// Returns what the device told of its disk when it was started last, or at all starts since bits of it flipped.
    pub const fn notices(&self) -> &OpenNotices {
        &self.notices
    }

    pub(crate) const fn replica_mut(&mut self) -> Option<&mut SimReplica<A>> {
        self.replica.as_mut()
    }

    /// What its clocks say when the world's say `now`.
    pub(crate) const fn now(&self, now: Now) -> Now {
        Now { wall_ms: now.wall_ms.saturating_add_signed(self.clock_ahead_ms), ..now }
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

    /// Tells whether the power is about to go off.
    pub(crate) const fn is_doomed(&self) -> bool {
        self.power_off_at.is_some()
    }

    /// Stops the device at once: what was not durable may be lost.
    pub(crate) fn stop(&mut self, seed: u64) {
        self.replica = None;
        self.steps.clear();
        self.power_off_at = None;
        self.storage = self.storage.crash(seed);
    }

    /// Flips a bit of a file. What it tells from then on is kept.
    pub(crate) fn rot(&mut self, path: &str, at: usize, bit: u8) {
        self.storage.flip(path, at, bit);
        if !self.is_rotten {
            self.notices = OpenNotices::default();
        }
        self.is_rotten = true;
    }

    /// Starts the device from what its disk holds. It stays off if the power goes off meanwhile, or its disk has rotted too far.
    pub(crate) fn start(&mut self, now: Now) {
        let opened = self.open(self.storage.clone(), self.now(now));
        if self.has_lost_power() {
            return;
        }
        match opened {
            Ok((replica, mut notices)) => {
                if self.is_rotten {
                    let OpenNotices { local_state_lost, control_log_lost, rolled_back, logs } =
                        mem::take(&mut self.notices);
                    notices.local_state_lost |= local_state_lost;
                    notices.control_log_lost |= control_log_lost;
                    notices.rolled_back = notices.rolled_back.or(rolled_back);
                    notices.logs.extend(logs);
                }
                (self.replica, self.notices) = (Some(replica), notices);
            }
            Err(error) => assert!(self.is_rotten, "a device opens after any crash: {error:?}"),
        }
    }

    /// Opens a disk as this device's.
    pub(crate) fn open(&self, storage: MemoryStorage, now: Now) -> Result<(SimReplica<A>, OpenNotices), OpenError> {
        let disk = Disk::new(storage, self.honesty);
        Replica::open_marked(disk, self.key(), &self.name, self.mark.as_ref(), now)
    }

    /// Writes a checkpoint of each workspace, at every fifth flush: the others leave it behind what is in the logs. On a disk that fails there is none.
    pub(crate) fn write_checkpoints(&mut self) {
        self.flushes += 1;
        let Some(replica) = self.replica.as_mut().filter(|_| self.flushes.is_multiple_of(5)) else { return };
        let workspaces: Vec<_> = replica.workspaces().collect();
        for workspace in workspaces {
            if let Some(checkpoint) = replica.checkpoint(&workspace) {
                drop(checkpoint.store());
            }
        }
    }

    /// Puts the disk back to an earlier image, as a restored backup does.
    pub(crate) fn roll_back(&mut self, image: &MemoryStorage, seed: u64) {
        self.replica = None;
        self.steps.clear();
        self.power_off_at = None;
        self.storage = image.snapshot(seed);
    }

    /// Returns its key.
    pub fn key(&self) -> DeviceKey {
        DeviceKey::from_secret(&Zeroizing::new(self.secret))
    }
}

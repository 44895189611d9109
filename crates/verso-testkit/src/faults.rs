//! What befalls devices: no power, full disks, old images, rot, wrong clocks, lies.

use verso_log::MemoryStorage;
use verso_wire::Reason;

use crate::device::DeviceIndex;
use crate::ledger::Safe;
use crate::liar::Liar;
use crate::logs::Logs;
use crate::merge::Merge;
use crate::world::World;

impl<A: Merge> World<A> {
    /// Turns a device's power off at the disk's operation `after` from now.
    pub fn power_off_after(&mut self, device: DeviceIndex, after: u64) {
        self.devices[device.0].power_off_after(after);
    }

    /// Leaves a device's power on after all.
    pub fn power_stays_on(&mut self, device: DeviceIndex) {
        self.devices[device.0].power_stays_on();
    }

    /// Turns a device off now, losing what was not durable.
    pub fn stop(&mut self, device: DeviceIndex) {
        if self.devices[device.0].replica().is_some() {
            self.tell(|| format!("{} loses power", self.name(device)));
            self.tally.count("power cuts");
        }
        let seed = self.rng.next();
        self.devices[device.0].stop(seed);
        self.drop_links(|link| link.devices.contains(&device));
    }

    /// Turns a device on, if it is off.
    pub fn start(&mut self, device: DeviceIndex) {
        if self.devices[device.0].replica().is_none() {
            self.tick(device);
            self.devices[device.0].start(self.now);
            if self.devices[device.0].replica().is_none() {
                self.stop(device);
            }
            self.tell(|| {
                let device = &self.devices[device.0];
                let outcome = if device.replica().is_some() { "starts" } else { "does not start" };
                format!("{} {outcome} {:?}", device.name, device.notices().logs)
            });
            self.settle(device);
        }
    }

    /// Puts a device's disk back to an earlier image and turns the device on. What only it had promised since is forgiven.
    pub fn roll_back(&mut self, device: DeviceIndex, image: &MemoryStorage) {
        self.tell(|| format!("{} is put back to an earlier image", self.name(device)));
        self.tally.count("rollbacks");
        let seed = self.rng.next();
        self.devices[device.0].roll_back(image, seed);
        self.drop_links(|link| link.devices.contains(&device));

        self.knows_only(device, image);
        self.forgive_what_is_nowhere();
        self.start(device);
    }

    /// The same, where the key store, which was not put back, has the device's high-water mark: it knows at the start. A device that is off has none.
    pub fn roll_back_marked(&mut self, device: DeviceIndex, image: &MemoryStorage) {
        self.devices[device.0].mark = self.devices[device.0].replica().map(|replica| replica.high_water().clone());
        self.roll_back(device, image);
    }

    /// Notes that a device knows of its own past what an image of its disk says, and nothing else.
    pub(crate) fn knows_only(&mut self, device: DeviceIndex, image: &MemoryStorage) {
        let logs = self.devices[device.0].read_logs(image);
        self.promises.replace(device, logs.heads());
        let id = self.devices[device.0].id();
        let is_there = |safe: &Safe| logs.holds(&safe.workspace, &safe.hash);
        self.ledger.forgotten_by(device, |safe| safe.author.device != id || is_there(safe));
    }

    /// Forgives what is on no disk any more, since the only one that had it was put back or has rotted.
    fn forgive_what_is_nowhere(&mut self) {
        let seed = self.rng.next();
        let disks = self.whole().into_iter().map(|device| &self.devices[device.0]);
        let logs: Vec<Logs> = disks.map(|device| device.read_logs(&device.storage().crash(seed))).collect();
        self.ledger.forgive(|safe| logs.iter().any(|logs| logs.holds(&safe.workspace, &safe.hash)));
    }

    /// Flips a bit of something on a device's disk, at random, while the device is off. What only it had is forgiven.
    pub fn rot(&mut self, device: DeviceIndex) {
        self.stop(device);
        let files = self.devices[device.0].storage().files();
        let Some(path) = files.get(self.rng.below(files.len())).cloned() else { return };
        let bytes = self.devices[device.0].storage().read_file(&path).unwrap_or_default();
        // Most of a segment is room for more, where a bit says nothing: it is hit rarely.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let len = if self.rng.once_in(8) { bytes.len() } else { used };
        if len == 0 {
            return;
        }
        let (at, bit) = (self.rng.below(len), 1 << self.rng.below(8));
        self.tell(|| format!("{}: a bit of {path} flips at {at}", self.name(device)));
        self.tally.count("flipped bits");
        self.devices[device.0].rot(&path, at, bit);
        self.forgive_what_is_nowhere();
    }

    /// The devices whose disks have not rotted.
    pub(crate) fn whole(&self) -> Vec<DeviceIndex> {
        (0..self.devices.len()).filter(|at| !self.devices[*at].is_rotten).map(DeviceIndex).collect()
    }

    /// Leaves `spare` bytes of room on a device's disk.
    pub fn fill_disk(&mut self, device: DeviceIndex, spare: u64) {
        self.tell(|| format!("{} has {spare} bytes left on its disk", self.name(device)));
        let disk = self.devices[device.0].storage();
        let used: usize = disk.files().iter().filter_map(|path| disk.read_file(path)).map(|bytes| bytes.len()).sum();
        disk.set_capacity(u64::try_from(used).unwrap_or(u64::MAX).saturating_add(spare));
    }

    /// Gives a device's disk all the room it wants.
    pub fn empty_disk(&mut self, device: DeviceIndex) {
        self.devices[device.0].storage().set_capacity(u64::MAX);
    }

    /// Sets a device's wall clock ahead of the world's, or behind.
    pub fn set_clock_ahead(&mut self, device: DeviceIndex, millis: i64) {
        self.tell(|| format!("{}'s clock is {millis} ms ahead", self.name(device)));
        self.devices[device.0].clock_ahead_ms = millis;
    }

    /// Makes a device lie: of 256 messages that it sends about `lies` become something else on their way. 0 makes it honest again.
    pub fn lie(&mut self, device: DeviceIndex, lies: usize) {
        self.tell(|| format!("{} tells {lies} lies of 256 messages", self.name(device)));
        self.set_liar(device, (lies > 0).then(|| Liar::new(lies)));
    }

    /// Has a device lie as a script says, three bytes a message.
    pub(crate) fn lie_by(&mut self, device: DeviceIndex, script: Vec<u8>) {
        self.set_liar(device, Some(Liar::scripted(script)));
    }

    fn set_liar(&mut self, device: DeviceIndex, liar: Option<Liar>) {
        if liar.is_some() {
            self.shares.note_liar();
        }
        self.devices[device.0].liar = liar;
        self.distrust(device);
    }

    /// Expects nothing more of what is said on the links of a device that are there.
    pub(crate) fn distrust(&mut self, device: DeviceIndex) {
        for link in self.links.iter_mut().filter(|link| link.devices.contains(&device)) {
            link.is_honest = false;
        }
    }

    /// Notes that something failed on a device, and has it try again what it can.
    pub(crate) fn failed(&mut self, device: DeviceIndex, reason: Reason) {
        if self.devices[device.0].has_lost_power() {
            return;
        }
        self.tell(|| format!("{} fails: {reason:?}", self.name(device)));
        if reason == Reason::DiskFull {
            self.tally.count("full disks");
        }
        let now = self.now_on(device);
        if let Some(replica) = self.devices[device.0].replica_mut() {
            self.failures.push((device, reason));
            // What can't be opened now is when something fails the next time.
            drop(replica.recover(now));
        }
    }
}

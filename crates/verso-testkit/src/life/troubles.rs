//! What goes wrong in a life.

use crate::device::DeviceIndex;
use crate::life::Life;
use crate::life::plan::Trouble;
use crate::merge::Merge;

/// How many earlier images are kept.
const IMAGES: usize = 4;

/// How many copies of devices are made.
const COPIES: usize = 2;

impl<A: Merge> Life<A> {
    /// Lets one of this life's troubles happen, or end.
    pub(super) fn trouble(&mut self) {
        let Some(trouble) = self.rng.pick(&self.plan.troubles).copied() else { return };
        let device = self.any();
        match trouble {
            Trouble::Power => match self.rng.below(4) {
                0 => self.world.stop(device),
                1 => self.world.power_off_after(device, u64::from(self.rng.byte()) / 4),
                _ => self.start_all(),
            },
            Trouble::Cuts => match self.rng.below(3) {
                0 => self.world.cut(),
                1 => self.world.isolate(device),
                _ => self.world.cut_after(u64::from(self.rng.byte()) / 4),
            },
            Trouble::Partitions => {
                let group: Vec<DeviceIndex> = self.own.iter().copied().filter(|_| self.rng.once_in(2)).collect();
                self.world.part(&group, 1 << self.rng.below(17));
            }
            Trouble::FullDisks => {
                if self.rng.once_in(2) {
                    self.world.fill_disk(device, u64::from(self.rng.byte()) * 64);
                } else {
                    self.own.iter().for_each(|device| self.world.empty_disk(*device));
                }
            }
            Trouble::Clocks => {
                let size = 1_i64 << self.rng.below(32);
                self.world.set_clock_ahead(device, if self.rng.once_in(2) { size } else { -size });
            }
            Trouble::Lies => {
                let lies = [0, 10, 60, 200][self.rng.below(4)];
                self.world.lie(device, lies);
            }
            Trouble::Stories => {
                let stories = [0, 30, 256][self.rng.below(3)];
                self.has_two_stories |= stories > 0;
                self.world.tell_two_stories(device, stories);
            }
            Trouble::Inventions => {
                let forks = [0, 1, 20][self.rng.below(3)];
                self.world.invent_forks(device, forks);
            }
            Trouble::Rollbacks => self.put_back(device),
            Trouble::Backups => self.restore(device),
            Trouble::Copies => self.copy(device),
            Trouble::Rot => self.rot(device),
        }
    }

    fn start_all(&mut self) {
        for device in self.own.iter().chain(&self.friend).chain(&self.guests) {
            self.world.power_stays_on(*device);
            self.world.start(*device);
        }
    }

    /// Keeps an image of a disk, or puts one back. Half the time a device that was put back meets the others before it writes anything, so that no
    /// number is used twice; else it goes on at once, and what it writes may be a fork. Half the time its key store tells it as well.
    fn put_back(&mut self, device: DeviceIndex) {
        if self.rng.once_in(2) || self.images.is_empty() {
            self.keep_image(device);
            return;
        }
        let (device, image) = self.images.swap_remove(self.rng.below(self.images.len()));
        if self.world.devices[device.0].is_rotten {
            return;
        }
        let is_calm = self.rng.once_in(2);
        if is_calm {
            self.heal();
        }
        if self.rng.once_in(2) {
            self.world.roll_back_marked(device, &image);
        } else {
            self.world.roll_back(device, &image);
        }
        if is_calm {
            self.heal();
        }
    }

    fn keep_image(&mut self, device: DeviceIndex) {
        if self.rng.once_in(2) {
            self.heal();
        }
        self.images.push((device, self.world.device(device).storage().snapshot(self.rng.next())));
        if self.images.len() > IMAGES {
            self.images.remove(0);
        }
    }

    /// Backs a device up, or has a new one in the place of a lost one, from a backup: it goes on as another author, and trusts nobody before the others, or
    /// the person, have told it whom to.
    fn restore(&mut self, device: DeviceIndex) {
        let of_device = self.world.device(device);
        let is_able = of_device.replica().is_some() && !of_device.is_rotten && !of_device.is_doomed();
        if self.rng.once_in(2) || self.backups.is_empty() {
            if is_able {
                let backup = self.world.back_up(device);
                self.backups.push((device, backup));
                if self.backups.len() > IMAGES {
                    self.backups.remove(0);
                }
            }
            return;
        }
        let (device, backup) = self.backups.swap_remove(self.rng.below(self.backups.len()));
        if !self.world.devices[device.0].is_rotten {
            self.world.restore(device, &backup);
        }
    }

    /// Copies a device, as it is or from an earlier image. The copy goes on beside it, and meets whom it meets: so nobody between the two has rotted.
    fn copy(&mut self, device: DeviceIndex) {
        let is_any_rotten = self.own.iter().any(|device| self.world.devices[device.0].is_rotten);
        if self.copies >= COPIES || is_any_rotten {
            return;
        }
        self.copies += 1;
        let (of, image) = match self.rng.pick(&self.images) {
            Some((of, image)) => (*of, image.clone()),
            None => (device, self.world.device(device).storage().snapshot(self.rng.next())),
        };
        let copy = self.world.add_copy(of, &image);
        let number = self.own.len();
        let pairs: Vec<(usize, usize)> = self.plan.pairs.clone();
        for (one, other) in pairs {
            match (self.own[one] == of, self.own[other] == of) {
                (true, false) => self.plan.pairs.push((number, other)),
                (false, true) => self.plan.pairs.push((one, number)),
                _ => {}
            }
        }
        self.own.push(copy);
    }

    /// Flips a bit. At least one device stays whole; and a device that may have lost what it wrote does not meet the others any more.
    fn rot(&mut self, device: DeviceIndex) {
        let whole = self.own.iter().filter(|device| !self.world.devices[device.0].is_rotten).count();
        // Nobody is cut off from the others by it.
        let is_leaf =
            self.plan.pairs.iter().filter(|(a, b)| [self.own[*a], self.own[*b]].contains(&device)).count() == 1;
        if whole > 1 && is_leaf && device != self.own[0] {
            self.world.rot(device);
            self.world.start(device);
            self.world.check();
            // What is written elsewhere comes to it now: a log that is damaged takes nothing, and says so.
            self.write_something();
            self.meet();
            self.world.run();
            self.world.check_reasons();
        }
    }
}

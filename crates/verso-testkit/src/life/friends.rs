//! Friends in a life: what they are given, what is taken from them, and what they do meanwhile.

use verso_trust::Access;

use crate::device::DeviceIndex;
use crate::life::Life;
use crate::life::plan::Trouble;
use crate::merge::Merge;
use crate::shares::Leaks;

impl<A: Merge> Life<A> {
    /// A friend is given a workspace or loses one, or takes what it is offered. Any of the person's devices may be told.
    pub(super) fn share_something(&mut self) {
        let guest = self.guests[self.rng.below(self.guests.len())];
        let by = self.any();
        let Some(workspace) = self.rng.pick(&self.workspaces).copied() else { return };
        let is_able = self.world.holds(by, workspace) && !self.world.devices[by.0].is_rotten;
        match self.rng.below(9) {
            0..=2 if is_able => {
                let access = if self.rng.once_in(3) { Access::ReadOnly } else { Access::ReadWrite };
                self.world.share(by, guest, workspace, access);
            }
            3 | 4 => {
                let given = self.world.given();
                let Some((guest, workspace)) = self.rng.pick(&given).copied() else { return };
                if self.world.holds(by, workspace) && !self.world.devices[by.0].is_rotten {
                    self.world.unshare(by, guest, workspace);
                }
            }
            5 | 6 => self.write_as(guest),
            _ => {
                self.world.take_offers(guest);
                self.world.connect(guest, self.own[0]);
            }
        }
    }

    /// Checks what friends have in the end. `device` is an own one that knows all.
    pub(super) fn check_friends(&mut self, device: DeviceIndex) {
        if let Some(friend) = self.friend {
            // From a device that lies it may have taken the name of a workspace that there is. Nothing comes of that.
            let are_lies_told = self.plan.troubles.contains(&Trouble::Lies);
            let replica = self.world.devices[friend.0].replica().expect("it is on");
            let sees = |held: (u64, u64)| held != (0, 0) || !are_lies_told;
            let is_any = self.workspaces.iter().any(|workspace| replica.entries(workspace).is_some_and(sees));
            assert!(!is_any, "a friend to whom nothing was given sees something");
        }
        let leaks = if self.plan.troubles.contains(&Trouble::Lies) { Leaks::Possible } else { Leaks::No };
        self.world.check_taken(device, leaks);
        self.world.check_shared(device);
    }
}

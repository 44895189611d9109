//! A random life: devices in some topology, people who do things on them, and everything that can go wrong; then all is well again, all
//! meet, and what must hold is checked.
//!
//! Everything follows from the seed. Each seed has its own share of troubles, so that some lives are full of crashes and others of lies,
//! and none hides behind another.

mod deeds;
mod friends;
mod plan;
mod troubles;

use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_session::Mode;
use verso_trust::PeerRole;

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::mutant::Mutant;
use crate::rng::Rng;
use crate::tally::Tally;
use crate::world::World;

use plan::Plan;

/// Most workspaces of a life.
const MAX_WORKSPACES: usize = 3;

/// Whether a life is told while it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Telling {
    /// Nothing is printed.
    #[default]
    Silent,
    /// Every step is printed.
    Traced,
}

/// Lives the life of a seed, in a world of which something may be broken. Returns what happened in it.
///
/// # Panics
/// If something does not hold that must.
pub fn live<A: Merge>(seed: u64, mutant: Mutant, telling: Telling) -> Tally {
    let mut life = Life::<A>::new(seed, mutant, telling);
    for _ in 0..life.plan.deeds {
        life.go_on();
    }
    life.end()
}

/// A life in progress.
struct Life<A: Merge> {
    world: World<A>,
    /// What chooses. Apart from the world's, so that what is chosen does not depend on how messages travel.
    rng: Rng,
    plan: Plan,
    /// The devices of the person.
    own: Vec<DeviceIndex>,
    /// Devices of others, to whom nothing is given.
    friend: Option<DeviceIndex>,
    /// Devices of others, to whom workspaces are given and from whom they are taken.
    guests: Vec<DeviceIndex>,
    workspaces: Vec<WorkspaceId>,
    /// Earlier images of disks.
    images: Vec<(DeviceIndex, MemoryStorage)>,
    /// Backups of devices.
    backups: Vec<(DeviceIndex, Vec<u8>)>,
    /// How many devices were copied.
    copies: usize,
    /// Whether any device told two stories.
    has_two_stories: bool,
    /// How many texts were made up.
    texts: usize,
}

impl<A: Merge> Life<A> {
    fn new(seed: u64, mutant: Mutant, telling: Telling) -> Self {
        let mut rng = Rng::new(!seed);
        let plan = Plan::new(&mut rng);
        let mut world = World::broken(seed, mutant);
        world.is_traced = telling == Telling::Traced;
        world.tell(|| format!("seed {seed}: {plan:?}"));
        let own: Vec<_> =
            ["a", "b", "c", "d", "e", "f"][..plan.devices].iter().map(|name| world.add_device(name)).collect();
        for (showing, joining) in &plan.pairs {
            world.pair(own[*showing], own[*joining]);
        }
        let mut add_friend = |name: &str| world.add_friend(own[0], name);
        let friend = plan.has_friend.then(|| add_friend("friend"));
        let guests: Vec<_> = ["guest", "second guest"][..plan.guests].iter().map(|name| add_friend(name)).collect();
        let first = world.found_workspace(own[0], "first");
        Self {
            world,
            rng,
            plan,
            own,
            friend,
            guests,
            workspaces: vec![first],
            images: Vec::new(),
            backups: Vec::new(),
            copies: 0,
            has_two_stories: false,
            texts: 0,
        }
    }

    /// Does one thing, chosen at random.
    fn go_on(&mut self) {
        if !self.guests.is_empty() && self.rng.once_in(3) {
            self.share_something();
        }
        match self.rng.below(20) {
            0..=7 => self.write_something(),
            8..=11 => self.meet(),
            12 => {
                for _ in 0..self.rng.below(40) {
                    self.world.step();
                }
            }
            13 => self.world.sleep(1 << self.rng.below(17)),
            14 => self.found_something(),
            _ => self.trouble(),
        }
        if !self.rng.once_in(3) {
            self.world.run();
            self.world.check_reasons();
        }
        if self.rng.once_in(12) {
            self.world.check();
        }
    }

    /// Some who know each other meet; all of them, if the shape does not change.
    fn meet(&mut self) {
        let some = self.plan.pairs.clone();
        for (one, other) in some {
            if !self.plan.changes || self.rng.once_in(2) {
                // Some stay, and some part when all is done.
                let mode = if self.rng.once_in(4) { Mode::FinishWhenLevel } else { Mode::StayOpen };
                self.world.connect_for(self.own[one], self.own[other], mode);
            }
        }
        for friend in self.outsiders() {
            if self.rng.once_in(2) {
                self.world.connect(friend, self.own[0]);
            }
        }
        if self.plan.changes && self.rng.once_in(3) {
            let (one, other) = (self.any(), self.any());
            if one != other {
                self.world.connect(one, other);
            }
        }
    }

    fn found_something(&mut self) {
        let device = self.any();
        if self.workspaces.len() < MAX_WORKSPACES && !self.world.devices[device.0].is_rotten {
            let name = format!("workspace {}", self.workspaces.len());
            self.workspaces.extend(self.world.try_found_workspace(device, &name));
        }
    }

    /// Ends all troubles, lets everybody meet, and checks everything.
    fn end(mut self) -> Tally {
        self.world.tell(|| "all troubles end".to_owned());
        self.heal();
        self.world.check();
        self.world.check_reasons();
        let whole: Vec<_> = self.own.iter().copied().filter(|device| !self.world.devices[device.0].is_rotten).collect();
        self.world.assert_equal(&whole);
        self.world.assert_nothing_lost(&whole);
        // All is level: meeting again moves no entry.
        self.check_friends(whole[0]);
        let units = self.world.tally().of("units");
        self.world.cut();
        self.connect_whole();
        self.world.run();
        assert_eq!(self.world.tally().of("units"), units, "devices in step send each other entries");
        self.world.check_merge(whole[0]);
        self.count_what_is_shown(whole[0]);
        std::mem::take(&mut self.world.tally)
    }

    /// Ends all troubles and lets all meet until all is level. Rotten devices stay out of it.
    fn heal(&mut self) {
        for device in self.own.iter().chain(&self.friend).chain(&self.guests) {
            self.world.lie(*device, 0);
            self.world.tell_two_stories(*device, 0);
            self.world.invent_forks(*device, 0);
            self.world.empty_disk(*device);
            self.world.power_stays_on(*device);
            self.world.start(*device);
            self.world.confirm_all(*device);
        }
        self.world.cut();
        // Whoever was copied meets one of the copies at a time, so that what one has said takes more meetings to reach the other; and
        // so it is with what was told to some alone.
        for _ in 0..2 + 3 * (self.copies + usize::from(self.has_two_stories)) {
            self.connect_whole();
            self.world.run();
        }
        // What friends are offered comes to them once they have taken it.
        for friend in self.outsiders() {
            self.world.take_offers(friend);
        }
        self.world.run();
    }

    /// Connects all whose disks are whole. Who was paired and never met pairs again, if a clock that jumped let the pairing lapse.
    fn connect_whole(&mut self) {
        let own = self.plan.pairs.iter().map(|(one, other)| (self.own[*one], self.own[*other], PeerRole::Own));
        let friend = self.outsiders().into_iter().map(|friend| (friend, self.own[0], PeerRole::Friend));
        for (one, other, role) in own.chain(friend).collect::<Vec<_>>() {
            let is_whole = ![one, other].iter().any(|device| self.world.devices[device.0].is_rotten);
            if is_whole && !self.world.connect(one, other) {
                self.world.pair_as(one, other, role);
                assert!(self.world.connect(one, other), "two that were paired just now are refused");
            }
            if self.copies > 0 {
                self.world.run();
            }
        }
    }

    fn count_what_is_shown(&mut self, device: DeviceIndex) {
        let replica = self.world.devices[device.0].replica().expect("it is on");
        let mut counts = Vec::new();
        for workspace in replica.workspaces() {
            let graph = replica.application(&workspace).expect("it is held").graph();
            counts.push(("conflicts left", graph.conflicts().len()));
            counts.push(("ghosts left", graph.counts().ghosts));
            counts.push(("nodes left", graph.counts().nodes));
        }
        for (what, count) in counts {
            (0..count).for_each(|_| self.world.tally.count(what));
        }
    }

    /// The devices of others.
    fn outsiders(&self) -> Vec<DeviceIndex> {
        self.friend.iter().chain(&self.guests).copied().collect()
    }

    fn any(&mut self) -> DeviceIndex {
        self.own[self.rng.below(self.own.len())]
    }
}

//! What the scenarios have in common.

use std::ops::Range;

use verso_graph::Intent;
use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_testkit::{DeviceIndex, World};

pub(crate) fn node(title: &str) -> Intent {
    Intent::AddNode { url: format!("https://example.org/{title}"), title: title.into() }
}

/// A laptop with a workspace of a few nodes, and a phone that is paired with it.
pub(crate) fn two_paired(seed: u64) -> (World, DeviceIndex, DeviceIndex, WorkspaceId) {
    let mut world = World::new(seed);
    let (laptop, phone) = (world.add_device("laptop"), world.add_device("phone"));
    let workspace = world.found_workspace(laptop, "Reading");
    assert!(world.commit(laptop, workspace, &[node("one"), node("two")]));
    world.pair(laptop, phone);
    (world, laptop, phone, workspace)
}

pub(crate) fn titles(world: &World, device: DeviceIndex, workspace: WorkspaceId) -> Vec<String> {
    let replica = world.device(device).replica().unwrap();
    let Some(graph) = replica.application(&workspace) else { return Vec::new() };
    let mut titles: Vec<String> = graph.nodes().map(|node| node.title().to_owned()).collect();
    titles.sort();
    titles
}

/// Devices, who is paired with whom, and a workspace that the first founded.
pub(crate) struct Group {
    pub(crate) world: World,
    pub(crate) devices: Vec<DeviceIndex>,
    pub(crate) pairs: Vec<(DeviceIndex, DeviceIndex)>,
    pub(crate) workspace: WorkspaceId,
    copies: usize,
    written: usize,
}

/// The ways in which three devices can be paired so that all are reached: in a line with any of them in the middle, and each with each.
pub(crate) const OF_THREE: [&[(usize, usize)]; 4] =
    [&[(0, 1), (1, 2)], &[(1, 0), (0, 2)], &[(2, 0), (1, 2)], &[(0, 1), (2, 1), (0, 2)]];

impl Group {
    pub(crate) fn new(seed: u64, devices: usize, pairs: &[(usize, usize)]) -> Self {
        let mut world = World::new(seed);
        if std::env::var_os("VERSO_TRACE").is_some() {
            world.trace();
        }
        let devices: Vec<_> = (0..devices).map(|number| world.add_device(&format!("device {number}"))).collect();
        let workspace = world.found_workspace(devices[0], "Reading");
        assert!(world.commit(devices[0], workspace, &[node("one"), node("two")]));
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (devices[*a], devices[*b])).collect();
        for (showing, joining) in &pairs {
            world.pair(*showing, *joining);
        }
        Self { world, devices, pairs, workspace, copies: 0, written: 0 }
    }

    /// Connects whoever is paired, as far as they are on.
    pub(crate) fn connect(&mut self) {
        for (dialer, acceptor) in self.pairs.clone() {
            self.world.connect(dialer, acceptor);
        }
    }

    /// Copies a device, which then meets whom the original meets.
    pub(crate) fn add_copy(&mut self, of: DeviceIndex, image: &MemoryStorage) -> DeviceIndex {
        let copy = self.world.add_copy(of, image);
        let of_copy = |(a, b): &(DeviceIndex, DeviceIndex)| match (*a == of, *b == of) {
            (true, false) => Some((copy, *b)),
            (false, true) => Some((*a, copy)),
            _ => None,
        };
        let pairs: Vec<_> = self.pairs.iter().filter_map(of_copy).collect();
        self.pairs.extend(pairs);
        self.devices.push(copy);
        self.copies += 1;
        copy
    }

    /// Turns a device off for good: nobody meets it any more.
    pub(crate) fn lose(&mut self, device: DeviceIndex) {
        self.world.stop(device);
        self.devices.retain(|other| *other != device);
        self.pairs.retain(|(a, b)| ![*a, *b].contains(&device));
    }

    /// Has a device write a node of its own, if it can. Returns the title if it is durable.
    pub(crate) fn write(&mut self, device: DeviceIndex) -> Option<String> {
        let title = format!("node {}", self.written);
        self.written += 1;
        let written =
            self.world.holds(device, self.workspace) && self.world.commit(device, self.workspace, &[node(&title)]);
        written.then_some(title)
    }

    /// Ends all that goes wrong, lets everybody meet, and asserts that all hold the same, and everything that was ever durable.
    pub(crate) fn heal(&mut self, durable: &[String]) {
        let Self { world, devices, .. } = self;
        for device in &*devices {
            world.lie(*device, 0);
            world.tell_two_stories(*device, 0);
            world.empty_disk(*device);
            world.power_stays_on(*device);
            world.start(*device);
        }
        world.cut();
        // At most two rounds: in one a device may still be told of what another learns in it. Copies of a device are met one at a time.
        for _ in 0..2 + 3 * self.copies {
            for (dialer, acceptor) in self.pairs.clone() {
                self.world.connect(dialer, acceptor);
                if self.copies > 0 {
                    self.world.run();
                }
            }
            self.world.run();
        }
        self.world.check();
        self.world.assert_equal(&self.devices);
        let shown = titles(&self.world, self.devices[0], self.workspace);
        for title in durable.iter().map(String::as_str).chain(["one", "two"]) {
            assert!(shown.iter().any(|other| other == title), "{title} was durable, and is lost");
        }
        self.world.cut();
    }

    /// A device, at random.
    pub(crate) fn any(&mut self) -> DeviceIndex {
        let at = self.world.rng().below(self.devices.len());
        self.devices[at]
    }
}

/// Runs a scenario for some seeds. A failure names its seed, and the seed alone replays it: `VERSO_SEED=7 VERSO_TRACE=1` runs it
/// alone and prints what was said; `VERSO_SEEDS=1000` tries so many.
pub(crate) fn for_seeds(seeds: Range<u64>, scenario: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let (only, many) = (number("VERSO_SEED"), number("VERSO_SEEDS"));
    let end = many.map_or(seeds.end, |many| seeds.start + many);
    for seed in (seeds.start..end).filter(|seed| only.is_none_or(|only| only == *seed)) {
        with_seed(seed, &scenario);
    }
}

/// Runs a scenario for one seed, and names it if it fails.
pub(crate) fn with_seed(seed: u64, scenario: impl Fn(u64)) {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scenario(seed)));
    if let Err(panic) = outcome {
        let what = panic.downcast_ref::<String>().map_or("", String::as_str);
        panic!("seed {seed}: {what}");
    }
}

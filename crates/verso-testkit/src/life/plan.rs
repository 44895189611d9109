//! [`Plan`]: what a life is like, before it begins.

use crate::rng::Rng;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Power that goes off, at once or at some operation of the disk.
    Power,
    /// Links that are cut, anywhere.
    Cuts,
    /// Groups of devices that don't reach each other for a while.
    Partitions,
    /// Disks that are full.
    FullDisks,
    /// Clocks that are wrong, and jump.
    Clocks,
    /// Devices that lie.
    Lies,
    /// Devices that fork their own chains on purpose.
    Stories,
    /// Devices that show forks of chains that nobody holds.
    Inventions,
    /// Disks that are put back to an earlier image.
    Rollbacks,
    /// Devices that are restored from backups.
    Backups,
    /// Disks that are copied, so that two devices go on from one state under one key.
    Copies,
    /// Bits that flip.
    Rot,
}

impl Trouble {
    const ALL: [Self; 12] = [
        Self::Power,
        Self::Cuts,
        Self::Partitions,
        Self::FullDisks,
        Self::Clocks,
        Self::Lies,
        Self::Stories,
        Self::Inventions,
        Self::Rollbacks,
        Self::Backups,
        Self::Copies,
        Self::Rot,
    ];
}

/// What a life is like.
#[derive(Debug)]
pub(super) struct Plan {
    /// How many devices the person has.
    pub(super) devices: usize,
    /// Who is paired with whom, the showing device first. All are reached.
    pub(super) pairs: Vec<(usize, usize)>,
    /// Whether who meets changes from time to time.
    pub(super) changes: bool,
    /// Whether there is a friend to whom nothing is given.
    pub(super) has_friend: bool,
    /// How many friends there are to whom something is given.
    pub(super) guests: usize,
    pub(super) troubles: Vec<Trouble>,
    /// How many things are done.
    pub(super) deeds: usize,
}

impl Plan {
    pub(super) fn new(rng: &mut Rng) -> Self {
        let devices = [2, 2, 3, 3, 4, 5, 6][rng.below(7)];
        let edges: Vec<(usize, usize)> = match rng.below(4) {
            // A chain, a star, a ring.
            0 => (1..devices).map(|device| (device - 1, device)).collect(),
            1 => (1..devices).map(|device| (0, device)).collect(),
            2 if devices > 2 => (0..devices).map(|device| (device, (device + 1) % devices)).collect(),
            // Anyhow, but connected.
            _ => {
                let mut edges = Vec::new();
                for device in 1..devices {
                    let first = rng.below(device);
                    edges.extend(
                        (0..device).filter(|other| *other == first || rng.once_in(4)).map(|other| (other, device)),
                    );
                }
                edges
            }
        };
        let pairs = edges.into_iter().map(|(a, b)| if rng.once_in(2) { (a, b) } else { (b, a) }).collect();
        let troubles = Trouble::ALL.into_iter().filter(|_| rng.once_in(3)).collect();
        let deeds = 15 + rng.below(30);
        let (changes, has_friend) = (rng.once_in(3), rng.once_in(4));
        let guests = if rng.once_in(3) { 1 + rng.below(2) } else { 0 };
        Self { devices, pairs, changes, has_friend, guests, troubles, deeds }
    }
}

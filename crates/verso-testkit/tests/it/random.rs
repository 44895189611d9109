//! Anything at any time: writes, meetings, cuts, power cuts, full disks, clocks that jump, lies; then all meet and are equal.

use verso_wire::Reason;

use crate::scene::{Group, for_seeds};

fn life(seed: u64) {
    // Up to four devices, each paired with one before it, and some with more.
    let count = 2 + usize::try_from(seed % 3).unwrap();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let mut rng = verso_testkit::Rng::new(seed);
    for device in 1..count {
        for other in 0..device {
            if other + 1 == device || rng.below(2) == 0 {
                pairs.push(if rng.below(2) == 0 { (other, device) } else { (device, other) });
            }
        }
    }
    let mut group = Group::new(seed, count, &pairs);
    let mut durable = Vec::new();
    for _ in 0..30 {
        let device = group.any();
        match rng.below(12) {
            0..=3 => durable.extend(group.write(device)),
            4..=5 => group.connect(),
            6 => (0..rng.below(40)).for_each(|_| assert!(group.world.step() || group.world.is_quiet())),
            7 => group.world.cut_after(u64::from(rng.byte()) / 4),
            8 => group.world.power_off_after(device, u64::from(rng.byte()) / 8),
            9 => group.world.start(device),
            10 => match rng.below(3) {
                0 => group.world.fill_disk(device, u64::from(rng.byte()) * 16),
                1 => group.world.empty_disk(device),
                _ => group.world.set_clock_ahead(device, i64::from(rng.byte()) * 10_000 - 1_000_000),
            },
            _ => group.world.stop(device),
        }
        group.world.run();
    }
    group.heal(&durable);
    let forked = |event: &(_, _)| matches!(event, (_, verso_replica::Event::Stopped { reason: Reason::Fork, .. }));
    assert!(!group.world.events().iter().any(forked), "nobody wrote two things under one number");
}

#[test]
fn of_two_to_four_devices() {
    for_seeds(0..60, life);
}

//! Three devices in every arrangement, cut at a message and losing power at an operation, both anywhere.

use crate::scene::{Group, OF_THREE, for_seeds};

/// Three devices write and talk; everything is cut at message `cut`, and one of them loses power at its disk's operation `after`.
fn trial(seed: u64, cut: u64, after: u64) {
    let shape = OF_THREE[usize::try_from(seed % 4).unwrap()];
    let mut group = Group::new(seed, 3, shape);
    let victim = group.any();
    group.world.cut_after(cut);
    group.world.power_off_after(victim, after);
    let mut durable = Vec::new();
    for _ in 0..3 {
        group.connect();
        group.world.run();
        for device in group.devices.clone() {
            durable.extend(group.write(device));
        }
    }
    group.heal(&durable);
    // And on: what was interrupted left nothing behind that stands in the way.
    group.connect();
    group.world.run();
    for device in group.devices.clone() {
        durable.push(group.write(device).unwrap());
        group.world.run();
    }
    group.world.assert_equal(&group.devices);
}

#[test]
fn cut_at_every_message() {
    for_seeds(0..60, |seed| trial(seed, seed * 2, u64::MAX / 2));
}

#[test]
fn power_off_at_every_operation() {
    for_seeds(0..60, |seed| trial(seed, u64::MAX / 2, seed * 2));
}

#[test]
fn both_anywhere() {
    for_seeds(1000..1030, |seed| trial(seed, seed * 7919 % 150, seed * 104_729 % 150));
}

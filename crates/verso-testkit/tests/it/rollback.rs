//! A device is put back to an earlier image of its disk, and meets the others before it writes again: nobody's number is used twice, and what
//! it had delivered comes back to it.

use verso_replica::Event;
use verso_wire::Reason;

use crate::scene::{Group, OF_THREE, for_seeds};

#[test]
fn to_any_earlier_image() {
    for_seeds(0..30, |seed| {
        let shape = OF_THREE[usize::try_from(seed % 4).unwrap()];
        let mut group = Group::new(seed, 3, shape);
        group.connect();
        group.world.run();
        let victim = group.any();
        let mut images = Vec::new();
        let mut delivered = Vec::new();
        for _ in 0..4 {
            images.push(group.world.device(victim).storage().snapshot(seed));
            for device in group.devices.clone() {
                delivered.push(group.write(device).unwrap());
                group.world.run();
            }
        }
        for round in 0..2 {
            let before = group.world.device(victim).replica().unwrap().author();
            let image = &images[group.world.rng().below(images.len())];
            group.world.roll_back(victim, image);
            group.world.cut();
            group.connect();
            group.world.run();
            let told = |event: &(_, Event)| matches!(event, (device, Event::RolledBack { .. }) if *device == victim);
            assert!(group.world.events().iter().any(told));
            assert_ne!(group.world.device(victim).replica().unwrap().author(), before, "round {round}");
            for device in group.devices.clone() {
                delivered.push(group.write(device).unwrap());
                group.world.run();
            }
            group.world.check();
        }
        group.heal(&delivered);
        let forked = |event: &(_, Event)| matches!(event, (_, Event::Stopped { reason: Reason::Fork, .. }));
        assert!(!group.world.events().iter().any(forked), "a number was used twice");
    });
}

//! A device is put back or copied and writes before it meets the others: numbers are used twice. Both histories live on as branches,
//! alike on every device, and nothing that was durable is lost.

use verso_replica::Event;
use verso_testkit::DeviceIndex;

use crate::scene::{Group, OF_THREE, for_seeds, titles};

/// Lets a device that has seen nothing learn all from the first, and asserts that it shows the same.
fn fresh_device_shows_the_same(group: &mut Group) {
    let fresh = group.world.add_device("fresh");
    group.world.pair(group.devices[0], fresh);
    for _ in 0..2 {
        group.world.connect(group.devices[0], fresh);
        group.world.run();
    }
    group.world.check();
    group.world.assert_equal(&[group.devices[0], fresh]);
}

fn told_of_a_fork(group: &Group, device: DeviceIndex) -> bool {
    group.world.events().iter().any(|(teller, event)| *teller == device && matches!(event, Event::Forked { .. }))
}

#[test]
fn rolled_back_and_writing_before_it_meets_anybody() {
    for_seeds(0..40, |seed| {
        let shape = OF_THREE[usize::try_from(seed % 4).unwrap()];
        let mut group = Group::new(seed, 3, shape);
        group.connect();
        group.world.run();
        let victim = group.any();
        let mut durable = vec![group.write(victim).unwrap()];
        group.world.run();
        let image = group.world.device(victim).storage().snapshot(seed);
        durable.push(group.write(victim).unwrap());
        durable.push(group.write(victim).unwrap());
        group.world.run();
        group.world.cut();
        group.world.roll_back(victim, &image);
        group.world.cut();
        for _ in 0..=group.world.rng().below(4) {
            durable.push(group.write(victim).unwrap());
        }
        group.heal(&durable);
        for device in group.devices.clone() {
            assert!(told_of_a_fork(&group, device), "device {device:?} was not told");
            let replica = group.world.device(device).replica().unwrap();
            let forks = replica.forks(&group.workspace);
            assert_eq!(forks.len(), 1);
            assert_eq!(forks[0].branches.len(), 2);
        }
        // It goes on under a new incarnation, and that of all is no fork any more.
        let before = group.world.device(victim).replica().unwrap().forks(&group.workspace);
        durable.push(group.write(victim).unwrap());
        group.heal(&durable);
        assert_eq!(group.world.device(victim).replica().unwrap().forks(&group.workspace), before);
        fresh_device_shows_the_same(&mut group);
    });
}

#[test]
fn a_backup_holds_both_branches_and_the_proof() {
    let mut group = Group::new(3, 2, &[(0, 1)]);
    group.connect();
    group.world.run();
    let victim = group.devices[1];
    let image = group.world.device(victim).storage().snapshot(3);
    let mut durable = vec![group.write(victim).unwrap()];
    group.world.run();
    group.world.cut();
    group.world.roll_back(victim, &image);
    group.world.cut();
    durable.push(group.write(victim).unwrap());
    group.heal(&durable);
    let forks = |group: &Group| group.world.device(victim).replica().unwrap().forks(&group.workspace);
    let before = forks(&group);
    assert_eq!(before.len(), 1);
    let backup = group.world.back_up(victim);
    group.world.restore(victim, &backup);
    assert_eq!(forks(&group), before);
    group.heal(&durable);
    assert_eq!(forks(&group), before);
}

/// Copies of one device that all go on from one state, at once.
fn clones(seed: u64, copies: usize) {
    let mut group = Group::new(seed, 3, OF_THREE[3]);
    group.connect();
    group.world.run();
    group.world.cut();
    let of = group.devices[1];
    let mut durable = vec![group.write(of).unwrap()];
    let image = group.world.device(of).storage().snapshot(seed);
    let mut all = vec![of];
    for _ in 0..copies {
        all.push(group.add_copy(of, &image));
    }
    for device in all.clone() {
        for _ in 0..=group.world.rng().below(3) {
            durable.push(group.write(device).unwrap());
        }
    }
    // They meet the others in some order, a few at a time.
    for _ in 0..6 {
        let at = group.world.rng().below(group.pairs.len());
        let (dialer, acceptor) = group.pairs[at];
        group.world.connect(dialer, acceptor);
        let steps = group.world.rng().below(120);
        for _ in 0..steps {
            group.world.step();
        }
        if group.world.rng().below(2) == 0 {
            group.world.cut();
        }
        let writer = all[group.world.rng().below(all.len())];
        durable.extend(group.write(writer));
    }
    group.heal(&durable);
    fresh_device_shows_the_same(&mut group);
}

#[test]
fn two_clones_running_at_once() {
    for_seeds(0..40, |seed| clones(seed, 1));
}

#[test]
fn three_clones_running_at_once() {
    for_seeds(0..40, |seed| clones(seed, 2));
}

/// Devices write, meet, break off, are copied, put back and turned off, as it comes.
#[test]
fn any_history_with_clones() {
    for_seeds(0..60, |seed| {
        let mut group = Group::new(seed, 3, OF_THREE[usize::try_from(seed % 4).unwrap()]);
        group.connect();
        group.world.run();
        let mut durable = Vec::new();
        let mut images = Vec::new();
        for step in 0..30 {
            let device = group.any();
            match group.world.rng().below(10) {
                0..4 => durable.extend(group.write(device)),
                4 | 5 => {
                    let at = group.world.rng().below(group.pairs.len());
                    let (dialer, acceptor) = group.pairs[at];
                    group.world.connect(dialer, acceptor);
                }
                6 => {
                    let steps = group.world.rng().below(200);
                    for _ in 0..steps {
                        group.world.step();
                    }
                }
                7 => group.world.cut(),
                8 => {
                    group.world.stop(device);
                    group.world.start(device);
                }
                _ if images.is_empty() || group.world.rng().below(2) == 0 => {
                    images.push((device, group.world.device(device).storage().snapshot(step)));
                }
                _ => {
                    let (of, image) = images[group.world.rng().below(images.len())].clone();
                    if group.devices.len() < 6 && group.world.rng().below(2) == 0 {
                        group.add_copy(of, &image);
                    }
                }
            }
        }
        group.heal(&durable);
        fresh_device_shows_the_same(&mut group);
    });
}

#[test]
fn power_off_at_every_operation_while_a_fork_is_healed() {
    for after in 0..40 {
        let mut group = Group::new(after, 2, &[(0, 1)]);
        group.connect();
        group.world.run();
        let victim = group.devices[1];
        let image = group.world.device(victim).storage().snapshot(after);
        let mut durable = vec![group.write(victim).unwrap()];
        group.world.run();
        group.world.roll_back(victim, &image);
        durable.push(group.write(victim).unwrap());
        let loser = group.devices[usize::try_from(after % 2).unwrap()];
        group.world.power_off_after(loser, after / 2);
        group.connect();
        group.world.run();
        group.heal(&durable);
        fresh_device_shows_the_same(&mut group);
    }
}

/// Two histories of one device reach one other device each, and then it is gone for good. Nobody needs it to settle that.
#[test]
fn an_author_that_never_comes_back() {
    for_seeds(0..40, |seed| {
        let mut group = Group::new(seed, 4, &[(0, 1), (1, 2), (0, 3), (2, 3)]);
        group.connect();
        group.world.run();
        group.world.cut();
        let [one, _, other, gone] = group.devices[..] else { unreachable!("they are four") };
        let image = group.world.device(gone).storage().snapshot(seed);
        let mut durable = Vec::new();
        for peer in [one, other] {
            for _ in 0..=group.world.rng().below(3) {
                durable.push(group.write(gone).unwrap());
            }
            group.world.connect(gone, peer);
            group.world.run();
            group.world.cut();
            if peer == one {
                group.world.roll_back(gone, &image);
                group.world.cut();
            }
        }
        group.lose(gone);
        durable.extend([one, other].map(|device| group.write(device).unwrap()));
        group.heal(&durable);
        for device in group.devices.clone() {
            assert!(told_of_a_fork(&group, device), "device {device:?} was not told");
            let forks = group.world.device(device).replica().unwrap().forks(&group.workspace);
            assert_eq!((forks.len(), forks[0].branches.len()), (1, 2));
        }
        fresh_device_shows_the_same(&mut group);
    });
}

/// It goes on for a while after it was restored, beside what it had written before, and then it is gone.
#[test]
fn a_restored_author_that_never_comes_back() {
    for_seeds(0..20, |seed| {
        let mut group = Group::new(seed, 3, OF_THREE[3]);
        group.connect();
        group.world.run();
        let [one, other, gone] = group.devices[..] else { unreachable!("they are three") };
        let mut durable = vec![group.write(gone).unwrap()];
        group.world.run();
        group.world.cut();
        let backup = group.world.back_up(gone);
        // What came after the backup, and is known to one.
        durable.push(group.write(gone).unwrap());
        group.world.connect(gone, one);
        group.world.run();
        group.world.cut();
        group.world.restore(gone, &backup);
        durable.push(group.write(gone).unwrap());
        group.world.connect(gone, other);
        group.world.run();
        group.lose(gone);
        group.heal(&durable);
        assert!(
            group.world.device(one).replica().unwrap().forks(&group.workspace).is_empty(),
            "no number was used twice"
        );
        fresh_device_shows_the_same(&mut group);
    });
}

/// A device that is trusted signs two histories on purpose, and tells one to some and another to others.
#[test]
fn a_device_that_forks_its_own_chain_on_purpose() {
    for_seeds(0..40, |seed| {
        let mut group = Group::new(seed, 3, OF_THREE[usize::try_from(seed % 4).unwrap()]);
        group.connect();
        group.world.run();
        let forger = group.any();
        let mut durable = Vec::new();
        for round in 0..3 {
            // All of it, or some.
            group.world.tell_two_stories(forger, [256, 128][round % 2]);
            group.connect();
            for device in group.devices.clone() {
                durable.push(group.write(device).unwrap());
            }
            group.world.run();
            group.world.check();
            group.world.cut();
        }
        assert!(group.world.tally().of("stories told twice") > 0);
        group.heal(&durable);
        for device in group.devices.clone() {
            assert!(told_of_a_fork(&group, device), "device {device:?} was not told");
            assert!(
                titles(&group.world, device, group.workspace).iter().any(|title| title.starts_with("another story"))
            );
        }
        fresh_device_shows_the_same(&mut group);
    });
}

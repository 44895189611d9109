//! Devices that are restored from a backup: they come back with all of it, as a new author, and trust nobody with more than the control log
//! before they know who is still trusted.

use verso_log::MemoryStorage;
use verso_replica::{Event, RestoreError};
use verso_testkit::backup::restore_onto;
use verso_testkit::{DeviceIndex, World};
use verso_trust::{Access, PeerRole};
use verso_wire::Reason;

use crate::scene::{Group, for_seeds, node, titles, two_paired};

fn told(world: &World, device: DeviceIndex, wanted: impl Fn(&Event) -> bool) -> usize {
    world.events().iter().filter(|(by, event)| *by == device && wanted(event)).count()
}

fn unconfirmed(world: &World, device: DeviceIndex) -> usize {
    world.device(device).replica().unwrap().unconfirmed().count()
}

const fn is_confirmed(event: &Event) -> bool {
    matches!(event, Event::Confirmed)
}

#[test]
fn comes_back_level_and_as_a_new_author() {
    for_seeds(0..12, |seed| {
        let (mut world, laptop, phone, workspace) = two_paired(seed);
        world.connect(laptop, phone);
        world.run();
        // Taken while the device is connected and has what it has not flushed.
        let backup = world.back_up(laptop);
        assert!(world.commit(laptop, workspace, &[node("three")]));
        assert!(world.commit(phone, workspace, &[node("four")]));
        world.run();
        let before = world.device(laptop).replica().unwrap().author();

        world.cut();
        world.restore(laptop, &backup);
        assert_eq!(titles(&world, laptop, workspace), ["one", "two"]);
        let replica = world.device(laptop).replica().unwrap();
        assert_ne!(replica.author(), before, "a number may be used twice");
        assert_eq!(replica.name(), "laptop");
        assert_eq!(unconfirmed(&world, laptop), 1);
        assert!(world.commit(laptop, workspace, &[node("five")]));

        world.connect(phone, laptop);
        world.run();
        assert_eq!((unconfirmed(&world, laptop), told(&world, laptop, is_confirmed)), (0, 1));
        world.check();
        world.assert_equal(&[laptop, phone]);
        assert_eq!(titles(&world, laptop, workspace), ["five", "four", "one", "three", "two"]);
        let forked = |event: &Event| matches!(event, Event::Stopped { reason: Reason::Fork, .. });
        assert_eq!(told(&world, phone, forked) + told(&world, laptop, forked), 0, "a number was used twice");
        // It stays confirmed.
        world.stop(laptop);
        world.start(laptop);
        assert_eq!(unconfirmed(&world, laptop), 0);
    });
}

/// Three in a line, the first in the middle: the second device is not met while the third is paired, so it knows less than the backup.
fn restored_with_one_behind(seed: u64) -> (Group, Vec<u8>) {
    let mut group = Group::new(seed, 3, &[(0, 1)]);
    let [first, second, third] = group.devices[..] else { panic!("three devices") };
    group.world.connect(first, second);
    group.world.run();
    group.world.cut();
    group.world.pair(first, third);
    group.world.connect(first, third);
    group.world.run();
    group.world.cut();
    let backup = group.world.back_up(first);
    group.world.restore(first, &backup);
    (group, backup)
}

#[test]
fn a_device_that_knows_less_than_the_backup_confirms_nobody() {
    for_seeds(0..12, |seed| {
        let (mut group, _) = restored_with_one_behind(seed);
        let [first, second, third] = group.devices[..] else { panic!("three devices") };
        let (world, workspace) = (&mut group.world, group.workspace);
        assert_eq!(unconfirmed(world, first), 2);
        assert!(world.commit(first, workspace, &[node("new")]));
        world.connect(first, second);
        world.run();
        assert_eq!((unconfirmed(world, first), told(world, first, is_confirmed)), (2, 0));
        let stopped = |event: &Event| matches!(event, Event::Stopped { reason: Reason::Unconfirmed, .. });
        assert!(told(world, first, stopped) > 0, "it was not told why");
        assert!(!titles(world, second, workspace).contains(&"new".into()), "it got the workspace");

        // One that knows as much confirms all: the first connection goes on where it had stopped.
        world.connect(third, first);
        world.run();
        assert_eq!((unconfirmed(world, first), told(world, first, is_confirmed)), (0, 1));
        world.check();
        world.assert_equal(&[first, second, third]);
        assert!(titles(world, second, workspace).contains(&"new".into()));
    });
}

/// It is taught at the first contact, and knows no more of who was removed since than before.
#[test]
fn a_device_that_knows_less_confirms_nobody_however_often_it_is_met() {
    for_seeds(0..12, |seed| {
        let (mut group, _) = restored_with_one_behind(seed);
        let [first, second, third] = group.devices[..] else { panic!("three devices") };
        let world = &mut group.world;
        for round in 0..3 {
            world.connect(first, second);
            if seed % 2 == 0 {
                world.run();
            } else {
                world.cut_after(seed + 4 * round);
                world.run();
                world.cut();
                world.stop(first);
                world.start(first);
            }
            world.cut();
            assert_eq!((unconfirmed(world, first), told(world, first, is_confirmed)), (2, 0), "at contact {round}");
        }
        world.connect(third, first);
        world.run();
        assert_eq!((unconfirmed(world, first), told(world, first, is_confirmed)), (0, 1));
        world.check();
    });
}

#[test]
fn the_person_confirms_one_by_name() {
    for_seeds(0..12, |seed| {
        let (mut group, _) = restored_with_one_behind(seed);
        let [first, second, third] = group.devices[..] else { panic!("three devices") };
        let (world, workspace) = (&mut group.world, group.workspace);
        assert!(world.commit(first, workspace, &[node("new")]));
        if seed % 2 == 0 {
            // While it is connected, too.
            world.connect(first, second);
            world.run();
        }
        world.confirm(first, second);
        world.connect(first, second);
        world.run();
        assert_eq!(unconfirmed(world, first), 1);
        assert!(titles(world, second, workspace).contains(&"new".into()));
        world.assert_equal(&[first, second]);
        world.stop(first);
        world.start(first);
        assert_eq!(unconfirmed(world, first), 1, "it was not kept");
        world.confirm(first, third);
        assert_eq!((unconfirmed(world, first), told(world, first, is_confirmed)), (0, 1));
        world.check();
    });
}

#[test]
fn twice_from_the_same_backup() {
    let (mut world, laptop, phone, workspace) = two_paired(3);
    world.connect(laptop, phone);
    world.run();
    let backup = world.back_up(laptop);
    let mut authors = Vec::new();
    for round in 0..2 {
        world.cut();
        world.restore(laptop, &backup);
        authors.push(world.device(laptop).replica().unwrap().author());
        assert!(world.commit(laptop, workspace, &[node(&format!("round {round}"))]));
        world.connect(laptop, phone);
        world.run();
        world.check();
        world.assert_equal(&[laptop, phone]);
    }
    assert_ne!(authors[0], authors[1]);
    assert_eq!(titles(&world, phone, workspace), ["one", "round 0", "round 1", "two"]);
}

/// A data directory that was put back, by whatever means, is noticed by the mark in the key store, and is then as a backup that was restored: whoever was
/// removed since gets nothing, an own device brings the removal and confirms the others.
#[test]
fn a_disk_that_was_put_back_is_confirmed_as_a_restored_backup_is() {
    for_seeds(0..12, |seed| {
        let (mut world, laptop, phone, workspace) = two_paired(seed);
        let friends = ["friend", "other friend"].map(|name| world.add_device(name));
        for friend in friends {
            world.pair_as(laptop, friend, PeerRole::Friend);
            world.connect(laptop, friend);
            world.run();
            assert!(world.share(laptop, friend, workspace, Access::ReadWrite));
            world.run();
            world.take_offers(friend);
        }
        world.connect(laptop, phone);
        world.run();
        let image = world.device(laptop).storage().snapshot(seed);
        let removed = world.device(friends[0]).id();
        world.decide(laptop, |replica, now| replica.forget(removed, now).unwrap());
        world.run();
        world.cut();

        world.roll_back_marked(laptop, &image);
        assert_eq!(unconfirmed(&world, laptop), 3);
        assert!(world.commit(laptop, workspace, &[node("new")]));
        for friend in friends {
            assert!(!world.connect(friend, laptop), "trusted as it was then");
            world.run();
            assert!(!titles(&world, friend, workspace).contains(&"new".into()));
        }
        world.connect(phone, laptop);
        world.run();
        assert_eq!((unconfirmed(&world, laptop), told(&world, laptop, is_confirmed)), (0, 1));
        assert_eq!(world.device(laptop).replica().unwrap().trust().role(&removed), None, "the removal came back");
        assert!(!world.connect(friends[0], laptop));
        assert!(world.connect(friends[1], laptop));
        world.run();
        assert!(titles(&world, friends[1], workspace).contains(&"new".into()));
        assert!(!titles(&world, friends[0], workspace).contains(&"new".into()));
        world.check();
        world.assert_equal(&[laptop, phone]);
    });
}

#[test]
fn what_is_damaged_is_never_restored() {
    let (mut world, laptop, phone, workspace) = two_paired(4);
    world.connect(laptop, phone);
    world.run();
    let many: Vec<_> = (0..200).map(|number| node(&format!("{number:0200}"))).collect();
    for chunk in many.chunks(20) {
        assert!(world.commit(laptop, workspace, chunk));
    }
    let backup = world.back_up(laptop);
    let restore = |bytes: &[u8]| restore_onto(&MemoryStorage::new(5), bytes);
    restore(&backup).unwrap();
    for len in (0..backup.len()).step_by(97) {
        let error = restore(&backup[..len]).unwrap_err();
        assert!(matches!(error, RestoreError::Damaged(_) | RestoreError::Header(_)), "{len}: {error}");
    }
    for at in (0..backup.len()).step_by(89) {
        let mut flipped = backup.clone();
        flipped[at] ^= 1;
        let error = restore(&flipped).unwrap_err();
        assert!(matches!(error, RestoreError::Damaged(_) | RestoreError::Header(_)), "{at}: {error}");
    }
    let mut longer = backup.clone();
    longer.push(0);
    restore(&longer).unwrap_err();
}

#[test]
fn a_power_cut_while_restoring_leaves_nothing_that_is_taken_for_whole() {
    let (mut world, laptop, phone, _) = two_paired(6);
    world.connect(laptop, phone);
    world.run();
    let backup = world.back_up(laptop);
    let mut cuts = 0;
    for after in 0..200 {
        let disk = MemoryStorage::new(after);
        disk.crash_after(after);
        if restore_onto(&disk, &backup).is_ok() {
            break;
        }
        cuts += 1;
    }
    assert!((10..200).contains(&cuts), "{cuts} operations");
}

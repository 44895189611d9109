//! Removals against what happens at the same time, with whole devices.

use verso_graph::Graph;
use verso_testkit::{DeviceIndex, World};
use verso_trust::Access;
use verso_wire::Reason;

use crate::trust::{decide, friends, id, person, shows, write};

fn forget(world: &mut World<Graph>, by: DeviceIndex, whom: DeviceIndex) {
    let whom = id(world, whom);
    decide(world, by, |replica, now| replica.forget(whom, now));
}

fn meet(world: &mut World<Graph>, one: DeviceIndex, other: DeviceIndex) -> bool {
    let connected = world.connect(one, other);
    world.run();
    connected
}

fn own(world: &World<Graph>, device: DeviceIndex) -> Vec<verso_identity::DeviceId> {
    let mut own: Vec<_> = world.device(device).replica().unwrap().trust().own_devices().collect();
    own.sort_unstable();
    own
}

#[test]
fn a_removal_wins_over_a_pairing_at_the_same_time() {
    let (mut world, devices, _) = person(&["desk", "lap", "phone"]);
    let [desk, lap, phone] = [devices[0], devices[1], devices[2]];
    world.cut();
    forget(&mut world, desk, phone);
    // The laptop doesn't know, and pairs anew with the phone.
    world.pair(lap, phone);
    assert!(meet(&mut world, lap, phone));
    world.cut();
    assert!(meet(&mut world, desk, lap));
    for device in [desk, lap] {
        assert_eq!(world.device(device).replica().unwrap().trust().role(&id(&world, phone)), None);
        assert!(!meet(&mut world, phone, device));
        assert!(world.failures().contains(&(device, Reason::Revoked)));
    }
    // Who knows of the removal may pair it again.
    world.pair(lap, phone);
    assert!(meet(&mut world, lap, phone));
    assert_eq!(own(&world, desk).len(), 3);
}

#[test]
fn of_two_own_devices_that_forget_each_other_the_senior_stays() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    let [desk, lap, phone] = [devices[0], devices[1], devices[2]];
    world.cut();
    forget(&mut world, lap, desk);
    forget(&mut world, desk, lap);
    assert!(meet(&mut world, phone, desk));
    assert!(!meet(&mut world, phone, lap), "the phone heard of the laptop's removal");
    write(&mut world, desk, workspace, 2);
    world.run();
    assert_eq!(shows(&world, phone, workspace), [1, 2]);
    // In the other order, too: whoever hears the junior's word first hears the senior's later.
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    let [desk, lap, phone] = [devices[0], devices[1], devices[2]];
    world.cut();
    forget(&mut world, desk, lap);
    forget(&mut world, lap, desk);
    assert!(meet(&mut world, phone, lap));
    world.cut();
    let expected = [id(&world, desk), id(&world, phone)];
    // Neither lets the other in any more, so somebody has to carry the senior's word: a fourth device, which has heard of neither.
    world.pair(phone, desk);
    assert!(meet(&mut world, phone, desk));
    assert!(expected.iter().all(|device| own(&world, phone).contains(device)));
    write(&mut world, phone, workspace, 3);
    world.run();
    assert!(shows(&world, desk, workspace).contains(&3));
}

#[test]
fn of_a_circle_of_removals_the_most_senior_s_counts() {
    let (mut world, devices, _) = person(&["desk", "lap", "phone", "watch"]);
    let [desk, lap, phone, watch] = [devices[0], devices[1], devices[2], devices[3]];
    world.cut();
    forget(&mut world, desk, lap);
    forget(&mut world, lap, phone);
    forget(&mut world, phone, desk);
    assert!(meet(&mut world, watch, desk));
    let mut expected = [desk, phone, watch].map(|device| id(&world, device));
    expected.sort_unstable();
    assert_eq!(own(&world, watch), expected);
    assert_eq!(own(&world, desk), expected, "the laptop is out, so its word against the phone is void");
}

#[test]
fn what_a_cut_author_wrote_is_not_applied_though_an_own_device_that_has_not_heard_brings_it() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    let [desk, lap, phone] = [devices[0], devices[1], devices[2]];
    world.cut();
    forget(&mut world, desk, phone);
    // The laptop hasn't heard, takes what the phone writes, shows it, and brings it.
    assert!(meet(&mut world, phone, lap));
    write(&mut world, phone, workspace, 2);
    world.run();
    assert_eq!(shows(&world, lap, workspace), [1, 2]);
    world.isolate(phone);
    assert!(meet(&mut world, lap, desk));
    assert_eq!((shows(&world, desk, workspace), shows(&world, lap, workspace)), (vec![1], vec![1]));
    let (held, applied) = world.device(desk).replica().unwrap().entries(&workspace).unwrap();
    assert!(held > applied, "it is held, for quarantine");
    world.assert_equal(&[desk, lap]);
}

#[test]
fn a_fresh_incarnation_of_a_removed_device_counts_for_nothing() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    let [desk, lap, phone] = [devices[0], devices[1], devices[2]];
    world.cut();
    let image = world.device(phone).storage().clone();
    let copy = world.add_copy(phone, &image);
    forget(&mut world, desk, phone);
    // A copy of its disk goes on beside it; where they meet the laptop, which hasn't heard, one moves on to a new incarnation.
    for (device, number) in [(phone, 2), (copy, 3)] {
        assert!(meet(&mut world, device, lap));
        write(&mut world, device, workspace, number);
        world.run();
    }
    let incarnations = |world: &World<Graph>| {
        let held = world.device(lap).replica().unwrap().held(&workspace).unwrap();
        held.iter().filter(|(author, _)| author.device == id(world, phone)).count()
    };
    assert!(incarnations(&world) >= 2);
    world.cut();
    assert!(meet(&mut world, lap, desk));
    assert_eq!((shows(&world, desk, workspace), shows(&world, lap, workspace)), (vec![1], vec![1]));
    for device in [phone, copy] {
        assert!(!meet(&mut world, device, desk));
    }
}

#[test]
fn pairing_a_forgotten_device_again_revives_nothing_that_was_cut() {
    let (mut world, devices, workspace) = person(&["desk", "lap"]);
    let [desk, lap] = [devices[0], devices[1]];
    world.cut();
    write(&mut world, lap, workspace, 2);
    forget(&mut world, desk, lap);
    world.pair(desk, lap);
    assert!(meet(&mut world, desk, lap));
    assert_eq!(shows(&world, desk, workspace), [1], "what was written behind the cut stays behind it");
    write(&mut world, lap, workspace, 3);
    world.run();
    assert_eq!((shows(&world, desk, workspace), shows(&world, lap, workspace)), (vec![1, 3], vec![1, 3]));
}

#[test]
fn a_removed_device_gets_no_later_group_secret_and_its_own_opens_nothing() {
    let (mut world, devices, _) = person(&["desk", "lap", "phone"]);
    let [desk, lap, phone] = [devices[0], devices[1], devices[2]];
    let generations = |world: &World<Graph>, device: DeviceIndex| {
        let trust = world.device(device).replica().unwrap().trust();
        trust.generations().map(|generation| generation.id).collect::<Vec<_>>()
    };
    let before = generations(&world, phone);
    world.cut();
    forget(&mut world, desk, phone);
    assert!(meet(&mut world, desk, lap));
    let current = world.device(lap).replica().unwrap().trust().current_generation().unwrap().id;
    assert!(!before.contains(&current));
    for device in [desk, lap] {
        assert!(!meet(&mut world, phone, device));
        let secrets =
            world.device(device).replica().unwrap().secrets(&id(&world, phone), verso_replica::Now::default());
        assert!(secrets.is_empty(), "no generation proves anything of it");
    }
    assert_eq!(generations(&world, phone), before, "it was handed none");
}

#[test]
fn a_forgotten_friend_is_told_so_and_keeps_what_it_had() {
    let (mut world, ann, ben, workspace) = friends(Access::ReadWrite);
    world.cut();
    forget(&mut world, ann, ben);
    write(&mut world, ann, workspace, 2);
    assert!(!meet(&mut world, ben, ann));
    assert!(world.failures().contains(&(ann, Reason::Revoked)));
    assert_eq!(shows(&world, ben, workspace), [1]);
    // While they are connected it is told at once.
    let (mut world, ann, ben, _) = friends(Access::ReadWrite);
    forget(&mut world, ann, ben);
    let told = world.events().iter().any(|(device, event)| {
        *device == ben && matches!(event, verso_replica::Event::Stopped { reason: Reason::Revoked, .. })
    });
    assert!(told);
}

#[test]
fn whom_a_friend_let_in_goes_with_the_friend() {
    let (mut world, ann, ben, workspace) = friends(Access::ReadWrite);
    let eve = world.add_device("eve");
    // Ben lets in whom nobody else knows, as a device of his, and hands on what it writes.
    world.pair(ben, eve);
    assert!(meet(&mut world, ben, eve) && meet(&mut world, eve, ann));
    write(&mut world, eve, workspace, 2);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2]);
    let friend = id(&world, ben);
    decide(&mut world, ann, |replica, now| replica.unshare(&workspace, friend, now));
    write(&mut world, eve, workspace, 3);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2]);
    // Given anew it goes on, for both, and what lies behind the cut stays there.
    decide(&mut world, ann, |replica, now| replica.share(&workspace, friend, Access::ReadWrite, now));
    write(&mut world, eve, workspace, 4);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2, 4]);
}

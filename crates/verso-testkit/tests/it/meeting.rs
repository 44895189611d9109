//! Two and three devices that meet, part and meet again.

use verso_session::Mode;

use crate::scene::{node, titles, two_paired};

#[test]
fn a_paired_device_gets_everything() {
    let (mut world, laptop, phone, workspace) = two_paired(1);
    assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel));
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    assert_eq!(titles(&world, phone, workspace), ["one", "two"]);
}

#[test]
fn what_both_did_while_apart_is_there_on_both() {
    let (mut world, laptop, phone, workspace) = two_paired(2);
    assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel));
    world.run();
    assert!(world.commit(laptop, workspace, &[node("from the laptop")]));
    assert!(world.commit(phone, workspace, &[node("from the phone")]));
    assert!(world.connect_for(phone, laptop, Mode::FinishWhenLevel));
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    assert_eq!(titles(&world, laptop, workspace), ["from the laptop", "from the phone", "one", "two"]);
}

#[test]
fn a_commit_is_pushed_while_connected() {
    let (mut world, laptop, phone, workspace) = two_paired(3);
    assert!(world.connect(laptop, phone));
    world.run();
    assert!(world.commit(phone, workspace, &[node("live")]));
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    assert!(titles(&world, laptop, workspace).contains(&"live".into()));
}

/// More than is kept at hand between a commit and its flush: the rest is read from the log.
#[test]
fn a_large_commit_is_pushed_while_connected() {
    let (mut world, laptop, phone, workspace) = two_paired(7);
    assert!(world.connect(laptop, phone));
    world.run();
    let noise: Vec<String> =
        (0..1200).map(|_| (0..1500).map(|_| char::from(b'!' + world.rng().byte() % 90)).collect()).collect();
    let nodes: Vec<_> = noise.iter().map(|title| node(title)).collect();
    assert!(world.commit(phone, workspace, &nodes));
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    assert_eq!(titles(&world, laptop, workspace).len(), 1202);
}

#[test]
fn a_third_device_gets_what_the_first_wrote_from_the_second() {
    let (mut world, laptop, phone, workspace) = two_paired(4);
    let tablet = world.add_device("tablet");
    world.pair(phone, tablet);
    assert!(world.connect(laptop, phone));
    world.run();
    assert!(world.connect(phone, tablet));
    world.run();
    assert!(world.commit(laptop, workspace, &[node("onward")]));
    world.run();
    assert!(world.commit(tablet, workspace, &[node("and back")]));
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone, tablet]);
    assert_eq!(titles(&world, laptop, workspace), ["and back", "one", "onward", "two"]);
}

#[test]
fn a_stranger_is_refused() {
    let (mut world, laptop, _phone, _workspace) = two_paired(5);
    let stranger = world.add_device("stranger");
    assert!(!world.connect(stranger, laptop));
    assert!(world.view(stranger).is_empty());
}

/// The rollback is noticed at the first contact, so what is written after it is written as somebody else. What was written before it, without
/// contact, is a fork, and healed as one.
#[test]
fn a_device_that_was_rolled_back_never_uses_a_number_twice() {
    let (mut world, laptop, phone, workspace) = two_paired(6);
    assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel));
    world.run();
    let image = world.device(laptop).storage().snapshot(1);
    assert!(world.commit(laptop, workspace, &[node("after the backup")]));
    assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel));
    world.run();
    world.roll_back(laptop, &image);
    assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel));
    world.run();
    assert!(world.commit(laptop, workspace, &[node("after the restore")]));
    assert!(world.connect_for(laptop, phone, Mode::FinishWhenLevel));
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    assert_eq!(titles(&world, phone, workspace), ["after the backup", "after the restore", "one", "two"]);
}

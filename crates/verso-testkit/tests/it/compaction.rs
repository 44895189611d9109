//! Logs are compacted while devices write and sync: what is held, shown and sent stays the same, wherever the power goes off.

use verso_identity::WorkspaceId;
use verso_session::Mode;
use verso_testkit::{DeviceIndex, World};

use crate::scene::{node, titles, two_paired};

/// A laptop that was started often, so that its log lies in many segments, and a phone that has nothing yet.
fn many_segments(seed: u64) -> (World, DeviceIndex, DeviceIndex, WorkspaceId) {
    let (mut world, laptop, phone, workspace) = two_paired(seed);
    for number in 0..5 {
        assert!(world.commit(laptop, workspace, &[node(&format!("early {number}"))]));
        world.stop(laptop);
        world.start(laptop);
    }
    (world, laptop, phone, workspace)
}

fn segments(world: &World, device: DeviceIndex, workspace: WorkspaceId) -> u64 {
    world.device(device).replica().unwrap().log_stats(&workspace).unwrap().segments
}

#[test]
fn a_compacted_log_says_the_same() {
    let (mut world, laptop, phone, workspace) = many_segments(1);
    let before = (titles(&world, laptop, workspace), world.view(laptop));
    assert!(segments(&world, laptop, workspace) > 4);
    let done = world.begin_compaction(laptop, workspace).expect("there is something to join");
    assert!(world.begin_compaction(laptop, workspace).is_none(), "one step at a time");
    assert!(world.finish_compaction(laptop, done));
    assert!(segments(&world, laptop, workspace) <= 2);
    assert_eq!((titles(&world, laptop, workspace), world.view(laptop)), before);
    world.stop(laptop);
    world.start(laptop);
    assert_eq!((titles(&world, laptop, workspace), world.view(laptop)), before, "and after a power cut");
    world.connect(laptop, phone);
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
}

#[test]
fn units_are_joined_across_what_they_were_written_in() {
    let (mut world, laptop, _phone, workspace) = many_segments(2);
    let runs = |world: &World| world.device(laptop).replica().unwrap().log_stats(&workspace).unwrap();
    let before = runs(&world);
    let done = world.begin_compaction(laptop, workspace).unwrap();
    assert!(world.finish_compaction(laptop, done));
    let after = runs(&world);
    assert_eq!((after.entries, after.loose_bytes), (before.entries, 0));
    assert!(after.runs * 2 < before.runs && after.bytes * 2 < before.bytes, "{before:?} {after:?}");
}

#[test]
fn a_peer_that_has_half_of_a_joined_unit_gets_the_rest() {
    let (mut world, laptop, phone, workspace) = many_segments(3);
    world.connect(laptop, phone);
    world.run();
    world.cut();
    assert!(world.commit(laptop, workspace, &[node("late")]));
    world.stop(laptop);
    world.start(laptop);
    let done = world.begin_compaction(laptop, workspace).unwrap();
    assert!(world.finish_compaction(laptop, done));
    world.connect(phone, laptop);
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
}

/// Compacts while there is writing and sync; the power goes off at the disk's operation `after`. Returns whether it did.
fn compaction_with_crash(after: u64) -> bool {
    let (mut world, laptop, phone, workspace) = many_segments(1_000 + after);
    world.connect(laptop, phone);
    world.run();
    world.power_off_after(laptop, after);
    let done = world.begin_compaction(laptop, workspace);
    let three = world.commit(laptop, workspace, &[node("three")]);
    world.run();
    if let Some(done) = done {
        world.finish_compaction(laptop, done);
    }
    let four = world.commit(laptop, workspace, &[node("four")]);
    world.run();
    let crashed = world.device(laptop).replica().is_none();
    world.cut();
    world.power_stays_on(laptop);
    world.start(laptop);
    assert!(world.connect_for(phone, laptop, Mode::FinishWhenLevel), "after {after}");
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    let shown = titles(&world, laptop, workspace);
    for (title, acknowledged) in [("one", true), ("early 4", true), ("three", three), ("four", four)] {
        assert!(!acknowledged || shown.contains(&title.into()), "{title} was acknowledged and is lost, after {after}");
    }
    crashed
}

#[test]
fn a_power_cut_at_every_operation_of_it() {
    let crashes = (0..500).take_while(|after| compaction_with_crash(*after)).count();
    assert!((20..500).contains(&crashes), "{crashes} operations");
}

#[test]
fn a_step_from_before_a_failure_comes_too_late() {
    let (mut world, laptop, _phone, workspace) = many_segments(4);
    let done = world.begin_compaction(laptop, workspace).unwrap();
    world.fill_disk(laptop, 10);
    assert!(!world.commit(laptop, workspace, &[node("too much")]));
    world.empty_disk(laptop);
    assert!(!world.finish_compaction(laptop, done), "the log was opened again meanwhile");
    assert!(world.commit(laptop, workspace, &[node("fits")]));
    let done = world.begin_compaction(laptop, workspace).unwrap();
    assert!(world.finish_compaction(laptop, done));
    world.check();
    assert!(titles(&world, laptop, workspace).contains(&"fits".into()));
}

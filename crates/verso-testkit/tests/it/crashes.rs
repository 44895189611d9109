//! The power goes off at every single operation of the disk; nothing acknowledged is lost, and the next meeting completes the work.

use verso_session::Mode;
use verso_testkit::DeviceIndex;

use crate::scene::{node, titles, two_paired};

/// More operations than a meeting has.
const LAST: u64 = 500;

/// Runs a meeting with two commits in it; the power of one device goes off at its disk's operation `after`. Returns whether it did.
fn meeting_with_crash(victim: impl Fn(DeviceIndex, DeviceIndex) -> DeviceIndex, after: u64) -> bool {
    let (mut world, laptop, phone, workspace) = two_paired(1000 + after);
    let victim = victim(laptop, phone);
    world.power_off_after(victim, after);
    world.connect(laptop, phone);
    world.run();
    let three = world.commit(laptop, workspace, &[node("three")]);
    world.run();
    let four = world.holds(phone, workspace) && world.commit(phone, workspace, &[node("four")]);
    world.run();
    let crashed = world.device(victim).replica().is_none();
    world.cut();
    world.power_stays_on(victim);
    world.start(victim);
    assert!(world.connect_for(phone, laptop, Mode::FinishWhenLevel), "after {after}");
    world.run();
    world.check();
    world.assert_equal(&[laptop, phone]);
    let shown = titles(&world, phone, workspace);
    for (title, acknowledged) in [("one", true), ("two", true), ("three", three), ("four", four)] {
        assert!(!acknowledged || shown.contains(&title.into()), "{title} was acknowledged and is lost, after {after}");
    }
    crashed
}

#[test]
fn of_the_one_who_has_the_data() {
    let crashes = (0..LAST).take_while(|after| meeting_with_crash(|laptop, _| laptop, *after)).count();
    assert!((10..500).contains(&crashes), "{crashes} operations");
}

#[test]
fn of_the_one_who_gets_the_data() {
    let crashes = (0..LAST).take_while(|after| meeting_with_crash(|_, phone| phone, *after)).count();
    assert!((10..500).contains(&crashes), "{crashes} operations");
}

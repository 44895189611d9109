//! Peers that lie, though they are trusted: nothing that was forged is shown, nothing panics, and once they are honest again all is well.

use verso_replica::Event;

use crate::scene::{Group, OF_THREE, for_seeds};

fn trial(seed: u64, lies: usize) {
    let (devices, shape): (usize, &[(usize, usize)]) =
        if seed.is_multiple_of(2) { (2, &[(0, 1)]) } else { (3, OF_THREE[usize::try_from(seed / 2 % 4).unwrap()]) };
    let mut group = Group::new(seed, devices, shape);
    if seed.is_multiple_of(3) {
        // It lies to devices that know it well.
        group.connect();
        group.world.run();
        group.world.cut();
    }
    let liar = group.any();
    group.world.lie(liar, lies);
    let mut durable = Vec::new();
    for _ in 0..4 {
        group.connect();
        group.world.run();
        group.world.check();
        for device in group.devices.clone() {
            durable.extend(group.write(device));
        }
        group.world.run();
        if group.world.rng().below(2) == 0 {
            group.world.cut();
        }
    }
    group.heal(&durable);
}

#[test]
fn now_and_then() {
    for_seeds(0..30, |seed| trial(seed, 20));
}

#[test]
fn most_of_the_time() {
    for_seeds(100..130, |seed| trial(seed, 160));
}

/// A lie that shows ends the session with a reason, which the person is told.
#[test]
fn a_lie_that_shows_ends_the_session_with_a_reason() {
    let mut group = Group::new(3, 2, &[(0, 1)]);
    let liar = group.devices[1];
    group.world.lie(liar, 256);
    group.connect();
    group.world.run();
    let honest = group.devices[0];
    let ended =
        |event: &(_, Event)| matches!(event, (device, Event::Stopped { workspace: None, .. }) if *device == honest);
    assert!(group.world.events().iter().any(ended));
}

/// A trusted device shows forks of chains that nobody ever held, more than a peer could afford to look at if each changed something. They stop nothing,
/// neither with that device nor among the others.
#[test]
fn forks_of_chains_that_nobody_holds_stop_nothing() {
    for_seeds(0..4, |seed| {
        let mut group = Group::new(seed, 3, &[(0, 1), (1, 2)]);
        group.connect();
        group.world.run();
        let inventor = group.devices[0];
        group.world.invent_forks(inventor, 150);
        let mut durable = Vec::new();
        for _ in 0..4 {
            group.world.cut();
            for device in group.devices.clone() {
                durable.extend(group.write(device));
            }
            group.connect();
            group.world.run();
            group.world.check();
        }
        assert!(group.world.tally().of("forks invented") > 500);
        let stopped = |event: &(_, Event)| matches!(event, (_, Event::Stopped { .. }));
        assert!(!group.world.events().iter().any(stopped), "{:?}", group.world.events().iter().find(|e| stopped(e)));
        group.world.invent_forks(inventor, 0);
        group.heal(&durable);
        for device in group.devices.clone() {
            assert!(group.world.device(device).replica().unwrap().forks(&group.workspace).is_empty());
        }
    });
}

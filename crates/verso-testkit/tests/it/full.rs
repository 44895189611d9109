//! Disks that fill up under a device that goes on running.

use verso_graph::Intent;
use verso_replica::Event;
use verso_wire::Reason;

use crate::scene::{Group, for_seeds, node, titles};

/// Nodes whose titles don't compress.
fn bulk(batch: u64) -> Vec<Intent> {
    let mut rng = verso_testkit::Rng::new(batch);
    let mut title = || (0..60).map(|_| char::from(b'a' + rng.byte() % 26)).collect::<String>();
    (0..100).map(|_| node(&title())).collect()
}

/// The receiver's disk fills at any point of a meeting: nothing that was acknowledged is lost, the reason is `disk-full`, and once there is room
/// the same running device goes on.
#[test]
fn of_the_one_who_gets_the_data() {
    for_seeds(0..12, |seed| {
        let mut group = Group::new(seed, 2, &[(0, 1)]);
        let (laptop, phone) = (group.devices[0], group.devices[1]);
        for batch in 0..4 {
            assert!(group.world.commit(laptop, group.workspace, &bulk(batch)));
        }
        group.world.fill_disk(phone, seed * 4000);
        group.connect();
        group.world.run();
        group.world.check();
        let failed = !group.world.failures().is_empty();
        assert!(group.world.failures().iter().all(|failure| *failure == (phone, Reason::DiskFull)));
        // At the first contact there may be no session yet to end.
        let met = |event: &(_, Event)| matches!(event, (_, Event::PeerInfo { .. }));
        if failed && group.world.events().iter().any(met) {
            let told = |event: &(_, Event)| matches!(event, (_, Event::Stopped { reason: Reason::DiskFull, .. }));
            assert!(group.world.events().iter().any(told), "the reason is told");
        }
        group.world.empty_disk(phone);
        group.world.cut();
        group.connect();
        group.world.run();
        group.world.check();
        group.world.assert_equal(&[laptop, phone]);
        assert_eq!(titles(&group.world, phone, group.workspace).len(), 402);
    });
}

/// The disk of the one who writes is full: each commit says so or is durable, and none is half there.
#[test]
fn of_the_one_who_writes() {
    for_seeds(0..4, |seed| {
        let mut group = Group::new(seed, 2, &[(0, 1)]);
        let laptop = group.devices[0];
        group.connect();
        group.world.run();
        group.world.fill_disk(laptop, seed * 8000);
        // Some room was reserved ahead; it ends.
        let mut durable = 0;
        while group.world.commit(laptop, group.workspace, &bulk(durable)) {
            durable += 1;
        }
        group.world.run();
        group.world.check();
        let shown = titles(&group.world, laptop, group.workspace).len();
        assert_eq!(shown, usize::try_from(2 + durable * 100).unwrap(), "{durable} commits are there, none in part");
        assert!(group.world.failures().iter().all(|failure| *failure == (laptop, Reason::DiskFull)));
        // Opened from its disk, with room again, it goes on.
        group.world.stop(laptop);
        group.world.empty_disk(laptop);
        group.world.start(laptop);
        assert!(group.world.commit(laptop, group.workspace, &bulk(99)));
        group.heal(&[]);
    });
}

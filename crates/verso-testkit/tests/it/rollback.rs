//! A device is put back to an earlier image of its disk, and meets the others before it writes again: nobody's number is used twice, and what
//! it had delivered comes back to it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use verso_graph::Graph;
use verso_identity::WorkspaceId;
use verso_log::MemoryStorage;
use verso_replica::Event;
use verso_testkit::{DeviceIndex, World};
use verso_trust::Access;
use verso_wire::Reason;

use crate::scene::{Group, OF_THREE, for_seeds};
use crate::trust::{person, shows, write};

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

/// A device with a friend, and images of its disk from before it gave the friend a workspace and from after; it wrote more since, which the friend has.
struct Given {
    world: World<Graph>,
    ann: DeviceIndex,
    ben: DeviceIndex,
    workspace: WorkspaceId,
    before: MemoryStorage,
    after: MemoryStorage,
}

impl Given {
    fn new() -> Self {
        let (mut world, devices, workspace) = person(&["ann"]);
        let ann = devices[0];
        let ben = world.add_friend(ann, "ben");
        world.connect(ann, ben);
        world.run();
        let image = |world: &World<Graph>| world.device(ann).storage().snapshot(1);
        let before = image(&world);
        assert!(world.share(ann, ben, workspace, Access::ReadOnly));
        world.run();
        world.take_offers(ben);
        world.run();
        let after = image(&world);
        write(&mut world, ann, workspace, 2);
        world.run();
        assert_eq!(shows(&world, ben, workspace), [1, 2]);
        Self { world, ann, ben, workspace, before, after }
    }

    fn meet(&mut self) {
        self.world.confirm_all(self.ann);
        self.world.connect(self.ann, self.ben);
        self.world.run();
    }

    fn is_lost(&mut self) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.world.assert_nothing_lost(&[self.ann]))).is_err()
    }
}

#[test]
fn what_only_a_friend_has_comes_back_from_it_while_it_has_the_workspace() {
    let mut scene = Given::new();
    scene.world.roll_back_marked(scene.ann, &scene.after);
    assert!(scene.is_lost(), "a friend who has the workspace is to be asked");
    scene.meet();
    assert_eq!(shows(&scene.world, scene.ann, scene.workspace), [1, 2]);
    assert!(!scene.is_lost());
}

#[test]
fn what_only_a_friend_has_comes_back_once_it_is_given_the_workspace_again() {
    let mut scene = Given::new();
    scene.world.roll_back_marked(scene.ann, &scene.before);
    scene.meet();
    assert_eq!(shows(&scene.world, scene.ann, scene.workspace), [1], "nobody asks whom nothing was given");
    assert!(!scene.is_lost(), "which is no fault of the device's");
    assert!(scene.world.share(scene.ann, scene.ben, scene.workspace, Access::ReadOnly));
    assert!(scene.is_lost());
    scene.world.run();
    assert_eq!(shows(&scene.world, scene.ann, scene.workspace), [1, 2]);
    assert!(!scene.is_lost());
}

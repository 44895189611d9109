//! Two people with several devices each, of which one of either went through a pairing: any of theirs serves any of the other's.

use verso_graph::Graph;
use verso_identity::WorkspaceId;
use verso_replica::Now;
use verso_testkit::{DeviceIndex, World};
use verso_trust::{Access, PairingWay, PeerRole};
use verso_vv::VersionVector;
use verso_wire::Reason;

use crate::trust::{decide, id, person, shows, write};

/// Mia's desk and lap, Finn's phone and pad; the desk and the phone are paired, and the desk has given the phone a workspace, which it has taken.
struct Friends {
    world: World<Graph>,
    desk: DeviceIndex,
    lap: DeviceIndex,
    phone: DeviceIndex,
    pad: DeviceIndex,
    workspace: WorkspaceId,
}

impl Friends {
    fn new(access: Access) -> Self {
        let (mut world, mia, workspace) = person(&["desk", "lap"]);
        let [phone, pad] = ["phone", "pad"].map(|name| world.add_device(name));
        let mut scene = Self { world, desk: mia[0], lap: mia[1], phone, pad, workspace };
        scene.world.pair(phone, pad);
        assert!(scene.meet(phone, pad));
        scene.befriend(access);
        let from = id(&scene.world, scene.desk);
        decide(&mut scene.world, phone, |replica, now| replica.join_workspace(&workspace, from, now));
        scene
    }

    fn befriend(&mut self, access: Access) {
        self.world.pair_as(self.desk, self.phone, PeerRole::Friend);
        assert!(self.meet(self.desk, self.phone));
        self.share(access);
    }

    /// All that a device holds of the workspace.
    fn held(&self, device: DeviceIndex) -> Option<VersionVector> {
        self.world.device(device).replica().unwrap().held(&self.workspace)
    }

    fn share(&mut self, access: Access) {
        let (workspace, friend) = (self.workspace, id(&self.world, self.phone));
        decide(&mut self.world, self.desk, |replica, now| replica.share(&workspace, friend, access, now));
    }

    /// Connects two and lets them say all that they have to say.
    fn meet(&mut self, one: DeviceIndex, other: DeviceIndex) -> bool {
        let connected = self.world.connect(one, other);
        self.world.run();
        connected
    }

    /// The desk and the phone, which are paired, are off.
    fn without_the_paired(&mut self) {
        self.world.cut();
    }

    fn writes(&mut self, device: DeviceIndex, number: u8) {
        write(&mut self.world, device, self.workspace, number);
        self.world.run();
    }

    fn shows(&self, device: DeviceIndex) -> Vec<u8> {
        shows(&self.world, device, self.workspace)
    }

    fn forget(&mut self, by: DeviceIndex, whom: DeviceIndex) {
        let whom = id(&self.world, whom);
        decide(&mut self.world, by, |replica, now| replica.forget(whom, now));
    }

    /// How a device knows another.
    fn way(&self, device: DeviceIndex, other: DeviceIndex) -> Option<PairingWay> {
        let replica = self.world.device(device).replica().unwrap();
        replica.trust().peer(&id(&self.world, other)).map(|peer| peer.way)
    }
}

#[test]
fn devices_of_two_friends_sync_though_the_two_that_paired_are_off() {
    let mut scene = Friends::new(Access::ReadWrite);
    let Friends { desk, lap, phone, pad, workspace, .. } = scene;
    scene.without_the_paired();
    let ways = [(lap, pad, phone), (pad, lap, desk), (desk, pad, phone), (phone, lap, desk)];
    for (device, other, by) in ways {
        assert_eq!(scene.way(device, other), Some(PairingWay::Introduced { by: id(&scene.world, by) }));
    }
    assert!(scene.meet(lap, pad), "they never met, and nobody introduced them to each other by a ceremony");
    scene.writes(lap, 2);
    scene.writes(pad, 3);
    assert_eq!((scene.shows(pad), scene.shows(lap)), (vec![1, 2, 3], vec![1, 2, 3]));
    assert_eq!(scene.held(lap), scene.held(pad));
    // Crosswise, too, in both directions of dialling.
    scene.world.cut();
    assert!(scene.meet(desk, pad) && scene.meet(lap, phone));
    scene.world.cut();
    assert!(scene.meet(pad, desk) && scene.meet(phone, lap));
    assert!([lap, phone, pad].iter().all(|device| scene.held(*device) == scene.held(desk)));
    let held: Vec<_> = scene.world.device(pad).replica().unwrap().workspaces().collect();
    assert_eq!(held, [workspace]);
}

#[test]
fn a_device_that_its_person_removed_is_refused_by_all_of_the_friend_s() {
    let mut scene = Friends::new(Access::ReadWrite);
    let Friends { desk, lap, phone, pad, .. } = scene;
    scene.without_the_paired();
    scene.forget(desk, lap);
    // The phone hears of it from the desk, the pad from the phone.
    assert!(scene.meet(desk, phone) && scene.meet(phone, pad));
    scene.writes(desk, 2);
    scene.world.cut();
    for device in [phone, pad, desk] {
        assert!(!scene.meet(lap, device), "nobody lets it in");
        assert!(scene.world.failures().contains(&(device, Reason::Revoked)), "and it is told so");
    }
    // Nor does what it writes count, whoever carries it.
    scene.writes(lap, 3);
    assert!([desk, phone, pad].iter().all(|device| scene.shows(*device) == [1, 2]));
}

#[test]
fn a_session_with_a_device_that_is_introduced_no_longer_ends_at_once() {
    let mut scene = Friends::new(Access::ReadWrite);
    let Friends { desk, lap, phone, pad, .. } = scene;
    scene.without_the_paired();
    assert!(scene.meet(lap, pad) && scene.meet(desk, phone) && scene.meet(phone, pad));
    scene.world.isolate(desk);
    scene.forget(desk, lap);
    assert!(scene.meet(desk, phone));
    scene.writes(pad, 4);
    assert!(!scene.shows(lap).contains(&4));
    assert!(scene.shows(desk).contains(&4));
}

#[test]
fn a_forgotten_friend_takes_its_further_devices_along() {
    let mut scene = Friends::new(Access::ReadWrite);
    let Friends { desk, lap, phone, pad, workspace, .. } = scene;
    scene.without_the_paired();
    scene.writes(pad, 2);
    scene.forget(lap, phone);
    assert!(scene.meet(lap, desk));
    for (mine, theirs) in [(desk, phone), (desk, pad), (lap, phone), (lap, pad)] {
        assert!(!scene.meet(theirs, mine));
        assert!(scene.world.failures().contains(&(mine, Reason::Revoked)));
        let trust = scene.world.device(mine).replica().unwrap();
        assert!(trust.secrets(&id(&scene.world, theirs), Now::default()).is_empty());
    }
    let replica = scene.world.device(desk).replica().unwrap();
    let gone = [phone, pad].map(|device| id(&scene.world, device));
    assert!(gone.iter().all(|device| replica.trust().was_paired(device)));
    assert_eq!(shows(&scene.world, desk, workspace), [1]);
    // What the pad wrote and nobody of Mia's had is past the cut: also if it comes by a friend who knows nothing of it.
    scene.befriend(Access::ReadWrite);
    assert!(scene.meet(phone, pad));
    assert!(!scene.shows(desk).contains(&2), "a new pairing revives nothing");
    scene.writes(pad, 5);
    assert!(scene.shows(desk).contains(&5), "and from then on all is as before");
}

#[test]
fn what_is_taken_from_a_friend_is_taken_from_all_its_devices() {
    let mut scene = Friends::new(Access::ReadWrite);
    let Friends { desk, lap, phone, pad, workspace, .. } = scene;
    let friend = id(&scene.world, phone);
    // Less than before: all of them may only read.
    scene.share(Access::ReadOnly);
    assert!(scene.meet(pad, lap));
    let written =
        scene.world.decide(pad, |replica, now| replica.commit(&workspace, &[crate::trust::add(7)], now).is_ok());
    assert_eq!(written, Some(false));
    scene.share(Access::ReadWrite);
    scene.writes(pad, 2);
    assert_eq!(scene.shows(desk), [1, 2]);
    decide(&mut scene.world, desk, |replica, now| replica.unshare(&workspace, friend, now));
    scene.writes(lap, 3);
    scene.writes(pad, 4);
    assert_eq!((scene.shows(lap), scene.shows(pad)), (vec![1, 2, 3], vec![1, 2, 4]));
    // Given to the pad is given to the friend.
    let other = id(&scene.world, pad);
    decide(&mut scene.world, desk, |replica, now| replica.share(&workspace, other, Access::ReadWrite, now));
    scene.writes(phone, 5);
    assert!(scene.shows(desk).contains(&5) && scene.shows(pad).contains(&3));
}

#[test]
fn a_device_of_a_friend_that_was_forgotten_alone_stays_out() {
    let mut scene = Friends::new(Access::ReadWrite);
    let Friends { desk, lap, phone, pad, .. } = scene;
    scene.forget(lap, pad);
    scene.writes(phone, 2);
    scene.writes(pad, 3);
    assert_eq!((scene.shows(desk), scene.shows(phone)), (vec![1, 2], vec![1, 2]), "and nobody lets it in again");
    scene.world.cut();
    assert!(!scene.meet(pad, lap) && scene.meet(phone, desk), "though the phone goes on telling of it");
    assert_eq!(scene.way(desk, pad), None);
    // A ceremony of its own lets it in.
    scene.world.pair_as(desk, pad, PeerRole::Friend);
    assert!(scene.meet(desk, pad));
    assert_eq!(scene.way(lap, pad).or_else(|| scene.way(desk, pad)), Some(PairingWay::Link));
}

#[test]
fn a_friend_learns_of_no_device_that_is_not_to_serve_it() {
    let (mut world, mia, workspace) = person(&["desk", "lap", "watch"]);
    let [desk, lap, watch] = [mia[0], mia[1], mia[2]];
    let [phone, other] = ["phone", "other friend"].map(|name| world.add_device(name));
    world.pair_as(desk, phone, PeerRole::Friend);
    world.pair_as(desk, other, PeerRole::Friend);
    for device in [phone, other] {
        assert!(world.connect(desk, device));
        world.run();
    }
    let diary = world.found_workspace(desk, "diary");
    let knows = |world: &World<Graph>| {
        let trust = world.device(phone).replica().unwrap().trust();
        let known = trust.peers().map(|peer| peer.device);
        let others: Vec<_> = known.filter(|device| *device != id(world, desk)).collect();
        others
    };
    assert!(knows(&world).is_empty(), "nothing is shared, so nobody else serves it");
    let (friend, stranger, clock) = (id(&world, phone), id(&world, other), id(&world, watch));
    decide(&mut world, desk, |replica, now| replica.unshare(&workspace, clock, now));
    decide(&mut world, desk, |replica, now| replica.share(&diary, stranger, Access::ReadWrite, now));
    decide(&mut world, desk, |replica, now| replica.share(&workspace, friend, Access::ReadOnly, now));
    assert_eq!(knows(&world), [id(&world, lap)], "not the watch, which hasn't what is shared, nor another friend");
    let offers: Vec<_> = world.device(phone).replica().unwrap().pending_offers().collect();
    assert_eq!((offers.len(), offers[0].workspace), (1, workspace), "by whomever it is offered");
}

#[test]
fn a_workspace_that_is_given_later_is_taken_on_a_device_that_never_met_who_gave_it() {
    let mut scene = Friends::new(Access::ReadOnly);
    let Friends { desk, lap, pad, phone, .. } = scene;
    scene.without_the_paired();
    assert!(scene.meet(desk, lap));
    let (photos, friend) = (scene.world.found_workspace(desk, "photos"), id(&scene.world, phone));
    decide(&mut scene.world, desk, |replica, now| replica.share(&photos, friend, Access::ReadWrite, now));
    write(&mut scene.world, desk, photos, 6);
    scene.world.run();
    scene.without_the_paired();
    assert!(scene.meet(lap, pad));
    let offer = scene.world.device(pad).replica().unwrap().pending_offers().next().unwrap();
    assert_eq!((offer.workspace, offer.from), (photos, id(&scene.world, lap)));
    decide(&mut scene.world, pad, |replica, now| replica.join_workspace(&photos, offer.from, now));
    assert_eq!(shows(&scene.world, pad, photos), [6]);
}

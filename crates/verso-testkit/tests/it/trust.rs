//! Who may do what, told on one device and known to all: sharing, removals, and the secrets by which devices know each other.

use verso_graph::{Graph, Intent};
use verso_identity::WorkspaceId;
use verso_replica::DecisionError;
use verso_testkit::{DeviceIndex, World};
use verso_trust::{Access, PeerRole};
use verso_wire::Reason;

/// Devices of one person, each paired with the first alone, and a workspace of the first with a node.
pub(crate) fn person(names: &[&str]) -> (World<Graph>, Vec<DeviceIndex>, WorkspaceId) {
    let mut world = World::new(7);
    let devices: Vec<DeviceIndex> = names.iter().map(|name| world.add_device(name)).collect();
    let workspace = world.found_workspace(devices[0], "garden");
    write(&mut world, devices[0], workspace, 1);
    for device in &devices[1..] {
        world.pair(devices[0], *device);
        assert!(world.connect(devices[0], *device));
        world.run();
    }
    (world, devices, workspace)
}

pub(crate) fn write(world: &mut World<Graph>, device: DeviceIndex, workspace: WorkspaceId, number: u8) {
    world.commit(device, workspace, &[add(number)]);
}

pub(crate) fn add(number: u8) -> Intent {
    Intent::AddNode { url: url(number), title: String::new() }
}

fn url(number: u8) -> String {
    format!("https://example.org/{number}")
}

/// The numbers of the nodes that a device shows.
pub(crate) fn shows(world: &World<Graph>, device: DeviceIndex, workspace: WorkspaceId) -> Vec<u8> {
    let graph = world.device(device).replica().unwrap().application(&workspace);
    let Some(graph) = graph else { return Vec::new() };
    (1..=9).filter(|number| !graph.nodes_with_url(&url(*number)).is_empty()).collect()
}

pub(crate) fn id(world: &World<Graph>, device: DeviceIndex) -> verso_identity::DeviceId {
    world.device(device).id()
}

pub(crate) fn decide(
    world: &mut World<Graph>,
    device: DeviceIndex,
    decision: impl FnOnce(&mut verso_testkit::SimReplica<Graph>, verso_replica::Now) -> Result<(), DecisionError>,
) {
    world.decide(device, decision).unwrap().unwrap();
    world.run();
}

/// A person's device with a friend, connected, to whom `access` to the workspace was given and who took it.
pub(crate) fn friends(access: Access) -> (World<Graph>, DeviceIndex, DeviceIndex, WorkspaceId) {
    let (mut world, devices, workspace) = person(&["ann"]);
    let (ann, ben) = (devices[0], world.add_device("ben"));
    world.pair_as(ann, ben, PeerRole::Friend);
    assert!(world.connect(ann, ben));
    world.run();
    let friend = id(&world, ben);
    decide(&mut world, ann, |replica, now| replica.share(&workspace, friend, access, now));
    let from = id(&world, ann);
    decide(&mut world, ben, |replica, now| replica.join_workspace(&workspace, from, now));
    assert_eq!(shows(&world, ben, workspace), [1]);
    (world, ann, ben, workspace)
}

#[test]
fn devices_that_a_third_introduced_sync_without_a_ceremony_of_their_own() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    world.cut();
    assert!(world.connect(devices[1], devices[2]), "they never met");
    write(&mut world, devices[1], workspace, 2);
    world.run();
    assert_eq!(shows(&world, devices[2], workspace), [1, 2]);
    world.assert_equal(&devices[1..]);
}

#[test]
fn a_friend_gets_what_was_granted_and_nothing_else() {
    let (mut world, ann, ben, workspace) = friends(Access::ReadWrite);
    let secret = world.found_workspace(ann, "diary");
    write(&mut world, ann, secret, 5);
    world.run();
    let replica = world.device(ben).replica().unwrap();
    assert_eq!(replica.workspaces().collect::<Vec<_>>(), [workspace]);
    assert_eq!(replica.pending_offers().count(), 0, "nor is it offered");
    write(&mut world, ben, workspace, 2);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2]);
}

#[test]
fn a_friend_s_offer_is_taken_by_all_of_one_s_devices() {
    let (mut world, ann, ben, workspace) = friends(Access::ReadWrite);
    let pad = world.add_device("pad");
    world.pair(ben, pad);
    assert!(world.connect(ben, pad));
    world.run();
    assert_eq!(shows(&world, pad, workspace), [1], "a member vouches for its own further devices");
    write(&mut world, pad, workspace, 2);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2], "whoever carries it");
}

#[test]
fn who_may_only_read_writes_nothing() {
    let (mut world, ann, ben, workspace) = friends(Access::ReadOnly);
    let now_written = world.decide(ben, |replica, now| replica.commit(&workspace, &[add(2)], now).is_ok());
    assert_eq!(now_written, Some(false));
    write(&mut world, ann, workspace, 3);
    world.run();
    assert_eq!(shows(&world, ben, workspace), [1, 3]);
}

#[test]
fn what_was_written_after_access_was_taken_away_is_held_and_not_applied() {
    let (mut world, ann, ben, workspace) = friends(Access::ReadWrite);
    write(&mut world, ben, workspace, 2);
    world.run();
    world.cut();
    write(&mut world, ben, workspace, 3);
    let friend = id(&world, ben);
    decide(&mut world, ann, |replica, now| replica.unshare(&workspace, friend, now));
    world.connect(ann, ben);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2], "what came before counts");
    write(&mut world, ann, workspace, 4);
    world.run();
    assert_eq!(shows(&world, ben, workspace), [1, 2, 3], "what it received stays readable there, and no more comes");
    // Given anew, it goes on, and what lay behind the cut stays there.
    decide(&mut world, ann, |replica, now| replica.share(&workspace, friend, Access::ReadWrite, now));
    write(&mut world, ben, workspace, 5);
    world.run();
    assert_eq!(shows(&world, ann, workspace), [1, 2, 4, 5]);
    assert_eq!(shows(&world, ben, workspace), [1, 2, 4, 5]);
}

#[test]
fn only_an_owner_shares_a_workspace() {
    let (mut world, _ann, ben, workspace) = friends(Access::ReadWrite);
    let eve = world.add_device("eve");
    world.pair_as(ben, eve, PeerRole::Friend);
    assert!(world.connect(ben, eve));
    world.run();
    let stranger = id(&world, eve);
    let outcome = world.decide(ben, |replica, now| replica.share(&workspace, stranger, Access::ReadOnly, now));
    assert!(matches!(outcome, Some(Err(DecisionError::NotOwner))), "{outcome:?}");
}

#[test]
fn a_device_that_was_forgotten_on_one_is_forgotten_on_all_and_told_so() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    let (desk, lap, phone) = (devices[0], devices[1], devices[2]);
    world.cut();
    write(&mut world, phone, workspace, 2);
    let lost = id(&world, phone);
    decide(&mut world, desk, |replica, now| replica.forget(lost, now));
    assert!(world.connect(desk, lap));
    world.run();
    let knows =
        |world: &World<Graph>, device: DeviceIndex| world.device(device).replica().unwrap().trust().was_paired(&lost);
    assert!(knows(&world, desk) && knows(&world, lap));
    for device in [desk, lap] {
        assert!(!world.connect(device, phone), "neither lets it in");
        assert!(world.failures().contains(&(device, Reason::Revoked)), "{:?}", world.failures());
        let members = world.device(device).replica().unwrap();
        assert_eq!(shows(&world, device, workspace), [1]);
        assert!(members.secrets(&lost, verso_replica::Now::default()).is_empty(), "what was agreed with it is dropped");
    }
}

#[test]
fn a_removal_makes_a_new_group_secret_and_who_slept_through_it_catches_up() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone", "old"]);
    let (desk, lap, phone, old) = (devices[0], devices[1], devices[2], devices[3]);
    let current = |world: &World<Graph>, device: DeviceIndex| {
        world.device(device).replica().unwrap().trust().current_generation().map(|generation| generation.id)
    };
    let before = current(&world, desk).unwrap();
    world.cut();
    let gone = id(&world, old);
    decide(&mut world, desk, |replica, now| replica.forget(gone, now));
    let after = current(&world, desk).unwrap();
    assert_ne!(before, after);
    let sealed = &world.device(desk).replica().unwrap().trust().current_generation().unwrap().sealed;
    assert_eq!((sealed.len(), sealed.contains_key(&gone)), (3, false));
    // The laptop hears of it; the phone slept, and is let in by what it knew, then knows.
    assert!(world.connect(desk, lap));
    world.run();
    world.cut();
    assert_eq!((current(&world, lap), current(&world, phone)), (Some(after), Some(before)));
    assert!(world.connect(phone, lap));
    write(&mut world, lap, workspace, 2);
    world.run();
    assert_eq!(current(&world, phone), Some(after));
    assert_eq!(shows(&world, phone, workspace), [1, 2]);
}

#[test]
fn two_removals_at_once_end_with_one_secret() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone", "old"]);
    let (desk, lap, old) = (devices[0], devices[1], devices[3]);
    world.cut();
    let gone = id(&world, old);
    for device in [desk, lap] {
        decide(&mut world, device, |replica, now| replica.forget(gone, now));
    }
    assert!(world.connect(desk, lap));
    assert!(world.connect(desk, devices[2]));
    world.run();
    let current: Vec<_> = devices[..3]
        .iter()
        .map(|device| world.device(*device).replica().unwrap().trust().current_generation().map(|known| known.id))
        .collect();
    assert!(current[0].is_some() && current.iter().all(|one| *one == current[0]), "{current:?}");
    write(&mut world, lap, workspace, 2);
    world.run();
    world.assert_equal(&devices[..3]);
}

#[test]
fn two_groups_of_devices_that_unite_end_with_one_secret() {
    let (first, second): (&[_], &[_]) = (&[[0, 1], [0, 2]], &[[3, 4]]);
    // Whichever group has made its secret last: all have that one in the end.
    for groups in [[first, second], [second, first]] {
        let mut world = World::new(7);
        let names = ["desk", "lap", "phone", "pad", "old"];
        let devices: Vec<DeviceIndex> = names.iter().map(|name| world.add_device(name)).collect();
        let workspace = world.found_workspace(devices[0], "garden");
        // The laptop and the desk have admitted each other, and hear of the other group from the phone.
        for [showing, joining] in groups.concat().into_iter().chain([[2, 3]]) {
            world.pair(devices[showing], devices[joining]);
            assert!(world.connect(devices[showing], devices[joining]));
            world.run();
        }
        let current = world.device(devices[1]).replica().unwrap().trust().current_generation().unwrap();
        assert_eq!(current.sealed.len(), devices.len(), "{groups:?}");
        for [one, other] in [[0, 3], [1, 4], [0, 4], [1, 3]] {
            world.cut();
            assert!(world.connect(devices[one], devices[other]), "{} and {}", names[one], names[other]);
            write(&mut world, devices[one], workspace, 1);
            world.run();
            world.assert_equal(&[devices[one], devices[other]]);
        }
    }
}

#[test]
fn an_own_device_that_is_to_be_without_a_workspace_gets_no_more_of_it() {
    let (mut world, devices, workspace) = person(&["desk", "lap"]);
    let (desk, lap) = (devices[0], devices[1]);
    let device = id(&world, lap);
    decide(&mut world, desk, |replica, now| replica.unshare(&workspace, device, now));
    write(&mut world, desk, workspace, 2);
    world.run();
    assert_eq!(shows(&world, lap, workspace), [1]);
    decide(&mut world, desk, |replica, now| replica.share(&workspace, device, Access::ReadWrite, now));
    assert_eq!(shows(&world, lap, workspace), [1, 2]);
    write(&mut world, lap, workspace, 3);
    world.run();
    world.assert_equal(&devices);
}

#[test]
fn a_name_that_was_given_on_one_device_is_known_on_all() {
    let (mut world, devices, _) = person(&["desk", "lap", "phone"]);
    let phone = id(&world, devices[2]);
    decide(&mut world, devices[1], |replica, now| replica.rename_peer(phone, "pocket", now));
    for device in &devices {
        assert_eq!(world.device(*device).replica().unwrap().trust().name(&phone), Some("pocket"));
    }
}

#[test]
fn a_generation_from_before_a_removal_proves_nothing_of_who_was_removed_and_paired_anew() {
    let (mut world, devices, workspace) = person(&["desk", "lap", "phone"]);
    let (desk, lap) = (devices[0], devices[1]);
    let secrets = |world: &World<Graph>, device: DeviceIndex, peer: verso_identity::DeviceId| {
        let all = world.device(device).replica().unwrap().secrets(&peer, verso_replica::Now::default());
        all.iter().map(|secret| *secret.secret.expose()).collect::<Vec<_>>()
    };
    let (laptop, phone) = (id(&world, lap), id(&world, devices[2]));
    let (old, others) = (secrets(&world, desk, laptop), secrets(&world, desk, phone));
    world.cut();
    decide(&mut world, desk, |replica, now| replica.forget(laptop, now));
    world.pair(desk, lap);
    assert!(world.connect(desk, lap));
    world.run();
    let new = secrets(&world, desk, laptop);
    assert!(
        !new.is_empty() && new.iter().all(|secret| !old.contains(secret)),
        "what a copy of it holds is worth nothing"
    );
    assert!(others.iter().all(|secret| secrets(&world, desk, phone).contains(secret)), "the phone may have slept");
    write(&mut world, lap, workspace, 2);
    world.run();
    assert_eq!(shows(&world, desk, workspace), [1, 2], "it goes on where it was");
}

//! What the control log says besides: names, workspaces, exclusions, grants to friends, secrets, and what only this device knows.

use std::collections::BTreeSet;

use verso_identity::WorkspaceId;
use verso_trust::{
    Access, Admitted, Control, Excluded, FurtherDevice, FurtherDevices, GenerationId, Grant, Granted, Included,
    Intention, Introduced, PairingSide, PeerRole, Removed, Renamed, Sealed, SecretRenewed, SecretShared, Withdrawn,
    WorkspaceForgotten, WorkspaceKnown, WorkspaceOrigin,
};
use verso_vv::Hlc;

use crate::world::{Node, admitted, device, meet};

type Device = Node<Control>;

const PHOTOS: WorkspaceId = WorkspaceId::from_bytes(*b"photos photos ph");

fn pair() -> (Device, Device) {
    let (mut a, mut b) = (Device::new(1), Device::new(2));
    a.pair(&mut b, PeerRole::Own);
    meet(&mut [&mut a, &mut b]);
    (a, b)
}

fn known(name: &str) -> WorkspaceKnown {
    WorkspaceKnown { workspace: PHOTOS, name: name.to_owned(), origin: WorkspaceOrigin::Founded }
}

fn named(number: u8, name: &str) -> Renamed {
    Renamed { device: device(number), name: name.to_owned() }
}

fn sealed(numbers: &[u8]) -> Vec<Sealed> {
    numbers.iter().map(|number| Sealed { device: device(*number), bytes: vec![*number; 80] }).collect()
}

#[test]
fn a_name_is_what_was_given_last_and_else_what_the_device_calls_itself() {
    let (mut a, mut b) = pair();
    assert_eq!(a.fold.peer(&device(2)).unwrap().display_name, format!("device {}", device(2)));
    let addresses = vec!["192.0.2.9:9".to_owned()];
    b.write(Introduced { name: "tablet".to_owned(), noise_key: [2; 32], sealing_key: [3; 32], addresses });
    a.pull(&b);
    assert_eq!(a.fold.name(&device(2)), Some("tablet"));
    assert_eq!(a.fold.peer(&device(2)).unwrap().addresses, ["192.0.2.9:9"]);
    assert_eq!(a.fold.sealing_key(&device(2)), Some(&[3; 32]));
    a.write(named(2, "kitchen"));
    b.pull(&a);
    assert_eq!(b.fold.name(&device(2)), Some("kitchen"));
}

#[test]
fn a_value_is_replaced_by_who_has_seen_it_whatever_the_clocks_say() {
    let (mut a, mut b) = pair();
    b.set_clock(900_000);
    b.write(named(1, "from the future"));
    a.pull(&b);
    a.set_clock(1);
    a.write(named(1, "after all"));
    b.pull(&a);
    assert_eq!(a.fold.name(&device(1)), Some("after all"));
    assert_eq!(b.fold.name(&device(1)), Some("after all"));
}

#[test]
fn of_concurrent_values_the_latest_is_shown() {
    let (mut a, mut b) = pair();
    a.set_clock(5_000);
    b.set_clock(6_000);
    a.write(named(1, "earlier"));
    b.write(named(1, "later"));
    meet(&mut [&mut a, &mut b]);
    assert_eq!(a.fold.name(&device(1)), Some("later"));
    assert_eq!(b.fold.name(&device(1)), Some("later"));
}

#[test]
fn a_workspace_is_known_unless_somebody_who_knew_it_has_forgotten_it() {
    let (mut a, mut b) = pair();
    a.write(known("photos"));
    b.pull(&a);
    assert_eq!(b.fold.workspace(&PHOTOS).unwrap().name, "photos");
    b.write(WorkspaceForgotten { workspace: PHOTOS });
    a.write(known("pictures"));
    meet(&mut [&mut a, &mut b]);
    let names: Vec<&str> = a.fold.workspaces().map(|known| known.name.as_str()).collect();
    assert_eq!(names, ["pictures"], "what was made known at the same time stays");
    a.write(WorkspaceForgotten { workspace: PHOTOS });
    assert_eq!(a.fold.workspaces().count(), 0);
}

#[test]
fn an_exclusion_holds_until_it_is_taken_back_by_who_knew_of_it() {
    let (mut a, mut b) = pair();
    a.write(Excluded { workspace: PHOTOS, device: device(2) });
    b.write(Included { workspace: PHOTOS, device: device(2) });
    meet(&mut [&mut a, &mut b]);
    assert!(a.fold.is_excluded(&PHOTOS, &device(2)) && b.fold.is_excluded(&PHOTOS, &device(2)));
    assert!(!a.fold.is_excluded(&PHOTOS, &device(1)));
    b.write(Included { workspace: PHOTOS, device: device(2) });
    a.pull(&b);
    assert!(!a.fold.is_excluded(&PHOTOS, &device(2)));
}

#[test]
fn a_friend_is_to_have_what_was_granted_and_not_withdrawn() {
    let (mut a, mut b) = pair();
    a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(a.fold.intention(&device(7), &PHOTOS), None);
    a.write(Granted { device: device(7), workspace: PHOTOS, access: Access::ReadWrite });
    b.pull(&a);
    let grant = Grant { workspace: PHOTOS, access: Access::ReadWrite };
    assert_eq!(b.fold.peer(&device(7)).unwrap().grants, [grant], "all own devices know");

    // Concurrently the one takes it away and the other gives it anew: it is gone.
    a.write(Withdrawn { device: device(7), workspace: PHOTOS });
    b.write(Granted { device: device(7), workspace: PHOTOS, access: Access::ReadOnly });
    meet(&mut [&mut a, &mut b]);
    assert_eq!(a.fold.intention(&device(7), &PHOTOS), Some(Intention::Withdrawn));
    assert_eq!(b.fold.peer(&device(7)).unwrap().grants, []);

    // Of two concurrent grants the one that gives less holds.
    a.write(Granted { device: device(7), workspace: PHOTOS, access: Access::ReadWrite });
    b.write(Granted { device: device(7), workspace: PHOTOS, access: Access::ReadOnly });
    meet(&mut [&mut a, &mut b]);
    assert_eq!(a.fold.intention(&device(7), &PHOTOS), Some(Intention::Granted(Access::ReadOnly)));
    a.write(Granted { device: device(7), workspace: PHOTOS, access: Access::ReadWrite });
    assert_eq!(a.fold.intention(&device(7), &PHOTOS), Some(Intention::Granted(Access::ReadWrite)));
}

#[test]
fn a_friend_that_is_paired_again_has_no_old_grants() {
    let (mut a, _) = pair();
    a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    a.write(Granted { device: device(7), workspace: PHOTOS, access: Access::ReadWrite });
    a.write(Removed { device: device(7), cuts: Vec::new() });
    a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(a.fold.peer(&device(7)).unwrap().grants, []);
    assert_eq!(a.fold.intention(&device(7), &PHOTOS), Some(Intention::Withdrawn));
}

#[test]
fn pairing_again_renews_the_record_and_keeps_when_it_was_added() {
    let (mut a, _) = pair();
    let first = a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    a.write(Admitted {
        noise_key: [99; 32],
        pair_secret: sealed(&[1, 2]),
        ..admitted(device(7), PeerRole::Friend, PairingSide::Showing)
    });
    let peer = a.fold.peer(&device(7)).unwrap();
    assert_eq!((peer.noise_key, peer.added_at, peer.added_by), ([99; 32], first.hlc, device(1)));
    let secrets: Vec<_> = a.fold.pairings(&device(7)).map(|pairing| pairing.admitted.pair_secret.clone()).collect();
    assert_eq!(secrets, [sealed(&[1, 2]), Vec::new()], "the latest first");
    a.write(Removed { device: device(7), cuts: Vec::new() });
    let again = a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(a.fold.peer(&device(7)).unwrap().added_at, again.hlc, "what was before the removal is over");
    let secrets: Vec<_> = a.fold.pairings(&device(7)).map(|pairing| pairing.admitted.pair_secret.clone()).collect();
    assert_eq!(secrets, [Vec::new()], "and so is its secret");
}

#[test]
fn a_removal_leaves_the_group_without_a_current_secret_until_it_is_renewed() {
    let (mut a, mut b) = pair();
    let (old, new) = (GenerationId([1; 16]), GenerationId([2; 16]));
    assert!(a.fold.current_generation().is_none());
    b.write(SecretRenewed { id: old, sealed: sealed(&[1, 2]) });
    a.pull(&b);
    assert_eq!(a.fold.current_generation().unwrap().id, old);

    a.write(SecretShared { id: old, sealed: sealed(&[3]) });
    let sealed_for: Vec<_> = a.fold.current_generation().unwrap().sealed.keys().copied().collect();
    assert_eq!(sealed_for, [device(1), device(2), device(3)]);

    a.remove(device(2));
    assert!(a.fold.current_generation().is_none(), "the removed device knows the old one");
    assert_eq!(a.fold.generations().map(|known| known.unaware_of.is_empty()).collect::<Vec<_>>(), [false]);
    a.write(SecretRenewed { id: new, sealed: sealed(&[1, 3]) });
    assert_eq!(a.fold.current_generation().unwrap().id, new);
    assert_eq!(a.fold.generations().count(), 2, "the old one still opens the control log");
}

#[test]
fn of_two_renewals_at_once_all_take_the_same() {
    let (mut a, mut b) = pair();
    a.write(SecretRenewed { id: GenerationId([1; 16]), sealed: sealed(&[1, 2]) });
    b.write(SecretRenewed { id: GenerationId([2; 16]), sealed: sealed(&[1, 2]) });
    meet(&mut [&mut a, &mut b]);
    assert_eq!(a.fold.current_generation(), b.fold.current_generation());
    let before = a.fold.current_generation().unwrap().id;
    b.write(SecretRenewed { id: GenerationId([3; 16]), sealed: sealed(&[1, 2]) });
    assert_ne!(b.fold.current_generation().unwrap().id, before);
}

#[test]
fn removing_a_friend_leaves_the_group_secret_alone() {
    let (mut a, _) = pair();
    a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    a.write(SecretRenewed { id: GenerationId([1; 16]), sealed: sealed(&[1, 2]) });
    a.write(Removed { device: device(7), cuts: Vec::new() });
    assert!(a.fold.current_generation().is_some());
}

#[test]
fn when_a_peer_was_met_is_local_and_only_moves_forward() {
    let (mut a, _) = pair();
    assert_eq!(a.fold.peer(&device(2)).unwrap().last_seen, None);
    a.fold.met(device(2), Hlc::from_millis(50));
    a.fold.met(device(2), Hlc::from_millis(40));
    assert_eq!(a.fold.peer(&device(2)).unwrap().last_seen, Some(Hlc::from_millis(50)));
    assert_eq!(a.fold.peers().next().unwrap().last_seen, Some(Hlc::from_millis(50)));
    assert_eq!(a.fold.last_seen().collect::<Vec<_>>(), [(device(2), Hlc::from_millis(50))]);
}

#[test]
fn a_provisional_peer_lapses() {
    let mut control = Control::new(device(1));
    control.add_provisional(device(8), 1_000);
    control.add_provisional(device(9), 2_000);
    assert!(control.is_provisional(&device(8)) && control.peer(&device(8)).is_none());
    assert_eq!(control.lapse_provisional(999), BTreeSet::new());
    assert_eq!(control.lapse_provisional(1_000), BTreeSet::from([device(8)]));
    assert!(!control.is_provisional(&device(8)) && control.is_provisional(&device(9)));
    control.drop_provisional(&device(9));
    assert!(!control.is_provisional(&device(9)));
}

#[test]
fn a_device_that_a_friend_introduced_is_known_as_such_until_it_is_paired_itself() {
    let (mut a, _) = pair();
    a.write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    let further = FurtherDevice { device: device(8), noise_key: [8; 32], name: String::new(), addresses: Vec::new() };
    a.write(FurtherDevices { friend: device(7), devices: vec![further] });
    assert_eq!((a.fold.introduced_by(&device(7)), a.fold.introduced_by(&device(8))), (None, Some(device(7))));
    a.write(admitted(device(8), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(a.fold.introduced_by(&device(8)), None);
}

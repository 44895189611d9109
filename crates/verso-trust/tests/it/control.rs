//! Whose word counts in the control log: pairing, seniority, removal, re-pairing.

use verso_trust::{Admission, Control, ControlEvent, HeldReason, PairingSide, PeerRole, Relocated, Removed, Renamed};
use verso_vv::Seq;

use crate::world::{Node, admitted, author, device, meet, nothing};

type Device = Node<Control>;

/// Devices 1, 2, 3 … of one person, where each was paired by the first, in this order, and all have met.
fn household(count: u8) -> Vec<Device> {
    let mut devices: Vec<Device> = (1..=count).map(Device::new).collect();
    let (first, others) = devices.split_first_mut().unwrap();
    for other in others {
        first.pair(other, PeerRole::Own);
    }
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    devices
}

fn own(control: &Control) -> Vec<u8> {
    control.own_devices().map(|device| device.as_bytes()[0]).collect()
}

fn name_of(control: &Control, number: u8) -> String {
    control.name(&device(number)).unwrap_or_default().to_owned()
}

fn renamed(number: u8, name: &str) -> Renamed {
    Renamed { device: device(number), name: name.to_owned() }
}

#[test]
fn a_device_alone_is_its_own_only_device() {
    let mut alone = Device::new(1);
    assert_eq!(own(&alone.fold), [1]);
    assert!(alone.fold.is_own(&device(1)) && alone.fold.peer(&device(1)).is_none());
    alone.write(renamed(1, "desk"));
    assert_eq!(name_of(&alone.fold, 1), "desk");
    assert_eq!(alone.fold.admits(&alone.author, Seq::FIRST), Admission::Applied);
    assert_eq!(alone.fold.admits(&author(9, 1), Seq::FIRST), Admission::Unknown);
}

#[test]
fn pairing_as_own_unites_both_logs() {
    let (mut a, mut b, mut c, mut d) = (Device::new(1), Device::new(2), Device::new(3), Device::new(4));
    a.pair(&mut b, PeerRole::Own);
    c.pair(&mut d, PeerRole::Own);
    meet(&mut [&mut a, &mut b]);
    meet(&mut [&mut c, &mut d]);
    assert_eq!((own(&a.fold), own(&d.fold)), (vec![1, 2], vec![3, 4]));

    // One of the one pair shows, one of the other joins: now all four know each other, without a ceremony of their own.
    b.pair(&mut c, PeerRole::Own);
    meet(&mut [&mut a, &mut b, &mut c, &mut d]);
    for node in [&a, &b, &c, &d] {
        assert_eq!(own(&node.fold), [1, 2, 3, 4], "seen from {}", node.me);
    }
    assert_eq!(a.fold.role(&device(4)), Some(PeerRole::Own));
    assert_eq!(a.fold.peer(&device(4)).unwrap().added_by, device(3));
}

#[test]
fn seniority_is_the_order_of_admission_the_showing_side_first() {
    let mut devices = household(3);
    assert!(devices.iter().all(|node| own(&node.fold) == [1, 2, 3]));
    // It is time that counts and not the ids.
    let (mut first, mut second, mut third) = (Device::new(1), Device::new(2), Device::new(3));
    first.pair(&mut third, PeerRole::Own);
    first.pair(&mut second, PeerRole::Own);
    meet(&mut [&mut first, &mut second, &mut third]);
    assert_eq!((own(&first.fold), own(&third.fold)), (vec![1, 3, 2], vec![1, 3, 2]));
    // The newest shows a code for a fourth: it comes last all the same.
    let mut fourth = Device::new(4);
    devices[2].pair(&mut fourth, PeerRole::Own);
    devices[2].pull(&fourth);
    assert_eq!(own(&devices[2].fold), [1, 2, 3, 4]);
    // A device that shows to one that has others already stands before all of them.
    let mut shower = Device::new(5);
    shower.set_clock(2_000);
    shower.pair(&mut devices[1], PeerRole::Own);
    meet(&mut [&mut shower, &mut devices[1]]);
    assert_eq!(own(&shower.fold), own(&devices[1].fold));
    assert_eq!(own(&shower.fold), [5, 1, 2, 3]);
}

#[test]
fn a_device_that_joined_cannot_make_itself_the_senior_later() {
    let mut devices = household(2);
    let (first, second) = devices.split_at_mut(1);
    let (first, second) = (&mut first[0], &mut second[0]);
    // It claims the other role, at a time long before, having seen nothing.
    second.set_clock(1);
    second.write_event(ControlEvent::new(nothing(), admitted(device(1), PeerRole::Own, PairingSide::Showing)));
    first.pull(second);
    assert_eq!(own(&first.fold), [1, 2]);
}

#[test]
fn a_friend_has_no_say_in_the_control_log() {
    let (mut me, mut friend) = (Device::new(1), Device::new(2));
    me.pair(&mut friend, PeerRole::Friend);
    friend.write(renamed(1, "mocked"));
    me.pull(&friend);
    assert_eq!(me.fold.role(&device(2)), Some(PeerRole::Friend));
    assert_eq!(own(&me.fold), [1]);
    assert_eq!(me.fold.admits(&friend.author, Seq::FIRST), Admission::Unknown);
    assert_ne!(name_of(&me.fold, 1), "mocked");
}

#[test]
fn what_one_own_device_removes_all_have_removed() {
    let mut devices = household(3);
    devices[1].remove(device(3));
    meet(&mut devices.iter_mut().take(2).collect::<Vec<_>>());
    assert_eq!(own(&devices[0].fold), [1, 2]);
    assert!(devices[0].fold.was_paired(&device(3)) && devices[0].fold.peer(&device(3)).is_none());
    assert_eq!(devices[0].fold.removal(&device(3)).unwrap().by, device(2));
    assert!(!devices[0].fold.was_paired(&device(9)), "a stranger was never paired");
}

#[test]
fn the_removed_device_learns_it_too() {
    let mut devices = household(2);
    devices[0].remove(device(2));
    let first = devices[0].clone();
    devices[1].pull(&first);
    let removed = &devices[1].fold;
    assert!(!removed.is_own(&device(2)));
    assert_eq!(removed.removal(&device(2)).unwrap().by, device(1));
    assert!(removed.is_own(&device(1)), "to whom it can turn to be paired again");
}

#[test]
fn entries_past_the_cut_are_held_and_not_applied() {
    let mut devices = household(2);
    devices[1].write(renamed(1, "before"));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    let removal = devices[0].remove(device(2));
    devices[1].write(renamed(1, "after"));
    let removed = devices[1].clone();
    devices[0].pull(&removed);
    let control = &devices[0].fold;
    assert_eq!(name_of(control, 1), "before");
    let past = Seq(removed.head().seq.0);
    assert_eq!(control.admits(&removed.author, past.previous()), Admission::Applied);
    let cut = HeldReason::Cut { by: device(1), at: removal.hlc };
    assert_eq!(control.admits(&removed.author, past), Admission::Held(cut));
}

#[test]
fn a_fresh_incarnation_of_a_removed_device_counts_for_nothing() {
    let mut devices = household(2);
    devices[0].remove(device(2));
    devices[1].restart(2);
    devices[1].write(renamed(1, "haunted"));
    let removed = devices[1].clone();
    devices[0].pull(&removed);
    assert_ne!(name_of(&devices[0].fold, 1), "haunted");
    assert!(matches!(devices[0].fold.admits(&removed.author, Seq::FIRST), Admission::Held(HeldReason::Cut { .. })));
}

#[test]
fn a_fresh_incarnation_of_a_trusted_device_counts() {
    let mut devices = household(2);
    devices[1].restart(2);
    devices[1].write(renamed(1, "restored"));
    let restored = devices[1].clone();
    devices[0].pull(&restored);
    assert_eq!(name_of(&devices[0].fold, 1), "restored");
}

#[test]
fn removal_wins_over_concurrent_addition() {
    let mut devices = household(3);
    // The first removes the third while the second pairs with it anew.
    devices[0].remove(device(3));
    let (seconds, thirds) = devices.split_at_mut(2);
    seconds[1].pair(&mut thirds[0], PeerRole::Own);
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    for node in &devices {
        assert_eq!(own(&node.fold), [1, 2], "seen from {}", node.me);
    }
}

#[test]
fn removal_of_a_friend_wins_over_a_concurrent_pairing() {
    let mut devices = household(2);
    devices[0].write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    devices[0].remove(device(7));
    devices[1].write(admitted(device(7), PeerRole::Friend, PairingSide::Showing));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    for node in &devices {
        assert!(node.fold.peer(&device(7)).is_none() && node.fold.was_paired(&device(7)), "seen from {}", node.me);
    }
}

#[test]
fn a_re_pairing_answers_only_removals_that_counted_for_its_author() {
    let mut devices = household(3);
    let mut stranger = Device::new(9);
    // The second pairs with a further device, and that removes the third.
    devices[1].pair(&mut stranger, PeerRole::Own);
    meet(&mut [&mut devices[1], &mut stranger]);
    stranger.remove(device(3));
    // The first holds that removal, but nothing yet by which it would count, and pairs with the third anew.
    let removal =
        stranger.held.values().find(|(context, _)| context.author == stranger.author && context.seq == Seq(2));
    let (context, event) = removal.unwrap().clone();
    devices[0].hold(context, event);
    devices[0].write(admitted(device(3), PeerRole::Own, PairingSide::Showing));
    assert!(devices[0].fold.is_own(&device(3)));
    let (first, rest) = devices.split_at_mut(1);
    meet(&mut [&mut first[0], &mut rest[0], &mut stranger]);
    assert_eq!(own(&first[0].fold), [1, 2, 9]);
}

#[test]
fn what_a_removed_device_admitted_at_the_same_time_is_not_trusted() {
    let mut devices = household(2);
    let mut stranger = Device::new(9);
    devices[0].remove(device(2));
    devices[1].pair(&mut stranger, PeerRole::Own);
    let removed = devices[1].clone();
    devices[0].pull(&removed);
    devices[0].pull(&stranger);
    assert_eq!(own(&devices[0].fold), [1]);
    assert!(!devices[0].fold.was_paired(&device(9)), "it was never paired with anyone who counts");
}

#[test]
fn what_a_removed_device_admitted_before_stays() {
    let mut devices = household(2);
    let mut third = Device::new(3);
    devices[1].pair(&mut third, PeerRole::Own);
    devices[1].pull(&third);
    let second = devices[1].clone();
    devices[0].pull(&second);
    devices[0].remove(device(2));
    assert_eq!(own(&devices[0].fold), [1, 3]);
}

#[test]
fn a_re_pairing_that_has_seen_the_removal_is_valid_and_revives_nothing() {
    let mut devices = household(2);
    let [first, second] = devices.as_mut_slice() else { panic!("two devices") };
    first.remove(device(2));
    // Unaware, the second goes on, in its chain and in a fresh one.
    second.write(renamed(1, "cut"));
    let old = second.clone();
    second.restart(2);
    second.write(renamed(1, "cut too"));
    first.pull(second);

    first.write(admitted(device(2), PeerRole::Own, PairingSide::Showing));
    second.pull(first);
    assert_eq!((own(&first.fold), own(&second.fold)), (vec![1, 2], vec![1, 2]));
    assert_eq!(first.fold.name(&device(1)), None, "nothing that was cut is applied again");
    assert!(!first.fold.was_paired(&device(2)));

    // From what it writes knowing of the re-pairing it counts again, in both chains.
    second.write(renamed(1, "again"));
    first.pull(second);
    assert_eq!(name_of(&first.fold, 1), "again");
    assert_eq!(name_of(&second.fold, 1), "again");
    assert!(matches!(first.fold.admits(&second.author, Seq::FIRST), Admission::Held(HeldReason::Cut { .. })));
    assert_eq!(first.fold.admits(&second.author, Seq(2)), Admission::Applied);
    assert!(matches!(first.fold.admits(&old.author, old.head().seq), Admission::Held(HeldReason::Cut { .. })));
}

#[test]
fn a_second_removal_after_a_re_pairing_counts() {
    let mut devices = household(2);
    let [first, second] = devices.as_mut_slice() else { panic!("two devices") };
    first.remove(device(2));
    first.write(admitted(device(2), PeerRole::Own, PairingSide::Showing));
    second.pull(first);
    second.write(renamed(1, "between"));
    first.pull(second);
    first.remove(device(2));
    second.write(renamed(1, "after"));
    first.pull(second);
    assert_eq!(own(&first.fold), [1]);
    assert_eq!(name_of(&first.fold, 1), "between");
}

#[test]
fn of_concurrent_cuts_the_smaller_holds() {
    let mut devices = household(3);
    devices[2].write(renamed(1, "one"));
    let early = devices[2].clone();
    devices[0].pull(&early);
    devices[2].write(renamed(1, "two"));
    let late = devices[2].clone();
    devices[1].pull(&late);
    // Both remove the third, the second having seen more of it.
    devices[0].remove(device(3));
    devices[1].remove(device(3));
    meet(&mut devices.iter_mut().take(2).collect::<Vec<_>>());
    assert_eq!(name_of(&devices[0].fold, 1), "one");
    assert_eq!(name_of(&devices[1].fold, 1), "one");
}

#[test]
fn a_device_can_leave_by_itself() {
    let mut devices = household(2);
    devices[1].write(renamed(1, "left behind"));
    let leaving = devices[1].me;
    devices[1].write(Removed { device: leaving, cuts: Vec::new() });
    devices[1].write(renamed(1, "never said"));
    let left = devices[1].clone();
    devices[0].pull(&left);
    assert_eq!(own(&devices[0].fold), [1]);
    assert_eq!(name_of(&devices[0].fold, 1), "left behind", "its chain ends where it left");
}

#[test]
fn a_removed_friend_is_told_that_it_was_one() {
    let (mut me, mut friend) = (Device::new(1), Device::new(2));
    me.pair(&mut friend, PeerRole::Friend);
    me.write(Removed { device: device(2), cuts: Vec::new() });
    assert!(me.fold.was_paired(&device(2)) && me.fold.peer(&device(2)).is_none());
    me.write(admitted(device(2), PeerRole::Friend, PairingSide::Showing));
    assert!(!me.fold.was_paired(&device(2)));
    assert_eq!(me.fold.role(&device(2)), Some(PeerRole::Friend));
}

#[test]
fn addresses_are_those_that_were_told_last() {
    let mut devices = household(2);
    let moved = vec!["198.51.100.7:1".to_owned()];
    devices[1].write(Relocated { device: device(2), addresses: moved.clone() });
    let second = devices[1].clone();
    devices[0].pull(&second);
    assert_eq!(devices[0].fold.peer(&device(2)).unwrap().addresses, moved);
}

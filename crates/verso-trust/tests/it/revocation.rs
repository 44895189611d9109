//! Removals that cut each other off, in the control log: mutual, in circles, and by those who were only just let in.

use verso_trust::{Control, ControlEvent, PairingSide, PeerRole, Removed};

use crate::world::{Node, admitted, device, meet, nothing};

type Device = Node<Control>;

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

fn all_see(devices: &[Device], expected: &[u8]) {
    for node in devices {
        assert_eq!(own(&node.fold), expected, "seen from {}", node.me);
    }
}

#[test]
fn of_mutual_revocations_the_seniors_counts() {
    let mut devices = household(3);
    devices[1].remove(device(3));
    devices[2].remove(device(2));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices, &[1, 2]);
}

#[test]
fn of_mutual_revocations_the_seniors_counts_even_against_the_clock() {
    let mut devices = household(2);
    devices[0].set_clock(900_000);
    devices[0].remove(device(2));
    devices[1].remove(device(1));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices, &[1]);
}

#[test]
fn what_the_voided_junior_did_besides_is_void_too() {
    let mut devices = household(3);
    let mut stranger = Device::new(9);
    devices[1].remove(device(3));
    devices[2].remove(device(2));
    devices[2].pair(&mut stranger, PeerRole::Own);
    devices[2].remove(device(1));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    devices[0].pull(&stranger);
    all_see(&devices, &[1, 2]);
}

#[test]
fn a_junior_may_remove_a_senior_that_does_not_fight_back() {
    let mut devices = household(3);
    devices[2].remove(device(1));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices, &[2, 3]);
}

#[test]
fn a_removal_by_one_who_knew_of_its_own_is_void() {
    let mut devices = household(2);
    devices[1].remove(device(1));
    // Though senior, the first writes its removal after it has learnt of its own, and accepts it by its cut.
    let second = devices[1].clone();
    devices[0].pull(&second);
    devices[0].remove(device(2));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices, &[2]);
}

#[test]
fn of_a_circle_of_revocations_the_most_seniors_counts() {
    let mut devices = household(4);
    devices[1].remove(device(3));
    devices[2].remove(device(4));
    devices[3].remove(device(2));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    // The second's word counts: the third is out, so its removal of the fourth is void; the fourth's stands in the second's way.
    all_see(&devices, &[1, 2, 4]);
}

#[test]
fn a_removal_behind_a_circle_waits_for_it() {
    let mut devices = household(5);
    // Two and three remove each other; three also removes four, and four, before all of that, removes five.
    devices[1].remove(device(3));
    devices[2].remove(device(2));
    devices[2].remove(device(4));
    devices[3].remove(device(5));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    // The second's word counts, so the third's removal of the fourth is void and the fourth's of the fifth counts.
    all_see(&devices, &[1, 2, 4]);
}

#[test]
fn a_senior_behind_a_circle_does_not_decide_it() {
    let mut devices = household(5);
    // Two and three remove each other. Two also removes one, who doesn't fight back, but removes four; and four removes five.
    devices[1].remove(device(3));
    devices[2].remove(device(2));
    devices[1].remove(device(1));
    devices[0].remove(device(4));
    devices[3].remove(device(5));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices[1..2], &[2, 4]);
    all_see(&devices[3..4], &[2, 4]);
}

#[test]
fn a_concurrent_removal_past_the_cut_is_void() {
    let mut devices = household(4);
    // The third removes the fourth while the second removes the third: a plain chain, no circle.
    devices[1].remove(device(3));
    devices[2].remove(device(4));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices, &[1, 2, 4]);
}

#[test]
fn an_accomplice_of_a_removed_device_outranks_nobody() {
    let mut devices = household(2);
    let mut accomplice = Device::new(9);
    // A stolen junior joins the thief's device, whose side was the showing one, and that removes the senior …
    accomplice.pair(&mut devices[1], PeerRole::Own);
    meet(&mut [&mut accomplice, &mut devices[1]]);
    accomplice.remove(device(1));
    // … while the senior removes the stolen one.
    devices[0].remove(device(2));
    let (stolen, accomplice) = (devices[1].clone(), accomplice);
    devices[0].pull(&stolen);
    devices[0].pull(&accomplice);
    assert_eq!(own(&devices[0].fold), [1]);
}

#[test]
fn a_removal_cannot_cut_off_the_grant_it_rests_on() {
    let mut devices = household(2);
    let mut third = Device::new(3);
    devices[1].pair(&mut third, PeerRole::Own);
    // The third is trusted by the second's word alone, and removes the second as if it had never said anything.
    third.write_event(ControlEvent::new(nothing(), Removed { device: device(2), cuts: Vec::new() }));
    let second = devices[1].clone();
    devices[0].pull(&second);
    devices[0].pull(&third);
    assert_eq!(own(&devices[0].fold), [1, 3]);
}

#[test]
fn two_who_rest_on_words_that_the_other_cuts_are_decided_by_time() {
    let mut devices = household(2);
    let (mut third, mut fourth) = (Device::new(3), Device::new(4));
    devices[1].pair(&mut third, PeerRole::Own);
    devices[1].write(admitted(device(4), PeerRole::Own, PairingSide::Showing));
    fourth.write(admitted(device(2), PeerRole::Own, PairingSide::Joining));
    let second = devices[1].clone();
    // Each leaves of the second's chain what lets itself in, and pretends it had seen nothing else.
    let keep_all = devices[1].cuts_of(device(2));
    third.write_event(ControlEvent::new(nothing(), Removed { device: device(4), cuts: Vec::new() }));
    fourth.set_clock(third.clock() + 1);
    fourth.write_event(ControlEvent::new(nothing(), Removed { device: device(3), cuts: Vec::new() }));
    fourth.write_event(ControlEvent::new(nothing(), Removed { device: device(2), cuts: keep_all }));
    for node in [&second, &third, &fourth] {
        devices[0].pull(node);
    }
    // The third was let in first, so it is the senior of the two.
    assert_eq!(own(&devices[0].fold), [1, 2, 3]);
}

#[test]
fn two_removals_of_the_same_device_both_count() {
    let mut devices = household(3);
    devices[0].remove(device(3));
    devices[1].remove(device(3));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices[..2], &[1, 2]);
    // A re-pairing that has seen only one of two removals is concurrent with the other.
    let mut devices = household(3);
    devices[0].remove(device(3));
    devices[1].remove(device(3));
    devices[0].write(admitted(device(3), PeerRole::Own, PairingSide::Showing));
    meet(&mut devices.iter_mut().collect::<Vec<_>>());
    all_see(&devices[..2], &[1, 2]);
}

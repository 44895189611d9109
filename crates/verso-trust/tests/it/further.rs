//! Further devices of friends: who is believed, of whom, and until when.

use verso_trust::{
    Access, Control, FurtherDevice, FurtherDevices, Granted, Intention, PairingSide, PairingWay, PeerRole, Refusal,
    Relocated, Renamed, Request, Verdict, decide,
};

use crate::world::{Node, admitted, device, meet, workspace};

type Device = Node<Control>;

const PHONE: u8 = 7;
const LAPTOP: u8 = 8;
const TABLET: u8 = 9;

fn further(number: u8) -> FurtherDevice {
    FurtherDevice {
        device: device(number),
        noise_key: [number; 32],
        name: format!("further {number}"),
        addresses: vec![format!("192.0.2.{number}:4433")],
    }
}

fn list(friend: u8, devices: &[u8]) -> FurtherDevices {
    FurtherDevices { friend: device(friend), devices: devices.iter().map(|number| further(*number)).collect() }
}

/// Two own devices, of which the first is paired with a friend's phone.
fn scene() -> (Device, Device) {
    let (mut desk, mut lap) = (Device::new(1), Device::new(2));
    desk.pair(&mut lap, PeerRole::Own);
    desk.write(admitted(device(PHONE), PeerRole::Friend, PairingSide::Showing));
    meet(&mut [&mut desk, &mut lap]);
    (desk, lap)
}

/// Those who are peers because a friend told of them, each with who did.
fn introduced(node: &Device) -> Vec<(u8, u8)> {
    let peers = node.fold.peers().filter_map(|peer| match peer.way {
        PairingWay::Introduced { by } => Some((peer.device.as_bytes()[0], by.as_bytes()[0])),
        _ => None,
    });
    peers.collect()
}

#[test]
fn all_own_devices_know_the_devices_that_a_friend_told_one_of() {
    let (mut desk, mut lap) = scene();
    let told = desk.write(list(PHONE, &[LAPTOP]));
    meet(&mut [&mut desk, &mut lap]);
    for node in [&desk, &lap] {
        let peer = node.fold.peer(&device(LAPTOP)).unwrap();
        assert_eq!((peer.role, peer.way), (PeerRole::Friend, PairingWay::Introduced { by: device(PHONE) }));
        assert_eq!((peer.noise_key, peer.display_name.as_str()), ([LAPTOP; 32], "further 8"));
        assert_eq!((peer.added_by, peer.added_at, peer.addresses), (device(1), told.hlc, further(LAPTOP).addresses));
        assert_eq!(node.fold.principal(&device(LAPTOP)), device(PHONE));
        assert!(!node.fold.is_own(&device(LAPTOP)));
    }
    lap.write(Renamed { device: device(LAPTOP), name: "Ben's laptop".to_owned() });
    lap.write(Relocated { device: device(LAPTOP), addresses: vec!["198.51.100.1:1".to_owned()] });
    let peer = lap.fold.peer(&device(LAPTOP)).unwrap();
    assert_eq!((peer.display_name.as_str(), peer.addresses.len()), ("Ben's laptop", 2));
}

#[test]
fn a_device_that_the_friend_no_longer_tells_of_is_trusted_no_longer_and_told_so() {
    let (mut desk, mut lap) = scene();
    desk.write(list(PHONE, &[LAPTOP, TABLET]));
    let end = desk.write(list(PHONE, &[TABLET]));
    meet(&mut [&mut desk, &mut lap]);
    for node in [&desk, &lap] {
        assert_eq!(introduced(node), [(TABLET, PHONE)]);
        let request = Request::Accept { peer: device(LAPTOP) };
        assert_eq!(decide(&request, &node.fold, None), Verdict::Refuse(Refusal::Revoked));
        assert_eq!(node.fold.removal(&device(LAPTOP)).unwrap().at, end.hlc);
    }
    // Told of again, it is back: nobody had removed it.
    lap.write(list(PHONE, &[LAPTOP, TABLET]));
    assert_eq!(introduced(&lap), [(LAPTOP, PHONE), (TABLET, PHONE)]);
    assert!(!lap.fold.was_paired(&device(LAPTOP)));
}

#[test]
fn of_lists_that_were_written_at_once_a_device_is_trusted_that_is_in_each() {
    let (mut desk, mut lap) = scene();
    desk.write(list(PHONE, &[LAPTOP]));
    lap.set_clock(desk.clock() + 50);
    lap.write(list(PHONE, &[LAPTOP, TABLET]));
    meet(&mut [&mut desk, &mut lap]);
    for node in [&desk, &lap] {
        assert_eq!(introduced(node), [(LAPTOP, PHONE)], "whatever the clocks say");
        assert!(!node.fold.was_paired(&device(TABLET)), "nor is the other one taken out anywhere");
    }
    desk.write(list(PHONE, &[LAPTOP, TABLET]));
    assert_eq!(introduced(&desk), [(LAPTOP, PHONE), (TABLET, PHONE)]);
}

#[test]
fn a_removed_friend_takes_its_devices_along_and_a_new_pairing_brings_none_of_them_back() {
    let (mut desk, mut lap) = scene();
    desk.write(list(PHONE, &[LAPTOP]));
    meet(&mut [&mut desk, &mut lap]);
    let removal = desk.remove(device(PHONE));
    // One that didn't know yet is told of more.
    lap.write(list(PHONE, &[LAPTOP, TABLET]));
    meet(&mut [&mut desk, &mut lap]);
    for node in [&desk, &lap] {
        assert_eq!(introduced(node), []);
        assert!([PHONE, LAPTOP, TABLET].iter().all(|number| node.fold.was_paired(&device(*number))));
        assert_eq!(node.fold.removal(&device(LAPTOP)).unwrap().at, removal.hlc);
    }
    desk.write(admitted(device(PHONE), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(introduced(&desk), [], "what it told before is over with the removal");
    desk.write(list(PHONE, &[LAPTOP]));
    assert_eq!(introduced(&desk), [(LAPTOP, PHONE)]);
}

#[test]
fn a_device_that_a_person_removed_does_not_come_back_because_a_friend_tells_of_it() {
    let (mut desk, mut lap) = scene();
    desk.write(list(PHONE, &[LAPTOP]));
    desk.remove(device(LAPTOP));
    assert_eq!(introduced(&desk), []);
    desk.write(list(PHONE, &[LAPTOP, TABLET]));
    assert_eq!(introduced(&desk), [(TABLET, PHONE)]);
    // Neither does a friend that was removed, through the devices of another, nor an own device that was lost.
    desk.write(admitted(device(6), PeerRole::Friend, PairingSide::Showing));
    desk.remove(device(PHONE));
    desk.remove(lap.me);
    desk.write(list(6, &[2, PHONE, LAPTOP]));
    assert_eq!(introduced(&desk), []);
    meet(&mut [&mut desk, &mut lap]);
    assert!(desk.fold.was_paired(&device(PHONE)) && desk.fold.was_paired(&device(2)));
    // It is let in by a pairing of its own.
    desk.write(admitted(device(LAPTOP), PeerRole::Friend, PairingSide::Showing));
    assert_eq!(desk.fold.peer(&device(LAPTOP)).unwrap().way, PairingWay::Link);
}

#[test]
fn a_friend_claims_neither_this_device_nor_an_own_one_nor_one_that_is_paired_itself() {
    let (mut desk, mut lap) = scene();
    desk.write(admitted(device(6), PeerRole::Friend, PairingSide::Showing));
    let before: Vec<_> = desk.fold.peers().collect();
    desk.write(list(PHONE, &[1, 2, 6, PHONE]));
    meet(&mut [&mut desk, &mut lap]);
    assert_eq!(desk.fold.peers().collect::<Vec<_>>(), before, "nothing about them changes, their keys neither");
    assert_eq!((introduced(&desk), introduced(&lap)), (Vec::new(), Vec::new()));
    assert_eq!(lap.fold.role(&device(1)), Some(PeerRole::Own));
    // Nor do they lose anything when it tells of them no more.
    desk.write(list(PHONE, &[]));
    assert_eq!(desk.fold.peers().collect::<Vec<_>>(), before);
    assert!([1, 2, 6, PHONE].iter().all(|number| !desk.fold.was_paired(&device(*number))));
}

#[test]
fn of_two_friends_who_claim_a_device_it_belongs_to_the_first() {
    let (mut desk, mut lap) = scene();
    desk.write(admitted(device(6), PeerRole::Friend, PairingSide::Showing));
    desk.write(list(6, &[LAPTOP]));
    meet(&mut [&mut desk, &mut lap]);
    desk.write(FurtherDevices {
        friend: device(PHONE),
        devices: vec![FurtherDevice { noise_key: [0xee; 32], ..further(LAPTOP) }],
    });
    assert_eq!(introduced(&desk), [(LAPTOP, 6)]);
    assert_eq!(desk.fold.peer(&device(LAPTOP)).unwrap().noise_key, [LAPTOP; 32]);
    // A claim that is given up takes nothing with it, and one that was waiting holds once the first is given up.
    desk.write(list(6, &[]));
    assert_eq!(introduced(&desk), [(LAPTOP, PHONE)]);
}

#[test]
fn a_device_that_was_introduced_introduces_nobody() {
    let (mut desk, _) = scene();
    desk.write(list(PHONE, &[LAPTOP]));
    desk.write(list(LAPTOP, &[TABLET]));
    assert_eq!(introduced(&desk), [(LAPTOP, PHONE)]);
    assert_eq!(desk.fold.role(&device(TABLET)), None);
    // Nor does an own device, nor who never was a peer.
    desk.write(list(2, &[TABLET]));
    desk.write(list(5, &[TABLET]));
    assert_eq!(introduced(&desk), [(LAPTOP, PHONE)]);
}

#[test]
fn what_a_friend_is_to_have_all_its_devices_are_to_have_and_nothing_else() {
    let (mut desk, _) = scene();
    desk.write(list(PHONE, &[LAPTOP]));
    assert_eq!(desk.fold.intention(&device(LAPTOP), &workspace()), None);
    desk.write(Granted { device: device(PHONE), workspace: workspace(), access: Access::ReadOnly });
    let granted = desk.fold.intention(&device(LAPTOP), &workspace());
    assert_eq!(granted, Some(Intention::Granted(Access::ReadOnly)));
    let grants = |number: u8| desk.fold.peer(&device(number)).unwrap().grants;
    assert_eq!((grants(LAPTOP), grants(LAPTOP).len()), (grants(PHONE), 1));
}

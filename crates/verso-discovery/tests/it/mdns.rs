//! The driver on real interfaces, between network namespaces.

use verso_discovery::{
    Depth, DiscoveryOptions, DiscoveryState, Interfaces, Mode, Obstacle, PairingScreen, Profile, examine,
};
use verso_identity::Name;

use crate::listener::{Listener, contains, fragments, names, selfish};
use crate::namespaces::{Host, Network};
use crate::rig::{PORT, id, shared_with};

const SECRET: u8 = 77;

#[test]
fn two_devices_find_each_other_and_say_goodbye() {
    let Some(network) = Network::new() else { return };
    let (laptop, phone) = (network.host("192.168.7.1/24"), network.host("192.168.7.2/24"));
    let mut on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
    let mut on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    on_laptop.wait_for_peer(2, "192.168.7.2:4242");
    on_phone.wait_for_peer(1, "192.168.7.1:4242");
    on_laptop.stop();
    // It is not waited for as long as the records would last, which is two minutes.
    on_phone.wait("the goodbye", |view| view.neighbours.peers.is_empty());
    // And back again.
    let _on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
    on_phone.wait_for_peer(1, "192.168.7.1:4242");
}

#[test]
fn a_stranger_sees_nothing_that_two_announcements_have_in_common_nor_name_nor_id() {
    let Some(network) = Network::new() else { return };
    let (laptop, phone) = (network.host("192.168.7.1/24"), network.host("192.168.7.2/24"));
    let stranger = network.host("192.168.7.9/24");
    let mut heard = Vec::new();
    for _ in 0..2 {
        let listener = Listener::on(&stranger, "192.168.7.9");
        let on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
        let mut on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
        on_phone.wait_for_peer(1, "192.168.7.1:4242");
        on_laptop.stop();
        on_phone.wait("the goodbye", |view| view.neighbours.peers.is_empty());
        heard.push(listener.packets_from("192.168.7.1"));
    }
    for packets in &heard {
        // In its questions it repeats what others in this network announce (RFC 6762, section 7.1).
        let answers: Vec<Vec<u8>> = packets.iter().filter(|packet| packet[2] & 0x80 != 0).cloned().collect();
        assert_eq!(names(&answers).len(), 2, "instance and host");
        assert!(!contains(packets, &[1; 6]), "the id");
        assert!(!fragments(packets).is_empty());
    }
    assert_eq!(names(&heard[0]).intersection(&names(&heard[1])).count(), 0);
    assert_eq!(fragments(&heard[0]).intersection(&fragments(&heard[1])).count(), 0);

    // With the pairing screen open the same listener sees both.
    let listener = Listener::on(&stranger, "192.168.7.9");
    let on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
    on_laptop.handle.set_screen(PairingScreen::Open(Name::lossy("Ana's laptop")));
    let mut on_stranger = stranger.discover(9, Mode::Listen, Vec::new());
    let view = on_stranger.wait("the screen", |view| !view.neighbours.screens.is_empty());
    assert_eq!((view.neighbours.screens[0].device, view.neighbours.screens[0].name.as_str()), (id(1), "Ana's laptop"));
    on_laptop.handle.set_screen(PairingScreen::Closed);
    on_stranger.wait("the screen's end", |view| view.neighbours.screens.is_empty());
    let packets = listener.packets_from("192.168.7.1");
    assert!(contains(&packets, b"Ana's laptop") && contains(&packets, &[1; 32]));
}

#[test]
fn a_device_in_two_networks_is_another_in_each() {
    let (Some(home), Some(office)) = (Network::new(), Network::new()) else { return };
    let laptop = home.host("192.168.7.1/24");
    // The same addresses, as everywhere.
    office.plug(&laptop, "eth1", "192.168.7.77/24");
    let (phone, tablet) = (home.host("192.168.7.2/24"), office.host("192.168.7.3/24"));
    let listeners = [Listener::on(&phone, "192.168.7.2"), Listener::on(&tablet, "192.168.7.3")];
    let peers = vec![shared_with(id(2), SECRET), shared_with(id(3), SECRET + 1)];
    let mut on_laptop = laptop.discover(1, Mode::Announce, peers);
    let mut on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    let mut on_tablet = tablet.discover(3, Mode::Announce, vec![shared_with(id(1), SECRET + 1)]);
    on_phone.wait_for_peer(1, "192.168.7.1:4242");
    on_tablet.wait_for_peer(1, "192.168.7.77:4242");
    on_laptop.wait_for_peer(2, "192.168.7.2:4242");
    let view = on_laptop.wait("both", |view| view.neighbours.peers.len() == 2);
    assert_eq!(view.state, DiscoveryState::On { interfaces: vec!["eth0".into(), "eth1".into()] });
    on_laptop.stop();
    on_phone.wait("the goodbye", |view| view.neighbours.peers.is_empty());
    on_tablet.wait("the goodbye", |view| view.neighbours.peers.is_empty());
    let [at_home, at_office] = listeners;
    let (at_home, at_office) = (at_home.packets_from("192.168.7.1"), at_office.packets_from("192.168.7.77"));
    assert!(!fragments(&at_home).is_empty() && !fragments(&at_office).is_empty());
    assert_eq!(fragments(&at_home).intersection(&fragments(&at_office)).count(), 0);
    assert_eq!(names(&at_home).intersection(&names(&at_office)).count(), 0);
}

#[test]
fn only_the_interfaces_of_the_list_are_used() {
    let (Some(home), Some(office)) = (Network::new(), Network::new()) else { return };
    let laptop = home.host("192.168.7.1/24");
    office.plug(&laptop, "eth1", "10.0.0.1/8");
    let (phone, tablet) = (home.host("192.168.7.2/24"), office.host("10.0.0.2/8"));
    let listener = Listener::on(&tablet, "10.0.0.2");
    let options = DiscoveryOptions {
        profile: Profile { device: id(1), port: PORT, mode: Mode::Announce },
        interfaces: Interfaces::Only(vec!["eth0".into()]),
        listen: None,
    };
    let on_laptop = laptop.discover_with(options, vec![shared_with(id(2), SECRET)]);
    let mut on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    on_phone.wait_for_peer(1, "192.168.7.1:4242");
    on_laptop.stop();
    on_phone.wait("the goodbye", |view| view.neighbours.peers.is_empty());
    assert_eq!(listener.packets_from("10.0.0.1"), [[0_u8; 0]; 0], "nothing was sent on the other");
}

#[test]
fn who_only_listens_announces_nothing_and_finds() {
    let Some(network) = Network::new() else { return };
    let (laptop, phone) = (network.host("192.168.7.1/24"), network.host("192.168.7.2/24"));
    let listener = Listener::on(&phone, "192.168.7.2");
    let mut on_laptop = laptop.discover(1, Mode::Listen, vec![shared_with(id(2), SECRET)]);
    let on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    on_laptop.wait_for_peer(2, "192.168.7.2:4242");
    on_phone.stop();
    on_laptop.wait("the goodbye", |view| view.neighbours.peers.is_empty());
    let packets = listener.packets_from("192.168.7.1");
    assert!(!packets.is_empty() && fragments(&packets).is_empty());
}

/// Without a network it says so and goes on looking.
#[test]
fn a_network_that_comes_late_or_changes_is_found() {
    let Some(network) = Network::new() else { return };
    let (laptop, phone) = (Host::new(), network.host("192.168.7.2/24"));
    let mut on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
    let mut on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    on_laptop.wait("no network", |view| view.state == DiscoveryState::Blocked(Obstacle::NoInterface));
    network.plug(&laptop, "eth0", "192.168.7.1/24");
    on_laptop.wait_for_peer(2, "192.168.7.2:4242");
    on_phone.wait_for_peer(1, "192.168.7.1:4242");
    // A killed process and a cut cable say no goodbye; the new address stands before the old one.
    laptop.ip("addr flush dev eth0");
    laptop.ip("addr add 192.168.7.5/24 dev eth0");
    on_phone.wait_for_peer(1, "192.168.7.5:4242");
}

#[test]
fn a_port_that_another_program_has_is_told_and_tried_again() {
    let Some(network) = Network::new() else { return };
    let (laptop, phone) = (network.host("192.168.7.1/24"), network.host("192.168.7.2/24"));
    let (stop, program) = selfish(&laptop);
    let mut on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
    on_laptop.wait("the port is taken", |view| view.state == DiscoveryState::Blocked(Obstacle::PortTaken));
    assert_eq!(examined(&laptop, Depth::Quiet), DiscoveryState::Blocked(Obstacle::PortTaken));
    drop(stop);
    program.join().unwrap();
    let _on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    on_laptop.wait_for_peer(2, "192.168.7.2:4242");
}

/// What is told of a host without starting anything there.
fn examined(host: &Host, depth: Depth) -> DiscoveryState {
    host.spawn(move || examine(&Interfaces::All, None, depth)).join().unwrap()
}

#[test]
fn whether_it_would_work_is_told_without_starting_it() {
    let Some(network) = Network::new() else { return };
    let (nowhere, laptop, phone) = (Host::new(), network.host("192.168.7.1/24"), network.host("192.168.7.2/24"));
    assert_eq!(examined(&nowhere, Depth::Sending), DiscoveryState::Blocked(Obstacle::NoInterface));
    let listener = Listener::on(&phone, "192.168.7.2");
    let on_eth0 = DiscoveryState::On { interfaces: vec!["eth0".into()] };
    assert_eq!(examined(&laptop, Depth::Quiet), on_eth0);
    laptop.ip("link set eth0 multicast off");
    let without_multicast = examined(&laptop, Depth::Sending);
    laptop.ip("link set eth0 multicast on");
    assert_eq!(examined(&laptop, Depth::Sending), on_eth0);
    // One question for nothing, of the one time that something was to be sent and could be.
    let packets = listener.packets_from("192.168.7.1");
    assert!(packets.iter().all(|packet| packet.as_slice() == [0; 12]) && !packets.is_empty(), "{packets:?}");
    assert!(packets.len() <= 2, "{without_multicast:?}: {packets:?}");
}

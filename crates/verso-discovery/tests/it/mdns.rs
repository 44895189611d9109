//! The driver on real interfaces, between network namespaces.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use verso_discovery::{DiscoveryOptions, DiscoveryState, Interfaces, Mode, Obstacle, PairingScreen, Profile};
use verso_identity::Name;

use crate::lab::{Host, Network};
use crate::rig::{PORT, id, shared_with};

const SECRET: u8 = 77;

/// A listener that takes down every packet of multicast DNS that reaches its host.
struct Listener {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Vec<(SocketAddr, Vec<u8>)>>,
}

impl Listener {
    fn on(host: &Host, address: &str) -> Self {
        let address: Ipv4Addr = address.parse().unwrap();
        let (stop, stopped) = mpsc::channel();
        let (sender, ready) = mpsc::channel();
        let thread = host.spawn(move || {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket.set_reuse_port(true).unwrap();
            socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353)).into()).unwrap();
            let socket: UdpSocket = socket.into();
            socket.join_multicast_v4(&Ipv4Addr::new(224, 0, 0, 251), &address).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            sender.send(()).unwrap();
            let (mut packets, mut buffer) = (Vec::new(), vec![0; 9_000]);
            while stopped.try_recv().is_err() {
                if let Ok((len, from)) = socket.recv_from(&mut buffer) {
                    packets.push((from, buffer[..len].to_vec()));
                }
            }
            packets
        });
        ready.recv().unwrap();
        Self { stop, thread }
    }

    /// Every packet that came from an address.
    fn packets_from(self, address: &str) -> Vec<Vec<u8>> {
        self.stop.send(()).unwrap();
        let packets = self.thread.join().unwrap();
        packets.into_iter().filter(|(from, _)| from.ip().to_string() == address).map(|(_, packet)| packet).collect()
    }
}

fn contains(packets: &[Vec<u8>], bytes: &[u8]) -> bool {
    packets.iter().any(|packet| packet.windows(bytes.len()).any(|window| window == bytes))
}

/// All labels of 16 letters, the names of announcements.
fn names(packets: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(byte);
    let windows = packets.iter().flat_map(|packet| packet.windows(17));
    windows.filter(|window| window[0] == 16 && window[1..].iter().all(is_letter)).map(<[u8]>::to_vec).collect()
}

/// The salts and slots of all announcements, in runs of 8 bytes.
fn fragments(packets: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let mut fragments = BTreeSet::new();
    for packet in packets {
        for at in 0..packet.len().saturating_sub(349) {
            if packet[at..].starts_with(b"\x03v=1\x12s=") {
                let record = &packet[at..at + 349];
                let parts = [&record[7..23], &record[26..186], &record[189..349]];
                fragments.extend(parts.iter().flat_map(|part| part.windows(8).map(<[u8]>::to_vec)));
            }
        }
    }
    fragments
}

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
    let (stop, stopped) = mpsc::channel::<()>();
    let (sender, ready) = mpsc::channel();
    let selfish = laptop.spawn(move || {
        #[expect(clippy::disallowed_methods, reason = "it is another program")]
        let sockets = (UdpSocket::bind("0.0.0.0:5353").unwrap(), UdpSocket::bind("[::]:5353"));
        sender.send(()).unwrap();
        stopped.recv().unwrap_err();
        drop(sockets);
    });
    ready.recv().unwrap();
    let mut on_laptop = laptop.discover(1, Mode::Announce, vec![shared_with(id(2), SECRET)]);
    on_laptop.wait("the port is taken", |view| view.state == DiscoveryState::Blocked(Obstacle::PortTaken));
    drop(stop);
    selfish.join().unwrap();
    let _on_phone = phone.discover(2, Mode::Announce, vec![shared_with(id(1), SECRET)]);
    on_laptop.wait_for_peer(2, "192.168.7.2:4242");
}

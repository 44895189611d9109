//! What somebody on the network learns of devices there by listening to `verso up`: nothing by which one is known again.

use std::time::Duration;

use crate::listener::{Listener, contains, fragments, is_announcement, names};
use crate::machine::{Machine, pair};
use crate::namespaces::Network;
use crate::seat::Seat;

/// A tag and more of what would be repeated, were anything.
const LEN: usize = 8;

fn bytes_of(hex: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
}

#[test]
fn a_listener_knows_no_device_again_unless_its_screen_is_open() {
    let Some(network) = Network::new() else { return };
    let desk = Machine::new(&network, "192.168.7.1", "Ana's desk");
    let lap = Machine::new(&network, "192.168.7.2", "Ben's lap");
    let stranger = network.host("192.168.7.9/24");
    pair(&desk, &lap);
    desk.device.ok(&["workspace", "new", "garden"]);
    let mut heard = Vec::new();
    for _ in 0..2 {
        let listener = Listener::on(&stranger, "192.168.7.9");
        let (mut on_desk, mut on_lap) = (desk.start(&["up", "--json"]), lap.start(&["up", "--json"]));
        on_desk.event("in-step");
        on_lap.event("in-step");
        for up in [on_desk, on_lap] {
            up.signal("INT");
            up.end();
        }
        heard.push(listener.packets_from("192.168.7.1"));
    }
    let id = bytes_of(&desk.id);
    for packets in &heard {
        assert!(packets.iter().any(|packet| is_announcement(packet)));
        assert!(!contains(packets, &id[..LEN]), "the id");
        assert!(!contains(packets, b"desk") && !contains(packets, b"garden"), "names");
    }
    // Not even the port, which stays: it is in no more packets than chance puts it, and never where a port is looked for.
    let port = desk.port().to_be_bytes();
    let of_service = [&[0_u8, 0, 0, 0][..], &port].concat();
    assert!(heard.iter().all(|packets| !contains(packets, &of_service)));
    let answers =
        |packets: &[Vec<u8>]| packets.iter().filter(|packet| packet[2] & 0x80 != 0).cloned().collect::<Vec<_>>();
    let [first, second] = [answers(&heard[0]), answers(&heard[1])];
    assert_eq!(names(&first).intersection(&names(&second)).count(), 0, "names of services and hosts");
    assert_eq!(fragments(&first).intersection(&fragments(&second)).count(), 0, "salts and slots");

    // Whose screen is open wants to be seen.
    let listener = Listener::on(&stranger, "192.168.7.9");
    let mut showing = Seat::start(&desk, &["pair", "--json"]);
    showing.running.event("offer");
    let seen = lap.json(&["nearby"]);
    assert_eq!(seen["nearby"][0]["name"], "Ana's desk", "{seen}");
    showing.running.signal("INT");
    showing.running.end();
    let packets = listener.packets_from("192.168.7.1");
    assert!(contains(&packets, b"Ana's desk") && contains(&packets, &id));
}

/// It finds a peer that lets itself be found, and tells nobody that it is there.
#[test]
fn who_only_listens_is_in_step_and_unheard() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    let stranger = network.host("192.168.7.9/24");
    pair(&desk, &lap);
    desk.device.ok(&["workspace", "new", "garden"]);
    desk.move_to("192.168.7.11");
    lap.move_to("192.168.7.12");
    let listener = Listener::on(&stranger, "192.168.7.9");
    let mut on_lap = lap.start(&["up", "--json"]);
    on_lap.event("discovery");
    let mut command = desk.command(&["up", "--json"]);
    command.env("VERSO_DISCOVERY", "listen");
    let mut on_desk = desk.host.spawn(move || crate::device::Running::start(&mut command)).join().unwrap();
    on_desk.event("in-step");
    on_lap.event("in-step");
    std::thread::sleep(Duration::from_millis(500));
    for up in [on_desk, on_lap] {
        up.signal("INT");
        up.end();
    }
    let packets = listener.packets_from("192.168.7.11");
    assert!(!packets.is_empty(), "it asks who is there");
    assert!(!packets.iter().any(|packet| is_announcement(packet)));
}

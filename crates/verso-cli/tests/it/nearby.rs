//! Devices that find each other on local networks of the tests' own: real processes, and nobody types an address.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::device::{assert_equal, keys, sample, succeeded};
use crate::listener::selfish;
use crate::machine::{Machine, pair, sync};
use crate::namespaces::{Host, Network};
use crate::seat::Seat;

#[test]
fn two_devices_pair_by_six_words_and_sync_at_addresses_that_nobody_told() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    pair(&desk, &lap);
    desk.device.ok(&["workspace", "new", "garden"]);
    desk.device.ok(&["import", sample()]);
    sync(&desk, &lap);
    assert_equal(&desk.device, &lap.device);
    // Both are somewhere else now than the other knows.
    desk.move_to("192.168.7.11");
    lap.move_to("192.168.7.12");
    lap.device.ok(&["node", "add", "u:lap"]);
    let begun = Instant::now();
    sync(&desk, &lap);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_equal(&desk.device, &lap.device);
}

/// `up` stays; a device that comes later is found, and so is one that has moved meanwhile.
#[test]
fn who_comes_later_and_who_moves_is_found() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    pair(&desk, &lap);
    desk.device.ok(&["workspace", "new", "garden"]);
    desk.move_to("192.168.7.11");
    lap.move_to("192.168.7.12");
    let mut on_desk = desk.start(&["up", "--json"]);
    let discovery = on_desk.event("discovery");
    assert_eq!(discovery, json!({"event": "discovery", "state": "on", "interfaces": ["eth0"], "obstacle": null}));
    let mut on_lap = lap.start(&["up", "--json"]);
    on_desk.event("in-step");
    on_lap.event("in-step");
    on_lap.signal("TERM");
    let begun = Instant::now();
    succeeded(&["up"], &on_lap.end());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    on_desk.event("peer-offline");
    lap.move_to("192.168.7.22");
    let mut on_lap = lap.start(&["up", "--json"]);
    on_lap.event("in-step");
    on_desk.event("in-step");
    for up in [on_desk, on_lap] {
        up.signal("INT");
        succeeded(&["up"], &up.end());
    }
}

/// A device in two networks keeps in step with one in each, which reach nobody else.
#[test]
fn a_device_in_two_networks_finds_its_peers_in_both() {
    let (Some(home), Some(office)) = (Network::new(), Network::new()) else { return };
    let desk = Machine::new(&home, "192.168.7.1", "desk");
    let lap = Machine::new(&home, "192.168.7.2", "lap");
    let phone = Machine::new(&home, "192.168.7.3", "phone");
    desk.device.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    pair(&desk, &phone);
    sync(&desk, &lap);
    sync(&desk, &phone);
    // The phone goes to the office, where the desk has its other foot.
    phone.host.ip("link del eth0");
    office.plug(&phone.host, "eth0", "10.1.0.3/16");
    office.plug(&desk.host, "eth1", "10.1.0.1/16");
    desk.move_to("192.168.7.11");
    phone.device.ok(&["node", "add", "u:phone"]);
    lap.device.ok(&["node", "add", "u:lap"]);
    let mut on_desk = desk.start(&["up", "--json"]);
    assert_eq!(on_desk.event("discovery")["interfaces"], json!(["eth0", "eth1"]));
    let (mut on_lap, mut on_phone) = (lap.start(&["up", "--json"]), phone.start(&["up", "--json"]));
    // What the other of the two has done comes by the desk, and so does that it was let in.
    for (machine, up) in [(&lap, &mut on_lap), (&phone, &mut on_phone)] {
        loop {
            assert_eq!(up.event("received")["name"], "desk");
            if machine.json(&["workspace", "list"])["workspaces"][0]["nodes"] == 2 {
                break;
            }
        }
    }
    for up in [on_desk, on_lap, on_phone] {
        up.signal("INT");
        succeeded(&["up"], &up.end());
    }
    assert_equal(&lap.device, &desk.device);
    assert_equal(&phone.device, &desk.device);
}

#[test]
fn people_at_two_screens_type_each_other_s_codes() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) =
        (Machine::new(&network, "192.168.7.1", "Ana's desk"), Machine::new(&network, "192.168.7.2", "lap"));
    // Nobody yet.
    let nearby = lap.json(&["nearby", "--wait", "1s"]);
    let discovery = json!({"state": "on", "interfaces": ["eth0"], "obstacle": null});
    assert_eq!(nearby, json!({"nearby": [], "discovery": discovery}));

    let mut showing = Seat::start(&desk, &["pair", "--json"]);
    let offer = showing.running.event("offer");
    assert_eq!(offer["nearby"], "Ana's desk");
    let nearby = lap.json(&["nearby"]);
    let [seen] = nearby["nearby"].as_array().unwrap().as_slice() else { panic!("{nearby}") };
    assert_eq!(keys(seen), ["addresses", "device", "fingerprint", "name", "since"]);
    assert_eq!((&seen["name"], &seen["device"]), (&json!("Ana's desk"), &json!(desk.id)));
    assert_eq!(seen["fingerprint"], desk.fingerprint);
    assert_eq!(seen["addresses"], json!([format!("192.168.7.1:{}", desk.port())]));

    let mut joining = Seat::start(&lap, &["join", "--nearby", "Ana's desk", "--json"]);
    let (on_desk, on_lap) = (showing.code(), joining.code());
    assert_ne!(on_desk, on_lap);
    // What isn't six digits is asked again and no try; what is another code is one.
    joining.type_in("12345\r");
    joining.wait("a code is six digits");
    joining.type_in("\u{15}");
    let wrong = if on_desk == "000 000" { "111111" } else { "000000" };
    joining.type_in(&"\u{8}".repeat(5));
    joining.type_in(&format!("{wrong}\r"));
    joining.wait("2 more tries");
    joining.type_in(&format!("{on_desk}\r"));
    showing.type_in(&format!("{on_lap}\r"));
    showing.wait("Pair with lap?");
    showing.wait(&lap.fingerprint);
    showing.type_in("y");
    joining.wait("Pair with Ana's desk?");
    joining.type_in("y");
    let paired = showing.running.event("paired");
    assert_eq!((&paired["name"], &paired["role"]), (&json!("lap"), &json!("own")));
    assert_eq!(joining.running.line(), json!({"device": desk.id, "name": "Ana's desk", "role": "own"}));
    succeeded(&["pair"], &showing.running.end());
    succeeded(&["join"], &joining.running.end());
    let way = lap.device.json(&["peers"])["peers"][0].clone();
    assert_eq!(way["name"], "Ana's desk");
    // The screen is closed.
    assert_eq!(lap.json(&["nearby", "--wait", "1s"])["nearby"], json!([]));
    sync(&desk, &lap);
}

#[test]
fn whoever_leaves_at_the_codes_leaves_the_offer_as_it_was() {
    let Some(network) = Network::new() else { return };
    let (desk, lap) = (Machine::new(&network, "192.168.7.1", "desk"), Machine::new(&network, "192.168.7.2", "lap"));
    let mut showing = Seat::start(&desk, &["pair", "--json"]);
    let offer = showing.running.event("offer");
    let mut joining = Seat::start(&lap, &["join", "--nearby", "desk", "--json"]);
    let _code = joining.code();
    showing.code();
    // Nothing is no.
    joining.type_in("\r");
    let left = joining.running.end();
    assert_eq!(left.status.code(), Some(1), "{left:?}");
    showing.wait("press Enter");
    showing.type_in("\r");
    // The link is as good as before.
    let joined = lap.start(&["join", offer["link"].as_str().unwrap(), "--yes", "--json"]);
    showing.wait("Pair with lap?");
    showing.type_in("y");
    showing.running.event("paired");
    succeeded(&["join"], &joined.end());
    succeeded(&["pair"], &showing.running.end());
}

#[test]
fn a_name_that_two_screens_show_is_nobody_s() {
    let Some(network) = Network::new() else { return };
    let one = Machine::new(&network, "192.168.7.1", "desk");
    let other = Machine::new(&network, "192.168.7.3", "desk");
    let lap = Machine::new(&network, "192.168.7.2", "lap");
    let mut seats = [Seat::start(&one, &["pair", "--json"]), Seat::start(&other, &["pair", "--json"])];
    for seat in &mut seats {
        seat.running.event("offer");
    }
    let joining = Seat::start(&lap, &["join", "--nearby", "desk"]);
    joining.wait("desk (");
    let ended = joining.running.end();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    // By the start of its id it is the one.
    let joining = Seat::start(&lap, &["join", "--nearby", &one.id[..12], "--json"]);
    joining.code();
    seats[0].code();
    joining.running.signal("INT");
    for seat in seats {
        seat.running.signal("TERM");
        seat.running.end();
    }
    joining.running.end();
}

#[test]
fn what_keeps_devices_from_finding_each_other_is_told_and_stops_nothing() {
    let Some(network) = Network::new() else { return };
    let desk = Machine::new(&network, "192.168.7.1", "desk");
    let check = |machine: &Machine, words: &[&str]| {
        let told = machine.json(&[&["doctor"], words].concat());
        told["checks"].as_array().unwrap().iter().find(|check| check["name"] == "discovery").unwrap().clone()
    };
    let sound = check(&desk, &[]);
    assert_eq!((&sound["verdict"], &sound["hint"]), (&json!("ok"), &json!(null)), "{sound}");
    assert!(sound["what"].as_str().unwrap().contains("eth0"), "{sound}");
    assert_eq!(desk.json(&["status"])["discovery"], json!({"state": "on", "interfaces": ["eth0"], "obstacle": null}));
    for off in [&["--discovery", "off"][..], &["--network", "loopback"]] {
        assert_eq!(check(&desk, off)["verdict"], "skipped", "{off:?}");
        assert_eq!(desk.json(&[&["status"], off].concat())["discovery"]["state"], "off", "{off:?}");
        let nearby = desk.fails(&[&["nearby"], off].concat());
        assert_eq!(nearby.code, 2, "{nearby:?}");
    }
    // An interface that isn't there, and one that is.
    let elsewhere = check(&desk, &["--interface", "wlan7"]);
    assert_eq!(elsewhere["verdict"], "warning", "{elsewhere}");
    assert!(!elsewhere["hint"].as_str().unwrap().is_empty(), "{elsewhere}");
    assert_eq!(check(&desk, &["--interface", "wlan7", "--interface", "eth0"])["verdict"], "ok");

    // A program that shares the port with nobody.
    let (stop, program) = selfish(&desk.host);
    let taken = check(&desk, &[]);
    assert_eq!(taken["verdict"], "warning", "{taken}");
    assert!(taken["what"].as_str().unwrap().contains("5353"), "{taken}");
    let status = desk.json(&["status"]);
    assert_eq!(
        (&status["discovery"]["state"], &status["discovery"]["obstacle"]["code"]),
        (&json!("blocked"), &json!("port-taken"))
    );
    let mut up = desk.start(&["up", "--json"]);
    assert_eq!(up.event("started")["peers"], 0);
    let blocked = up.event("discovery");
    assert_eq!((&blocked["state"], &blocked["obstacle"]["code"]), (&json!("blocked"), &json!("port-taken")));
    drop(stop);
    program.join().unwrap();
    assert_eq!(up.event("discovery")["state"], "on", "it is tried again");
    up.signal("INT");
    succeeded(&["up"], &up.end());

    // No network at all.
    let nowhere = Machine::on(Host::new(), "nowhere");
    assert_eq!(check(&nowhere, &[])["verdict"], "warning");
    let told = nowhere.json(&["doctor"]);
    let network = &told["checks"][4];
    assert_eq!((&network["name"], &network["verdict"]), (&json!("network"), &json!("warning")), "{told}");
    assert!(network["what"].as_str().unwrap().contains("no address"), "{told}");
    assert!(network["hint"].as_str().unwrap().contains("connect this machine"), "{told}");
    let nearby = nowhere.fails(&["nearby", "--wait", "500ms"]);
    assert_eq!(nearby.code, 4, "{nearby:?}");
}

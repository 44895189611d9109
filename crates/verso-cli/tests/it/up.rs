//! `up`: stays, pushes changes at once, tells what happens, and ends when told to.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::device::{Device, assert_equal, keys, pair, sample, succeeded};

#[test]
fn it_tells_who_comes_and_goes_and_ends_in_time() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    let garden = desk.json(&["workspace", "new", "garden"]);
    desk.ok(&["import", sample()]);
    pair(&desk, &lap);

    let lap_id = lap.json(&["id"])["device"].clone();
    let mut up = desk.start(&["up", "--json"]);
    let started = up.line();
    assert_eq!(keys(&started), ["addresses", "device", "event", "peers"]);
    assert_eq!((&started["event"], &started["peers"]), (&json!("started"), &json!(1)));
    let mut other = lap.start(&["up", "--json"]);
    other.event("started");
    let online = up.event("peer-online");
    assert_eq!((&online["name"], &online["device"]), (&json!("lap"), &lap_id));
    let received = other.event("received");
    assert_eq!(keys(&received), ["device", "entries", "event", "name", "workspace"]);
    assert_eq!(received["workspace"]["id"], garden["id"]);
    let level = other.event("in-step");
    assert_eq!(keys(&level), ["device", "entries_received", "entries_sent", "event", "name"]);
    up.event("in-step");

    other.signal("TERM");
    let begun = Instant::now();
    let end = other.end();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let rest = succeeded(&["up"], &end);
    assert!(rest.ends_with("{\"event\":\"stopped\"}\n"), "{rest}");
    let gone = up.event("peer-offline");
    assert_eq!(gone["name"], "lap");

    // Somebody who only looks in is served, too.
    lap.ok(&["node", "add", "u:lap", "--title", "made on lap"]);
    lap.json(&["up", "--once"]);
    up.event("in-step");
    up.signal("INT");
    let begun = Instant::now();
    succeeded(&["up"], &up.end());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_equal(&desk, &lap);
    assert_eq!(desk.json(&["node", "show", "made on lap"])["url"], "u:lap");
}

#[test]
fn with_nobody_paired_it_runs_and_says_so() {
    let device = Device::new("desk");
    let mut up = device.start(&["up", "--json"]);
    assert_eq!(up.event("started")["peers"], 0);
    up.signal("TERM");
    succeeded(&["up"], &up.end());
    let once = device.fails(&["up", "--once"]);
    assert_eq!(once.code, 4, "{once:?}");
    assert_eq!(once.stdout, "{\"peers\":[]}\n", "a document, also then");
    assert!(once.hint.contains("verso pair"), "{once:?}");
}

#[test]
fn a_port_that_is_taken_is_no_hindrance() {
    let device = Device::new("desk");
    let config = std::fs::read_to_string(device.dir().join("config")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let port = u16::try_from(config["port"].as_u64().unwrap()).unwrap();
    let taken = std::net::UdpSocket::bind(("127.0.0.1", port)).unwrap();
    let mut up = device.start(&["up", "--json"]);
    let address = up.event("started")["addresses"][0].as_str().unwrap().to_owned();
    assert!(!address.ends_with(&format!(":{port}")), "{address}");
    up.signal("TERM");
    succeeded(&["up"], &up.end());
    let listen = device.fails(&["up", "--once", "--listen", &format!("127.0.0.1:{port}")]);
    assert_eq!((listen.code, listen.stdout.as_str()), (1, ""), "{listen:?}");
    assert!(listen.why.contains("taken"), "{listen:?}");
    drop(taken);
    let beyond = device.fails(&["up", "--once", "--listen", "192.0.2.7:7000"]);
    assert_eq!(beyond.code, 2, "{beyond:?}");
}

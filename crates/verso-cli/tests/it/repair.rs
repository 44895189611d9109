//! `log repair`: a damaged device gets back from its peer what it has lost, and writes on meanwhile.

use std::fs;
use std::path::PathBuf;

use crate::device::{Device, assert_equal, pair, succeeded, sync};

/// Two devices in step, of which the first has written a node in each of several files.
pub(crate) fn in_step() -> (Device, Device) {
    let (desk, phone) = (Device::new("desk"), Device::new("phone"));
    desk.ok(&["workspace", "new", "garden"]);
    for title in ["one", "two", "three"] {
        desk.ok(&["node", "add", &format!("https://example.org/{title}"), "--title", title]);
    }
    pair(&desk, &phone);
    sync(&desk, &phone);
    (desk, phone)
}

/// Changes a bit in the first record of a file of the workspace's journal.
pub(crate) fn damage(device: &Device, segment: &str) {
    let logs = fs::read_dir(device.dir().join("logs")).unwrap().map(|log| log.unwrap().path());
    // The journal of trust has fewer nodes to tell of.
    let of_workspace = logs.max_by_key(|log| fs::read_dir(log).unwrap().count()).unwrap();
    let path: PathBuf = of_workspace.join(segment);
    let mut bytes = fs::read(&path).unwrap();
    bytes[1_060] ^= 4;
    fs::write(&path, bytes).unwrap();
}

#[test]
fn a_whole_device_is_left_alone_and_needs_nobody() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let told = device.json(&["log", "repair"]);
    assert_eq!(told, serde_json::json!({"ok": true, "damaged": [], "unreadable": [], "missing": []}));
}

#[test]
fn what_was_lost_comes_back_from_the_peer() {
    let (desk, phone) = in_step();
    let before = desk.export();
    damage(&desk, "0000000002.seg");
    assert_eq!(desk.fails(&["log", "verify"]).code, 6);
    let refused = desk.fails(&["node", "add", "https://example.org/refused"]);
    assert!(refused.code == 6 && refused.hint.contains("log repair"), "{refused:?}");

    // Nobody is there: what is whole works, by a new author.
    let alone = desk.fails(&["log", "repair", "--wait", "1s"]);
    assert_eq!(alone.code, 4, "{alone:?}");
    let told: serde_json::Value = serde_json::from_str(&alone.stdout).unwrap();
    assert_eq!((&told["ok"], &told["damaged"][0]["name"]), (&false.into(), &"garden".into()), "{told}");
    assert!(told["missing"][0]["entries"].as_u64().unwrap() >= 3, "{told}");
    desk.ok(&["node", "add", "https://example.org/meanwhile", "--title", "meanwhile"]);
    assert_eq!(desk.json(&["log", "verify"])["ok"], true);

    let mut up = phone.start(&["up", "--json"]);
    up.event("started");
    let told = desk.json(&["log", "repair"]);
    assert_eq!((&told["ok"], &told["missing"]), (&true.into(), &serde_json::json!([])), "{told}");
    up.signal("TERM");
    succeeded(&["up"], &up.end());
    sync(&desk, &phone);
    assert_equal(&desk, &phone);
    desk.ok(&["node", "rm", "meanwhile"]);
    for line in before.lines().filter(|line| line.contains("example.org")) {
        assert!(desk.export().contains(line.trim_end_matches(',').trim_end_matches(']')), "{line}");
    }
    assert!(desk.ok(&["log", "repair"]).contains("whole"));
    let logs = fs::read_dir(desk.dir().join("logs")).unwrap();
    assert!(logs.map(|log| log.unwrap().file_name()).all(|name| name.len() == 16), "nothing is put aside any more");
    let codes = phone.json(&["status"])["reasons"].to_string();
    assert!(!codes.contains("fork"), "{codes}");
}

#[test]
fn one_workspace_is_mended_and_the_others_are_left_alone() {
    let (desk, _phone) = in_step();
    damage(&desk, "0000000002.seg");
    desk.ok(&["workspace", "new", "kitchen"]);
    assert_eq!(desk.json(&["log", "repair", "-w", "kitchen"])["damaged"], serde_json::json!([]));
    let text = desk.ok(&["log", "repair", "-w", "kitchen"]);
    assert!(text.contains("kitchen") && !text.contains("all journals"), "{text}");
    assert_eq!(desk.fails(&["log", "verify"]).code, 6, "garden is as it was");
    assert_eq!(desk.fails(&["log", "repair", "-w", "attic"]).code, 1);

    let alone = desk.fails(&["log", "repair", "-w", "garden", "--wait", "1s"]);
    assert_eq!(alone.code, 4, "{alone:?}");
    let told: serde_json::Value = serde_json::from_str(&alone.stdout).unwrap();
    assert_eq!(told["damaged"][0]["name"], "garden", "{told}");
    assert_eq!(desk.json(&["log", "verify"])["ok"], true);
}

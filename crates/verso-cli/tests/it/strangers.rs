//! Who was never paired, and who can't prove what was agreed, get nothing.

use serde_json::json;

use crate::device::{Device, assert_equal, document, failed, pair, sample, succeeded, sync};

#[test]
fn a_device_that_was_never_paired_gets_nothing() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["import", sample()]);
    // A stranger that believes it is paired: it was, with a device of the same key that is no more.
    let stranger = Device::new("stranger");
    let before = desk.copy();
    pair(&desk, &stranger);
    let mut up = before.start(&["up", "--json"]);
    assert_eq!(up.event("started")["peers"], 0);
    let words = ["up", "--once", "--json", "--wait", "2s"];
    let output = stranger.run(&words);
    let refused = failed(&words, &output);
    assert_eq!(refused.code, 5, "{refused:?}");
    let told = document(&refused.stdout);
    let peer = &told["peers"][0];
    assert_eq!((&peer["state"], &peer["reason"]), (&json!("refused"), &json!("not-trusted")), "{told}");
    assert_eq!((&peer["entries_received"], &peer["bytes_received"]), (&json!(0), &json!(0)), "{told}");
    assert_eq!(stranger.json(&["workspace", "list"]), json!({"workspaces": [], "offers": []}));
    up.signal("TERM");
    succeeded(&["up"], &up.end());
    assert_eq!(before.json(&["peers"]), json!({"peers": []}));
}

#[test]
fn a_device_that_cant_prove_what_was_agreed_gets_nothing() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    // The same two keys, and secrets that were replaced since: the device was forgotten, and paired anew.
    let old = lap.copy();
    desk.ok(&["forget", "lap"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    desk.ok(&["node", "add", "u:after", "--title", "not for the old one"]);
    old.ok(&["node", "add", "u:old", "--title", "not from the old one"]);
    let before = (desk.export(), old.export());

    let words = ["up", "--once", "--json", "--wait", "3s"];
    let first = desk.start(&words);
    let second = old.run(&words);
    for output in [first.end(), second] {
        let refused = failed(&words, &output);
        assert_eq!(refused.code, 5, "{refused:?}");
        let told = document(&refused.stdout);
        assert_eq!(told["peers"][0]["reason"], "handshake-failed", "{told}");
        assert_eq!(told["peers"][0]["entries_received"], 0, "{told}");
    }
    assert_eq!((desk.export(), old.export()), before, "neither gave anything");
    assert_eq!(desk.json(&["status"])["indicator"], "attention");

    // The rightful one is as welcome as before.
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
}

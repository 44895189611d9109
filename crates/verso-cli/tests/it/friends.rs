//! Two people with two devices each, by the real program: the two that paired are off, and the others sync.

use serde_json::{Value, json};

use crate::device::{Device, befriend, document, meet, pair, sync, titles};

/// Mia's desk and lap, and Finn's phone and pad; the desk and the phone were paired, and met.
fn two_people() -> [Device; 4] {
    let [desk, lap, phone, pad] = ["desk", "lap", "phone", "pad"].map(Device::new);
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["workspace", "new", "diary"]);
    for (one, other) in [(&desk, &lap), (&phone, &pad)] {
        pair(one, other);
        sync(one, other);
    }
    befriend(&desk, &phone, &["-w", "garden", "--access", "rw"]);
    meet(&desk, &phone);
    meet(&phone, &pad);
    // What the phone says of the pad comes to the desk, and from there to the lap.
    meet(&desk, &phone);
    meet(&desk, &lap);
    [desk, lap, phone, pad]
}

fn row(device: &Device, name: &str) -> Option<Value> {
    let rows = device.json(&["peers"])["peers"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["name"] == name)
}

#[test]
fn devices_of_two_friends_sync_while_the_two_that_were_paired_are_off() {
    let [desk, lap, phone, pad] = two_people();
    let known = row(&pad, "lap").unwrap();
    assert_eq!((&known["role"], &known["added"]["way"]), (&json!("friend"), &json!("introduced")));
    assert_eq!((&known["added"]["by"], &known["added"]["introduced_by"]), (&json!("phone"), &json!("desk")));
    assert_eq!(row(&lap, "pad").unwrap()["added"]["introduced_by"], "phone");

    lap.ok(&["node", "add", "https://example.org/rose", "--title", "rose", "-w", "garden"]);
    pad.ok(&["node", "add", "https://example.org/tulip", "--title", "tulip", "-w", "garden"]);
    meet(&lap, &pad);
    assert_eq!(
        (titles(&lap), titles(&pad)),
        (vec!["rose".into(), "tulip".into()], vec!["rose".into(), "tulip".into()])
    );
    for (path, bytes) in pad.files().into_iter().chain(phone.files()) {
        assert!(!bytes.windows(5).any(|part| part == b"diary"), "{path}");
    }

    // Mia loses the lap. The desk tells the phone, and the phone the pad.
    desk.ok(&["forget", "lap"]);
    meet(&desk, &phone);
    meet(&phone, &pad);
    assert!(row(&pad, "lap").is_none());
    let waiting = pad.start(&["up", "--once", "--json", "--wait", "6s"]);
    let told = lap.run(&["up", "--once", "--json", "--wait", "6s"]);
    let told = document(&String::from_utf8(told.stdout).unwrap());
    drop(waiting.end());
    let refused = told["peers"].as_array().unwrap().iter().find(|row| row["name"] == "pad").unwrap();
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("revoked")), "{told}");
    lap.ok(&["node", "add", "https://example.org/late", "--title", "late", "-w", "garden"]);
    meet(&desk, &phone);
    assert!(!titles(&phone).contains(&"late".into()));

    // And with the phone goes what it had introduced.
    let gone = desk.json(&["forget", "phone"]);
    assert_eq!((&gone["peer"]["name"], &gone["with"][0]["name"]), (&json!("phone"), &json!("pad")));
    assert!(row(&desk, "pad").is_none() && row(&desk, "phone").is_none());
}

#[test]
fn a_peer_is_named_by_the_rule_for_devices() {
    let [desk, lap] = ["desk", "lap"].map(Device::new);
    pair(&desk, &lap);
    sync(&desk, &lap);
    for name in ["", "two\nlines", "\u{202e}pal"] {
        let (of_peer, of_device) = (desk.fails(&["rename", "lap", name]), desk.fails(&["id", "rename", name]));
        assert_eq!((of_peer.code, &of_peer.why), (of_device.code, &of_device.why), "{name:?}");
        assert_eq!(of_peer.code, 2);
    }
    assert_eq!(desk.json(&["rename", "lap", "pocket"])["peer"]["name"], "pocket");
}

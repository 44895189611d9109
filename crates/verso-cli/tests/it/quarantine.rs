//! What was written past a cut: listed, kept, discarded; and leaving a workspace.

use serde_json::{Value, json};

use crate::device::{Device, befriend, keys, meet, pair, sync, titles};

fn add(device: &Device, title: &str) {
    device.ok(&["node", "add", &format!("https://example.org/{title}"), "--title", title, "-w", "garden"]);
}

fn held(device: &Device) -> Vec<Value> {
    device.json(&["quarantine", "list"])["entries"].as_array().unwrap().clone()
}

fn access(device: &Device) -> Value {
    device.json(&["workspace", "list"])["workspaces"][0]["access"].clone()
}

#[test]
fn what_a_friend_wrote_while_cut_is_listed_kept_and_discarded() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    befriend(&ann, &ben, &["-w", "garden"]);
    sync(&ann, &ben);
    sync(&ann, &ben);
    add(&ben, "rose");
    sync(&ann, &ben);
    assert!(ann.ok(&["quarantine", "list"]).contains("Nothing is held"));
    add(&ben, "weed");
    add(&ben, "tulip");
    ben.ok(&["node", "tag", "weed", "tall", "-w", "garden"]);
    ann.ok(&["workspace", "share", "garden", "ben", "--access", "ro"]);
    meet(&ann, &ben);
    assert_eq!(titles(&ann), ["rose"]);

    let entries = held(&ann);
    let does: Vec<&str> = entries.iter().map(|entry| entry["does"].as_str().unwrap()).collect();
    assert_eq!(
        does,
        ["adds weed (https://example.org/weed)", "adds tulip (https://example.org/tulip)", "tags weed with tall"]
    );
    assert_eq!(keys(&entries[0]), ["at", "cut_by", "device", "does", "id", "name", "reason", "seq", "workspace"]);
    let ben_id = ben.json(&["id"])["device"].clone();
    for entry in &entries {
        assert_eq!((&entry["device"], &entry["name"], &entry["reason"]), (&ben_id, &json!("ben"), &json!("cut")));
        assert_eq!((&entry["cut_by"]["name"], &entry["workspace"]["name"]), (&json!("ann"), &json!("garden")));
    }
    let list = ann.ok(&["quarantine", "list"]);
    assert!(list.contains("by ann") && list.contains("adds weed"), "{list}");

    // Nobody but an owner decides, and nobody by silence.
    let [weed, tulip] = [0, 1].map(|at| entries[at]["id"].as_str().unwrap().to_owned());
    let refused = ben.fails(&["quarantine", "keep", "--all"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let silent = ann.fails(&["quarantine", "discard", &weed]);
    assert_eq!(silent.code, 2, "{silent:?}");
    assert_eq!(ann.fails(&["quarantine", "keep", "ffffffff"]).code, 1);

    let kept = ann.json(&["quarantine", "keep", &tulip]);
    assert_eq!((&kept["decided"], kept["entries"].as_array().unwrap().len()), (&json!("keep"), 1));
    assert_eq!(titles(&ann), ["rose", "tulip"]);
    let discarded = ann.json(&["quarantine", "discard", &weed, "--yes"]);
    assert_eq!(discarded["dependents"][0]["does"], "tags weed with tall");
    assert_eq!(held(&ann).len(), 1, "the tag is still held");
    ann.json(&["quarantine", "discard", "--from", "ben", "-w", "garden", "--yes"]);
    assert!(held(&ann).is_empty());
    assert_eq!(titles(&ann), ["rose", "tulip"]);

    let verified = ann.json(&["log", "verify"]);
    assert_eq!(verified["ok"], true, "{verified}");
    let tail = ann.json(&["log", "tail", "-w", "garden", "-n", "50"]);
    let digests = tail["entries"].as_array().unwrap().iter().filter(|entry| entry["kind"].is_null());
    assert_eq!(digests.count(), 2, "only digests are left: {tail}");
    meet(&ann, &ben);
    assert_eq!(titles(&ben), ["rose", "tulip"], "its author folds the same");
    // Let in again, it goes on, and nothing of what was cut comes back.
    ann.ok(&["workspace", "share", "garden", "ben"]);
    meet(&ann, &ben);
    add(&ben, "lily");
    sync(&ann, &ben);
    assert_eq!((titles(&ann), titles(&ben)), (titles(&ben), vec!["lily".into(), "rose".into(), "tulip".into()]));
}

#[test]
fn a_friend_leaves_and_comes_back_when_it_is_shared_anew() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    befriend(&ann, &ben, &["-w", "garden"]);
    sync(&ann, &ben);
    sync(&ann, &ben);
    add(&ben, "rose");
    let silent = ben.fails(&["workspace", "leave", "garden"]);
    assert_eq!(silent.code, 2, "{silent:?}");
    let left = ben.json(&["workspace", "leave", "garden", "--yes"]);
    assert_eq!(left["workspace"]["name"], "garden");
    assert_eq!(access(&ben), "left");
    let refused = ben.fails(&["node", "add", "https://example.org/late", "-w", "garden"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    meet(&ann, &ben);
    assert_eq!(titles(&ann), ["rose"], "what it wrote before counts");
    assert_eq!(ann.json(&["peers"])["peers"][0]["grants"][0]["left"], true);
    assert!(held(&ann).is_empty(), "leaving is no cut of what it wrote");
    add(&ann, "tulip");
    meet(&ann, &ben);
    assert_eq!(titles(&ben), ["rose"], "it stays readable there, and no more comes");

    ben.json(&["workspace", "join", "garden"]);
    ann.ok(&["workspace", "share", "garden", "ben"]);
    meet(&ann, &ben);
    meet(&ann, &ben);
    assert_eq!((titles(&ben), access(&ben)), (vec!["rose".to_owned(), "tulip".to_owned()], json!("rw")));
    add(&ben, "lily");
    sync(&ann, &ben);
    assert_eq!(titles(&ann), ["lily", "rose", "tulip"]);
}

#[test]
fn an_own_device_leaves_alone_and_the_last_one_stays() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    let last = desk.fails(&["workspace", "leave", "garden", "--yes"]);
    assert_eq!(last.code, 1, "{last:?}");
    assert!(last.why.contains("no other device owns"), "{last:?}");
    pair(&desk, &lap);
    sync(&desk, &lap);
    add(&lap, "rose");
    lap.json(&["workspace", "leave", "garden", "--yes"]);
    meet(&desk, &lap);
    add(&desk, "tulip");
    meet(&desk, &lap);
    assert_eq!((titles(&desk), titles(&lap)), (vec!["rose".into(), "tulip".into()], vec!["rose".to_owned()]));
    assert_eq!(lap.fails(&["workspace", "leave", "garden", "--yes"]).code, 1, "it has left");
    lap.json(&["workspace", "join", "garden"]);
    sync(&desk, &lap);
    assert_eq!(titles(&lap), ["rose", "tulip"]);
    add(&lap, "lily");
    sync(&desk, &lap);
    assert_eq!(titles(&desk), ["lily", "rose", "tulip"]);
}

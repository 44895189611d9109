//! Friends: a workspace is shared, taken away, and nobody learns of the others; and what is decided about peers.

use serde_json::json;

use crate::device::{Device, befriend, meet, pair, sync, titles};

fn names(device: &Device) -> Vec<String> {
    let list = device.json(&["workspace", "list"]);
    let name = |row: &serde_json::Value| row["name"].as_str().unwrap().to_owned();
    list["workspaces"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn a_friend_gets_what_the_pairing_named_and_nothing_else() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    ann.ok(&["workspace", "new", "diary"]);
    ann.ok(&["node", "add", "https://example.org/rose", "--title", "rose", "-w", "garden"]);
    befriend(&ann, &ben, &["-w", "garden", "--access", "ro"]);
    sync(&ann, &ben);
    sync(&ann, &ben);
    assert_eq!(names(&ben), ["garden"]);
    assert_eq!(titles(&ben), ["rose"]);
    let refused = ben.fails(&["node", "add", "https://example.org/weed", "-w", "garden"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    for (path, bytes) in ben.files() {
        assert!(!bytes.windows(5).any(|part| part == b"diary"), "{path}");
    }
    let peers = ann.json(&["peers"]);
    let friend = &peers["peers"][0];
    assert_eq!((&friend["role"], &friend["grants"][0]["access"]), (&json!("friend"), &json!("ro")));
    assert_eq!((&friend["added"]["by"], &friend["added"]["way"]), (&json!("ann"), &json!("link")));
}

#[test]
fn a_workspace_is_shared_joined_and_taken_away_again() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    befriend(&ann, &ben, &[]);
    sync(&ann, &ben);
    assert_eq!(ben.fails(&["workspace", "join", "garden"]).code, 1);
    assert_eq!(ann.json(&["workspace", "share", "garden", "ben"])["access"], "rw");
    sync(&ann, &ben);
    assert!(names(&ben).is_empty(), "nothing is taken without a word");
    let offers = ben.json(&["workspace", "list"])["offers"].clone();
    assert_eq!((&offers[0]["name"], &offers[0]["from"]), (&json!("garden"), &json!("ann")));
    ben.ok(&["workspace", "join", "garden"]);
    sync(&ann, &ben);
    ben.ok(&["node", "add", "https://example.org/rose", "--title", "rose", "-w", "garden"]);
    sync(&ann, &ben);
    assert_eq!(titles(&ann), ["rose"]);
    assert_eq!(
        ben.fails(&["workspace", "share", "garden", "ann", "--access", "ro"]).code,
        5,
        "it is not ben's to share"
    );

    ben.ok(&["node", "add", "https://example.org/late", "--title", "late", "-w", "garden"]);
    ann.ok(&["workspace", "unshare", "garden", "ben"]);
    ann.ok(&["node", "add", "https://example.org/tulip", "--title", "tulip", "-w", "garden"]);
    meet(&ann, &ben);
    assert_eq!(titles(&ann), ["rose", "tulip"], "what came before counts, what came later does not");
    assert_eq!(titles(&ben), ["late", "rose"], "what it had stays readable there");
}

#[test]
fn three_devices_of_which_two_never_met_and_one_is_lost() {
    let [desk, lap, phone] = ["desk", "lap", "phone"].map(Device::new);
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    pair(&desk, &phone);
    meet(&desk, &phone);
    meet(&desk, &lap);
    // The laptop knows the phone by the desk alone.
    assert_eq!(lap.json(&["peers"])["peers"].as_array().unwrap().len(), 2);
    lap.ok(&["node", "add", "https://example.org/rose", "--title", "rose", "-w", "garden"]);
    meet(&lap, &phone);
    assert_eq!(titles(&phone), ["rose"]);

    desk.ok(&["rename", "phone", "pocket"]);
    meet(&desk, &lap);
    assert_eq!(lap.fails(&["forget", "phone"]).code, 1, "it has another name");
    lap.ok(&["forget", "pocket"]);
    let status = phone.run(&["up", "--once", "--wait", "1s", "--json"]);
    assert!(!status.status.success());
    meet(&desk, &lap);
    let names: Vec<_> =
        desk.json(&["peers"])["peers"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["lap"]);
}

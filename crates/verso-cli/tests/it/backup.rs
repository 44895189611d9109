//! `backup`, `restore` and `confirm`, as a person meets them: while `up` runs, over a broken file, into the wrong place, and on with the peer.

use std::fs;

use serde_json::Value;

use crate::device::{Device, assert_equal, document, keys, pair, succeeded, sync};

/// A file beside the data directory that isn't there yet.
fn file(device: &Device) -> String {
    let path = device.file("device.verso", "");
    fs::remove_file(&path).unwrap();
    path
}

fn titles(device: &Device) -> Vec<String> {
    let export: Value = serde_json::from_str(&device.export()).unwrap();
    let mut titles: Vec<_> =
        export["nodes"].as_array().unwrap().iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

fn add(device: &Device, title: &str) {
    device.ok(&["node", "add", &format!("https://example.org/{title}"), "--title", title]);
}

fn authors(device: &Device) -> u64 {
    device.json(&["log", "stats", "-w", "garden"])["logs"][0]["authors"].as_u64().unwrap()
}

/// Two devices in step, with a node each.
fn in_step() -> (Device, Device) {
    let (desk, phone) = (Device::new("desk"), Device::new("phone"));
    desk.ok(&["workspace", "new", "garden"]);
    add(&desk, "one");
    pair(&desk, &phone);
    sync(&desk, &phone);
    add(&phone, "two");
    sync(&desk, &phone);
    (desk, phone)
}

fn unconfirmed(device: &Device) -> Vec<String> {
    let peers = device.json(&["peers"])["peers"].as_array().unwrap().clone();
    let told = |peer: &Value| (peer["confirmed"] == false).then(|| peer["name"].as_str().unwrap().to_owned());
    peers.iter().filter_map(told).collect()
}

#[test]
fn a_backup_that_is_made_while_up_runs_is_restored_and_goes_on_with_the_peer() {
    let (desk, phone) = in_step();
    let (backup, again) = (file(&desk), Device::blank());
    let mut up = desk.start(&["up", "--json"]);
    up.event("started");
    let told = desk.json(&["backup", &backup]);
    assert_eq!(keys(&told), ["bytes", "damage", "device", "entries", "file", "workspaces"]);
    assert_eq!((&told["workspaces"], &told["damage"]), (&1.into(), &serde_json::json!([])));
    assert_eq!(told["bytes"], fs::metadata(&backup).unwrap().len());
    up.signal("TERM");
    succeeded(&["up"], &up.end());
    // What is done after the backup, and known to the phone alone once the desk is lost.
    add(&desk, "three");
    sync(&desk, &phone);
    let id = desk.json(&["id"])["device"].clone();
    fs::remove_dir_all(desk.dir()).unwrap();

    let told = again.json(&["restore", &backup]);
    assert_eq!((&told["device"], &told["name"]), (&id, &"desk".into()));
    assert_eq!((&told["workspaces"], &told["unconfirmed"][0]["name"]), (&1.into(), &"phone".into()));
    assert_eq!(titles(&again), ["one", "two"]);
    add(&again, "four");
    assert_eq!(unconfirmed(&again), ["phone"]);
    let status = again.json(&["status"]);
    assert_eq!((&status["indicator"], &status["reasons"][0]["code"]), (&"attention".into(), &"unconfirmed".into()));

    sync(&again, &phone);
    assert_eq!(titles(&again), ["four", "one", "three", "two"], "what came after the backup is back");
    assert_equal(&again, &phone);
    assert_eq!(unconfirmed(&again), [""; 0], "the phone knew as much as the backup");
    assert_eq!(again.json(&["status"])["reasons"], serde_json::json!([]));
    // The desk before and after, and the phone: nobody goes on with old numbers.
    assert_eq!((authors(&again), authors(&phone)), (3, 3));
    for device in [&again, &phone] {
        assert_eq!(device.json(&["log", "verify"])["ok"], true);
    }
    add(&phone, "five");
    sync(&again, &phone);
    assert_equal(&again, &phone);
}

#[test]
fn a_device_is_restored_beside_itself_and_nobody_uses_a_number_twice() {
    let (desk, phone) = in_step();
    let backup = file(&desk);
    desk.ok(&["backup", &backup]);
    let clone = Device::blank();
    clone.ok(&["restore", &backup]);
    add(&desk, "of the desk");
    add(&clone, "of the clone");
    sync(&desk, &phone);
    sync(&clone, &phone);
    sync(&desk, &phone);
    assert_eq!(titles(&phone), ["of the clone", "of the desk", "one", "two"]);
    assert_equal(&desk, &phone);
    assert_equal(&clone, &phone);
    for device in [&desk, &clone, &phone] {
        let codes = device.json(&["status"])["reasons"].to_string();
        assert!(!codes.contains("fork"), "{codes}");
    }
}

/// A phone that missed what the desk did before the backup knows less than that, and can't tell whom the desk still trusts.
#[test]
fn a_peer_that_knows_less_gets_nothing_until_the_person_confirms_it_by_name() {
    let (desk, phone) = in_step();
    let tablet = Device::new("tablet");
    pair(&desk, &tablet);
    let listens = tablet.start(&["up", "--once", "--wait", "30s"]);
    desk.ok(&["up", "--once", "--wait", "4s"]);
    succeeded(&["up"], &listens.end());
    let backup = file(&desk);
    desk.ok(&["backup", &backup]);
    fs::remove_dir_all(desk.dir()).unwrap();
    let again = Device::blank();
    let told = again.run(&["restore", &backup]);
    let text = succeeded(&["restore"], &told);
    assert!(text.contains("verso confirm"), "{text}");
    add(&again, "three");
    assert_eq!(unconfirmed(&again), ["phone", "tablet"]);

    let words = ["up", "--once", "--json", "--wait", "8s"];
    let listens = phone.start(&words);
    let rounds = [again.run(&words), listens.end()];
    let [told, _] = rounds.map(|output| document(&String::from_utf8(output.stdout).unwrap()));
    let of_phone = told["peers"].as_array().unwrap().iter().find(|peer| peer["name"] == "phone").unwrap();
    assert_eq!((&of_phone["state"], &of_phone["reason"]), (&"refused".into(), &"unconfirmed".into()), "{told}");
    assert_eq!(titles(&phone), ["one", "two"], "it got the workspace");

    let failure = again.fails(&["confirm", "nobody"]);
    assert_eq!(failure.code, 1, "{failure:?}");
    let told = again.json(&["confirm", "phone"]);
    assert_eq!((&told["confirmed"][0]["name"], &told["unconfirmed"][0]["name"]), (&"phone".into(), &"tablet".into()));
    assert_eq!(unconfirmed(&again), ["tablet"]);
    let told = again.ok(&["confirm", "tablet"]);
    assert!(told.contains("next: verso up"), "{told}");
    assert_eq!(unconfirmed(&again), [""; 0]);
    again.ok(&["confirm", "tablet"]);
}

#[test]
fn no_file_is_replaced_unless_asked_and_none_lies_where_it_is_lost() {
    let desk = Device::new("desk");
    let taken = desk.file("taken", "precious");
    let failure = desk.fails(&["backup", &taken]);
    assert_eq!(failure.code, 1, "{failure:?}");
    assert!(failure.hint.contains("--replace"), "{failure:?}");
    assert_eq!(fs::read(&taken).unwrap(), b"precious");
    desk.ok(&["backup", &taken, "--replace"]);
    Device::blank().ok(&["restore", &taken]);

    let inside = desk.dir().join("backup");
    assert_eq!(desk.fails(&["backup", inside.to_str().unwrap()]).code, 2);
    let folder = desk.dir().parent().unwrap();
    assert_eq!(desk.fails(&["backup", folder.to_str().unwrap(), "--replace"]).code, 1);
    assert_eq!(desk.fails(&["backup", folder.join("no/such").to_str().unwrap()]).code, 1);
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing half-made is left: {names:?}");
    assert_eq!(Device::blank().fails(&["backup", &taken]).code, 3);
}

#[test]
fn what_is_no_whole_backup_is_not_restored_and_leaves_nothing() {
    let (desk, _phone) = in_step();
    let backup = file(&desk);
    desk.ok(&["backup", &backup]);
    let whole = fs::read(&backup).unwrap();
    let blank = Device::blank();
    let fails = |bytes: &[u8], code: i32, told: &str| {
        let failure = blank.fails(&["restore", &desk.file("broken", bytes)]);
        assert_eq!(failure.code, code, "{failure:?}");
        assert!(failure.why.contains(told), "{failure:?}");
        assert!(!blank.dir().exists(), "something is left");
    };
    fails(b"", 1, "no backup of Verso");
    fails(b"PK\x03\x04", 1, "no backup of Verso");
    fails(&whole[..40], 6, "header");
    fails(&whole[..whole.len() - 1], 6, "offset 72");
    let mut flipped = whole.clone();
    flipped[200] ^= 1;
    fails(&flipped, 6, "offset 72");
    let mut header = whole.clone();
    header[30] ^= 1;
    fails(&header, 6, "header");
    fails(&[&whole[..], b"x"].concat(), 6, "offset 72");

    let wrong =
        blank.command(&["restore", &backup, "--json"]).env("VERSO_BACKUP_PASSPHRASE", "coffee").output().unwrap();
    assert_eq!(wrong.status.code(), Some(8));
    assert!(!blank.dir().exists());
    let none = blank.command(&["restore", &backup, "--json"]).env_remove("VERSO_PASSPHRASE").output().unwrap();
    assert_eq!(none.status.code(), Some(8), "there is nobody to ask");
    assert_eq!(blank.fails(&["restore", "/nonexistent/file"]).code, 1);

    let before = desk.files();
    let failure = desk.fails(&["restore", &backup]);
    assert_eq!(failure.code, 1, "{failure:?}");
    assert_eq!(desk.files(), before, "a device is never written over");
    // After all that failed it works.
    blank.ok(&["restore", &backup]);
    assert_eq!(titles(&blank), ["one", "two"]);
}

#[test]
fn a_backup_has_a_passphrase_of_its_own_if_one_is_given() {
    let (desk, _phone) = in_step();
    let backup = file(&desk);
    let mut command = desk.command(&["backup", &backup]);
    succeeded(&["backup"], &command.env("VERSO_BACKUP_PASSPHRASE", "sealing wax").output().unwrap());
    let again = Device::blank();
    assert_eq!(again.fails(&["restore", &backup]).code, 8, "not under the key file's");
    let mut command = again.command(&["restore", &backup]);
    succeeded(&["restore"], &command.env("VERSO_BACKUP_PASSPHRASE", "sealing wax").output().unwrap());
    // The key file has the one of the key file.
    assert_eq!(again.json(&["id"])["name"], "desk");
    let bytes = fs::read(&backup).unwrap();
    for plain in ["garden", "example.org", "one", "desk", "phone"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()) || plain.len() < 4, "{plain}");
    }
}

#[test]
fn a_damaged_journal_is_backed_up_as_far_as_it_goes_and_told_of() {
    let (desk, _phone) = in_step();
    let stats = desk.json(&["log", "stats", "-w", "garden"]);
    assert!(stats["logs"][0]["segments"].as_u64().unwrap() > 1);
    let logs = fs::read_dir(desk.dir().join("logs")).unwrap().map(|log| log.unwrap().path());
    let first =
        logs.map(|log| log.join("0000000001.seg")).max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap();
    let mut bytes = fs::read(&first).unwrap();
    bytes[1_050] ^= 1;
    fs::write(&first, bytes).unwrap();
    let backup = file(&desk);
    let failure = desk.fails(&["backup", &backup]);
    assert_eq!(failure.code, 6, "{failure:?}");
    let told = document(&failure.stdout);
    assert!(first.ends_with(told["damage"][0]["segment"].as_str().unwrap()), "{told}");
    assert_eq!(told["damage"][0]["offset"], 1_024);
    Device::blank().ok(&["restore", &backup]);
}

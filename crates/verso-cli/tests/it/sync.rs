//! Two devices: what either did, both have, byte for byte.

use serde_json::{Value, json};

use crate::device::{Device, assert_equal, document, keys, pair, sample, sync};

/// A desk with the sample, and a laptop that is paired with it and has it, too.
fn in_step() -> [Device; 2] {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["import", sample()]);
    pair(&desk, &lap);
    let [told_desk, told_lap] = sync(&desk, &lap);
    let fields = "bytes_received bytes_sent device entries_received entries_sent name reason state";
    assert_eq!(keys(&told_desk), fields.split(' ').collect::<Vec<_>>());
    assert_eq!((&told_desk["name"], &told_desk["reason"]), (&json!("lap"), &Value::Null));
    assert_eq!(told_desk["entries_sent"], told_lap["entries_received"]);
    assert!(told_desk["entries_sent"].as_u64().unwrap() >= 427, "{told_desk}");
    assert!(told_desk["bytes_sent"].as_u64().unwrap() > 1_000, "{told_desk}");
    assert_equal(&desk, &lap);
    [desk, lap]
}

#[test]
fn both_hold_the_same_bytes_also_after_changes_apart() {
    let [desk, lap] = in_step();
    desk.ok(&["node", "add", "u:desk", "--title", "made on desk", "--tag", "new"]);
    desk.ok(&["node", "title", "HyperCard", "HyperCard, 1987"]);
    desk.ok(&["node", "tag", "WikiWikiWeb", "from desk"]);
    desk.ok(&["node", "rm", "RFC 1436: The Internet Gopher Protocol"]);
    lap.ok(&["node", "add", "u:lap", "--title", "made on lap"]);
    lap.ok(&["edge", "add", "made on lap", "HyperCard", "--kind", "about"]);
    lap.ok(&["node", "title", "HyperCard", "HyperCard (Apple)"]);
    lap.ok(&["node", "tag", "WikiWikiWeb", "from lap"]);
    lap.ok(&["node", "tag", "RFC 1436: The Internet Gopher Protocol", "keep"]);
    assert_ne!(desk.export(), lap.export());
    let [told, _] = sync(&desk, &lap);
    assert_eq!((&told["entries_sent"], &told["entries_received"]), (&json!(5), &json!(5)), "{told}");
    assert_equal(&desk, &lap);
    for device in [&desk, &lap] {
        let node = |name: &str| device.json(&["node", "show", name]);
        assert_eq!(node("made on desk")["tags"], json!(["new"]));
        let card = node("https://en.wikipedia.org/wiki/HyperCard");
        let mut titles: Vec<&str> =
            card["titles"].as_array().unwrap().iter().map(|title| title["value"].as_str().unwrap()).collect();
        assert_eq!(card["title"], titles[0], "the shown one comes first");
        titles.sort_unstable();
        assert_eq!(titles, ["HyperCard (Apple)", "HyperCard, 1987"], "neither is lost");
        assert_eq!(node("made on lap")["outgoing"][0]["node"], card["node"]);
        let tags = node("WikiWikiWeb")["tags"].to_string();
        assert!(tags.contains("from desk") && tags.contains("from lap"), "{tags}");
        let ghost = node("RFC 1436: The Internet Gopher Protocol");
        assert_eq!((&ghost["state"], &ghost["conflicts"]), (&json!("ghost"), &json!(["deletion"])));
    }
}

#[test]
fn with_nothing_new_next_to_nothing_is_sent() {
    let [desk, lap] = in_step();
    let [told, _] = sync(&desk, &lap);
    assert_eq!((&told["entries_sent"], &told["entries_received"]), (&json!(0), &json!(0)), "{told}");
    assert!(told["bytes_sent"].as_u64().unwrap() < 1_000, "{told}");
    assert!(told["bytes_received"].as_u64().unwrap() < 1_000, "{told}");
}

#[test]
fn how_things_stand_is_told_when_nothing_runs() {
    let [desk, lap] = in_step();
    let status = desk.json(&["status"]);
    assert_eq!(
        keys(&status),
        ["conflicts", "discovery", "forks", "indicator", "peers", "reasons", "relay", "running", "workspaces"]
    );
    assert_eq!(
        (&status["indicator"], &status["conflicts"], &status["reasons"]),
        (&json!("offline"), &json!([]), &json!([]))
    );
    assert_eq!(status["forks"], json!([]));
    assert_eq!(status["discovery"], json!({"state": "off", "interfaces": [], "obstacle": null}));
    let peer = &status["peers"][0];
    assert_eq!(
        keys(peer),
        [
            "added",
            "confirmed",
            "connected",
            "device",
            "fingerprint",
            "grants",
            "in_step",
            "lapses_at",
            "last_seen",
            "link",
            "name",
            "progress",
            "reason",
            "role"
        ]
    );
    assert_eq!((&peer["connected"], &peer["in_step"], &peer["progress"]), (&json!(false), &json!(false), &json!(null)));
    assert!(peer["last_seen"].is_string() && peer["lapses_at"].is_null(), "{peer}");
    let fields = ["conflicts", "entries", "held_back", "id", "name", "nodes", "peers"];
    assert_eq!(keys(&status["workspaces"][0]), fields);
    assert_eq!(status["workspaces"][0]["held_back"], 0);
    let shared = &status["workspaces"][0]["peers"][0];
    assert_eq!(keys(shared), ["device", "in_step_at", "name", "progress", "reason", "since"]);
    assert!(shared["in_step_at"].is_string(), "{shared}");
    assert_eq!((&shared["name"], &shared["reason"], &shared["progress"]), (&json!("lap"), &json!(null), &json!(null)));

    // Alone, it is noted why nothing moves.
    let alone = desk.run(&["up", "--once", "--wait", "500ms", "--json"]);
    assert_eq!(alone.status.code(), Some(4));
    let told = document(&String::from_utf8(alone.stdout).unwrap());
    assert_eq!((&told["peers"][0]["state"], &told["peers"][0]["name"]), (&json!("unreachable"), &json!("lap")));
    let status = desk.json(&["status"]);
    let reason = &status["reasons"][0];
    assert_eq!(keys(reason), ["action", "clock_skew_ms", "code", "peer", "since", "what", "workspace"]);
    assert_eq!(status["workspaces"][0]["peers"][0]["reason"], "unreachable", "so it stops every workspace");
    assert_eq!((&reason["code"], &reason["peer"]), (&json!("unreachable"), &status["peers"][0]["device"]));
    assert_eq!(status["indicator"], "offline", "it passes by itself");

    desk.ok(&["node", "title", "HyperCard", "one"]);
    lap.ok(&["node", "title", "HyperCard", "other"]);
    sync(&desk, &lap);
    for device in [&desk, &lap] {
        let status = device.json(&["status"]);
        assert_eq!(status["indicator"], "conflict");
        assert_eq!(keys(&status["conflicts"][0]), ["id", "kind", "node", "title", "workspace"]);
        assert_eq!(status["conflicts"][0]["kind"], "title");
        assert_eq!(status["reasons"], json!([]), "met again, nothing is in the way");
    }
    assert!(desk.ok(&["status"]).starts_with("! conflict\n"));
}

#[test]
fn a_third_device_gets_it_all_from_the_second() {
    let [desk, lap] = in_step();
    let phone = Device::new("phone");
    pair(&lap, &phone);
    lap.ok(&["node", "add", "u:lap"]);
    let words = ["up", "--once", "--json", "--wait", "20s"];
    // The desk is away; lap looks for it in vain, and ends well all the same.
    let second = lap.start(&["up", "--once", "--json", "--wait", "3s"]);
    let told = document(&crate::device::succeeded(&words, &phone.run(&words)));
    assert!(told["peers"].to_string().contains("in-step"), "{told}");
    let told = document(&crate::device::succeeded(&words, &second.end()));
    let states: Vec<&Value> = told["peers"].as_array().unwrap().iter().map(|peer| &peer["state"]).collect();
    assert!(states.contains(&&json!("unreachable")) && states.contains(&&json!("in-step")), "{told}");
    assert_equal(&phone, &lap);
    sync_with_one_of_several(&desk, &lap);
    assert_equal(&desk, &lap);
    assert_eq!(desk.json(&["node", "show", "u:lap"])["created"]["name"], "lap");
}

/// As `sync`, where the devices have other peers that are away.
fn sync_with_one_of_several(one: &Device, other: &Device) {
    let words = ["up", "--once", "--json", "--wait", "3s"];
    let first = one.start(&words);
    let second = other.run(&words);
    for output in [first.end(), second] {
        crate::device::succeeded(&words, &output);
    }
}

/// A disk that was put back, and went on from there: both histories stay, and the program says so.
#[test]
fn a_fork_is_told_with_its_branches() {
    let [desk, lap] = in_step();
    let earlier = desk.copy();
    desk.ok(&["node", "add", "https://example.org/first"]);
    sync(&desk, &lap);
    earlier.ok(&["node", "add", "https://example.org/second"]);
    sync(&earlier, &lap);
    let id = desk.json(&["id"])["device"].clone();
    for device in [&earlier, &lap] {
        let forks = device.json(&["status"])["forks"].clone();
        let [fork] = forks.as_array().unwrap().as_slice() else { panic!("{forks}") };
        assert_eq!(keys(fork), ["branches", "device", "incarnation", "name", "seq", "workspace"]);
        assert_eq!((&fork["device"], &fork["name"]), (&id, &json!("desk")));
        assert!(device.ok(&["status"]).contains("desk wrote two histories"));
        // The tail calls them what they go by now.
        let tail = device.json(&["log", "tail", "-n", "4"]);
        let at_fork = |row: &&Value| row["seq"] == fork["seq"] && row["device"] == id;
        let rows: Vec<&Value> = tail["entries"].as_array().unwrap().iter().filter(at_fork).collect();
        let mut shown: Vec<&Value> = rows.iter().map(|row| &row["incarnation"]).collect();
        let mut branches: Vec<&Value> = fork["branches"].as_array().unwrap().iter().collect();
        shown.sort_by_key(ToString::to_string);
        branches.sort_by_key(ToString::to_string);
        assert_eq!(shown, branches, "{tail} {fork}");
        assert!(rows.iter().any(|row| row["stored_as"] == fork["incarnation"]), "{tail}");
    }
    assert_eq!(desk.json(&["status"])["forks"], json!([]), "it has yet to hear of it");
}

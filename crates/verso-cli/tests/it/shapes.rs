//! The fields of the documents that other tests don't hold, and that `docs/cli.md` names them all.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::device::{Device, befriend, keys, meet, pair, sync};

/// Holds the fields of documents, and collects their names.
#[derive(Default)]
struct Shapes {
    names: BTreeSet<String>,
}

impl Shapes {
    fn hold(&mut self, what: &str, document: &Value, fields: &str) {
        assert_eq!(keys(document).join(" "), fields, "{what}");
        self.names.extend(fields.split(' ').map(str::to_owned));
    }

    /// Runs a command, and holds its document.
    fn of(&mut self, device: &Device, words: &[&str], fields: &str) -> Value {
        let document = device.json(words);
        self.hold(&words.join(" "), &document, fields);
        document
    }

    /// The reference has every one of these names as code.
    fn are_documented(self) {
        let reference = include_str!("../../../../docs/cli.md");
        for name in self.names {
            assert!(reference.contains(&format!("`{name}`")), "`{name}` does not stand in docs/cli.md");
        }
    }
}

#[test]
fn of_commands_on_one_device() {
    let desk = Device::new("desk");
    let mut shapes = Shapes::default();
    let garden = shapes.of(&desk, &["workspace", "new", "garden"], "id name")["id"].clone();
    let renamed = shapes.of(&desk, &["workspace", "rename", "garden", "yard"], "workspace");
    assert_eq!(renamed["workspace"], serde_json::json!({"id": garden, "name": "yard"}));
    for url in ["u:one", "u:two"] {
        shapes.of(&desk, &["node", "add", url], "node");
    }
    shapes.of(&desk, &["node", "title", "u:one", "one"], "node");
    shapes.of(&desk, &["node", "url", "u:two", "u:2"], "node");
    shapes.of(&desk, &["node", "tag", "one", "a", "b"], "node");
    shapes.of(&desk, &["node", "untag", "one", "a"], "node");
    shapes.of(&desk, &["edge", "add", "one", "u:2", "--kind", "to"], "dst kind src");
    let node = shapes.of(
        &desk,
        &["node", "show", "one"],
        "because conflicts created incoming node outgoing rule state tagged tags title titles url urls",
    );
    shapes.hold("an edge", &node["outgoing"][0], "by kind node title");
    shapes.hold("a tag", &node["tagged"][0], "by tag");
    shapes.of(&desk, &["edge", "rm", "one", "u:2", "--kind", "to"], "dst kind src");
    shapes.of(&desk, &["node", "rm", "one"], "nodes");
    let listed = shapes.of(&desk, &["workspace", "list"], "offers workspaces");
    shapes.hold("a workspace", &listed["workspaces"][0], "access edges id name nodes");

    let tail = shapes.of(&desk, &["log", "tail", "-n", "3"], "entries workspace");
    assert_eq!(tail["entries"].as_array().unwrap().len(), 3);
    shapes.hold("an entry", &tail["entries"][0], "at bytes device incarnation kind name seq stored_as");
    shapes.of(&desk, &["log", "verify"], "damage entries ok segments torn");
    let stats = shapes.of(&desk, &["log", "stats"], "logs");
    let row = "authors bytes entries loose_segments name runs segments workspace";
    shapes.hold("a journal", &stats["logs"][0], row);
    let compacted = shapes.of(&desk, &["log", "compact"], "logs");
    let row = "bytes_after bytes_before entries name segments_after segments_before workspace";
    shapes.hold("a journal that was compacted", &compacted["logs"][0], row);
    shapes.of(&desk, &["log", "repair", "--wait", "100ms"], "damaged missing ok unreadable");
    let checks = shapes.of(&desk, &["doctor"], "checks");
    shapes.hold("a check", &checks["checks"][0], "hint name verdict what");

    let offers = shapes.of(&desk, &["pair", "list"], "invitations");
    assert_eq!(offers["invitations"], Value::from(Vec::<Value>::new()));
    let made = desk.json(&["pair", "--invite", "--yes"]);
    let id = made["id"].as_str().unwrap();
    let row = "expires_at failed_proofs id role state used_by workspaces";
    shapes.hold("an invitation", &desk.json(&["pair", "list"])["invitations"][0], row);
    shapes.of(&desk, &["pair", "withdraw", id], row);

    let file = desk.file("desk.verso", "");
    std::fs::remove_file(&file).unwrap();
    shapes.of(&desk, &["backup", &file], "bytes damage device entries file workspaces");
    let again = Device::blank();
    let fields = "data_dir device entries fingerprint keystore made_at name unconfirmed workspaces";
    shapes.of(&again, &["restore", &file], fields);
    shapes.are_documented();
}

#[test]
fn of_commands_about_others() {
    let [desk, lap, ana] = ["desk", "lap", "ana"].map(Device::new);
    let mut shapes = Shapes::default();
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    befriend(&desk, &ana, &[]);
    // Before the first contact it can't be given anything, and why is told.
    let failure = desk.fails(&["workspace", "share", "garden", "ana"]);
    assert!(failure.why.contains("not met yet") && failure.hint.contains("verso up"), "{failure:?}");
    meet(&desk, &ana);
    shapes.of(&desk, &["workspace", "share", "garden", "ana", "--access", "ro"], "access peer workspace");
    meet(&desk, &ana);
    let listed = shapes.of(&ana, &["workspace", "list"], "offers workspaces");
    shapes.hold("an offer", &listed["offers"][0], "access from id name");
    shapes.of(&ana, &["workspace", "join", "garden"], "access workspace");
    let peers = shapes.of(&desk, &["peers"], "peers");
    let friend = peers["peers"].as_array().unwrap().iter().find(|peer| peer["name"] == "ana").unwrap();
    let row = "added confirmed device fingerprint grants lapses_at last_seen name role";
    shapes.hold("a peer", friend, row);
    shapes.hold("a grant", &friend["grants"][0], "access left workspace");
    shapes.hold("how it was added", &friend["added"], "at by introduced_by way");
    let renamed = shapes.of(&desk, &["rename", "ana", "anna"], "peer");
    shapes.hold("a peer that was renamed", &renamed["peer"], "device name");
    shapes.of(&desk, &["address", "anna", "127.0.0.1:9"], "peer");
    shapes.of(&desk, &["workspace", "unshare", "garden", "anna"], "peer workspace");
    shapes.of(&desk, &["confirm", "lap"], "confirmed unconfirmed");
    let forgotten = shapes.of(&desk, &["forget", "anna"], "peer with");
    assert_eq!(forgotten["with"], Value::from(Vec::<Value>::new()));
    shapes.of(&lap, &["workspace", "leave", "garden", "--yes"], "workspace");
    shapes.are_documented();
}

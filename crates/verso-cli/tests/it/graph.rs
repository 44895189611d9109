//! Workspaces, nodes and edges from the command line, and the shape of each answer.

use serde_json::json;

use crate::device::{Device, keys, sample};

#[test]
fn workspaces_are_made_and_listed() {
    let device = Device::new("desk");
    assert_eq!(device.json(&["workspace", "list"]), json!({"workspaces": [], "offers": []}));
    let none = device.fails(&["show"]);
    assert_eq!((none.code, none.hint.contains("verso workspace new")), (1, true), "{none:?}");
    let made = device.json(&["workspace", "new", "garden"]);
    assert_eq!(keys(&made), ["id", "name"]);
    let row = json!({"id": made["id"], "name": "garden", "nodes": 0, "edges": 0, "access": "rw"});
    assert_eq!(device.json(&["workspace", "list"]), json!({"workspaces": [row], "offers": []}));
    for (name, why) in [("", "empty"), (&*"x".repeat(2_000), "bytes")] {
        let failure = device.fails(&["workspace", "new", name]);
        assert_eq!(failure.code, 2, "{failure:?}");
        assert!(failure.why.contains(why), "{failure:?}");
    }
    assert_eq!(device.json(&["workspace", "list"])["workspaces"].as_array().unwrap().len(), 1);
}

#[test]
fn a_node_lives_through_every_command() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let words = ["node", "add", "https://w3.org/", "--title", "W3C", "--tag", "web", "--tag", "body", "--tag", "web"];
    let added = device.json(&words);
    assert_eq!(keys(&added), ["node"]);
    let id = added["node"].as_str().unwrap();
    let other = device.ok(&["node", "add", "https://rfc-editor.org/"]);
    let other = other.trim();
    assert_eq!((id.len(), other.len()), (36, 36), "people get the id alone");

    let edge = device.json(&["edge", "add", "W3C", "https://rfc-editor.org/", "--kind", "cites"]);
    assert_eq!(edge, json!({"src": id, "dst": other, "kind": "cites"}));
    for words in [
        &["node", "title", other, "RFCs"][..],
        &["node", "url", "RFCs", "https://www.rfc-editor.org/"],
        &["node", "tag", "RFCs", "ietf", "standards"],
        &["node", "untag", "RFCs", "standards"],
        &["edge", "add", "RFCs", "W3C"],
    ] {
        device.json(words);
    }
    let view = device.json(&["node", "show", &other[..13]]);
    let fields = "because conflicts created incoming node outgoing rule state tagged tags title titles url urls";
    assert_eq!(keys(&view), fields.split(' ').collect::<Vec<_>>());
    assert_eq!((&view["title"], &view["url"]), (&json!("RFCs"), &json!("https://www.rfc-editor.org/")));
    assert_eq!((&view["tags"], &view["state"]), (&json!(["ietf"]), &json!("live")));
    for (edges, kind) in [("outgoing", ""), ("incoming", "cites")] {
        let edge = &view[edges][0];
        assert_eq!((&edge["node"], &edge["title"], &edge["kind"]), (&json!(id), &json!("W3C"), &json!(kind)));
        assert_eq!((view[edges].as_array().unwrap().len(), &edge["by"][0]["name"]), (1, &json!("desk")));
    }
    assert_eq!((&view["tagged"][0]["by"][0]["name"], &view["rule"]), (&json!("desk"), &json!("not-deleted")));
    assert_eq!(keys(&view["titles"][0]), ["at", "device", "name", "value"]);
    assert_eq!((view["titles"].as_array().unwrap().len(), &view["created"]["name"]), (1, &json!("desk")));

    assert_eq!(device.json(&["edge", "rm", "RFCs", "W3C"]), json!({"src": other, "dst": id, "kind": ""}));
    let gone = device.fails(&["edge", "rm", "RFCs", "W3C"]);
    assert_eq!((gone.code, gone.why.contains("no edge")), (1, true), "{gone:?}");
    let bare = device.fails(&["node", "untag", "RFCs", "nothing"]);
    assert_eq!((bare.code, bare.why.contains("no tag")), (1, true), "{bare:?}");

    assert_eq!(device.json(&["node", "rm", "RFCs", id, id]), json!({"nodes": [other, id]}));
    assert_eq!(device.fails(&["node", "show", "W3C"]).code, 1);
    let list = device.json(&["workspace", "list"]);
    assert_eq!((&list["workspaces"][0]["nodes"], &list["workspaces"][0]["edges"]), (&json!(0), &json!(0)));
}

#[test]
fn what_is_there_already_is_not_recorded_again() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    device.ok(&["node", "add", "u:a", "--title", "A", "--tag", "x"]);
    device.ok(&["edge", "add", "A", "A", "--kind", "self"]);
    let before = device.json(&["show"])["entries"].clone();
    device.ok(&["node", "tag", "A", "x", "x"]);
    device.ok(&["edge", "add", "A", "A", "--kind", "self"]);
    assert_eq!(device.json(&["show"])["entries"], before);
}

#[test]
fn what_could_be_several_is_none_and_all_are_named() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    device.ok(&["workspace", "new", "work"]);
    let failure = device.fails(&["node", "add", "u:a"]);
    assert_eq!(failure.code, 2, "{failure:?}");
    assert!(failure.why.contains("garden (") && failure.why.contains("work ("), "{failure:?}");
    let ids = [0, 1].map(|_| device.ok(&["node", "add", "u:a", "--title", "twin", "-w", "work"]).trim().to_owned());
    let output = device.command(&["node", "show", "twin", "--json"]).env("VERSO_WORKSPACE", "work").output().unwrap();
    let failure = crate::device::failed(&["node", "show"], &output);
    assert_eq!(failure.code, 2, "{failure:?}");
    assert!(ids.iter().all(|id| failure.why.contains(&id[..13])), "{failure:?}");
    device.ok(&["node", "show", &ids[0], "-w", "work"]);
    assert_eq!(device.fails(&["show", "gar"]).code, 1, "a name is whole or it is none");
}

#[test]
fn a_workspace_at_a_glance() {
    let device = Device::new("desk");
    let id = device.json(&["workspace", "new", "garden"])["id"].clone();
    device.ok(&["import", sample()]);
    let view = device.json(&["show"]);
    let fields = "conflicts edges entries ghosts most_used_tags newest_nodes nodes tags traversals workspace";
    assert_eq!(keys(&view), fields.split(' ').collect::<Vec<_>>());
    assert_eq!(view["workspace"], json!({"id": id, "name": "garden"}));
    assert_eq!((&view["nodes"], &view["conflicts"]), (&json!(71), &json!(0)));
    assert_eq!(keys(&view["newest_nodes"][0]), ["id", "state", "title", "url"]);
    let counts: Vec<u64> =
        view["most_used_tags"].as_array().unwrap().iter().map(|tag| tag["nodes"].as_u64().unwrap()).collect();
    assert!(counts.len() == 10 && counts.is_sorted_by(|a, b| a >= b), "{view}");
    assert!(device.ok(&["show", "garden"]).contains("71 nodes"));
}

#[test]
fn text_of_others_cant_reach_the_terminal_as_commands() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    device.ok(&["node", "add", "u:a", "--title", "\u{1b}[2J\u{202e}evil", "--tag", "a\u{7}b"]);
    for words in [&["show"][..], &["node", "show", "u:a"]] {
        let text = device.ok(words);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{text:?}");
        assert!(text.contains("evil"), "{text:?}");
    }
}

#[test]
fn too_long_is_refused_and_nothing_is_recorded() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let failure = device.fails(&["node", "add", "u:a", "--title", &"x".repeat(40_000)]);
    assert_eq!((failure.code, failure.hint.as_str()), (2, "make it shorter"), "{failure:?}");
    assert!(!failure.why.contains("intent"), "{failure:?}");
    assert_eq!(device.json(&["show"])["nodes"], 0);
}

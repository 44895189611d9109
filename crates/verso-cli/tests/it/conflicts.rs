//! What two devices did apart and can't stand side by side: listed with both sides, and decided for both.

use serde_json::{Value, json};

use crate::device::{Device, apart, assert_equal, keys, sync};

fn conflicts(device: &Device) -> Vec<Value> {
    device.json(&["conflicts"])["conflicts"].as_array().unwrap().clone()
}

fn of_kind(device: &Device, kind: &str) -> Value {
    conflicts(device).into_iter().find(|conflict| conflict["kind"] == kind).unwrap()
}

#[test]
fn both_sides_are_listed_with_who_and_when_and_the_rule() {
    let [desk, lap] = apart();
    assert_eq!(conflicts(&desk), conflicts(&lap));
    let title = of_kind(&desk, "title");
    let fields = "authors id kind names node rule times title values workspace";
    assert_eq!(keys(&title), fields.split(' ').collect::<Vec<_>>());
    assert_eq!(title["rule"], "greatest-stamp");
    let shown = desk.json(&["node", "show", "u:a"]);
    assert_eq!((&title["node"], &title["values"][0]), (&shown["node"], &shown["title"]));
    let mut names: Vec<&str> = title["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["desk", "lap"]);
    assert_eq!((title["authors"].as_array().unwrap().len(), title["times"].as_array().unwrap().len()), (2, 2));
    let deletion = of_kind(&desk, "deletion");
    assert_eq!((&deletion["rule"], &deletion["values"]), (&json!("unseen-activity"), &json!(["deleted", "tag"])));
    assert_eq!(deletion["names"], json!(["desk", "lap"]));
    // The node itself tells why it is as it is.
    let ghost = lap.json(&["node", "show", "u:b"]);
    assert_eq!(ghost["rule"], "unseen-activity");
    assert_eq!((&ghost["because"][0]["what"], &ghost["because"][1]["what"]), (&json!("deleted"), &json!("tag")));
    assert_eq!((&ghost["tagged"][0]["tag"], &ghost["tagged"][0]["by"][0]["name"]), (&json!("keep"), &json!("lap")));
    let text = desk.ok(&["conflicts"]);
    for words in ["from desk", "from lap", "verso conflicts pick title:", "verso conflicts resolve deletion:"] {
        assert!(text.contains(words), "{text}");
    }
    assert!(desk.ok(&["status"]).contains("verso conflicts") && desk.ok(&["show"]).contains("verso conflicts"));
}

#[test]
fn what_one_decides_is_decided_for_both() {
    let [desk, lap] = apart();
    let title = of_kind(&lap, "title");
    let loser = title["values"][1].as_str().unwrap();
    let id = title["id"].as_str().unwrap();
    let settled = lap.json(&["conflicts", "pick", &id[..20], loser]);
    assert_eq!(keys(&settled), ["id", "kind", "node", "workspace"]);
    assert_eq!(settled["id"], id);
    let node = of_kind(&desk, "deletion")["node"].as_str().unwrap().to_owned();
    desk.ok(&["conflicts", "resolve", &format!("deletion:{}", &node[..13]), "keep"]);
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
    for device in [&desk, &lap] {
        assert_eq!(conflicts(device), [Value::Null; 0]);
        assert_eq!(device.json(&["node", "show", "u:a"])["title"], loser);
        assert_eq!(device.json(&["node", "show", "u:b"])["state"], "live");
        assert_eq!(device.ok(&["conflicts"]), "nothing is to be decided\n");
    }
}

#[test]
fn ghosts_and_deletions_are_decided_and_values_go_by_number() {
    let [desk, lap] = apart();
    let of_b = of_kind(&desk, "deletion")["node"].as_str().unwrap().to_owned();
    let of_a = of_kind(&desk, "title");
    desk.ok(&["conflicts", "resolve", &of_b, "ghost"]);
    lap.ok(&["conflicts", "pick", of_a["node"].as_str().unwrap(), "2", "-w", "garden"]);
    sync(&desk, &lap);
    assert_eq!(desk.json(&["node", "show", "u:b"])["state"], "ghost");
    assert_eq!(desk.json(&["node", "show", "u:a"])["title"], of_a["values"][1]);
    assert_eq!((conflicts(&desk).len(), conflicts(&lap).len()), (0, 0));
}

#[test]
fn nonsense_is_told_and_changes_nothing() {
    let [desk, _lap] = apart();
    let before = desk.export();
    let title = of_kind(&desk, "title")["id"].as_str().unwrap().to_owned();
    let deletion = of_kind(&desk, "deletion")["id"].as_str().unwrap().to_owned();
    for (words, code) in [
        (&["conflicts", "resolve", "title:ffffffff-ffff", "keep"][..], 1),
        (&["conflicts", "resolve", &title, "ghost"], 2),
        (&["conflicts", "resolve", &title, "perhaps"], 2),
        (&["conflicts", "pick", &title, "none of them"], 1),
        (&["conflicts", "pick", &title, "3"], 1),
        (&["conflicts", "pick", &deletion, "1"], 1),
        (&["conflicts", "pick", "", "1"], 1),
        (&["conflicts", "-w", "nowhere"], 1),
    ] {
        let failure = desk.fails(words);
        assert_eq!(failure.code, code, "{words:?} {failure:?}");
    }
    assert_eq!(desk.export(), before);
}

//! What two devices did at once is listed on both, decided on one, and then decided on both.

use serde_json::{Value, json};

use crate::device::{Device, assert_equal, keys, pair, sync};

/// A desk and a laptop that retitled one node, and of which one deleted what the other tagged, while apart.
fn at_odds() -> [Device; 2] {
    let [desk, lap] = [Device::new("desk"), Device::new("lap")];
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["node", "add", "u:a", "--title", "A"]);
    desk.ok(&["node", "add", "u:b", "--title", "B"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    desk.ok(&["node", "title", "u:a", "A of desk"]);
    desk.ok(&["node", "rm", "u:b"]);
    lap.ok(&["node", "title", "u:a", "A of lap"]);
    lap.ok(&["node", "tag", "u:b", "keep"]);
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
    [desk, lap]
}

fn open(device: &Device) -> Vec<Value> {
    device.json(&["conflicts"])["conflicts"].as_array().unwrap().clone()
}

fn of_kind(conflicts: &[Value], kind: &str) -> Value {
    conflicts.iter().find(|conflict| conflict["kind"] == kind).unwrap().clone()
}

#[test]
fn both_sides_are_listed_with_who_and_when() {
    let [desk, lap] = at_odds();
    let conflicts = open(&desk);
    assert_eq!(conflicts, open(&lap));
    assert_eq!(conflicts.len(), 2);
    let title = of_kind(&conflicts, "title");
    assert_eq!(
        keys(&title),
        ["authors", "id", "kind", "names", "node", "rule", "times", "title", "values", "workspace"]
    );
    assert_eq!(title["values"], json!(["A of lap", "A of desk"]), "the later one is shown");
    assert_eq!((&title["names"], &title["rule"]), (&json!(["lap", "desk"]), &json!("greatest-stamp")));
    assert_eq!(title["authors"][0], lap.json(&["id"])["device"]);
    assert!(title["times"][0].as_str() > title["times"][1].as_str());
    let deletion = of_kind(&conflicts, "deletion");
    assert_eq!((&deletion["values"], &deletion["title"]), (&json!(["deleted", "tag"]), &json!("B")));
    let text = desk.ok(&["conflicts", "-w", "garden"]);
    for words in ["A of desk", "A of lap", "deleted", title["id"].as_str().unwrap()] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_loser_is_picked_and_a_ghost_kept_on_both() {
    let [desk, lap] = at_odds();
    let conflicts = open(&lap);
    let (title, deletion) = (of_kind(&conflicts, "title"), of_kind(&conflicts, "deletion"));
    let decided = lap.json(&["conflicts", "pick", title["id"].as_str().unwrap(), "A of desk"]);
    assert_eq!(decided, json!({"id": title["id"], "workspace": title["workspace"]}));
    let start = &deletion["node"].as_str().unwrap()[..13];
    desk.ok(&["conflicts", "resolve", start, "keep"]);
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
    for device in [&desk, &lap] {
        assert_eq!(open(device), Vec::<Value>::new());
        assert_eq!(device.json(&["node", "show", "u:a"])["title"], "A of desk");
        assert_eq!(device.json(&["node", "show", "u:b"])["state"], "live");
        assert!(device.ok(&["conflicts"]).contains("nothing"));
    }
    let again = lap.fails(&["conflicts", "resolve", start, "delete"]);
    assert_eq!((again.code, again.why.contains("no open conflict")), (1, true), "{again:?}");
}

#[test]
fn a_value_has_a_number_and_a_ghost_may_stay_or_go() {
    let [desk, lap] = at_odds();
    desk.ok(&["conflicts", "pick", "title:", "2"]);
    assert_eq!(desk.json(&["node", "show", "u:a"])["title"], "A of desk");
    desk.ok(&["conflicts", "resolve", "deletion", "ghost"]);
    assert_eq!(open(&desk), Vec::<Value>::new());
    assert_eq!(desk.json(&["node", "show", "u:b"])["state"], "ghost");
    lap.ok(&["conflicts", "resolve", "deletion", "delete"]);
    assert_eq!(lap.fails(&["node", "show", "u:b"]).code, 1);
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
    assert_eq!(
        desk.json(&["node", "show", "u:b"])["state"],
        "ghost",
        "of decisions at once the one that keeps more counts"
    );
}

#[test]
fn what_makes_no_sense_changes_nothing() {
    let [desk, _lap] = at_odds();
    let before = desk.export();
    for (words, code, hint) in [
        (&["conflicts", "pick", "title", "3"][..], 2, "as it is listed"),
        (&["conflicts", "pick", "title", "0"], 2, "as it is listed"),
        (&["conflicts", "pick", "title", "A of nobody"], 2, "as it is listed"),
        (&["conflicts", "pick", "deletion", "1"], 2, "resolve"),
        (&["conflicts", "resolve", "title", "delete"], 2, "pick"),
        (&["conflicts", "resolve", "", "keep"], 2, "more of its id"),
        (&["conflicts", "resolve", "url:", "keep"], 1, "verso conflicts"),
        (&["conflicts", "-w", "nowhere"], 1, "-w"),
    ] {
        let failure = desk.fails(words);
        assert_eq!((failure.code, failure.hint.contains(hint)), (code, true), "{words:?} {failure:?}");
    }
    assert_eq!(desk.export(), before);
}

//! Bookmarks as browsers write them: imported, exported, and imported again.

use serde_json::{Value, json};

use crate::device::{Device, keys};

const FIREFOX: &str = include_str!("../../../verso-bookmarks/tests/browsers/firefox.html");
const CHROME: &str = include_str!("../../../verso-bookmarks/tests/browsers/chrome.html");
const SAFARI: &str = include_str!("../../../verso-bookmarks/tests/browsers/safari.html");

/// A device with a workspace.
fn device(name: &str) -> Device {
    let device = Device::new(name);
    device.ok(&["workspace", "new", "garden"]);
    device
}

/// What the workspace shows of a node, ids left out.
fn node(device: &Device, name: &str) -> Value {
    let mut node = device.json(&["node", "show", name]);
    let links = |ends: &Value| -> Vec<Value> {
        ends.as_array().unwrap().iter().map(|end| json!([end["title"], end["kind"]])).collect()
    };
    json!({"url": node["url"].take(), "tags": node["tags"].take(), "out": links(&node["outgoing"]), "in": links(&node["incoming"])})
}

#[test]
fn a_browser_s_bookmarks_become_a_graph() {
    let device = device("desk");
    let file = device.file("bookmarks.html", FIREFOX);
    let counts = device.json(&["import", &file]);
    let left_out = json!({"descriptions": 2, "separators": 2, "keywords": 1, "queries": 1, "unusable": 0});
    assert_eq!(counts, json!({"nodes": 12, "tags": 5, "edges": 7, "intents": 24, "skipped": 0, "left_out": left_out}));
    let dal = json!({"url": "https://recipes.example.org/dal?for=4&hot=yes", "tags": ["dinner", "lentils"],
        "out": [], "in": [["Recipes", "contains"]]});
    assert_eq!(node(&device, "Dal, the \"quick\" one"), dal);
    let folder = json!({"url": "folder:Recipes/Bread%20&%20cake", "tags": [],
        "out": [["Rye <72 h>", "contains"]], "in": [["Recipes", "contains"]]});
    assert_eq!(node(&device, "Bread & cake"), folder);
    assert_eq!(node(&device, "Bookmarks Toolbar")["tags"], json!(["toolbar"]));

    let before = device.export();
    let compressed = device.file("bookmarks.html.zst", zstd::encode_all(FIREFOX.as_bytes(), 3).unwrap());
    let again = device.json(&["import", &compressed]);
    assert_eq!((&again["intents"], &again["skipped"]), (&json!(0), &json!(24)), "importing twice adds nothing");
    assert_eq!(device.export(), before);
    let text = device.ok(&["import", &file]);
    assert!(text.contains("the workspace has it all") && text.contains("left out 2 descriptions"), "{text}");
}

#[test]
fn what_three_browsers_know_comes_together_and_goes_back() {
    let first = device("desk");
    for (name, html) in [("firefox.html", FIREFOX), ("chrome.html", CHROME), ("safari.html", SAFARI)] {
        first.json(&["import", &first.file(name, html)]);
    }
    let w3c = node(&first, "W3C");
    let expected = ["Bookmarks Toolbar", "Favourites", "Lesezeichenleiste", "Maps/Trails"];
    let mut folders: Vec<&str> = w3c["in"].as_array().unwrap().iter().map(|end| end[0].as_str().unwrap()).collect();
    folders.sort_unstable();
    assert_eq!(folders, expected, "one page, in the folders of all of them");

    first.ok(&["edge", "add", "Words", "Night", "--kind", "beside"]);
    first.ok(&["node", "tag", "Words", "a, b"]);
    let html = first.ok(&["export", "--format", "bookmarks"]);
    assert_eq!(html.matches("PERSONAL_TOOLBAR_FOLDER=\"true\"").count(), 2);
    assert_eq!(html.matches("HREF=\"https://www.w3.org/\"").count(), 4, "a link in each folder");

    let second = device("lap");
    let counts = second.json(&["import", &second.file("exported.html", &html)]);
    let shown = first.json(&["show"]);
    for count in ["nodes", "tags", "edges"] {
        assert_eq!(counts[count], shown[count], "{count}");
    }
    assert_eq!(node(&second, "Words"), node(&first, "Words"), "the edge and the tag with a comma, too");
    // What stands in four folders is read four times; nothing is added by that.
    let again = second.json(&["import", &second.file("exported.html", &html)]);
    assert_eq!(again["intents"], 0);
    assert_eq!(second.ok(&["export", "--format", "bookmarks", "--json"]).lines().count(), html.lines().count());
}

#[test]
fn files_that_look_like_bookmarks_and_are_none_are_told_apart() {
    let device = device("desk");
    let before = device.export();
    let page = "<!doctype html><ul><li><a href=https://example.org/>one</a></ul>";
    let chromes = "{\n   \"checksum\": \"0\",\n   \"roots\": {\n";
    let firefoxes = "{\"guid\":\"root________\",\"title\":\"\",\"index\":0}";
    let cut = [FIREFOX.as_bytes(), b"<DT><A HREF=x>\xff</A>"].concat();
    for (name, bytes, why, hint) in [
        ("page.html", page.as_bytes(), "it is HTML", "--format bookmarks"),
        ("Bookmarks", chromes.as_bytes(), "in which Chrome keeps its bookmarks", "export"),
        ("backup.json", firefoxes.as_bytes(), "in which Firefox keeps its bookmarks", "export"),
        ("backup.jsonlz4", b"mozLz40\0\x01\x02", "in which Firefox keeps its bookmarks", "export"),
        ("Bookmarks.plist", b"bplist00\xd4\x01", "in which Safari keeps its bookmarks", "export"),
        ("latin.html", &cut, "line 40: not UTF-8", "save the file as UTF-8"),
    ] {
        let failure = device.fails(&["import", &device.file(name, bytes)]);
        assert_eq!(failure.code, 1, "{failure:?}");
        assert!(failure.why.contains(why) && failure.hint.contains(hint), "{failure:?}");
    }
    assert_eq!(device.export(), before, "nothing was imported");
    let page = device.file("page.html", page);
    assert_eq!(device.json(&["import", &page, "--format", "bookmarks"])["nodes"], 1);
    let failure = device.fails(&["import", &page, "--format", "jsonl"]);
    assert!(failure.why.contains("line 1, column 1: a line has to be one JSON object"), "{failure:?}");
    let told = device.json(&["import", &device.file("firefox.html", FIREFOX), "--format", "bookmarks"]);
    assert_eq!(keys(&told), ["edges", "intents", "left_out", "nodes", "skipped", "tags"]);
}

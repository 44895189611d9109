//! `import` and `export`: what goes in comes out, and what is broken leaves nothing behind.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::device::{Device, keys, sample};

/// As many good lines as asked for.
pub(crate) fn lines(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, id| {
        let next = (id + 1) % count;
        writeln!(text, r#"{{"id":{id},"title":"title {id}","url":"https://example.org/{id}","tags":["t{}"],"links":[[{next},"next"]]}}"#, id % 10)
            .unwrap();
        text
    })
}

#[test]
fn what_goes_in_comes_out() {
    let device = Device::new("desk");
    let workspace = device.json(&["workspace", "new", "garden"]);
    let counts = device.json(&["import", sample()]);
    assert_eq!(keys(&counts), ["edges", "intents", "left_out", "nodes", "skipped", "tags"]);
    assert_eq!((&counts["nodes"], &counts["skipped"]), (&json!(71), &json!(0)));
    let exported: Value = serde_json::from_str(&device.export()).unwrap();
    assert_eq!(keys(&exported), ["digest", "edges", "nodes", "traversals", "workspace"]);
    assert_eq!(exported["workspace"], workspace);
    assert_eq!(exported["nodes"].as_array().unwrap().len(), 71);
    assert_eq!(json!(exported["edges"].as_array().unwrap().len()), counts["edges"]);
    assert_eq!(keys(&exported["nodes"][0]), ["id", "state", "tags", "title", "url"]);
    assert_eq!(keys(&exported["edges"][0]), ["dst", "kind", "src"]);

    let drawn = device.ok(&["export", "garden", "--format", "dot"]);
    assert!(drawn.starts_with("digraph \"garden\" {\n") && drawn.ends_with("}\n"), "{drawn}");
    assert_eq!(drawn.matches(" -> ").count(), exported["edges"].as_array().unwrap().len());

    let lines = device.ok(&["export", "garden", "--format", "jsonl"]);
    let second = Device::new("lap");
    second.ok(&["workspace", "new", "garden"]);
    let file = second.file("exported.jsonl", &lines);
    let copied = second.json(&["import", &file]);
    assert_eq!((&copied["intents"], &copied["skipped"]), (&counts["intents"], &json!(0)));
    let by_title = |text: &str| {
        let mut titles: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|line| format!("{} {} {}", line["title"], line["url"], line["tags"]))
            .collect();
        titles.sort();
        titles
    };
    assert_eq!(by_title(&second.ok(&["export", "--format", "jsonl"])), by_title(&lines));
}

#[test]
fn importing_twice_adds_nothing_compressed_or_not() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let counts = device.json(&["import", sample()]);
    let before = device.export();
    let compressed = zstd::encode_all(std::fs::read(sample()).unwrap().as_slice(), 3).unwrap();
    let file = device.file("sample.jsonl.zst", compressed);
    let again = device.json(&["import", &file]);
    assert_eq!((&again["intents"], &again["skipped"]), (&json!(0), &counts["intents"]));
    assert_eq!(device.export(), before);
}

#[test]
fn a_broken_file_is_one_error_and_nothing_is_imported() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let before = device.export();
    let good = lines(50_000);
    let mut broken: Vec<&str> = good.lines().collect();
    broken[39_999] = r#"{"id":39999,"title":"no end"#;
    let broken = device.file("broken.jsonl", broken.join("\n"));
    let whole = zstd::encode_all(good.as_bytes(), 1).unwrap();
    let cut = device.file("cut.jsonl.zst", &whole[..whole.len() / 2]);
    let zip = device.file("archive.zip", b"PK\x03\x04 and so on");
    let missing = device.file("dangling.jsonl", r#"{"id":1,"title":"a","links":[[2,"to"]]}"#);
    for (file, why) in [
        (broken.as_str(), "line 40000, column "),
        (&cut, "cut short"),
        (&zip, "compressed with"),
        (&missing, "no line has that id"),
        ("/no/such/file", "can't be opened"),
        ("/", "it is not a file"),
    ] {
        let failure = device.fails(&["import", file]);
        assert_eq!(failure.code, 1, "{failure:?}");
        assert!(failure.why.contains(why), "{failure:?}");
        assert!(failure.what.contains(file), "{failure:?}");
        assert_eq!(failure.stdout, "");
    }
    assert_eq!(device.export(), before, "nothing was imported");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_whole_batches_and_another_run_completes_them() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let file = device.file("many.jsonl", lines(30_000));
    let before = device.files().iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    let import = device.start(&["import", &file, "--json"]);
    // As soon as something is in the journal.
    while device.files().iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < before + 10_000 {
        std::thread::yield_now();
    }
    import.signal("INT");
    let output = import.end();
    let failure = crate::device::failed(&["import"], &output);
    assert_eq!(failure.code, 1, "{failure:?}");
    assert!(failure.why.contains("stopped after"), "{failure:?}");
    let kept: u64 = device.json(&["show"])["nodes"].as_u64().unwrap();
    assert!(kept > 0, "what was recorded is kept");
    let rest = device.json(&["import", &file]);
    let (intents, skipped) = (rest["intents"].as_u64().unwrap(), rest["skipped"].as_u64().unwrap());
    assert_eq!(intents + skipped, 90_000, "{rest}");
    assert!(intents > 0 && skipped >= kept, "{rest}");
    assert_eq!(device.json(&["show"])["nodes"], 30_000);
}

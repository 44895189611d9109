//! `kill -9` at any moment: what was acknowledged is there, and another run completes the rest.

use std::time::Duration;

use serde_json::json;

use crate::device::{Device, assert_equal, pair, sync};
use crate::import::lines;

/// Lines of the imported file: several batches of each kind.
const LINES: usize = 20_000;

#[test]
fn an_import() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let file = device.file("many.jsonl", lines(LINES));
    let empty = bytes(&device);
    let mut entries = device.json(&["show"])["entries"].as_u64().unwrap();
    // In the journal a moment is a number of bytes.
    for more in [0, 1, 60_000, 150_000, 250_000] {
        let mut import = device.start(&["import", &file, "--json"]);
        while bytes(&device) < empty + more && import.child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        import.child.kill().unwrap();
        import.end();
        let now = device.json(&["show"])["entries"].as_u64().unwrap();
        assert!(now >= entries, "{now} of {entries} entries are left after {more} bytes");
        entries = now;
    }
    let rest = device.json(&["import", &file]);
    let (added, skipped) = (rest["intents"].as_u64().unwrap(), rest["skipped"].as_u64().unwrap());
    assert_eq!(json!(added + skipped), json!(3 * LINES), "{rest}");
    let show = device.json(&["show"]);
    assert_eq!((&show["nodes"], &show["tags"], &show["edges"]), (&json!(LINES), &json!(LINES), &json!(LINES)));
    assert_eq!(device.json(&["import", &file])["intents"], 0);
}

#[test]
fn a_sync_on_either_side() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    desk.ok(&["workspace", "new", "garden"]);
    let file = desk.file("many.jsonl", lines(LINES));
    desk.ok(&["import", &file]);
    pair(&desk, &lap);
    let words = ["up", "--once", "--json", "--wait", "20s"];
    for (round, milliseconds) in [100, 200, 300, 400, 600].into_iter().enumerate() {
        let (mut first, mut second) = (desk.start(&words), lap.start(&words));
        std::thread::sleep(Duration::from_millis(milliseconds));
        // It may be through already, which is a moment, too. The other would wait in vain.
        let (one, other) = if round % 2 == 0 { (&mut first, &mut second) } else { (&mut second, &mut first) };
        one.child.kill().unwrap();
        other.child.kill().unwrap();
        first.end();
        second.end();
        desk.ok(&["status"]);
        lap.ok(&["status"]);
    }
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
    assert_eq!(lap.json(&["show"])["nodes"], LINES);
    lap.ok(&["node", "add", "u:after"]);
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
}

/// Whether it is time to kill.
type Moment<'a> = Box<dyn Fn(&Device) -> bool + 'a>;

/// A directory is a device or none. Where it is none, another run makes the device of the same backup.
#[test]
fn a_restore() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let file = desk.file("many.jsonl", lines(LINES));
    desk.ok(&["import", &file]);
    let backup = desk.dir().with_file_name("backup");
    let backup = backup.to_str().unwrap();
    desk.ok(&["backup", backup]);
    let (whole, restored) = (desk.export(), Device::blank());
    restored.ok(&["restore", backup]);
    let all = bytes(&restored);
    let is_there = |device: &Device, name: &str| device.dir().join(name).exists();
    let mut moments: Vec<(String, Moment<'_>)> = Vec::new();
    for name in ["", "config", "logs", "state", "state/local", "identity.key"] {
        moments.push((format!("once {name:?} is there"), Box::new(move |device| is_there(device, name))));
    }
    for eighths in [0, 1, 2, 4, 6, 8] {
        let wanted = all * eighths / 8;
        moments.push((format!("after {wanted} bytes"), Box::new(move |device| bytes(device) >= wanted.max(1))));
    }
    let (mut made, mut cut_short) = (0, 0);
    for (what, is_now) in moments {
        let device = Device::blank();
        let mut restore = device.start(&["restore", backup, "--json"]);
        while !is_now(&device) && restore.child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        restore.child.kill().unwrap();
        restore.end();
        if device.run(&["id"]).status.success() {
            made += 1;
            let files = device.files();
            assert_eq!(device.fails(&["restore", backup]).code, 1, "{what}: a device is never written over");
            assert_eq!(device.files(), files, "{what}");
        } else {
            let failure = device.fails(&["show"]);
            assert_eq!(failure.code, 3, "{what}: {failure:?}");
            let is_cut_short = failure.why.contains("`verso restore` was cut short");
            assert!(is_cut_short || failure.why.contains("there is no device"), "{what}: {failure:?}");
            assert!(!is_cut_short || failure.hint.contains("run that command again"), "{what}: {failure:?}");
            cut_short += usize::from(is_cut_short);
            device.ok(&["restore", backup]);
        }
        assert_eq!(device.export(), whole, "{what}");
        assert_eq!(device.json(&["log", "verify"])["ok"], true, "{what}");
        device.ok(&["node", "add", "u:after"]);
    }
    assert!(cut_short >= 5, "{cut_short} of them in the middle, {made} at the end");
}

/// Bytes in the journals.
fn bytes(device: &Device) -> usize {
    fn below(dir: &std::path::Path) -> u64 {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .map(|entry| {
                if entry.path().is_dir() { below(&entry.path()) } else { entry.metadata().map_or(0, |data| data.len()) }
            })
            .sum()
    }
    usize::try_from(below(&device.dir().join("logs"))).unwrap()
}

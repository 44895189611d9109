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

//! `log`: the journals are verified, counted, shown and compacted, and damage is named and told apart.

use std::fs;
use std::path::PathBuf;

use crate::device::Device;

/// The files of all journals, largest first.
fn segments(device: &Device) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for log in fs::read_dir(device.dir().join("logs")).unwrap() {
        files.extend(fs::read_dir(log.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.sort_by_key(|file| std::cmp::Reverse(fs::metadata(file).unwrap().len()));
    files
}

fn device_with_nodes(nodes: usize) -> Device {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    for number in 0..nodes {
        device.ok(&["node", "add", &format!("https://example.org/{number}")]);
    }
    device
}

#[test]
fn a_whole_journal_is_verified_counted_and_shown() {
    let device = device_with_nodes(3);
    let verified = device.json(&["log", "verify"]);
    assert_eq!((&verified["ok"], &verified["damage"]), (&true.into(), &serde_json::json!([])));
    assert!(verified["entries"].as_u64().unwrap() >= 5, "{verified}");
    assert!(device.ok(&["log", "verify"]).contains("all of it"));

    let stats = device.json(&["log", "stats"]);
    let logs = stats["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 2, "one of the workspace, one of trust");
    assert_eq!((&logs[0]["name"], &logs[0]["authors"]), (&"garden".into(), &1.into()));
    let entries: u64 = logs.iter().map(|log| log["entries"].as_u64().unwrap()).sum();
    assert_eq!(verified["entries"], entries);

    let tail = device.json(&["log", "tail", "-n", "2"]);
    let shown = tail["entries"].as_array().unwrap();
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[1]["seq"].as_u64(), logs[0]["entries"].as_u64(), "the last is the last");
    assert_eq!(shown[1]["name"], "desk");
    assert!(device.ok(&["log", "tail"]).contains("desk"));
}

#[test]
fn compaction_makes_few_files_of_many_and_loses_nothing() {
    let device = device_with_nodes(5);
    let before = device.ok(&["export", "--format", "json"]);
    let stats = device.json(&["log", "stats", "-w", "garden"]);
    let compacted = device.json(&["log", "compact", "-w", "garden"]);
    let log = &compacted["logs"][0];
    assert_eq!(log["segments_before"], stats["logs"][0]["segments"]);
    assert_eq!(log["segments_after"], 1);
    assert!(log["bytes_after"].as_u64() < log["bytes_before"].as_u64(), "{compacted}");
    assert_eq!(device.ok(&["export", "--format", "json"]), before);
    assert_eq!(device.json(&["log", "verify"])["ok"], true);
    assert!(device.ok(&["log", "compact"]).contains("garden"));
}

#[test]
fn many_commands_leave_few_files() {
    let device = device_with_nodes(40);
    let stats = device.json(&["log", "stats", "-w", "garden"]);
    assert!(stats["logs"][0]["segments"].as_u64().unwrap() < 20, "{stats}");
    assert_eq!(device.json(&["show", "garden"])["nodes"], 40);
    assert_eq!(device.json(&["log", "verify"])["ok"], true);
}

#[test]
fn damage_is_named_by_file_and_offset_and_ends_with_6() {
    let device = device_with_nodes(3);
    // Closed segments are not read to open a journal: only `verify` sees it.
    let file = segments(&device).into_iter().next().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[1_050] ^= 1;
    fs::write(&file, bytes).unwrap();
    let failure = device.fails(&["log", "verify"]);
    assert_eq!(failure.code, 6, "{failure:?}");
    let told: serde_json::Value = serde_json::from_str(&failure.stdout).unwrap();
    assert_eq!(told["ok"], false);
    let damage = &told["damage"].as_array().unwrap()[0];
    assert!(file.ends_with(damage["segment"].as_str().unwrap()), "{told}");
    assert_eq!(damage["offset"], 1_024, "the record that the byte is in begins there");
    let text = device.run(&["log", "verify"]);
    assert_eq!(text.status.code(), Some(6));
    let compact = device.fails(&["log", "compact"]);
    assert_eq!(compact.code, 6, "nothing is rewritten before it is mended: {compact:?}");
}

#[test]
fn a_torn_tail_is_a_notice_and_no_damage() {
    let device = device_with_nodes(2);
    // What a kill leaves of the last change: a part of its record, and no index behind it.
    let newest = segments(&device).into_iter().max_by_key(|file| file.file_name().unwrap().to_owned()).unwrap();
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..1_100]).unwrap();
    let verified = device.json(&["log", "verify"]);
    assert_eq!((&verified["ok"], &verified["torn"][0]["offset"]), (&true.into(), &1_024.into()), "{verified}");
    assert_eq!(device.json(&["log", "verify"])["torn"], serde_json::json!([]), "it was cut off");
}

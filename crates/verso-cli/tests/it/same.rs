//! Every command does and says the same, whether `verso up` has the device open or nobody has.

use std::process::Output;

use crate::device::{Device, Running, befriend, pair, sample, succeeded, sync};

/// What only looks, so that both print the same bytes. Failures are among them.
const LOOK: &[&[&str]] = &[
    &["id"],
    &["workspace", "list"],
    &["show"],
    &["show", "garden"],
    &["show", "nothing"],
    &["export", "garden"],
    &["export", "garden", "--format", "jsonl"],
    &["node", "show", "W3C"],
    &["node", "show", "nothing"],
    &["peers"],
    &["conflicts"],
    &["conflicts", "-w", "garden"],
    &["conflicts", "resolve", "beef", "keep"],
    &["quarantine", "list"],
    &["quarantine", "keep", "--all"],
    &["quarantine", "discard", "--all"],
    &["log", "verify"],
    &["log", "stats"],
    &["log", "stats", "-w", "garden"],
    &["log", "tail", "-w", "garden"],
    &["log", "tail", "-n", "3"],
    &["pair", "list"],
    &["pair", "withdraw", "beef"],
    &["pair", "--invite"],
    &["pair", "-w", "garden", "--yes"],
    &["pair", "--role", "friend", "-w", "nothing", "--yes"],
    &["join", "no link", "--yes"],
    &["join", "pizza coffee harvest pizza coffee harvst", "--yes"],
    &["confirm", "nobody"],
    &["forget", "nobody"],
    &["address", "nobody", "127.0.0.1:7"],
    &["workspace", "join", "nothing"],
    &["workspace", "leave", "garden"],
    &["workspace", "new", ""],
    &["import", "no-such-file"],
    &["import", "../no-such-file.zst", "-w", "garden"],
    &["backup", "no-such-folder/backup"],
    &["keystore", "show"],
    &["no-such-command"],
    &["node", "--help"],
];

/// What changes something, in this order. What is new in it has another id and another time on each device.
const CHANGE: &[&[&str]] = &[
    &["id", "rename", "table"],
    &["workspace", "new", "shed"],
    &["workspace", "rename", "shed", "hut"],
    &["node", "add", "u:rose", "--title", "rose", "--tag", "red", "--tag", "thorny", "-w", "hut"],
    &["node", "add", "u:bee", "--title", "bee", "-w", "hut"],
    &["node", "title", "rose", "dog rose", "-w", "hut"],
    &["node", "url", "dog rose", "u:dog-rose", "-w", "hut"],
    &["node", "tag", "bee", "busy", "-w", "hut"],
    &["node", "untag", "dog rose", "red", "-w", "hut"],
    &["edge", "add", "bee", "dog rose", "--kind", "visits", "-w", "hut"],
    &["edge", "rm", "bee", "dog rose", "--kind", "visits", "-w", "hut"],
    &["node", "show", "dog rose", "-w", "hut"],
    &["node", "rm", "bee", "-w", "hut"],
    &["show", "hut"],
    &["workspace", "share", "hut", "ben", "--access", "ro"],
    &["workspace", "unshare", "hut", "ben"],
    &["rename", "ben", "benjamin"],
    &["address", "benjamin", "127.0.0.1:7"],
    &["peers"],
    &["workspace", "leave", "hut", "--yes"],
    &["workspace", "list"],
    &["workspace", "join", "hut"],
    &["pair", "--invite", "--yes", "--ttl", "1h"],
    &["pair", "list"],
    &["confirm", "lap"],
    &["forget", "benjamin"],
    &["peers"],
    &["backup", "kept"],
    &["backup", "kept"],
];

/// A device with a graph, another device of its person's and a friend, all away.
fn desk() -> Device {
    let (desk, lap, ben) = (Device::new("desk"), Device::new("lap"), Device::new("ben"));
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["import", sample()]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    befriend(&desk, &ben, &["-w", "garden", "--access", "ro"]);
    desk
}

/// A copy of a device, and the `verso up` that has it open.
struct Open {
    device: Device,
    up: Running,
}

impl Open {
    fn new(desk: &Device) -> Self {
        let device = desk.copy();
        let mut up = device.start(&["up", "--json"]);
        up.event("started");
        Self { device, up }
    }

    fn end(self) -> Device {
        self.up.signal("TERM");
        succeeded(&["up"], &self.up.end());
        self.device
    }
}

/// Runs a command beside the data directory, so that files are named from there.
fn run(device: &Device, words: &[&str]) -> Output {
    device.command(words).current_dir(device.dir().parent().unwrap()).output().unwrap()
}

/// Exit code, output and errors, but for the place where each device lies.
fn told(device: &Device, words: &[&str]) -> (Option<i32>, String, String) {
    let output = run(device, words);
    let folder = device.dir().parent().unwrap().to_str().unwrap().to_owned();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().replace(&folder, "FOLDER");
    // The two are copies of one device, which has one port.
    let is_told = |line: &&str| !line.contains("is taken by another program");
    let errors: String = text(&output.stderr).split_inclusive('\n').filter(is_told).collect();
    (output.status.code(), text(&output.stdout), errors)
}

/// Leaves out what is new on each device: ids, times, and the link of an invitation.
fn masked((code, stdout, stderr): (Option<i32>, String, String)) -> (Option<i32>, String, String) {
    let mask = |text: String| {
        let mut masked = String::new();
        let is_part = |character: char| character.is_ascii_alphanumeric() || "-_:/.?=&%".contains(character);
        for part in text.split_inclusive(|character| !is_part(character)) {
            let word = part.trim_end_matches(|character| !is_part(character));
            let is_of_its_own = word.len() >= 8 && word.bytes().filter(u8::is_ascii_digit).count() >= 2;
            let is_time = word.len() == 5 && word.as_bytes()[2] == b':';
            if is_of_its_own || is_time {
                masked.push('#');
                masked.push_str(&part[word.len()..]);
            } else {
                masked.push_str(part);
            }
        }
        masked
    };
    (code, mask(stdout), mask(stderr))
}

#[test]
fn what_looks_prints_the_same_bytes() {
    let desk = desk();
    let closed = desk.copy();
    let open = Open::new(&desk);
    for words in LOOK {
        for json in [&[][..], &["--json"]] {
            let words = [words, json].concat();
            assert_eq!(told(&open.device, &words), told(&closed, &words), "{words:?}");
        }
    }
    open.end();
}

#[test]
fn what_changes_something_does_and_says_the_same() {
    let desk = desk();
    for json in [&[][..], &["--json"]] {
        let closed = desk.copy();
        let open = Open::new(&desk);
        for words in CHANGE {
            let words = [words, json].concat();
            let [mut here, mut there] = [&open.device, &closed].map(|device| masked(told(device, &words)));
            if words[0] == "backup" {
                // Its size is that of as many files.
                here.1 = here.1.replace(' ', "").chars().filter(|character| !character.is_ascii_digit()).collect();
                there.1 = there.1.replace(' ', "").chars().filter(|character| !character.is_ascii_digit()).collect();
            }
            // What comes next is another thing while it runs.
            let is_next = |line: &&str| line.contains("verso up");
            let rest = |text: &str| text.lines().filter(|line| !is_next(line)).collect::<Vec<_>>().join("\n");
            assert_eq!((here.0, rest(&here.1), rest(&here.2)), (there.0, rest(&there.1), rest(&there.2)), "{words:?}");
        }
        // How many files there are is another thing while one process writes them all.
        for device in [&open.device, &closed] {
            assert_eq!(device.json(&["log", "compact", "-w", "hut"])["logs"][0]["segments_after"], 1);
        }
        // It was done on the disk, too.
        let open = open.end();
        assert_eq!(open.json(&["log", "verify"])["ok"], true);
        for words in [&["workspace", "list", "--json"][..], &["peers"], &["id"], &["show", "hut"]] {
            assert_eq!(masked(told(&open, words)), masked(told(&closed, words)), "{words:?}");
        }
    }
}

/// An import, and one that is stopped: it ends between batches, and another run completes it.
#[test]
fn an_import_is_the_same() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let closed = desk.copy();
    let open = Open::new(&desk);
    for file in [sample(), sample(), "sample.jsonl"] {
        for device in [&open.device, &closed] {
            device.file("sample.jsonl", std::fs::read(sample()).unwrap());
        }
        for json in [&[][..], &["--json"]] {
            let words = [&["import", file][..], json].concat();
            assert_eq!(told(&open.device, &words), told(&closed, &words), "{words:?}");
        }
    }
    assert_eq!(open.device.json(&["show"])["nodes"], closed.json(&["show"])["nodes"]);

    let file = open.device.file("many.jsonl", crate::import::lines(200_000));
    let import = open.device.start(&["import", &file, "--json"]);
    let before = open.device.json(&["show"])["entries"].as_u64().unwrap();
    while open.device.json(&["show"])["entries"].as_u64().unwrap() == before {
        std::thread::yield_now();
    }
    // Others got at the device meanwhile; and this ends it.
    open.device.ok(&["node", "add", "u:meanwhile", "--title", "meanwhile"]);
    import.signal("INT");
    let stopped = crate::device::failed(&["import"], &import.end());
    assert_eq!(stopped.code, 1, "{stopped:?}");
    assert!(stopped.why.contains("it was stopped after"), "{stopped:?}");
    let device = open.end();
    let entries = device.json(&["log", "verify"]);
    assert_eq!(entries["ok"], true, "{entries}");
    assert_eq!(device.json(&["node", "show", "meanwhile"])["url"], "u:meanwhile");
}

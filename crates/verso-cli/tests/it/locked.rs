//! One process at a time has a data directory.

use crate::device::{Device, succeeded};

#[test]
fn who_has_the_directory_is_named() {
    let device = Device::new("desk");
    let mut up = device.start(&["up", "--json"]);
    up.event("started");
    let pid = up.child.id().to_string();
    for words in [&["id"][..], &["status"], &["up", "--once"], &["pair", "--yes"], &["workspace", "new", "x"]] {
        let failure = device.fails(words);
        assert_eq!(failure.code, 7, "{failure:?}");
        assert!(failure.why.contains(&format!("process {pid} ")), "{failure:?}");
        assert_eq!(failure.stdout, "");
    }
    assert_eq!(device.fails(&["init"]).code, 1);
    up.signal("TERM");
    succeeded(&["up"], &up.end());
    device.ok(&["id"]);
}

#[test]
fn a_lock_file_alone_locks_nobody_out() {
    let device = Device::new("desk");
    std::fs::write(device.dir().join("lock"), format!("{}\n", std::process::id())).unwrap();
    device.ok(&["id"]);
}

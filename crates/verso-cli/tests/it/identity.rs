//! `init` and `id`: a device is made whole or not at all, and nothing that is somebody else's is touched.

use std::fs;

use crate::device::{Device, keys, program};

const FIELDS: [&str; 4] = ["device", "fingerprint", "keystore", "name"];

#[test]
fn a_device_is_made_once_and_shown() {
    let device = Device::blank();
    let made = device.json(&["init", "--name", "desk"]);
    assert_eq!(keys(&made), ["data_dir", "device", "fingerprint", "keystore", "name"]);
    assert_eq!((&made["name"], &made["keystore"]), (&"desk".into(), &"file".into()));
    assert_eq!(made["device"].as_str().unwrap().len(), 64);
    let shown = device.json(&["id"]);
    assert_eq!(keys(&shown), FIELDS);
    assert!(FIELDS.iter().all(|field| shown[field] == made[field]), "{shown} {made}");

    let before = device.files();
    let again = device.fails(&["init", "--name", "other"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.why.contains("there is one already"), "{again:?}");
    assert_eq!(device.files(), before, "nothing changed");
}

#[test]
fn text_for_people_says_the_same() {
    let device = Device::blank();
    let text = device.ok(&["init", "--name", "desk"]);
    let id = device.json(&["id"]);
    for field in FIELDS {
        assert!(text.contains(id[field].as_str().unwrap()), "{field}: {text}");
    }
    assert!(text.contains("next: verso workspace new"), "{text}");
}

#[test]
fn without_a_name_it_is_called_as_the_machine_is() {
    let device = Device::blank();
    device.ok(&["init"]);
    assert!(!device.json(&["id"])["name"].as_str().unwrap().is_empty());
    for bad in ["", " ", "two\nlines", "\u{202e}ksed"] {
        let blank = Device::blank();
        let failure = blank.fails(&["init", "--name", bad]);
        assert_eq!(failure.code, 2, "{failure:?}");
        assert!(!blank.dir().exists(), "nothing was made");
    }
}

#[test]
fn nothing_works_before_init_and_nothing_is_made() {
    let device = Device::blank();
    let file = device.file("sample.jsonl", "{\"id\":0}\n");
    let commands: [&[&str]; 9] = [
        &["id"],
        &["workspace", "list"],
        &["import", &file],
        &["node", "add", "u:a"],
        &["export"],
        &["pair", "--yes"],
        &["up", "--once"],
        &["peers"],
        &["status"],
    ];
    for words in commands {
        let failure = device.fails(words);
        assert_eq!(failure.code, 3, "{words:?}: {failure:?}");
        assert!(failure.hint.contains("verso init"), "{failure:?}");
        assert!(!device.dir().exists(), "{words:?} made something");
    }
}

#[test]
fn a_directory_that_is_somebody_elses_is_left_alone() {
    let device = Device::blank();
    // A repository of git has a file `config` and a folder `logs`, too.
    fs::create_dir_all(device.dir().join("logs")).unwrap();
    fs::write(device.dir().join("config"), "[core]\n\tbare = false\n").unwrap();
    fs::write(device.dir().join("lock"), "mine").unwrap();
    let before = device.files();
    let init = device.fails(&["init"]);
    assert_eq!(init.code, 1, "{init:?}");
    assert!(init.why.contains("holds other things"), "{init:?}");
    for words in [["id"], ["status"], ["peers"]] {
        let failure = device.fails(&words);
        assert_eq!(failure.code, 3, "{failure:?}");
        assert!(failure.why.contains("holds other things"), "{failure:?}");
    }
    assert_eq!(device.files(), before, "nothing changed");

    let file = device.file("file", "not a directory");
    let output = program(&["init", "--data-dir", &file]).env("VERSO_PASSPHRASE", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_wrong_passphrase_opens_nothing() {
    let device = Device::new("desk");
    let before = device.files();
    let output = device.command(&["id", "--json"]).env("VERSO_PASSPHRASE", "tea and biscuits").output().unwrap();
    let failure = crate::device::failed(&["id"], &output);
    assert_eq!(failure.code, 8, "{failure:?}");
    assert!(failure.why.contains("the passphrase is wrong"), "{failure:?}");
    for passphrase in [None, Some("")] {
        let mut command = device.command(&["id", "--json"]);
        match passphrase {
            Some(passphrase) => command.env("VERSO_PASSPHRASE", passphrase),
            None => command.env_remove("VERSO_PASSPHRASE"),
        };
        let failure = crate::device::failed(&["id"], &command.output().unwrap());
        assert_eq!(failure.code, 8, "{failure:?}");
        assert!(failure.hint.contains("VERSO_PASSPHRASE"), "{failure:?}");
    }
    let without_lock =
        |files: Vec<(String, Vec<u8>)>| -> Vec<_> { files.into_iter().filter(|(name, _)| name != "lock").collect() };
    assert_eq!(without_lock(device.files()), without_lock(before), "nothing changed");
}

#[test]
fn a_script_without_a_passphrase_learns_what_to_set() {
    let device = Device::blank();
    let output = device.command(&["init", "--json"]).env_remove("VERSO_PASSPHRASE").output().unwrap();
    let failure = crate::device::failed(&["init"], &output);
    assert_eq!(failure.code, 8, "{failure:?}");
    assert!(failure.hint.contains("set VERSO_PASSPHRASE"), "{failure:?}");
    assert!(!device.dir().exists(), "nothing was made");
}

#[test]
fn what_a_killed_init_leaves_is_no_device_and_is_no_hindrance() {
    let whole = Device::new("desk");
    // Just before the key is stored everything else is there, behind the mark.
    let killed = whole.copy();
    fs::remove_file(killed.dir().join("identity.key")).unwrap();
    fs::write(killed.dir().join("identity.key.0123456789abcdef.tmp"), "half").unwrap();
    fs::write(killed.dir().join("unfinished"), "Verso is making").unwrap();
    let failure = killed.fails(&["id"]);
    assert_eq!(failure.code, 3, "{failure:?}");
    assert!(failure.why.contains("cut short"), "{failure:?}");
    let made = killed.json(&["init", "--name", "second"]);
    assert_ne!(made["device"], whole.json(&["id"])["device"]);
    let names: Vec<String> = killed.files().into_iter().map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| !name.contains("tmp") && name != "unfinished"), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("logs")).count(), 1, "{names:?}");
    assert_eq!(killed.json(&["id"])["name"], "second");

    // Just after it there is a whole device, mark or not.
    let finished = whole.copy();
    fs::write(finished.dir().join("unfinished"), "").unwrap();
    assert_eq!(finished.json(&["id"])["name"], "desk");
    assert_eq!(finished.fails(&["init"]).code, 1);
}

#[test]
fn a_lost_key_is_told_and_nothing_is_made_over_it() {
    let device = Device::new("desk");
    fs::remove_file(device.dir().join("identity.key")).unwrap();
    let before = device.files();
    let failure = device.fails(&["id"]);
    assert_eq!(failure.code, 8, "{failure:?}");
    assert!(failure.why.contains("identity.key, is missing"), "{failure:?}");
    assert_eq!(device.fails(&["init"]).code, 1);
    assert_eq!(device.files(), before, "nothing changed");
}

#[test]
fn the_configuration_is_made_again_if_it_is_lost() {
    let device = Device::new("desk");
    let id = device.json(&["id"]);
    fs::remove_file(device.dir().join("config")).unwrap();
    assert_eq!(device.json(&["id"]), id);
    let text = fs::read_to_string(device.dir().join("config")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(keys(&config), ["keystore", "port", "slot", "verso"]);
    assert!(config["port"].as_u64().unwrap() >= 49152, "{text}");

    fs::write(device.dir().join("config"), "rubbish").unwrap();
    let damaged = device.fails(&["id"]);
    assert_eq!(damaged.code, 6, "{damaged:?}");
    fs::write(device.dir().join("config"), "{\"verso\":9}").unwrap();
    let newer = device.fails(&["id"]);
    assert!(newer.hint.contains("update Verso"), "{newer:?}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_what_is_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let device = Device::new("desk");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(device.dir()), 0o700);
    assert_eq!(mode(&device.dir().join("identity.key")), 0o600);
}

#[test]
fn nonsense_is_usage() {
    for words in [&["frobnicate", "--json"][..], &["up", "--wait", "5s", "--json"], &["import", "--json"]] {
        let failure = crate::device::failed(words, &program(words).output().unwrap());
        assert_eq!(failure.code, 2, "{failure:?}");
    }
    let nothing = program(&[]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(nothing.stdout.is_empty() && !nothing.stderr.is_empty());
    let version = program(&["--version"]).output().unwrap();
    assert_eq!(String::from_utf8(version.stdout).unwrap(), format!("verso {}\n", env!("CARGO_PKG_VERSION")));
}

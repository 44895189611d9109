//! The key file: asking, changing the passphrase, and what the program says without a keychain.

use std::fs;

use crate::device::{Device, PASSPHRASE, assert_equal, failed, keys, pair, succeeded, sync};

#[test]
fn a_script_without_a_keychain_learns_what_to_do() {
    let device = Device::blank();
    let other = Device::new("desk");
    let file = other.dir().with_extension("backup").display().to_string();
    other.ok(&["backup", &file]);
    let run = |words: &[&str]| {
        let mut command = device.command(words);
        command.arg("--json").env_remove("VERSO_PASSPHRASE").env("VERSO_BACKUP_PASSPHRASE", PASSPHRASE);
        let failure = failed(words, &command.output().unwrap());
        assert_eq!(failure.code, 8, "{failure:?}");
        assert!(!device.dir().exists(), "nothing was made");
        failure
    };
    for words in [&["init"][..], &["restore", &file]] {
        let failure = run(words);
        assert!(failure.why.contains("there is no keychain"), "{failure:?}");
        assert!(failure.hint.contains("set VERSO_PASSPHRASE"), "{failure:?}");
        assert!(failure.hint.contains("the command in a terminal with --keystore file"), "{failure:?}");
    }
    let failure = run(&["init", "--keystore", "keychain"]);
    assert!(failure.why.contains("there is no keychain"), "{failure:?}");
    assert!(!failure.hint.contains("--keystore file"), "it asked for the keychain: {failure:?}");
    for words in [&["init", "--keystore", "file"][..], &["restore", &file, "--keystore", "file"]] {
        let failure = run(words);
        assert!(failure.hint.contains("set VERSO_PASSPHRASE to the new file's passphrase"), "{failure:?}");
    }
    // Asked for by name, it is not exchanged for a file because a passphrase is there.
    let failure = device.fails(&["init", "--keystore", "keychain"]);
    assert_eq!(failure.code, 8, "{failure:?}");
    assert!(!device.dir().exists());
}

#[test]
fn another_store_than_the_recorded_one_is_refused() {
    let device = Device::new("desk");
    let failure = device.fails(&["id", "--keystore", "keychain"]);
    assert_eq!(failure.code, 8, "{failure:?}");
    assert!(failure.hint.contains("verso keystore move keychain"), "{failure:?}");
    assert_eq!(device.json(&["id", "--keystore", "file"])["keystore"], "file");
    let shown = device.json(&["keystore", "show"]);
    assert_eq!(keys(&shown), ["at", "high_water", "keystore", "unfinished_move"]);
    assert_eq!((&shown["keystore"], &shown["high_water"]), (&"file".into(), &"with-the-data".into()));
}

#[test]
fn a_move_to_a_keychain_that_is_not_there_changes_nothing() {
    let device = Device::new("desk");
    let before = device.files();
    let failure = device.fails(&["keystore", "move", "keychain"]);
    assert_eq!(failure.code, 8, "{failure:?}");
    let unchanged =
        |files: Vec<(String, Vec<u8>)>| files.into_iter().filter(|(name, _)| name != "lock").collect::<Vec<_>>();
    assert_eq!(unchanged(device.files()), unchanged(before));
    assert_eq!(device.json(&["keystore", "move", "file"])["keystore"], "file", "it is there already");
}

#[test]
fn the_passphrase_is_changed() {
    let device = Device::new("desk");
    let id = device.json(&["id"]);
    let change = |old: &str| {
        let mut command = device.command(&["keystore", "passphrase", "--json"]);
        command.env("VERSO_PASSPHRASE", old).env("VERSO_NEW_PASSPHRASE", "coffee").output().unwrap()
    };
    assert_eq!(failed(&["keystore"], &change("wrong")).code, 8);
    assert_eq!(device.json(&["id"]), id, "the old one holds");
    succeeded(&["keystore"], &change(PASSPHRASE));
    assert_eq!(device.fails(&["id"]).code, 8);
    let output = device.command(&["id", "--json"]).env("VERSO_PASSPHRASE", "coffee").output().unwrap();
    assert_eq!(crate::device::document(&succeeded(&["id"], &output)), id);
    let output =
        device.command(&["keystore", "passphrase", "--json"]).env("VERSO_PASSPHRASE", "coffee").output().unwrap();
    assert!(failed(&["keystore"], &output).why.contains("VERSO_NEW_PASSPHRASE"));
}

#[test]
fn a_device_is_renamed() {
    let device = Device::new("desk");
    let renamed = device.json(&["id", "rename", "bench"]);
    assert_eq!(renamed["name"], "bench");
    assert_eq!(device.json(&["id"]), renamed);
    assert_eq!(device.fails(&["id", "rename", "two\nlines"]).code, 2);
}

/// Whoever was removed since may still be trusted in what was put back: so nobody is, until another device of the person has told.
#[test]
fn whom_it_trusts_is_confirmed_once_it_was_put_back() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    let image = desk.copy();
    desk.ok(&["node", "add", "https://example.org/later"]);
    sync(&desk, &lap);
    fs::copy(desk.dir().join("high-water"), image.dir().join("high-water")).unwrap();
    let output = image.run(&["node", "add", "https://example.org/after"]);
    succeeded(&["node"], &output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("verso confirm"), "{output:?}");
    let status = image.json(&["status"]);
    assert_eq!((&status["indicator"], &status["reasons"][0]["code"]), (&"attention".into(), &"unconfirmed".into()));
    assert_eq!(image.json(&["peers"])["peers"][0]["confirmed"], false);
    sync(&image, &lap);
    assert_eq!(image.json(&["peers"])["peers"][0]["confirmed"], true, "the laptop knew as much");
    assert_equal(&image, &lap);
}

/// Single files that were put back are noticed even with a key file, whose mark lies beside them.
#[test]
fn a_journal_that_was_put_back_is_noticed() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let image = device.copy();
    device.ok(&["node", "add", "https://example.org/later"]);
    fs::copy(device.dir().join("high-water"), image.dir().join("high-water")).unwrap();
    let output = image.run(&["node", "add", "https://example.org/after"]);
    succeeded(&["node"], &output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("put back to an earlier state"));
    // Told once; the device goes on.
    let output = image.run(&["node", "add", "https://example.org/and-on"]);
    succeeded(&["node"], &output);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("put back"), "{output:?}");
    // A damaged mark stops nothing.
    fs::write(image.dir().join("high-water"), "rubbish").unwrap();
    let output = image.run(&["node", "add", "https://example.org/at-last"]);
    succeeded(&["node"], &output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("could not be looked up"));
}

//! The program with a real keychain and a real session: nothing is asked, nothing is lost, nothing is written where it does not belong.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::device::{Device, Failure, document, failed, succeeded};
use crate::secret_service::{Kernel, Keychain, Seat};

/// A device whose owner sits at a machine with a keychain of their own.
struct Desk {
    seat: Seat,
    device: Device,
}

impl Desk {
    fn new() -> Self {
        Self { seat: Seat::new(), device: Device::blank() }
    }

    fn run(&self, keychain: Keychain, words: &[&str]) -> Output {
        self.with(keychain, words, &[])
    }

    fn with(&self, keychain: Keychain, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = self.seat.command(keychain, Kernel::WithoutSession, Path::new(env!("CARGO_BIN_EXE_verso")));
        command.args(words).arg("--json").env("VERSO_DATA_DIR", self.device.dir()).env("VERSO_NETWORK", "loopback");
        command.envs(variables.iter().copied()).output().unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        document(&succeeded(words, &self.run(Keychain::Unlocked, words)))
    }

    fn fails(&self, keychain: Keychain, words: &[&str]) -> Failure {
        let mut output = self.run(keychain, words);
        // The bus and the keychain have their say on the same stream.
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        output.stderr = text.lines().find(|line| line.starts_with("{\"error\"")).unwrap_or(&text).as_bytes().to_vec();
        output.stderr.push(b'\n');
        failed(words, &output)
    }

    fn config(&self) -> Value {
        serde_json::from_slice(&fs::read(self.device.dir().join("config")).unwrap()).unwrap()
    }

    fn set_config(&self, change: impl FnOnce(&mut Value)) {
        let mut config = self.config();
        change(&mut config);
        fs::write(self.device.dir().join("config"), config.to_string()).unwrap();
    }

    fn key_file(&self) -> std::path::PathBuf {
        self.device.dir().join("identity.key")
    }
}

const PASSPHRASE: (&str, &str) = ("VERSO_PASSPHRASE", "tea and cake");

#[test]
fn a_device_lives_in_the_keychain() {
    let desk = Desk::new();
    let made = desk.json(&["init", "--name", "desk"]);
    assert_eq!(made["keystore"], "keychain");
    assert!(!desk.key_file().exists());
    desk.json(&["workspace", "new", "garden"]);
    let shown = desk.json(&["id"]);
    assert_eq!((&shown["device"], &shown["keystore"]), (&made["device"], &made["keystore"]));
    assert_eq!(desk.json(&["keystore", "show"])["high_water"], "apart");
    assert!(!desk.device.dir().join("high-water").exists());

    // Another directory of the same person is another device.
    let other = Desk { seat: desk.seat, device: Device::blank() };
    let second = other.json(&["init"]);
    assert_ne!(second["device"], made["device"]);
    let desk = Desk { seat: other.seat, device: desk.device };
    assert_eq!(desk.json(&["id"])["device"], made["device"]);

    // Each obstacle has its own way out, and none makes a new identity.
    let before = desk.config();
    let locked = desk.fails(Keychain::Locked, &["id"]);
    assert!(locked.why.contains("locked") && locked.hint.contains("unlock"), "{locked:?}");
    let missing = desk.fails(Keychain::Absent, &["id"]);
    assert!(missing.why.contains("there is no keychain"), "{missing:?}");
    // So `doctor` tells it, and looks at the rest.
    for (keychain, why) in [(Keychain::Absent, "there is no keychain"), (Keychain::Locked, "locked")] {
        let output = desk.run(keychain, &["doctor"]);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = document(&text);
        let key_store = &told["checks"][1];
        assert_eq!((&key_store["name"], &key_store["verdict"]), (&"key store".into(), &"fault".into()), "{told}");
        assert!(key_store["what"].as_str().unwrap().contains(why), "{told}");
        assert!(!key_store["hint"].as_str().unwrap().is_empty(), "{told}");
        assert_eq!(told["checks"][2]["verdict"], "skipped", "{told}");
    }
    let gone = Desk { seat: Seat::new(), device: desk.device };
    let empty = gone.fails(Keychain::Empty, &["id"]);
    assert!(empty.why.contains("no identity"), "{empty:?}");
    for failure in [&locked, &missing, &empty] {
        assert_eq!(failure.code, 8, "{failure:?}");
    }
    assert_eq!(gone.fails(Keychain::Unlocked, &["init"]).code, 1);
    assert_eq!(gone.config(), before);
}

#[test]
fn init_without_a_keychain_to_keep_it_makes_nothing() {
    for (keychain, why) in [
        (Keychain::Locked, "locked"),
        (Keychain::Empty, "default collection"),
        (Keychain::Absent, "no keychain"),
        (Keychain::Unserved, "no keychain"),
    ] {
        let desk = Desk::new();
        let failure = desk.fails(keychain, &["init"]);
        assert_eq!(failure.code, 8, "{failure:?}");
        assert!(failure.why.contains(why), "{failure:?}");
        assert!(
            failure.hint.contains("set VERSO_PASSPHRASE") && failure.hint.contains("--keystore file"),
            "{failure:?}"
        );
        assert!(!desk.device.dir().exists(), "nothing was made");
        // A passphrase that is given chooses the file, with a keychain or without.
        let made = document(&succeeded(&["init"], &quiet(desk.with(keychain, &["init"], &[PASSPHRASE]))));
        assert_eq!(made["keystore"], "file");
    }
}

fn quiet(mut output: Output) -> Output {
    if output.status.success() {
        output.stderr.clear();
    }
    output
}

#[test]
fn the_key_is_moved_there_and_back() {
    let desk = Desk::new();
    let made = document(&succeeded(&["init"], &desk.with(Keychain::Unlocked, &["init"], &[PASSPHRASE])));
    succeeded(&["workspace"], &desk.with(Keychain::Unlocked, &["workspace", "new", "garden"], &[PASSPHRASE]));
    let moved = desk.with(Keychain::Unlocked, &["keystore", "move", "keychain"], &[PASSPHRASE]);
    assert_eq!(document(&succeeded(&["keystore"], &moved))["keystore"], "keychain");
    assert!(!desk.key_file().exists() && !desk.device.dir().join("high-water").exists());
    assert_eq!(desk.json(&["id"])["device"], made["device"]);

    let failure = desk.fails(Keychain::Unlocked, &["keystore", "move", "file"]);
    assert!(failure.code == 8 && failure.hint.contains("the new file's passphrase"), "{failure:?}");
    assert!(!failure.hint.contains("init"), "it would make another device: {failure:?}");
    let back = desk.with(Keychain::Unlocked, &["keystore", "move", "file"], &[PASSPHRASE]);
    assert_eq!(document(&succeeded(&["keystore"], &back))["keystore"], "file");
    assert!(desk.key_file().exists());
    let shown = desk.with(Keychain::Absent, &["id"], &[PASSPHRASE]);
    assert_eq!(document(&succeeded(&["id"], &shown))["device"], made["device"]);
    // Nothing is left in the keychain under this device's name.
    desk.set_config(|config| config["keystore"] = "keychain".into());
    fs::remove_file(desk.key_file()).unwrap();
    assert!(desk.fails(Keychain::Unlocked, &["id"]).why.contains("no identity"));
}

/// Killed at any moment, a move leaves the store that the configuration names, and the next command clears up.
#[test]
fn a_move_that_was_killed_is_undone_or_completed() {
    let desk = Desk::new();
    let made = document(&succeeded(&["init"], &desk.with(Keychain::Unlocked, &["init"], &[PASSPHRASE])));
    let id = |variables: &[(&str, &str)]| {
        let output = desk.with(Keychain::Unlocked, &["id"], variables);
        document(&succeeded(&["id"], &output))
    };
    let file = fs::read(desk.key_file()).unwrap();

    // Before the copy was made in the keychain.
    desk.set_config(|config| config["spare"] = "keychain".into());
    assert_eq!(id(&[PASSPHRASE]), id(&[PASSPHRASE]));
    assert_eq!(desk.config().get("spare"), None);

    // After it was named, and before the file was removed.
    let moved = desk.with(Keychain::Unlocked, &["keystore", "move", "keychain"], &[PASSPHRASE]);
    succeeded(&["keystore"], &moved);
    fs::write(desk.key_file(), &file).unwrap();
    desk.set_config(|config| config["spare"] = "file".into());
    assert!(desk.json(&["keystore", "show"])["unfinished_move"] == true);
    assert_eq!(id(&[])["device"], made["device"]);
    assert!(!desk.key_file().exists() && desk.config().get("spare").is_none());

    // After it was made in the keychain, and before it was named.
    fs::write(desk.key_file(), &file).unwrap();
    desk.set_config(|config| {
        config["keystore"] = "file".into();
        config["spare"] = "keychain".into();
    });
    assert_eq!(id(&[PASSPHRASE])["keystore"], "file");
    assert_eq!(desk.config().get("spare"), None);
    fs::remove_file(desk.key_file()).unwrap();
    desk.set_config(|config| config["keystore"] = "keychain".into());
    assert!(desk.fails(Keychain::Unlocked, &["id"]).why.contains("no identity"), "the copy there was removed");
}

#[test]
fn a_directory_that_was_put_back_is_noticed_at_the_start() {
    let desk = Desk::new();
    desk.json(&["init"]);
    desk.json(&["workspace", "new", "garden"]);
    let image = desk.device.copy();
    desk.json(&["node", "add", "https://example.org/later"]);
    let desk = Desk { seat: desk.seat, device: image };
    let text = |desk: &Desk| {
        let mut command =
            desk.seat.command(Keychain::Unlocked, Kernel::WithoutSession, Path::new(env!("CARGO_BIN_EXE_verso")));
        let output = command
            .args(["node", "add", "https://example.org/after"])
            .env("VERSO_DATA_DIR", desk.device.dir())
            .output()
            .unwrap();
        succeeded(&["node"], &output);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(text(&desk).contains("put back to an earlier state"));
    assert!(!text(&desk).contains("put back"), "told once");
}

/// A wrong passphrase is wrong, whatever the session remembers, and a script asks nobody.
#[test]
fn a_session_never_answers_for_a_passphrase_that_was_given() {
    let desk = Desk::new();
    succeeded(&["init"], &desk.with(Keychain::Absent, &["init"], &[PASSPHRASE]));
    let mut command = desk.seat.command(Keychain::Absent, Kernel::WithSession, Path::new("sh"));
    // What a person would have typed is put there as the library does.
    let file = fs::read(desk.key_file()).unwrap();
    let wrong = desk.with(Keychain::Absent, &["id"], &[("VERSO_PASSPHRASE", "tea and biscuits")]);
    assert_eq!(failed(&["id"], &wrong).code, 8);
    let salt = data_encoding::HEXLOWER.encode(&file[24..40]);
    let script = format!(
        "keyctl add user verso:{salt} 0123456789abcdef0123456789abcdef @s >/dev/null\n\
         VERSO_PASSPHRASE=wrong {0} id >/dev/null 2>&1; echo $?\n\
         VERSO_PASSPHRASE='tea and cake' {0} id >/dev/null 2>&1; echo $?\n\
         {0} id >/dev/null 2>&1; echo $?",
        env!("CARGO_BIN_EXE_verso")
    );
    let output = command.args(["-c", &script]).env("VERSO_DATA_DIR", desk.device.dir()).output().unwrap();
    let codes: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(codes, ["8", "0", "8"], "{output:?}");
}

//! However much the program tells, it tells no secret; and no file holds one in the clear.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::process::{Command, Stdio};

use serde_json::Value;
use verso_identity::{FileKeyStore, KeyStore as _, Passphrase, purposes};
use zeroize::Zeroizing;

use crate::device::{Device, PASSPHRASE};

const NEW_PASSPHRASE: &str = "scones and clotted cream";
const WRONG_PASSPHRASE: &str = "gin and stale crackers";
const BACKUP_PASSPHRASE: &str = "marmalade under lock";

/// The program at its most talkative.
fn command(device: &Device, words: &[&str]) -> Command {
    let mut command = device.command(words);
    command.arg("-vvv").env("RUST_BACKTRACE", "full").env("RUST_LOG", "trace");
    command.env("VERSO_NEW_PASSPHRASE", NEW_PASSPHRASE).env("VERSO_BACKUP_PASSPHRASE", BACKUP_PASSPHRASE);
    command
}

/// Adds what a command told, on both of its outputs.
fn tell(told: &mut Vec<u8>, mut command: Command) {
    let output = command.output().unwrap();
    told.extend([output.stdout, output.stderr].concat());
}

/// Pairs two devices. Returns the token of the link, and adds what both told beside the link itself.
fn pair(shows: &Device, joins: &Device, told: &mut Vec<u8>) -> String {
    let mut errors = tempfile::tempfile().unwrap();
    let mut pairing = command(shows, &["pair", "--yes", "--json"]);
    let mut pairing = pairing.stdout(Stdio::piped()).stderr(errors.try_clone().unwrap()).spawn().unwrap();
    let mut offer = String::new();
    BufReader::new(pairing.stdout.as_mut().unwrap()).read_line(&mut offer).unwrap();
    let offer: Value = serde_json::from_str(&offer).unwrap();
    let link = offer["link"].as_str().unwrap();
    tell(told, command(joins, &["join", link, "--yes"]));
    assert!(pairing.wait().unwrap().success());
    errors.rewind().unwrap();
    errors.read_to_end(told).unwrap();
    let token = link.rsplit('/').next().unwrap().split('?').next().unwrap();
    assert!(token.len() >= 22, "128 bits");
    token.to_owned()
}

/// The ways in which 32 secret bytes may be written.
fn written(what: &'static str, secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let debug = format!("{secret:?}");
    let texts = [
        data_encoding::HEXLOWER.encode(secret),
        data_encoding::HEXUPPER.encode(secret),
        data_encoding::BASE64_NOPAD.encode(secret),
        data_encoding::BASE64URL_NOPAD.encode(secret),
        // Without what a pretty form puts elsewhere.
        debug.trim_matches(['[', ']']).to_owned(),
    ];
    texts.into_iter().map(String::into_bytes).chain([secret.to_vec()]).map(|bytes| (what, bytes)).collect()
}

fn assert_hidden(place: &str, bytes: &[u8], secrets: &[(&'static str, Vec<u8>)]) {
    for (what, secret) in secrets {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{what} is in {place}");
    }
}

#[test]
fn nothing_that_is_told_or_stored_holds_a_secret() {
    let (desk, lap, again) = (Device::blank(), Device::blank(), Device::blank());
    let mut told = Vec::new();
    for (device, name) in [(&desk, "desk"), (&lap, "lap")] {
        tell(&mut told, command(device, &["init", "--name", name]));
    }
    tell(&mut told, command(&desk, &["workspace", "new", "garden"]));
    let token = pair(&desk, &lap, &mut told);
    let rounds = [&desk, &lap].map(|device| {
        let mut round = command(device, &["up", "--once", "--wait", "30s"]);
        std::thread::spawn(move || round.output().unwrap())
    });
    for round in rounds {
        let output = round.join().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        told.extend([output.stdout, output.stderr].concat());
    }
    let backup = desk.file("device.verso", "");
    for words in
        [&["backup", &backup, "--replace"][..], &["status"], &["doctor"], &["log", "verify"], &["keystore", "show"]]
    {
        tell(&mut told, command(&desk, words));
    }
    tell(&mut told, command(&again, &["restore", &backup]));
    let mut wrong = command(&desk, &["id"]);
    wrong.env("VERSO_PASSPHRASE", WRONG_PASSPHRASE);
    tell(&mut told, wrong);

    let mut secrets: Vec<(&'static str, Vec<u8>)> = [PASSPHRASE, NEW_PASSPHRASE, WRONG_PASSPHRASE, BACKUP_PASSPHRASE]
        .map(|passphrase| ("a passphrase", passphrase.as_bytes().to_vec()))
        .to_vec();
    secrets.push(("the token of a link", token.into_bytes()));
    for device in [&desk, &lap] {
        let passphrase = Passphrase::new(Zeroizing::new(PASSPHRASE.to_owned())).unwrap();
        let key = FileKeyStore::new(device.dir(), passphrase).load().unwrap();
        secrets.extend(written("the device's secret", key.to_secret().as_slice()));
        secrets.extend(written("the key of the journals", key.derive::<purposes::Log>().expose()));
        secrets.extend(written("the key of Noise", key.derive::<purposes::Noise>().expose()));
        secrets.extend(written("the key of the state", key.derive::<purposes::LocalState>().expose()));
    }
    // Under the new passphrase it is the same secret.
    tell(&mut told, command(&desk, &["keystore", "passphrase"]));

    let text = String::from_utf8_lossy(&told);
    assert!(text.matches("DEBUG").count() > 10, "it told much");
    assert_hidden("what was told", &told, &secrets);
    assert_hidden("the backup", &fs::read(&backup).unwrap(), &secrets);
    for device in [&desk, &lap, &again] {
        let files = device.files();
        assert!(files.len() >= 5, "key, config, lock, journals, state");
        for (name, bytes) in files {
            assert_hidden(&name, &bytes, &secrets);
        }
    }
}

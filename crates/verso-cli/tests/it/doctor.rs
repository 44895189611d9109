//! `doctor`: what is wrong is found, told once, with what to do; what works is no fault.

use std::fs;
use std::process::Output;

use serde_json::Value;
use verso_graph::Graph;
use verso_identity::{FileKeyStore, KeyStore as _, Passphrase};
use verso_log::FileStorage;
use verso_replica::Replica;
use verso_worker::{HostReplica, now_since};

use crate::device::{Device, PASSPHRASE};

/// The exit code, and what is said of each check: its verdict, what, and hint.
type Told = (i32, Vec<(String, String, String)>);

/// What `doctor` says of each check: its verdict, what, and hint. And its exit code.
fn examine(device: &Device, environment: &[(&str, &str)]) -> Told {
    let mut command = device.command(&["doctor", "--json"]);
    told(&command.envs(environment.iter().copied()).output().unwrap())
}

fn told(output: &Output) -> Told {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| text(&check["name"])).collect();
    assert_eq!(
        names,
        ["data directory", "key store", "journals", "clock", "network", "relay", "address lookup", "discovery"]
    );
    let checks = checks.iter().map(|check| (text(&check["verdict"]), text(&check["what"]), text(&check["hint"])));
    (output.status.code().unwrap(), checks.collect())
}

fn verdicts(checks: &[(String, String, String)]) -> Vec<&str> {
    checks.iter().map(|(verdict, ..)| verdict.as_str()).collect()
}

#[test]
fn a_sound_device_is_told_to_be_sound() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let (code, checks) = examine(&device, &[]);
    assert_eq!(verdicts(&checks), ["ok", "ok", "ok", "ok", "ok", "skipped", "skipped", "skipped"], "{checks:?}");
    assert_eq!(code, 0);
    assert!(checks[1].1.contains("only peers notice"), "what the file can't tell: {checks:?}");
    assert!(checks[2].1.contains("1 workspace,"), "{checks:?}");
    assert!(checks[4].1.contains("127.0.0.1:"), "{checks:?}");
    let text = device.ok(&["doctor"]);
    assert!(text.contains("journals") && !text.contains("to do"), "{text}");
}

#[test]
fn no_device_is_a_fault_and_is_told_once() {
    let device = Device::blank();
    let (code, checks) = examine(&device, &[]);
    assert_eq!(
        verdicts(&checks),
        ["fault", "skipped", "skipped", "ok", "skipped", "skipped", "skipped", "skipped"],
        "{checks:?}"
    );
    assert_eq!(code, 1);
    assert!(checks[0].2.contains("verso init"), "{checks:?}");
    assert!(!device.dir().exists(), "looking makes nothing");
}

#[test]
fn a_key_that_does_not_open_is_a_fault_and_the_rest_is_looked_at() {
    let device = Device::new("desk");
    let (code, checks) = examine(&device, &[("VERSO_PASSPHRASE", "another")]);
    assert_eq!(
        verdicts(&checks),
        ["ok", "fault", "skipped", "ok", "skipped", "skipped", "skipped", "skipped"],
        "{checks:?}"
    );
    assert_eq!(code, 1);
    assert!(!checks[1].2.is_empty(), "what to do: {checks:?}");
}

#[test]
fn damage_is_a_fault_and_a_directory_that_others_may_read_a_warning() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    for number in 0..3 {
        device.ok(&["node", "add", &format!("https://example.org/{number}")]);
    }
    let logs = fs::read_dir(device.dir().join("logs")).unwrap().map(|log| log.unwrap().path());
    let files = logs.flat_map(|log| fs::read_dir(log).unwrap().map(|file| file.unwrap().path()));
    let first = files
        .filter(|file| file.to_string_lossy().contains("01.seg"))
        .max_by_key(|file| fs::metadata(file).unwrap().len());
    let first = first.unwrap();
    let mut bytes = fs::read(&first).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first, bytes).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(device.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (code, checks) = examine(&device, &[]);
    assert_eq!(code, 1);
    assert_eq!(checks[2].0, "fault", "{checks:?}");
    assert!(checks[2].1.contains("damaged") && !checks[2].2.is_empty(), "{checks:?}");
    #[cfg(unix)]
    assert!(checks[0].0 == "warning" && checks[0].2.contains("chmod 700"), "{checks:?}");
    assert_eq!(checks[4].0, "ok", "the network has nothing to do with it");
}

#[test]
fn while_up_runs_it_says_who_has_the_device() {
    let device = Device::new("desk");
    let mut up = device.start(&["up", "--json"]);
    // Its first line: it runs.
    up.line();
    let (code, checks) = examine(&device, &[]);
    assert_eq!(
        verdicts(&checks),
        ["ok", "skipped", "skipped", "ok", "skipped", "skipped", "skipped", "skipped"],
        "{checks:?}"
    );
    assert!(checks[1].1.contains(&format!("process {}", up.child.id())), "{checks:?}");
    assert_eq!(code, 0, "that it works is no fault");
    up.signal("INT");
    up.end();
}

/// A server that is not there is told by its name, and stops nobody: so it is no fault.
#[test]
fn servers_that_do_not_answer_are_warnings() {
    let device = Device::new("desk");
    let (relay, lookup) = ("http://127.0.0.1:1/", "http://127.0.0.1:1/pkarr");
    let network = format!("relay={relay}");
    let said = [
        ("VERSO_NETWORK", network.as_str()),
        ("VERSO_LOOKUP", lookup),
        ("VERSO_DISCOVERY", "off"),
        ("VERSO_RELAY_TOKEN", "sesame"),
    ];
    let (code, checks) = examine(&device, &said);
    assert_eq!(verdicts(&checks)[4..], ["ok", "warning", "warning", "skipped"], "{checks:?}");
    assert_eq!(code, 0);
    assert!(checks[5].1.contains("no relay has answered"), "{checks:?}");
    assert!(checks[6].1.contains("can't be reached"), "{checks:?}");
    assert!(!format!("{checks:?}").contains("sesame"));
}

/// A change that was recorded while the clock was three days ahead, as this machine's clock may have been before somebody set it.
#[test]
fn a_clock_behind_what_is_known_is_noticed() {
    const AHEAD_MS: u64 = 3 * 86_400_000;
    let device = Device::new("desk");
    let passphrase = Passphrase::new(PASSPHRASE.to_owned().into()).unwrap();
    let key = FileKeyStore::new(device.dir(), passphrase).load().unwrap();
    let mut ahead = now_since(std::time::Instant::now());
    ahead.wall_ms += AHEAD_MS;
    let storage = FileStorage::open(device.dir()).unwrap();
    let (mut replica, _): (HostReplica<Graph>, _) = Replica::open(storage, key, "desk", ahead).unwrap();
    replica.found_workspace("tomorrow", ahead).unwrap();
    replica.flush(ahead).unwrap();
    replica.close().unwrap();

    let (code, checks) = examine(&device, &[]);
    assert_eq!(verdicts(&checks), ["ok", "ok", "ok", "warning", "ok", "skipped", "skipped", "skipped"], "{checks:?}");
    assert!(
        checks[3].1.contains(" s behind the newest change") && checks[3].2.contains("set date and time"),
        "{checks:?}"
    );
    assert_eq!(code, 0, "it goes on working");
}

/// Runs `doctor` where the data directory is another file system, which is gone with the command.
#[cfg(target_os = "linux")]
mod mounted {
    use super::*;

    /// What `doctor` says after `mount`, in which `$DIR` is the data directory; `None`, said aloud, where that is not possible.
    fn examine(device: &Device, mount: &str) -> Option<Told> {
        let plain = device.command(&["doctor", "--json"]);
        let mut command = std::process::Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        command.arg(format!("{{ {mount}; }} >&2 || exit 77; exec \"$@\"")).arg("sh").arg(plain.get_program());
        command.args(plain.get_args()).env("DIR", device.dir());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        if output.stdout.is_empty() {
            let why = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!std::env::var("VERSO_REQUIRE_NAMESPACES").is_ok_and(|value| value == "1"), "{why}");
            skipped(&why);
            return None;
        }
        Some(told(&output))
    }

    #[expect(clippy::print_stderr, reason = "a test that can't run says so")]
    fn skipped(why: &str) {
        eprintln!("SKIPPED, nothing was tested: nothing can be mounted here: {why}");
    }

    #[test]
    fn a_disk_that_may_not_be_written_is_a_fault_and_told_once() {
        let device = Device::new("desk");
        let read_only = "mount --bind \"$DIR\" \"$DIR\" && mount -o remount,bind,ro \"$DIR\"";
        let Some((code, checks)) = examine(&device, read_only) else { return };
        assert_eq!(
            verdicts(&checks),
            ["fault", "skipped", "skipped", "ok", "skipped", "skipped", "skipped", "skipped"],
            "{checks:?}"
        );
        assert!(checks[0].1.contains("ead-only") && checks[0].2.contains("read-only"), "{checks:?}");
        assert_eq!(code, 1);
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_a_warning() {
        let device = Device::new("desk");
        let small = "cp -a \"$DIR\" \"$DIR.kept\" && mount -t tmpfs -o size=8m,mode=0700 tmpfs \"$DIR\" && \
            cp -a \"$DIR.kept/.\" \"$DIR\"";
        let Some((code, checks)) = examine(&device, small) else { return };
        assert_eq!(
            verdicts(&checks),
            ["warning", "ok", "ok", "ok", "ok", "skipped", "skipped", "skipped"],
            "{checks:?}"
        );
        assert!(checks[0].1.contains("left on its disk") && checks[0].2.contains("make room"), "{checks:?}");
        assert_eq!(code, 0);
    }
}

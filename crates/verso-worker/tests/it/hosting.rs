//! The example host, run as anybody would: it plays to its end by itself.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Cargo builds the examples along with the tests, beside them.
fn host() -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(format!("host{}", std::env::consts::EXE_SUFFIX));
    Command::new(path)
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn two_hosts_follow_each_other_through_their_own_reducers() {
    let told = told(&host().output().unwrap());
    for line in [
        "verso 0.1.0 provides identity:p2p, protocol:verso",
        "the phone has: buy milk",
        "the laptop took back what was its own, and has: bake bread",
        "after a restart the phone has, of its own: bake bread",
        "then it took 3 entries more, and has: ",
        "both show the same",
    ] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
}

#[test]
fn a_host_without_a_keychain_goes_on_and_is_told_why_it_does_not_sync() {
    // No session bus, so no keychain on Linux; where there is another, the host says so.
    let told =
        told(&host().arg("--keychain").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent").output().unwrap());
    let is_on = told.contains("sync is on");
    assert!(is_on || told.contains("no sync (key-missing): The key store does not hold this device's key."), "{told}");
    assert!(told.contains("to do: buy milk"), "{told}");
    assert!(told.contains("with a key: buy milk"), "{told}");
    assert!(!cfg!(target_os = "linux") || !is_on, "{told}");
}

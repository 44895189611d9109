//! Without any network, not even the machine's own: everything works that needs none, and the rest says so in one sentence.

#![cfg(target_os = "linux")]

use std::process::{Command, Output};

use crate::device::{Device, document, failed, pair, program, sample, succeeded, sync};

/// The program in an empty network namespace, where even `lo` is down.
fn without_network(device: &Device, words: &[&str]) -> Output {
    let inner = device.command(words);
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

#[test]
fn all_else_works_without_a_network() {
    let device = Device::blank();
    let commands: [&[&str]; 14] = [
        &["init", "--name", "desk"],
        &["id"],
        &["workspace", "new", "garden"],
        &["workspace", "list"],
        &["import", sample()],
        &["node", "add", "u:a", "--title", "A"],
        &["node", "tag", "A", "x"],
        &["edge", "add", "A", "HyperCard"],
        &["node", "show", "A"],
        &["node", "rm", "A"],
        &["show"],
        &["export"],
        &["peers"],
        &["status"],
    ];
    for words in commands {
        succeeded(words, &without_network(&device, words));
    }
}

#[test]
fn nobody_is_reached_without_a_network() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    for network in ["loopback", "lan"] {
        let words = ["up", "--once", "--json", "--wait", "1s", "--network", network];
        let failure = failed(&words, &without_network(&desk, &words));
        assert_eq!(failure.code, 4, "{failure:?}");
        assert!(failure.what.contains("no peer"), "{failure:?}");
        let told = document(&failure.stdout);
        assert_eq!(told["peers"][0]["state"], "unreachable", "{told}");
        assert_eq!(told["peers"][0]["reason"], "offline", "{told}");
        assert!(failure.hint.contains("connect this device to a network"), "{failure:?}");
        let words = ["join", &link(&lap), "--yes", "--json", "--network", network];
        let failure = failed(&words, &without_network(&desk, &words));
        assert_eq!((failure.code, failure.stdout.as_str()), (4, ""), "{failure:?}");
    }
    let words = ["pair", "--yes", "--json", "--network", "lan"];
    let failure = failed(&words, &without_network(&desk, &words));
    assert_eq!((failure.code, failure.stdout.as_str()), (4, ""), "{failure:?}");
    sync(&desk, &lap);
}

/// A link of a device that nobody can reach.
fn link(device: &Device) -> String {
    let id = device.json(&["id"])["device"].as_str().unwrap().to_owned();
    format!("verso://pair/{id}/{}?addr=127.0.0.1:9", "A".repeat(22))
}

#[test]
fn the_namespace_is_really_empty() {
    let device = Device::blank();
    assert!(program(&["--version"]).status().unwrap().success());
    let output = without_network(&device, &["demo", "--json"]);
    let failure = failed(&["demo"], &output);
    assert!(failure.why.contains("no network"), "the demo needs 127.0.0.1: {failure:?}");
}

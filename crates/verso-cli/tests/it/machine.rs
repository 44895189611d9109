//! [`Machine`]: a host in a network of the test's own, and a device on it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::device::{Device, Failure, Running, document, failed, succeeded};
use crate::namespaces::{Host, Network};

pub(crate) struct Machine {
    pub(crate) host: Host,
    pub(crate) device: Device,
    pub(crate) id: String,
    pub(crate) fingerprint: String,
}

impl Machine {
    /// A host that is connected to a network by `eth0`, with a new device.
    pub(crate) fn new(network: &Network, address: &str, name: &str) -> Self {
        Self::on(network.host(&format!("{address}/24")), name)
    }

    /// A new device on a host.
    pub(crate) fn on(host: Host, name: &str) -> Self {
        let device = Device::new(name);
        let told = device.json(&["id"]);
        let text = |field: &str| told[field].as_str().unwrap().to_owned();
        Self { host, id: text("device"), fingerprint: text("fingerprint"), device }
    }

    /// Gives the host another address instead, as in another network: the one that others know leads to nobody from then on.
    pub(crate) fn move_to(&self, address: &str) {
        self.host.ip("addr flush dev eth0 scope global");
        self.host.ip(&format!("addr add {address}/24 dev eth0"));
    }

    /// The program on this host, on whatever networks that has.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.device.command(words);
        command.env("VERSO_NETWORK", "lan");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        self.host.spawn(move || command.output().unwrap()).join().unwrap()
    }

    /// Runs what has to succeed, and returns its one document.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        document(&succeeded(&words, &self.run(&words)))
    }

    /// Runs what has to fail.
    pub(crate) fn fails(&self, words: &[&str]) -> Failure {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        failed(&words, &self.run(&words))
    }

    /// Starts what goes on for a while.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        let mut command = self.command(words);
        self.host.spawn(move || Running::start(&mut command)).join().unwrap()
    }

    /// The UDP port, which stays.
    pub(crate) fn port(&self) -> u16 {
        let config = std::fs::read_to_string(self.device.dir().join("config")).unwrap();
        let config: Value = serde_json::from_str(&config).unwrap();
        u16::try_from(config["port"].as_u64().unwrap()).unwrap()
    }
}

/// Pairs two machines by six words, with no address given.
pub(crate) fn pair(shows: &Machine, joins: &Machine) {
    let mut pairing = shows.start(&["pair", "--yes", "--json"]);
    let offer = pairing.event("offer");
    assert_eq!(offer["nearby"], Value::Null, "nobody is there to type a code");
    let words: Vec<&str> = offer["words"].as_str().unwrap().split(' ').collect();
    joins.json(&[&["join", "--yes"], words.as_slice()].concat());
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
}

/// Syncs two machines at the same time, which takes as long as it waits for others; both have to be in step.
pub(crate) fn sync(one: &Machine, other: &Machine) {
    let words = ["up", "--once", "--json", "--wait", "4s"];
    let first = one.start(&words);
    let second = other.run(&words);
    for output in [first.end(), second] {
        let told = document(&succeeded(&words, &output));
        assert!(told["peers"].as_array().unwrap().iter().any(|peer| peer["state"] == "in-step"), "{told}");
    }
}

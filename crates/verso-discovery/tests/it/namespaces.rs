//! Networks of the tests' own: network namespaces, joined by bridges. They need Linux, root, and `ip` of iproute2.

#![expect(clippy::print_stderr, reason = "a test that can't run says so")]
#![allow(dead_code, reason = "the tests of several crates share this, and each uses some of it")]

use std::fs::File;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// If this is 1, a test that can't have its namespaces fails.
const REQUIRED: &str = "VERSO_REQUIRE_NAMESPACES";

/// A bridge, in a namespace of its own: what a switch or an access point is.
pub(crate) struct Network {
    namespace: String,
    plugs: AtomicU32,
}

/// A machine: a namespace.
pub(crate) struct Host {
    namespace: String,
}

pub(crate) fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("verso-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().map_err(|error| error.to_string())?;
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("`ip {arguments}`: {why}")) }
}

/// Says aloud that a test is left out, or fails where it must not be.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{why}");
    eprintln!("SKIPPED, nothing was tested: {why}. {REQUIRED}=1 makes this a failure.");
}

impl Network {
    /// Makes a network; `None`, said aloud, where that is not possible.
    pub(crate) fn new() -> Option<Self> {
        let network = Self { namespace: fresh_name(), plugs: AtomicU32::new(0) };
        let namespace = &network.namespace;
        let made = ip(&format!("netns add {namespace}"))
            .and_then(|()| ip(&format!("-n {namespace} link add bridge type bridge")))
            .and_then(|()| ip(&format!("-n {namespace} link set bridge up")));
        let Err(why) = made else { return Some(network) };
        skip(&format!("no network namespaces here: {why}"));
        None
    }

    /// Makes another, where one was made before.
    pub(crate) fn another() -> Self {
        Self::new().unwrap()
    }

    /// Connects an interface of a host.
    pub(crate) fn plug(&self, host: &Host, interface: &str, address: &str) {
        let (here, there) = (&self.namespace, &host.namespace);
        let plug = format!("plug{}", self.plugs.fetch_add(1, Ordering::Relaxed));
        ip(&format!("-n {here} link add {plug} type veth peer name {interface} netns {there}")).unwrap();
        ip(&format!("-n {here} link set {plug} master bridge up")).unwrap();
        host.ip(&format!("addr add {address} dev {interface}"));
        host.ip(&format!("link set {interface} up"));
    }

    /// Pulls or plugs the cable of whoever was connected as the nth, from 0.
    pub(crate) fn cable(&self, nth: u32, state: &str) {
        ip(&format!("-n {} link set plug{nth} {state}", self.namespace)).unwrap();
    }

    /// Makes a host that is connected by `eth0`.
    pub(crate) fn host(&self, address: &str) -> Host {
        let host = Host::new();
        self.plug(&host, "eth0", address);
        host
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(ip(&format!("netns del {}", self.namespace)));
    }
}

impl Host {
    pub(crate) fn new() -> Self {
        let host = Self { namespace: fresh_name() };
        ip(&format!("netns add {}", host.namespace)).unwrap();
        host.ip("link set lo up");
        host
    }

    /// Runs `ip` on the host.
    pub(crate) fn ip(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.namespace)).unwrap();
    }

    /// Runs a program on the host, with its input.
    pub(crate) fn exec(&self, program: &[&str], input: &str) {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).args(program);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "{program:?} failed on {input}");
    }

    /// Runs something on the host, in a thread of its own: what that opens and the threads that it starts belong to the host.
    pub(crate) fn spawn<T: Send + 'static>(&self, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let path = format!("/run/netns/{}", self.namespace);
        thread::spawn(move || {
            #[allow(
                clippy::disallowed_methods,
                reason = "it is how the kernel names a namespace; not all who share this forbid it"
            )]
            let namespace = File::open(path).unwrap();
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network)).unwrap();
            run()
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(ip(&format!("netns del {}", self.namespace)));
    }
}

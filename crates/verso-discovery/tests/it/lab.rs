//! Networks of the tests' own: network namespaces, joined by bridges. They need Linux, root, and `ip` of iproute2.

#![expect(clippy::print_stderr, reason = "a test that can't run says so")]

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use verso_discovery::{DiscoveryHandle, DiscoveryOptions, Interfaces, Mode, Profile, Relationship, View, discover};
use zeroize::Zeroizing;

use crate::rig::{PORT, id};

/// If this is set, a test that can't have its namespaces fails.
const REQUIRED: &str = "VERSO_REQUIRE_NAMESPACES";

/// How long anything may take that takes a second or two.
const PATIENCE: Duration = Duration::from_secs(15);

/// A bridge, in a namespace of its own: what a switch or an access point is.
pub(crate) struct Network {
    namespace: String,
    plugs: AtomicU32,
}

/// A machine: a namespace.
pub(crate) struct Host {
    namespace: String,
}

/// A discovery that runs on a host.
pub(crate) struct Running {
    pub(crate) handle: DiscoveryHandle,
    view: watch::Receiver<View>,
    shutdown: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("verso-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().map_err(|error| error.to_string())?;
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("`ip {arguments}`: {why}")) }
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
        assert!(std::env::var_os(REQUIRED).is_none(), "no network namespaces here: {why}");
        eprintln!("SKIPPED, nothing was tested: no network namespaces here: {why}. {REQUIRED}=1 makes this a failure.");
        None
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

    /// Runs something on the host, in a thread of its own: what that opens and the threads that it starts belong to the host.
    pub(crate) fn spawn<T: Send + 'static>(&self, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let path = format!("/run/netns/{}", self.namespace);
        thread::spawn(move || {
            #[expect(clippy::disallowed_methods, reason = "it is how the kernel names a namespace")]
            let namespace = File::open(path).unwrap();
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network)).unwrap();
            run()
        })
    }

    pub(crate) fn discover(&self, number: u8, mode: Mode, relationships: Vec<Relationship>) -> Running {
        let options = DiscoveryOptions {
            profile: Profile { device: id(number), port: PORT, mode },
            interfaces: Interfaces::All,
            listen: None,
        };
        self.discover_with(options, relationships)
    }

    pub(crate) fn discover_with(&self, options: DiscoveryOptions, relationships: Vec<Relationship>) -> Running {
        let shutdown = CancellationToken::new();
        let seed = Zeroizing::new(*blake3::hash(fresh_name().as_bytes()).as_bytes());
        let token = shutdown.clone();
        let (sender, receiver) = mpsc::channel();
        let thread = self.spawn(move || {
            let runtime = Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (handle, running) = discover(options, seed, token);
                sender.send(handle).unwrap();
                running.await;
            });
        });
        let handle = receiver.recv().unwrap();
        handle.set_relationships(relationships);
        Running { view: handle.view(), handle, shutdown, thread: Some(thread) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(ip(&format!("netns del {}", self.namespace)));
    }
}

impl Running {
    /// Waits until what is seen is as expected.
    pub(crate) fn wait(&mut self, what: &str, is_so: impl Fn(&View) -> bool) -> View {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let waited = runtime.block_on(async {
            tokio::time::timeout(PATIENCE, self.view.wait_for(is_so)).await.map(|view| view.unwrap().clone())
        });
        waited.unwrap_or_else(|_elapsed| panic!("{what} did not come about: {:?}", self.view.borrow()))
    }

    /// Waits until a peer is found at an address.
    pub(crate) fn wait_for_peer(&mut self, number: u8, address: &str) {
        let address = crate::rig::at(address);
        self.wait(&format!("device {number} at {address}"), |view| {
            view.neighbours.peers.get(&id(number)).and_then(|addresses| addresses.first()) == Some(&address)
        });
    }

    /// Ends it, with its goodbye.
    pub(crate) fn stop(mut self) {
        self.shutdown.cancel();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

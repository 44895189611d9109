//! Discoveries that run on hosts in networks of the tests' own.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use verso_discovery::{DiscoveryHandle, DiscoveryOptions, Interfaces, Mode, Profile, Relationship, View, discover};
use zeroize::Zeroizing;

use crate::namespaces::{Host, fresh_name};
use crate::rig::{PORT, id};

/// How long anything may take that takes a second or two.
const PATIENCE: Duration = Duration::from_secs(15);

/// A discovery that runs on a host.
pub(crate) struct Running {
    pub(crate) handle: DiscoveryHandle,
    view: watch::Receiver<View>,
    shutdown: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Host {
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

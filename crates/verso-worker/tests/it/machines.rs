//! Machines in networks of the tests' own, each with a device.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, KeyStore as _, MarkStore, MemoryKeyStore, WorkspaceId};
use verso_transport::Network as Preset;
use verso_worker::{LocalDiscovery, Status, SyncWorker, WorkerHandle, WorkerOptions};

use crate::namespaces::{Host, Network};

/// How long anything may take that takes a second or two, or until a peer that is silent is given up.
const PATIENCE: Duration = Duration::from_mins(2);

/// A device keeps its UDP port.
pub(crate) const PORT: u16 = 4_242;

/// A host in a network, with a device on it, and threads that belong to that host.
pub(crate) struct Machine {
    pub(crate) host: Host,
    pub(crate) runtime: Runtime,
    pub(crate) directory: TempDir,
    pub(crate) name: &'static str,
    pub(crate) key: DeviceKey,
    pub(crate) marks: Arc<dyn MarkStore>,
}

/// The worker of a machine, which keeps its peers connected.
pub(crate) struct Up {
    pub(crate) handle: WorkerHandle<Graph>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<()>,
}

impl Machine {
    pub(crate) fn new(network: &Network, address: &str, name: &'static str) -> Self {
        let host = network.host(&format!("{address}/24"));
        let threads = host.spawn(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap());
        Self {
            host,
            runtime: threads.join().unwrap(),
            directory: tempfile::tempdir().unwrap(),
            name,
            key: DeviceKey::generate().unwrap(),
            marks: MemoryKeyStore::new().marks(),
        }
    }

    pub(crate) fn id(&self) -> DeviceId {
        self.key.id()
    }

    /// Runs something on the machine.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        self.runtime.block_on(self.runtime.spawn(work)).unwrap()
    }

    /// Gives the machine another address, as in another network: the known one leads to nobody from then on.
    pub(crate) fn move_to(&self, address: &str) {
        self.host.ip("addr flush dev eth0 scope global");
        self.host.ip(&format!("addr add {address}/24 dev eth0"));
    }

    pub(crate) fn open(&self, discovery: LocalDiscovery) -> (SyncWorker<Graph>, WorkerHandle<Graph>) {
        let options = WorkerOptions {
            data_dir: self.directory.path().to_owned(),
            name: self.name.into(),
            network: Preset::Lan,
            port: PORT,
            listen: None,
            discovery,
            marks: Arc::clone(&self.marks),
        };
        let key = DeviceKey::from_secret(&self.key.to_secret());
        self.run(async move { SyncWorker::open(options, key).await.unwrap() })
    }

    pub(crate) fn up(&self) -> Up {
        self.up_with(LocalDiscovery::default())
    }

    pub(crate) fn up_with(&self, discovery: LocalDiscovery) -> Up {
        let (worker, handle) = self.open(discovery);
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let ended = self.runtime.spawn(async move { worker.run(token).await.unwrap() });
        Up { handle, shutdown, ended }
    }

    /// Ends a worker, with its goodbye.
    pub(crate) fn down(&self, up: Up) {
        let Up { handle, shutdown, ended } = up;
        shutdown.cancel();
        self.runtime.block_on(ended).unwrap();
        drop(handle);
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }
}

impl Up {
    /// Waits until the status is as expected, and returns what is asked of it.
    pub(crate) fn wait<T>(&self, what: &str, ask: impl Fn(&Status) -> Option<T>) -> T {
        let mut status: watch::Receiver<Status> = self.handle.status();
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let waited = runtime.block_on(async {
            let is_so = |status: &Status| ask(status).is_some();
            tokio::time::timeout(PATIENCE, status.wait_for(is_so)).await.map(|status| ask(&status.unwrap()))
        });
        waited
            .unwrap_or_else(|_elapsed| panic!("{what} did not come about: {:?}", self.handle.status().borrow()))
            .unwrap()
    }

    pub(crate) fn wait_in_step(&self, peer: DeviceId) {
        self.wait("being in step", |status| status.peers.get(&peer).filter(|peer| peer.in_step).map(|_| ()));
    }

    /// Waits until a peer is found at addresses of which the first is this.
    pub(crate) fn wait_found(&self, peer: DeviceId, address: &str) -> SocketAddr {
        let address: IpAddr = address.parse().unwrap();
        self.wait("finding a peer", |status| {
            let found = status.discovery.neighbours.peers.get(&peer)?;
            found.first().copied().filter(|first| first.ip() == address)
        })
    }

    pub(crate) fn wait_gone(&self, peer: DeviceId) {
        self.wait("a goodbye", |status| (!status.discovery.neighbours.peers.contains_key(&peer)).then_some(()));
    }
}

pub(crate) fn found_workspace(machine: &Machine, up: &Up, title: &'static str) -> WorkspaceId {
    let handle = up.handle.clone();
    machine.run(async move {
        let workspace = handle.found_workspace("garden".to_owned()).await.unwrap();
        let url = format!("https://example.org/{title}");
        handle.commit(workspace, vec![Intent::AddNode { url, title: title.into() }]).await.unwrap();
        workspace
    })
}

pub(crate) fn nodes(machine: &Machine, up: &Up, workspace: WorkspaceId) -> usize {
    let handle = up.handle.clone();
    let count = machine.run(async move {
        handle.read(move |replica| replica.application(&workspace).map_or(0, |graph| graph.nodes().count())).await
    });
    count.unwrap()
}

//! Devices in temporary directories, each with a worker on the loopback interface.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, KeyStore as _, MarkStore, MemoryKeyStore, WorkspaceId};
use verso_pairing::{Paired, PairingLink};
use verso_transport::Network;
use verso_trust::PeerRole;
use verso_wire::Application;
use verso_worker::{
    Answer, LocalDiscovery, OfferOptions, PairingEvent, PairingOffer, Status, SyncWorker, Ways, WorkerHandle,
    WorkerOptions,
};

/// Much longer than anything that is waited for takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A device whose worker is running, but syncs only when told.
pub(crate) struct Device<A: Application = Graph> {
    pub(crate) directory: TempDir,
    pub(crate) handle: WorkerHandle<A>,
    pub(crate) worker: SyncWorker<A>,
    secret: DeviceKey,
    marks: Arc<dyn MarkStore>,
}

impl<A: Application> Device<A> {
    /// A new device for any application.
    pub(crate) async fn of(name: &str) -> Self {
        let (directory, secret) = (tempfile::tempdir().unwrap(), DeviceKey::generate().unwrap());
        Self::open_keeping(name, directory, secret, MemoryKeyStore::new().marks()).await
    }

    pub(crate) async fn open_keeping(
        name: &str,
        directory: TempDir,
        secret: DeviceKey,
        marks: Arc<dyn MarkStore>,
    ) -> Self {
        let options = WorkerOptions {
            data_dir: directory.path().to_owned(),
            name: name.into(),
            network: Network::Loopback,
            port: 0,
            listen: None,
            discovery: LocalDiscovery::Off,
            marks: Arc::clone(&marks),
        };
        let key = DeviceKey::from_secret(&secret.to_secret());
        let (worker, handle) = SyncWorker::open(options, key).await.unwrap();
        Self { directory, handle, worker, secret, marks }
    }

    /// Closes the worker and opens another on the same directory.
    pub(crate) async fn restart(self, name: &str) -> Self {
        let marks = Arc::clone(&self.marks);
        let (directory, secret) = self.close().await;
        Self::open_keeping(name, directory, secret, marks).await
    }

    /// Closes the worker. What is left of it is its directory and its secret.
    pub(crate) async fn close(self) -> (TempDir, DeviceKey) {
        let Self { directory, handle, worker, secret, .. } = self;
        drop(handle);
        worker.close().await.unwrap();
        (directory, secret)
    }

    /// Takes the device apart, for a test that runs its worker itself.
    pub(crate) fn into_parts(self) -> (TempDir, DeviceKey, WorkerHandle<A>, SyncWorker<A>) {
        let Self { directory, handle, worker, secret, .. } = self;
        (directory, secret, handle, worker)
    }
}

impl Device {
    pub(crate) async fn new(name: &str) -> Self {
        Self::keeping(name, MemoryKeyStore::new().marks()).await
    }

    /// A new device whose mark is kept in `marks`.
    pub(crate) async fn keeping(name: &str, marks: Arc<dyn MarkStore>) -> Self {
        Self::open_keeping(name, tempfile::tempdir().unwrap(), DeviceKey::generate().unwrap(), marks).await
    }

    pub(crate) async fn found(&self, name: &'static str) -> WorkspaceId {
        self.handle.found_workspace(name.to_owned()).await.unwrap()
    }

    pub(crate) async fn add(&self, workspace: WorkspaceId, title: &str) {
        let url = format!("https://example.org/{title}");
        self.handle.commit(workspace, vec![Intent::AddNode { url, title: title.into() }]).await.unwrap();
    }

    /// The digest of a workspace, if the device has it.
    pub(crate) async fn digest(&self, workspace: WorkspaceId) -> Option<[u8; 32]> {
        self.handle.read(move |replica| replica.application(&workspace).map(Graph::digest)).await.unwrap()
    }

    pub(crate) async fn titles(&self, workspace: WorkspaceId) -> Vec<String> {
        let titles = self.handle.read(move |replica| {
            let graph = replica.application(&workspace)?;
            Some(graph.nodes().map(|node| node.title().to_owned()).collect::<Vec<_>>())
        });
        let mut titles = titles.await.unwrap().unwrap_or_default();
        titles.sort();
        titles
    }
}

pub(crate) async fn offer<A: Application>(device: &Device<A>) -> PairingOffer {
    device
        .handle
        .offer(OfferOptions {
            role: PeerRole::Own,
            workspaces: Vec::new(),
            ttl: Duration::from_mins(1),
            ways: Ways::Nearby,
        })
        .await
        .unwrap()
}

pub(crate) fn link_of(offer: &PairingOffer) -> PairingLink {
    offer.with_link(|link| link.to_string().parse().unwrap())
}

/// Answers yes to whatever is asked until the pairing is made.
pub(crate) async fn show(mut offer: PairingOffer) -> Paired {
    while let Some(event) = offer.next().await {
        match event {
            PairingEvent::Confirm { answer, .. } => answer.send(Answer::Yes).unwrap(),
            PairingEvent::Paired(paired) => return paired,
            other => panic!("{other:?}"),
        }
    }
    panic!("the offer ended")
}

pub(crate) async fn join<A: Application>(
    device: &Device<A>,
    link: &PairingLink,
) -> Result<Paired, verso_worker::PairError> {
    join_at(device, link, &[]).await
}

/// As [`join`], with addresses at which the other device is by now.
pub(crate) async fn join_at<A: Application>(
    device: &Device<A>,
    link: &PairingLink,
    at: &[std::net::SocketAddr],
) -> Result<Paired, verso_worker::PairError> {
    let (sender, mut events) = mpsc::unbounded_channel();
    let answers = async {
        while let Some(event) = events.recv().await {
            if let PairingEvent::Confirm { answer, .. } = event {
                answer.send(Answer::Yes).unwrap();
            }
        }
    };
    tokio::select! {
        joined = device.handle.join(link, at, &sender) => joined,
        () = answers => unreachable!("the sender is alive"),
    }
}

pub(crate) async fn pair<A: Application>(showing: &Device<A>, joining: &Device<A>) {
    let offer = offer(showing).await;
    let link = link_of(&offer);
    let (shown, joined) = tokio::join!(show(offer), join(joining, &link));
    assert_eq!(shown.device, joining.handle.device());
    assert_eq!(joined.unwrap().device, showing.handle.device());
}

/// Waits until the status is as it should be.
pub(crate) async fn until<A: Application>(handle: &WorkerHandle<A>, what: impl FnMut(&Status) -> bool) {
    let mut status = handle.status();
    let seen = tokio::time::timeout(PATIENCE, status.wait_for(what)).await;
    let seen = seen.map(|status| drop(status.unwrap()));
    assert!(seen.is_ok(), "{:?}", handle.status().borrow());
}

/// Tells whether a peer is connected and in step.
pub(crate) fn in_step(status: &Status, peer: DeviceId) -> bool {
    status.peers.get(&peer).is_some_and(|peer| peer.connected && peer.in_step)
}

/// Copies a directory with all that is in it, as a backup program does.
pub(crate) fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

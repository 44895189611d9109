//! Devices with people: workers, and pairings that are said yes to.

use std::net::SocketAddr;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, KeyStore as _, MarkStore, MemoryKeyStore, WorkspaceId};
use verso_pairing::{Paired, PairingLink, Words};
use verso_transport::Network;
use verso_trust::PeerRole;
use verso_worker::{
    Answer, LocalDiscovery, OfferOptions, PairingEvent, Status, SyncWorker, Ways, WorkerHandle, WorkerOptions,
};

use crate::patience::PATIENCE;

/// Somebody with a device.
pub(crate) struct Person {
    directory: TempDir,
    key: DeviceKey,
    marks: Arc<dyn MarkStore>,
    network: Network,
    listen: Option<SocketAddr>,
}

/// How somebody is invited.
pub(crate) enum Invitation {
    Words(Words),
    Link(Box<PairingLink>),
}

/// A device that keeps its peers connected.
pub(crate) struct Up {
    pub(crate) handle: WorkerHandle<Graph>,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

impl Person {
    pub(crate) fn new(network: Network, listen: Option<SocketAddr>) -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let (key, marks) = (DeviceKey::generate().unwrap(), MemoryKeyStore::new().marks());
        Arc::new(Self { directory, key, marks, network, listen })
    }

    pub(crate) fn id(&self) -> DeviceId {
        self.key.id()
    }

    async fn open(&self) -> (SyncWorker<Graph>, WorkerHandle<Graph>) {
        let options = WorkerOptions {
            data_dir: self.directory.path().to_owned(),
            name: "somebody".into(),
            network: self.network.clone(),
            port: 0,
            listen: self.listen,
            discovery: LocalDiscovery::Off,
            marks: Arc::clone(&self.marks),
        };
        Box::pin(SyncWorker::open(options, DeviceKey::from_secret(&self.key.to_secret()))).await.unwrap()
    }

    /// Shows an invitation, which goes to `shown`, and says yes to whoever comes.
    pub(crate) async fn show(self: Arc<Self>, ways: Ways, shown: oneshot::Sender<Invitation>) -> Paired {
        let (worker, handle) = self.open().await;
        let options = OfferOptions { role: PeerRole::Own, workspaces: Vec::new(), ttl: PATIENCE, ways };
        let mut offer = handle.offer(options).await.unwrap();
        let words = offer.with_words(|words, _at| Invitation::Words(words.to_string().parse().unwrap()));
        let link = || offer.with_link(|link| Invitation::Link(Box::new(link.to_string().parse().unwrap())));
        assert!(shown.send(words.unwrap_or_else(link)).is_ok());
        let paired = loop {
            match offer.next().await.unwrap() {
                PairingEvent::Confirm { answer, .. } => answer.send(Answer::Yes).unwrap(),
                PairingEvent::Paired(paired) => break paired,
                other => panic!("{other:?}"),
            }
        };
        worker.close().await.unwrap();
        paired
    }

    /// Comes with an invitation, and says yes.
    pub(crate) async fn join(self: Arc<Self>, invitation: oneshot::Receiver<Invitation>) -> Paired {
        let (worker, handle) = self.open().await;
        let (sender, mut events) = mpsc::unbounded_channel();
        let answers = async {
            while let Some(event) = events.recv().await {
                let PairingEvent::Confirm { answer, .. } = event else { panic!("{event:?}") };
                answer.send(Answer::Yes).unwrap();
            }
        };
        let joining = async {
            match invitation.await.unwrap() {
                Invitation::Words(words) => handle.join_by_words(words, &[], &sender).await.unwrap(),
                Invitation::Link(link) => handle.join(&link, &[], &sender).await.unwrap(),
            }
        };
        let paired = tokio::select! {
            paired = joining => paired,
            () = answers => unreachable!("the sender is alive"),
        };
        worker.close().await.unwrap();
        paired
    }

    pub(crate) async fn up(self: Arc<Self>) -> Up {
        let (worker, handle) = self.open().await;
        let shutdown = CancellationToken::new();
        let token = shutdown.clone();
        let ended = tokio::spawn(async move { worker.run(token).await.unwrap() });
        Up { handle, shutdown, ended }
    }
}

impl Up {
    /// Founds a workspace with something in it.
    pub(crate) async fn found(&self) -> WorkspaceId {
        let workspace = self.handle.found_workspace("garden".to_owned()).await.unwrap();
        let node = Intent::AddNode { url: "https://example.org".into(), title: "one".into() };
        self.handle.commit(workspace, vec![node]).await.unwrap();
        workspace
    }

    /// Waits until the status is as expected, and returns what is asked of it.
    pub(crate) async fn wait<T>(&self, what: &str, ask: impl Fn(&Status) -> Option<T>) -> T {
        let mut status = self.handle.status();
        let waiting = timeout(PATIENCE, status.wait_for(|status| ask(status).is_some())).await;
        let status = waiting.unwrap_or_else(|_| panic!("{what}: {:?}", self.handle.status().borrow())).unwrap();
        ask(&status).unwrap()
    }

    /// Waits until both have all that either has, and this has the workspace.
    pub(crate) async fn wait_in_step(&self, peer: DeviceId, workspace: WorkspaceId) {
        self.wait("being in step", |status| status.peers.get(&peer).filter(|peer| peer.in_step).map(|_| ())).await;
        let nodes = move || {
            self.handle.read(move |replica| replica.application(&workspace).map_or(0, |graph| graph.nodes().count()))
        };
        while nodes().await != Some(1) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn down(self) {
        self.shutdown.cancel();
        self.ended.await.unwrap();
    }
}

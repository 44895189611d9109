//! [`Actor`]: a device of the demo, with its worker; and what two of them do together.

use std::path::Path;

use tempfile::TempDir;
use tokio::sync::mpsc;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, KeyStore as _, MemoryKeyStore, WorkspaceId};
use verso_pairing::PairingLink;
use verso_transport::Network;
use verso_trust::PeerRole;
use verso_worker::{
    Answer, LocalDiscovery, OfferOptions, OutcomeState, PairingEvent, PeerOutcome, SyncWorker, Ways, WorkerHandle,
    WorkerOptions,
};

use super::{PATIENCE, failed};
use crate::device::Device;
use crate::error::{CliError, Exit};
use crate::failure;

/// A device that has not entered yet: a directory, and a key that is never written anywhere.
pub(super) struct Backstage {
    name: &'static str,
    dir: TempDir,
    key: DeviceKey,
}

/// A device with its worker. Its directory goes with it.
pub(super) struct Actor {
    name: &'static str,
    dir: TempDir,
    worker: SyncWorker<Graph>,
    handle: WorkerHandle<Graph>,
}

impl Backstage {
    pub(super) fn new(name: &'static str) -> Result<Self, CliError> {
        let dir = tempfile::Builder::new().prefix("verso-demo-").tempdir();
        let dir = dir.map_err(|error| failed("can't make a temporary directory", &error))?;
        let key = DeviceKey::generate().map_err(|error| failed("can't make a key", &error))?;
        Ok(Self { name, dir, key })
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn id(&self) -> DeviceId {
        self.key.id()
    }

    /// Opens the device as the commands do that need no network.
    pub(super) fn open(&self) -> Result<Device, CliError> {
        Device::open(self.dir.path(), self.twin(), self.name)
    }

    /// Bytes of the journals on the disk.
    pub(super) fn bytes_at_rest(&self) -> Result<u64, CliError> {
        bytes_in(&self.dir.path().join("logs")).map_err(|error| failed("can't look at the journals", &error))
    }

    /// Starts the worker, on any free port of this machine.
    pub(super) async fn enter(self) -> Result<Actor, CliError> {
        let options = WorkerOptions {
            data_dir: self.dir.path().to_path_buf(),
            name: self.name.to_owned(),
            network: Network::Loopback,
            port: 0,
            listen: None,
            discovery: LocalDiscovery::Off,
            marks: MemoryKeyStore::new().marks(),
        };
        let opened = Box::pin(SyncWorker::open(options, self.twin())).await;
        let (worker, handle) = opened.map_err(|error| failure::worker(&error, self.dir.path()))?;
        Ok(Actor { name: self.name, dir: self.dir, worker, handle })
    }

    fn twin(&self) -> DeviceKey {
        DeviceKey::from_secret(&self.key.to_secret())
    }
}

impl Actor {
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn id(&self) -> DeviceId {
        self.handle.device()
    }

    /// Reads the workspace.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Graph) -> T + Send + 'static,
        workspace: WorkspaceId,
    ) -> Result<T, CliError> {
        let answer = self.handle.read(move |replica| replica.application(&workspace).map(ask)).await.flatten();
        answer.ok_or_else(|| {
            let why = format!("{} does not hold the workspace", self.name);
            CliError::new(Exit::Failed, "the demo failed", why, "report this")
        })
    }

    /// Changes something; it is durable when this returns.
    pub(super) async fn commit(&self, workspace: WorkspaceId, intents: Vec<Intent>) -> Result<(), CliError> {
        let committed = self.handle.commit(workspace, intents).await;
        committed.map(|_committed| ()).map_err(|error| failed("the demo failed", &error))
    }

    /// Ends the worker. The directory stays until the returned value is dropped.
    pub(super) async fn leave(self) -> Result<TempDir, CliError> {
        let Self { dir, worker, handle, .. } = self;
        drop(handle);
        worker.close().await.map_err(|error| failed("the demo failed", &error))?;
        Ok(dir)
    }
}

/// Pairs two devices by a link. Both people say yes.
pub(super) async fn pair(desk: &Actor, laptop: &Actor) -> Result<String, CliError> {
    const WHAT: &str = "the two devices could not be paired";
    let options = OfferOptions { role: PeerRole::Own, workspaces: Vec::new(), ttl: PATIENCE, ways: Ways::Link };
    let mut offer = desk.handle.offer(options).await.map_err(|error| failed(WHAT, &error))?;
    let text = offer.with_link(ToString::to_string);
    let link: PairingLink = text.parse().map_err(|error: verso_pairing::LinkError| failed(WHAT, &error))?;
    let shows = async {
        loop {
            match offer.next().await {
                Some(PairingEvent::Confirm { answer, .. }) => say_yes(answer),
                Some(PairingEvent::Paired(_)) => return Ok(()),
                Some(PairingEvent::Failed(error)) => return Err(failed(WHAT, &error)),
                Some(_) => {}
                None => return Err(CliError::new(Exit::Failed, WHAT, "the offer is over", "run the demo again")),
            }
        }
    };
    let (sender, mut events) = mpsc::unbounded_channel();
    let agrees = async {
        while let Some(event) = events.recv().await {
            if let PairingEvent::Confirm { answer, .. } = event {
                say_yes(answer);
            }
        }
    };
    let joins = async {
        let joined = laptop.handle.join(&link, &[], &sender).await.map_err(|error| failed(WHAT, &error));
        drop(sender);
        joined
    };
    let (paired, joined, ()) = tokio::join!(shows, joins, agrees);
    joined?;
    paired?;
    Ok(text)
}

fn say_yes(answer: tokio::sync::oneshot::Sender<Answer>) {
    if answer.send(Answer::Yes).is_err() {
        tracing::debug!("the ceremony ended before the answer");
    }
}

/// Syncs two devices once, and returns what it came to for the first of them.
pub(super) async fn sync(desk: &Actor, laptop: &Actor) -> Result<PeerOutcome, CliError> {
    const WHAT: &str = "the two devices are not in step";
    let (desk, laptop) = tokio::join!(desk.handle.sync_once(PATIENCE), laptop.handle.sync_once(PATIENCE));
    let [desk, laptop] = [desk, laptop].map(|outcomes| <[PeerOutcome; 1]>::try_from(outcomes).ok());
    let (Some([desk]), Some([laptop])) = (desk, laptop) else {
        return Err(CliError::new(Exit::Failed, WHAT, "one of them does not know the other", "report this"));
    };
    if [desk.state, laptop.state] == [OutcomeState::InStep; 2] {
        return Ok(desk);
    }
    let why = desk.reason.or(laptop.reason).map_or("they did not reach each other", verso_wire::Reason::what);
    Err(CliError::new(Exit::Failed, WHAT, why, "run the demo again with -vv"))
}

/// Adds up the sizes of all files in a directory.
fn bytes_in(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0_u64;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let of_it = if entry.file_type()?.is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.len() };
        bytes = bytes.saturating_add(of_it);
    }
    Ok(bytes)
}

//! The host: what it keeps for itself, and how it goes along with the worker.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use verso_identity::{DeviceKey, KeyStore, LoadError, WorkspaceId};
use verso_replica::{Committed, Cursor, Following, More};
use verso_transport::Network;
use verso_vv::Dot;
use verso_wire::{Application as _, Reason};
use verso_worker::{LocalDiscovery, SyncWorker, WorkerError, WorkerHandle, WorkerOptions, reason_of_key};

use crate::list::{Intent, List};

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the host keeps on its disk: its own list, and how far that has followed the journal. Both in one file, so they are of one moment.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    list: List,
    cursor: Vec<u8>,
    /// What was done while there was no sync, and waits for it.
    pending: Vec<Intent>,
}

/// Whether there is anything to sync with.
pub(crate) enum Syncing {
    /// A worker runs.
    On(WorkerHandle<List>),
    /// There is none, and this is why.
    Off(Reason),
}

/// A program with a list of its own, that lets Verso carry it.
pub(crate) struct Host {
    directory: PathBuf,
    kept: Kept,
    sync: Syncing,
    workspace: Option<WorkspaceId>,
    /// What its person did here and may take back. What came from elsewhere never gets in.
    undo: Vec<Dot>,
    /// How many entries its reducer took since it was started.
    pub(crate) taken: usize,
}

/// What the host supervises: workers, in one set, with one token to end them.
#[derive(Default)]
pub(crate) struct Supervisor {
    pub(crate) shutdown: CancellationToken,
    workers: JoinSet<Result<(), WorkerError>>,
}

impl Supervisor {
    /// Opens a worker and runs it in the set.
    ///
    /// # Errors
    /// Why there is none; the host goes on without.
    async fn start(
        &mut self,
        directory: &Path,
        name: &str,
        store: &dyn KeyStore,
    ) -> Result<WorkerHandle<List>, Reason> {
        let key = identity(store).map_err(|error| reason_of_key(&error))?;
        let options = WorkerOptions {
            data_dir: directory.join("verso"),
            name: name.to_owned(),
            // For this example alone; a host takes `Network::Lan`, and looks around there.
            network: Network::Loopback,
            port: 0,
            listen: None,
            discovery: LocalDiscovery::Off,
            marks: Arc::clone(&store.marks()),
        };
        let (worker, handle) = Box::pin(SyncWorker::open(options, key)).await.map_err(|error| error.reason())?;
        self.workers.spawn(worker.run(self.shutdown.child_token()));
        Ok(handle)
    }

    /// Ends all workers. Each says goodbye and leaves everything durable.
    ///
    /// # Errors
    /// The first that did not end well.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        self.shutdown.cancel();
        while let Some(ended) = self.workers.join_next().await {
            ended??;
        }
        Ok(())
    }
}

/// Opens the identity, or makes one where a store that works has none. A store that can't be asked is no reason to make another.
fn identity(store: &dyn KeyStore) -> Result<DeviceKey, LoadError> {
    match store.load() {
        Err(LoadError::Missing) => store.create().map_err(|_error| LoadError::Missing),
        loaded => loaded,
    }
}

impl Host {
    /// Starts with what was kept, and with sync if there is a key for it.
    pub(crate) async fn start(
        supervisor: &mut Supervisor,
        directory: &Path,
        name: &str,
        store: &dyn KeyStore,
    ) -> Result<Self, Failure> {
        fs::create_dir_all(directory.join("verso"))?;
        let kept = match fs::read(directory.join("list")) {
            Ok(bytes) => postcard::from_bytes(&bytes)?,
            Err(_none) => Kept { cursor: Cursor::new().to_bytes(), ..Kept::default() },
        };
        let sync = match supervisor.start(directory, name, store).await {
            Ok(handle) => Syncing::On(handle),
            Err(reason) => Syncing::Off(reason),
        };
        let directory = directory.to_owned();
        let mut host = Self { directory, kept, sync, workspace: None, undo: Vec::new(), taken: 0 };
        host.find_workspace().await;
        Ok(host)
    }

    pub(crate) const fn sync(&self) -> &Syncing {
        &self.sync
    }

    pub(crate) fn handle(&self) -> Result<&WorkerHandle<List>, Failure> {
        match &self.sync {
            Syncing::On(handle) => Ok(handle),
            Syncing::Off(reason) => Err(reason.what().into()),
        }
    }

    pub(crate) fn items(&self) -> Vec<String> {
        let pending = self.kept.pending.iter().filter_map(|intent| match intent {
            Intent::Add(text) => Some(text.clone()),
            _ => None,
        });
        self.kept.list.items().into_iter().map(str::to_owned).chain(pending).collect()
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        self.kept.list.digest()
    }

    /// Makes the workspace of the list; other devices take it over.
    pub(crate) async fn found(&mut self) -> Result<(), Failure> {
        let workspace = self.handle()?.found_workspace("To do".to_owned()).await?;
        self.workspace = Some(workspace);
        for intent in std::mem::take(&mut self.kept.pending) {
            self.commit(intent).await?;
        }
        Ok(())
    }

    /// Adds something to do. Without sync it waits here.
    pub(crate) async fn add(&mut self, text: &str) -> Result<(), Failure> {
        let intent = Intent::Add(text.to_owned());
        if self.workspace.is_none() {
            self.kept.pending.push(intent);
            return self.keep();
        }
        let Committed { author, last, .. } = self.commit(intent).await?;
        self.undo.push(Dot { author, seq: last });
        Ok(())
    }

    /// Takes back what was done here last.
    pub(crate) async fn undo(&mut self) -> Result<(), Failure> {
        let Some(dot) = self.undo.pop() else { return Ok(()) };
        self.commit(Intent::Remove(dot)).await.map(|_committed| ())
    }

    async fn commit(&mut self, intent: Intent) -> Result<Committed, Failure> {
        let workspace = self.workspace.ok_or("there is no list yet")?;
        // It is durable when this returns; the reducer gets it as it gets everything else.
        let committed = self.handle()?.commit(workspace, vec![intent]).await?;
        self.catch_up().await?;
        Ok(committed)
    }

    /// Follows the journal from where the cursor stands.
    pub(crate) async fn catch_up(&mut self) -> Result<(), Failure> {
        self.find_workspace().await;
        let Some(workspace) = self.workspace else { return Ok(()) };
        loop {
            // A cursor that can't be read any more costs reading everything again.
            let cursor = Cursor::from_bytes(&self.kept.cursor).unwrap_or_default();
            match self.handle()?.applied_after(workspace, cursor).await? {
                Following::StartAnew => {
                    self.kept.list = List::default();
                    self.kept.cursor = Cursor::new().to_bytes();
                }
                Following::Entries(batch) => {
                    batch.entries.iter().for_each(|entry| self.kept.list.apply(&entry.as_applied()));
                    self.taken += batch.entries.len();
                    self.kept.cursor = batch.cursor.to_bytes();
                    if !batch.entries.is_empty() {
                        self.keep()?;
                    }
                    if batch.more == More::No {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Follows until the list looks as it should.
    pub(crate) async fn wait_for(&mut self, items: &[&str]) -> Result<(), Failure> {
        let mut events = self.handle()?.events();
        let wanted: std::collections::BTreeSet<&str> = items.iter().copied().collect();
        loop {
            self.catch_up().await?;
            if self.items().iter().map(String::as_str).collect::<std::collections::BTreeSet<_>>() == wanted {
                return Ok(());
            }
            // Events only wake: who missed some reads what they led to all the same.
            if let Err(RecvError::Closed) = events.recv().await {
                return Err("the worker has ended".into());
            }
        }
    }

    async fn find_workspace(&mut self) {
        if let (Syncing::On(handle), None) = (&self.sync, self.workspace) {
            self.workspace = handle.read(|replica| replica.workspaces().next()).await.flatten();
        }
    }

    /// Keeps list and cursor, all of it or nothing.
    fn keep(&self) -> Result<(), Failure> {
        let (next, path) = (self.directory.join("list.new"), self.directory.join("list"));
        fs::write(&next, postcard::to_allocvec(&self.kept)?)?;
        fs::File::open(&next)?.sync_all()?;
        fs::rename(next, path)?;
        Ok(())
    }
}

//! [`SyncWorker`]: the task that a host supervises, and [`WorkerHandle`], the way to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use verso_discovery::View;
use verso_identity::{DeviceId, DeviceKey, MarkStore, WorkspaceId};
use verso_log::{DataDirLock, FileStorage, LockError};
use verso_pairing::{OfferId, Paired, PairingLink, Words};
use verso_replica::{
    Committed, Cursor, Event, Following, JournalError, OpenError, OpenNotices, ProvisionalPeer, Replica,
};
use verso_session::Mode;
use verso_transport::{BindError, Network as Preset, Transport, TransportConfig};
use verso_wire::limits::MAX_INCOMING_SESSIONS;
use verso_wire::{Application, Reason};
use zeroize::Zeroizing;

use crate::board::{Board, Status};
use crate::engine::{Command, CommandError, EngineThread, HostReplica, chain, keep_time, now_since, start};
use crate::finder::{Endpoint, Finder, LocalDiscovery};
use crate::gate::Gate;
use crate::invitations::{InvitationError, Invitations};
use crate::keep::keep_for_good;
use crate::link::show_relay;
use crate::loan::Loan;
use crate::marks::{Keeper, keep_marks};
use crate::network::{Network, Parts, Serving};
use crate::once::{PeerOutcome, sync_once};
use crate::pairing::{
    InviteError, OfferOptions, PairError, PairingEvent, PairingOffer, invite, join, join_by_words, join_nearby,
    keep_guests, offer,
};
use crate::round::round;
use crate::surroundings;

/// How long a stop may take for more than what has to be: of the 2 s in which the program is to end, the rest is for one more operation of a slow disk.
const IN_TIME: Duration = Duration::from_millis(1200);

/// What a worker works with.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Where the device lies.
    pub data_dir: PathBuf,
    /// The device's name, where it has none yet.
    pub name: String,
    /// How far the network reaches.
    pub network: Preset,
    /// The UDP port; 0 for any. If it is taken by another program, any other is used and peers are told.
    pub port: u16,
    /// The one address to listen on, instead of the preset's.
    pub listen: Option<SocketAddr>,
    /// Whether and where others are looked for on the local network. Not on [`Preset::Loopback`] as a rule, which no other machine reaches.
    pub discovery: LocalDiscovery,
    /// Where the device's high-water mark is kept, apart from the data.
    pub marks: Arc<dyn MarkStore>,
}

/// A worker can't start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// Another process has the data directory, or it can't be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The data directory can't be opened.
    #[error("the data directory can't be opened")]
    Storage(#[from] std::io::Error),
    /// The device can't be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no network endpoint to be had.
    #[error("the network endpoint can't be opened")]
    Bind(#[from] BindError),
    /// The invitations can't be read or kept.
    #[error(transparent)]
    Invitations(#[from] InvitationError),
    /// The engine's thread ended by itself: a defect.
    #[error("the sync engine ended by a defect of the program")]
    Crashed,
}

/// What is applied can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no such workspace, or its log failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The worker has ended.
    #[error("the sync worker has ended")]
    Ended,
}

/// Syncs a device with its peers for as long as it runs.
///
/// It composes and decides nothing: the replica does, on a thread of its own, because disks block. Around it are the tasks of the network.
#[derive(Debug)]
pub struct SyncWorker<A: Application> {
    handle: WorkerHandle<A>,
    thread: EngineThread<A>,
    /// Time, events, incoming connections.
    tasks: JoinSet<()>,
    keeper: Arc<Keeper>,
    notices: OpenNotices,
    _lock: DataDirLock,
}

/// The way to a worker. Cheap to clone.
#[derive(Debug)]
pub struct WorkerHandle<A: Application> {
    network: Arc<Network<A>>,
    invitations: Arc<Invitations>,
}

impl<A: Application> Clone for WorkerHandle<A> {
    fn clone(&self) -> Self {
        Self { network: Arc::clone(&self.network), invitations: Arc::clone(&self.invitations) }
    }
}

impl<A: Application> SyncWorker<A> {
    /// Takes the data directory, opens the device and binds the endpoint. Nobody is dialled or served before [`run`](Self::run) or
    /// [`WorkerHandle::sync_once`].
    ///
    /// # Errors
    /// [`WorkerError`], and nothing is left behind.
    pub async fn open(options: WorkerOptions, key: DeviceKey) -> Result<(Self, WorkerHandle<A>), WorkerError> {
        Box::pin(Self::open_serving(options, key, MAX_INCOMING_SESSIONS)).await
    }

    /// As [`open`](Self::open), and serves up to `sessions` peers at a time of those who dial this device: for a person with more devices than the usual few.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_serving(
        options: WorkerOptions,
        key: DeviceKey,
        sessions: usize,
    ) -> Result<(Self, WorkerHandle<A>), WorkerError> {
        let lock = DataDirLock::acquire(&options.data_dir)?;
        let storage = FileStorage::open(&options.data_dir)?;
        let twin = DeviceKey::from_secret(&key.to_secret());
        let name = options.name.clone();
        let board = Arc::new(Board::new());
        let keeper = Keeper::new(Arc::clone(&options.marks), DeviceKey::from_secret(&key.to_secret()));
        let invitations = Arc::new(Invitations::open(&options.data_dir, &key)?);
        let (asked, told) = (Arc::clone(&keeper), Arc::clone(&board));
        let opening = tokio::task::spawn_blocking(move || {
            let mark = asked.read(&told);
            Replica::<_, A>::open_marked(storage, twin, &name, mark.as_ref(), now_since(Instant::now()))
        });
        let (replica, notices) = opening.await.map_err(|_panic| WorkerError::Crashed)??;
        if notices.rolled_back.is_some() || notices.local_state_lost {
            // What was used since would be good again.
            invitations.withdraw_all()?;
        }
        let gate = Arc::new(Gate::default());
        let transport = bind(&key, &options, sessions, Arc::clone(&gate)).await?;
        let (engine, thread) = start(replica, Arc::clone(&gate), Arc::clone(&board))?;
        let listen = options.listen.map(|listen| listen.ip());
        let endpoint = Endpoint { device: transport.id(), port: transport.port(), listen };
        let finder = Finder::new(options.discovery.options(&endpoint), Arc::clone(&board));
        let network = Arc::new(Network::new(Parts { transport, engine, board, gate, key: Arc::new(key), finder }));
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_time(network.engine.clone()));
        tasks.spawn(Arc::clone(&network).accept());
        tasks.spawn(show_relay(Arc::clone(&network.board), network.transport.relay()));
        tasks.spawn(surroundings::watch(Arc::clone(&network)));
        tasks.spawn(keep_marks(network.engine.clone(), Arc::clone(&keeper), Arc::clone(&network.board)));
        let handle = WorkerHandle { network, invitations };
        Ok((Self { handle: handle.clone(), thread, tasks, keeper, notices, _lock: lock }, handle))
    }

    /// Returns what was noticed on opening.
    pub const fn notices(&self) -> &OpenNotices {
        &self.notices
    }

    /// Keeps all peers connected until `shutdown` is cancelled, then [closes](Self::close).
    ///
    /// # Errors
    /// [`WorkerError::Crashed`] if the engine ended by itself, or one of the tasks that all need. Whatever else ends by a defect is started again, and
    /// counted in the status.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        let network = Arc::clone(&self.handle.network);
        network.set_serving(Serving::Peers(Mode::StayOpen));
        network.serve_invitations(self.handle.invitations());
        let mut guests: JoinSet<()> = JoinSet::new();
        let end_guests = CancellationToken::new();
        guests.spawn(keep_guests(Arc::clone(&network), self.handle.invitations(), end_guests.clone()));
        let mut trust = network.engine.trust();
        let mut dialers: JoinSet<()> = JoinSet::new();
        let mut dialed: BTreeMap<DeviceId, AbortHandle> = BTreeMap::new();
        let mut near = Box::pin(network.stay_near());
        let crashed = loop {
            let Some(peers) = network.engine.with(|replica, now| replica.known_peers(now)).await else { break true };
            dialed.retain(|peer, task| {
                let keep = peers.contains_key(peer);
                if !keep {
                    task.abort();
                }
                keep && !task.is_finished()
            });
            for peer in peers.into_keys() {
                dialed.entry(peer).or_insert_with(|| {
                    let network = Arc::clone(&network);
                    dialers.spawn(keep_for_good(network, peer))
                });
            }
            tokio::select! {
                () = shutdown.cancelled() => break false,
                changed = trust.changed() => if changed.is_err() { break true },
                Some(_) = dialers.join_next() => {}
                Some(ended) = self.tasks.join_next() => if ended.is_err() { break true },
                () = &mut near => {}
            }
            while dialers.try_join_next().is_some() {}
        };
        network.set_serving(Serving::Nobody);
        if crashed {
            network.end_all(Reason::WorkerCrash);
        }
        drop(near);
        network.finder.leave_peers();
        dialers.shutdown().await;
        end_guests.cancel();
        while guests.join_next().await.is_some() {}
        drop(network);
        let closed = self.close().await;
        if crashed { closed.and(Err(WorkerError::Crashed)) } else { closed }
    }

    /// Ends the worker: peers get a goodbye, and all that was taken in is durable. Takes at most a second or so: peers that don't answer are not waited for, and
    /// where the disk is slow, what would only save time at the next start is left out.
    ///
    /// # Errors
    /// [`WorkerError::Crashed`] if the engine had ended by itself.
    pub async fn close(mut self) -> Result<(), WorkerError> {
        let deadline = Instant::now() + IN_TIME;
        tokio::join!(self.handle.network.transport.close(), self.handle.network.finder.close());
        self.tasks.shutdown().await;
        self.handle.network.engine.shut_down().await;
        let Self { handle, thread, keeper, .. } = self;
        let invitations = handle.invitations();
        // Whoever came last may have been counted, and not written down yet.
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || invitations.save()).await {
            tracing::error!(target: "verso.sync", error = %chain(&error), "what became of the invitations is not kept");
        }
        let replica: HostReplica<A> = tokio::task::spawn_blocking(move || thread.join())
            .await
            .map_err(|_panic| WorkerError::Crashed)?
            .map_err(|_panic| WorkerError::Crashed)?;
        keeper.keep_last(replica.high_water().clone(), Arc::clone(&handle.network.board)).await;
        // Blocks, and may take as long as the disk does for what is not durable yet.
        let closing = tokio::task::spawn_blocking(move || replica.close_while(|| Instant::now() < deadline));
        closing.await.map_err(|_panic| WorkerError::Crashed)?.map_err(|error| {
            tracing::error!(target: "verso.sync", %error, "the logs could not be closed cleanly");
            WorkerError::Crashed
        })
    }
}

async fn bind(
    key: &DeviceKey,
    options: &WorkerOptions,
    sessions: usize,
    gate: Arc<Gate>,
) -> Result<Transport, BindError> {
    let config = TransportConfig {
        max_incoming_sessions: sessions,
        network: options.network.clone(),
        port: options.port,
        listen: options.listen,
    };
    match Transport::bind(key, config.clone(), gate.clone()).await {
        // The port that peers know is taken. Another will do: they are told at contact, and this side can dial.
        Err(BindError::PortTaken { .. }) if options.port != 0 && options.listen.is_none() => {
            tracing::warn!(target: "verso.sync", port = options.port, "the UDP port is taken, another is used");
            Transport::bind(key, TransportConfig { port: 0, ..config }, gate).await
        }
        bound => bound,
    }
}

impl<A: Application> WorkerHandle<A> {
    /// Returns this device.
    pub fn device(&self) -> DeviceId {
        self.network.transport.id()
    }

    /// Returns where this device can be dialled.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.network.transport.local_addresses()
    }

    /// Returns the UDP port in use.
    pub fn port(&self) -> u16 {
        self.network.transport.port()
    }

    /// Records what the user did. Returns when it is durable; peers that are connected get it at once.
    ///
    /// # Errors
    /// [`CommandError`], and nothing counts as recorded.
    pub async fn commit(&self, workspace: WorkspaceId, intents: Vec<A::Intent>) -> Result<Committed, CommandError<A>> {
        let (reply, answer) = oneshot::channel();
        if !self.network.engine.send(Command::Commit { workspace, intents, reply }).await {
            return Err(CommandError::Ended);
        }
        answer.await.unwrap_or(Err(CommandError::Ended))
    }

    /// Founds a workspace. Returns when it is durable.
    ///
    /// # Errors
    /// [`CommandError`], and there is no workspace.
    pub async fn found_workspace(&self, name: String) -> Result<WorkspaceId, CommandError<A>> {
        let founded = self.network.engine.with(move |replica, now| {
            let workspace = replica.found_workspace(&name, now)?;
            replica.flush(now).map_err(|error| CommandError::from(&error))?;
            Ok(workspace)
        });
        founded.await.unwrap_or(Err(CommandError::Ended))
    }

    /// Stores a peer that a pairing by other means has led to, see [`ProvisionalPeer`]. Returns when it is durable.
    ///
    /// # Errors
    /// [`CommandError`], and nothing is stored.
    pub async fn store_provisional(&self, peer: ProvisionalPeer) -> Result<(), CommandError<A>> {
        let stored = self.network.engine.with(move |replica, _now| replica.store_provisional(peer)).await;
        stored.ok_or(CommandError::Ended)?.map_err(|error| CommandError::NotDurable(chain(&error)))
    }

    /// Adds addresses that a person typed or another layer found, to be tried first.
    pub async fn add_addresses(&self, peer: DeviceId, addresses: Vec<SocketAddr>) {
        let addresses = addresses.iter().map(SocketAddr::to_string).collect();
        self.network.engine.with(move |replica, _now| replica.add_addresses(peer, addresses)).await;
    }

    /// Runs `ask` on the replica, on the engine's thread, and returns its answer; `None` if the worker has ended. It should be quick:
    /// everything else waits.
    pub async fn read<T: Send + 'static>(&self, ask: impl FnOnce(&HostReplica<A>) -> T + Send + 'static) -> Option<T> {
        self.network.engine.read(ask).await
    }

    /// Reads what is applied in a workspace behind `cursor`, own entries and others', all of it durable; a part at a time, so that nobody waits for long. A host
    /// that keeps the cursor together with what it made of the entries misses none and needs no event: those only tell when it is worth reading on.
    ///
    /// # Errors
    /// [`ReadError`], and the cursor stays good.
    pub async fn applied_after(&self, workspace: WorkspaceId, cursor: Cursor) -> Result<Following, ReadError> {
        let read = self.network.engine.with(move |replica, _now| replica.applied_after(&workspace, &cursor)).await;
        Ok(read.ok_or(ReadError::Ended)??)
    }

    /// Dials all peers that are not connected, now: also those that have refused, and those that it waits to try again.
    pub fn sync_now(&self) {
        self.network.something_changed();
    }

    /// Syncs with all peers while the worker [runs](SyncWorker::run): dials those that are not connected, again and again for `wait`, and returns when both
    /// acknowledged everything with all that are, see [`PeerOutcome`]. The figures are those of the round.
    pub async fn round(&self, wait: Duration) -> Vec<PeerOutcome> {
        round(&self.network, wait).await
    }

    /// Borrows the replica, see [`Loan`]; `None` if the worker has ended. Until it is back, everything else that is asked here waits: the borrower itself would
    /// wait for ever.
    pub async fn lend(&self) -> Option<Loan<A>> {
        self.network.engine.lend().await
    }

    /// Watches how everything stands.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.network.board.status()
    }

    /// Listens to events from now on. A listener that is too slow misses some; the status has what they added up to.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.network.board.events()
    }

    /// Syncs once with all peers, see [`PeerOutcome`]. Not while the worker [runs](SyncWorker::run).
    pub async fn sync_once(&self, wait: Duration) -> Vec<PeerOutcome> {
        sync_once(&self.network, wait).await
    }

    /// Looks for devices on the local network from now on, and watches which are near: peers while they are synced with, and others whose pairing screen
    /// is open.
    pub fn look_around(&self) -> watch::Receiver<View> {
        self.network.finder.look()
    }

    /// Puts up an offer of pairing.
    ///
    /// # Errors
    /// [`PairError`] if there is no randomness.
    pub async fn offer(&self, options: OfferOptions) -> Result<PairingOffer, PairError> {
        offer(&self.network, options).await
    }

    /// Makes an invitation: an offer by its link that outlives this process. Whoever comes with the link is agreed to by this; it is served whenever the
    /// worker [runs](SyncWorker::run). Returns its name and its link when it is durable.
    ///
    /// # Errors
    /// [`InviteError`], and there is none.
    pub async fn invite(&self, options: OfferOptions) -> Result<(OfferId, Zeroizing<String>), InviteError> {
        invite(&self.network, &self.invitations, options).await
    }

    /// Returns the invitations of this device.
    pub fn invitations(&self) -> Arc<Invitations> {
        Arc::clone(&self.invitations)
    }

    /// Joins by a link, whose device is looked for at the addresses `at` before those in it. What the person has to confirm comes through `events`.
    ///
    /// # Errors
    /// [`PairError`] if no pairing came about.
    pub async fn join(
        &self,
        link: &PairingLink,
        at: &[SocketAddr],
        events: &mpsc::UnboundedSender<PairingEvent>,
    ) -> Result<Paired, PairError> {
        join(&self.network, link, at, events).await
    }

    /// Joins by six words. Their one-time endpoint is looked for at the addresses `at`.
    ///
    /// # Errors
    /// [`PairError`] if no pairing came about.
    pub async fn join_by_words(
        &self,
        words: Words,
        at: &[SocketAddr],
        events: &mpsc::UnboundedSender<PairingEvent>,
    ) -> Result<Paired, PairError> {
        join_by_words(&self.network, words, at, events).await
    }

    /// Joins a device that was seen nearby, at the addresses `at`. The codes to compare come through `events`, too.
    ///
    /// # Errors
    /// [`PairError`] if no pairing came about.
    pub async fn join_nearby(
        &self,
        device: DeviceId,
        at: &[SocketAddr],
        events: &mpsc::UnboundedSender<PairingEvent>,
    ) -> Result<Paired, PairError> {
        join_nearby(&self.network, device, at, events).await
    }
}

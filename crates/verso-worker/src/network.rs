//! Peers on the network: who is dialled when, which of two connections stays, and what came of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use verso_identity::{DeviceId, DeviceKey};
use verso_replica::Greeting;
use verso_session::Mode;
use verso_transport::{Addresses, DialError, FrameStream, Incoming, SyncConnection, Transport};
use verso_wire::limits::HANDSHAKE_TIMEOUT;
use verso_wire::{Application, CloseCode, Reason};

use crate::board::Board;
use crate::connection::{Ended, How, serve};
use crate::engine::{EngineHandle, wall_ms};
use crate::finder::{By, Finder, Whereabouts, circle, reach};
use crate::gate::{Gate, OpenOffer};
use crate::invitations::Invitations;
use crate::link::shown;
use crate::pairing::ActiveOffer;

/// How many reports a round of sync may be behind. It takes them at once.
const REPORTS: usize = 256;

/// How many dials begin at a time, and for how long one counts as beginning: so that a device with many peers that starts, or wakes up, is not kept by its own
/// handshakes from completing any. With twenty peers the last is dialled a second later.
const TURNS: usize = 8;
const TURN: Duration = Duration::from_millis(500);

/// How long the device with the higher id leaves the dial to the other before it dials itself. Where both dial at a time the connection that the lower id dialled stays, so
/// the other would be made in vain: on a local network a handshake takes less than this, and nobody notices it.
const HEAD_START: Duration = Duration::from_millis(10);

/// For how long after a connection came about another may come that was dialled before: as long as a dial takes at most, and as much again for what the two ends
/// see at different moments.
const MEETING: Duration = Duration::from_secs(2 * HANDSHAKE_TIMEOUT.as_secs());

/// All that connections need, shared by their tasks.
#[derive(Debug)]
pub(crate) struct Network<A: Application> {
    pub(crate) transport: Transport,
    pub(crate) engine: EngineHandle<A>,
    pub(crate) board: Arc<Board>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) key: Arc<DeviceKey>,
    pub(crate) finder: Arc<Finder>,
    reports: broadcast::Sender<Report>,
    serving: Mutex<Serving>,
    offer: Mutex<Option<ActiveOffer>>,
    invitations: Mutex<Option<Arc<Invitations>>>,
    /// Held while an invitation stands.
    open_invitations: Mutex<Option<OpenOffer>>,
    live: Mutex<BTreeMap<DeviceId, Live>>,
    /// Told each time that somebody has come to be connected.
    arrivals: watch::Sender<()>,
    /// How many connections there have been, which numbers them.
    connections: AtomicU64,
    /// How often something has changed that may let a dial go another way.
    changes: watch::Sender<u64>,
    /// Whose turn it is to dial.
    turns: Semaphore,
}

/// What a network is made of.
#[derive(Debug)]
pub(crate) struct Parts<A: Application> {
    pub(crate) transport: Transport,
    pub(crate) engine: EngineHandle<A>,
    pub(crate) board: Arc<Board>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) key: Arc<DeviceKey>,
    pub(crate) finder: Finder,
}

/// The connection in use with a peer.
#[derive(Debug)]
struct Live {
    number: u64,
    connection: SyncConnection,
    since: Instant,
    /// Cancelled when this goes.
    gone: CancellationToken,
}

impl Live {
    /// Tells whether a connection that the peer makes now may have been dialled before it had this one. Who is connected dials no more, and a dial that was
    /// under way has ended by then.
    fn is_of_the_same_time(&self) -> bool {
        self.since.elapsed() < MEETING
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

/// What happens to those who dial this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serving {
    /// They are turned away: this device is only pairing.
    Nobody,
    /// They are served in this mode.
    Peers(Mode),
}

/// What came of an attempt to sync with a peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    pub(crate) peer: DeviceId,
    /// The number of the connection that it is about; where there was none, that of the next one.
    pub(crate) number: u64,
    pub(crate) came: Came,
}

/// In which of four ways an attempt can go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Came {
    /// There was a connection, and this is how it ended.
    Served(Ended),
    /// The peer answered, and one of the two turned the other away.
    TurnedAway(Reason),
    /// The peer was not reached.
    NotReached(Reason),
    /// There is nothing by which the two could prove themselves to each other, so nothing was tried.
    NotTried(Reason),
}

impl Came {
    /// Tells what came of a dial that failed; `None` if it failed only in favour of another connection.
    fn of(error: &DialError) -> Option<Self> {
        let reason = error.reason();
        Some(match error {
            DialError::NotAdmitted(_) => Self::NotTried(reason),
            DialError::Refused(CloseCode::DONE | CloseCode::SUPERSEDED) | DialError::GivenUp => return None,
            DialError::Refused(_) | DialError::Unproven(_) | DialError::Version => Self::TurnedAway(reason),
            _ => Self::NotReached(reason),
        })
    }
}

impl<A: Application> Network<A> {
    pub(crate) fn new(parts: Parts<A>) -> Self {
        let Parts { transport, engine, board, gate, key, finder } = parts;
        Self {
            transport,
            engine,
            board,
            gate,
            key,
            finder: Arc::new(finder),
            reports: broadcast::Sender::new(REPORTS),
            serving: Mutex::new(Serving::Nobody),
            offer: Mutex::default(),
            invitations: Mutex::default(),
            open_invitations: Mutex::default(),
            live: Mutex::default(),
            arrivals: watch::Sender::new(()),
            connections: AtomicU64::new(0),
            changes: watch::Sender::new(0),
            turns: Semaphore::new(TURNS),
        }
    }

    /// Has all peers that are not connected dialled now: something is not as it was when they were tried last.
    pub(crate) fn something_changed(&self) {
        self.changes.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Watches for such changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Listens to what comes of attempts.
    pub(crate) fn reports(&self) -> broadcast::Receiver<Report> {
        self.reports.subscribe()
    }

    /// Says what happens to those who dial.
    pub(crate) fn set_serving(&self, serving: Serving) {
        *lock(&self.serving) = serving;
    }

    /// Puts up the offer that pairing connections are held against.
    pub(crate) fn set_offer(&self, offer: ActiveOffer) {
        *lock(&self.offer) = Some(offer);
    }

    /// Returns the offer that was put up last, if whoever put it up still waits.
    pub(crate) fn offer(&self) -> Option<ActiveOffer> {
        lock(&self.offer).clone().filter(ActiveOffer::is_shown)
    }

    /// Serves these invitations from now on.
    pub(crate) fn serve_invitations(&self, invitations: Arc<Invitations>) {
        self.open_for_guests(&invitations);
        *lock(&self.invitations) = Some(invitations);
    }

    /// Returns the invitations that are served.
    pub(crate) fn invitations(&self) -> Option<Arc<Invitations>> {
        lock(&self.invitations).clone()
    }

    /// Lets strangers knock while there is an invitation by which somebody may come.
    pub(crate) fn open_for_guests(&self, invitations: &Invitations) {
        let mut open = lock(&self.open_invitations);
        match (invitations.is_any_open(wall_ms()), open.is_some()) {
            (true, false) => *open = Some(self.gate.open_offer()),
            (false, true) => *open = None,
            _ => {}
        }
    }

    /// Takes in those who dial, until the transport closes.
    pub(crate) async fn accept(self: Arc<Self>) {
        let mut tasks: JoinSet<()> = JoinSet::new();
        while let Some(incoming) = self.transport.accept().await {
            while let Some(ended) = tasks.try_join_next() {
                if let Err(error) = ended
                    && error.is_panic()
                {
                    self.board.count_crash();
                }
            }
            let network = Arc::clone(&self);
            match incoming {
                Incoming::Sync(connection, control) => {
                    let serving = *lock(&self.serving);
                    match serving {
                        Serving::Peers(mode) => {
                            tasks.spawn(async move {
                                network.serve(connection, control, mode).await;
                            });
                        }
                        Serving::Nobody => connection.close(CloseCode::from(Reason::Busy)),
                    }
                }
                Incoming::Pairing(connection) => {
                    tracing::debug!(target: "verso.sync.pairing_started", "somebody comes to pair");
                    tasks.spawn(crate::pairing::receive(network, connection));
                }
                Incoming::Refused { peer, reason } => {
                    tracing::debug!(target: "verso.sync.access_denied", %peer, %reason);
                    if !self.is_connected(&peer) {
                        self.board.offline(peer, Some(reason));
                    }
                    self.report(Report { peer, number: self.next_number(), came: Came::TurnedAway(reason) });
                }
                _ => {}
            }
        }
    }

    /// Returns the number that the next connection gets.
    pub(crate) fn next_number(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    fn report(&self, report: Report) {
        // Between rounds nobody listens.
        drop(self.reports.send(report));
    }

    /// Serves a connection to its end, unless a better one with that peer is there. Returns the reason for which it ended, if there is one.
    pub(crate) async fn serve(&self, connection: SyncConnection, control: FrameStream, mode: Mode) -> Option<Reason> {
        let peer = connection.peer();
        let Some(number) = self.enter(&connection) else {
            connection.close(CloseCode::SUPERSEDED);
            return None;
        };
        let place = Place { network: self, peer, number, connection: connection.clone() };
        self.board.online(peer, mode);
        let addresses = self.transport.addresses().to_texts();
        let serving = serve(connection.clone(), control, number, Greeting { addresses, mode }, self.engine.clone());
        let ended = shown(&self.board, &connection, serving).await;
        drop(connection);
        let was_in_use = place.give_back();
        if ended.how == How::Crashed {
            self.board.crashed(peer);
        }
        self.board.update(peer, |status| {
            status.bytes_sent = status.bytes_sent.saturating_add(ended.bytes_sent);
            status.bytes_received = status.bytes_received.saturating_add(ended.bytes_received);
        });
        if was_in_use {
            let reason = self.or_offline(ended.reason().unwrap_or(Reason::Unreachable));
            self.board.offline(peer, (!ended.is_all_done()).then_some(reason));
        }
        if let (true, Some(reason)) = (was_in_use, ended.reason()) {
            self.note(peer, self.or_offline(reason)).await;
        }
        // A connection that gave way to another has nothing to say, unless all was done on it before.
        if was_in_use || ended.is_all_done() {
            self.report(Report { peer, number, came: Came::Served(ended) });
        }
        ended.reason()
    }

    /// Dials a peer at all addresses that are known of it, and where it is found, until it answers or has come by itself.
    pub(crate) async fn dial(&self, peer: DeviceId) -> Result<(SyncConnection, FrameStream), DialError> {
        if self.key.id() > peer && timeout(HEAD_START, self.has_come(peer)).await.is_ok() {
            return Err(DialError::GivenUp);
        }
        self.board.update(peer, |status| status.dials = status.dials.saturating_add(1));
        let known = self.engine.with(move |replica, _now| replica.addresses(&peer)).await.unwrap_or_default();
        let Addresses { direct, relays } = Addresses::from_texts(&known);
        let (transport, relays) = (&self.transport, &relays);
        let dial = |direct: Vec<SocketAddr>| async move {
            transport.dial_unless(&peer, Addresses { direct, relays: relays.clone() }, self.has_come(peer)).await
        };
        let dialled = reach(self.whereabouts(peer, By::Secret), &direct, dial);
        let mut dialled = pin!(dialled);
        // Whoever waits in vain for an answer takes nobody's turn for long. The semaphore is never closed.
        let turn = self.turns.acquire().await.ok();
        if let Ok(early) = timeout(TURN, &mut dialled).await {
            return early;
        }
        drop(turn);
        dialled.await
    }

    /// Watches where a device is found.
    pub(crate) fn whereabouts(&self, device: DeviceId, by: By) -> Whereabouts {
        Whereabouts::new(self.finder.view(), device, by)
    }

    /// Looks for the peers on the local network, and lets them find this device, for as long as it is polled.
    pub(crate) async fn stay_near(&self) {
        let mut trust = self.engine.trust();
        loop {
            trust.borrow_and_update();
            let Some(peers) = self.engine.with(|replica, now| circle(replica, now)).await else { break };
            self.finder.look_for_peers(peers);
            if trust.changed().await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Notes why a peer could not be dialled.
    pub(crate) async fn note_dial_error(&self, peer: DeviceId, error: &DialError) {
        tracing::debug!(target: "verso.sync", %peer, %error, "a peer was not reached");
        let Some(mut came) = Came::of(error) else { return };
        if let Came::NotReached(reason) = &mut came {
            *reason = self.or_offline(*reason);
        }
        if !self.is_connected(&peer) {
            let (Came::NotReached(reason) | Came::TurnedAway(reason) | Came::NotTried(reason)) = came else { return };
            self.lost(peer, reason).await;
            self.report(Report { peer, number: self.next_number(), came });
        }
    }

    /// Returns the reason, unless it is that nobody answers while this device has no network: then it is that.
    fn or_offline(&self, reason: Reason) -> Reason {
        if reason == Reason::Unreachable && self.transport.is_offline() { Reason::Offline } else { reason }
    }

    /// Tells and keeps why there is no connection with a peer.
    pub(crate) async fn lost(&self, peer: DeviceId, reason: Reason) {
        self.board.offline(peer, Some(reason));
        self.note(peer, reason).await;
    }

    /// Bytes handed to and read from the streams of the connection that is in use with a peer.
    pub(crate) fn bytes(&self, peer: &DeviceId) -> (u64, u64) {
        let connection = |live: &Live| (live.connection.bytes_sent(), live.connection.bytes_received());
        lock(&self.live).get(peer).map(connection).unwrap_or_default()
    }

    /// Tells whether a connection with the peer is in use.
    pub(crate) fn is_connected(&self, peer: &DeviceId) -> bool {
        lock(&self.live).contains_key(peer)
    }

    /// Waits until a connection with the peer is in use.
    async fn has_come(&self, peer: DeviceId) {
        let mut arrivals = self.arrivals.subscribe();
        while !self.is_connected(&peer) {
            // The sender is as old as this.
            arrivals.changed().await.unwrap_or_default();
        }
    }

    /// Ends all connections for a reason.
    pub(crate) fn end_all(&self, reason: Reason) {
        lock(&self.live).values().for_each(|live| live.connection.close(CloseCode::from(reason)));
    }

    /// Returns what is cancelled once the connection that is in use with a peer is not any more; `None` if none is.
    pub(crate) fn gone(&self, peer: &DeviceId) -> Option<CancellationToken> {
        lock(&self.live).get(peer).map(|live| live.gone.clone())
    }

    /// Has the reason kept, so that it can be told when nothing runs.
    async fn note(&self, peer: DeviceId, reason: Reason) {
        self.engine.with(move |replica, now| replica.note_reason(peer, Some(reason), now)).await;
    }

    /// Takes the peer's place for a connection. Of two that were dialled at a time, both sides keep the one that the lower id dialled. All others give way to the newer:
    /// whoever made it had lost the other.
    fn enter(&self, connection: &SyncConnection) -> Option<u64> {
        let mut live = lock(&self.live);
        if let Some(other) = live.get(&connection.peer())
            && other.connection.close_reason().is_none()
        {
            if other.is_of_the_same_time() && other.connection.dialer() < connection.dialer() {
                return None;
            }
            other.connection.close(CloseCode::SUPERSEDED);
        }
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let gone = CancellationToken::new();
        let since = Instant::now();
        live.insert(connection.peer(), Live { number, connection: connection.clone(), since, gone });
        drop(live);
        self.arrivals.send_replace(());
        Some(number)
    }

    /// Gives the place back. `false` if another connection has taken it.
    fn leave(&self, peer: DeviceId, number: u64) -> bool {
        let mut live = lock(&self.live);
        let mine = live.get(&peer).is_some_and(|entry| entry.number == number);
        if mine {
            live.remove(&peer);
        }
        mine
    }
}

/// The place of a connection in use. Whatever ends its task gives it back, and with it the connection: no peer is taken for connected that is not.
struct Place<'a, A: Application> {
    network: &'a Network<A>,
    peer: DeviceId,
    number: u64,
    connection: SyncConnection,
}

impl<A: Application> Place<'_, A> {
    /// Gives the place back. `false` if another connection has taken it.
    fn give_back(self) -> bool {
        self.network.leave(self.peer, self.number)
    }
}

impl<A: Application> Drop for Place<'_, A> {
    fn drop(&mut self) {
        // A connection that has ended is not closed again.
        self.connection.close(CloseCode::DONE);
        if self.network.leave(self.peer, self.number) {
            self.network.board.offline(self.peer, None);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Peers on the network: who is dialled when, which of two connections stays, and what came of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use verso_identity::{DeviceId, DeviceKey};
use verso_replica::Greeting;
use verso_session::Mode;
use verso_transport::{Addresses, DialError, FrameStream, Incoming, SyncConnection, Transport};
use verso_wire::{Application, CloseCode, Reason};

use crate::board::Board;
use crate::connection::{Ended, serve};
use crate::engine::{EngineHandle, wall_ms};
use crate::finder::{By, Finder, Whereabouts, circle, reach};
use crate::gate::{Gate, OpenOffer};
use crate::invitations::Invitations;
use crate::link::shown;
use crate::pairing::ActiveOffer;
use crate::retry::Retry;

/// How many reports a round of sync may be behind. It takes them at once.
const REPORTS: usize = 256;

/// How long after a dial what is found leads to another at the soonest, so that who repeats a peer's announcements again and again makes this device
/// dial a few times a second at most.
const BETWEEN_NEWS: Duration = Duration::from_millis(250);

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
    /// How many connections there have been, which numbers them.
    connections: AtomicU64,
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
            DialError::Refused(CloseCode::DONE | CloseCode::SUPERSEDED) => return None,
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
            connections: AtomicU64::new(0),
        }
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
        let mut tasks = JoinSet::new();
        while let Some(incoming) = self.transport.accept().await {
            while tasks.try_join_next().is_some() {}
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
                    tasks.spawn(crate::pairing::receive(network, connection));
                }
                Incoming::Refused { peer, reason } => {
                    self.board.update(peer, |status| status.reason = Some(reason));
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
        self.board.update(peer, |status| status.connect(mode));
        let addresses = self.transport.addresses().to_texts();
        let serving = serve(connection.clone(), control, number, Greeting { addresses, mode }, self.engine.clone());
        let ended = shown(&self.board, &connection, serving).await;
        drop(connection);
        let was_in_use = self.leave(peer, number);
        self.board.update(peer, |status| {
            status.bytes_sent = status.bytes_sent.saturating_add(ended.bytes_sent);
            status.bytes_received = status.bytes_received.saturating_add(ended.bytes_received);
            if was_in_use {
                status.connected = false;
                status.link = None;
                if !ended.is_all_done() {
                    status.reason = Some(ended.reason().unwrap_or(Reason::Unreachable));
                }
            }
        });
        if let (true, Some(reason)) = (was_in_use, ended.reason()) {
            self.note(peer, reason).await;
        }
        // A connection that gave way to another has nothing to say, unless all was done on it before.
        if was_in_use || ended.is_all_done() {
            self.report(Report { peer, number, came: Came::Served(ended) });
        }
        ended.reason()
    }

    /// Dials a peer at all addresses that are known of it, and where it is found.
    pub(crate) async fn dial(&self, peer: DeviceId) -> Result<(SyncConnection, FrameStream), DialError> {
        let known = self.engine.with(move |replica, _now| replica.addresses(&peer)).await.unwrap_or_default();
        let Addresses { direct, relays } = Addresses::from_texts(&known);
        let (transport, relays) = (&self.transport, &relays);
        let dial = |direct: Vec<SocketAddr>| async move {
            transport.dial(&peer, Addresses { direct, relays: relays.clone() }).await
        };
        reach(self.whereabouts(peer, By::Secret), &direct, dial).await
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

    /// Keeps a peer connected for as long as this device trusts it: dials, serves, waits, dials again.
    pub(crate) async fn keep(&self, peer: DeviceId) {
        let mut retry = Retry::new();
        let mut whereabouts = self.whereabouts(peer, By::Secret);
        loop {
            whereabouts.look();
            if !self.is_connected(&peer) {
                match self.dial(peer).await {
                    Ok((connection, control)) => {
                        let since = Instant::now();
                        let reason = self.serve(connection, control, Mode::StayOpen).await;
                        retry.ended(since.elapsed(), reason);
                    }
                    Err(error) => {
                        self.note_dial_error(peer, &error).await;
                        if is_refusal(&error) {
                            // Nothing changes by asking again. The task begins anew when whom this device trusts changes.
                            return;
                        }
                    }
                }
            }
            let news = async {
                sleep(BETWEEN_NEWS).await;
                whereabouts.news().await;
            };
            tokio::select! {
                () = sleep(jittered(retry.wait())) => {}
                // It is there, or somewhere else than before.
                () = news => retry = Retry::new(),
            }
        }
    }

    /// Notes why a peer could not be dialled.
    pub(crate) async fn note_dial_error(&self, peer: DeviceId, error: &DialError) {
        let reason = error.reason();
        tracing::debug!(target: "verso.sync", %peer, %error, "a peer was not reached");
        let Some(came) = Came::of(error) else { return };
        if !self.is_connected(&peer) {
            self.board.update(peer, |status| status.reason = Some(reason));
            self.note(peer, reason).await;
            self.report(Report { peer, number: self.next_number(), came });
        }
    }

    /// Tells whether a connection with the peer is in use.
    pub(crate) fn is_connected(&self, peer: &DeviceId) -> bool {
        lock(&self.live).contains_key(peer)
    }

    /// Has the reason kept, so that it can be told when nothing runs.
    async fn note(&self, peer: DeviceId, reason: Reason) {
        self.engine.with(move |replica, now| replica.note_reason(peer, Some(reason), now)).await;
    }

    /// Takes the peer's place for a connection. Of two, both sides keep the one that the lower id dialled; of two that the same side
    /// dialled, the newer: its maker had lost the other.
    fn enter(&self, connection: &SyncConnection) -> Option<u64> {
        let mut live = lock(&self.live);
        if let Some(other) = live.get(&connection.peer())
            && other.connection.close_reason().is_none()
        {
            if other.connection.dialer() < connection.dialer() {
                return None;
            }
            other.connection.close(CloseCode::SUPERSEDED);
        }
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        live.insert(connection.peer(), Live { number, connection: connection.clone() });
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells whether this device or the peer has refused, as opposed to not having been reached.
pub(crate) fn is_refusal(error: &DialError) -> bool {
    matches!(
        error.reason(),
        Reason::NotTrusted | Reason::Revoked | Reason::HandshakeFailed | Reason::Version | Reason::Downgrade
    )
}

/// Spreads waits over half to all of their length, so that two devices that lost each other don't meet in step forever.
fn jittered(wait: Duration) -> Duration {
    let mut byte = [0_u8];
    // Without randomness the full wait is as good.
    let share = if getrandom::fill(&mut byte).is_ok() { u32::from(byte[0]) } else { u32::from(u8::MAX) };
    wait / 2 + wait * share / (2 * u32::from(u8::MAX))
}

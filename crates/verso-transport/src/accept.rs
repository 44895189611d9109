//! Accepting: who is let in, how many at a time, and how long each may take.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use iroh::Endpoint;
use iroh::endpoint::Connection;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info};
use verso_identity::DeviceId;
use verso_wire::Reason;
use verso_wire::limits::HANDSHAKE_TIMEOUT;

use crate::close::close;
use crate::connection::{Owned, SyncConnection};
use crate::endpoint::Inner;
use crate::handshake::{ProofError, Prover};
use crate::pairing::PairConnection;
use crate::quic::{ALPN_PAIR, ALPN_SYNC, open_windows, peer_of};
use crate::stream::{FrameStream, StreamError, Traffic};

/// Most connections that are being established from outside at a time, TLS and proof. Further ones are turned away until
/// one of these is done: 32 take about 5 MB, and a paired peer's is done in milliseconds.
const MAX_HANDSHAKES: usize = 32;
/// From how many on a stranger must first show that it receives what is sent to its address (QUIC's retry): half.
const RETRY_FROM: usize = MAX_HANDSHAKES / 2;
/// Most pairing connections at a time that have not yet proven to hold the token.
const MAX_UNPROVEN_PAIRINGS: usize = 4;
/// Most incoming sync connections of one peer at a time: the one in use, the one that replaces it, and as many that the
/// peer lost and that are not yet known to be.
const MAX_SESSIONS_PER_PEER: usize = 4;
/// How many established connections wait for the caller of [`Transport::accept`](crate::Transport::accept).
pub(crate) const BACKLOG: usize = 16;

/// Somebody came in, or a known device did not.
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming {
    /// A paired device that has proven what was agreed, and the control stream.
    Sync(SyncConnection, FrameStream),
    /// A device that wants to be paired. Nothing is proven yet.
    Pairing(PairConnection),
    /// A device that is or was paired was turned away. Strangers are not told of.
    Refused {
        /// The device, as TLS has proven it.
        peer: DeviceId,
        /// Why.
        reason: Reason,
    },
}

/// Counts the peers that are being served.
#[derive(Debug)]
pub(crate) struct Sessions {
    max_peers: usize,
    of_peers: Mutex<BTreeMap<DeviceId, usize>>,
}

impl Sessions {
    pub(crate) fn new(max_peers: usize) -> Arc<Self> {
        Arc::new(Self { max_peers, of_peers: Mutex::default() })
    }

    /// Takes a place for `peer`. A peer that has one gets another, so that it can come back before its lost connection is
    /// noticed.
    pub(crate) fn enter(self: &Arc<Self>, peer: DeviceId) -> Option<SessionSlot> {
        let mut of_peers = self.of_peers.lock().unwrap_or_else(PoisonError::into_inner);
        let others = of_peers.keys().filter(|other| **other != peer).count();
        let sessions = of_peers.get(&peer).copied().unwrap_or(0);
        if others >= self.max_peers || sessions >= MAX_SESSIONS_PER_PEER {
            return None;
        }
        of_peers.insert(peer, sessions + 1);
        Some(SessionSlot { sessions: Arc::clone(self), peer })
    }
}

/// A place among the incoming sessions, given back when dropped.
#[derive(Debug)]
pub(crate) struct SessionSlot {
    sessions: Arc<Sessions>,
    peer: DeviceId,
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        let mut of_peers = self.sessions.of_peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_peers.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                of_peers.remove(&self.peer);
            }
        }
    }
}

/// Accepts until the transport closes. Each connection is established in a task of its own, so nobody waits for a slow one.
pub(crate) async fn accept_loop(inner: Arc<Inner>, endpoint: Endpoint, out: mpsc::Sender<Incoming>) {
    let places = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    let pairings = Arc::new(Semaphore::new(MAX_UNPROVEN_PAIRINGS));
    while let Some(Some(incoming)) = inner.shutdown.run_until_cancelled(endpoint.accept()).await {
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        if places.available_permits() < MAX_HANDSHAKES - RETRY_FROM && !incoming.remote_addr_validated() {
            incoming.retry().unwrap_or_default();
            continue;
        }
        let desk = Desk { inner: Arc::clone(&inner), pairings: Arc::clone(&pairings), out: out.clone() };
        inner.tasks.spawn(async move {
            let shutdown = desk.inner.shutdown.clone();
            shutdown.run_until_cancelled(desk.serve(incoming)).await;
            drop(place);
        });
    }
}

/// Serves one that came in.
struct Desk {
    inner: Arc<Inner>,
    pairings: Arc<Semaphore>,
    out: mpsc::Sender<Incoming>,
}

/// Why a connection that TLS has established goes no further.
enum NoEntry {
    Refused(Reason),
    /// It ended by itself.
    Gone,
}

impl Desk {
    async fn serve(&self, incoming: iroh::endpoint::Incoming) {
        let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
        let connection = match timeout_at(deadline, incoming).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return debug!(%error, "an incoming connection was not established"),
            Err(_elapsed) => return debug!("an incoming connection was not established in time"),
        };
        let peer = peer_of(&connection);
        let established = timeout_at(deadline, self.establish(&connection)).await;
        match established.unwrap_or(Err(NoEntry::Refused(Reason::HandshakeFailed))) {
            Ok(incoming) => {
                if !matches!(timeout_at(deadline, self.out.send(incoming)).await, Ok(Ok(()))) {
                    close(&connection, Reason::Busy.into());
                }
            }
            Err(NoEntry::Refused(reason)) => {
                info!(target: "verso.sync.access_denied", %peer, %reason, "an incoming connection was refused");
                close(&connection, reason.into());
                // Strangers could flood the caller; of them, and of who wants to be paired, nothing is told.
                if connection.alpn() == ALPN_SYNC && reason != Reason::NotTrusted {
                    self.out.try_send(Incoming::Refused { peer, reason }).unwrap_or_default();
                }
            }
            Err(NoEntry::Gone) => debug!(%peer, "an incoming connection ended before it was established"),
        }
    }

    async fn establish(&self, connection: &Connection) -> Result<Incoming, NoEntry> {
        match connection.alpn() {
            ALPN_SYNC => self.sync(connection).await,
            ALPN_PAIR => self.pairing(connection).await,
            _ => Err(NoEntry::Refused(Reason::NotTrusted)),
        }
    }

    async fn sync(&self, connection: &Connection) -> Result<Incoming, NoEntry> {
        let peer = peer_of(connection);
        if let Err(code) = self.inner.gate.admit(&peer) {
            return Err(NoEntry::Refused(code.reason().unwrap_or(Reason::NotTrusted)));
        }
        let secrets = self.inner.gate.secrets(&peer);
        if secrets.is_empty() {
            return Err(NoEntry::Refused(Reason::NotTrusted));
        }
        let Some(slot) = self.inner.sessions.enter(peer) else {
            return Err(NoEntry::Refused(Reason::Busy));
        };
        let traffic = Traffic::default();
        let prover =
            Prover { own: self.inner.id, key: &self.inner.noise_key, connection, secrets: &secrets, traffic: &traffic };
        match prover.accept().await {
            Ok((control, generation)) => {
                open_windows(connection);
                let owned = Owned { _slot: Some(slot), _lifeline: None };
                let sync = SyncConnection::new(connection.clone(), self.inner.id, generation, traffic, owned);
                Ok(Incoming::Sync(sync, control))
            }
            Err(ProofError::Ended(StreamError::Closed(_))) => Err(NoEntry::Gone),
            Err(error) => {
                info!(target: "verso.sync.access_denied", %peer, %error, "a known device failed the proof");
                Err(NoEntry::Refused(Reason::HandshakeFailed))
            }
        }
    }

    async fn pairing(&self, connection: &Connection) -> Result<Incoming, NoEntry> {
        if !self.inner.gate.pairing_open() {
            return Err(NoEntry::Refused(Reason::NotTrusted));
        }
        let Ok(place) = Arc::clone(&self.pairings).try_acquire_owned() else {
            return Err(NoEntry::Refused(Reason::Busy));
        };
        match PairConnection::accept(connection.clone(), &self.inner, place).await {
            Ok(pairing) => Ok(Incoming::Pairing(pairing)),
            Err(_ended) => Err(NoEntry::Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(byte: u8) -> DeviceId {
        DeviceId::from_bytes([byte; 32])
    }

    #[test]
    fn places_are_for_peers_and_come_back() {
        let sessions = Sessions::new(2);
        let first = sessions.enter(device(1)).unwrap();
        let second = sessions.enter(device(2)).unwrap();
        assert!(sessions.enter(device(3)).is_none(), "two peers are served");
        let again = sessions.enter(device(1)).unwrap();
        drop(first);
        assert!(sessions.enter(device(3)).is_none(), "the first peer still has a place");
        drop(again);
        assert!(sessions.enter(device(3)).is_some());
        drop(second);
    }

    #[test]
    fn one_peer_can_not_take_places_without_end() {
        let sessions = Sessions::new(2);
        let slots: Vec<_> = std::iter::from_fn(|| sessions.enter(device(1))).take(100).collect();
        assert_eq!(slots.len(), MAX_SESSIONS_PER_PEER);
    }
}

//! [`PairingDoor`]: a one-time endpoint beside the device's own, for pairing alone.

use std::net::SocketAddr;
use std::sync::Arc;

use verso_identity::{DeviceId, DeviceKey};
use verso_wire::{CloseCode, Reason};

use crate::accept::Incoming;
use crate::endpoint::{Start, Transport};
use crate::gate::{Gatekeeper, PeerSecret};
use crate::pairing::PairConnection;
use crate::quic::{ALPN_PAIR, BindError};

/// An endpoint under a key of its own, which gives nothing away of the device behind it. It speaks `verso/pair/1` and nothing else, to anybody, under the
/// same limits as a [`Transport`], and lasts until it is closed or dropped.
#[derive(Debug)]
pub struct PairingDoor(Transport);

impl Transport {
    /// Opens a door under `key`: on the same network and interfaces, at any port, and through the same relay and address lookup, where it is another device.
    ///
    /// # Errors
    /// [`BindError`].
    pub async fn open_door(&self, key: &DeviceKey) -> Result<PairingDoor, BindError> {
        let (network, bindings) = (self.inner.network.clone(), self.inner.spare_bindings.clone());
        let start = Start { network, bindings, alpns: &[ALPN_PAIR], max_sessions: 0, gate: Arc::new(Anybody) };
        Self::start(key, start).await.map(PairingDoor)
    }
}

impl PairingDoor {
    /// Returns the door's id, which is not the device's.
    pub fn id(&self) -> DeviceId {
        self.0.id()
    }

    /// Returns the addresses at which it may be dialled.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.local_addresses()
    }

    /// Returns the UDP port, the IPv4 one where there are two.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Waits for the next who comes, `None` once the door is closed.
    pub async fn accept(&self) -> Option<PairConnection> {
        loop {
            if let Incoming::Pairing(connection) = self.0.accept().await? {
                return Some(connection);
            }
        }
    }

    /// Closes it, and every connection that came by it.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

/// Lets everybody in who wants to be paired. Whether the offer stands is told to who has proven the token.
struct Anybody;

impl Gatekeeper for Anybody {
    fn admit(&self, _peer: &DeviceId) -> Result<(), CloseCode> {
        Err(CloseCode::from(Reason::NotTrusted))
    }

    fn secrets(&self, _peer: &DeviceId) -> Vec<PeerSecret> {
        Vec::new()
    }

    fn pairing_open(&self) -> bool {
        true
    }
}

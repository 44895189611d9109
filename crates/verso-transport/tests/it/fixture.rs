//! Devices on this machine, and what they have agreed with each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use verso_identity::{DeviceId, DeviceKey};
use verso_noise::{NoiseKey, NoisePublicKey, PreSharedKey};
use verso_transport::{
    DialError, FrameStream, Gatekeeper, Incoming, Network, PairConnection, PeerSecret, SyncConnection, Transport,
    TransportConfig,
};
use verso_wire::{CloseCode, Reason};
use zeroize::Zeroizing;

pub(crate) const ANNA: u8 = 0xA0;
pub(crate) const BEN: u8 = 0xB0;
pub(crate) const CARL: u8 = 0xC0;

pub(crate) const LOOPBACK: TransportConfig =
    TransportConfig { network: Network::Loopback, port: 0, listen: None, max_incoming_sessions: 5 };

pub(crate) fn key(name: u8) -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([name; 32]))
}

pub(crate) fn id(name: u8) -> DeviceId {
    key(name).id()
}

pub(crate) fn noise_key(name: u8) -> NoisePublicKey {
    NoiseKey::derive(&key(name)).public()
}

/// What a device remembers of another.
#[derive(Clone, Copy)]
pub(crate) struct Agreed {
    pub(crate) noise_key: NoisePublicKey,
    pub(crate) psk: u8,
    pub(crate) generation: u64,
}

impl Agreed {
    /// What everyone agrees with `peer` unless a test says otherwise.
    pub(crate) fn with(peer: u8) -> Self {
        Self { noise_key: noise_key(peer), psk: 0x5E, generation: 1 }
    }
}

/// A gatekeeper that a test can change at any time.
#[derive(Default)]
pub(crate) struct Gate {
    agreed: Mutex<BTreeMap<DeviceId, Vec<Agreed>>>,
    refused: Mutex<BTreeMap<DeviceId, Reason>>,
    pairing: Mutex<bool>,
}

impl Gate {
    pub(crate) fn agree(&self, peer: u8, agreed: Agreed) {
        self.agreed.lock().unwrap().insert(id(peer), vec![agreed]);
    }

    /// The pairing was renewed, and the one before is kept.
    pub(crate) fn renew(&self, peer: u8, agreed: Agreed) {
        self.agreed.lock().unwrap().entry(id(peer)).or_default().insert(0, agreed);
    }

    pub(crate) fn refuse(&self, peer: u8, reason: Reason) {
        self.refused.lock().unwrap().insert(id(peer), reason);
    }

    pub(crate) fn open_pairing(&self) {
        *self.pairing.lock().unwrap() = true;
    }
}

impl Gatekeeper for Gate {
    fn admit(&self, peer: &DeviceId) -> Result<(), CloseCode> {
        if let Some(reason) = self.refused.lock().unwrap().get(peer) {
            return Err((*reason).into());
        }
        let known = self.agreed.lock().unwrap().contains_key(peer);
        if known { Ok(()) } else { Err(Reason::NotTrusted.into()) }
    }

    fn secrets(&self, peer: &DeviceId) -> Vec<PeerSecret> {
        let agreed = self.agreed.lock().unwrap().get(peer).cloned().unwrap_or_default();
        let secret = |agreed: Agreed| PeerSecret {
            noise_key: agreed.noise_key,
            psk: PreSharedKey::new(Zeroizing::new([agreed.psk; 32])),
            generation: agreed.generation,
        };
        agreed.into_iter().map(secret).collect()
    }

    fn pairing_open(&self) -> bool {
        *self.pairing.lock().unwrap()
    }
}

/// A device that is up.
pub(crate) struct Device {
    pub(crate) name: u8,
    pub(crate) gate: Arc<Gate>,
    pub(crate) transport: Transport,
}

impl Device {
    /// Brings a device up that is paired with `peers`.
    pub(crate) async fn up(name: u8, peers: &[u8]) -> Self {
        Self::with_config(name, peers, LOOPBACK).await
    }

    pub(crate) async fn with_config(name: u8, peers: &[u8], config: TransportConfig) -> Self {
        let gate = Arc::new(Gate::default());
        for peer in peers {
            gate.agree(*peer, Agreed::with(*peer));
        }
        let gatekeeper: Arc<dyn Gatekeeper> = gate.clone();
        let transport = Transport::bind(&key(name), config, gatekeeper).await.unwrap();
        Self { name, gate, transport }
    }

    pub(crate) fn id(&self) -> DeviceId {
        id(self.name)
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.transport.local_addresses()
    }

    /// Dials another device at all its addresses.
    pub(crate) async fn dial(&self, peer: &Self) -> Result<End, DialError> {
        self.dial_at(peer.name, &peer.addresses()).await
    }

    pub(crate) async fn dial_at(&self, peer: u8, addresses: &[SocketAddr]) -> Result<End, DialError> {
        self.transport.dial(&id(peer), addresses).await
    }

    pub(crate) async fn accept_sync(&self) -> (SyncConnection, FrameStream) {
        match self.transport.accept().await {
            Some(Incoming::Sync(connection, control)) => (connection, control),
            other => panic!("instead of a sync connection: {other:?}"),
        }
    }

    pub(crate) async fn accept_pairing(&self) -> PairConnection {
        match self.transport.accept().await {
            Some(Incoming::Pairing(pairing)) => pairing,
            other => panic!("instead of a pairing connection: {other:?}"),
        }
    }

    /// Waits for the news that a known device was turned away.
    pub(crate) async fn refused(&self) -> (DeviceId, Reason) {
        match self.transport.accept().await {
            Some(Incoming::Refused { peer, reason }) => (peer, reason),
            other => panic!("instead of a refusal: {other:?}"),
        }
    }
}

/// One end of an established connection: the connection and its control stream.
pub(crate) type End = (SyncConnection, FrameStream);

/// Two devices that are paired and up, and a connection between them that the first has dialled.
pub(crate) async fn connected() -> (Device, Device, End, End) {
    let (anna, ben) = (Device::up(ANNA, &[BEN]).await, Device::up(BEN, &[ANNA]).await);
    let (dialled, accepted) = tokio::join!(anna.dial(&ben), ben.accept_sync());
    (anna, ben, dialled.unwrap(), accepted)
}

pub(crate) async fn close_all(devices: impl IntoIterator<Item = &Device>) {
    for device in devices {
        device.transport.close().await;
    }
}

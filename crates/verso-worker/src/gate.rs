//! [`Gate`]: what the transport may ask at any moment, as the replica last said it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use verso_identity::DeviceId;
use verso_log::Storage;
use verso_noise::{NoisePublicKey, PreSharedKey};
use verso_replica::{Now, PairSecret, PeerSecret, Replica};
use verso_transport::Gatekeeper;
use verso_wire::{Application, CloseCode, Reason};

/// A copy of the replica's word on every peer it knows, so that a stranger's knock never waits for the engine.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    peers: RwLock<BTreeMap<DeviceId, Entry>>,
    /// How many offers of pairing are open.
    offers: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    verdict: Result<(), Reason>,
    secrets: Vec<PeerSecret>,
}

/// Keeps the gate open for pairing as long as it lives.
#[derive(Debug)]
pub(crate) struct OpenOffer {
    gate: Arc<Gate>,
}

impl Gate {
    /// Takes over the replica's word.
    pub(crate) fn renew<S: Storage, A: Application>(&self, replica: &Replica<S, A>, now: Now) {
        let peers = replica
            .known_devices()
            .into_iter()
            .map(|device| (device, Entry { verdict: replica.admits(&device), secrets: replica.secrets(&device, now) }))
            .collect();
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = peers;
    }

    /// Lets strangers knock with the pairing protocol.
    pub(crate) fn open_offer(self: &Arc<Self>) -> OpenOffer {
        self.offers.fetch_add(1, Ordering::SeqCst);
        OpenOffer { gate: Arc::clone(self) }
    }
}

impl Drop for OpenOffer {
    fn drop(&mut self) {
        self.gate.offers.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gatekeeper for Gate {
    fn admit(&self, peer: &DeviceId) -> Result<(), CloseCode> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        match peers.get(peer) {
            Some(Entry { verdict: Ok(()), .. }) => Ok(()),
            Some(Entry { verdict: Err(reason), .. }) => Err(CloseCode::from(*reason)),
            None => Err(CloseCode::from(Reason::NotTrusted)),
        }
    }

    fn secrets(&self, peer: &DeviceId) -> Vec<verso_transport::PeerSecret> {
        let peers = self.peers.read().unwrap_or_else(PoisonError::into_inner);
        let secrets = peers.get(peer).map(|entry| entry.secrets.iter()).into_iter().flatten();
        secrets
            .map(|PeerSecret { noise_key, secret, generation }| verso_transport::PeerSecret {
                noise_key: NoisePublicKey::from_bytes(*noise_key),
                psk: pre_shared_key(secret),
                generation: *generation,
            })
            .collect()
    }

    fn pairing_open(&self) -> bool {
        self.offers.load(Ordering::SeqCst) > 0
    }
}

fn pre_shared_key(secret: &PairSecret) -> PreSharedKey {
    PreSharedKey::new(zeroize::Zeroizing::new(*secret.expose()))
}

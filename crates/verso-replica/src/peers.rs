//! Peers: from the provisional one that a pairing leaves to the one that the control log admits, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, Key, Purpose, purposes};
use verso_log::Storage;
use verso_session::PeerInfo;
use verso_trust::{Admitted, PairingSide, PeerRole, Request, TrustedPeer, Verdict, decide};
use verso_wire::{Application, Reason};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::effect::{Effect, Event};
use crate::error::{ConnectError, FlushError, JournalError};
use crate::incarnation::{presentable, storable};
use crate::local::{Contact, LocalFile, LocalStateError, Pairing, ProvisionalPeer, SharedAtPairing};
use crate::reason;
use crate::replica::{Now, Replica};
use crate::sealing::Subject;
use crate::sharing::DecisionError;

/// How many addresses of a peer are kept: those of a few networks that it moves between.
const MAX_CONTACT_ADDRESSES: usize = 32;

/// A peer as a person is shown it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// As the control log tells it.
    pub trusted: TrustedPeer,
    /// As contact with it tells it.
    pub contact: Contact,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Returns the name that people see for this device.
    pub fn name(&self) -> &str {
        self.trust().name(&self.key.id()).unwrap_or_default()
    }

    /// Returns the public X25519 key that peers pin for this device.
    pub fn noise_key(&self) -> [u8; 32] {
        public_key(&self.key.derive::<purposes::Noise>())
    }

    /// Adds addresses of a peer, to be tried before those known so far.
    pub fn add_addresses(&mut self, peer: DeviceId, addresses: Vec<String>) {
        let contact = self.local.contacts.entry(peer).or_default();
        contact.addresses.retain(|known| !addresses.contains(known));
        contact.addresses.splice(..0, addresses);
        contact.addresses.truncate(MAX_CONTACT_ADDRESSES);
        self.local_file = LocalFile::Due;
    }

    /// Returns the public X25519 key to which secrets are sealed for this device.
    pub fn sealing_key(&self) -> [u8; 32] {
        public_key(&self.key.derive::<purposes::Sealing>())
    }

    /// Iterates over the peers, own devices and friends.
    pub fn peers(&self) -> impl Iterator<Item = Peer> + '_ {
        self.trust().peers().map(|trusted| {
            let contact = self.local.contacts.get(&trusted.device).cloned().unwrap_or_default();
            Peer { trusted, contact }
        })
    }

    /// Returns the peers that completed a pairing and have not yet been met.
    pub fn provisional_peers(&self, now: Now) -> impl Iterator<Item = &ProvisionalPeer> {
        self.local.provisional.values().filter(move |peer| peer.expires_ms > now.wall_ms)
    }

    /// Returns where a peer can be dialled: as it said at the last contact, then as the control log says.
    pub fn addresses(&self, peer: &DeviceId) -> Vec<String> {
        let mut addresses = self.local.contacts.get(peer).map(|contact| contact.addresses.clone()).unwrap_or_default();
        let more = self.local.provisional.get(peer).map(|peer| peer.addresses.clone()).unwrap_or_default();
        let trusted = self.trust().peer(peer).map(|peer| peer.addresses.clone()).unwrap_or_default();
        for address in more.into_iter().chain(trusted) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Returns all devices that were ever heard of: peers, provisional ones, and those that are no longer trusted.
    pub fn known_devices(&self) -> BTreeSet<DeviceId> {
        let peers = self.trust().peers().map(|peer| peer.device);
        peers.chain(self.local.provisional.keys().copied()).chain(self.local.contacts.keys().copied()).collect()
    }

    /// Returns the devices to sync with, each with its name: peers, and provisional ones that have not lapsed.
    pub fn known_peers(&self, now: Now) -> BTreeMap<DeviceId, String> {
        let provisional = self.provisional_peers(now).map(|peer| (peer.device, peer.name.clone()));
        provisional.chain(self.trust().peers().map(|peer| (peer.device, peer.display_name))).collect()
    }

    /// Decides whether a connection with a peer may be, before any stream.
    ///
    /// # Errors
    /// The [`Reason`] that the peer is refused with.
    pub fn admits(&self, peer: &DeviceId) -> Result<(), Reason> {
        match decide(&Request::Accept { peer: *peer }, self.trust(), None) {
            Verdict::Refuse(refusal) => Err(reason::of_refusal(refusal)),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_known(&self, peer: &DeviceId) -> bool {
        let trust = self.trust();
        trust.role(peer).is_some() || trust.was_paired(peer) || self.local.provisional.contains_key(peer)
    }

    /// Stores durably what a pairing led to. The peer has no access before it proves on a connection what was agreed.
    ///
    /// # Errors
    /// [`LocalStateError`] if the state can't be written; then nothing is stored.
    pub fn store_provisional(&mut self, peer: ProvisionalPeer) -> Result<(), LocalStateError> {
        let (device, lapses) = (peer.device, peer.expires_ms);
        let paired = Event::Paired { peer: device, name: peer.name.clone(), role: peer.role };
        let before = self.local.provisional.insert(device, peer);
        self.local_file = LocalFile::Due;
        match (self.save_local(), before) {
            (Ok(()), _) => self.control.view.state.control.add_provisional(device, lapses),
            (Err(error), before) => {
                match before {
                    Some(before) => self.local.provisional.insert(device, before),
                    None => self.local.provisional.remove(&device),
                };
                return Err(error);
            }
        }
        self.trust_revision += 1;
        self.effects.push_back(Effect::Event(paired));
        Ok(())
    }

    /// Makes a provisional peer real: it has proven what was agreed.
    ///
    /// In an order in which no crash costs the secret: it is kept for good first, then the control log admits the peer, then it ceases to
    /// be provisional. After a crash in between the next contact completes the rest.
    pub(crate) fn promote(&mut self, peer: DeviceId, proven: Option<u64>, now: Now) -> Result<(), ConnectError> {
        self.lapse_provisional(now);
        let Some(provisional) = self.local.provisional.get(&peer).cloned() else { return Ok(()) };
        if proven.is_some_and(|generation| generation != provisional.secret.generation()) {
            // It was the older pairing: whether the peer has completed the renewal is not known yet.
            return Ok(());
        }
        let pairing = Pairing { noise_key: provisional.noise_key, secret: provisional.secret.clone() };
        self.local.pairings.insert(peer, pairing);
        self.local_file = LocalFile::Due;
        self.save_local().map_err(FlushError::from)?;

        let pair_secret = match provisional.role {
            // Own devices prove to each other what all of them share.
            PeerRole::Own => Vec::new(),
            PeerRole::Friend => self.seal_to_all(&provisional.secret, Subject::Pair(peer))?,
        };
        let admitted = Admitted {
            device: peer,
            role: provisional.role,
            side: provisional.side,
            way: provisional.way,
            name: presentable(&provisional.name),
            noise_key: provisional.noise_key,
            sealing_key: provisional.sealing_key,
            addresses: storable(&provisional.addresses),
            pair_secret,
        };
        if !self.is_admitted(&admitted) {
            self.tell(admitted.into(), now)?;
            self.control.sync().map_err(JournalError::from)?;
        }
        self.share_as_agreed(&provisional, now)?;
        self.local.provisional.remove(&peer);
        self.local_file = LocalFile::Due;
        self.control.view.state.control.drop_provisional(&peer);
        self.trust_revision += 1;
        self.effects.push_back(Effect::Event(Event::PeerAdmitted { peer }));
        // Whoever is paired anew is confirmed by that.
        self.confirm(peer, now).map_err(FlushError::from)?;
        self.flush(now)?;
        Ok(())
    }

    /// Gives a friend what was confirmed at pairing, or takes it. What this device can't give any more, the friend doesn't get.
    fn share_as_agreed(&mut self, peer: &ProvisionalPeer, now: Now) -> Result<(), JournalError> {
        if peer.role == PeerRole::Own {
            return Ok(());
        }
        for SharedAtPairing { workspace, name, access } in &peer.workspaces {
            match peer.side {
                PairingSide::Joining => self.adopt(*workspace, name, peer.device, now)?,
                PairingSide::Showing => match self.share(workspace, peer.device, *access, now) {
                    Err(DecisionError::Journal(error)) => return Err(error),
                    Err(error) => tracing::warn!(target: "verso.sync", %workspace, %error, "it is not shared"),
                    Ok(()) => {}
                },
            }
        }
        Ok(())
    }

    /// Tells whether the control log says all of this already, as after a crash in the middle of a first contact.
    fn is_admitted(&self, admitted: &Admitted) -> bool {
        self.trust().peer(&admitted.device).is_some_and(|known| {
            let TrustedPeer { noise_key, display_name, role, addresses, .. } = known;
            let keys = (noise_key, self.trust().sealing_key(&admitted.device));
            keys == (admitted.noise_key, Some(&admitted.sealing_key))
                && (role, &display_name, &addresses) == (admitted.role, &admitted.name, &admitted.addresses)
        })
    }

    /// Forgets pairings that nobody completed in time.
    pub(crate) fn lapse_provisional(&mut self, now: Now) {
        let lapsed = self.local.provisional.extract_if(.., |_, peer| peer.expires_ms <= now.wall_ms);
        let lapsed: Vec<DeviceId> = lapsed.map(|(device, _)| device).collect();
        for device in &lapsed {
            if self.trust().role(device).is_none() {
                self.local.pairings.remove(device);
            }
            self.control.view.state.control.drop_provisional(device);
        }
        if !lapsed.is_empty() {
            self.local_file = LocalFile::Due;
            self.trust_revision += 1;
        }
    }

    /// Returns a number that changes whenever whom this device trusts, or with what secret, may have changed.
    pub const fn trust_revision(&self) -> u64 {
        self.trust_revision
    }

    pub(crate) fn note_peer_info(&mut self, peer: DeviceId, info: PeerInfo, now: Now) {
        let contact = self.local.contacts.entry(peer).or_default();
        let before = (contact.version_floor, contact.addresses.clone());
        contact.last_seen_ms = Some(now.wall_ms);
        // What was spoken, not what was claimed: one wrong claim would shut the peer out for good.
        contact.version_floor = contact.version_floor.max(info.agreed_version);
        if !info.addresses.is_empty() {
            contact.addresses = info.addresses.iter().take(MAX_CONTACT_ADDRESSES).cloned().collect();
        }
        let is_new = before != (contact.version_floor, contact.addresses.clone());
        self.local_file.save_later();
        if is_new {
            self.local_file.save_now();
        }
        self.effects.push_back(Effect::Event(Event::PeerInfo { peer, info }));
    }
}

/// The public half of an X25519 key (RFC 7748).
fn public_key<P: Purpose>(key: &Key<P>) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*key.expose())).to_bytes()
}

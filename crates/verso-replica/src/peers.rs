//! Peers: from the provisional one that a pairing leaves to the one that the control log admits, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, Key, Purpose, WorkspaceId, purposes};
use verso_log::Storage;
use verso_session::PeerInfo;
use verso_trust::{
    Admitted, Brings, Control, ControlChange, ControlEvent, EventContext, Introduced, Membership, MembershipChange,
    MembershipEvent, Relocated, Request, Verdict, decide, vouches_due,
};
use verso_vv::{AuthorTag, Incarnation, Seq};
use verso_wire::{Application, ChainedUnit, Content, Drafts, EntryKind, Reason, Seal};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::effect::{Effect, Event};
use crate::error::{ConnectError, JournalError};
use crate::local::{Contact, LocalStateError, PairSecret, Pairing, ProvisionalPeer};
use crate::reason;
use crate::replica::{Now, Replica};

/// How many addresses of a peer are kept: those of a few networks that it moves between.
const MAX_CONTACT_ADDRESSES: usize = 32;

/// What the transport needs to authenticate a peer: the pinned key and the agreed secret.
#[derive(Debug, Clone)]
pub struct PeerSecret {
    /// The peer's static X25519 key.
    pub noise_key: [u8; 32],
    /// What both agreed at pairing.
    pub secret: PairSecret,
}

/// A peer as a person is shown it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// As the control log tells it.
    pub trusted: verso_trust::TrustedPeer,
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
        self.local_changed = true;
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

    /// Returns what authenticates a peer, if something was agreed with it.
    pub fn secret(&self, peer: &DeviceId, now: Now) -> Option<PeerSecret> {
        // A pairing that was renewed and not yet used stands before the older one.
        if let Some(peer) = self.provisional_peers(now).find(|provisional| provisional.device == *peer) {
            return Some(PeerSecret { noise_key: peer.noise_key, secret: peer.secret.clone() });
        }
        self.local
            .pairings
            .get(peer)
            .map(|pairing| PeerSecret { noise_key: pairing.noise_key, secret: pairing.secret.clone() })
    }

    /// Stores durably what a pairing led to. The peer has no access before it proves on a connection what was agreed.
    ///
    /// # Errors
    /// [`LocalStateError`] if the state can't be written; then nothing is stored.
    pub fn store_provisional(&mut self, peer: ProvisionalPeer) -> Result<(), LocalStateError> {
        let (device, lapses) = (peer.device, peer.expires_ms);
        let before = self.local.provisional.insert(device, peer);
        self.local_changed = true;
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
        Ok(())
    }

    /// Notes why nothing moves between this device and a peer, or that it does again.
    pub fn note_reason(&mut self, peer: DeviceId, reason: Option<Reason>, now: Now) {
        let contact = self.local.contacts.entry(peer).or_default();
        let since = match &contact.reason {
            Some((code, since)) if reason.is_some_and(|reason| reason.code() == code) => *since,
            _ => now.wall_ms,
        };
        let noted = reason.map(|reason| (reason.code().to_owned(), since));
        if contact.reason != noted {
            contact.reason = noted;
            self.local_changed = true;
        }
    }

    /// Makes a provisional peer real: it has proven what was agreed.
    pub(crate) fn promote(&mut self, peer: DeviceId, now: Now) -> Result<(), ConnectError> {
        self.lapse_provisional(now);
        let Some(provisional) = self.local.provisional.remove(&peer) else { return Ok(()) };
        let change = ControlChange::from(Admitted {
            device: peer,
            role: provisional.role,
            side: provisional.side,
            way: provisional.way,
            name: provisional.name.clone(),
            noise_key: provisional.noise_key,
            sealing_key: provisional.sealing_key,
            addresses: provisional.addresses.clone(),
            // Kept by this device alone, in its local state: own devices prove themselves to each other, each pair for itself.
            pair_secret: Vec::new(),
        });
        self.tell(change, now)?;
        self.local
            .pairings
            .insert(peer, Pairing { noise_key: provisional.noise_key, secret: provisional.secret.clone() });
        self.local_changed = true;
        self.control.view.state.control.drop_provisional(&peer);
        self.fold_changed(now)?;
        self.effects.push_back(Effect::Event(Event::PeerAdmitted { peer }));
        // The log before the state: if only the log is written, the secret is still there as the provisional peer's.
        self.flush(now)?;
        Ok(())
    }

    fn lapse_provisional(&mut self, now: Now) {
        let before = self.local.provisional.len();
        self.local.provisional.retain(|_, peer| peer.expires_ms > now.wall_ms);
        self.local_changed |= self.local.provisional.len() != before;
        self.control.view.state.control.lapse_provisional(now.wall_ms);
    }

    /// Introduces this device in the control log at the start of each of its chains.
    pub(crate) fn introduce(&mut self, name: &str, now: Now) -> Result<(), JournalError> {
        if self.control.head(&self.author()).seq != Seq::ZERO {
            return Ok(());
        }
        // A new incarnation keeps the name that the device had.
        let known = self.trust().name(&self.key.id()).unwrap_or_default();
        let name = if known.is_empty() { name.to_owned() } else { known.to_owned() };
        let introduced =
            Introduced { name, noise_key: self.noise_key(), sealing_key: self.sealing_key(), addresses: Vec::new() };
        self.tell(introduced.into(), now)?;
        self.control.log.sync()?;
        Ok(())
    }

    /// Notes in the control log where this device can be dialled.
    ///
    /// # Errors
    /// [`JournalError`] if the log fails.
    pub fn relocate(&mut self, addresses: Vec<String>, now: Now) -> Result<(), JournalError> {
        let device = self.device();
        self.tell(Relocated { device, addresses }.into(), now)
    }

    /// Writes an event into the control log.
    pub(crate) fn tell(&mut self, change: ControlChange, now: Now) -> Result<(), JournalError> {
        let event = ControlEvent::new(self.trust().seen(), change);
        let mut drafts = Drafts::new();
        drafts.push(EntryKind(event.kind()), &event.encode()?);
        self.record(&WorkspaceId::CONTROL, self.author(), &drafts, now)
    }

    /// Writes an event into a workspace's membership.
    pub(crate) fn attest(
        &mut self,
        workspace: &WorkspaceId,
        change: MembershipChange,
        now: Now,
    ) -> Result<(), JournalError> {
        let journal = self.workspaces.get(workspace).ok_or(JournalError::Missing)?;
        let event = MembershipEvent::new(journal.view.state.membership.seen(), change);
        let mut drafts = Drafts::new();
        drafts.push(EntryKind(event.kind()), &event.encode()?);
        self.record(workspace, self.author(), &drafts, now)
    }

    /// Writes the vouches that this device owes its person's other devices.
    pub(crate) fn vouch_for_own_devices(&mut self, now: Now) -> Result<(), JournalError> {
        let due: Vec<_> = self
            .workspaces
            .iter()
            .flat_map(|(workspace, journal)| {
                let vouches = vouches_due(self.trust(), &journal.view.state.membership);
                vouches.into_iter().map(|vouch| (*workspace, vouch))
            })
            .collect();
        for (workspace, vouch) in due {
            self.attest(&workspace, vouch.into(), now)?;
        }
        Ok(())
    }

    /// Follows a change of a fold: who is trusted, what they are offered, whom to vouch for.
    pub(crate) fn fold_changed(&mut self, now: Now) -> Result<(), JournalError> {
        self.offers_changed = true;
        self.trust_revision += 1;
        self.vouch_for_own_devices(now)
    }

    /// Returns a number that changes whenever whom this device trusts, or with what secret, may have changed.
    pub const fn trust_revision(&self) -> u64 {
        self.trust_revision
    }

    pub(crate) fn note_peer_info(&mut self, peer: DeviceId, info: PeerInfo, now: Now) {
        let contact = self.local.contacts.entry(peer).or_default();
        contact.last_seen_ms = Some(now.wall_ms);
        contact.version_floor = contact.version_floor.max(info.highest_version);
        if !info.addresses.is_empty() {
            contact.addresses.clone_from(&info.addresses);
        }
        self.local_changed = true;
        self.effects.push_back(Effect::Event(Event::PeerInfo { peer, info }));
    }

    /// Considers the seal that a peer holds of this device's newest chain. If it verifies and lies beyond what is held, this device was rolled
    /// back: it goes on under a new incarnation at once, so that no number is ever used twice, and fetches the old tail like
    /// any other author's. A claim that doesn't verify is worth nothing.
    pub(crate) fn consider_seal(&mut self, workspace: WorkspaceId, seal: &Seal, now: Now) -> Result<(), JournalError> {
        let held = if workspace == WorkspaceId::CONTROL {
            self.control.head(&seal.author)
        } else {
            self.workspaces.get(&workspace).ok_or(JournalError::Missing)?.head(&seal.author)
        };
        let current = seal.author == self.author();
        if !current || seal.head.seq <= held.seq || seal.verify(&workspace).is_err() {
            return Ok(());
        }
        let mut incarnation = [0; 8];
        self.storage.random(&mut incarnation)?;
        self.local.incarnation = Incarnation(u64::from_le_bytes(incarnation));
        self.local_changed = true;
        // Durable before anything is written under it: a crash in between must not bring the old one back.
        self.save_local().map_err(JournalError::Local)?;
        self.effects.push_back(Effect::Event(Event::RolledBack { workspace }));
        let name = self.name().to_owned();
        self.introduce(&name, now)?;
        self.vouch_for_own_devices(now)
    }
}

/// The fold's word on a unit of the control log, by the fold as the unit's own events would leave it.
pub(crate) fn judge_control(control: &Control, carrier: DeviceId, other_chains: usize, unit: &ChainedUnit) -> Verdict {
    let events = events(unit, |kind, payload| ControlEvent::decode(kind.0, payload).ok());
    decide(&request(carrier, other_chains, Brings::Membership, unit), &control.preview(events), None)
}

/// The fold's word on a unit of a workspace, by the membership as the unit's own events would leave it.
pub(crate) fn judge(
    control: &Control,
    membership: &Membership,
    carrier: DeviceId,
    other_chains: usize,
    unit: &ChainedUnit,
) -> Verdict {
    let is_event = |kind: EntryKind| kind.is_membership();
    let all_events = unit.entries().all(|entry| matches!(entry.content, Content::Full { kind, .. } if is_event(kind)));
    let brings = if all_events { Brings::Membership } else { Brings::Content };
    let request = request(carrier, other_chains, brings, unit);
    let events =
        events(unit, |kind, payload| if is_event(kind) { MembershipEvent::decode(kind.0, payload).ok() } else { None });
    if events.is_empty() {
        // Nearly all units: the fold as it is, without a copy.
        return decide(&request, control, Some(membership));
    }
    decide(&request, control, Some(&membership.preview(events)))
}

/// The events of a unit, as `decode` finds them.
fn events<E>(unit: &ChainedUnit, decode: impl Fn(EntryKind, &[u8]) -> Option<E>) -> Vec<(EventContext, E)> {
    let tag = AuthorTag::of(unit.signer());
    let author = unit.author();
    unit.entries()
        .zip(unit.hashes())
        .filter_map(|(entry, hash)| {
            let Content::Full { kind, hlc, payload } = entry.content else { return None };
            Some((EventContext { author, seq: entry.seq, hash: *hash, hlc, tag }, decode(kind, payload)?))
        })
        .collect()
}

fn request(carrier: DeviceId, other_chains: usize, brings: Brings, unit: &ChainedUnit) -> Request {
    Request::Unit {
        carrier,
        workspace: *unit.workspace(),
        author: unit.author(),
        first: unit.first_seq(),
        last: unit.last_seq(),
        brings,
        other_chains,
    }
}

/// The public half of an X25519 key (RFC 7748).
fn public_key<P: Purpose>(key: &Key<P>) -> [u8; 32] {
    PublicKey::from(&StaticSecret::from(*key.expose())).to_bytes()
}

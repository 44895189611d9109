//! What this device proves to its peers, and what it owes its person's other devices of that: the group secret in its generations, and copies
//! of what was agreed with friends.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, Key, purposes};
use verso_log::Storage;
use verso_trust::{Admitted, GenerationId, MAX_SEALED, PeerRole, Sealed, SecretRenewed, SecretShared};
use verso_wire::Application;
use zeroize::Zeroizing;

use crate::error::JournalError;
use crate::local::{LocalFile, PairSecret};
use crate::replica::{Now, Replica};
use crate::sealing::{self, Subject};

/// Most secrets that may authenticate one peer: a device that slept through more renewals than these is let in by what it agreed at pairing, or is paired
/// again.
const MAX_SECRETS: usize = 16;

/// What the transport needs to authenticate a peer: the pinned key and a secret that both hold.
#[derive(Debug, Clone)]
pub struct PeerSecret {
    /// The peer's static X25519 key.
    pub noise_key: [u8; 32],
    /// The secret.
    pub secret: PairSecret,
    /// By which number the two name it to each other.
    pub generation: u64,
}

impl PeerSecret {
    /// Tells whether it is of the group secret, and not what was agreed at a pairing.
    pub const fn is_of_group(&self) -> bool {
        self.generation >> 63 == 0
    }

    /// Returns the key by which the two recognise each other on the local network.
    pub fn discovery_key(&self) -> Key<purposes::Discovery> {
        Key::expand(&Zeroizing::new(*self.secret.expose()))
    }

    pub(crate) fn new(noise_key: [u8; 32], secret: PairSecret) -> Self {
        Self { noise_key, generation: secret.generation(), secret }
    }
}

/// A generation of the group secret that this device can open.
#[derive(Debug, Clone)]
pub(crate) struct OpenGeneration {
    id: GenerationId,
    secret: PairSecret,
    /// Devices that may hold it since before they were removed: of these it proves nothing, also when they are paired again.
    unaware_of: BTreeSet<DeviceId>,
}

impl OpenGeneration {
    /// Returns the number by which devices name it to each other: the first 8 bytes of its id, the highest bit clear.
    fn number(&self) -> u64 {
        u64::from_le_bytes(self.id.0.first_chunk().copied().unwrap_or_default()) & !(1 << 63)
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Returns what authenticates a peer, if something was agreed with it: the newest of its [secrets](Self::secrets).
    pub fn secret(&self, peer: &DeviceId, now: Now) -> Option<PeerSecret> {
        self.secrets(peer, now).into_iter().next()
    }

    /// Returns all that may authenticate a peer, what is tried first in front: a pairing that was renewed and not yet used; for an own device the
    /// generations of the group secret, the current one first; what was agreed when it was paired, with this device or another of the same person's.
    /// All of them count: the peer may not have heard yet of what is newest here.
    pub fn secrets(&self, peer: &DeviceId, now: Now) -> Vec<PeerSecret> {
        let renewed = self.provisional_peers(now).find(|provisional| provisional.device == *peer);
        let mut secrets: Vec<PeerSecret> =
            renewed.map(|peer| PeerSecret::new(peer.noise_key, peer.secret.clone())).into_iter().collect();
        let agreed =
            self.local.pairings.get(peer).map(|agreed| PeerSecret::new(agreed.noise_key, agreed.secret.clone()));
        if let Some(trusted) = self.trust().peer(peer) {
            match trusted.role {
                PeerRole::Own => {
                    let (current, others) = self.generations.split_at(self.generations.len().min(1));
                    secrets.extend(
                        current.iter().filter_map(|generation| self.of_generation(generation, peer, trusted.noise_key)),
                    );
                    secrets.extend(agreed);
                    secrets.extend(
                        others.iter().filter_map(|generation| self.of_generation(generation, peer, trusted.noise_key)),
                    );
                }
                PeerRole::Friend => {
                    secrets.extend(agreed);
                    secrets.extend(self.copies(peer).map(|secret| PeerSecret::new(trusted.noise_key, secret)));
                }
            }
        } else {
            secrets.extend(agreed);
        }
        let mut known = BTreeSet::new();
        secrets.retain(|secret| known.insert(secret.generation));
        secrets.truncate(MAX_SECRETS);
        secrets
    }

    /// What a generation of the group secret proves of a peer, if it proves anything.
    fn of_generation(&self, generation: &OpenGeneration, peer: &DeviceId, noise_key: [u8; 32]) -> Option<PeerSecret> {
        if generation.unaware_of.contains(peer) {
            return None;
        }
        let secret = sealing::for_two(&generation.secret, &self.device(), peer);
        Some(PeerSecret { noise_key, secret, generation: generation.number() })
    }

    /// Iterates over what this device can prove to a friend by the copies that the control log holds for it. To one that another device of the friend
    /// introduced it proves what was agreed with that one, derived for the two.
    fn copies(&self, peer: &DeviceId) -> impl Iterator<Item = PairSecret> {
        let (me, principal) = (self.device(), self.trust().principal(peer));
        self.opened_copies(principal).map(move |(secret, is_direct)| {
            if is_direct && principal == *peer { secret } else { sealing::for_two(&secret, &me, peer) }
        })
    }

    /// Iterates over what own devices agreed with a peer, as far as it was sealed to this one, the latest first; and whether it was this device that
    /// agreed it with that very peer.
    fn opened_copies(&self, peer: DeviceId) -> impl Iterator<Item = (PairSecret, bool)> {
        let (me, key, subject) = (self.device(), self.key.derive::<purposes::Sealing>(), Subject::Pair(peer));
        let mut known = BTreeSet::new();
        self.trust().pairings(&peer).filter_map(move |pairing| {
            let sealed = pairing.admitted.pair_secret.iter().find(|sealed| sealed.device == me)?;
            // What a device agreed anew takes the place of what it had agreed before.
            known.insert(pairing.by).then_some(())?;
            Some((sealing::open(sealed, subject, &key)?, pairing.by == me))
        })
    }

    /// Does what follows for secrets from a change of the control log: those of removed devices are dropped, and what this device owes the others
    /// is written. A device that was put back to an earlier state gives nobody a secret before that is confirmed.
    pub(crate) fn follow_secrets(&mut self, now: Now) -> Result<(), JournalError> {
        self.drop_secrets();
        self.open_generations();
        let may_tell = self.control.closed().is_none() && self.local.unconfirmed.is_none();
        if !may_tell || !self.trust().is_own(&self.device()) {
            return Ok(());
        }
        if self.trust().renewer() == Some(self.device()) {
            self.renew_group_secret(now)?;
        }
        self.share_group_secret(now)?;
        self.share_pair_secrets(now)
    }

    /// Makes the group secret anew, for all own devices.
    fn renew_group_secret(&mut self, now: Now) -> Result<(), JournalError> {
        let (mut id, mut secret) = ([0; 16], [0; 32]);
        self.storage.random(&mut id)?;
        self.storage.random(&mut secret)?;
        let (id, secret) = (GenerationId(id), PairSecret::from_bytes(secret));
        let sealed = self.seal_to_all(&secret, Subject::Group(id))?;
        self.tell(SecretRenewed { id, sealed }.into(), now)?;
        self.open_generations();
        Ok(())
    }

    /// Hands the current generation to own devices that lack it, as far as that falls to this one.
    fn share_group_secret(&mut self, now: Now) -> Result<(), JournalError> {
        let Some(generation) = self.trust().current_generation() else { return Ok(()) };
        let Some(open) = self.generations.iter().find(|open| open.id == generation.id) else { return Ok(()) };
        let (id, secret) = (open.id, open.secret.clone());
        let holds = |device: &DeviceId| generation.sealed.contains_key(device);
        let lacking = self.trust().own_devices().filter(|device| !holds(device) && self.falls_to_me(device, holds));
        let devices: Vec<DeviceId> = lacking.take(MAX_SEALED).collect();
        let sealed = self.seal_to(&secret, Subject::Group(id), devices)?;
        if sealed.is_empty() { Ok(()) } else { self.tell(SecretShared { id, sealed }.into(), now) }
    }

    /// Hands what was agreed with friends to own devices that lack it: those that came later.
    fn share_pair_secrets(&mut self, now: Now) -> Result<(), JournalError> {
        let friends = self.trust().peers().filter(|peer| peer.role == PeerRole::Friend);
        let mine: Vec<_> = friends.filter(|friend| self.falls_to_me(&friend.device, |_own| true)).collect();
        for friend in mine {
            let peer = friend.device;
            let given: BTreeSet<DeviceId> = self
                .trust()
                .pairings(&peer)
                .flat_map(|pairing| pairing.admitted.pair_secret.iter().map(|sealed| sealed.device))
                .collect();
            let lacking = self.trust().own_devices().filter(|device| !given.contains(device));
            let lacking: Vec<DeviceId> = lacking.take(MAX_SEALED).collect();
            let agreed = self.local.pairings.get(&peer).map(|pairing| pairing.secret.clone());
            let agreed = agreed.or_else(|| self.opened_copies(peer).next().map(|(secret, _)| secret));
            let (Some(secret), Some(latest), false) = (agreed, self.trust().pairings(&peer).next(), lacking.is_empty())
            else {
                continue;
            };
            let admitted = latest.admitted.clone();
            let pair_secret = self.seal_to(&secret, Subject::Pair(peer), lacking)?;
            if !pair_secret.is_empty() {
                self.tell(Admitted { addresses: friend.addresses, pair_secret, ..admitted }.into(), now)?;
            }
        }
        Ok(())
    }

    /// Seals a secret to each own device, this one among them.
    pub(crate) fn seal_to_all(&self, secret: &PairSecret, subject: Subject) -> Result<Vec<Sealed>, JournalError> {
        self.seal_to(secret, subject, self.trust().own_devices().take(MAX_SEALED).collect())
    }

    /// Tells whether it is this device that looks after a peer's copies of a secret: it admitted the peer, or who did is gone or does not hold the secret
    /// itself, and it is the most senior that does. Two that admitted each other before they joined those who hold it would wait for each other.
    fn falls_to_me(&self, peer: &DeviceId, holds: impl Fn(&DeviceId) -> bool) -> bool {
        let trust = self.trust();
        let added_by = trust.peer(peer).map(|peer| peer.added_by);
        let able = added_by.filter(|by| trust.is_own(by) && holds(by));
        able.or_else(|| trust.own_devices().find(&holds)) == Some(self.device())
    }

    /// Seals a secret to devices, as far as their keys are known and good. Ascending by device, as an event wants it.
    fn seal_to(
        &self,
        secret: &PairSecret,
        subject: Subject,
        mut devices: Vec<DeviceId>,
    ) -> Result<Vec<Sealed>, JournalError> {
        devices.sort_unstable();
        let mut sealed = Vec::with_capacity(devices.len());
        for device in devices {
            let own = self.sealing_key();
            let key = if device == self.device() { Some(&own) } else { self.trust().sealing_key(&device) };
            let mut fresh = [0; 32];
            self.storage.random(&mut fresh)?;
            sealed.extend(key.and_then(|key| sealing::seal(secret, subject, device, key, fresh)));
        }
        Ok(sealed)
    }

    /// Opens the generations of the group secret, the current one first, then the latest.
    fn open_generations(&mut self) {
        let (me, key) = (self.device(), self.key.derive::<purposes::Sealing>());
        let trust = self.trust();
        let current = trust.current_generation().map(|generation| generation.id);
        let mut generations: Vec<_> = trust.generations().filter(|known| known.sealed.contains_key(&me)).collect();
        generations.sort_by_key(|known| std::cmp::Reverse((Some(known.id) == current, known.made_at, known.id)));
        let open = generations.into_iter().take(MAX_SECRETS).filter_map(|known| {
            let secret = sealing::open(known.sealed.get(&me)?, Subject::Group(known.id), &key)?;
            Some(OpenGeneration { id: known.id, secret, unaware_of: known.unaware_of.clone() })
        });
        self.generations = open.collect();
    }

    /// Drops what was agreed with devices that are no longer trusted.
    fn drop_secrets(&mut self) {
        let trust = &self.control.view.state.control;
        let before = self.local.pairings.len();
        self.local.pairings.retain(|peer, _| !trust.was_paired(peer));
        if self.local.pairings.len() != before {
            self.local_file = LocalFile::Due;
        }
    }
}

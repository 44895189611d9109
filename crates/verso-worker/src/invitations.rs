//! [`Invitations`]: offers of pairing that outlive the process, and are served whenever the worker [runs](crate::SyncWorker::run).

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use verso_identity::{DeviceKey, Key, purposes};
use verso_log::{FileStorage, SealError, SealedFile, Storage as _, UnsealError};
use verso_pairing::{Connection, FINISH_SECONDS, Offer, OfferId, OfferStatus};
use verso_trust::PeerRole;
use zeroize::Zeroizing;

/// Where they lie under the data directory, beside the device's local state and not in its backup: what was used since would be good again.
const PATH: &str = "state/local.invitations";

/// Where a file that can't be read is put aside.
const DAMAGED: &str = "state/local.invitations.damaged";

/// Says what the file is.
const LABEL: &[u8] = b"invitations";

/// The format of the plaintext.
const VERSION: u8 = 1;

/// Most invitations that are kept at a time. Each that stands lets strangers knock, and costs each of them a hash.
pub const MAX_INVITATIONS: usize = 32;

/// The invitations of a device: each an [`Offer`] by its link, encrypted in the data directory.
///
/// 1. `pair --invite` [adds](Self::add) one and ends. Whoever makes one agrees by that to whoever comes with its link.
/// 2. The worker serves all that stand, for as long as it runs, each to the first who comes.
/// 3. What became of one is durable before the other device is told that it is paired.
///
/// What has expired is gone; one that was used or withdrawn stays until it expires, so that the holder of its link can be told.
#[derive(Debug)]
pub struct Invitations {
    storage: FileStorage,
    key: Key<purposes::LocalState>,
    kept: Mutex<Kept>,
}

/// Offers by their names, each shared with those who come by it.
type Offers = BTreeMap<OfferId, Arc<Mutex<Offer>>>;

#[derive(Debug, Default)]
struct Kept {
    offers: Offers,
    /// What the file holds.
    stored: Zeroizing<Vec<u8>>,
}

/// An invitation as people are shown it: without its link, which is a secret.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its name.
    pub id: OfferId,
    /// What the joining device becomes.
    pub role: PeerRole,
    /// What a friend is given.
    pub workspaces: Vec<verso_pairing::WorkspaceTerms>,
    /// When it ends, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// How many came with a link that was none, or a false identity.
    pub failed_proofs: u8,
    /// How it stands.
    pub status: OfferStatus,
}

/// Invitations can't be read or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvitationError {
    /// The storage failed.
    #[error("the invitations can't be read or written")]
    Io(#[from] io::Error),
    /// They can't be sealed.
    #[error("the invitations can't be sealed")]
    Seal(#[from] SealError),
    /// A newer version of this program wrote them. They are left as they are.
    #[error("the invitations were written by a newer version")]
    Newer,
    /// There are as many as are kept.
    #[error("there are {MAX_INVITATIONS} invitations already")]
    TooMany,
    /// There is none of this name.
    #[error("there is no such invitation")]
    Unknown,
    /// It was used, withdrawn or refused before.
    #[error("the invitation is over already")]
    Over,
}

impl Invitations {
    /// Reads the invitations of the device in `data_dir`, which the caller has locked. What can't be read is put aside: they are made anew.
    ///
    /// # Errors
    /// [`InvitationError`] if the storage fails or a newer version wrote them.
    pub fn open(data_dir: &Path, key: &DeviceKey) -> Result<Self, InvitationError> {
        let storage = FileStorage::open(data_dir)?;
        let key = key.derive::<purposes::LocalState>();
        let stored = match SealedFile::open(&storage, PATH, &key, LABEL) {
            Ok(bytes) => Some(bytes),
            Err(UnsealError::NotFound) => None,
            Err(UnsealError::Io(error)) => return Err(error.into()),
            Err(UnsealError::NewerFormat { .. }) => return Err(InvitationError::Newer),
            Err(_damaged) => Some(Zeroizing::default()),
        };
        let mut kept = Kept::default();
        if let Some(stored) = stored {
            if let Some(offers) = decode(&stored)? {
                kept = Kept { offers, stored };
            } else {
                tracing::warn!(target: "verso.sync", "the invitations could not be read and are put aside");
                storage.rename(PATH, DAMAGED)?;
            }
        }
        Ok(Self { storage, key, kept: Mutex::new(kept) })
    }

    /// Lists them at `now_ms` since the Unix epoch, those that end first in front.
    pub fn list(&self, now_ms: u64) -> Vec<Invitation> {
        let row = |offer: &Offer| Invitation {
            id: offer.id(),
            role: offer.terms().role(),
            workspaces: offer.terms().workspaces().to_vec(),
            expires_at: offer.expires_at(),
            failed_proofs: offer.failed_proofs(),
            status: offer.status(now_ms),
        };
        let mut all: Vec<Invitation> = self.all().iter().map(|offer| row(&locked(offer))).collect();
        all.retain(|invitation| invitation.status != OfferStatus::Expired);
        all.sort_by_key(|invitation| (invitation.expires_at, invitation.id));
        all
    }

    /// Keeps one more, durably.
    ///
    /// # Errors
    /// [`InvitationError`], and there is none.
    pub fn add(&self, offer: Offer, now_ms: u64) -> Result<OfferId, InvitationError> {
        self.sweep(now_ms);
        let id = offer.id();
        {
            let mut kept = locked(&self.kept);
            if kept.offers.len() >= MAX_INVITATIONS {
                return Err(InvitationError::TooMany);
            }
            kept.offers.insert(id, Arc::new(Mutex::new(offer)));
        }
        self.save().inspect_err(|_error| drop(locked(&self.kept).offers.remove(&id)))?;
        Ok(id)
    }

    /// Takes one back, durably.
    ///
    /// # Errors
    /// [`InvitationError`] if there is none that stands, or it can't be kept that it is over.
    pub fn withdraw(&self, id: &OfferId, now_ms: u64) -> Result<(), InvitationError> {
        let offer = locked(&self.kept).offers.get(id).cloned().ok_or(InvitationError::Unknown)?;
        {
            let mut offer = locked(&offer);
            if !stands(offer.status(now_ms)) {
                return Err(InvitationError::Over);
            }
            offer.withdraw();
        }
        self.save()
    }

    /// Takes all back that stand: the device was put back to an earlier state, and some may have been used since.
    pub(crate) fn withdraw_all(&self) -> Result<(), InvitationError> {
        self.all().iter().for_each(|offer| locked(offer).withdraw());
        self.save()
    }

    /// Finds the one that a joiner means by its first message.
    pub(crate) fn meant_by(
        &self,
        first: &[u8],
        identity: &DeviceKey,
        connection: &Connection,
    ) -> Option<Arc<Mutex<Offer>>> {
        self.all().into_iter().find(|offer| locked(offer).is_meant_by(first, identity, connection))
    }

    /// Notes that somebody came who means none: whoever it is guesses at all that stand.
    pub(crate) fn count_stranger(&self, first: &[u8], now_ms: u64) {
        for offer in self.all() {
            let mut offer = locked(&offer);
            if stands(offer.status(now_ms)) {
                offer.count_stranger(first);
            }
        }
    }

    /// Tells whether anybody may come: to one that stands, or to finish what was cut off.
    pub(crate) fn is_any_open(&self, now_ms: u64) -> bool {
        self.all().iter().any(|offer| {
            let offer = locked(offer);
            match offer.status(now_ms) {
                OfferStatus::Used { by } => offer.admits(&by, now_ms),
                status => stands(status),
            }
        })
    }

    /// Returns the devices that used one, for which it isn't known yet that the pairing works on both sides.
    pub(crate) fn unsettled(&self, now_ms: u64) -> Vec<verso_identity::DeviceId> {
        let by = |offer: &Arc<Mutex<Offer>>| {
            let offer = locked(offer);
            match offer.status(now_ms) {
                OfferStatus::Used { by } if offer.admits(&by, now_ms) => Some(by),
                _ => None,
            }
        };
        self.all().iter().filter_map(by).collect()
    }

    /// Notes that the pairing of a device works: nobody has anything to finish any more.
    pub(crate) fn settle(&self, device: &verso_identity::DeviceId, now_ms: u64) {
        for offer in self.all() {
            let mut offer = locked(&offer);
            if offer.status(now_ms) == (OfferStatus::Used { by: *device }) {
                offer.settle();
            }
        }
    }

    /// Forgets those whose time is over, and by which nobody may finish.
    pub(crate) fn sweep(&self, now_ms: u64) {
        let is_needed = |offer: &Offer| {
            let now = now_ms / 1_000;
            match offer.status(now_ms) {
                OfferStatus::Used { by } => now < offer.expires_at() || offer.admits(&by, now_ms),
                // Somebody may be in the middle of it.
                OfferStatus::Busy => true,
                _ => now < offer.expires_at(),
            }
        };
        locked(&self.kept).offers.retain(|_, offer| is_needed(&locked(offer)));
    }

    /// Makes durable what became of them. Nothing is written if nothing did.
    ///
    /// # Errors
    /// [`InvitationError`]; then the file says what it said before, or what it should.
    pub(crate) fn save(&self) -> Result<(), InvitationError> {
        let mut kept = locked(&self.kept);
        let bytes = encode(kept.offers.values());
        if *kept.stored == *bytes {
            return Ok(());
        }
        match self.storage.create_dir("state") {
            Ok(()) => self.storage.sync_dir("")?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        SealedFile::seal(&self.storage, PATH, &self.key, LABEL, &bytes)?;
        kept.stored = bytes;
        Ok(())
    }

    fn all(&self) -> Vec<Arc<Mutex<Offer>>> {
        locked(&self.kept).offers.values().cloned().collect()
    }
}

/// Tells whether somebody new may come by it.
const fn stands(status: OfferStatus) -> bool {
    matches!(status, OfferStatus::Open | OfferStatus::Busy)
}

/// Encodes a version, then each offer with its length in 4 bytes before it.
fn encode<'a>(offers: impl Iterator<Item = &'a Arc<Mutex<Offer>>>) -> Zeroizing<Vec<u8>> {
    let encoded: Vec<Zeroizing<Vec<u8>>> = offers.map(|offer| locked(offer).encode()).collect();
    // Room for all of it from the start: a buffer that grows leaves copies of the links behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.iter().map(|offer| offer.len() + 4).sum::<usize>() + 1));
    bytes.push(VERSION);
    for offer in encoded {
        // An offer has room in a frame of the pairing, which is far below 4 GiB.
        bytes.extend_from_slice(&u32::try_from(offer.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&offer);
    }
    bytes
}

/// Decodes what [`encode`] gave; `None` if the bytes are none.
fn decode(bytes: &[u8]) -> Result<Option<Offers>, InvitationError> {
    let mut rest = match bytes.split_first() {
        Some((&VERSION, rest)) => rest,
        Some((version, _)) if *version > VERSION => return Err(InvitationError::Newer),
        _ => return Ok(None),
    };
    let mut offers = Offers::new();
    while !rest.is_empty() {
        let Some((len, after)) = rest.split_first_chunk() else { return Ok(None) };
        let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
        let Some((offer, after)) = after.split_at_checked(len) else { return Ok(None) };
        let Ok(offer) = Offer::decode(offer) else { return Ok(None) };
        offers.insert(offer.id(), Arc::new(Mutex::new(offer)));
        rest = after;
    }
    Ok((offers.len() <= MAX_INVITATIONS).then_some(offers))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Longest time for which an invitation stands, in seconds: 30 days. The link is a secret that lies in somebody's mail.
pub const MAX_INVITE_SECONDS: u64 = 30 * FINISH_SECONDS;

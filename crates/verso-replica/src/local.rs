//! [`LocalState`]: what a device knows for itself alone and no log carries.

mod v1;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};
use verso_identity::{DeviceId, Key, WorkspaceId, purposes};
use verso_log::{SealError, SealedFile, Storage, UnsealError};
use verso_trust::{Access, PairingSide, PairingWay, PeerRole};
use verso_vv::{Author, Incarnation, Seq};
use zeroize::{Zeroize as _, Zeroizing};

/// Where the state lies under the data directory.
const PATH: &str = "state/local";

/// Where a state that can't be read is put aside.
const DAMAGED: &str = "state/local.damaged";

/// The format of the plaintext. A later version reads this one, as this one reads those before.
const VERSION: u8 = 2;

/// How many incarnations that were left are remembered: as many chains as a device may have in a workspace.
const MAX_LEFT: usize = 64;

/// 32 secret bytes that two devices agreed when they paired. Zeroized, never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct PairSecret([u8; 32]);

impl PairSecret {
    /// Takes the secret that a pairing gave.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns a number by which two devices name a secret to each other: derived from it, the highest bit set, which sets it apart from the numbers of
    /// group secrets.
    pub fn generation(&self) -> u64 {
        let derived = blake3::derive_key("verso 2026-11 pair secret generation v1", &self.0);
        u64::from_le_bytes(derived.first_chunk().copied().unwrap_or_default()) | 1 << 63
    }

    /// Returns the secret bytes, for the Noise handshake.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for PairSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PairSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairSecret(…)")
    }
}

/// A peer that went through the pairing, before the first Noise handshake makes it real on both sides.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProvisionalPeer {
    /// The peer.
    pub device: DeviceId,
    /// Its pinned X25519 key.
    pub noise_key: [u8; 32],
    /// Its X25519 key to which secrets are sealed.
    pub sealing_key: [u8; 32],
    /// What both agreed.
    pub secret: PairSecret,
    /// The name it gave itself.
    pub name: String,
    /// What it becomes.
    pub role: PeerRole,
    /// Which side this device was on.
    pub side: PairingSide,
    /// How they were paired.
    pub way: PairingWay,
    /// Where it can be reached.
    pub addresses: Vec<String>,
    /// The workspaces that were confirmed: the showing side gives them to a friend, the joining side takes them.
    pub workspaces: Vec<SharedAtPairing>,
    /// When it lapses, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
}

/// A workspace that a pairing shares with a friend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedAtPairing {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// What the joining device may do in it.
    pub access: Access,
}

/// A workspace that a friend offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedWorkspace {
    /// What the friend calls it.
    pub name: String,
    /// What this device may do in it.
    pub access: Access,
}

/// What is known of a peer from contact with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// When the peer was last connected, in milliseconds since the Unix epoch.
    pub last_seen_ms: Option<u64>,
    /// Where it said it can be reached, the newest first.
    pub addresses: Vec<String>,
    /// The highest protocol version that it has proven to speak; a lower one is refused.
    pub version_floor: u32,
    /// A tag of the addresses of this device that it was told last, and when, in milliseconds since the Unix epoch.
    pub told: Option<(u64, u64)>,
    /// A tag of this person's further devices that it was told of last, and when, in milliseconds since the Unix epoch.
    pub told_devices: Option<(u64, u64)>,
    /// The workspaces that were level with it at the last contact: they are opened at once at the next.
    pub shared: BTreeSet<WorkspaceId>,
    /// What it offers and nobody has taken yet.
    pub offered: BTreeMap<WorkspaceId, OfferedWorkspace>,
    /// Code of the last reason that stopped data from moving in all workspaces, and since when, in milliseconds since the Unix epoch.
    pub reason: Option<(String, u64)>,
    /// What is known of single workspaces.
    pub workspaces: BTreeMap<WorkspaceId, WorkspaceContact>,
}

/// What is known of one workspace from contact with a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceContact {
    /// When both had acknowledged all of it the last time, in milliseconds since the Unix epoch.
    pub level_ms: Option<u64>,
    /// Code of the last reason that stopped data from moving in it, and since when, in milliseconds since the Unix epoch.
    pub reason: Option<(String, u64)>,
}

/// The Noise key and secret of a paired peer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pairing {
    pub(crate) noise_key: [u8; 32],
    pub(crate) secret: PairSecret,
}

/// The device's own state: encrypted, replaced atomically, never sent anywhere.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LocalState {
    pub(crate) incarnation: Incarnation,
    /// Incarnations that this device will not write under again, the latest last.
    pub(crate) left: Vec<Incarnation>,
    pub(crate) provisional: BTreeMap<DeviceId, ProvisionalPeer>,
    pub(crate) pairings: BTreeMap<DeviceId, Pairing>,
    pub(crate) contacts: BTreeMap<DeviceId, Contact>,
    /// That whom this device trusts was put back to an earlier state, until that is confirmed.
    pub(crate) unconfirmed: Option<Unconfirmed>,
}

/// Trust that was put back to an earlier state, by restoring a backup, by repairing a control log that had lost entries, or together with the whole
/// data directory. Those who were removed since may still be in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unconfirmed {
    /// How much of each chain of the control log there was.
    pub(crate) heads: BTreeMap<Author, Seq>,
    /// Whom the person has confirmed since.
    pub(crate) confirmed: BTreeSet<DeviceId>,
    /// Own devices that lacked some of that when they were met, and by whose signature what they lacked is: they know less than this device
    /// did, whatever they have learnt from it since.
    pub(crate) behind: BTreeSet<(DeviceId, Author)>,
}

/// How the state was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    Whole,
    Absent,
    Damaged,
}

/// Whether the file says what the state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LocalFile {
    /// It does.
    Saved,
    /// It lacks what may wait: when peers were last seen. Nothing waits at a contact for a file that says no more than when it was.
    Stale,
    /// It lacks what has waited, and is to be written with the next flush; if that fails, it waits again.
    Overdue,
    /// It is to be written with the next flush, which fails without it.
    Due,
}

impl LocalFile {
    /// The state changed in what may wait.
    pub(crate) const fn save_later(&mut self) {
        if matches!(self, Self::Saved) {
            *self = Self::Stale;
        }
    }

    /// What may have waited is written with the next flush.
    pub(crate) const fn save_now(&mut self) {
        if matches!(self, Self::Stale) {
            *self = Self::Overdue;
        }
    }

    /// Whether the next flush writes it.
    pub(crate) const fn is_due(self) -> bool {
        matches!(self, Self::Overdue | Self::Due)
    }
}

/// What is known of the key before the state is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyProof {
    /// It opened a log: a state that it doesn't open is damaged.
    Proven,
    /// Nothing else was there to try it on: it may be the wrong one, and must not cost what another key would open.
    None,
}

impl LocalState {
    /// Reads the state. Where there is none, or none that can be read, a new one with a fresh incarnation is written at once:
    /// an incarnation whose last number is in doubt is never resumed. What can't be read is put aside.
    pub(crate) fn load<S: Storage>(
        storage: &S,
        key: &Key<purposes::LocalState>,
        proof: KeyProof,
    ) -> Result<(Self, Found), LocalStateError> {
        ensure_dir(storage, "state")?;
        let found = match SealedFile::open(storage, PATH, key, b"local") {
            Ok(bytes) => match Self::decode(&bytes)? {
                Some(state) => return Ok((state, Found::Whole)),
                None => Found::Damaged,
            },
            Err(UnsealError::NotFound) => Found::Absent,
            Err(UnsealError::Io(source)) => return Err(source.into()),
            Err(UnsealError::NewerFormat { .. }) => return Err(LocalStateError::Newer),
            Err(UnsealError::WrongKey) if proof == KeyProof::None => return Err(LocalStateError::WrongKey),
            Err(_damaged) => Found::Damaged,
        };
        if found == Found::Damaged {
            storage.rename(PATH, DAMAGED)?;
        }
        let state = Self::fresh(storage)?;
        state.store(storage, key)?;
        Ok((state, found))
    }

    /// Reads the plaintext of the state, without changing anything; `None` if there is none, or none that can be read.
    pub(crate) fn read<S: Storage>(
        storage: &S,
        key: &Key<purposes::LocalState>,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LocalStateError> {
        match SealedFile::open(storage, PATH, key, b"local") {
            Ok(bytes) => Ok(Self::decode(&bytes)?.is_some().then_some(bytes)),
            Err(UnsealError::Io(source)) => Err(source.into()),
            Err(UnsealError::NewerFormat { .. }) => Err(LocalStateError::Newer),
            Err(_absent) => Ok(None),
        }
    }

    /// Makes the state durable.
    pub(crate) fn store<S: Storage>(
        &self,
        storage: &S,
        key: &Key<purposes::LocalState>,
    ) -> Result<(), LocalStateError> {
        let len = postcard::experimental::serialized_size(self).map_err(|_source| LocalStateError::TooLarge)?;
        // Room for all of it from the start: a buffer that grows leaves copies of the secrets behind.
        let mut bytes = Vec::with_capacity(1 + len);
        bytes.push(VERSION);
        let bytes =
            postcard::to_extend(self, bytes).map(Zeroizing::new).map_err(|_source| LocalStateError::TooLarge)?;
        SealedFile::seal(storage, PATH, key, b"local", &bytes).map_err(LocalStateError::Seal)
    }

    /// Tells whether this device was ever paired.
    pub(crate) fn knows_peers(&self) -> bool {
        !self.pairings.is_empty() || !self.provisional.is_empty()
    }

    /// Takes a new incarnation, which is not durable yet.
    pub(crate) fn renew<S: Storage>(&mut self, storage: &S) -> Result<(), LocalStateError> {
        let mut incarnation = [0; 8];
        storage.random(&mut incarnation)?;
        self.leave(self.incarnation);
        self.incarnation = Incarnation(u64::from_le_bytes(incarnation));
        Ok(())
    }

    /// Notes an incarnation that this device will not write under again.
    pub(crate) fn leave(&mut self, incarnation: Incarnation) {
        self.left.retain(|other| *other != incarnation);
        let surplus = (self.left.len() + 1).saturating_sub(MAX_LEFT);
        self.left.drain(..surplus);
        self.left.push(incarnation);
    }

    /// Notes that whom this device trusts was put back to when the control log had these ends. If it was before, and not confirmed since, then what
    /// it had then counts, too: nobody who knows less than this device ever did confirms anything.
    pub(crate) fn put_back(&mut self, heads: BTreeMap<Author, Seq>) {
        let unconfirmed = self.unconfirmed.get_or_insert_default();
        unconfirmed.confirmed.clear();
        for (author, seq) in heads {
            let head = unconfirmed.heads.entry(author).or_insert(seq);
            *head = (*head).max(seq);
        }
    }

    pub(crate) fn fresh<S: Storage>(storage: &S) -> Result<Self, LocalStateError> {
        let mut state = Self {
            incarnation: Incarnation(0),
            left: Vec::new(),
            provisional: BTreeMap::new(),
            pairings: BTreeMap::new(),
            contacts: BTreeMap::new(),
            unconfirmed: None,
        };
        state.renew(storage)?;
        state.left.clear();
        Ok(state)
    }

    /// Reads the plaintext; `None` if it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, LocalStateError> {
        match bytes.split_first() {
            Some((&VERSION, body)) => Ok(whole(body)),
            Some((&v1::VERSION, body)) => Ok(whole(body).map(v1::LocalState::upgrade)),
            Some((version, _)) if *version > VERSION => Err(LocalStateError::Newer),
            _ => Ok(None),
        }
    }
}

/// Reads what takes all of the bytes; `None` if they are something else.
fn whole<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Option<T> {
    match postcard::take_from_bytes(body) {
        Ok((state, [])) => Some(state),
        _ => None,
    }
}

/// Makes a directory that may be there already, durably.
pub(crate) fn ensure_dir<S: Storage>(storage: &S, dir: &str) -> io::Result<()> {
    match storage.create_dir(dir) {
        Ok(()) => storage.sync_dir(""),
        // Whoever made it may have been stopped before its name was durable, but not once there was something in it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if storage.list(dir)?.is_empty() {
                storage.sync_dir("")
            } else {
                Ok(())
            }
        }
        Err(error) => Err(error),
    }
}

/// The local state can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalStateError {
    /// The disk failed.
    #[error("the device's local state can't be read or written")]
    Io(#[from] io::Error),
    /// Sealing failed.
    #[error("the device's local state can't be sealed")]
    Seal(#[source] SealError),
    /// The state was sealed under another key. It is left as it is.
    #[error("the device's local state is sealed under another key")]
    WrongKey,
    /// A newer version of this program wrote the state. It is left as it is.
    #[error("the device's local state was written by a newer version")]
    Newer,
    /// The state does not fit its encoding.
    #[error("the device's local state is too large")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(number: u8) -> DeviceId {
        DeviceId::from_bytes([number; 32])
    }

    /// A state with something in every field.
    fn full() -> LocalState {
        let author = Author { device: device(2), incarnation: Incarnation(300) };
        let workspace = WorkspaceId::from_bytes([0x77; 16]);
        let provisional = ProvisionalPeer {
            device: device(3),
            noise_key: [0x11; 32],
            sealing_key: [0x22; 32],
            secret: PairSecret([0x33; 32]),
            name: "Küche".to_owned(),
            role: PeerRole::Friend,
            side: PairingSide::Joining,
            way: PairingWay::Nearby,
            addresses: vec!["192.0.2.1:4433".to_owned()],
            workspaces: vec![SharedAtPairing { workspace, name: "Reading".to_owned(), access: Access::ReadWrite }],
            expires_ms: 1_790_000_000_000,
        };
        let offered = OfferedWorkspace { name: "Notes".to_owned(), access: Access::ReadOnly };
        let in_workspace = WorkspaceContact {
            level_ms: Some(1_755_000_000_000),
            reason: Some(("read-only".to_owned(), 1_745_000_000_000)),
        };
        let contact = Contact {
            last_seen_ms: Some(1_760_000_000_000),
            addresses: vec!["[2001:db8::1]:4433".to_owned()],
            version_floor: 1,
            told: Some((0x0102, 1_750_000_000_000)),
            told_devices: None,
            shared: [workspace].into(),
            offered: [(WorkspaceId::from_bytes([0x78; 16]), offered)].into(),
            reason: Some(("no-grant".to_owned(), 1_740_000_000_000)),
            workspaces: [(workspace, in_workspace)].into(),
        };
        LocalState {
            incarnation: Incarnation(0xf1f2_f3f4_f5f6_f7f8),
            left: vec![Incarnation(7)],
            provisional: [(device(3), provisional)].into(),
            pairings: [(device(2), Pairing { noise_key: [0x44; 32], secret: PairSecret([0x55; 32]) })].into(),
            contacts: [(device(2), contact)].into(),
            unconfirmed: Some(Unconfirmed {
                heads: [(author, Seq(9))].into(),
                confirmed: [device(4)].into(),
                behind: [(device(5), author)].into(),
            }),
        }
    }

    fn bytes_of(state: &LocalState) -> Vec<u8> {
        postcard::to_extend(state, vec![VERSION]).unwrap()
    }

    #[test]
    fn the_golden_file_is_what_is_written() {
        let golden = include_str!("../tests/golden/local-v2.txt");
        let written = bytes_of(&full());
        let text = data_encoding::HEXLOWER.encode(&written);
        assert!(golden.trim_end() == text, "the format changed: it needs a new version. Now:\n{text}");
        let read = LocalState::decode(&written).unwrap().unwrap();
        assert_eq!(bytes_of(&read), written);
        assert!((1..written.len()).all(|len| matches!(LocalState::decode(&written[..len]), Ok(None))), "cut short");
        assert!(matches!(LocalState::decode(&[&[3], &written[1..]].concat()), Err(LocalStateError::Newer)));
    }

    /// What an earlier version wrote is read whole, and says nothing of single workspaces.
    #[test]
    fn the_version_before_is_read() {
        let golden = include_str!("../tests/golden/local-v1.txt");
        let written = data_encoding::HEXLOWER.decode(golden.trim_end().as_bytes()).unwrap();
        let mut expected = full();
        expected.contacts.values_mut().for_each(|contact| contact.workspaces.clear());
        let read = LocalState::decode(&written).unwrap().unwrap();
        assert_eq!(bytes_of(&read), bytes_of(&expected));
        assert!((1..written.len()).all(|len| matches!(LocalState::decode(&written[..len]), Ok(None))), "cut short");
        assert!(matches!(LocalState::decode(&[&written[..], &[0]].concat()), Ok(None)), "something follows");
    }
}

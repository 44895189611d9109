//! [`Forks`]: the proofs of forks that this device knows, kept beside the logs, and passed on to whoever lacks them.

use std::collections::BTreeMap;
use std::io;

use verso_identity::{Key, WorkspaceId, purposes};
use verso_log::{SealError, SealedFile, Storage, UnsealError};
use verso_trust::MAX_CHAINS_PER_DEVICE;
use verso_vv::Author;
use verso_wire::{ForkProof, Message};
use zeroize::Zeroizing;

use crate::lineage::{ForkPoint, Lineage};

/// Where the proofs lie under the data directory.
const PATH: &str = "state/local.forks";

/// The format of the plaintext.
const VERSION: u8 = 1;

/// Most forks of one device's chains in a log that are believed: each makes at least one more chain. A device can fork its own chains at will.
const MAX_OF_DEVICE: usize = MAX_CHAINS_PER_DEVICE - 1;

/// Most digests in the proofs of one device's forks: 16,384, or 512 KiB. The sides of most have a few, of the largest 8,192.
const MAX_DIGESTS: usize = 16_384;

/// Names a fork: in which log, of whose chain, and where.
pub(crate) type ForkKey = (WorkspaceId, Author, ForkPoint);

/// Returns what names the fork that a proof is about.
pub(crate) fn key_of(workspace: &WorkspaceId, proof: &ForkProof) -> ForkKey {
    (*workspace, proof.author, ForkPoint::of(proof))
}

/// Counts the digests of a proof.
pub(crate) fn digests_of(proof: &ForkProof) -> usize {
    proof.sides.iter().map(|side| side.digests.len()).sum()
}

/// Proofs of forks, each verified when it came. A log alone shows only those forks of which it holds two sides.
#[derive(Debug, Default)]
pub(crate) struct Forks {
    proofs: BTreeMap<ForkKey, ForkProof>,
    /// Whether some are not durable yet.
    is_unsaved: bool,
}

impl Forks {
    /// Reads what [`save`](Self::save) wrote. What is damaged is as good as not there: peers have it, or the logs show it.
    ///
    /// # Errors
    /// What the storage reports: what it can't read now may be whole, and must not be replaced.
    pub(crate) fn load<S: Storage>(storage: &S, key: &Key<purposes::LocalState>) -> io::Result<Self> {
        match SealedFile::open(storage, PATH, key, b"forks") {
            Ok(bytes) => Ok(Self::decode(&bytes).unwrap_or_default()),
            Err(UnsealError::NotFound) => Ok(Self::default()),
            Err(UnsealError::Io(source)) => Err(source),
            Err(error) => {
                tracing::warn!(target: "verso.sync", %error, "the proofs of forks are damaged");
                Ok(Self::default())
            }
        }
    }

    /// Reads what [`save`](Self::save) wrote as it is, for a backup; `None` if there is nothing that can be read.
    pub(crate) fn read<S: Storage>(storage: &S, key: &Key<purposes::LocalState>) -> Option<Zeroizing<Vec<u8>>> {
        SealedFile::open(storage, PATH, key, b"forks").ok().filter(|bytes| Self::decode(bytes).is_some())
    }

    /// Writes what [`read`](Self::read) gave, where there is nothing yet. What is none is as good as not there.
    pub(crate) fn write<S: Storage>(
        storage: &S,
        key: &Key<purposes::LocalState>,
        bytes: &[u8],
    ) -> Result<(), SealError> {
        Self::decode(bytes).map_or(Ok(()), |forks| forks.store(storage, key))
    }

    /// Tells whether all is durable.
    pub(crate) const fn is_saved(&self) -> bool {
        !self.is_unsaved
    }

    /// Makes them durable, if they aren't.
    pub(crate) fn save<S: Storage>(&mut self, storage: &S, key: &Key<purposes::LocalState>) -> Result<(), SealError> {
        if self.is_unsaved {
            self.store(storage, key)?;
            self.is_unsaved = false;
        }
        Ok(())
    }

    fn store<S: Storage>(&self, storage: &S, key: &Key<purposes::LocalState>) -> Result<(), SealError> {
        SealedFile::seal(storage, PATH, key, b"forks", &self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        let proof = |((workspace, ..), proof): (&ForkKey, &ForkProof)| {
            Some((*workspace, Message::Proof(proof.clone()).encode().ok()?.to_vec()))
        };
        let proofs: Vec<(WorkspaceId, Vec<u8>)> = self.proofs.iter().filter_map(proof).collect();
        // A list of byte strings always has an encoding.
        postcard::to_extend(&proofs, vec![VERSION]).unwrap_or_default()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, body) = bytes.split_first()? else { return None };
        let (proofs, []) = postcard::take_from_bytes::<Vec<(WorkspaceId, Vec<u8>)>>(body).ok()? else { return None };
        let mut forks = Self::default();
        for (workspace, bytes) in proofs {
            let Message::Proof(proof) = Message::decode(&bytes).ok()? else { return None };
            forks.insert(workspace, proof);
        }
        forks.is_unsaved = false;
        Some(forks)
    }

    /// Returns what is known of forks in a log, for its journal.
    pub(crate) fn lineage(&self, workspace: &WorkspaceId) -> Lineage {
        Lineage::new(self.of(workspace).map(|proof| (proof.author, ForkPoint::of(proof))))
    }

    /// Iterates over the proofs of a log.
    pub(crate) fn of(&self, workspace: &WorkspaceId) -> impl Iterator<Item = &ForkProof> {
        let workspace = *workspace;
        self.proofs.iter().filter(move |((other, ..), _)| *other == workspace).map(|(_, proof)| proof)
    }

    /// Tells whether a fork is known.
    pub(crate) fn knows(&self, workspace: &WorkspaceId, proof: &ForkProof) -> bool {
        self.proofs.contains_key(&key_of(workspace, proof))
    }

    /// Tells whether one more fork is believed.
    pub(crate) fn has_room_for(&self, workspace: &WorkspaceId, proof: &ForkProof) -> bool {
        let device = proof.author.device;
        let of_device = self.proofs.iter().filter(|((_, author, _), _)| author.device == device);
        let here = of_device.clone().filter(|((other, ..), _)| other == workspace).count();
        let kept: usize = of_device.map(|(_, proof)| digests_of(proof)).sum();
        here < MAX_OF_DEVICE && kept + digests_of(proof) <= MAX_DIGESTS
    }

    /// Adds a verified proof.
    pub(crate) fn insert(&mut self, workspace: WorkspaceId, proof: ForkProof) {
        self.is_unsaved = true;
        self.proofs.entry(key_of(&workspace, &proof)).or_insert(proof);
    }

    /// Forgets those of a log that are not needed.
    pub(crate) fn retain(&mut self, workspace: &WorkspaceId, is_needed: impl Fn(&ForkProof) -> bool) {
        let before = self.proofs.len();
        self.proofs.retain(|(other, ..), proof| other != workspace || is_needed(proof));
        self.is_unsaved |= self.proofs.len() < before;
    }
}

#[cfg(test)]
mod tests {
    use verso_identity::{DeviceId, Signature};
    use verso_vv::{EntryHash, Incarnation, Seq};
    use verso_wire::{EntryDigest, ForkSide};

    use super::*;

    fn proof(device: u8, at: u64, digests: usize) -> ForkProof {
        let author = Author { device: DeviceId::from_bytes([device; 32]), incarnation: Incarnation(7) };
        let side = |first| ForkSide {
            digests: (0..digests)
                .map(|more| EntryDigest([first, u8::try_from(more % 256).unwrap(), 0, 0].repeat(8).try_into().unwrap()))
                .collect(),
            signature: Signature::from_bytes([first; 64]),
        };
        ForkProof { author, at: Seq(at), prev_hash: EntryHash([3; 32]), sides: [side(1), side(2)] }
    }

    const WORKSPACE: WorkspaceId = WorkspaceId::from_bytes([9; 16]);

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let mut forks = Forks::default();
        forks.insert(WORKSPACE, proof(1, 5, 1));
        forks.insert(WorkspaceId::CONTROL, proof(2, 6, 2));
        let bytes = forks.encode();
        let message = Message::Proof(proof(1, 5, 1)).encode().unwrap();
        let head = [&[1, 2][..], WorkspaceId::CONTROL.as_bytes()].concat();
        assert!(bytes.starts_with(&head) || bytes.starts_with(&[&[1, 2][..], WORKSPACE.as_bytes()].concat()));
        assert!(bytes.windows(message.len()).any(|window| window == &message[..]), "a proof as a message has it");
        let read = Forks::decode(&bytes).unwrap();
        assert!(read.is_saved() && read.knows(&WORKSPACE, &proof(1, 5, 1)) && !read.knows(&WORKSPACE, &proof(1, 6, 1)));
        assert_eq!(read.encode(), bytes);
        assert!((0..bytes.len()).all(|len| Forks::decode(&bytes[..len]).is_none()));
        assert!(Forks::decode(&[&bytes[..], &[0]].concat()).is_none());
    }

    #[test]
    fn the_golden_file_is_what_is_written() {
        let golden = include_str!("../tests/golden/forks-v1.txt");
        let mut forks = Forks::default();
        forks.insert(WORKSPACE, proof(1, 5, 1));
        forks.insert(WorkspaceId::CONTROL, proof(2, 6, 2));
        let written = data_encoding::HEXLOWER.encode(&forks.encode());
        assert!(golden.trim_end() == written, "the format changed: it needs a new version. Now:\n{written}");
        assert_eq!(Forks::decode(&forks.encode()).unwrap().proofs.len(), 2);
    }

    #[test]
    fn a_device_forks_its_chains_so_often_and_no_more() {
        let mut forks = Forks::default();
        for at in 0..63 {
            assert!(forks.has_room_for(&WORKSPACE, &proof(1, at, 1)));
            forks.insert(WORKSPACE, proof(1, at, 1));
        }
        assert!(!forks.has_room_for(&WORKSPACE, &proof(1, 63, 1)));
        assert!(
            forks.has_room_for(&WorkspaceId::CONTROL, &proof(1, 63, 1))
                && forks.has_room_for(&WORKSPACE, &proof(2, 63, 4096))
        );
        forks.insert(WORKSPACE, proof(2, 1, 4096));
        forks.insert(WorkspaceId::CONTROL, proof(2, 1, 4096));
        assert!(!forks.has_room_for(&WORKSPACE, &proof(2, 2, 1)), "of all its logs together");
    }
}

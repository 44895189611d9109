//! [`Foretold`]: proofs of forks that a peer shows before anything of them is here to be called by another name.
//!
//! A fork names what lies behind it, and nothing else. So a proof is *known* (kept for good, and passed on) only where something behind the fork is held:
//! no more forks are kept than there are names for what is held, and nobody can have this device keep, or pass on, forks of chains that it doesn't
//! hold. Of other forks the proof waits on the connection on which it came, for the entries behind it, which mostly follow at once. If they come by another
//! way later, under a name that the proof would have changed, the next contact with whoever knows of the fork settles that.

use std::collections::BTreeMap;

use verso_identity::WorkspaceId;
use verso_log::Storage;
use verso_session::Input;
use verso_vv::{Author, Seq};
use verso_wire::limits::MAX_AUTHORS;
use verso_wire::{Application, ChainHead, ChainedUnit, ForkProof, Reason};

use crate::effect::{ConnectionId, Effect, Event};
use crate::error::JournalError;
use crate::forks::{ForkKey, digests_of, key_of};
use crate::journal::Ingested;
use crate::lineage::ForkPoint;
use crate::replica::{Now, Replica};

/// Most proofs that wait on a connection: 4,096, as many as a workspace has authors and a peer that behaves has forks to show.
const MAX_PROOFS: usize = MAX_AUTHORS;

/// Most digests in them: 32,768, or 1 MiB. The sides of most have a few; of those with thousands, as imports make them, a handful is enough.
const MAX_DIGESTS: usize = 32_768;

/// Proofs that wait on a connection: those that came first, as many as there is room for. Each is verified.
#[derive(Debug, Default)]
pub(crate) struct Foretold {
    proofs: BTreeMap<ForkKey, ForkProof>,
    digests: usize,
    /// There was no room for some: the peer calls entries by names that this device has no way to find.
    lacks_some: bool,
}

impl Foretold {
    /// Tells whether one more has room.
    fn has_room_for(&mut self, proof: &ForkProof) -> bool {
        let has_room = self.proofs.len() < MAX_PROOFS && self.digests + digests_of(proof) <= MAX_DIGESTS;
        self.lacks_some |= !has_room;
        has_room
    }

    fn insert(&mut self, workspace: WorkspaceId, proof: ForkProof) {
        self.digests += digests_of(&proof);
        if let Some(before) = self.proofs.insert(key_of(&workspace, &proof), proof) {
            self.digests -= digests_of(&before);
        }
    }

    fn remove(&mut self, key: &ForkKey) {
        if let Some(proof) = self.proofs.remove(key) {
            self.digests -= digests_of(&proof);
        }
    }

    /// Tells whether the peer may call entries by names that it has explained in vain.
    pub(crate) const fn lacks_some(&self) -> bool {
        self.lacks_some
    }

    /// Iterates over the forks that a unit passes.
    fn passed<'a>(&'a self, workspace: &WorkspaceId, unit: &'a ChainedUnit) -> impl Iterator<Item = &'a ForkProof> {
        let point = |at, hash| ForkPoint { at, prev_hash: verso_vv::EntryHash([hash; 32]) };
        let (signer, first, last) = (*unit.signer(), unit.first_seq(), unit.last_seq());
        let of_unit =
            self.proofs.range((*workspace, signer, point(first, 0))..=(*workspace, signer, point(last, u8::MAX)));
        let before = |at: Seq| unit.hash_at(at.previous()).unwrap_or(*unit.prev_hash());
        of_unit.map(|(_, proof)| proof).filter(move |proof| before(proof.at) == proof.prev_hash)
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Tells whether anything behind a fork is held, so that it has another name once the fork is known.
    pub(crate) fn is_behind(&self, workspace: &WorkspaceId, proof: &ForkProof) -> Result<bool, JournalError> {
        let base = ChainHead { seq: proof.at.previous(), hash: proof.prev_hash };
        let holder = self.holder(workspace, &proof.author, &base)?;
        Ok(holder.and_then(|holder| self.head(workspace, &holder)).is_some_and(|head| head.seq >= proof.at))
    }

    /// Has a proof wait for what is behind the fork. Returns why the session ends, if it does.
    pub(crate) fn foretell(&mut self, id: ConnectionId, workspace: WorkspaceId, proof: ForkProof) -> Option<Input> {
        let foretold = &mut self.connections.get_mut(&id)?.foretold;
        if !foretold.has_room_for(&proof) {
            return None;
        }
        if proof.verify(&workspace).is_err() {
            return Some(Input::Refused(Reason::Malformed));
        }
        foretold.insert(workspace, proof);
        None
    }

    /// Learns of the forks that were foretold and that a unit passes, which is about to be taken in: what is held keeps its name. Returns whether there
    /// were any.
    pub(crate) fn learn_ahead(
        &mut self,
        workspace: WorkspaceId,
        unit: &ChainedUnit,
        now: Now,
    ) -> Result<bool, JournalError> {
        let passed = self.connections.values().flat_map(|connection| connection.foretold.passed(&workspace, unit));
        let passed: Vec<ForkProof> = passed.cloned().collect();
        let mut is_any = false;
        for proof in passed {
            let key = key_of(&workspace, &proof);
            self.connections.values_mut().for_each(|connection| connection.foretold.remove(&key));
            if self.forks.knows(&workspace, &proof) || !self.forks.has_room_for(&workspace, &proof) {
                continue; // One of several connections had shown it, or the device has forked its chains too often.
            }
            let point = ForkPoint::of(&proof);
            let rebuilt = if workspace == WorkspaceId::CONTROL {
                self.control.foresee(proof.author, point)?
            } else {
                let journal = self.workspaces.get_mut(&workspace).ok_or(JournalError::Missing)?;
                journal.foresee(proof.author, point)?
            };
            self.took_in(workspace, Ingested { fold_changed: true, rebuilt, ..Ingested::default() }, now);
            self.effects.push_back(Effect::Event(Event::Forked { workspace, author: proof.author, at: proof.at }));
            self.forks.insert(workspace, proof);
            is_any = true;
        }
        Ok(is_any)
    }

    /// Shows a peer the forks behind which entries of a signer lie, up to a number, unless it has shown that it knows them or was shown them on this
    /// connection.
    pub(crate) fn show_forks(
        &mut self,
        id: ConnectionId,
        workspace: WorkspaceId,
        (signer, until): (Author, Seq),
        now: Now,
    ) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let mut due = Vec::new();
        for proof in self.forks.of(&workspace).filter(|proof| proof.author == signer && proof.at <= until) {
            if connection.shown.insert(key_of(&workspace, proof)) {
                due.push(proof.clone());
            }
        }
        for proof in due {
            self.handle(id, now, Input::Proof { workspace, proof });
        }
    }
}

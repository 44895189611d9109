//! Forks are healed: whoever learns of one calls its branches by their names from then on, and starts anew with every peer.
//!
//! A fork is known by its proof and by nothing else, whether a peer showed it or a unit and the own log made it. What that leads to is always
//! the same: the proof is kept, the names of what is held are found anew, and every session ends with the reason `fork`, so that nobody speaks by
//! the old names any more. At the next contact each is told of the forks that it doesn't know, before anything else.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::PeerRole;
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::{Application, ChainHead, ForkProof, Reason, VectorEntry};

use crate::effect::{ConnectionId, Effect, Event};
use crate::error::{FlushError, JournalError};
use crate::forks::key_of;
use crate::lineage::{ForkPoint, Lineage};
use crate::local::LocalStateError;
use crate::receive::Declined;
use crate::replica::{Now, Replica};

/// How far back a chain is asked for at least when a peer's history and the own part: 64 entries. Each time that it was not far enough it is about
/// eight times as far, so a million entries take five questions.
const STEP_BACK: u64 = 64;

/// A fork: a device wrote two histories that have a beginning in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Whose chain it was.
    pub author: Author,
    /// The first entry that differs.
    pub at: Seq,
    /// What two of its branches are called, as authors of their own.
    pub branches: [Author; 2],
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Returns the forks that are known in a workspace, or in the control log. None of them stops anything.
    pub fn forks(&self, workspace: &WorkspaceId) -> Vec<Fork> {
        let fork = |proof: &ForkProof| {
            let branches = branches(proof)?;
            Some(Fork { author: proof.author, at: proof.at, branches })
        };
        self.forks.of(workspace).filter_map(fork).collect()
    }

    /// Takes a proof that a peer shows. Returns why the session ends, if it does.
    pub(crate) fn consider_proof(
        &mut self,
        id: ConnectionId,
        workspace: WorkspaceId,
        proof: ForkProof,
        now: Now,
    ) -> Option<Input> {
        if !self.listens_to(id, &workspace) {
            return None;
        }
        if self.forks.knows(&workspace, &proof) {
            self.connections.get_mut(&id)?.shown.insert(key_of(&workspace, &proof));
            return None;
        }
        if !self.may_teach(id, &workspace, &proof.author.device) {
            // Who vouches for the author may be on its way behind this.
            return self.foretell(id, workspace, proof);
        }
        // What this device wrote itself is its business, whether it remembers it or not.
        let is_needed = proof.author.device == self.device();
        match self.is_behind(&workspace, &proof) {
            Ok(false) if !is_needed => return self.foretell(id, workspace, proof),
            Ok(_) => {}
            Err(error) => return Some(Input::Refused(error.reason())),
        }
        if !self.charge_for_news(id, now) {
            return None;
        }
        if proof.verify(&workspace).is_err() {
            return Some(Input::Refused(Reason::Malformed));
        }
        if !self.forks.has_room_for(&workspace, &proof) {
            // What follows of the branches is declined. Its own chain this device leaves all the same.
            let left = if proof.author == self.author() { self.begin_incarnation(workspace, now) } else { Ok(()) };
            return left.err().map(|error| Input::Refused(error.reason()));
        }
        let peer = self.connections.get(&id)?.peer;
        if workspace == WorkspaceId::CONTROL
            && let Err(error) = self.forget_lacks(&peer, &proof.author)
        {
            return Some(Input::Refused(JournalError::from(error).reason()));
        }
        self.learn(workspace, proof, now).err().map(|error| Input::Refused(error.reason()))
    }

    /// Tells whether proofs from this peer are worth looking at.
    fn listens_to(&self, id: ConnectionId, workspace: &WorkspaceId) -> bool {
        let Some(connection) = self.connections.get(&id) else { return false };
        if *workspace == WorkspaceId::CONTROL {
            return connection.role == PeerRole::Own && self.control.closed().is_none();
        }
        self.workspaces.get(workspace).is_some_and(|journal| journal.closed().is_none())
    }

    /// Tells whether this device learns of a fork of that author's as soon as a peer proves it: what is remembered must not be anybody's to choose.
    fn may_teach(&self, id: ConnectionId, workspace: &WorkspaceId, author: &DeviceId) -> bool {
        let is_own = self.connections.get(&id).is_some_and(|connection| connection.role == PeerRole::Own);
        let membership = self.workspaces.get(workspace).map(|journal| &journal.view.state.membership);
        let is_member = membership.is_some_and(|it| it.access_of(author).is_some() || it.was_member(author));
        is_own || is_member
    }

    /// Learns of a fork whose proof is verified. Until the next flush has [healed](Self::heal) it, no session gets a word.
    pub(crate) fn learn(&mut self, workspace: WorkspaceId, proof: ForkProof, now: Now) -> Result<(), JournalError> {
        if proof.author == self.author() {
            // Another goes on from the same state: neither may, under this name.
            self.begin_incarnation(workspace, now)?;
        }
        self.learned.entry(workspace).or_default().push((proof.author, ForkPoint::of(&proof)));
        self.effects.push_back(Effect::Event(Event::Forked { workspace, author: proof.author, at: proof.at }));
        self.forks.insert(workspace, proof);
        Ok(())
    }

    /// Heals what was learnt since the last flush: keeps the proofs, finds the names anew, and starts anew with everybody.
    ///
    /// Of a log that could not be read again only a part is shown: nothing follows from that, and the host hears of it when the log was
    /// [opened again](Self::recover).
    pub(crate) fn heal(&mut self, now: Now) -> Result<(), FlushError> {
        let kept = self.forks.save(&self.storage, &self.local_key);
        let mut failed = kept.map_err(|error| LocalStateError::Seal(error).into()).err();
        let learned = std::mem::take(&mut self.learned);
        let is_any = !learned.is_empty();
        for (workspace, points) in learned {
            let outcome = if workspace == WorkspaceId::CONTROL {
                self.control.learn(points)
            } else if let Some(journal) = self.workspaces.get_mut(&workspace) {
                journal.learn(points)
            } else {
                continue;
            };
            self.dirty.insert(workspace);
            self.unreported.renamed(&workspace);
            if let Err(source) = outcome {
                let reason = source.reason();
                failed.get_or_insert(FlushError::Log { workspace, reason, source });
                continue;
            }
            self.folds_changed.insert(workspace);
            if workspace == WorkspaceId::CONTROL {
                self.tell_of_provisional_peers();
            } else {
                self.take_conflict_changes(&workspace);
                self.effects.push_back(Effect::Event(Event::Rebuilt { workspace }));
            }
        }
        match failed {
            // The flush ends all sessions, with what failed for a reason.
            Some(error) => Err(error),
            None if is_any => {
                for id in self.connection_ids() {
                    self.handle(id, now, Input::Refused(Reason::Fork));
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Shows a peer the forks that it doesn't know, as its vector shows: it names neither branch. Returns why the session ends, if it does.
    ///
    /// Every fork that is known is one behind which something is held, so whatever the peer lacks of that comes under names that it could not find.
    pub(crate) fn answer_vector(
        &mut self,
        id: ConnectionId,
        workspace: WorkspaceId,
        entries: &[VectorEntry],
        now: Now,
    ) -> Option<Input> {
        let shown = |author: &Author| {
            let at = entries.binary_search_by(|entry| entry.author.cmp(author)).ok()?;
            entries.get(at).map(|entry| entry.seq)
        };
        let peer = self.connections.get(&id)?.peer;
        let lineage = self.lineage(&workspace);
        let (mut known, mut due, mut renames) = (Vec::new(), Vec::new(), BTreeSet::new());
        for proof in self.forks.of(&workspace) {
            let Some(branches) = branches(proof) else { continue };
            known.push(key_of(&workspace, proof));
            if branches.iter().any(|branch| shown(branch).is_some()) {
                continue;
            }
            // Only what lies behind a fork has other names once the fork is known.
            let is_renamed = |name: &Author| shown(name).is_some_and(|last| last >= proof.at);
            let before = lineage.into_iter().flat_map(|lineage| branches.iter().flat_map(|b| lineage.ancestors(b)));
            if is_renamed(&proof.author) || before.into_iter().any(|ancestor| is_renamed(&ancestor.author)) {
                renames.insert(proof.author);
            }
            due.push(proof.clone());
        }
        self.connections.get_mut(&id)?.shown.extend(known);
        // Whoever is shown such a fork names what it holds by other names from the next contact on.
        if workspace == WorkspaceId::CONTROL
            && let Err(error) = self.note_lacks(peer, entries, &renames)
        {
            return Some(Input::Refused(JournalError::from(error).reason()));
        }
        for proof in due {
            self.handle(id, now, Input::Proof { workspace, proof });
        }
        None
    }

    /// Asks a peer for an author's chain from further back, because what it sent, from `first` on, does not follow what is held.
    pub(crate) fn ask_further_back(
        &mut self,
        id: ConnectionId,
        workspace: WorkspaceId,
        author: Author,
        first: Seq,
    ) -> Option<Input> {
        let head = self.head(&workspace, &author)?.seq;
        let back = (head.0.saturating_sub(first.previous().0)).saturating_mul(7).max(STEP_BACK);
        let from = Seq(first.0.saturating_sub(back)).max(self.first_of(&workspace, &author));
        let connection = self.connections.get_mut(&id)?;
        connection.declined.insert((workspace, author), Declined::Apart { from });
        Some(Input::Declined { workspace, author, from, reason: Reason::Gap })
    }

    /// Returns the identity of the entry that an author has at `seq`, if it is held: its address may change when a fork is found, its identity never does.
    pub fn identity_of(&self, workspace: &WorkspaceId, author: &Author, seq: Seq) -> Option<EntryHash> {
        let hash = if *workspace == WorkspaceId::CONTROL {
            self.control.own_hash(author, seq)
        } else {
            self.workspaces.get(workspace)?.own_hash(author, seq)
        };
        hash.ok().flatten()
    }

    /// Returns whose the entry with this number and identity is, by what its author is called now, if it is held.
    pub fn author_of(&self, workspace: &WorkspaceId, entry: &ChainHead) -> Option<Author> {
        let authors = self.heads(workspace).ok()?.into_iter().map(|(author, _)| author);
        authors.into_iter().find(|author| self.identity_of(workspace, author, entry.seq) == Some(entry.hash))
    }

    /// Returns whose the entry is that `signer` sealed at this place, if it is held.
    pub(crate) fn holder(
        &self,
        workspace: &WorkspaceId,
        signer: &Author,
        entry: &ChainHead,
    ) -> Result<Option<Author>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.holder(signer, entry);
        }
        self.workspaces.get(workspace).ok_or(JournalError::Missing)?.holder(signer, entry)
    }

    /// Returns the first number that is an author's own.
    fn first_of(&self, workspace: &WorkspaceId, author: &Author) -> Seq {
        self.lineage(workspace).map_or(Seq::FIRST, |lineage| lineage.first(author))
    }

    /// Returns what is known of the forks in a log.
    fn lineage(&self, workspace: &WorkspaceId) -> Option<&Lineage> {
        match *workspace {
            WorkspaceId::CONTROL => Some(&self.control.lineage),
            _ => self.workspaces.get(workspace).map(|journal| &journal.lineage),
        }
    }

    /// Forgets forks behind which nothing is held, in logs that are whole: nobody has anything of them from this device.
    pub(crate) fn forget_idle_forks(&mut self) {
        let me = self.device();
        if self.control.closed().is_none() {
            let control = &self.control;
            self.forks.retain(&WorkspaceId::CONTROL, |proof| proof.author.device == me || control.reaches(proof));
        }
        for (workspace, journal) in self.workspaces.iter().filter(|(_, journal)| journal.closed().is_none()) {
            self.forks.retain(workspace, |proof| proof.author.device == me || journal.reaches(proof));
        }
    }

    /// Returns whose chain an author's is, if it is known to be forked.
    pub(crate) fn forked_signer(&self, workspace: &WorkspaceId, author: &Author) -> Option<Author> {
        let lineage = self.lineage(workspace)?;
        Some(lineage.signer(author)).filter(|signer| lineage.is_forked(signer))
    }

    /// Tells whether this device's own chain is known to be forked in some log.
    pub(crate) fn is_forked(&self) -> Option<WorkspaceId> {
        let author = self.author();
        let journals = self.workspaces.iter().map(|(id, journal)| (*id, &journal.lineage));
        let mut all = journals.chain([(WorkspaceId::CONTROL, &self.control.lineage)]);
        all.find(|(_, lineage)| lineage.is_forked(&author)).map(|(workspace, _)| workspace)
    }
}

/// Returns what the sides of a proof are called.
fn branches(proof: &ForkProof) -> Option<[Author; 2]> {
    Some(proof.branches()?.map(|branch| branch.author(&proof.author)))
}

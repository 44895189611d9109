//! What peers bring: admitted and appended, or declined, once and with a reason.

use bytes::Bytes;
use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::{Brings, Request, Verdict, decide};
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::{Application, ChainHead, CompressionLevel, ForkProof, Reason, SyncUnit};

use crate::admission::{Admission, AdmitError, Extent, admit};
use crate::effect::ConnectionId;
use crate::error::JournalError;
use crate::journal::{AppendedRun, Ingested, Journal};
use crate::judge::{Asked, judge, judge_control};
use crate::lineage::Part;
use crate::replica::{Now, Replica};
use crate::state::State;
use crate::sync::{Connection, Stop};

/// Of how many authors that are declined on a connection the person is told.
const MAX_TOLD: usize = 64;

/// What a peer was told about an author's chain. What is on its way until the peer has heard it is dropped, without a word: each would
/// have the peer answer anew, and many would look like a flood to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declined {
    /// This entry is missing before what it sent, of a chain of this signer's; it sends again from there.
    Gap { signer: Author, before: ChainHead },
    /// What it sent follows another history than the one that is held; it sends again from there.
    Apart { from: Seq },
    /// The chain is not taken from an entry on, until that is withdrawn.
    Refused { from: Seq, reason: Reason },
}

impl Declined {
    /// Whether it stays so until something changes here.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

/// What became of a unit that a peer brought.
#[derive(Debug)]
enum Taken {
    /// It is in the log, not yet durable.
    Appended { runs: Vec<AppendedRun>, entries: u64, ingested: Ingested },
    /// All of it was held.
    Known(Vec<Part>),
    /// It follows something else than what is held.
    Apart,
    /// It shows a fork.
    Fork(Box<ForkProof>),
    /// It was not taken.
    Declined { from: Seq, reason: Reason },
}

/// Whose a unit is that a peer sent: as the peer calls it, and who signed it.
#[derive(Debug, Clone, Copy)]
struct Sent {
    workspace: WorkspaceId,
    author: Author,
    signer: Author,
}

/// Returns the entry that a unit follows. What a branch goes on from is another author's.
fn before(unit: &SyncUnit) -> ChainHead {
    ChainHead { seq: unit.first_seq().previous(), hash: *unit.prev_hash() }
}

impl Connection {
    /// Notes that what was missing of a chain has come.
    fn closes_gap(&mut self, workspace: WorkspaceId, author: Author) {
        if matches!(self.declined.get(&(workspace, author)), Some(Declined::Gap { .. } | Declined::Apart { .. })) {
            self.declined.remove(&(workspace, author));
        }
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Admits a unit and appends it, or declines it.
    pub(crate) fn take(&mut self, id: ConnectionId, workspace: WorkspaceId, bytes: &Bytes, now: Now) -> Option<Input> {
        let connection = self.connections.get_mut(&id)?;
        let received = connection.received.entry(workspace).or_default();
        received.bytes = received.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        // Its bytes wait to be settled, whatever becomes of it.
        self.dirty.insert(workspace);
        let peer = connection.peer;
        let unit = match SyncUnit::decode(&workspace, bytes).map_err(AdmitError::from) {
            Ok(unit) if self.is_dropped(id, workspace, &unit) => return None,
            unit => unit,
        };
        let label = unit.as_ref().map(|unit| (unit.author(), *unit.signer(), before(unit)));
        let nothing = ChainHead { seq: Seq::ZERO, hash: EntryHash([0; 32]) };
        let (author, signer, before) = label.unwrap_or_else(|_error| (self.author(), self.author(), nothing));
        let outcome = unit.and_then(|unit| self.admit(peer, unit, bytes, now));
        let connection = self.connections.get_mut(&id)?;
        let received = connection.received.entry(workspace).or_default();
        match outcome {
            Ok(Taken::Appended { runs, entries, ingested }) => {
                let named: Vec<(Author, Seq)> = runs.iter().map(|run| (run.author, run.head.seq)).collect();
                received.advanced.extend(named.iter().copied());
                connection.closes_gap(workspace, author);
                let is_in_vain = connection.foretold.lacks_some() && author != signer;
                self.unreported.received(workspace, peer, entries);
                for run in runs {
                    self.unreported.advanced(workspace, Some(id), run, self.connections.len());
                }
                self.took_in(workspace, ingested, now);
                if is_in_vain && named.iter().all(|(name, _)| *name != author) {
                    // The peer had shown a fork for which there was no room. It does so again, now that something behind it is held.
                    return Some(Input::Refused(Reason::Fork));
                }
                self.explain_names(id, Sent { workspace, author, signer }, &named, now);
                self.ask_for_branches(workspace, signer, now);
                None
            }
            Ok(Taken::Known(parts)) => {
                for part in &parts {
                    let advanced = received.advanced.entry(part.author).or_insert(part.last);
                    *advanced = (*advanced).max(part.last);
                }
                connection.closes_gap(workspace, author);
                let named: Vec<(Author, Seq)> = parts.iter().map(|part| (part.author, part.last)).collect();
                self.explain_names(id, Sent { workspace, author, signer }, &named, now);
                None
            }
            Ok(Taken::Apart) => self.ask_further_back(id, workspace, author, before.seq.next()),
            Ok(Taken::Fork(proof)) if self.forks.has_room_for(&workspace, &proof) => {
                self.learn(workspace, *proof, now).err().map(|error| Input::Refused(error.reason()))
            }
            Ok(Taken::Fork(proof)) => {
                let (from, reason) = (proof.at, Reason::Limit);
                connection.declined.insert((workspace, author), Declined::Refused { from, reason });
                self.stopped(Stop { peer, workspace: Some(workspace), entries: Some((author, from)), reason }, now);
                Some(Input::Declined { workspace, author, from, reason })
            }
            Ok(Taken::Declined { from, reason: Reason::Gap }) => {
                connection.declined.insert((workspace, author), Declined::Gap { signer, before });
                Some(Input::Declined { workspace, author, from, reason: Reason::Gap })
            }
            Ok(Taken::Declined { from, reason }) => {
                connection.declined.insert((workspace, author), Declined::Refused { from, reason });
                // A peer can invent authors without end; nobody wants to hear of all.
                if connection.declined.len() <= MAX_TOLD {
                    self.stopped(Stop { peer, workspace: Some(workspace), entries: Some((author, from)), reason }, now);
                }
                Some(Input::Declined { workspace, author, from, reason })
            }
            Err(error) => {
                tracing::warn!(target: "verso.sync", %peer, %workspace, %error, "a unit ended the session");
                Some(Input::Refused(crate::reason::of_admit(&error)))
            }
        }
    }

    /// Tells whether a unit was on its way when the peer was told not to send it.
    fn is_dropped(&self, id: ConnectionId, workspace: WorkspaceId, unit: &SyncUnit) -> bool {
        let author = unit.author();
        let declined = self.connections.get(&id).and_then(|connection| connection.declined.get(&(workspace, author)));
        match declined {
            None => false,
            Some(Declined::Refused { from, .. }) => unit.last_seq() >= *from,
            Some(Declined::Apart { from }) => unit.first_seq() > *from,
            Some(Declined::Gap { .. }) => {
                let head = self.head(&workspace, &author);
                head.is_some_and(|head| unit.first_seq() > head.seq.next())
                    && matches!(self.holder(&workspace, unit.signer(), &before(unit)), Ok(None))
            }
        }
    }

    /// Asks peers for branches of a signer's chains again whose beginning has come. What was sent again of them since it was missed may have been dropped.
    fn ask_for_branches(&mut self, workspace: WorkspaceId, signer: Author, now: Now) {
        let mut wanted = Vec::new();
        for (id, connection) in &self.connections {
            let missed = connection.declined.iter().filter_map(|((of, author), declined)| match declined {
                Declined::Gap { signer: by, before } if (*of, *by) == (workspace, signer) => Some((*author, before)),
                _ => None,
            });
            let has_come = |before: &ChainHead| matches!(self.holder(&workspace, &signer, before), Ok(Some(_)));
            wanted.extend(
                missed.filter(|(_, before)| has_come(before)).map(|(author, before)| (*id, author, before.seq)),
            );
        }
        for (id, author, before) in wanted {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.declined.remove(&(workspace, author));
            }
            let (from, reason) = (before.next(), Reason::Gap);
            self.handle(id, now, Input::Declined { workspace, author, from, reason });
        }
    }

    /// Shows the peer why entries that it sent as one author's are called otherwise here, if they are: it goes by names that a fork has changed, and
    /// would wait for its own to be acknowledged.
    fn explain_names(&mut self, id: ConnectionId, sent: Sent, named: &[(Author, Seq)], now: Now) {
        let Sent { workspace, author, signer } = sent;
        if let Some((_, until)) = named.iter().rfind(|(name, _)| *name != author) {
            self.show_forks(id, workspace, (signer, *until), now);
        }
    }

    fn admit(&mut self, carrier: DeviceId, unit: SyncUnit, bytes: &Bytes, now: Now) -> Result<Taken, AdmitError> {
        let (workspace, signer) = (*unit.workspace(), *unit.signer());
        let mut admission = self.admission(carrier, unit)?;
        if let Admission::Take { unit, .. } = &admission
            && self.learn_ahead(workspace, unit, now)?
        {
            admission = self.admission(carrier, SyncUnit::decode(&workspace, bytes)?)?;
        }
        if signer == self.author()
            && matches!(admission, Admission::Take { .. } | Admission::Fork(_) | Admission::Apart)
        {
            // Sealed with this device's key, under its current incarnation, and not remembered: it was rolled back, or there is a clone.
            self.begin_incarnation(workspace, now)?;
        }
        if workspace == WorkspaceId::CONTROL {
            return take_in(&mut self.control, admission, bytes);
        }
        let journal = self.workspaces.get_mut(&workspace).ok_or(JournalError::Missing)?;
        take_in(journal, admission, bytes)
    }

    fn admission(&self, carrier: DeviceId, unit: SyncUnit) -> Result<Admission, AdmitError> {
        let workspace = *unit.workspace();
        let control = &self.control.view.state.control;
        let asked = |author, other_chains, first| Asked { carrier, author, other_chains, first };
        if workspace == WorkspaceId::CONTROL {
            return admit(&self.control, unit, |state, author, chains, first, unit| {
                judge_control(&state.control, asked(author, chains, first), unit)
            });
        }
        let journal = self.workspaces.get(&workspace).ok_or(JournalError::Missing)?;
        admit(journal, unit, |state, author, chains, first, unit| {
            judge(control, &state.membership, asked(author, chains, first), unit)
        })
    }

    /// Tells peers to send again what they were told not to, where the fold has changed its word since.
    pub(crate) fn withdraw_declines(&mut self, now: Now) {
        if !std::mem::take(&mut self.verdicts_changed) {
            return;
        }
        for id in self.connection_ids() {
            let Some(connection) = self.connections.get(&id) else { continue };
            let wanted: Vec<(WorkspaceId, Author)> = connection
                .declined
                .iter()
                .filter(|((workspace, author), declined)| self.is_wanted(connection, workspace, author, **declined))
                .map(|(key, _)| *key)
                .collect();
            for (workspace, author) in wanted {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.declined.remove(&(workspace, author));
                }
                self.handle(id, now, Input::Withdrawn { workspace, author });
            }
        }
    }

    /// Tells whether what was refused by the fold's word would be taken now.
    fn is_wanted(&self, connection: &Connection, workspace: &WorkspaceId, author: &Author, declined: Declined) -> bool {
        let Declined::Refused { from, reason } = declined else { return false };
        if !matches!(reason, Reason::Declined | Reason::ReadOnly) {
            return false;
        }
        let Some(journal) = self.workspaces.get(workspace) else { return false };
        let is_taken = |brings| {
            let request = Request::Unit {
                carrier: connection.peer,
                author: *author,
                workspace: *workspace,
                first: from,
                last: Seq(u64::MAX),
                brings,
                other_chains: journal.view.other_chains(author),
            };
            let verdict = decide(&request, self.trust(), Some(&journal.view.state.membership));
            !matches!(verdict, Verdict::Refuse(_))
        };
        // Of a member that may only read its word on membership is taken; where that was so before, it was sent before.
        is_taken(Brings::Content) || (reason != Reason::ReadOnly && is_taken(Brings::Membership))
    }
}

/// Appends what was admitted.
fn take_in<S: Storage, T: State>(
    journal: &mut Journal<S, T>,
    admission: Admission,
    bytes: &Bytes,
) -> Result<Taken, AdmitError> {
    match admission {
        Admission::Known(parts) => Ok(Taken::Known(parts)),
        Admission::Fork(proof) => Ok(Taken::Fork(proof)),
        Admission::Apart => Ok(Taken::Apart),
        Admission::Decline { from, reason } => Ok(Taken::Declined { from, reason }),
        Admission::Take { unit, after, extent } => {
            // A unit that was cut in front is stored as what is left of it.
            let bytes = match extent {
                Extent::Whole => bytes.clone(),
                Extent::Rest => Bytes::from(unit.encode(CompressionLevel::RECORD)),
            };
            let entries = u64::try_from(unit.len()).unwrap_or(u64::MAX);
            let (ingested, runs) = journal.receive(&unit, after, &bytes)?;
            Ok(Taken::Appended { runs, entries, ingested })
        }
    }
}

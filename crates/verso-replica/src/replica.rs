//! [`Replica`]: one device, without tasks or sockets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use verso_identity::{DeviceId, DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{AppendError, LogMode, LogOptions, OpenReport, Storage, SyncLog};
use verso_session::EncodedRun;
use verso_trust::{Control, Verdict};
use verso_vv::{Author, AuthorTag, HlcClock, Seq};
use verso_wire::{Application, ChainHead, ChainedUnit, CompressionLevel, Drafting, Drafts, Reason, Seal};

use crate::admission::{Admission, AdmitError, admit};
use crate::effect::{ConnectionId, Effect, Event};
use crate::error::{CommitError, FlushError, JournalError, OpenError};
use crate::journal::{AppendedRun, Ingested, Journal};
use crate::local::{Found, LocalState, LocalStateError, ensure_dir};
use crate::peers::{judge, judge_control};
use crate::state::{ControlState, State, WorkspaceState};
use crate::sync::Connection;

/// Where the logs lie under the data directory, a directory of random name each.
const LOGS: &str = "logs";

/// A moment, on both clocks that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Milliseconds since the Unix epoch, as the wall clock says. Only shown times and the stamps of entries depend on it.
    pub wall_ms: u64,
    /// Milliseconds of a clock that never goes backwards, since any start. Timeouts depend on it.
    pub monotonic_ms: u64,
}

/// One device: its logs, its trust, the state of its workspaces, and its sessions. All input and all time come in by calls;
/// what it wants done comes out of [`poll`](Self::poll).
///
/// 1. Take in what happened: [`commit`](Self::commit), [`connect`](Self::connect), [`receive`](Self::receive), [`tick`](Self::tick).
/// 2. [`flush`](Self::flush): all of it is durable, then acknowledged and passed on.
/// 3. Carry out what [`poll`](Self::poll) gives, in its order.
///
/// Guarantees: nothing is acknowledged or sent before it is durable; a unit is in the log only after its admission; what is applied
/// is what the fold admits. After an error of a log that log takes nothing more until the replica is opened again.
#[derive(Debug)]
pub struct Replica<S: Storage, A: Application> {
    pub(crate) storage: S,
    pub(crate) key: DeviceKey,
    log_key: Key<purposes::Log>,
    local_key: Key<purposes::LocalState>,
    pub(crate) local: LocalState,
    /// The local state differs from what is on disk.
    pub(crate) local_changed: bool,
    pub(crate) clock: HlcClock,
    pub(crate) control: Journal<S, ControlState>,
    pub(crate) workspaces: BTreeMap<WorkspaceId, Journal<S, WorkspaceState<A>>>,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) last_connection: u64,
    /// Logs with appended entries that are not durable yet, or with bytes that wait for their acknowledgement.
    pub(crate) dirty: BTreeSet<WorkspaceId>,
    pub(crate) committed: Vec<(WorkspaceId, AppendedRun)>,
    pub(crate) offers_changed: bool,
    pub(crate) trust_revision: u64,
    pub(crate) effects: VecDeque<Effect>,
}

/// What was noticed on opening, for the person to be told.
#[derive(Debug, Clone, Default)]
pub struct OpenNotices {
    /// The local state could not be read: it was put aside, secrets agreed with peers are gone, and a new incarnation has begun.
    pub local_state_lost: bool,
    /// What was found in each log that was not whole.
    pub logs: Vec<(WorkspaceId, OpenReport)>,
}

/// The entries of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whose they are.
    pub author: Author,
    /// The first.
    pub first: Seq,
    /// The last; one before `first` if there were none.
    pub last: Seq,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Opens the device that lies in `storage`, or makes a new one named `name` if there is none.
    ///
    /// # Errors
    /// [`OpenError`] if the storage fails, or a log was encrypted under another key.
    pub fn open(storage: S, key: DeviceKey, name: &str, now: Now) -> Result<(Self, OpenNotices), OpenError> {
        let log_key = key.derive::<purposes::Log>();
        let local_key = key.derive::<purposes::LocalState>();
        let (local, found) = LocalState::load(&storage, &local_key)?;
        let mut notices = OpenNotices { local_state_lost: found == Found::Damaged, logs: Vec::new() };

        ensure_dir(&storage, LOGS)?;
        let me = key.id();
        let mut control = None;
        let mut workspaces = BTreeMap::new();
        for directory in storage.list(LOGS)? {
            let path = format!("{LOGS}/{directory}");
            let (log, report) = match SyncLog::open(storage.clone(), &path, &log_key, LogOptions::default()) {
                Ok(opened) => opened,
                // A log whose making was cut short, before anything was in it.
                Err(verso_log::OpenError::Empty) => continue,
                Err(error) => return Err(JournalError::from(error).into()),
            };
            let id = WorkspaceId::from_bytes(*log.label());
            if report != OpenReport::default() {
                notices.logs.push((id, report));
            }
            if id == WorkspaceId::CONTROL {
                control = Some(Journal::open(log, &me, ControlState::new(me))?);
            } else if log.held().is_empty() {
                // Nothing was acknowledged in it: its founding was cut short, or it was adopted and nothing came. It will be offered again.
                SyncLog::remove(&storage, &path)?;
            } else {
                workspaces.insert(id, Journal::open(log, &me, WorkspaceState::new(id))?);
            }
        }
        let control = match control {
            Some(control) => control,
            None => Self::create_journal(&storage, &log_key, WorkspaceId::CONTROL, ControlState::new(me))?,
        };
        let given = workspaces.values().map(|journal| journal.view.greatest_own_hlc());
        let clock = HlcClock::resume(given.chain([control.view.greatest_own_hlc()]).max().unwrap_or_default());
        let mut replica = Self {
            storage,
            key,
            log_key,
            local_key,
            local,
            local_changed: false,
            clock,
            control,
            workspaces,
            connections: BTreeMap::new(),
            last_connection: 0,
            dirty: BTreeSet::new(),
            committed: Vec::new(),
            offers_changed: false,
            trust_revision: 0,
            effects: VecDeque::new(),
        };
        for peer in replica.local.provisional.values() {
            replica.control.view.state.control.add_provisional(peer.device, peer.expires_ms);
        }
        replica.introduce(name, now)?;
        replica.vouch_for_own_devices(now)?;
        Ok((replica, notices))
    }

    /// Makes everything durable and closes the logs, so that the next start has nothing to recover. Peers are not told: end the sessions first.
    ///
    /// # Errors
    /// [`FlushError`] if something can't be made durable; what was acknowledged before is.
    pub fn close(mut self) -> Result<(), FlushError> {
        self.save_local()?;
        let closing = self.workspaces.into_iter().map(|(workspace, journal)| (workspace, journal.log));
        for (workspace, log) in closing.chain([(WorkspaceId::CONTROL, self.control.log)]) {
            log.close().map_err(|source| FlushError::Log { workspace, source })?;
        }
        Ok(())
    }

    /// Returns this device's id.
    pub fn device(&self) -> DeviceId {
        self.key.id()
    }

    /// Returns the author as whom this device writes now.
    pub fn author(&self) -> Author {
        Author { device: self.device(), incarnation: self.local.incarnation }
    }

    /// Returns the state of trust: devices, friends, exclusions.
    pub fn trust(&self) -> &Control {
        &self.control.view.state.control
    }

    /// Iterates over the workspaces held, in the order of their ids.
    pub fn workspaces(&self) -> impl Iterator<Item = WorkspaceId> + '_ {
        self.workspaces.keys().copied()
    }

    /// Returns the application's state of a workspace.
    pub fn application(&self, workspace: &WorkspaceId) -> Option<&A> {
        self.workspaces.get(workspace).map(|journal| &journal.view.state.application)
    }

    /// Returns how many entries of a workspace are held, and how many of them are applied.
    pub fn entries(&self, workspace: &WorkspaceId) -> Option<(u64, u64)> {
        self.workspaces.get(workspace).map(|journal| (journal.log.held().count(), journal.view.applied_count()))
    }

    /// Records what the user did. All of it or nothing; not durable, and not seen by any peer, before [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`CommitError`] if the workspace is unknown or may not be written, the application rejects an intent, or the log fails.
    pub fn commit(
        &mut self,
        workspace: &WorkspaceId,
        intents: &[A::Intent],
        now: Now,
    ) -> Result<Committed, CommitError<A::Rejected>> {
        self.may_write(workspace, now)?;
        let author = self.author();
        let Some(journal) = self.workspaces.get_mut(workspace) else { return Err(CommitError::UnknownWorkspace) };
        if journal.log.mode() == LogMode::ReadOnly {
            return Err(CommitError::ReadOnlyLog);
        }
        let first = journal.head(&author).seq.next();
        let seen = journal.view.seen();
        let context = Drafting { author, tag: AuthorTag::of(&author), next: first, seen: &seen, hlc_ms: now.wall_ms };
        let mut drafts = Drafts::default();
        journal.view.state.application.encode(intents, &context, &mut drafts).map_err(CommitError::Rejected)?;
        self.record(workspace, author, &drafts, now)?;
        let last = self.workspaces.get(workspace).map_or(Seq::ZERO, |journal| journal.head(&author).seq);
        Ok(Committed { author, first, last })
    }

    /// Signs drafts into a log.
    pub(crate) fn record(
        &mut self,
        workspace: &WorkspaceId,
        author: Author,
        drafts: &Drafts,
        now: Now,
    ) -> Result<(), JournalError> {
        let clock = &mut self.clock;
        let stamp = || clock.tick(now.wall_ms);
        let (ingested, runs) = if *workspace == WorkspaceId::CONTROL {
            self.control.commit(&self.key, author, drafts, stamp)?
        } else {
            let Some(journal) = self.workspaces.get_mut(workspace) else { return Ok(()) };
            journal.commit(&self.key, author, drafts, stamp)?
        };
        self.dirty.insert(*workspace);
        self.committed.extend(runs.into_iter().map(|run| (*workspace, run)));
        self.offers_changed |= ingested.fold_changed;
        Ok(())
    }

    /// Makes the log of a workspace under a random name, which tells nothing.
    fn create_journal<T: State>(
        storage: &S,
        key: &Key<purposes::Log>,
        workspace: WorkspaceId,
        state: T,
    ) -> Result<Journal<S, T>, JournalError> {
        let mut name = [0; 8];
        storage.random(&mut name)?;
        let directory = format!("{LOGS}/{:016x}", u64::from_le_bytes(name));
        Journal::create(storage.clone(), &directory, key, workspace, state)
    }

    /// Makes the log of a workspace.
    pub(crate) fn create_workspace_journal(&mut self, workspace: WorkspaceId) -> Result<(), JournalError> {
        let journal = Self::create_journal(&self.storage, &self.log_key, workspace, WorkspaceState::new(workspace))?;
        self.workspaces.insert(workspace, journal);
        Ok(())
    }

    /// Makes a log durable. Nothing happens if it is.
    pub(crate) fn sync_log(&mut self, workspace: &WorkspaceId) -> Result<(), AppendError> {
        if *workspace == WorkspaceId::CONTROL {
            self.control.log.sync()
        } else {
            self.workspaces.get_mut(workspace).map_or(Ok(()), |journal| journal.log.sync())
        }
    }

    /// Writes the local state if it changed.
    pub(crate) fn save_local(&mut self) -> Result<(), LocalStateError> {
        if self.local_changed {
            self.local.store(&self.storage, &self.local_key)?;
            self.local_changed = false;
        }
        Ok(())
    }

    /// Returns the ends of all chains held of a workspace.
    pub(crate) fn heads(&self, workspace: &WorkspaceId) -> Result<Vec<(Author, ChainHead)>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return Ok(self.control.heads());
        }
        Ok(self.workspaces.get(workspace).ok_or(JournalError::Missing)?.heads())
    }

    /// Returns the seal held of a device's newest chain in a workspace.
    pub(crate) fn newest_seal(&self, workspace: &WorkspaceId, device: &DeviceId) -> Result<Option<Seal>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.newest_seal(device);
        }
        self.workspaces.get(workspace).ok_or(JournalError::Missing)?.newest_seal(device)
    }

    pub(crate) fn read_units(
        &self,
        workspace: &WorkspaceId,
        author: &Author,
        from: Seq,
        max_bytes: usize,
    ) -> Result<Vec<EncodedRun>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.read(author, from, max_bytes);
        }
        self.workspaces.get(workspace).ok_or(JournalError::Missing)?.read(author, from, max_bytes)
    }

    /// Takes in a unit that `peer` brought.
    pub(crate) fn admit_and_append(
        &mut self,
        peer: DeviceId,
        workspace: WorkspaceId,
        bytes: &Bytes,
        now: Now,
    ) -> Result<Taken, AdmitError> {
        let control = &self.control.view.state.control;
        let taken = if workspace == WorkspaceId::CONTROL {
            take_in(&mut self.control, bytes, |state, others, unit| judge_control(&state.control, peer, others, unit))?
        } else {
            let journal = self.workspaces.get_mut(&workspace).ok_or(JournalError::Missing)?;
            take_in(journal, bytes, |state, others, unit| judge(control, &state.membership, peer, others, unit))?
        };
        let Taken::Appended { ingested, .. } = &taken else { return Ok(taken) };
        let ingested = *ingested;
        self.clock.observe(ingested.greatest_hlc, now.wall_ms);
        if ingested.rebuilt {
            self.effects.push_back(Effect::Event(Event::Rebuilt { workspace }));
        }
        if ingested.fold_changed {
            self.fold_changed(now)?;
        }
        Ok(taken)
    }
}

/// What became of a unit that a peer brought.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It is in the log, not yet durable.
    Appended { run: AppendedRun, entries: u64, ingested: Ingested },
    /// All of it was held.
    Known { author: Author, last: Seq },
    /// It was not taken.
    Declined { author: Author, from: Seq, reason: Reason },
}

fn take_in<S: Storage, T: State>(
    journal: &mut Journal<S, T>,
    bytes: &Bytes,
    judge: impl FnOnce(&T, usize, &ChainedUnit) -> Verdict,
) -> Result<Taken, AdmitError> {
    let (author, admission) = admit(journal, bytes, judge)?;
    match admission {
        Admission::Known { last } => Ok(Taken::Known { author, last }),
        Admission::Decline { from, reason } => Ok(Taken::Declined { author, from, reason }),
        Admission::Take { unit, whole } => {
            // A unit that was cut in front is stored as what is left of it.
            let bytes = if whole { bytes.clone() } else { Bytes::from(unit.encode(CompressionLevel::RECORD)) };
            let run = EncodedRun { first: unit.first_seq(), last: unit.last_seq(), bytes };
            let head = unit.head();
            let entries = u64::try_from(unit.len()).unwrap_or(u64::MAX);
            let ingested = journal.receive(*unit, &run.bytes)?;
            Ok(Taken::Appended { run: AppendedRun { author, head, run }, entries, ingested })
        }
    }
}

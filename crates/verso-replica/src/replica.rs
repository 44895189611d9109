//! [`Replica`]: one device, without tasks or sockets.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use verso_identity::{DeviceId, DeviceKey, Key, WorkspaceId, purposes};
use verso_log::{OpenReport, Storage};
use verso_trust::Control;
use verso_vv::{Author, Hlc, HlcClock, VersionVector};
use verso_wire::{Application, ChainHead, Reason};

use crate::checkpoint::{self, Moment};
use crate::effect::{ConnectionId, Effect, Event};
use crate::error::{FlushError, JournalError, OpenError};
use crate::flush::Unreported;
use crate::forks::Forks;
use crate::high_water::HighWater;
use crate::incarnation::Renewal;
use crate::journal::{Journal, OpenedLog, Resume};
use crate::lineage::ForkPoint;
use crate::local::{Found, KeyProof, LocalFile, LocalState, LocalStateError};
use crate::logs::{self, FoundLog};
use crate::secrets::OpenGeneration;
use crate::state::{ControlState, WorkspaceState};
use crate::sync::Connection;

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
/// is what the fold admits. After an error of a log that log takes and gives nothing, and its state may show what is not durable,
/// until [`recover`](Self::recover) has opened it again.
#[derive(Debug)]
pub struct Replica<S: Storage, A: Application> {
    pub(crate) storage: S,
    pub(crate) key: DeviceKey,
    pub(crate) log_key: Key<purposes::Log>,
    pub(crate) local_key: Key<purposes::LocalState>,
    pub(crate) local: LocalState,
    pub(crate) local_file: LocalFile,
    pub(crate) renewal: Renewal,
    /// The forks that are known.
    pub(crate) forks: Forks,
    /// Those of them that came since the last flush.
    pub(crate) learned: BTreeMap<WorkspaceId, Vec<(Author, ForkPoint)>>,
    pub(crate) high_water: HighWater,
    pub(crate) clock: HlcClock,
    pub(crate) control: Journal<S, ControlState>,
    pub(crate) workspaces: BTreeMap<WorkspaceId, Journal<S, WorkspaceState<A>>>,
    /// The names under which workspaces are offered.
    pub(crate) names: BTreeMap<WorkspaceId, String>,
    pub(crate) connections: BTreeMap<ConnectionId, Connection>,
    pub(crate) last_connection: u64,
    /// Logs with appended entries that are not durable yet, or with bytes that wait for their acknowledgement.
    pub(crate) dirty: BTreeSet<WorkspaceId>,
    /// Logs whose fold has changed since what follows from it was last done.
    pub(crate) folds_changed: BTreeSet<WorkspaceId>,
    /// Devices for which this one's word did not count in a workspace.
    pub(crate) futile_dues: BTreeSet<(WorkspaceId, DeviceId)>,
    /// Workspaces in which a friend that is to have them by all that this device has heard was taken out by one that may have heard more.
    pub(crate) unexplained: BTreeSet<WorkspaceId>,
    /// Those of them in which this device's word is as good by now.
    pub(crate) explained: BTreeSet<WorkspaceId>,
    /// Who is known to have left which workspace.
    pub(crate) left: BTreeMap<WorkspaceId, BTreeSet<DeviceId>>,
    /// The generations of the group secret that this device can open, the current one first.
    pub(crate) generations: Vec<OpenGeneration>,
    pub(crate) unreported: Unreported,
    pub(crate) offers_changed: bool,
    /// What was declined may be welcome now.
    pub(crate) verdicts_changed: bool,
    pub(crate) trust_revision: u64,
    pub(crate) effects: VecDeque<Effect>,
}

/// What was noticed on opening, for the person to be told.
#[derive(Debug, Clone, Default)]
pub struct OpenNotices {
    /// The local state was gone or could not be read, and then put aside: secrets agreed with peers are lost, and a new incarnation has begun.
    pub local_state_lost: bool,
    /// There was no control log, though there had been one: whom this device trusts is lost, and a new incarnation has begun.
    pub control_log_lost: bool,
    /// This device was put back to an earlier state, as its high-water mark tells, and a new incarnation has begun: in which workspace it showed.
    pub rolled_back: Option<WorkspaceId>,
    /// What was found in each log that was not whole. One that [loses records](OpenReport::loses_records) is open for reading only; one of which a
    /// torn tail was all there was is gone.
    pub logs: Vec<(WorkspaceId, OpenReport)>,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Opens the device that lies in `storage`, or makes a new one named `name` if there is none.
    ///
    /// # Errors
    /// [`OpenError`] if the storage fails, a log can't be read at all, or what is there was encrypted under another key.
    pub fn open(storage: S, key: DeviceKey, name: &str, now: Now) -> Result<(Self, OpenNotices), OpenError> {
        Self::open_marked(storage, key, name, None, now)
    }

    /// As [`open`](Self::open), and compares what lies there with the device's [high-water mark](Self::high_water), before any entry is written: a
    /// device that is behind it goes on under a new incarnation at once, and whom it trusts is [unconfirmed](Self::unconfirmed): those who were
    /// removed since may be among them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_marked(
        storage: S,
        key: DeviceKey,
        name: &str,
        mark: Option<&HighWater>,
        now: Now,
    ) -> Result<(Self, OpenNotices), OpenError> {
        let log_key = key.derive::<purposes::Log>();
        let local_key = key.derive::<purposes::LocalState>();
        // Logs first: they prove the key before anything is written under it.
        let mut cleared = Vec::new();
        let found = logs::find(&storage, &log_key, &mut cleared)?;
        let (local, local_found) = load_local(&storage, &local_key, &found)?;
        let is_new = lacks_control(&found);
        let mut notices = OpenNotices {
            local_state_lost: local_found == Found::Damaged || (local_found == Found::Absent && !found.is_empty()),
            control_log_lost: is_new && (local.knows_peers() || !found.is_empty()),
            rolled_back: None,
            logs: cleared,
        };

        let me = key.id();
        let mut clock = HlcClock::default();
        let mut resume = Resume { device: me, clock: &mut clock, now_ms: now.wall_ms };
        let forks = Forks::load(&storage, &local_key)?;
        let mut control = None;
        let mut workspaces = BTreeMap::new();
        for FoundLog { workspace, directory, log, mut report } in found {
            let lineage = forks.lineage(&workspace);
            let opened = OpenedLog { directory, log, lineage };
            let damage = if workspace == WorkspaceId::CONTROL {
                let journal = Journal::open(opened, ControlState::new(me), &mut resume)?;
                control.insert(journal).damage().to_vec()
            } else {
                let journal = Journal::open_workspace(&storage, &key, opened, &mut resume)?;
                let damage = journal.damage().to_vec();
                workspaces.insert(workspace, journal);
                damage
            };
            report.damage.extend(damage);
            if report != OpenReport::default() {
                notices.logs.push((workspace, report));
            }
        }
        let control = match control {
            Some(control) => control,
            None => logs::create(&storage, &log_key, WorkspaceId::CONTROL, ControlState::new(me))?,
        };
        let directories: Vec<&str> = workspaces.values().map(Journal::directory).collect();
        checkpoint::clear(&storage, &directories);
        let folds_changed = workspaces.keys().copied().chain([WorkspaceId::CONTROL]).collect();
        let high_water = HighWater::new(local.incarnation);
        let mut replica = Self {
            storage,
            key,
            log_key,
            local_key,
            local,
            local_file: LocalFile::Saved,
            renewal: Renewal::None,
            forks,
            learned: BTreeMap::new(),
            high_water,
            clock,
            control,
            workspaces,
            names: BTreeMap::new(),
            connections: BTreeMap::new(),
            last_connection: 0,
            dirty: BTreeSet::new(),
            folds_changed,
            futile_dues: BTreeSet::new(),
            unexplained: BTreeSet::new(),
            explained: BTreeSet::new(),
            left: BTreeMap::new(),
            generations: Vec::new(),
            unreported: Unreported::default(),
            offers_changed: false,
            verdicts_changed: false,
            trust_revision: 0,
            effects: VecDeque::new(),
        };
        for workspace in replica.workspaces.keys().copied().collect::<Vec<_>>() {
            replica.take_conflict_changes(&workspace);
        }
        replica.tell_of_provisional_peers();
        if replica.local.unconfirmed.is_some() {
            replica.follow_confirmations();
        }
        replica.forget_idle_forks();
        notices.rolled_back = mark.and_then(|mark| replica.behind(mark));
        let may_write = match (notices.rolled_back, mark) {
            (Some(workspace), Some(mark)) => replica.go_on_from_behind(mark, workspace, now),
            // It may have been stopped before it had moved on from a chain that another goes on with, too.
            _ => replica.is_forked().map_or(Ok(()), |workspace| replica.begin_incarnation(workspace, now)),
        };
        replica.begin_high_water(mark);
        match may_write.and_then(|()| replica.introduce(name, now)) {
            // A device that can't write can still be read.
            Err(error) if !is_new => {
                tracing::error!(target: "verso.sync", %error, "the control log can't be written");
            }
            outcome => outcome?,
        }
        replica.follow_folds(now);
        Ok((replica, notices))
    }

    /// Opens again the logs that have failed since, from what is on the disk. Then their state is what is durable, and they go on, as far as
    /// the disk lets them. Returns whether any was.
    ///
    /// A log whose failure no [`flush`](Self::flush) has told yet is left as it is: whoever waits for its entries must hear that they failed.
    ///
    /// # Errors
    /// [`OpenError`] if one can't be opened; it stays as it is, and so do those that come after it.
    pub fn recover(&mut self, now: Now) -> Result<bool, OpenError> {
        let mut recovered = Vec::new();
        let reopened = self.reopen_failed(&mut recovered, now);
        for workspace in &recovered {
            self.take_conflict_changes(workspace);
            if *workspace != WorkspaceId::CONTROL {
                self.effects.push_back(Effect::Event(Event::Rebuilt { workspace: *workspace }));
            }
        }
        self.works_again(&recovered);
        self.folds_changed.extend(&recovered);
        if recovered.contains(&WorkspaceId::CONTROL) {
            self.tell_of_provisional_peers();
            self.follow_confirmations();
            let name = self.name().to_owned();
            self.introduce(&name, now)?;
        }
        reopened.map(|()| !recovered.is_empty())
    }

    /// Opens the logs that have failed until one can't be, and notes which.
    fn reopen_failed(&mut self, recovered: &mut Vec<WorkspaceId>, now: Now) -> Result<(), OpenError> {
        let (me, log_key, storage) = (self.key.id(), &self.log_key, &self.storage);
        let mut resume = Resume { device: me, clock: &mut self.clock, now_ms: now.wall_ms };
        let is_told = |workspace: &WorkspaceId| !self.dirty.contains(workspace);
        if self.control.failure().is_some() && is_told(&WorkspaceId::CONTROL) {
            let (directory, log) =
                (self.control.directory().to_owned(), self.control.open_log_again(storage, log_key)?);
            let lineage = self.forks.lineage(&WorkspaceId::CONTROL);
            let opened = OpenedLog { directory, log, lineage };
            self.control = Journal::open(opened, ControlState::new(me), &mut resume)?;
            recovered.push(WorkspaceId::CONTROL);
        }
        for (workspace, journal) in self.workspaces.iter_mut().filter(|(workspace, _)| is_told(workspace)) {
            if journal.failure().is_some() {
                let (directory, log) = (journal.directory().to_owned(), journal.open_log_again(storage, log_key)?);
                let lineage = self.forks.lineage(workspace);
                let opened = OpenedLog { directory, log, lineage };
                *journal = Journal::open_workspace(storage, &self.key, opened, &mut resume)?;
                // One whose application fails at the same entry again stays as it is.
                if journal.failure().is_none() {
                    recovered.push(*workspace);
                }
            }
        }
        Ok(())
    }

    /// Makes everything durable and closes the logs, so that the next start has nothing to recover. Peers are not told: end the sessions first.
    ///
    /// # Errors
    /// [`FlushError`] if something can't be made durable; what was acknowledged before is, and so is all that did not fail.
    pub fn close(self) -> Result<(), FlushError> {
        self.close_while(|| true)
    }

    /// As [`close`](Self::close), but for what would only save time at the next start: that is done only while `in_time` says so. For whoever waits for a
    /// disk that is slow.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn close_while(mut self, mut in_time: impl FnMut() -> bool) -> Result<(), FlushError> {
        if !self.connections.is_empty() {
            self.local_file.save_later();
        }
        self.local_file.save_now();
        let mut outcome = self.save_local().map_err(FlushError::from);
        let mut closed = |workspace, failure: Option<Reason>, result: Result<(), verso_log::AppendError>| {
            if let Err(source) = result {
                let reason = failure.unwrap_or_else(|| crate::reason::of_append(&source));
                let source = source.into();
                outcome =
                    std::mem::replace(&mut outcome, Ok(())).and(Err(FlushError::Log { workspace, reason, source }));
            }
        };
        if in_time() {
            for checkpoint in self.checkpoints_due(Moment::Closing) {
                if !in_time() {
                    break;
                }
                checkpoint.store_or_tell();
            }
        }
        let failure = self.control.failure();
        closed(WorkspaceId::CONTROL, failure, if in_time() { self.control.close() } else { self.control.sync() });
        for (workspace, mut journal) in self.workspaces {
            let failure = journal.failure();
            closed(workspace, failure, if in_time() { journal.close() } else { journal.sync() });
        }
        outcome
    }

    /// Returns this device's id.
    pub fn device(&self) -> DeviceId {
        self.key.id()
    }

    /// Returns the author as whom this device writes now.
    pub fn author(&self) -> Author {
        Author { device: self.device(), incarnation: self.local.incarnation }
    }

    /// Returns the greatest stamp that this device has given or believed.
    pub const fn clock(&self) -> Hlc {
        self.clock.last()
    }

    /// Returns the state of trust: devices, friends, exclusions.
    pub const fn trust(&self) -> &Control {
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
        self.workspaces.get(workspace).map(|journal| journal.view.counts())
    }

    /// Returns up to where each author's chain is held in a workspace, or in the control log.
    pub fn held(&self, workspace: &WorkspaceId) -> Option<VersionVector> {
        let heads = self.heads(workspace).ok()?;
        let mut held = VersionVector::new();
        for (author, head) in heads {
            held.set(author, head.seq);
        }
        Some(held)
    }

    /// Returns the end of one author's chain as it is held in a workspace; the chain's start if nothing is.
    pub fn head(&self, workspace: &WorkspaceId, author: &Author) -> Option<ChainHead> {
        if *workspace == WorkspaceId::CONTROL {
            return Some(self.control.head(author));
        }
        self.workspaces.get(workspace).map(|journal| journal.head(author))
    }

    /// Returns why the log of a workspace takes nothing, since it failed or because it is damaged; `None` if it works.
    pub fn failure(&self, workspace: &WorkspaceId) -> Option<Reason> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.closed();
        }
        self.workspaces.get(workspace)?.closed()
    }

    /// Tells whether a log has failed since it was opened, so that there is something to [`recover`](Self::recover).
    pub fn has_failed(&self) -> bool {
        self.control.failure().is_some() || self.workspaces.values().any(|journal| journal.failure().is_some())
    }

    /// Makes the log of a workspace.
    pub(crate) fn create_workspace_journal(&mut self, workspace: WorkspaceId) -> Result<(), JournalError> {
        let mut journal = logs::create(&self.storage, &self.log_key, workspace, WorkspaceState::new(workspace))?;
        journal.lineage = self.forks.lineage(&workspace);
        self.workspaces.insert(workspace, journal);
        Ok(())
    }

    /// Makes a log durable. Nothing happens if it is. Of a log that failed nothing can be said before it was opened again.
    pub(crate) fn sync_log(&mut self, workspace: &WorkspaceId) -> Result<(), JournalError> {
        let failure = if *workspace == WorkspaceId::CONTROL {
            self.control.sync()?;
            self.control.failure()
        } else if let Some(journal) = self.workspaces.get_mut(workspace) {
            journal.sync()?;
            journal.failure()
        } else {
            None
        };
        if let Some(reason) = failure {
            return Err(JournalError::Closed { reason });
        }
        self.note_durable(workspace);
        Ok(())
    }

    /// Writes the local state if it changed.
    pub(crate) fn save_local(&mut self) -> Result<(), LocalStateError> {
        if self.local_file.is_due() {
            self.local.store(&self.storage, &self.local_key)?;
            self.local_file = LocalFile::Saved;
        }
        Ok(())
    }

    /// Returns the ends of all chains held, in the order in which their authors first appeared.
    pub(crate) fn heads(&self, workspace: &WorkspaceId) -> Result<Vec<(Author, ChainHead)>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return Ok(self.control.heads());
        }
        Ok(self.workspaces.get(workspace).ok_or(JournalError::Missing)?.heads())
    }

    pub(crate) fn tell_of_provisional_peers(&mut self) {
        for peer in self.local.provisional.values() {
            self.control.view.state.control.add_provisional(peer.device, peer.expires_ms);
        }
    }
}

/// Loads the local state. Where the control log is gone, it is not known any more what this device had written into it, if anything: then it goes on as
/// another author.
fn load_local<S: Storage>(
    storage: &S,
    key: &Key<purposes::LocalState>,
    found: &[FoundLog<S>],
) -> Result<(LocalState, Found), OpenError> {
    let proof = if found.is_empty() { KeyProof::None } else { KeyProof::Proven };
    let (mut local, local_found) = LocalState::load(storage, key, proof)?;
    if lacks_control(found) && local_found == Found::Whole {
        local.renew(storage)?;
        local.store(storage, key)?;
    }
    Ok((local, local_found))
}

fn lacks_control<S: Storage>(found: &[FoundLog<S>]) -> bool {
    found.iter().all(|log| log.workspace != WorkspaceId::CONTROL)
}

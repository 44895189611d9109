//! Making durable what was taken in, and only then telling anybody.

use std::collections::BTreeMap;

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::{EncodedRun, Input};
use verso_vv::{Author, Seq};
use verso_wire::{Application, ChainHead, Reason};

use crate::confirmation::Withheld;
use crate::effect::{ConnectionId, Effect, Event};
use crate::error::FlushError;
use crate::journal::{AppendedRun, Ingested};
use crate::local::{LocalFile, LocalStateError};
use crate::replica::{Now, Replica};

/// Most bytes of appended units that are kept at hand for peers that are connected: 1 MiB. Of more only the heads are told, and the
/// sessions read them from the log as they have room.
const AT_HAND: usize = 1024 * 1024;

/// What was appended since the last flush and has to be told.
#[derive(Debug, Default)]
pub(crate) struct Unreported {
    advances: Vec<Advance>,
    /// Bytes of the units at hand.
    at_hand: usize,
    /// Entries that came from peers.
    received: BTreeMap<(WorkspaceId, DeviceId), u64>,
}

/// A chain that has become longer.
#[derive(Debug)]
struct Advance {
    workspace: WorkspaceId,
    /// The connection that brought it, `None` for what was written here.
    from: Option<ConnectionId>,
    author: Author,
    head: ChainHead,
    run: Option<EncodedRun>,
}

/// What a peer brought of one workspace and waits to see acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) advanced: BTreeMap<Author, Seq>,
    pub(crate) bytes: u64,
}

impl Unreported {
    /// Notes an appended run. Without anyone to tell, of whom there are `connections`, it need not be kept.
    pub(crate) fn advanced(
        &mut self,
        workspace: WorkspaceId,
        from: Option<ConnectionId>,
        appended: AppendedRun,
        connections: usize,
    ) {
        if connections == usize::from(from.is_some()) {
            return;
        }
        let AppendedRun { author, head, run } = appended;
        let run = run.filter(|run| self.at_hand.saturating_add(run.bytes.len()) <= AT_HAND);
        self.at_hand = self.at_hand.saturating_add(run.as_ref().map_or(0, |run| run.bytes.len()));
        self.advances.push(Advance { workspace, from, author, head, run });
    }

    /// Forgets what was appended to a log: its chains have other names now, by which all that is held is told.
    pub(crate) fn renamed(&mut self, workspace: &WorkspaceId) {
        self.advances.retain(|advance| advance.workspace != *workspace);
    }

    /// Notes entries that a peer brought.
    pub(crate) fn received(&mut self, workspace: WorkspaceId, peer: DeviceId, entries: u64) {
        let count = self.received.entry((workspace, peer)).or_default();
        *count = count.saturating_add(entries);
    }

    fn is_empty(&self) -> bool {
        self.advances.is_empty() && self.received.is_empty()
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Tells whether there is anything for [`flush`](Self::flush) to do.
    pub fn needs_flush(&self) -> bool {
        !self.dirty.is_empty()
            || !self.learned.is_empty()
            || !self.forks.is_saved()
            || !self.folds_changed.is_empty()
            || !self.unreported.is_empty()
            || self.offers_changed
            || self.local_file.is_due()
    }

    /// Makes everything durable that was committed and received, then acknowledges it to those who sent it and pushes it to the
    /// others. The one place where that happens: a driver takes in all that is at hand, then flushes.
    ///
    /// # Errors
    /// [`FlushError`] of the first log that fails. What it held back is told to nobody, now or later; sessions are ended with the reason;
    /// what the other logs took in is durable. See [`recover`](Self::recover) and [`failure`](Self::failure).
    pub fn flush(&mut self, now: Now) -> Result<(), FlushError> {
        let mut failed = self.heal(now).err();
        self.follow_folds(now);
        let mut synced = Vec::new();
        for workspace in std::mem::take(&mut self.dirty) {
            if let Err(source) = self.sync_log(&workspace) {
                let reason = self.failure(&workspace).unwrap_or(Reason::LogDamaged);
                failed.get_or_insert(FlushError::Log { workspace, reason, source });
            } else {
                synced.push(workspace);
                self.note_name(&workspace);
            }
        }
        // Told is what was appended before the logs were synced: what follows from the telling is for the next flush.
        let unreported = std::mem::take(&mut self.unreported);
        let received =
            self.connections.iter_mut().map(|(id, connection)| (*id, std::mem::take(&mut connection.received)));
        let received: Vec<_> = received.collect();
        if let Some(error) = &failed {
            self.end_sessions(error.reason(), now);
        }
        // What was taken away is taken away before anything else is said.
        self.refresh_trust(now);
        self.refresh_offers(now);
        // The host hears of what came before it hears that all has.
        self.tell_received(&unreported);
        for (id, of_connection) in received {
            for (workspace, Received { advanced, bytes }) in of_connection {
                let advanced = advanced.into_iter().collect();
                self.handle(id, now, Input::Durable { workspace, advanced, bytes });
            }
        }
        self.pass_on(unreported, now);
        for workspace in synced {
            self.tell_conflicts(workspace);
        }
        self.withdraw_declines(now);
        let saved = self.save_what_waited().map_err(FlushError::from);
        failed.map_or(saved, Err)
    }

    /// Writes the local state if it is due. When peers were met is nothing that anybody's change may fail for: if only that is lacking, it waits for another time.
    fn save_what_waited(&mut self) -> Result<(), LocalStateError> {
        let may_wait = self.local_file == LocalFile::Overdue;
        let saved = self.save_local();
        let (true, Err(error)) = (may_wait, &saved) else { return saved };
        tracing::warn!(target: "verso.sync", %error, "when peers were met is not written yet");
        self.local_file = LocalFile::Stale;
        Ok(())
    }

    /// Tells the host what is durable now of what peers brought. Of a log that failed nothing is known to be.
    fn tell_received(&mut self, unreported: &Unreported) {
        for ((workspace, from), entries) in &unreported.received {
            if self.failure(workspace).is_none() {
                let (workspace, from, entries) = (*workspace, *from, *entries);
                self.effects.push_back(Effect::Event(Event::RemoteDelta { workspace, from, entries }));
            }
        }
    }

    /// Passes on what is durable now to the peers that did not bring it.
    fn pass_on(&mut self, unreported: Unreported, now: Now) {
        for Advance { workspace, from, author, head, run } in unreported.advances {
            if self.failure(&workspace).is_some() {
                continue;
            }
            let forked = self.forked_signer(&workspace, &author);
            for id in self.connection_ids().into_iter().filter(|id| Some(*id) != from) {
                if let Some(signer) = forked {
                    self.show_forks(id, workspace, (signer, head.seq), now);
                }
                self.handle(id, now, Input::Advanced { workspace, author, head, run: run.clone() });
            }
        }
    }

    fn end_sessions(&mut self, reason: Reason, now: Now) {
        for id in self.connection_ids() {
            self.handle(id, now, Input::Refused(reason));
        }
    }

    /// Tells every peer what it is offered now, where that changed.
    fn refresh_offers(&mut self, now: Now) {
        if !std::mem::take(&mut self.offers_changed) {
            return;
        }
        for id in self.connection_ids() {
            let Some(connection) = self.connections.get(&id) else { continue };
            if connection.withheld.as_ref().is_some_and(Withheld::is_undecided) {
                continue;
            }
            let peer = connection.peer;
            self.tell_devices_again(id, now);
            let offers = self.offers_for(&peer);
            self.handle(id, now, Input::Offers(offers));
        }
    }

    /// Notes what a log has taken in.
    pub(crate) fn took_in(&mut self, workspace: WorkspaceId, ingested: Ingested, now: Now) {
        self.clock.observe(ingested.greatest_hlc, now.wall_ms);
        if ingested.rebuilt {
            self.take_conflict_changes(&workspace);
            self.effects.push_back(Effect::Event(Event::Rebuilt { workspace }));
        }
        if ingested.fold_changed {
            self.folds_changed.insert(workspace);
            if workspace == WorkspaceId::CONTROL {
                self.explained.extend(self.workspaces.keys());
            }
        }
    }
}

//! Confirmation: a device that was put back to an earlier state trusts nobody with more than the control log, until it knows who is still
//! trusted.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::{Application, Offered, Reason};

use crate::effect::{ConnectionId, Effect, Event};
use crate::local::{LocalFile, LocalStateError};
use crate::replica::{Now, Replica};
use crate::sync::Stop;

/// What waits on a connection with an own device that is not confirmed, until the control log is level.
#[derive(Debug, Default)]
pub(crate) struct Withheld {
    /// What the peer offers. It is not decided yet.
    offered: Vec<Offered>,
    /// Whether the peer lacked something that this device had when it was put back: then it knows less than that, and confirms nothing.
    is_behind: bool,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Iterates over the peers that are still trusted only as far as an earlier state goes: this device was restored from a backup, or its control
    /// log was repaired. Empty once an own device that knew at least as much has brought its control log, or all were confirmed.
    pub fn unconfirmed(&self) -> impl Iterator<Item = DeviceId> + '_ {
        self.trust().peers().map(|peer| peer.device).filter(|peer| self.trust().is_unconfirmed(peer))
    }

    /// Takes a peer for trusted, because the person says so. Durable when it returns.
    ///
    /// # Errors
    /// [`LocalStateError`] if the state can't be written.
    pub fn confirm(&mut self, peer: DeviceId, now: Now) -> Result<(), LocalStateError> {
        let Some(unconfirmed) = &mut self.local.unconfirmed else { return Ok(()) };
        unconfirmed.confirmed.insert(peer);
        self.local_file = LocalFile::Due;
        self.save_local()?;
        self.follow_confirmations();
        self.note_reason(peer, None, now);
        if self.unconfirmed().next().is_none() {
            self.confirm_all()?;
        }
        for id in self.connection_ids() {
            if self.connections.get(&id).is_some_and(|connection| connection.peer == peer) {
                self.release(id, now);
            }
        }
        Ok(())
    }

    /// Tells the fold who is confirmed. Nothing happens on a device whose trust was never put back.
    pub(crate) fn follow_confirmations(&mut self) {
        let control = &mut self.control.view.state.control;
        match &self.local.unconfirmed {
            Some(unconfirmed) => control.confirm_only(unconfirmed.confirmed.clone()),
            None => control.confirm_all(),
        }
        self.trust_revision += 1;
        self.offers_changed = true;
    }

    /// Returns what is to be withheld on a new connection with a peer.
    pub(crate) fn withheld(&self, peer: &DeviceId, role: PeerRole) -> Option<Withheld> {
        (role == PeerRole::Own && self.trust().is_unconfirmed(peer)).then(Withheld::default)
    }

    /// Keeps a peer's offer until it may be decided. Returns it if it may be now.
    pub(crate) fn withhold(&mut self, id: ConnectionId, add: Vec<Offered>) -> Option<Vec<Offered>> {
        match self.connections.get_mut(&id).and_then(|connection| connection.withheld.as_mut()) {
            Some(withheld) => {
                withheld.offered.extend(add);
                None
            }
            None => Some(add),
        }
    }

    /// Notes what a peer lacks of the control log.
    pub(crate) fn note_lack(&mut self, id: ConnectionId, author: &Author, from: Seq) {
        let Some(unconfirmed) = &self.local.unconfirmed else { return };
        // Forks may have been learnt since: then any chain of the same signer counts.
        let lineage = &self.control.lineage;
        let is_of = |name: &Author| lineage.signer(name) == lineage.signer(author);
        let was_there = unconfirmed.heads.iter().any(|(name, last)| is_of(name) && from <= *last);
        if was_there && let Some(withheld) = self.connections.get_mut(&id).and_then(|it| it.withheld.as_mut()) {
            withheld.is_behind = true;
        }
    }

    /// Considers that the control log is level with a peer. If it is an own device that knew all that this one did when it was put back, and
    /// what came since with it, then trust is as new as that device's. Returns what the session is to be told.
    pub(crate) fn control_is_level(&mut self, id: ConnectionId, now: Now) -> Option<Input> {
        let connection = self.connections.get_mut(&id)?;
        let (peer, withheld) = (connection.peer, connection.withheld.take()?);
        // What it brought may have removed the peer itself: then the session ends with the next flush.
        if withheld.is_behind || self.trust().role(&peer) != Some(PeerRole::Own) {
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.unconfirmed = true;
            }
            self.stopped(Stop { peer, workspace: None, entries: None, reason: Reason::Unconfirmed }, now);
        } else {
            // What the peer brought is made durable before anything follows from it.
            let confirmed = self.sync_log(&WorkspaceId::CONTROL).is_ok() && self.confirm_all().is_ok();
            if !confirmed {
                return Some(Input::Refused(self.failure(&WorkspaceId::CONTROL).unwrap_or(Reason::DiskFull)));
            }
        }
        Some(self.consider_offer(peer, &withheld.offered))
    }

    /// Gives up all reserve.
    fn confirm_all(&mut self) -> Result<(), LocalStateError> {
        let Some(before) = self.local.unconfirmed.take() else { return Ok(()) };
        self.local_file = LocalFile::Due;
        if let Err(error) = self.save_local() {
            self.local.unconfirmed = Some(before);
            return Err(error);
        }
        self.follow_confirmations();
        self.folds_changed.insert(WorkspaceId::CONTROL);
        self.effects.push_back(Effect::Event(Event::Confirmed));
        Ok(())
    }

    /// Decides what was withheld on a connection.
    fn release(&mut self, id: ConnectionId, now: Now) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.unconfirmed = false;
        let (peer, Some(withheld)) = (connection.peer, connection.withheld.take()) else { return };
        let answer = self.consider_offer(peer, &withheld.offered);
        self.handle(id, now, answer);
    }
}

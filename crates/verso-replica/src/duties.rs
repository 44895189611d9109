//! What follows from changes of folds: who is trusted and with what, and what this device owes its person's other devices and its workspaces.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_trust::{Due, MembershipChange, PeerRole, Revoke, dues};
use verso_wire::{Application, Drafts};

use crate::error::JournalError;
use crate::replica::{Now, Replica};

impl<S: Storage, A: Application> Replica<S, A> {
    /// Does what follows from changes of folds. What that changes in turn is followed, too.
    pub(crate) fn follow_folds(&mut self, now: Now) {
        if self.control.failure().is_some() {
            // Whom this device trusts may not be what its log says. When that is open again, all is looked at anew.
            self.folds_changed.clear();
            return;
        }
        while let Some(changed) = self.folds_changed.pop_first() {
            (self.offers_changed, self.verdicts_changed) = (true, true);
            if changed == WorkspaceId::CONTROL {
                self.trust_revision += 1;
                if let Err(error) = self.follow_secrets(now) {
                    tracing::error!(target: "verso.sync", %error, "what other devices are owed of secrets can't be written");
                }
                // The control log tells which devices are this person's: every workspace is concerned.
                self.folds_changed.extend(self.workspaces.keys());
                continue;
            }
            let is_explained = self.explained.remove(&changed);
            let is_payable = |replica: &Self, due: &Due| is_explained || !replica.lets_in_again(&changed, due);
            let (payable, waiting): (Vec<_>, Vec<_>) =
                self.dues(&changed).into_iter().partition(|due| is_payable(self, due));
            if !waiting.is_empty() {
                self.unexplained.insert(changed);
            }
            for due in payable {
                let device = due.device();
                if let Err(error) = self.pay(&changed, due, now) {
                    tracing::error!(target: "verso.sync", workspace = %changed, %device, %error, "who has access can't be written");
                    break;
                }
            }
            if let Err(error) = self.give_up_too(&changed, now) {
                tracing::error!(target: "verso.sync", workspace = %changed, %error, "what was discarded can't be written");
            }
            self.note_who_left(changed);
            // What changes nothing is not written again and again.
            let futile = self.dues(&changed).into_iter().filter(|due| is_payable(self, due));
            let futile: Vec<_> = futile.map(|due| (changed, due.device())).collect();
            self.futile_dues.extend(futile);
        }
    }

    /// Tells whether a friend that was taken out is to be let in again. Whoever took it out may have heard the person's word against that, which is on its way here: the
    /// control log and the workspace's come independently of each other. What is written after that word must not reach the friend meanwhile, so this waits for news of the
    /// control log, or until this device has all that another of the person's has.
    fn lets_in_again(&self, workspace: &WorkspaceId, due: &Due) -> bool {
        let membership = self.workspaces.get(workspace).map(|journal| &journal.view.state.membership);
        matches!(due, Due::Vouch(vouch) if self.trust().role(&vouch.device) == Some(PeerRole::Friend)
            && membership.is_some_and(|membership| membership.was_member(&vouch.device)))
    }

    /// Notes that this device has all that another of the person's devices has, and that one all of this one's.
    pub(crate) fn note_heard_all(&mut self) {
        self.folds_changed.extend(&self.unexplained);
        self.explained.append(&mut self.unexplained);
    }

    /// Returns what this device owes a workspace. Into a log that takes nothing nothing is due, and nobody is let in or shut out on the strength of trust
    /// that was put back to an earlier state.
    fn dues(&self, workspace: &WorkspaceId) -> Vec<Due> {
        let journal = self.workspaces.get(workspace).filter(|journal| journal.closed().is_none());
        let Some(journal) = journal.filter(|_| self.local.unconfirmed.is_none()) else { return Vec::new() };
        let mut due = dues(self.trust(), &journal.view.state.membership);
        due.retain(|due| !self.futile_dues.contains(&(*workspace, due.device())));
        due
    }

    pub(crate) fn pay(&mut self, workspace: &WorkspaceId, due: Due, now: Now) -> Result<(), JournalError> {
        self.renew_incarnation(now)?;
        let change: MembershipChange = match due {
            Due::Vouch(vouch) => vouch.into(),
            Due::Revoke { device, keeps } => self.revocation(workspace, device, keeps)?.into(),
        };
        let mut drafts = Drafts::new();
        self.draft_event(workspace, change, &mut drafts)?;
        self.record(workspace, &drafts, now)
    }

    /// Cuts a device's chains where they are held now.
    fn revocation(
        &self,
        workspace: &WorkspaceId,
        device: DeviceId,
        keeps: Option<verso_trust::Access>,
    ) -> Result<Revoke, JournalError> {
        let journal = self.workspaces.get(workspace).ok_or(JournalError::Missing)?;
        Ok(Revoke { device, cuts: journal.view.cuts(&device), keeps })
    }
}

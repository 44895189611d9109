//! Leaving a workspace: this device alone, by its own word, and coming back.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_trust::{Excluded, Included, Standing};
use verso_wire::Application;

use crate::effect::{Effect, Event};
use crate::replica::{Now, Replica};
use crate::sharing::DecisionError;

impl<S: Storage, A: Application> Replica<S, A> {
    /// Leaves a workspace, with this device alone: the person's others keep it. What this device wrote before counts, and goes to whoever it is synced with
    /// next, together with its last word; then nothing more of it comes or goes. What it has stays readable here. Durable after [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`DecisionError`] if there is no such workspace, no other device would own it, or it can't be recorded.
    pub fn leave(&mut self, workspace: &WorkspaceId, now: Now) -> Result<(), DecisionError> {
        let me = self.device();
        if !self.workspaces.contains_key(workspace) {
            return Err(DecisionError::UnknownWorkspace);
        }
        if self.trust().is_excluded(workspace, &me) {
            return Err(DecisionError::NotMember);
        }
        if self.is_last_owner(workspace) {
            return Err(DecisionError::LastOwner);
        }
        // What it says in the workspace itself follows from this.
        Ok(self.tell(Excluded { workspace: *workspace, device: me }.into(), now)?)
    }

    /// Takes back a workspace that this device left, or was told to do without. It comes when another device that has it is met: one of the same person,
    /// which vouches for this one, or a friend's, once it has shared it anew.
    ///
    /// # Errors
    /// [`DecisionError`] if this device is not without it, or it can't be recorded.
    pub fn return_to(&mut self, workspace: &WorkspaceId, now: Now) -> Result<(), DecisionError> {
        let device = self.device();
        if !self.trust().is_excluded(workspace, &device) {
            return Err(DecisionError::NotOffered);
        }
        Ok(self.tell(Included { workspace: *workspace, device }.into(), now)?)
    }

    /// Iterates over the workspaces that this device holds and is without: it left them, or was told so.
    pub fn left_workspaces(&self) -> impl Iterator<Item = WorkspaceId> + '_ {
        let me = self.device();
        self.workspaces().filter(move |workspace| self.trust().is_excluded(workspace, &me))
    }

    /// Tells whether a device had access to a workspace and gave it up itself.
    pub fn has_left(&self, workspace: &WorkspaceId, device: &DeviceId) -> bool {
        let membership = self.workspaces.get(workspace).map(|journal| &journal.view.state.membership);
        membership.is_some_and(|membership| membership.has_left(device))
    }

    /// Tells whether this device owns a workspace, and no other does that has not left it.
    fn is_last_owner(&self, workspace: &WorkspaceId) -> bool {
        let Some(journal) = self.workspaces.get(workspace) else { return false };
        let is_other = |device: &DeviceId| *device != self.device() && !self.trust().is_excluded(workspace, device);
        let mut owners = journal.view.state.membership.members().filter(|member| member.standing == Standing::CoOwner);
        self.owns(workspace) && !owners.any(|owner| is_other(&owner.device))
    }

    /// Tells whether a workspace that this device left may still be offered to a peer: to hear that it did. Who has heard offers it no more itself.
    pub(crate) fn may_say_farewell(&self, peer: &DeviceId, workspace: &WorkspaceId) -> bool {
        !self.trust().has_left(workspace, &self.device())
            || self.local.contacts.get(peer).is_some_and(|contact| contact.shared.contains(workspace))
    }

    /// Tells the host who has left since it was last looked.
    pub(crate) fn note_who_left(&mut self, workspace: WorkspaceId) {
        let Some(journal) = self.workspaces.get(&workspace) else { return };
        let left: BTreeSet<DeviceId> = journal.view.state.membership.left().collect();
        let known = self.left.insert(workspace, left.clone());
        // What was so before the device was opened is no news.
        let Some(known) = known else { return };
        let me = self.device();
        for device in left.difference(&known).filter(|device| **device != me) {
            self.effects.push_back(Effect::Event(Event::MemberLeft { workspace, device: *device }));
        }
    }
}

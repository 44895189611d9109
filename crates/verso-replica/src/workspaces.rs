//! Workspaces: founding them, offering them, and taking over what a peer offers.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::{Access, Found, Request, Resume, Verdict, decide};
use verso_wire::{Application, Offered, WireAccess};

use crate::effect::{Effect, Event};
use crate::error::{CommitError, JournalError};
use crate::reason;
use crate::replica::{Now, Replica};

/// Longest name in an offer, in bytes: the wire's limit. A longer one is shown cut.
const MAX_OFFERED_NAME: usize = 256;

impl<S: Storage, A: Application> Replica<S, A> {
    /// Founds a workspace. Not durable before [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`CommitError`] if the application rejects the name, or the log fails; then there is no workspace.
    pub fn found_workspace(&mut self, name: &str, now: Now) -> Result<WorkspaceId, CommitError<A::Rejected>> {
        let mut nonce = [0; 16];
        self.storage.random(&mut nonce).map_err(JournalError::from)?;
        let workspace = WorkspaceId::found(&self.device(), &nonce);
        self.create_workspace_journal(workspace)?;
        self.attest(&workspace, Found { nonce }.into(), now)?;
        self.vouch_for_own_devices(now)?;
        self.commit(&workspace, &[A::rename(name)], now)?;
        self.offers_changed = true;
        Ok(workspace)
    }

    /// Returns what this device may do in a workspace; `None` if it holds none of that id, or nobody has admitted it there yet.
    pub fn access(&self, workspace: &WorkspaceId) -> Option<Access> {
        self.workspaces.get(workspace)?.view.state.membership.access_of(&self.device())
    }

    /// Makes sure that this device may write in a workspace.
    pub(crate) fn may_write(&mut self, workspace: &WorkspaceId, now: Now) -> Result<(), CommitError<A::Rejected>> {
        let journal = self.workspaces.get(workspace).ok_or(CommitError::UnknownWorkspace)?;
        let request = Request::Write { workspace: *workspace, author: self.author() };
        match decide(&request, self.trust(), Some(&journal.view.state.membership)) {
            Verdict::Allow => Ok(()),
            Verdict::Refuse(refusal) => Err(CommitError::Refused(refusal)),
            // It was cut and is trusted again: its chain says first that it knows.
            Verdict::Hold(_) => Ok(self.attest(workspace, Resume {}.into(), now)?),
        }
    }

    /// Returns all that a peer is offered now.
    pub(crate) fn offers_for(&self, peer: &DeviceId) -> Vec<Offered> {
        self.workspaces
            .iter()
            .filter_map(|(workspace, journal)| {
                let request = Request::Offer { peer: *peer, workspace: *workspace };
                let membership = &journal.view.state.membership;
                if decide(&request, self.trust(), Some(membership)) != Verdict::Allow {
                    return None;
                }
                let access = match membership.access_of(peer) {
                    Some(Access::ReadOnly) => WireAccess::ReadOnly,
                    // An own device that nobody vouched for yet is about to be.
                    Some(Access::ReadWrite) | None => WireAccess::ReadWrite,
                };
                let name = journal.view.state.application.name().unwrap_or_default();
                let name = name.get(..name.floor_char_boundary(MAX_OFFERED_NAME)).unwrap_or_default().to_owned();
                Some(Offered { workspace: *workspace, name, access })
            })
            .collect()
    }

    /// Considers what a peer offers. An own device's offers are adopted unless excluded; a friend's wait for the person.
    pub(crate) fn consider_offer(&mut self, peer: DeviceId, add: &[Offered]) -> Input {
        for offered in add {
            let workspace = offered.workspace;
            let membership = self.workspaces.get(&workspace).map(|journal| &journal.view.state.membership);
            let verdict = decide(&Request::Adopt { peer, workspace }, self.trust(), membership);
            if membership.is_some() || verdict != Verdict::Allow {
                continue;
            }
            if let Err(error) = self.create_workspace_journal(workspace) {
                return Input::Refused(reason::of_journal(&error));
            }
            self.effects.push_back(Effect::Event(Event::WorkspaceAdopted { workspace, from: peer }));
        }
        self.offers_changed = true;
        Input::Offers(self.offers_for(&peer))
    }
}

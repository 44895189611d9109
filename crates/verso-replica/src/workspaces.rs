//! Workspaces: founding them, offering them, and taking over what a peer offers.

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::Input;
use verso_trust::{Access, Found, HoldReason, MembershipEvent, Request, Verdict, decide};
use verso_vv::{AuthorTag, Seen, Seq};
use verso_wire::limits::{MAX_NAME, MAX_OFFERED};
use verso_wire::{Application, Drafting, Drafts, EntryKind, Offered, WireAccess};

use crate::effect::{Effect, Event};
use crate::error::{CommitError, JournalError};
use crate::replica::{Now, Replica};

impl<S: Storage, A: Application> Replica<S, A> {
    /// Founds a workspace. Not durable before [`flush`](Self::flush): then it is there with its name, or not at all.
    ///
    /// # Errors
    /// [`CommitError`] if the application rejects the name, or the log fails; then there is no workspace.
    pub fn found_workspace(&mut self, name: &str, now: Now) -> Result<WorkspaceId, CommitError<A::Rejected>> {
        self.renew_incarnation(now)?;
        let mut nonce = [0; 16];
        self.storage.random(&mut nonce).map_err(JournalError::from)?;
        let workspace = WorkspaceId::found(&self.device(), &nonce);

        // The founding and the name are one unit, so that no power cut comes between them.
        let mut drafts = Drafts::new();
        let found = MembershipEvent::new(Seen::default(), Found { nonce });
        drafts.push(EntryKind(found.kind()), &found.encode().map_err(JournalError::from)?);
        let (author, seen, next) = (self.author(), Seen::default(), Seq::FIRST.next());
        let context = Drafting { author, tag: AuthorTag::of(&author), next, seen: &seen, hlc_ms: now.wall_ms };
        A::default().encode(&[A::rename(name)], &context, &mut drafts).map_err(CommitError::Rejected)?;

        self.create_workspace_journal(workspace)?;
        if let Err(error) = self.record(&workspace, &drafts, now) {
            if let Some(journal) = self.workspaces.remove(&workspace) {
                journal.abandon(&self.storage);
            }
            self.dirty.remove(&workspace);
            self.folds_changed.remove(&workspace);
            return Err(error.into());
        }
        Ok(workspace)
    }

    /// Returns what this device may do in a workspace; `None` if it holds none of that id, or nobody has admitted it there yet.
    pub fn access(&self, workspace: &WorkspaceId) -> Option<Access> {
        self.workspaces.get(workspace)?.view.state.membership.access_of(&self.device())
    }

    /// Tells whether a peer may be given anything of a workspace now.
    pub(crate) fn may_share(&self, peer: &DeviceId, workspace: &WorkspaceId) -> bool {
        let membership = self.workspaces.get(workspace).map(|journal| &journal.view.state.membership);
        let request = Request::Open { peer: *peer, workspace: *workspace };
        decide(&request, self.trust(), membership) == Verdict::Allow && self.may_say_farewell(peer, workspace)
    }

    /// Returns all that a peer is offered now. More than an offer has room for is left out, the same on every device.
    pub(crate) fn offers_for(&self, peer: &DeviceId) -> Vec<Offered> {
        // What is in a log that failed may not be durable, so nothing is told of it.
        let working = || self.workspaces.iter().filter(|(_, journal)| journal.failure().is_none());
        // Where there is nothing yet has to stand back.
        let with = working().filter(|(_, journal)| !journal.view.is_empty());
        let without = working().filter(|(_, journal)| journal.view.is_empty());
        let offered = with.chain(without).filter_map(|(workspace, journal)| {
            let request = Request::Offer { peer: *peer, workspace: *workspace };
            let membership = &journal.view.state.membership;
            let is_offered = decide(&request, self.trust(), Some(membership)) == Verdict::Allow;
            if !is_offered || !self.may_say_farewell(peer, workspace) {
                return None;
            }
            let access = match membership.access_of(peer) {
                Some(Access::ReadOnly) => WireAccess::ReadOnly,
                // An own device that nobody vouched for yet is about to be.
                Some(Access::ReadWrite) | None => WireAccess::ReadWrite,
            };
            let name = shown_name(&journal.view.state.application).to_owned();
            Some(Offered { workspace: *workspace, name, access })
        });
        offered.take(MAX_OFFERED).collect()
    }

    /// Considers what a peer offers. An own device's offers are adopted unless excluded; a friend's wait for the person.
    pub(crate) fn consider_offer(&mut self, peer: DeviceId, add: &[Offered]) -> Input {
        for offered in add {
            let workspace = offered.workspace;
            let membership = self.workspaces.get(&workspace).map(|journal| &journal.view.state.membership);
            let verdict = decide(&Request::Adopt { peer, workspace }, self.trust(), membership);
            if membership.is_none() && verdict == Verdict::Hold(HoldReason::Consent) {
                if self.keep_offer(peer, offered) {
                    self.effects.push_back(Effect::Event(Event::WorkspaceOffered { workspace, from: peer }));
                }
                continue;
            }
            if membership.is_some() || verdict != Verdict::Allow || self.empty_workspaces() >= MAX_OFFERED {
                continue;
            }
            if let Err(error) = self.create_workspace_journal(workspace) {
                return Input::Refused(error.reason());
            }
            self.offers_changed = true;
            self.effects.push_back(Effect::Event(Event::WorkspaceAdopted { workspace, from: peer }));
        }
        Input::Offers(self.offers_for(&peer))
    }

    /// Counts the workspaces that were taken over and brought nothing yet. What offers can make of them is bounded: each is a log on the disk.
    fn empty_workspaces(&self) -> usize {
        self.workspaces.values().filter(|journal| journal.view.is_empty()).count()
    }

    /// Notices that a workspace is shown under another name than it is offered.
    pub(crate) fn note_name(&mut self, workspace: &WorkspaceId) {
        let Some(journal) = self.workspaces.get(workspace) else { return };
        let name = shown_name(&journal.view.state.application);
        if self.names.get(workspace).is_none_or(|known| known != name) {
            self.names.insert(*workspace, name.to_owned());
            self.offers_changed = true;
        }
    }
}

/// The name that a workspace shows, as far as an offer has room for it.
fn shown_name<A: Application>(application: &A) -> &str {
    let name = application.name().unwrap_or_default();
    name.get(..name.floor_char_boundary(MAX_NAME)).unwrap_or_default()
}

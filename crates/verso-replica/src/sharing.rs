//! What the person decides about peers and workspaces: who gets what, who is trusted no longer, and what is taken of what friends offer.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_trust::{
    Access, Due, Excluded, Granted, Included, PeerRole, Relocated, Removed, Renamed, Standing, Vouch, Withdrawn,
    WorkspaceKnown, WorkspaceOrigin,
};
use verso_wire::limits::MAX_OFFERED;
use verso_wire::{Application, Offered, WireAccess};

use crate::error::JournalError;
use crate::incarnation::{presentable, storable};
use crate::local::{LocalFile, OfferedWorkspace};
use crate::replica::{Now, Replica};

/// A decision can't be carried out. Nothing of it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecisionError {
    /// No such device is paired with this one.
    #[error("no such device is paired with this one")]
    UnknownPeer,
    /// No such workspace is held.
    #[error("there is no such workspace on this device")]
    UnknownWorkspace,
    /// Only who owns a workspace decides who has it.
    #[error("the workspace belongs to somebody else, who decides who has it")]
    NotOwner,
    /// The person's devices have every workspace to read and to write, or not at all.
    #[error("an own device reads and writes what it has")]
    OwnReadOnly,
    /// This device is without the workspace already.
    #[error("this device is without the workspace already")]
    NotMember,
    /// Nobody else would own the workspace.
    #[error("no other device owns the workspace, so nobody could decide about it any more")]
    LastOwner,
    /// An entry is not held, or was decided about meanwhile.
    #[error("an entry is not held any more, or was decided about meanwhile")]
    NotHeld,
    /// This device was put back to an earlier state, and can't know what others decided since.
    #[error("this device was put back to an earlier state, and does not know yet who is still trusted")]
    Unconfirmed,
    /// No friend offers such a workspace.
    #[error("no friend offers such a workspace")]
    NotOffered,
    /// It can't be recorded.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A workspace that a friend offers and nobody has taken yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOffer {
    /// Which workspace.
    pub workspace: WorkspaceId,
    /// What the friend calls it.
    pub name: String,
    /// What this device may do in it.
    pub access: Access,
    /// Who offers it.
    pub from: DeviceId,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Shares a workspace: a friend gets it with `access`, on all devices that go together, an own device gets it again that had been [excluded](Self::unshare). Durable, and told to others,
    /// after [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`DecisionError`] if the peer or the workspace is unknown, or this person may not decide that.
    pub fn share(
        &mut self,
        workspace: &WorkspaceId,
        peer: DeviceId,
        access: Access,
        now: Now,
    ) -> Result<(), DecisionError> {
        let workspace = *workspace;
        match self.decides(&workspace, &peer)? {
            PeerRole::Own if access == Access::ReadOnly => Err(DecisionError::OwnReadOnly),
            PeerRole::Own if !self.trust().is_excluded(&workspace, &peer) => Ok(()),
            PeerRole::Own => Ok(self.tell(Included { workspace, device: peer }.into(), now)?),
            PeerRole::Friend => {
                let device = self.trust().principal(&peer);
                self.tell(Granted { device, workspace, access }.into(), now)?;
                if self.has_left(&workspace, &peer) {
                    // It is not let in again because of what was granted before, so this says it.
                    let vouch = Vouch { device: peer, access, standing: Standing::Member };
                    self.pay(&workspace, Due::Vouch(vouch), now)?;
                }
                Ok(())
            }
        }
    }

    /// Takes a workspace away from a peer: from a friend, or from an own device, which is excluded then. What the peer wrote up to what is held here counts;
    /// what it received stays readable there.
    ///
    /// # Errors
    /// As [`share`](Self::share).
    pub fn unshare(&mut self, workspace: &WorkspaceId, peer: DeviceId, now: Now) -> Result<(), DecisionError> {
        let workspace = *workspace;
        match self.decides(&workspace, &peer)? {
            PeerRole::Own => {
                let is_leaving = self.trust().has_left(&workspace, &peer);
                self.tell(Excluded { workspace, device: peer }.into(), now)?;
                if is_leaving && self.owns(&workspace) && !self.has_left(&workspace, &peer) {
                    // Its last word may never come.
                    self.pay(&workspace, Due::Revoke { device: peer, keeps: None }, now)?;
                }
                Ok(())
            }
            PeerRole::Friend => {
                let device = self.trust().principal(&peer);
                Ok(self.tell(Withdrawn { device, workspace }.into(), now)?)
            }
        }
    }

    /// Tells whether this device may decide who has a workspace.
    pub fn owns(&self, workspace: &WorkspaceId) -> bool {
        let standing = |membership: &verso_trust::Membership| membership.standing_of(&self.device());
        let journal = self.workspaces.get(workspace);
        journal.is_some_and(|journal| standing(&journal.view.state.membership) == Some(Standing::CoOwner))
    }

    /// Makes sure that this person decides who has a workspace, and returns what the peer is. Which of its own devices have it everybody decides.
    fn decides(&self, workspace: &WorkspaceId, peer: &DeviceId) -> Result<PeerRole, DecisionError> {
        let role = self.trust().role(peer).ok_or(DecisionError::UnknownPeer)?;
        if !self.workspaces.contains_key(workspace) {
            return Err(DecisionError::UnknownWorkspace);
        }
        if role == PeerRole::Friend && !self.owns(workspace) { Err(DecisionError::NotOwner) } else { Ok(role) }
    }

    /// Iterates over the workspaces that friends offer and that wait for the person's word, each once for all devices of a friend.
    pub fn pending_offers(&self) -> impl Iterator<Item = PendingOffer> + '_ {
        let contacts = self.local.contacts.iter();
        let offers = contacts.flat_map(|(from, contact)| contact.offered.iter().map(move |offer| (*from, offer)));
        let is_pending = |from: &DeviceId, workspace: &WorkspaceId| {
            self.trust().role(from) == Some(PeerRole::Friend)
                && !self.workspaces.contains_key(workspace)
                && self.trust().workspace(workspace).is_none()
        };
        let mut known = BTreeSet::new();
        let mut is_news =
            move |from: &DeviceId, workspace: &WorkspaceId| known.insert((self.trust().principal(from), *workspace));
        let offers =
            offers.filter(move |(from, (workspace, _))| is_pending(from, workspace) && is_news(from, workspace));
        offers.map(|(from, (workspace, offered))| PendingOffer {
            workspace: *workspace,
            name: offered.name.clone(),
            access: offered.access,
            from,
        })
    }

    /// Takes a workspace that a friend offers: its entries follow at the next contact, on all own devices.
    ///
    /// # Errors
    /// [`DecisionError`] if the friend doesn't offer it, or it can't be recorded.
    pub fn join_workspace(&mut self, workspace: &WorkspaceId, from: DeviceId, now: Now) -> Result<(), DecisionError> {
        let principal = self.trust().principal(&from);
        let offers =
            |offer: &PendingOffer| offer.workspace == *workspace && self.trust().principal(&offer.from) == principal;
        let offer = self.pending_offers().find(offers).ok_or(DecisionError::NotOffered)?;
        Ok(self.adopt(*workspace, &offer.name, from, now)?)
    }

    /// Notes in the control log that a workspace is kept that a friend offers, and makes its journal.
    pub(crate) fn adopt(
        &mut self,
        workspace: WorkspaceId,
        name: &str,
        from: DeviceId,
        now: Now,
    ) -> Result<(), JournalError> {
        if self.workspaces.contains_key(&workspace) || self.trust().workspace(&workspace).is_some() {
            return Ok(());
        }
        let origin = WorkspaceOrigin::Adopted { from };
        self.tell(WorkspaceKnown { workspace, name: presentable(name), origin }.into(), now)?;
        self.create_workspace_journal(workspace)?;
        self.offers_changed = true;
        Ok(())
    }

    /// Keeps what a friend offers until the person decides. Returns whether it is news.
    pub(crate) fn keep_offer(&mut self, from: DeviceId, offered: &Offered) -> bool {
        let access = match offered.access {
            WireAccess::ReadOnly => Access::ReadOnly,
            WireAccess::ReadWrite => Access::ReadWrite,
        };
        let contact = self.local.contacts.entry(from).or_default();
        let kept = OfferedWorkspace { name: presentable(&offered.name), access };
        let has_room = contact.offered.len() < MAX_OFFERED || contact.offered.contains_key(&offered.workspace);
        let is_news = has_room && contact.offered.get(&offered.workspace) != Some(&kept);
        if is_news {
            contact.offered.insert(offered.workspace, kept);
            self.local_file = LocalFile::Due;
        }
        is_news
    }

    /// Trusts a peer no longer, on any own device: it loses every workspace, and what it wrote counts up to what is held here. What it received stays readable
    /// there. Own devices agree on a new group secret; a friend's device takes those with it that it introduced. One that was introduced itself does not come
    /// back by that: it would have to be paired.
    ///
    /// # Errors
    /// [`DecisionError`] if there is no such peer, or it can't be recorded.
    pub fn forget(&mut self, peer: DeviceId, now: Now) -> Result<(), DecisionError> {
        let is_provisional = self.local.provisional.remove(&peer).is_some();
        if is_provisional {
            self.local_file = LocalFile::Due;
            self.control.view.state.control.drop_provisional(&peer);
            self.trust_revision += 1;
        }
        if self.trust().role(&peer).is_none() {
            return if is_provisional { Ok(()) } else { Err(DecisionError::UnknownPeer) };
        }
        let cuts = self.control.view.cuts(&peer);
        Ok(self.tell(Removed { device: peer, cuts }.into(), now)?)
    }

    /// Changes what all own devices call a peer.
    ///
    /// # Errors
    /// [`DecisionError`] if there is no such peer, or it can't be recorded.
    pub fn rename_peer(&mut self, peer: DeviceId, name: &str, now: Now) -> Result<(), DecisionError> {
        self.trust().role(&peer).ok_or(DecisionError::UnknownPeer)?;
        let name = presentable(name);
        Ok(self.tell(Renamed { device: peer, name }.into(), now)?)
    }

    /// Notes where a peer can be dialled, for all own devices.
    ///
    /// # Errors
    /// [`DecisionError`] if there is no such peer, or it can't be recorded.
    pub fn relocate_peer(&mut self, peer: DeviceId, addresses: Vec<String>, now: Now) -> Result<(), DecisionError> {
        self.trust().role(&peer).ok_or(DecisionError::UnknownPeer)?;
        self.tell(Relocated { device: peer, addresses: storable(&addresses) }.into(), now)?;
        self.add_addresses(peer, addresses);
        Ok(())
    }
}

//! Which workspaces the two devices share: [`Offers`].

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::WorkspaceId;
use verso_wire::limits::{MAX_NAME, MAX_OFFERED};
use verso_wire::{Message, MessageTag, Offered};

use crate::connection::shorten;
use crate::error::SessionError;
use crate::outbox::Outbox;
use crate::output::Output;

/// What each device offers the other. A workspace is shared, and gets a stream, once both offer it.
///
/// 1. Each device sends what it offers: all of it once, then what changes.
/// 2. Whoever gets an offer decides, sends what that changes in its own offer, and then an empty offer, which says "decided".
/// 3. Offers are settled when every one was decided, both ways.
///
/// Guaranteed: what is no longer offered is out of [`shared`](Self::shared) before the peer is told.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    /// `None` until the replica has said for the first time.
    ours: Option<BTreeMap<WorkspaceId, Offered>>,
    /// What was offered in this session and isn't any more: the peer may open it without knowing.
    withdrawn: BTreeSet<WorkspaceId>,
    /// `None` until the peer has said for the first time.
    theirs: Option<BTreeSet<WorkspaceId>>,
    /// Offers that the peer has yet to decide.
    unanswered: u32,
    /// Offers of the peer that the replica has yet to decide.
    undecided: u32,
}

/// Whether new offers may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewOffers {
    /// They are sent.
    Sent,
    /// A goodbye was said: they wait for the next session.
    Held,
}

/// What a device's own offer has become.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// What is no longer offered.
    pub(crate) removed: Vec<WorkspaceId>,
    /// What is to be sent about it, in order.
    pub(crate) messages: Vec<Message>,
}

impl Offers {
    /// Takes all that this device offers now.
    ///
    /// # Errors
    /// [`SessionError::Limit`] if it offers more workspaces than the protocol allows.
    pub(crate) fn offer(&mut self, list: Vec<Offered>, new: NewOffers) -> Result<Change, SessionError> {
        if list.len() > MAX_OFFERED {
            return Err(SessionError::limit("workspaces offered by this device", MAX_OFFERED));
        }
        let list: BTreeMap<WorkspaceId, Offered> = list
            .into_iter()
            .filter(|offered| offered.workspace != WorkspaceId::CONTROL)
            .map(|offered| (offered.workspace, Offered { name: shorten(&offered.name, MAX_NAME), ..offered }))
            .collect();
        let first = self.ours.is_none();
        let ours = self.ours.get_or_insert_default();

        let removed: Vec<WorkspaceId> = ours.keys().filter(|id| !list.contains_key(*id)).copied().collect();
        ours.retain(|id, _| list.contains_key(id));
        self.withdrawn.extend(&removed);
        let mut add = Vec::new();
        if new == NewOffers::Sent {
            add.extend(list.into_values().filter(|offered| ours.get(&offered.workspace) != Some(offered)));
            ours.extend(add.iter().map(|offered| (offered.workspace, offered.clone())));
        }

        let mut messages = Vec::new();
        if first || !add.is_empty() || !removed.is_empty() {
            self.unanswered = self.unanswered.saturating_add(1);
            messages.push(Message::Offer { add, remove: removed.clone() });
        }
        let decided = std::mem::take(&mut self.undecided);
        messages.extend((0..decided).map(|_| Message::Offer { add: Vec::new(), remove: Vec::new() }));
        Ok(Change { removed, messages })
    }

    /// Takes an offer of the peer. Returns what it no longer offers.
    ///
    /// # Errors
    /// [`SessionError`] if it offers too much, what can't be offered, or answers an offer that wasn't made.
    pub(crate) fn message(
        &mut self,
        add: Vec<Offered>,
        remove: Vec<WorkspaceId>,
        out: &mut Outbox,
    ) -> Result<Vec<WorkspaceId>, SessionError> {
        let contradiction = |why| SessionError::Contradiction { message: MessageTag::Offer, why };
        if self.theirs.is_some() && add.is_empty() && remove.is_empty() {
            let unanswered = self.unanswered.checked_sub(1);
            self.unanswered = unanswered.ok_or(contradiction("it answers an offer that was not made"))?;
            return Ok(Vec::new());
        }
        if add.iter().any(|offered| offered.workspace == WorkspaceId::CONTROL) {
            return Err(contradiction("it offers the control log, which is nobody's to offer"));
        }
        let theirs = self.theirs.get_or_insert_default();
        for workspace in &remove {
            theirs.remove(workspace);
        }
        theirs.extend(add.iter().map(|offered| offered.workspace));
        if theirs.len() > MAX_OFFERED {
            return Err(SessionError::limit("workspaces offered by the peer", MAX_OFFERED));
        }
        self.undecided = self.undecided.saturating_add(1);
        let gone = remove.iter().filter(|id| !theirs.contains(*id)).copied().collect();
        out.push(Output::PeerOffer { add, remove });
        Ok(gone)
    }

    /// The workspaces that both offer.
    pub(crate) fn shared(&self) -> impl Iterator<Item = WorkspaceId> + '_ {
        let theirs = self.theirs.iter().flatten().copied();
        theirs.filter(|id| self.is_offered(id))
    }

    /// Whether this device offers `workspace`.
    pub(crate) fn is_offered(&self, workspace: &WorkspaceId) -> bool {
        self.ours.as_ref().is_some_and(|ours| ours.contains_key(workspace))
    }

    /// Whether this device has said what it offers.
    pub(crate) const fn is_begun(&self) -> bool {
        self.ours.is_some()
    }

    /// Whether the peer offers `workspace`.
    pub(crate) fn is_offered_by_peer(&self, workspace: &WorkspaceId) -> bool {
        self.theirs.as_ref().is_some_and(|theirs| theirs.contains(workspace))
    }

    /// Whether this device has offered `workspace` before in this session, and then no longer.
    pub(crate) fn was_withdrawn(&self, workspace: &WorkspaceId) -> bool {
        self.withdrawn.contains(workspace)
    }

    /// Whether the peer has decided all that was offered to it: it then also knows what was taken away.
    pub(crate) const fn is_answered(&self) -> bool {
        self.unanswered == 0
    }

    /// Whether both have offered, and everything offered was decided.
    pub(crate) const fn is_settled(&self) -> bool {
        self.ours.is_some() && self.theirs.is_some() && self.unanswered == 0 && self.undecided == 0
    }

    /// Whether the replica has yet to say what it offers.
    pub(crate) const fn awaits_replica(&self) -> bool {
        self.ours.is_none() || self.undecided > 0
    }
}

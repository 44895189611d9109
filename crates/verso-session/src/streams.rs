//! The streams of a session, one a workspace, and how they are opened and closed: [`Streams`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use verso_identity::WorkspaceId;
use verso_wire::limits::{HANDSHAKE_TIMEOUT, MAX_OFFERED};
use verso_wire::{Message, MessageTag};

use crate::config::Millis;
use crate::error::SessionError;
use crate::outbox::Outbox;
use crate::output::Output;
use crate::sending::spare;
use crate::stream::{Opening, Stream};

/// Most workspaces of which streams are open or about to end: those offered now, as many that were before, and the control log. It bounds what a peer gets for
/// opening streams that it then doesn't end.
const MAX_SLOTS: usize = 2 * MAX_OFFERED + 1;

/// The streams of a session.
///
/// 1. The device with the lower id opens streams, the other accepts, so that no workspace ever gets two.
/// 2. Either closes its half when the workspace is no longer shared, and drops what the other half still brings until that ends, too.
/// 3. Only then is the workspace opened again: nothing of an old stream is ever taken for something of a new one.
///
/// Guaranteed: at most one stream a workspace is open, and there is none for what was never offered.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    slots: BTreeMap<WorkspaceId, Slot>,
}

#[derive(Debug)]
enum Slot {
    Open(Box<Stream>),
    /// Closed on this side; the peer's half has not ended yet.
    Closing,
    /// Closed by the peer, who has until then to say that it no longer offers the workspace.
    Dropped {
        until: Millis,
    },
}

impl Streams {
    /// Opens the stream of `workspace` towards the peer, unless one is there or an old one has not ended.
    pub(crate) fn open(&mut self, workspace: WorkspaceId, opening: Opening, out: &mut Outbox) {
        if let Entry::Vacant(slot) = self.slots.entry(workspace) {
            out.push(Output::OpenStream { workspace });
            out.send(workspace, Message::Open { workspace });
            slot.insert(Slot::Open(Box::new(Stream::new(workspace, opening))));
        }
    }

    /// Takes a stream that the peer opened.
    ///
    /// # Errors
    /// [`SessionError::OutOfPlace`] if the workspace has one already.
    pub(crate) fn accept(&mut self, workspace: WorkspaceId, now: Millis) -> Result<(), SessionError> {
        if self.get_mut(&workspace).is_some() {
            let why = "the workspace has a stream already";
            return Err(SessionError::OutOfPlace { message: MessageTag::Open, why });
        }
        // An old stream that has not ended here has ended for the peer, or it would not open another.
        let mut stream = Stream::new(workspace, Opening::Agreed);
        stream.await_hello(now);
        self.slots.insert(workspace, Slot::Open(Box::new(stream)));
        Ok(())
    }

    /// Closes a stream that the peer opened before it knew that the workspace is not offered to it, or no longer.
    ///
    /// # Errors
    /// [`SessionError::Limit`] if more streams of the peer are about to end than it can have reason to open.
    pub(crate) fn reject(&mut self, workspace: WorkspaceId, out: &mut Outbox) -> Result<(), SessionError> {
        if self.slots.len() >= MAX_SLOTS {
            return Err(SessionError::limit("streams", MAX_SLOTS));
        }
        self.close(workspace, out);
        Ok(())
    }

    fn close(&mut self, workspace: WorkspaceId, out: &mut Outbox) {
        out.push(Output::CloseStream { workspace });
        self.slots.insert(workspace, Slot::Closing);
    }

    /// `workspace` is no longer shared: closes its stream before anything more is sent.
    pub(crate) fn take_away(&mut self, workspace: WorkspaceId, out: &mut Outbox) {
        match self.slots.get(&workspace) {
            Some(Slot::Open(_)) => {
                out.revoke(workspace);
                self.close(workspace, out);
            }
            Some(Slot::Dropped { .. }) => {
                self.slots.remove(&workspace);
            }
            Some(Slot::Closing) | None => {}
        }
    }

    /// The peer ended its half, as it may.
    pub(crate) fn closed(&mut self, workspace: WorkspaceId, out: &mut Outbox) {
        if let Some(Slot::Open(_)) = self.slots.remove(&workspace) {
            out.revoke(workspace);
            out.push(Output::CloseStream { workspace });
        }
    }

    /// The peer ended its half while it offers the workspace: it has until then to say that it doesn't any more.
    ///
    /// # Errors
    /// [`SessionError::Dropped`] if it is the control log's, which neither can cease to share.
    pub(crate) fn dropped(
        &mut self,
        workspace: WorkspaceId,
        until: Millis,
        out: &mut Outbox,
    ) -> Result<(), SessionError> {
        let was_open = matches!(self.slots.get(&workspace), Some(Slot::Open(_)));
        if was_open && workspace == WorkspaceId::CONTROL {
            return Err(SessionError::Dropped { workspace });
        }
        self.closed(workspace, out);
        if was_open {
            self.slots.insert(workspace, Slot::Dropped { until });
        }
        Ok(())
    }

    /// The open stream of `workspace`.
    pub(crate) fn get_mut(&mut self, workspace: &WorkspaceId) -> Option<&mut Stream> {
        match self.slots.get_mut(workspace) {
            Some(Slot::Open(stream)) => Some(stream),
            Some(Slot::Closing | Slot::Dropped { .. }) | None => None,
        }
    }

    /// The open stream of `workspace`.
    pub(crate) fn get(&self, workspace: &WorkspaceId) -> Option<&Stream> {
        match self.slots.get(workspace) {
            Some(Slot::Open(stream)) => Some(stream),
            Some(Slot::Closing | Slot::Dropped { .. }) | None => None,
        }
    }

    /// Whether `workspace` ever had a stream that has not wholly ended.
    pub(crate) fn is_known(&self, workspace: &WorkspaceId) -> bool {
        self.slots.contains_key(workspace)
    }

    /// Whether the peer closed the stream of a workspace that it offers.
    pub(crate) fn has_dropped(&self) -> bool {
        self.slots.values().any(|slot| matches!(slot, Slot::Dropped { .. }))
    }

    /// All open streams, by workspace.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (WorkspaceId, &Stream)> {
        self.slots.iter().filter_map(|(workspace, slot)| match slot {
            Slot::Open(stream) => Some((*workspace, &**stream)),
            Slot::Closing | Slot::Dropped { .. } => None,
        })
    }

    /// All open streams, by workspace.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (WorkspaceId, &mut Stream)> {
        self.slots.iter_mut().filter_map(|(workspace, slot)| match slot {
            Slot::Open(stream) => Some((*workspace, &mut **stream)),
            Slot::Closing | Slot::Dropped { .. } => None,
        })
    }

    /// How many bytes of units may be on their way beside those that are.
    pub(crate) fn spare(&self) -> u64 {
        spare(self.iter().map(|(_, stream)| stream.on_the_way()).sum())
    }

    /// When the first deadline of the peer ends.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.slots.values().filter_map(Slot::deadline).min()
    }

    /// Checks what the peer should have said by now.
    ///
    /// # Errors
    /// [`SessionError`] if it hasn't.
    pub(crate) fn expire(&self, now: Millis) -> Result<(), SessionError> {
        for (workspace, slot) in &self.slots {
            if slot.deadline().is_none_or(|deadline| now < deadline) {
                continue;
            }
            return Err(match slot {
                Slot::Open(_) => SessionError::Timeout { what: "what it holds", seconds: HANDSHAKE_TIMEOUT.as_secs() },
                Slot::Closing | Slot::Dropped { .. } => SessionError::Dropped { workspace: *workspace },
            });
        }
        Ok(())
    }
}

impl Slot {
    fn deadline(&self) -> Option<Millis> {
        match self {
            Self::Open(stream) => stream.deadline(),
            Self::Closing => None,
            Self::Dropped { until } => Some(*until),
        }
    }
}

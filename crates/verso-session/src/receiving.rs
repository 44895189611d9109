//! What comes from the peer, within the credit it was given: [`Receiving`].

use verso_identity::WorkspaceId;
use verso_vv::{Author, Seq};
use verso_wire::limits::{IN_FLIGHT, MAX_AUTHORS, MAX_UNIT_BYTES};
use verso_wire::{Message, MessageTag};

use crate::error::SessionError;
use crate::outbox::Outbox;

/// Takes the peer's units of one workspace and acknowledges what is durable.
///
/// 1. A unit within the credit goes to the replica.
/// 2. The replica says which bytes are settled and what is durable; that is acknowledged, with new credit for what was settled.
///
/// Guaranteed: no acknowledgement before what it acknowledges is durable; at most [`IN_FLIGHT`] bytes are with the replica unsettled.
#[derive(Debug)]
pub(crate) struct Receiving {
    workspace: WorkspaceId,
    /// All bytes of units that arrived on this stream.
    arrived: u64,
    /// Those of them that the replica has settled.
    settled: u64,
}

impl Receiving {
    pub(crate) const fn new(workspace: WorkspaceId) -> Self {
        Self { workspace, arrived: 0, settled: 0 }
    }

    /// Counts a unit that arrived.
    ///
    /// # Errors
    /// [`SessionError::Limit`] if it exceeds the credit or what a unit may weigh, [`SessionError::Contradiction`] if it is empty.
    pub(crate) fn arrived(&mut self, bytes: usize) -> Result<(), SessionError> {
        if bytes == 0 {
            return Err(SessionError::Contradiction { message: MessageTag::Unit, why: "it is empty" });
        }
        if bytes > MAX_UNIT_BYTES {
            return Err(SessionError::limit("bytes of a unit", MAX_UNIT_BYTES));
        }
        self.arrived = self.arrived.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if self.arrived > self.credit() {
            return Err(SessionError::Limit { what: "unacknowledged bytes", limit: IN_FLIGHT });
        }
        Ok(())
    }

    /// Acknowledges what the replica has made durable, `held` in any order, and gives credit for the bytes that it settled.
    pub(crate) fn settled(&mut self, mut held: Vec<(Author, Seq)>, bytes: u64, out: &mut Outbox) {
        // Settling more than there is would be credit for nothing: the peer would be told to send what nobody counts.
        self.settled = self.settled.saturating_add(bytes).min(self.arrived);
        held.sort_unstable();
        let credit = self.credit();
        if held.len() <= MAX_AUTHORS {
            out.send(self.workspace, Message::Ack { held, credit });
            return;
        }
        for part in held.chunks(MAX_AUTHORS) {
            out.send(self.workspace, Message::Ack { held: part.to_vec(), credit });
        }
    }

    /// Whether the replica has settled everything that arrived.
    pub(crate) const fn is_settled(&self) -> bool {
        self.arrived == self.settled
    }

    const fn credit(&self) -> u64 {
        self.settled.saturating_add(IN_FLIGHT)
    }
}

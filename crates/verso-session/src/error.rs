//! Why a session ends before its work is done: [`SessionError`].

use verso_identity::WorkspaceId;
use verso_vv::{Author, Seq};
use verso_wire::{MessageTag, Reason};

/// Why a session ended before its work was done. What the peer learns is only the [`Reason`], see [`reason`](Self::reason).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer did not say in time what a session begins with. Misbehaving or overloaded peer.
    #[error("the peer did not send {what} within {seconds} s")]
    Timeout {
        /// What was awaited.
        what: &'static str,
        /// How long.
        seconds: u64,
    },
    /// The peer promised something and then fell silent, while this device waits for it to finish. Misbehaving or overloaded peer.
    #[error("the peer was silent for {seconds} s with the sync unfinished")]
    Stalled {
        /// How long.
        seconds: u64,
    },
    /// No protocol version is spoken by both. Incompatible peer.
    #[error("the peer speaks protocol versions {lowest} to {highest}, none of which this device speaks")]
    Version {
        /// The lowest version of the peer.
        lowest: u32,
        /// The highest version of the peer.
        highest: u32,
    },
    /// The peer speaks only versions below one that it has already proven: somebody holds the better ones back.
    #[error("the peer speaks protocol version {highest} at most, but has spoken {floor} before")]
    Downgrade {
        /// The highest version of the peer now.
        highest: u32,
        /// The highest that it has proven.
        floor: u32,
    },
    /// A message came where the protocol has no place for it. Misbehaving peer.
    #[error("the peer sent {message} where it has no place: {why}")]
    OutOfPlace {
        /// Which message.
        message: MessageTag,
        /// What makes it misplaced.
        why: &'static str,
    },
    /// A message contradicts an earlier one or itself. Misbehaving peer.
    #[error("the peer sent a contradictory {message}: {why}")]
    Contradiction {
        /// Which message.
        message: MessageTag,
        /// What is contradictory.
        why: &'static str,
    },
    /// The peer acknowledged less than it had acknowledged before. Misbehaving peer.
    #[error("the peer acknowledged {author} up to {now} after it had acknowledged up to {before}")]
    AckRegressed {
        /// Whose chain.
        author: Author,
        /// What it had acknowledged.
        before: Seq,
        /// What it acknowledges now.
        now: Seq,
    },
    /// The peer opened a stream of a log that is not offered to anyone of its role. Misbehaving peer.
    #[error("the peer opened workspace {workspace}, which is never offered to it")]
    NotOffered {
        /// The workspace it named.
        workspace: WorkspaceId,
    },
    /// The peer closed the stream of a workspace that it goes on to offer. Misbehaving peer.
    #[error("the peer closed workspace {workspace} and still offers it")]
    Dropped {
        /// The workspace.
        workspace: WorkspaceId,
    },
    /// More of something than the protocol allows. Misbehaving peer.
    #[error("{what}: more than the {limit} that are allowed")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// The log has a head and no entries to go with it. Storage.
    #[error("the log of workspace {workspace} gave nothing of {author} from {from} on")]
    Unreadable {
        /// Whose log.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
        /// The first entry asked for.
        from: Seq,
    },
    /// The replica refused to go on.
    #[error("the session was refused: {reason}")]
    Refused {
        /// The replica's reason.
        reason: Reason,
    },
    /// The peer ended the session.
    #[error("the peer ended the session: {reason}")]
    PeerEnded {
        /// The peer's reason.
        reason: Reason,
    },
}

impl SessionError {
    /// Makes the error for more than `limit` of something.
    pub(crate) fn limit(what: &'static str, limit: usize) -> Self {
        Self::Limit { what, limit: u64::try_from(limit).unwrap_or(u64::MAX) }
    }

    /// Returns the reason that is shown to people and told to the peer.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Timeout { .. } | Self::Stalled { .. } => Reason::Unreachable,
            Self::Version { .. } => Reason::Version,
            Self::OutOfPlace { .. } | Self::Contradiction { .. } | Self::AckRegressed { .. } | Self::Dropped { .. } => {
                Reason::Malformed
            }
            Self::Downgrade { .. } => Reason::Downgrade,
            Self::NotOffered { .. } => Reason::NoGrant,
            Self::Limit { .. } => Reason::Limit,
            Self::Unreadable { .. } => Reason::LogDamaged,
            Self::Refused { reason } | Self::PeerEnded { reason } => *reason,
        }
    }
}

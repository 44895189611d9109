//! What a replica wants done and tells: [`Effect`] and [`Event`].

use std::fmt;

use verso_identity::{DeviceId, WorkspaceId};
use verso_session::{PeerInfo, Progress};
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::{Message, Reason};

/// Names a connection between this device and a peer, for as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One of the streams of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// The stream on which the connection began.
    Control,
    /// The stream of a workspace; that of the control log is [`WorkspaceId::CONTROL`].
    Workspace(WorkspaceId),
}

/// Something that the driver does, in the order in which it comes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Effect {
    /// Send a message.
    Send {
        /// On which connection.
        connection: ConnectionId,
        /// On which of its streams.
        stream: Stream,
        /// What.
        message: Message,
    },
    /// Open a stream; the next message sent on it names the workspace.
    OpenStream {
        /// On which connection.
        connection: ConnectionId,
        /// For which workspace.
        workspace: WorkspaceId,
    },
    /// Finish a stream and drop what it still brings.
    CloseStream {
        /// On which connection.
        connection: ConnectionId,
        /// Of which workspace.
        workspace: WorkspaceId,
    },
    /// Close a connection. Nothing more is said about it.
    Close {
        /// Which one.
        connection: ConnectionId,
        /// Why; `None` if all is done.
        reason: Option<Reason>,
    },
    /// Something to know.
    Event(Event),
}

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A pairing was completed: from now on the peer may prove what was agreed, and gets access by that.
    Paired {
        /// With whom.
        peer: DeviceId,
        /// What it calls itself.
        name: String,
        /// What it becomes.
        role: PeerRole,
    },
    /// A connection with a peer is up where there was none. Told by whoever drives the connections.
    PeerOnline {
        /// Who.
        peer: DeviceId,
    },
    /// The connection with a peer is gone, or none came about; told when that, or its reason, changes. Told by whoever drives the connections.
    PeerOffline {
        /// Who; `None` if it is this device that has no network.
        peer: Option<DeviceId>,
        /// Why; `None` if both had nothing more to exchange.
        reason: Option<Reason>,
    },
    /// A peer told of itself.
    PeerInfo {
        /// Who.
        peer: DeviceId,
        /// What it told.
        info: PeerInfo,
    },
    /// A peer that was paired provisionally is real now: it proved what was agreed.
    PeerAdmitted {
        /// Who.
        peer: DeviceId,
    },
    /// A friend told which further devices it has; those that may be met are peers now, and those that it tells of no more are none.
    FurtherDevices {
        /// Which friend's device told.
        friend: DeviceId,
    },
    /// A workspace was taken over from a peer's offer. Its entries follow.
    WorkspaceAdopted {
        /// Which one.
        workspace: WorkspaceId,
        /// Who offered it.
        from: DeviceId,
    },
    /// A friend offers a workspace; it waits for the person's word, see [`pending_offers`](crate::Replica::pending_offers).
    WorkspaceOffered {
        /// Which one.
        workspace: WorkspaceId,
        /// Who offers it.
        from: DeviceId,
    },
    /// A device gave up its access to a workspace.
    MemberLeft {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Which device.
        device: DeviceId,
    },
    /// Entries of others are durable and in the state.
    RemoteDelta {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Who brought them.
        from: DeviceId,
        /// How many.
        entries: u64,
    },
    /// The application of a workspace was built again, because the fold no longer lets through what it had, or shows what was passed over before, because
    /// somebody kept it. Of what changed by that nothing else is told.
    Rebuilt {
        /// Which workspace.
        workspace: WorkspaceId,
    },
    /// Something is to be decided by people that wasn't before. Nothing waits for it.
    ConflictOpened {
        /// In which workspace.
        workspace: WorkspaceId,
        /// The names that the application gives to what is to be decided.
        conflicts: Vec<String>,
    },
    /// Something that was to be decided no longer is: on this device or another somebody did.
    ConflictResolved {
        /// In which workspace.
        workspace: WorkspaceId,
        /// By their names.
        conflicts: Vec<String>,
    },
    /// How far the exchange with a peer has come.
    Progress {
        /// With whom.
        peer: DeviceId,
        /// On which connection: the figures of each begin anew.
        connection: ConnectionId,
        /// In which workspace.
        workspace: WorkspaceId,
        /// The figures.
        progress: Progress,
    },
    /// Both sides acknowledged all of a workspace.
    Level {
        /// With whom.
        peer: DeviceId,
        /// In which workspace.
        workspace: WorkspaceId,
    },
    /// Both sides acknowledged all that either takes.
    AllLevel {
        /// With whom.
        peer: DeviceId,
        /// Something is left that one of them doesn't take; the reason was told by [`Stopped`](Self::Stopped).
        stopped: bool,
    },
    /// Something stops data from moving.
    Stopped {
        /// Between this device and whom.
        peer: DeviceId,
        /// In which workspace, if in one.
        workspace: Option<WorkspaceId>,
        /// Whose entries and from which on, if it concerns one author.
        entries: Option<(Author, Seq)>,
        /// Why.
        reason: Reason,
    },
    /// Whom this device trusts is confirmed: it was put back to an earlier state, and now knows what its person's other devices know.
    Confirmed,
    /// A device has written two different histories: it was restored, rolled back or copied, and went on from one state twice. From here on each is
    /// a branch, an author of its own, and both apply.
    Forked {
        /// In which workspace.
        workspace: WorkspaceId,
        /// Whose chain it was.
        author: Author,
        /// The first entry that differs.
        at: Seq,
    },
    /// This device learned that it had been rolled back, and writes under a new incarnation from here on.
    RolledBack {
        /// In which workspace it showed.
        workspace: WorkspaceId,
    },
}

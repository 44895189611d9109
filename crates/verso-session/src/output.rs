//! What a session wants done: [`Output`].

use bytes::Bytes;
use verso_identity::WorkspaceId;
use verso_vv::{Author, Seq};
use verso_wire::{ForkProof, FurtherDevice, Message, Offered, Reason, Seal, VectorEntry};

/// Something to do or to know. Outputs are carried out in the order in which they come: order is meaning.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Output {
    /// Send on the control stream.
    SendControl(Message),
    /// Send on the stream of a workspace.
    Send {
        /// Whose stream.
        workspace: WorkspaceId,
        /// What to send.
        message: Message,
    },
    /// Open a stream; the next [`Send`](Self::Send) for this workspace is its [`Message::Open`].
    OpenStream {
        /// Whose stream.
        workspace: WorkspaceId,
    },
    /// Finish the sending half of the stream and drop what it still brings; its end comes in as
    /// [`Input::StreamClosed`](crate::Input::StreamClosed).
    CloseStream {
        /// Whose stream.
        workspace: WorkspaceId,
    },
    /// The peer told of itself, and a version was agreed on.
    PeerInfo(PeerInfo),
    /// A friend tells which further devices of its person's are to serve this one: all of them.
    PeerDevices(Vec<FurtherDevice>),
    /// The peer's offer changed. To be answered by [`Input::Offers`](crate::Input::Offers), see there.
    PeerOffer {
        /// What it offers now, or offers under another name or access than before.
        add: Vec<Offered>,
        /// What it no longer offers.
        remove: Vec<WorkspaceId>,
    },
    /// Tell what is held: to be answered by [`Input::Heads`](crate::Input::Heads).
    Describe {
        /// Which workspace.
        workspace: WorkspaceId,
    },
    /// Read runs: to be answered by [`Input::Units`](crate::Input::Units). At most one is open per workspace.
    Read {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
        /// The first entry wanted; a run that begins earlier and covers it is as good.
        from: Seq,
        /// At most this many bytes in all, but one run in any case.
        max_bytes: usize,
    },
    /// A unit arrived: admit it, append it, and after the sync answer [`Input::Durable`](crate::Input::Durable); or decline or refuse it.
    Receive {
        /// Which workspace.
        workspace: WorkspaceId,
        /// The encoded unit, unverified.
        bytes: Bytes,
    },
    /// The peer shows the seal that it holds of this device's newest chain. If it verifies and lies beyond what is
    /// remembered, this device was rolled back; a claim that doesn't verify is worth nothing.
    PeerSeal {
        /// Which workspace.
        workspace: WorkspaceId,
        /// The seal, unverified; its author is one of this device's.
        seal: Seal,
    },
    /// The peer has said what it holds, author by author. Proofs of forks that it doesn't know, as this shows, are due to it, by
    /// [`Input::Proof`](crate::Input::Proof), before anything else.
    PeerVector {
        /// Which workspace.
        workspace: WorkspaceId,
        /// One for each chain, ascending by author.
        entries: Vec<VectorEntry>,
    },
    /// The peer shows a proof of a fork, unverified.
    PeerProof {
        /// Which workspace.
        workspace: WorkspaceId,
        /// The proof.
        proof: ForkProof,
    },
    /// The peer doesn't take entries of an author: they are out of the lag, under this reason.
    PeerDeclined {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
        /// The first entry it doesn't take.
        from: Seq,
        /// Why.
        reason: Reason,
    },
    /// The peer takes what it had declined; it is in the lag again.
    PeerWithdrew {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
    },
    /// How far it has come.
    Progress {
        /// Which workspace.
        workspace: WorkspaceId,
        /// The figures.
        progress: Progress,
    },
    /// Both have acknowledged all that the other had to give in this workspace. Said only on the strength of the peer's
    /// acknowledgements; after something new it is said again.
    Level {
        /// Which workspace.
        workspace: WorkspaceId,
    },
    /// Both are level in all they share, and there is no offer that either has yet to decide.
    AllLevel,
    /// The session is over: close the connection. The last output.
    Close {
        /// Why; `None` if it ended because all is done.
        reason: Option<Reason>,
    },
}

/// What the peer tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// The name that people see. Unchecked: it may hold anything that text can hold.
    pub name: String,
    /// The highest protocol version that the peer speaks, now proven: to be remembered as its floor.
    pub highest_version: u32,
    /// The version that this session uses.
    pub agreed_version: u32,
    /// Its wall clock when it sent this, in milliseconds since the Unix epoch.
    pub wall_clock_ms: u64,
    /// Where it can be dialled, in the transport's notation.
    pub addresses: Vec<String>,
}

/// How far the streams of a workspace have come in this session, in entries. What was declined counts in none of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Sent, and acknowledged as durable by the peer.
    pub sent: u64,
    /// Sent and yet to send: what the peer lacked or lacks.
    pub to_send: u64,
    /// Received from the peer, and durable here.
    pub received: u64,
    /// Received and yet to receive: what the peer has shown that it holds.
    pub to_receive: u64,
}

//! What a session is told: [`Input`], and the run of entries it is handed, [`EncodedRun`].

use bytes::Bytes;
use verso_identity::WorkspaceId;
use verso_vv::{Author, Seq};
use verso_wire::{ChainHead, ForkProof, FurtherDevice, Message, Offered, Reason, Seal};

/// Something that happened: the peer's messages, the replica's answers, and what the replica decides.
///
/// Times and random bytes don't occur: the time is an argument of [`Session::handle`](crate::Session::handle).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Input {
    /// A message arrived on the control stream.
    Control(Message),
    /// A message arrived on the stream of a workspace. The first on a stream that the *peer* opened is [`Message::Open`], by which
    /// the driver knows the workspace; from then on it drops whatever an older stream of that workspace may still bring.
    Stream {
        /// Whose stream.
        workspace: WorkspaceId,
        /// What arrived.
        message: Message,
    },
    /// The peer finished or reset the stream of a workspace.
    StreamClosed {
        /// Whose stream.
        workspace: WorkspaceId,
    },
    /// All that this device offers to this peer *now*, without the control log: the workspaces that it holds and lets the peer take part in.
    ///
    /// Given once at the start, whenever the list changes, and **after every [`Output::PeerOffer`](crate::Output::PeerOffer), changed
    /// or not**: that is how the replica tells that it has decided. To adopt what the peer offers is to offer it back.
    Offers(Vec<Offered>),
    /// The person's further devices that are to serve this friend, where that is news to it. Dropped once a goodbye was said: it waits for the next session.
    Devices(Vec<FurtherDevice>),
    /// Answers [`Output::Describe`](crate::Output::Describe): what is held *durably*. From here on the replica reports every advance.
    Heads {
        /// Which workspace.
        workspace: WorkspaceId,
        /// The head of every author's chain, in the order in which the authors first appear in the log. They are sent in
        /// this order, so that those who vouch come before those who are vouched for.
        heads: Vec<(Author, ChainHead)>,
        /// The seal held of the *peer's* newest chain: the evidence by which the peer learns that it was rolled back.
        peer_seal: Option<Seal>,
    },
    /// The log of a workspace durably advanced by something that did not come from this peer: an own commit, another session.
    ///
    /// For what came from this peer [`Durable`](Self::Durable) is given instead. After a sync every session first gets its `Durable`, then
    /// all get what came from others: so nobody is sent what it sent itself at the same time.
    Advanced {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
        /// Where it now ends.
        head: ChainHead,
        /// The new entries themselves, ready for the wire, if they are at hand: then a peer that has all before them gets
        /// them without a [`Output::Read`](crate::Output::Read).
        run: Option<EncodedRun>,
    },
    /// Answers [`Output::Read`](crate::Output::Read) with consecutive runs, the first of which begins at or before the entry asked for.
    Units {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
        /// At least one run: the head said that there is one.
        units: Vec<EncodedRun>,
    },
    /// What came in by [`Output::Receive`](crate::Output::Receive) is admitted, appended **and synced**: it may be acknowledged.
    Durable {
        /// Which workspace.
        workspace: WorkspaceId,
        /// For each author of the units received: the last entry that came *from this peer* and is now held durably. Duplicates count as well.
        advanced: Vec<(Author, Seq)>,
        /// How many bytes of [`Output::Receive`](crate::Output::Receive) this settles. Every byte is settled exactly once, also that of a
        /// duplicate and of a unit that was declined: settled bytes are what the peer may send anew.
        bytes: u64,
    },
    /// The replica does not take entries of `author` from `from` on. With [`Reason::Gap`] it says that a unit left a gap after
    /// `from − 1`, and the peer sends again from there; any other reason stands until [`Withdrawn`](Self::Withdrawn), and what is on its
    /// way till the peer learns of it is dropped by the replica.
    Declined {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
        /// The first entry that is not taken.
        from: Seq,
        /// Why.
        reason: Reason,
    },
    /// The replica now takes what it had declined.
    Withdrawn {
        /// Which workspace.
        workspace: WorkspaceId,
        /// Whose chain.
        author: Author,
    },
    /// A proof of a fork, to be passed on.
    Proof {
        /// Which workspace.
        workspace: WorkspaceId,
        /// The proof.
        proof: ForkProof,
    },
    /// A proof that the peer showed is news, and changes what entries are called that are held: the peer pays for the work of that, and the replica does it
    /// unless the session is over then.
    ProofIsNews,
    /// The session must end: a unit was malformed or badly signed, the peer was revoked, the log failed.
    Refused(Reason),
    /// From now on the session finishes when both are level, as in [`Mode::FinishWhenLevel`](crate::Mode::FinishWhenLevel).
    Finish,
    /// Nothing happened but that time passed, see [`Session::poll_timeout`](crate::Session::poll_timeout).
    Tick,
}

/// Consecutive entries of one author as they travel: an encoded unit, which the session neither reads nor changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedRun {
    /// The first entry.
    pub first: Seq,
    /// The last entry.
    pub last: Seq,
    /// The unit.
    pub bytes: Bytes,
}

//! One workspace between two devices: [`Stream`].

use std::collections::BTreeMap;

use verso_identity::{DeviceId, WorkspaceId};
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::limits::{HANDSHAKE_TIMEOUT, MAX_AUTHORS};
use verso_wire::{ChainHead, ForkProof, HeldDigest, Message, MessageTag, Reason, Seal, VectorEntry};

use crate::budget::{Budget, cost_of};
use crate::chains::{Chains, Declined};
use crate::config::Millis;
use crate::error::SessionError;
use crate::input::EncodedRun;
use crate::outbox::Outbox;
use crate::output::{Output, Progress};
use crate::receiving::Receiving;
use crate::sending::Sending;

/// Most proofs of forks that wait until the digests have crossed: 8, which is more than are learnt in that moment. What is beyond shows at the next contact.
const MAX_WAITING_PROOFS: usize = 8;

/// What every step may use.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) now: Millis,
    pub(crate) me: &'a DeviceId,
    pub(crate) budget: &'a mut Budget,
    pub(crate) out: &'a mut Outbox,
}

/// The stream of one workspace, from its opening on.
///
/// 1. *Gated*: the stream is open, but the peer's offer has to come first.
/// 2. *Describing*: the replica is asked what it holds; its digest goes out as `Hello`.
/// 3. *Comparing*: the peer's `Hello` is awaited, and that the control log is level. Equal digests: both hold the same, on to 5.
/// 4. *Exchanging*: the digests differ; `Vector`s cross.
/// 5. *Flowing*: each sends what the other lacks and acknowledges what it gets; what is new goes out at once.
///
/// Guaranteed: a message that the phase has no place for ends the session; level is only what the peer acknowledged or has shown.
#[derive(Debug)]
pub(crate) struct Stream {
    workspace: WorkspaceId,
    phase: Phase,
    chains: Chains,
    sending: Sending,
    receiving: Receiving,
    /// Entries acknowledged by the peer, and entries that came from it, since the stream was opened.
    moved: Progress,
    reported: Progress,
    level: bool,
    opening: Opening,
    entries: Entries,
    /// Until when the peer must have said what the phase waits for.
    deadline: Option<Millis>,
    /// Proofs of forks for the peer, in case that no vectors cross: those are due to it before any entry.
    proofs: Vec<ForkProof>,
}

/// When a stream was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Before the peer said that it offers the workspace in this session, too: it may not want it any more.
    Ahead,
    /// When both offered the workspace.
    Agreed,
}

/// Whether anything beyond digests may flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entries {
    /// The control log comes first.
    Held,
    Free,
}

#[derive(Debug)]
enum Phase {
    Gated { theirs: Option<HeldDigest> },
    Describing { theirs: Option<HeldDigest> },
    Comparing { digest: HeldDigest, held: BTreeMap<Author, Held>, seal: Option<Box<Seal>>, theirs: Option<HeldDigest> },
    Exchanging { held: BTreeMap<Author, Held> },
    Flowing,
}

/// A chain as it is held while digests and vectors cross.
#[derive(Debug, Clone, Copy)]
struct Held {
    head: ChainHead,
    /// Where it stood in the digest.
    digested: Seq,
}

impl Stream {
    /// Makes a stream that either side has just opened. Until it is [released](Self::release) only digests cross on it.
    pub(crate) fn new(workspace: WorkspaceId, opening: Opening) -> Self {
        Self {
            workspace,
            phase: Phase::Gated { theirs: None },
            chains: Chains::default(),
            sending: Sending::new(workspace),
            receiving: Receiving::new(workspace),
            moved: Progress::default(),
            reported: Progress::default(),
            level: false,
            opening,
            entries: Entries::Held,
            deadline: None,
            proofs: Vec::new(),
        }
    }

    /// The peer must say `Hello` from now on: it opened the stream.
    pub(crate) fn await_hello(&mut self, now: Millis) {
        self.deadline = Some(now.after(HANDSHAKE_TIMEOUT));
    }

    /// What the stream was gated by has come to pass. Does nothing if the gate is open already.
    pub(crate) fn start(&mut self, out: &mut Outbox) {
        if let Phase::Gated { theirs } = self.phase {
            self.phase = Phase::Describing { theirs };
            out.push(Output::Describe { workspace: self.workspace });
        }
    }

    /// Takes what the replica holds.
    pub(crate) fn heads(
        &mut self,
        heads: Vec<(Author, ChainHead)>,
        seal: Option<Seal>,
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        let Phase::Describing { theirs } = self.phase else { return Ok(()) };
        let frozen = self.chains.is_frozen();
        self.chains = Chains::new(heads.iter().map(|(author, head)| (*author, head.seq)))?;
        if frozen {
            self.chains.freeze();
        }
        let digest = HeldDigest::of(heads.iter().copied());
        let held = heads
            .into_iter()
            .filter(|(_, head)| head.seq > Seq::ZERO)
            .map(|(author, head)| (author, Held { head, digested: head.seq }))
            .collect();
        self.send(Message::Hello { digest }, context);
        self.phase = Phase::Comparing { digest, held, seal: seal.map(Box::new), theirs };
        if theirs.is_none() {
            self.await_hello(context.now);
        }
        self.compare(context)
    }

    /// Lets entries flow: the control log is level, or this is its stream. Does nothing the second time.
    pub(crate) fn release(&mut self, context: &mut Context<'_>) -> Result<(), SessionError> {
        if self.entries == Entries::Free {
            return Ok(());
        }
        self.entries = Entries::Free;
        self.compare(context)
    }

    /// Whether the stream was opened ahead of the peer's offer and the peer has said nothing on it.
    pub(crate) const fn is_unanswered(&self) -> bool {
        let is_silent = matches!(
            self.phase,
            Phase::Gated { theirs: None } | Phase::Describing { theirs: None } | Phase::Comparing { theirs: None, .. }
        );
        is_silent && matches!(self.opening, Opening::Ahead)
    }

    /// Takes a message of the peer. `Open` has its place before the stream exists.
    pub(crate) fn message(&mut self, message: Message, context: &mut Context<'_>) -> Result<(), SessionError> {
        let tag = message.tag();
        if matches!(self.phase, Phase::Comparing { theirs: Some(_), .. }) && tag != MessageTag::Hello {
            // Only what comes on the control log's stream, which this may have overtaken, keeps this device: the peer has found it level.
            self.release(context)?;
        }
        match (message, &mut self.phase) {
            (Message::Hello { digest }, Phase::Gated { theirs } | Phase::Describing { theirs }) if theirs.is_none() => {
                *theirs = Some(digest);
                self.deadline = None;
                Ok(())
            }
            (Message::Hello { digest }, Phase::Comparing { theirs, .. }) if theirs.is_none() => {
                *theirs = Some(digest);
                self.deadline = None;
                self.compare(context)
            }
            (Message::Vector { entries, seal }, Phase::Exchanging { .. }) => self.vector(entries, seal, context),
            (Message::Unit { bytes }, Phase::Flowing) => {
                self.receiving.arrived(bytes.len())?;
                context.out.push(Output::Receive { workspace: self.workspace, bytes });
                Ok(())
            }
            (Message::Ack { held, credit }, Phase::Flowing) => self.acknowledged(&held, credit, context),
            (Message::Decline { author, from, reason }, Phase::Flowing) => {
                context.budget.take(context.now, 1)?;
                if from == Seq::ZERO {
                    return Err(SessionError::Contradiction { message: tag, why: "there is no entry 0" });
                }
                self.peer_declined(author, from, reason, context)
            }
            (Message::Withdraw { author }, Phase::Flowing) => {
                context.budget.take(context.now, 1)?;
                if self.chains.withdrawn(author)? {
                    self.sending.forget(author);
                    context.out.push(Output::PeerWithdrew { workspace: self.workspace, author });
                }
                Ok(())
            }
            (Message::Proof(proof), Phase::Flowing) => {
                context.budget.take(context.now, cost_of(&proof))?;
                context.out.push(Output::PeerProof { workspace: self.workspace, proof });
                Ok(())
            }
            _ => Err(SessionError::OutOfPlace { message: tag, why: self.phase.awaits() }),
        }
    }

    /// The log advanced by something that did not come from this peer.
    pub(crate) fn advanced(
        &mut self,
        author: Author,
        head: ChainHead,
        (run, spare): (Option<EncodedRun>, u64),
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        let frozen = self.chains.is_frozen();
        match &mut self.phase {
            Phase::Gated { .. } | Phase::Describing { .. } => return Ok(()), // The answer will have it.
            Phase::Comparing { held, .. } if !frozen => {
                held.entry(author).or_insert(Held { head, digested: Seq::ZERO }).head = head;
            }
            Phase::Comparing { .. } | Phase::Exchanging { .. } | Phase::Flowing => {}
        }
        let grew = self.chains.advance(author, head.seq)?;
        if !matches!(self.phase, Phase::Flowing) || !grew {
            return Ok(());
        }
        match run {
            Some(run) => self.sending.push((author, run), spare, &mut self.chains, context.out),
            None => Ok(()),
        }
    }

    /// Takes the replica's answer to a read.
    pub(crate) fn units(&mut self, author: Author, units: Vec<EncodedRun>) -> Result<(), SessionError> {
        self.sending.answer(author, units, &mut self.chains)
    }

    /// What came from the peer is durable, or settled otherwise.
    pub(crate) fn durable(
        &mut self,
        advanced: Vec<(Author, Seq)>,
        bytes: u64,
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        if !matches!(self.phase, Phase::Flowing) {
            return Ok(());
        }
        let mut held = BTreeMap::new();
        for (author, seq) in advanced {
            let (gained, until) = self.chains.received(author, seq)?;
            self.moved.received = self.moved.received.saturating_add(gained);
            held.insert(author, until);
        }
        self.receiving.settled(held.into_iter().collect(), bytes, context.out);
        Ok(())
    }

    /// The replica doesn't take what the peer has of `author`.
    pub(crate) fn decline(
        &mut self,
        author: Author,
        from: Seq,
        reason: Reason,
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        if !matches!(self.phase, Phase::Flowing) {
            return Ok(());
        }
        if reason == Reason::Gap {
            self.chains.lacks(author, from)?;
        } else {
            self.chains.refuse(author, from)?;
        }
        self.send(Message::Decline { author, from, reason }, context);
        Ok(())
    }

    /// The replica takes what it had declined.
    pub(crate) fn withdraw(&mut self, author: Author, context: &mut Context<'_>) -> Result<(), SessionError> {
        if matches!(self.phase, Phase::Flowing) && self.chains.accept(author)? {
            self.send(Message::Withdraw { author }, context);
        }
        Ok(())
    }

    /// Passes on a proof of a fork.
    pub(crate) fn proof(&mut self, proof: ForkProof, context: &mut Context<'_>) {
        match self.phase {
            Phase::Flowing => self.send(Message::Proof(proof), context),
            Phase::Comparing { .. } if self.proofs.len() < MAX_WAITING_PROOFS => self.proofs.push(proof),
            // What is held is asked for yet, or the peer's vector shows what is due.
            _ => {}
        }
    }

    /// What advances from now on waits for the next session.
    pub(crate) const fn freeze(&mut self) {
        self.chains.freeze();
    }

    /// Sends what there is credit for.
    pub(crate) fn flush(&mut self, out: &mut Outbox) {
        self.sending.flush(out);
    }

    /// Asks for the next piece to send, within what the session has to `spare`.
    pub(crate) fn read_next(&mut self, spare: u64, out: &mut Outbox) {
        if matches!(self.phase, Phase::Flowing) {
            self.sending.read_next(&self.chains, spare, out);
        }
    }

    /// Bytes of units that the peer has not settled.
    pub(crate) fn on_the_way(&self) -> u64 {
        self.sending.on_the_way()
    }

    /// Whether something is being sent, not counting what waits for the peer.
    pub(crate) fn is_sending(&self) -> bool {
        matches!(self.phase, Phase::Flowing) && self.sending.is_busy(&self.chains)
    }

    /// Whether the replica has yet to answer or to settle something.
    pub(crate) fn awaits_replica(&self) -> bool {
        matches!(self.phase, Phase::Describing { .. }) || self.sending.is_reading() || !self.receiving.is_settled()
    }

    /// Whether both have acknowledged, or shown, all that the other has and wants to give.
    pub(crate) fn is_level(&self) -> bool {
        matches!(self.phase, Phase::Flowing)
            && self.chains.lag() == 0
            && self.chains.missing() == 0
            && self.sending.is_empty()
            && self.receiving.is_settled()
    }

    /// Tells how far it has come, if that changed.
    pub(crate) fn report(&mut self, out: &mut Outbox) {
        if !matches!(self.phase, Phase::Flowing) {
            return;
        }
        let clamped = |sum: u128| u64::try_from(sum).unwrap_or(u64::MAX);
        let progress = Progress {
            to_send: self.moved.sent.saturating_add(clamped(self.chains.lag())),
            to_receive: self.moved.received.saturating_add(clamped(self.chains.missing())),
            ..self.moved
        };
        if progress != self.reported {
            self.reported = progress;
            out.push(Output::Progress { workspace: self.workspace, progress });
        }
        let level = self.is_level();
        if level && !self.level {
            out.push(Output::Level { workspace: self.workspace });
        }
        self.level = level;
    }

    /// Until when the peer must have said something.
    pub(crate) const fn deadline(&self) -> Option<Millis> {
        self.deadline
    }

    /// Goes on from the digests, if both are there and entries may flow.
    fn compare(&mut self, context: &mut Context<'_>) -> Result<(), SessionError> {
        if self.entries == Entries::Held || !matches!(self.phase, Phase::Comparing { theirs: Some(_), .. }) {
            return Ok(());
        }
        let Phase::Comparing { digest, held, seal, theirs } = std::mem::replace(&mut self.phase, Phase::Flowing) else {
            return Ok(());
        };
        if Some(digest) == theirs {
            for (author, held) in held {
                self.chains.shown(author, held.digested)?;
            }
            for proof in std::mem::take(&mut self.proofs) {
                self.send(Message::Proof(proof), context);
            }
            return Ok(());
        }
        if held.len() > MAX_AUTHORS {
            return Err(SessionError::limit("authors of a vector", MAX_AUTHORS));
        }
        let entries = held.iter().map(|(author, held)| entry(*author, &held.head)).collect();
        self.send(Message::Vector { entries, seal: seal.map(|seal| *seal) }, context);
        self.phase = Phase::Exchanging { held };
        self.proofs = Vec::new();
        self.deadline = Some(context.now.after(HANDSHAKE_TIMEOUT));
        Ok(())
    }

    fn vector(
        &mut self,
        entries: Vec<VectorEntry>,
        seal: Option<Seal>,
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        let contradiction = |why| SessionError::Contradiction { message: MessageTag::Vector, why };
        if entries.len() > MAX_AUTHORS {
            return Err(SessionError::limit("authors of a vector", MAX_AUTHORS));
        }
        if !entries.is_sorted_by(|a, b| a.author < b.author) {
            return Err(contradiction("its authors do not ascend"));
        }
        if entries.iter().any(|entry| entry.seq == Seq::ZERO) {
            return Err(contradiction("it names an empty chain"));
        }
        if seal.is_some_and(|seal| seal.author.device != *context.me) {
            return Err(contradiction("its seal is not of the receiver's device"));
        }
        let Phase::Exchanging { held } = std::mem::replace(&mut self.phase, Phase::Flowing) else { return Ok(()) };
        self.deadline = None;
        if let Some(seal) = seal {
            context.out.push(Output::PeerSeal { workspace: self.workspace, seal });
        }
        for theirs in &entries {
            self.chains.shown(theirs.author, theirs.seq)?;
            let ours = held.get(&theirs.author).map(|held| entry(theirs.author, &held.head));
            // Where the lengths differ, the first unit that overlaps shows a fork, and proves it.
            if ours.is_some_and(|ours| ours.seq == theirs.seq && ours.tag != theirs.tag) {
                self.chains.forked(theirs.author, theirs.seq)?;
            }
        }
        context.out.push(Output::PeerVector { workspace: self.workspace, entries });
        Ok(())
    }

    fn acknowledged(
        &mut self,
        held: &[(Author, Seq)],
        credit: u64,
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        let mut moved = self.sending.grant(credit)?;
        for (author, seq) in held {
            if let Some(settled) = self.chains.acknowledged(*author, *seq)? {
                self.moved.sent = self.moved.sent.saturating_add(settled);
                moved = true;
            }
        }
        if moved { Ok(()) } else { context.budget.take(context.now, 1) }
    }

    fn peer_declined(
        &mut self,
        author: Author,
        from: Seq,
        reason: Reason,
        context: &mut Context<'_>,
    ) -> Result<(), SessionError> {
        self.sending.forget(author);
        if self.chains.declined(author, from, reason)? == Declined::Stopped {
            context.out.push(Output::PeerDeclined { workspace: self.workspace, author, from, reason });
        }
        Ok(())
    }

    fn send(&self, message: Message, context: &mut Context<'_>) {
        context.out.send(self.workspace, message);
    }
}

impl Phase {
    /// What the peer has to say before anything else.
    const fn awaits(&self) -> &'static str {
        match self {
            Self::Gated { theirs: None } | Self::Describing { theirs: None } | Self::Comparing { theirs: None, .. } => {
                "its Hello was to come"
            }
            Self::Gated { .. } | Self::Describing { .. } | Self::Comparing { .. } => "it has not seen a Hello yet",
            Self::Exchanging { .. } => "its Vector was to come",
            Self::Flowing => "the vectors are exchanged, and units flow",
        }
    }
}

fn entry(author: Author, head: &ChainHead) -> VectorEntry {
    let hash: &EntryHash = &head.hash;
    VectorEntry::new(author, head.seq, hash)
}

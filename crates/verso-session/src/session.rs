//! The machine itself: [`Session`] takes inputs, routes them to the parts, and decides what follows for all of them.

use std::collections::BTreeSet;

use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::PeerRole;
use verso_wire::limits::HANDSHAKE_TIMEOUT;
use verso_wire::{Message, MessageTag};

use crate::budget::{Budget, NEWS_COST};
use crate::config::{Millis, SessionConfig};
use crate::connection::Connection;
use crate::error::SessionError;
use crate::goodbye::{Due, Goodbye};
use crate::input::Input;
use crate::offers::{NewOffers, Offers};
use crate::outbox::Outbox;
use crate::output::Output;
use crate::sending::spare;
use crate::stream::{Context, Opening, Stream};
use crate::streams::Streams;

/// What an offer, and an opened stream, cost of the [`Budget`]: the replica reads its folds and what it holds for each.
const OFFER_COST: u64 = 16;

/// What a list of the peer's further devices costs of the [`Budget`]: sixteen at once, and one every 16 s over time. Each may become an entry of the control log.
const DEVICES_COST: u64 = 1024;

/// The sync protocol between this device and one peer, over one authenticated connection.
///
/// 1. `PeerInfo` and offers cross on the control stream.
/// 2. Every workspace that both offer gets a stream, on which digests cross. Those that both offered at the last contact get it at once, so that two
///    devices in step know it after one round trip.
/// 3. Between own devices the control log, which has a stream of its own, is brought level, both ways. Then each sends what the other lacks and
///    acknowledges what is durable.
/// 4. All stay open, and what is new goes out at once, the control log first; until a goodbye, see below, or until the
///    connection is gone.
/// 5. When a device that is to finish is level in everything it says goodbye; when both have, the connection is closed.
///
/// It does no I/O and knows no clock: [`handle`](Self::handle) takes what happened and when, [`poll`](Self::poll) gives what to do, in
/// order; the driver polls until `None` after every input. [`poll_timeout`](Self::poll_timeout) tells when to come back at the latest.
///
/// Guaranteed, whatever the peer does: nothing is acknowledged before the replica has reported it durable; "level" rests on what the peer
/// acknowledged or has shown; memory stays bounded; a breach of the protocol ends the session with a reason, and nothing panics.
#[derive(Debug)]
pub struct Session {
    me: DeviceId,
    peer: DeviceId,
    role: PeerRole,
    connection: Connection,
    offers: Offers,
    streams: Streams,
    goodbye: Goodbye,
    budget: Budget,
    out: Outbox,
    /// What both offered at the last contact, until it was opened; `None` at the first contact.
    expected: Option<BTreeSet<WorkspaceId>>,
    /// Whether the control log has been level once, so that other streams may flow.
    control: ControlLog,
    level: bool,
    over: bool,
    error: Option<SessionError>,
}

/// Where the control log stands in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ControlLog {
    /// The peer is a friend, who never sees it.
    NotShared,
    /// It comes before all else.
    First,
    /// It was level once: everything else goes on.
    Done,
}

impl Session {
    /// Starts a session over a connection on which both devices have proven who they are.
    pub fn new(config: SessionConfig, now: Millis) -> Self {
        let mut out = Outbox::default();
        let connection = Connection::new(config.info, config.version_floor, now, &mut out);
        Self {
            me: config.me,
            peer: config.peer,
            role: config.peer_role,
            connection,
            offers: Offers::default(),
            streams: Streams::default(),
            goodbye: Goodbye::new(config.mode, now),
            budget: Budget::new(now),
            out,
            expected: None,
            control: match config.peer_role {
                PeerRole::Own => ControlLog::First,
                PeerRole::Friend => ControlLog::NotShared,
            },
            level: false,
            over: false,
            error: None,
        }
    }

    /// Names the workspaces that both offered when they last met: the streams of those, and of the control log, are then opened before the peer has told of
    /// itself. To be called before the first input, and only if the peer has spoken a version before that this device still speaks.
    #[must_use]
    pub fn expecting(mut self, shared: impl IntoIterator<Item = WorkspaceId>) -> Self {
        self.expected = Some(shared.into_iter().filter(|workspace| *workspace != WorkspaceId::CONTROL).collect());
        self
    }

    /// Takes what happened at `now`. After [`Output::Close`] inputs are ignored.
    pub fn handle(&mut self, now: Millis, input: Input) {
        if self.over {
            return;
        }
        // What came in first counts: a device that was asleep does not blame the peer for a message that lay waiting.
        let result = self.take(now, input).and_then(|()| self.expire(now)).and_then(|()| self.settle(now));
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// Returns the next thing to do, `None` if there is nothing until the next input.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// Tells whether this device has said goodbye: all that it and the peer had to give was acknowledged. If the peer then closes the connection
    /// without complaint, the session ended as it should.
    pub fn has_said_goodbye(&self) -> bool {
        self.goodbye.is_said()
    }

    /// Tells whether both have said goodbye, and nothing is left: however the connection ends now, nothing is missing.
    pub fn is_all_done(&self) -> bool {
        self.goodbye.is_said() && self.goodbye.is_heard() && !self.leaves_some()
    }

    /// Tells whether there is more to share than was begun, because an offer and a goodbye crossed. It comes with the next session, which is due at once.
    pub fn leaves_some(&self) -> bool {
        self.offers.shared().any(|workspace| self.streams.get(&workspace).is_none())
    }

    /// Returns when [`Input::Tick`] is due if nothing else comes in before.
    pub fn poll_timeout(&self) -> Option<Millis> {
        if self.over {
            return None;
        }
        let goodbye = self.goodbye.due().map(|(at, _)| at);
        [self.connection.deadline(), self.streams.deadline(), goodbye].into_iter().flatten().min()
    }

    /// Returns the device at the other end.
    pub const fn peer(&self) -> DeviceId {
        self.peer
    }

    /// Returns the role of the device at the other end.
    pub const fn peer_role(&self) -> PeerRole {
        self.role
    }

    /// Whether both are level in all they share, as [`Output::AllLevel`] told.
    pub const fn is_level(&self) -> bool {
        self.level
    }

    /// Whether the session is over; what was not polled yet is still there.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Returns why the session ended before its work was done.
    pub const fn error(&self) -> Option<&SessionError> {
        self.error.as_ref()
    }

    /// Checks what should have happened by now.
    fn expire(&mut self, now: Millis) -> Result<(), SessionError> {
        if self.over {
            return Ok(());
        }
        if self.connection.deadline().is_some_and(|deadline| deadline <= now) {
            return Err(SessionError::Timeout { what: "its PeerInfo", seconds: HANDSHAKE_TIMEOUT.as_secs() });
        }
        self.streams.expire(now)?;
        match self.goodbye.due() {
            Some((at, due)) if at <= now => match due {
                Due::Close => {
                    self.close();
                    Ok(())
                }
                // What this device has yet to do itself is not the peer's silence.
                Due::Stalled if self.awaits_replica() => {
                    self.goodbye.touch(now);
                    Ok(())
                }
                Due::Stalled => Err(SessionError::Stalled { seconds: Goodbye::stall_seconds() }),
            },
            _ => Ok(()),
        }
    }

    fn take(&mut self, now: Millis, input: Input) -> Result<(), SessionError> {
        // What other sessions bring says nothing of this peer.
        if !matches!(input, Input::Tick | Input::Advanced { .. }) {
            self.goodbye.touch(now);
        }
        match input {
            Input::Control(message) => self.control_message(now, message),
            Input::Stream { workspace, message: Message::Open { workspace: named } } => {
                self.peer_opened(now, workspace, named)
            }
            Input::Stream { workspace, message } => self.stream_message(now, workspace, message),
            Input::StreamClosed { workspace } => {
                let offered = workspace == WorkspaceId::CONTROL || self.offers.is_offered_by_peer(&workspace);
                // One that was opened ahead of the peer's offer may be closed, once, and is opened again on the offer.
                let is_unanswered = self.streams.get(&workspace).is_some_and(Stream::is_unanswered);
                if offered && !is_unanswered && !self.is_ending() {
                    return self.streams.dropped(workspace, now.after(HANDSHAKE_TIMEOUT), &mut self.out);
                }
                self.streams.closed(workspace, &mut self.out);
                Ok(())
            }
            Input::Offers(list) => {
                let new = if self.is_ending() { NewOffers::Held } else { NewOffers::Sent };
                let change = self.offers.offer(list, new)?;
                for workspace in change.removed {
                    self.streams.take_away(workspace, &mut self.out);
                }
                for message in change.messages {
                    self.out.control(message);
                }
                Ok(())
            }
            Input::Devices(devices) => {
                if !self.is_ending() {
                    self.out.control(Message::Devices { devices });
                }
                Ok(())
            }
            Input::Heads { workspace, heads, peer_seal } => {
                self.with(now, workspace, |stream, context| stream.heads(heads, peer_seal, context))
            }
            Input::Advanced { workspace, author, head, run } => {
                let spare = self.streams.spare();
                self.with(now, workspace, |stream, context| stream.advanced(author, head, (run, spare), context))
            }
            Input::Units { workspace, author, units } => {
                self.with(now, workspace, |stream, _| stream.units(author, units))
            }
            Input::Durable { workspace, advanced, bytes } => {
                self.with(now, workspace, |stream, context| stream.durable(advanced, bytes, context))
            }
            Input::Declined { workspace, author, from, reason } => {
                self.with(now, workspace, |stream, context| stream.decline(author, from, reason, context))
            }
            Input::Withdrawn { workspace, author } => {
                self.with(now, workspace, |stream, context| stream.withdraw(author, context))
            }
            Input::Proof { workspace, proof } => self.with(now, workspace, |stream, context| {
                stream.proof(proof, context);
                Ok(())
            }),
            Input::ProofIsNews => self.budget.take(now, NEWS_COST),
            Input::Refused(reason) => Err(SessionError::Refused { reason }),
            Input::Finish => {
                self.goodbye.finish();
                Ok(())
            }
            Input::Tick => Ok(()),
        }
    }

    fn control_message(&mut self, now: Millis, message: Message) -> Result<(), SessionError> {
        if !self.connection.is_agreed() {
            return self.connection.message(message, &mut self.out);
        }
        let tag = message.tag();
        match message {
            Message::Offer { add, remove } => {
                self.budget.take(now, OFFER_COST)?;
                for workspace in self.offers.message(add, remove, &mut self.out)? {
                    self.streams.take_away(workspace, &mut self.out);
                }
                Ok(())
            }
            Message::Devices { devices } if self.role == PeerRole::Friend => {
                self.budget.take(now, DEVICES_COST)?;
                self.out.push(Output::PeerDevices(devices));
                Ok(())
            }
            Message::Goodbye { reason: Some(reason) } => Err(SessionError::PeerEnded { reason }),
            Message::Goodbye { reason: None } if !self.goodbye.is_heard() => {
                self.goodbye.hear();
                if self.goodbye.is_said() {
                    self.close();
                } else {
                    self.freeze();
                }
                Ok(())
            }
            _ => Err(SessionError::OutOfPlace { message: tag, why: "the control stream has no place for it now" }),
        }
    }

    fn peer_opened(&mut self, now: Millis, workspace: WorkspaceId, named: WorkspaceId) -> Result<(), SessionError> {
        self.budget.take(now, OFFER_COST)?;
        if workspace != named {
            return Err(SessionError::Contradiction { message: MessageTag::Open, why: "it names another workspace" });
        }
        if self.is_opener() {
            let why = "the device with the lower id opens the streams";
            return Err(SessionError::OutOfPlace { message: MessageTag::Open, why });
        }
        let shared = match self.role {
            PeerRole::Own if workspace == WorkspaceId::CONTROL => true,
            PeerRole::Own | PeerRole::Friend => self.offers.is_offered(&workspace),
        };
        if shared {
            self.streams.accept(workspace, now)?;
            if self.is_ending()
                && let Some(stream) = self.streams.get_mut(&workspace)
            {
                stream.freeze();
            }
            Ok(())
        } else if workspace == WorkspaceId::CONTROL {
            Err(SessionError::NotOffered { workspace })
        } else {
            // It was offered before, in this session or at the last contact; what never was looks no different from outside.
            self.streams.reject(workspace, &mut self.out)
        }
    }

    fn stream_message(&mut self, now: Millis, workspace: WorkspaceId, message: Message) -> Result<(), SessionError> {
        if self.streams.get(&workspace).is_none() && !self.streams.is_known(&workspace) {
            return Err(SessionError::OutOfPlace { message: message.tag(), why: "the workspace has no stream" });
        }
        // On a stream that was closed here the peer's last words are dropped.
        self.with(now, workspace, |stream, context| stream.message(message, context))
    }

    /// Lets the open stream of `workspace` do a step; an answer for one that is gone is dropped.
    fn with(
        &mut self,
        now: Millis,
        workspace: WorkspaceId,
        step: impl FnOnce(&mut Stream, &mut Context<'_>) -> Result<(), SessionError>,
    ) -> Result<(), SessionError> {
        let Some(stream) = self.streams.get_mut(&workspace) else { return Ok(()) };
        let mut context = Context { now, me: &self.me, budget: &mut self.budget, out: &mut self.out };
        step(stream, &mut context)
    }

    /// Does what follows from the step just taken: opens what may be opened, sends what may be sent, tells what was reached.
    fn settle(&mut self, now: Millis) -> Result<(), SessionError> {
        if self.over {
            return Ok(());
        }
        if !self.connection.is_agreed() {
            self.open_ahead();
            return Ok(());
        }
        self.settle_control_log(now)?;
        self.open_shared();
        if self.control != ControlLog::First {
            self.release(now)?;
        }
        self.send();
        for (_, stream) in self.streams.iter_mut() {
            stream.report(&mut self.out);
        }
        self.settle_goodbye();
        Ok(())
    }

    /// Opens what the peer is expected to want, before it has said anything.
    fn open_ahead(&mut self) {
        if !self.is_opener() || !self.offers.is_begun() {
            return;
        }
        // Once: what the peer closes is opened again only when it offers that.
        let Some(expected) = self.expected.take() else { return };
        let control = (self.role == PeerRole::Own).then_some(WorkspaceId::CONTROL);
        let offered = expected.iter().filter(|workspace| self.offers.is_offered(workspace));
        for workspace in control.into_iter().chain(offered.copied()) {
            self.streams.open(workspace, Opening::Ahead, &mut self.out);
            if let Some(stream) = self.streams.get_mut(&workspace) {
                stream.start(&mut self.out);
            }
        }
    }

    /// Lets entries flow on all streams: the control log is level, or not shared.
    fn release(&mut self, now: Millis) -> Result<(), SessionError> {
        for (_, stream) in self.streams.iter_mut() {
            stream.release(&mut Context { now, me: &self.me, budget: &mut self.budget, out: &mut self.out })?;
        }
        Ok(())
    }

    fn settle_control_log(&mut self, now: Millis) -> Result<(), SessionError> {
        if self.control == ControlLog::NotShared {
            return Ok(());
        }
        if self.is_opener() && !self.is_ending() {
            self.streams.open(WorkspaceId::CONTROL, Opening::Agreed, &mut self.out);
        }
        if let Some(stream) = self.streams.get_mut(&WorkspaceId::CONTROL) {
            stream.start(&mut self.out);
            stream.release(&mut Context { now, me: &self.me, budget: &mut self.budget, out: &mut self.out })?;
            if stream.is_level() && self.control == ControlLog::First {
                // Told before anything that follows from it.
                stream.report(&mut self.out);
                self.control = ControlLog::Done;
            }
        }
        Ok(())
    }

    fn open_shared(&mut self) {
        if self.is_opener() && !self.is_ending() {
            for workspace in self.offers.shared() {
                // A stream that is opened again must not overtake the offer that had taken it away.
                if self.offers.is_answered() || !self.offers.was_withdrawn(&workspace) {
                    self.streams.open(workspace, Opening::Agreed, &mut self.out);
                }
            }
        }
        // A stream of the peer may come before its offer does, or after it was taken away: then nothing is told on it.
        for (workspace, stream) in self.streams.iter_mut() {
            if self.offers.is_offered_by_peer(&workspace) {
                stream.start(&mut self.out);
            }
        }
    }

    /// Sends, the control log before all else.
    fn send(&mut self) {
        let mut on_the_way: u64 = self.streams.iter().map(|(_, stream)| stream.on_the_way()).sum();
        let mut control_is_sending = false;
        if let Some(stream) = self.streams.get_mut(&WorkspaceId::CONTROL) {
            let before = stream.on_the_way();
            stream.flush(&mut self.out);
            stream.read_next(spare(on_the_way), &mut self.out);
            on_the_way = on_the_way - before + stream.on_the_way();
            control_is_sending = stream.is_sending();
        }
        for (_, stream) in self.streams.iter_mut() {
            let before = stream.on_the_way();
            stream.flush(&mut self.out);
            if !control_is_sending {
                stream.read_next(spare(on_the_way), &mut self.out);
            }
            on_the_way = on_the_way - before + stream.on_the_way();
        }
    }

    fn settle_goodbye(&mut self) {
        let level = self.is_all_level();
        if level && !self.level {
            self.out.push(Output::AllLevel);
        }
        self.level = level;
        if level && self.goodbye.is_due() {
            self.out.control(Message::Goodbye { reason: None });
            self.goodbye.say();
            self.freeze();
        }
    }

    fn is_all_level(&self) -> bool {
        let streams = self.streams.iter().all(|(_, stream)| stream.is_level());
        if !streams || !self.offers.is_settled() {
            return false;
        }
        // Who has said goodbye opens nothing more: only what is open counts then.
        self.goodbye.is_heard()
            || (!self.streams.has_dropped()
                && self.control != ControlLog::First
                && self.offers.shared().all(|workspace| self.streams.get(&workspace).is_some()))
    }

    /// What is new from now on waits for the next session.
    fn freeze(&mut self) {
        for (_, stream) in self.streams.iter_mut() {
            stream.freeze();
        }
    }

    fn awaits_replica(&self) -> bool {
        self.offers.awaits_replica() || self.streams.iter().any(|(_, stream)| stream.awaits_replica())
    }

    fn is_ending(&self) -> bool {
        self.goodbye.is_said() || self.goodbye.is_heard()
    }

    fn is_opener(&self) -> bool {
        self.me < self.peer
    }

    fn close(&mut self) {
        self.over = true;
        self.out.push(Output::Close { reason: None });
    }

    fn fail(&mut self, error: SessionError) {
        let reason = error.reason();
        if !matches!(error, SessionError::PeerEnded { .. }) {
            self.out.control(Message::Goodbye { reason: Some(reason) });
        }
        self.over = true;
        self.error = Some(error);
        self.out.push(Output::Close { reason: Some(reason) });
    }
}

//! Sessions: what they ask is answered from the journals, and what they bring is admitted.

use std::collections::BTreeMap;

use bytes::Bytes;
use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::{Input, LocalInfo, Millis, Mode, Output, Session, SessionConfig};
use verso_vv::{Author, Seq};
use verso_wire::{Application, Message, Reason};

use crate::effect::{ConnectionId, Effect, Event, Stream};
use crate::error::{ConnectError, FlushError, JournalError};
use crate::journal::AppendedRun;
use crate::reason;
use crate::replica::{Now, Replica, Taken};

/// A session and what it brought since the last flush.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: DeviceId,
    session: Session,
    received: BTreeMap<WorkspaceId, Received>,
    /// Something did not move on this connection, and the person was told why.
    stopped: bool,
}

/// What a peer brought of one workspace and waits to see acknowledged.
#[derive(Debug, Default)]
struct Received {
    advanced: BTreeMap<Author, Seq>,
    runs: Vec<AppendedRun>,
    bytes: u64,
    entries: u64,
}

/// Something that keeps data from moving, for the event that tells it.
#[derive(Debug, Clone, Copy)]
struct Stop {
    peer: DeviceId,
    workspace: Option<WorkspaceId>,
    entries: Option<(Author, Seq)>,
    reason: Reason,
}

/// How things stood when a connection went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parting {
    /// This device had said goodbye: both had acknowledged everything that either takes.
    AllDone,
    /// There may have been more to exchange.
    #[default]
    Unfinished,
}

/// How this device introduces itself on a connection.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// Where it can be dialled.
    pub addresses: Vec<String>,
    /// What happens once both are level.
    pub mode: Mode,
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Starts the exchange with a peer on a connection whose ends have proven who they are and what they agreed at pairing.
    ///
    /// A peer that was paired provisionally becomes real by this.
    ///
    /// # Errors
    /// [`ConnectError`] if the peer is not trusted, or its admission can't be recorded.
    pub fn connect(&mut self, peer: DeviceId, greeting: Greeting, now: Now) -> Result<ConnectionId, ConnectError> {
        self.promote(peer, now)?;
        self.admits(&peer).map_err(ConnectError::Refused)?;
        let role = self.trust().role(&peer).ok_or(ConnectError::Refused(Reason::NotTrusted))?;
        let (me, name) = (self.device(), self.name().to_owned());
        let contact = self.local.contacts.entry(peer).or_default();
        contact.last_seen_ms = Some(now.wall_ms);
        let config = SessionConfig {
            me,
            peer,
            peer_role: role,
            info: LocalInfo { name, wall_clock_ms: now.wall_ms, addresses: greeting.addresses },
            version_floor: contact.version_floor,
            mode: greeting.mode,
        };
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        let session = Session::new(config, Millis(now.monotonic_ms));
        self.connections.insert(id, Connection { peer, session, received: BTreeMap::new(), stopped: false });
        let offers = self.offers_for(&peer);
        self.handle(id, now, Input::Offers(offers));
        Ok(id)
    }

    /// Takes in a message that arrived on a connection. Messages on connections that are over are dropped.
    pub fn receive(&mut self, connection: ConnectionId, stream: Stream, message: Message, now: Now) {
        let input = match stream {
            Stream::Control => Input::Control(message),
            Stream::Workspace(workspace) => Input::Stream { workspace, message },
        };
        self.handle(connection, now, input);
    }

    /// Notes that the peer closed the stream of a workspace.
    pub fn stream_closed(&mut self, connection: ConnectionId, workspace: WorkspaceId, now: Now) {
        self.handle(connection, now, Input::StreamClosed { workspace });
    }

    /// Ends a connection for a reason of this device's: the peer sent what is no message, or broke the transport's rules.
    pub fn refuse(&mut self, connection: ConnectionId, reason: Reason, now: Now) {
        self.handle(connection, now, Input::Refused(reason));
    }

    /// Forgets a connection that is gone. What it brought is kept.
    pub fn disconnected(&mut self, connection: ConnectionId) -> Parting {
        match self.connections.remove(&connection) {
            Some(connection) if connection.session.has_said_goodbye() => Parting::AllDone,
            _ => Parting::Unfinished,
        }
    }

    /// Lets a connection end once both sides are level.
    pub fn finish(&mut self, connection: ConnectionId, now: Now) {
        self.handle(connection, now, Input::Finish);
    }

    /// Tells sessions that time has passed.
    pub fn tick(&mut self, now: Now) {
        for id in self.connection_ids() {
            self.handle(id, now, Input::Tick);
        }
    }

    /// Returns the next thing that the driver has to do.
    pub fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Returns when [`tick`](Self::tick) is due, on the monotonic clock in milliseconds.
    pub fn poll_timeout(&self) -> Option<u64> {
        self.connections.values().filter_map(|connection| connection.session.poll_timeout()).min().map(|at| at.0)
    }

    /// Tells whether there is anything for [`flush`](Self::flush) to do.
    pub fn needs_flush(&self) -> bool {
        !self.dirty.is_empty() || !self.committed.is_empty() || self.offers_changed || self.local_changed
    }

    /// Makes everything durable that was committed and received, then acknowledges it to those who sent it and pushes it to the
    /// others. The one place where that happens: a driver takes in all that is at hand, then flushes.
    ///
    /// # Errors
    /// [`FlushError`] if a log fails. Its workspace must be opened again; sessions are ended with the reason.
    pub fn flush(&mut self, now: Now) -> Result<(), FlushError> {
        let mut first_error = None;
        // Answers can bring in more, such as the units of a stream whose credit was renewed; the driver's next flush is for those.
        let dirty = std::mem::take(&mut self.dirty);
        for workspace in &dirty {
            if let Err(error) = self.sync_log(workspace) {
                let reason = reason::of_append(&error);
                for id in self.connection_ids() {
                    self.handle(id, now, Input::Refused(reason));
                }
                first_error.get_or_insert(FlushError::Log { workspace: *workspace, source: error });
            }
        }
        if let Some(error) = first_error {
            return Err(error);
        }
        self.report_received(now);
        self.report_committed(now);
        self.refresh_offers(now);
        self.save_local()?;
        Ok(())
    }

    /// Acknowledges to each peer what it brought, and passes it on to the others.
    fn report_received(&mut self, now: Now) {
        for id in self.connection_ids() {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let peer = connection.peer;
            for (workspace, received) in std::mem::take(&mut connection.received) {
                let advanced = received.advanced.into_iter().collect();
                self.handle(id, now, Input::Durable { workspace, advanced, bytes: received.bytes });
                for run in received.runs {
                    self.announce(workspace, &run, Some(id), now);
                }
                if received.entries > 0 {
                    let event = Event::RemoteDelta { workspace, from: peer, entries: received.entries };
                    self.effects.push_back(Effect::Event(event));
                }
            }
        }
    }

    /// Pushes what this device committed.
    fn report_committed(&mut self, now: Now) {
        for (workspace, run) in std::mem::take(&mut self.committed) {
            self.announce(workspace, &run, None, now);
        }
    }

    fn announce(&mut self, workspace: WorkspaceId, run: &AppendedRun, except: Option<ConnectionId>, now: Now) {
        for id in self.connection_ids() {
            if Some(id) != except {
                let AppendedRun { author, head, run } = run.clone();
                let input = Input::Advanced { workspace, author, head, run: Some(run) };
                self.handle(id, now, input);
            }
        }
    }

    /// Tells every peer what it is offered now, where that changed.
    fn refresh_offers(&mut self, now: Now) {
        if !std::mem::take(&mut self.offers_changed) {
            return;
        }
        for id in self.connection_ids() {
            let Some(peer) = self.connections.get(&id).map(|connection| connection.peer) else { continue };
            let offers = self.offers_for(&peer);
            self.handle(id, now, Input::Offers(offers));
        }
    }

    fn connection_ids(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    /// Gives a session one input and carries out what it wants, until it wants nothing more.
    fn handle(&mut self, id: ConnectionId, now: Now, input: Input) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.session.handle(Millis(now.monotonic_ms), input);
        while let Some(connection) = self.connections.get_mut(&id) {
            let peer = connection.peer;
            let Some(output) = connection.session.poll() else { break };
            if let Some(answer) = self.carry_out(id, peer, output, now)
                && let Some(connection) = self.connections.get_mut(&id)
            {
                connection.session.handle(Millis(now.monotonic_ms), answer);
            }
        }
    }

    /// Carries out one output of a session. Returns the answer, where one is due.
    fn carry_out(&mut self, connection: ConnectionId, peer: DeviceId, output: Output, now: Now) -> Option<Input> {
        match output {
            Output::SendControl(message) => self.send(connection, Stream::Control, message),
            Output::Send { workspace, message } => self.send(connection, Stream::Workspace(workspace), message),
            Output::OpenStream { workspace } => self.effects.push_back(Effect::OpenStream { connection, workspace }),
            Output::CloseStream { workspace } => self.effects.push_back(Effect::CloseStream { connection, workspace }),
            Output::PeerInfo(info) => self.note_peer_info(peer, info, now),
            Output::PeerOffer { add, remove: _ } => return Some(self.consider_offer(peer, &add)),
            Output::Describe { workspace } => {
                return Some(self.answer(workspace, |replica| replica.describe(workspace, &peer)));
            }
            Output::Read { workspace, author, from, max_bytes } => {
                return Some(self.answer(workspace, |replica| {
                    let units = replica.read_units(&workspace, &author, from, max_bytes)?;
                    Ok(Input::Units { workspace, author, units })
                }));
            }
            Output::Receive { workspace, bytes } => return self.take(connection, workspace, &bytes, now),
            Output::PeerSeal { workspace, seal } => {
                if let Err(error) = self.consider_seal(workspace, &seal, now) {
                    return Some(Input::Refused(reason::of_journal(&error)));
                }
            }
            Output::HeadMismatch { workspace, author, seq } => {
                let reason = Reason::Fork;
                let entries = Some((author, seq));
                self.stopped(Stop { peer, workspace: Some(workspace), entries, reason }, now);
            }
            Output::PeerDeclined { workspace, author, from, reason } => {
                let entries = Some((author, from));
                self.stopped(Stop { peer, workspace: Some(workspace), entries, reason }, now);
            }
            Output::Progress { workspace, progress } => {
                self.effects.push_back(Effect::Event(Event::Progress { peer, workspace, progress }));
            }
            Output::Level { workspace } => self.effects.push_back(Effect::Event(Event::Level { peer, workspace })),
            Output::AllLevel => {
                // Level is said of what both take. Where something is declined, that it is stays the last word.
                let stopped = self.connections.get(&connection).is_some_and(|connection| connection.stopped);
                if !stopped {
                    self.note_reason(peer, None, now);
                }
                self.effects.push_back(Effect::Event(Event::AllLevel { peer, stopped }));
            }
            Output::Close { reason } => {
                if let Some(reason) = reason {
                    self.stopped(Stop { peer, workspace: None, entries: None, reason }, now);
                }
                self.connections.remove(&connection);
                self.effects.push_back(Effect::Close { connection, reason });
            }
            // Proofs of forks are gathered once forks are healed; until then one says no more than the mismatch did.
            _ => {}
        }
        None
    }

    fn send(&mut self, connection: ConnectionId, stream: Stream, message: Message) {
        self.effects.push_back(Effect::Send { connection, stream, message });
    }

    fn stopped(&mut self, stop: Stop, now: Now) {
        let Stop { peer, workspace, entries, reason } = stop;
        for connection in self.connections.values_mut().filter(|connection| connection.peer == peer) {
            connection.stopped = true;
        }
        self.note_reason(peer, Some(reason), now);
        self.effects.push_back(Effect::Event(Event::Stopped { peer, workspace, entries, reason }));
    }

    /// Turns a failing journal into the end of the session.
    fn answer(&mut self, workspace: WorkspaceId, ask: impl FnOnce(&mut Self) -> Result<Input, JournalError>) -> Input {
        match ask(self) {
            Ok(input) => input,
            Err(error) => {
                tracing::error!(target: "verso.sync", %workspace, %error, "a log can't be read");
                Input::Refused(reason::of_journal(&error))
            }
        }
    }

    fn describe(&mut self, workspace: WorkspaceId, peer: &DeviceId) -> Result<Input, JournalError> {
        // Only what is durable is described: what is still buffered is announced by the flush.
        self.sync_log(&workspace)?;
        let (heads, peer_seal) = (self.heads(&workspace)?, self.newest_seal(&workspace, peer)?);
        Ok(Input::Heads { workspace, heads, peer_seal })
    }

    /// Admits a unit and appends it, or declines it.
    fn take(&mut self, id: ConnectionId, workspace: WorkspaceId, bytes: &Bytes, now: Now) -> Option<Input> {
        let peer = self.connections.get(&id)?.peer;
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let outcome = self.admit_and_append(peer, workspace, bytes, now);
        let connection = self.connections.get_mut(&id)?;
        let received = connection.received.entry(workspace).or_default();
        received.bytes = received.bytes.saturating_add(len);
        self.dirty.insert(workspace);
        match outcome {
            Ok(Taken::Appended { run, entries, .. }) => {
                received.advanced.insert(run.author, run.head.seq);
                received.entries = received.entries.saturating_add(entries);
                received.runs.push(run);
                None
            }
            Ok(Taken::Known { author, last }) => {
                let advanced = received.advanced.entry(author).or_insert(last);
                *advanced = (*advanced).max(last);
                None
            }
            Ok(Taken::Declined { author, from, reason }) => Some(Input::Declined { workspace, author, from, reason }),
            Err(error) => {
                tracing::warn!(target: "verso.sync", %peer, %workspace, %error, "a unit ended the session");
                Some(Input::Refused(reason::of_admit(&error)))
            }
        }
    }
}

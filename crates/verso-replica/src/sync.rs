//! Sessions: what they ask is answered from the journals, and what they bring is admitted.

use std::collections::{BTreeMap, BTreeSet};

use verso_identity::{DeviceId, WorkspaceId};
use verso_log::Storage;
use verso_session::{Input, LocalInfo, Millis, Mode, Output, Session, SessionConfig};
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::{Application, Message, Reason, VersionRange};

use crate::confirmation::Withheld;
use crate::effect::{ConnectionId, Effect, Event, Stream};
use crate::error::{ConnectError, JournalError};
use crate::flush::Received;
use crate::foretold::Foretold;
use crate::forks::ForkKey;
use crate::further::ToldDevices;
use crate::receive::Declined;
use crate::replica::{Now, Replica};

/// After how long a peer is told addresses again that it was told before: a day. It may have lost what it knew; more often costs bytes at every contact.
pub(crate) const TELL_AGAIN_MS: u64 = 24 * 60 * 60 * 1000;

/// A session and what it brought since the last flush.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) peer: DeviceId,
    /// What the peer was when the session began.
    pub(crate) role: PeerRole,
    session: Session,
    pub(crate) received: BTreeMap<WorkspaceId, Received>,
    /// What the peer was told that this device doesn't take.
    pub(crate) declined: BTreeMap<(WorkspaceId, Author), Declined>,
    /// What the peer doesn't take.
    unwanted: BTreeSet<(WorkspaceId, Author)>,
    /// Workspaces that can't be synced because their logs failed here.
    failed: BTreeSet<WorkspaceId>,
    /// Workspaces that are level.
    pub(crate) level: BTreeSet<WorkspaceId>,
    /// Proofs of forks that wait for what is behind them.
    pub(crate) foretold: Foretold,
    /// The forks that the peer has shown to know, or was shown.
    pub(crate) shown: BTreeSet<ForkKey>,
    /// What waits until the peer is confirmed, or has shown that it can confirm others.
    pub(crate) withheld: Option<Withheld>,
    /// A tag of the addresses that it was told on this connection, if it was.
    told: Option<u64>,
    /// What it was told of this person's further devices.
    pub(crate) devices: ToldDevices,
}

/// Something that keeps data from moving, for the event that tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    pub(crate) peer: DeviceId,
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) entries: Option<(Author, Seq)>,
    pub(crate) reason: Reason,
}

/// How things stood when a connection went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Parting {
    /// Both had said goodbye: both had acknowledged everything that either takes.
    AllDone,
    /// This device had said goodbye, since each had acknowledged what the other had to give, and had not heard the peer's.
    GoodbyeSaid,
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

impl Connection {
    /// Whether something is left that one of the two doesn't take.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_withheld()
            || !self.unwanted.is_empty()
            || !self.failed.is_empty()
            || self.declined.values().any(Declined::is_refused)
    }

    /// Whether all waits for the peer to be confirmed.
    pub(crate) fn is_withheld(&self) -> bool {
        self.withheld.as_ref().is_some_and(Withheld::is_told)
    }

    /// Whether something is left of a workspace that one of the two doesn't take.
    pub(crate) fn stops(&self, workspace: &WorkspaceId) -> bool {
        let is_declined =
            |((of, _), declined): (&(WorkspaceId, Author), &Declined)| of == workspace && declined.is_refused();
        self.failed.contains(workspace)
            || self.unwanted.iter().any(|(of, _)| of == workspace)
            || self.declined.iter().any(is_declined)
    }
}

impl<S: Storage, A: Application> Replica<S, A> {
    /// Starts the exchange with a peer on a connection whose ends have proven who they are and what they agreed at pairing.
    ///
    /// A peer that was paired provisionally becomes real by this.
    ///
    /// # Errors
    /// [`ConnectError`] if the peer is not trusted, or its admission can't be recorded.
    pub fn connect(&mut self, peer: DeviceId, greeting: Greeting, now: Now) -> Result<ConnectionId, ConnectError> {
        self.begin(peer, None, greeting, now)
    }

    /// As [`connect`](Self::connect), with a peer that has proven the secret of this [generation](crate::PairSecret::generation), and perhaps not the newest:
    /// then a pairing that was renewed stays provisional.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_proven(
        &mut self,
        peer: DeviceId,
        generation: u64,
        greeting: Greeting,
        now: Now,
    ) -> Result<ConnectionId, ConnectError> {
        self.begin(peer, Some(generation), greeting, now)
    }

    fn begin(
        &mut self,
        peer: DeviceId,
        proven: Option<u64>,
        greeting: Greeting,
        now: Now,
    ) -> Result<ConnectionId, ConnectError> {
        if let Some(reason) = self.control.failure() {
            // Without the control log nothing may be decided: what it shows may not be durable.
            return Err(ConnectError::Refused(reason));
        }
        self.promote(peer, proven, now)?;
        self.admits(&peer).map_err(ConnectError::Refused)?;
        let role = self.trust().role(&peer).ok_or(ConnectError::Refused(Reason::NotTrusted))?;
        let (me, name) = (self.device(), self.name().to_owned());
        let contact = self.local.contacts.entry(peer).or_default();
        contact.last_seen_ms = Some(now.wall_ms);
        self.local_file.save_later();
        let tag = tag_of(&greeting.addresses);
        let is_news =
            contact.told.is_none_or(|(told, at)| told != tag || now.wall_ms.saturating_sub(at) >= TELL_AGAIN_MS);
        let addresses = if is_news { greeting.addresses } else { Vec::new() };
        let config = SessionConfig {
            me,
            peer,
            peer_role: role,
            info: LocalInfo { name, wall_clock_ms: now.wall_ms, addresses },
            version_floor: contact.version_floor,
            mode: greeting.mode,
        };
        let mut session = Session::new(config, Millis(now.monotonic_ms));
        if contact.version_floor >= VersionRange::CURRENT.min {
            session = session.expecting(contact.shared.iter().copied());
        }
        // One that gives way to another neither moves nor counts anything any more; what it brought is kept.
        self.connections.retain(|_, other| other.peer != peer || other.session.has_said_goodbye());
        self.last_connection += 1;
        let id = ConnectionId(self.last_connection);
        let failed = self.failed_workspaces();
        let connection = Connection {
            peer,
            role,
            session,
            received: BTreeMap::new(),
            declined: BTreeMap::new(),
            unwanted: BTreeSet::new(),
            failed: failed.iter().map(|(workspace, _)| *workspace).collect(),
            level: BTreeSet::new(),
            foretold: Foretold::default(),
            shown: BTreeSet::new(),
            withheld: self.withheld(&peer, role),
            told: is_news.then_some(tag),
            devices: ToldDevices::default(),
        };
        let is_withheld = connection.withheld.is_some();
        self.connections.insert(id, connection);
        for (workspace, reason) in failed {
            self.stopped(Stop { peer, workspace: Some(workspace), entries: None, reason }, now);
        }
        self.tell_devices_first(id, now);
        if is_withheld {
            // What it has to say before it offers anything: the peer may be waiting for that, too.
            self.handle(id, now, Input::Tick);
        } else {
            let offers = self.offers_for(&peer);
            self.handle(id, now, Input::Offers(offers));
        }
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
        self.is_level_no_more(connection, &workspace);
        self.handle(connection, now, Input::StreamClosed { workspace });
    }

    /// Ends a connection for a reason of this device's: the peer sent what is no message, or broke the transport's rules.
    pub fn refuse(&mut self, connection: ConnectionId, reason: Reason, now: Now) {
        self.handle(connection, now, Input::Refused(reason));
    }

    /// Forgets a connection that is gone. What it brought is kept.
    pub fn disconnected(&mut self, connection: ConnectionId) -> Parting {
        // When it was met last.
        self.local_file.save_later();
        match self.connections.remove(&connection) {
            Some(connection) if connection.session.is_all_done() => Parting::AllDone,
            Some(connection) if connection.session.has_said_goodbye() => Parting::GoodbyeSaid,
            _ => Parting::Unfinished,
        }
    }

    /// Lets a connection end once both sides are level.
    pub fn finish(&mut self, connection: ConnectionId, now: Now) {
        self.handle(connection, now, Input::Finish);
    }

    /// Notes that time has passed, for sessions, for pairings that nobody completed, and for what could wait to be written.
    pub fn tick(&mut self, now: Now) {
        self.lapse_provisional(now);
        self.keep_in_touch(now);
        self.local_file.save_now();
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

    pub(crate) fn connection_ids(&self) -> Vec<ConnectionId> {
        self.connections.keys().copied().collect()
    }

    /// Ends the sessions with peers that are no longer what they were when these began: removed, or of another role.
    pub(crate) fn refresh_trust(&mut self, now: Now) {
        for id in self.connection_ids() {
            let Some(Connection { peer, role, .. }) = self.connections.get(&id) else { continue };
            if self.trust().role(peer) != Some(*role) {
                let reason = self.admits(peer).err().unwrap_or(Reason::Revoked);
                self.handle(id, now, Input::Refused(reason));
            }
        }
    }

    /// Gives a session one input and carries out what it wants, until it wants nothing more.
    pub(crate) fn handle(&mut self, id: ConnectionId, now: Now, input: Input) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.session.handle(Millis(now.monotonic_ms), input);
        while let Some(connection) = self.connections.get_mut(&id) {
            let peer = connection.peer;
            let Some(output) = connection.session.poll() else { break };
            if !self.learned.is_empty() && !matches!(output, Output::PeerProof { .. } | Output::Close { .. }) {
                // All that is said goes by names that are about to change, and is said anew under the new ones.
                continue;
            }
            if let Some(answer) = self.carry_out(id, peer, output, now)
                && let Some(connection) = self.connections.get_mut(&id)
            {
                connection.session.handle(Millis(now.monotonic_ms), answer);
            }
        }
    }

    /// Has a peer pay for a proof of a fork that is news. Returns whether the session goes on.
    pub(crate) fn charge_for_news(&mut self, id: ConnectionId, now: Now) -> bool {
        let Some(connection) = self.connections.get_mut(&id) else { return false };
        connection.session.handle(Millis(now.monotonic_ms), Input::ProofIsNews);
        !connection.session.is_over()
    }

    /// Carries out one output of a session. Returns the answer, where one is due.
    fn carry_out(&mut self, id: ConnectionId, peer: DeviceId, output: Output, now: Now) -> Option<Input> {
        match output {
            Output::SendControl(message) => self.send(id, Stream::Control, message),
            Output::Send { workspace, message } => self.send(id, Stream::Workspace(workspace), message),
            Output::OpenStream { workspace } => {
                self.effects.push_back(Effect::OpenStream { connection: id, workspace });
            }
            Output::CloseStream { workspace } => {
                self.is_level_no_more(id, &workspace);
                self.effects.push_back(Effect::CloseStream { connection: id, workspace });
            }
            Output::PeerInfo(info) => self.note_peer_info(peer, info, now),
            Output::PeerDevices(devices) => {
                if let Err(error) = self.note_devices(peer, devices, now) {
                    tracing::warn!(target: "verso.sync", %peer, %error, "its further devices can't be noted");
                }
            }
            Output::PeerOffer { add, remove } => {
                let contact = self.local.contacts.entry(peer).or_default();
                contact.shared.retain(|workspace| !remove.contains(workspace));
                contact.offered.retain(|workspace, _| !remove.contains(workspace));
                for workspace in &remove {
                    self.is_level_no_more(id, workspace);
                }
                return self.take_offer(id, add, &remove);
            }
            Output::Describe { workspace } => {
                return Some(self.answer(peer, workspace, |replica| replica.describe(workspace, &peer)));
            }
            Output::Read { workspace, author, from, max_bytes } => {
                return Some(self.answer(peer, workspace, |replica| {
                    let units = replica.read_units(&workspace, &author, from, max_bytes)?;
                    Ok(Input::Units { workspace, author, units })
                }));
            }
            Output::Receive { workspace, bytes } => return self.take(id, workspace, &bytes, now),
            Output::PeerSeal { workspace, seal } => {
                if let Err(error) = self.consider_seal(workspace, &seal, now) {
                    return Some(Input::Refused(error.reason()));
                }
            }
            Output::PeerVector { workspace, entries } => return self.answer_vector(id, workspace, &entries, now),
            Output::PeerProof { workspace, proof } => return self.consider_proof(id, workspace, proof, now),
            Output::PeerDeclined { workspace, author, from, reason } => {
                if workspace == WorkspaceId::CONTROL
                    && let Err(error) = self.note_declined(peer, &author, from)
                {
                    return Some(Input::Refused(JournalError::from(error).reason()));
                }
                let entries = Some((author, from));
                self.unwanted(id, Stop { peer, workspace: Some(workspace), entries, reason }, now);
            }
            Output::PeerWithdrew { workspace, author } => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.unwanted.remove(&(workspace, author));
                }
            }
            Output::Progress { workspace, progress } => {
                if progress.sent < progress.to_send || progress.received < progress.to_receive {
                    self.is_level_no_more(id, &workspace);
                }
                self.effects.push_back(Effect::Event(Event::Progress { peer, connection: id, workspace, progress }));
            }
            Output::Level { workspace } => {
                self.note_level(id, workspace, now);
                self.effects.push_back(Effect::Event(Event::Level { peer, workspace }));
                if workspace == WorkspaceId::CONTROL {
                    return self.control_is_level(id, now);
                }
            }
            Output::AllLevel => {
                // Whoever is level has read what it was told first.
                if let Some(told) = self.connections.get_mut(&id).and_then(|connection| connection.told.take()) {
                    self.local.contacts.entry(peer).or_default().told = Some((told, now.wall_ms));
                    self.local_file.save_later();
                }
                self.devices_are_told(id, now);
                let stopped = self.note_all_level(id, now);
                self.effects.push_back(Effect::Event(Event::AllLevel { peer, stopped }));
            }
            Output::Close { reason } => {
                if let Some(reason) = reason {
                    self.stopped(Stop { peer, workspace: None, entries: None, reason }, now);
                }
                let leaves_some =
                    self.connections.remove(&id).is_some_and(|connection| connection.session.leaves_some());
                self.local_file.save_later();
                // Both see that, and neither takes it for the end of a round: they meet again at once.
                let reason = reason.or_else(|| leaves_some.then_some(Reason::Busy));
                self.effects.push_back(Effect::Close { connection: id, reason });
            }
            _ => {}
        }
        None
    }

    fn send(&mut self, connection: ConnectionId, stream: Stream, message: Message) {
        self.effects.push_back(Effect::Send { connection, stream, message });
    }

    /// Notes what the peer doesn't take.
    fn unwanted(&mut self, id: ConnectionId, stop: Stop, now: Now) {
        if let (Some(connection), Some(workspace), Some((author, _))) =
            (self.connections.get_mut(&id), stop.workspace, stop.entries)
        {
            connection.unwanted.insert((workspace, author));
        }
        self.stopped(stop, now);
    }

    fn is_level_no_more(&mut self, id: ConnectionId, workspace: &WorkspaceId) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.level.remove(workspace);
        }
    }

    /// Answers a session's question about a workspace, unless the peer has lost access since the stream was opened; a journal that can't be
    /// read ends the session.
    fn answer(
        &mut self,
        peer: DeviceId,
        workspace: WorkspaceId,
        ask: impl FnOnce(&mut Self) -> Result<Input, JournalError>,
    ) -> Input {
        if !self.may_share(&peer, &workspace) {
            return match workspace {
                WorkspaceId::CONTROL => Input::Refused(Reason::Revoked),
                _ => Input::Offers(self.offers_for(&peer)),
            };
        }
        ask(self).unwrap_or_else(|error| {
            tracing::error!(target: "verso.sync", %workspace, %error, "a log can't be read");
            Input::Refused(error.reason())
        })
    }

    /// Tells what is durable of a workspace: what is still buffered is made so first.
    fn describe(&mut self, workspace: WorkspaceId, peer: &DeviceId) -> Result<Input, JournalError> {
        self.sync_log(&workspace)?;
        let (heads, peer_seal) = (self.heads(&workspace)?, self.newest_seal(&workspace, peer)?);
        Ok(Input::Heads { workspace, heads, peer_seal })
    }

    fn failed_workspaces(&self) -> Vec<(WorkspaceId, Reason)> {
        let failed = self.workspaces.iter().filter_map(|(id, journal)| Some((*id, journal.failure()?)));
        failed.collect()
    }

    /// Logs that had failed work again: whoever is connected gets these workspaces.
    pub(crate) fn works_again(&mut self, workspaces: &[WorkspaceId]) {
        self.offers_changed |= !workspaces.is_empty();
        for connection in self.connections.values_mut() {
            connection.failed.retain(|workspace| !workspaces.contains(workspace));
        }
    }

    fn newest_seal(
        &self,
        workspace: &WorkspaceId,
        device: &DeviceId,
    ) -> Result<Option<verso_wire::Seal>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return Ok(self.control.view.newest_seal(device));
        }
        Ok(self.workspaces.get(workspace).ok_or(JournalError::Missing)?.view.newest_seal(device))
    }

    fn read_units(
        &self,
        workspace: &WorkspaceId,
        author: &Author,
        from: Seq,
        max_bytes: usize,
    ) -> Result<Vec<verso_session::EncodedRun>, JournalError> {
        if *workspace == WorkspaceId::CONTROL {
            return self.control.read(author, from, max_bytes);
        }
        self.workspaces.get(workspace).ok_or(JournalError::Missing)?.read(author, from, max_bytes)
    }
}

/// Tells lists of addresses apart.
fn tag_of(addresses: &[String]) -> u64 {
    let hash = blake3::hash(addresses.join("\n").as_bytes());
    u64::from_le_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default())
}

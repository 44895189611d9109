//! [`Peer`]: the other end of a connection, played by hand, so that it can say anything.

use std::collections::BTreeMap;

use bytes::Bytes;
use verso_identity::{DeviceId, WorkspaceId};
use verso_replica::{ConnectionId, Effect, Event, Greeting, Stream};
use verso_session::Mode;
use verso_vv::{Author, Seq};
use verso_wire::{ChainHead, ForkProof, HeldDigest, Message, Offered, Reason, VectorEntry, VersionRange, WireAccess};

use crate::rig::Rig;

/// How a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Not,
    Done,
    For(Reason),
}

/// Of which logs a peer claims to hold what the replica holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claims {
    All,
    ControlLog,
    Nothing,
}

/// A connected peer. What the protocol asks for before data flows it does by itself; it claims to hold what the replica holds.
pub(crate) struct Peer {
    pub(crate) device: DeviceId,
    pub(crate) connection: ConnectionId,
    /// What was acknowledged to it.
    pub(crate) acked: BTreeMap<(WorkspaceId, Author), Seq>,
    pub(crate) declined: Vec<(WorkspaceId, Author, Seq, Reason)>,
    pub(crate) withdrawn: Vec<(WorkspaceId, Author)>,
    /// The units it was sent.
    pub(crate) units: Vec<(WorkspaceId, Bytes)>,
    /// The forks that it was shown, by how many units it had been sent before.
    pub(crate) proofs: Vec<(usize, ForkProof)>,
    /// What it was told is held.
    pub(crate) hellos: BTreeMap<WorkspaceId, HeldDigest>,
    /// What it is offered.
    pub(crate) offered: BTreeMap<WorkspaceId, Offered>,
    /// How the connection was closed, if it was.
    pub(crate) closed: Closed,
    claims: Claims,
    /// Whether it was told what is offered: all of it once, and that is to be decided even if it is nothing.
    was_offered: bool,
}

impl Peer {
    /// Connects as a device that was paired, and offers `workspaces`.
    pub(crate) fn connect(rig: &mut Rig, device: DeviceId, workspaces: &[WorkspaceId]) -> Self {
        let mut peer = Self::begin(rig, device, workspaces);
        peer.listen(rig);
        peer
    }

    /// Connects, and claims nothing about what it holds of workspaces.
    pub(crate) fn connect_silently(rig: &mut Rig, device: DeviceId, workspaces: &[WorkspaceId]) -> Self {
        let mut peer = Self { claims: Claims::ControlLog, ..Self::begin(rig, device, workspaces) };
        peer.listen(rig);
        peer
    }

    /// Connects, and says nothing about what it holds of the control log as long as nobody has it say so.
    pub(crate) fn connect_untold(rig: &mut Rig, device: DeviceId, workspaces: &[WorkspaceId]) -> Self {
        let mut peer = Self { claims: Claims::Nothing, ..Self::begin(rig, device, workspaces) };
        peer.listen(rig);
        peer
    }

    /// Says that it holds of a workspace what these heads say, and nothing else; to be said by one that [said nothing yet](Self::connect_silently).
    pub(crate) fn hold(&mut self, rig: &mut Rig, workspace: WorkspaceId, heads: &[(Author, ChainHead)]) {
        let digest = HeldDigest::of(heads.iter().copied());
        self.say_in(rig, workspace, Message::Hello { digest });
        let entry = |(author, head): &(Author, ChainHead)| VectorEntry::new(*author, head.seq, &head.hash);
        let mut entries: Vec<_> = heads.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.author);
        self.say_in(rig, workspace, Message::Vector { entries, seal: None });
        self.listen(rig);
    }

    fn begin(rig: &mut Rig, device: DeviceId, workspaces: &[WorkspaceId]) -> Self {
        let greeting = Greeting { addresses: Vec::new(), mode: Mode::StayOpen };
        let connection = rig.replica.connect(device, greeting, rig.now).unwrap();
        assert!(rig.replica.device() < device, "the rig is made for peers that wait for streams to be opened");
        let peer = Self::on(connection, device);
        peer.introduce(rig, workspaces);
        peer
    }

    /// Takes over a connection on which nothing was said yet.
    pub(crate) const fn on(connection: ConnectionId, device: DeviceId) -> Self {
        Self {
            device,
            connection,
            acked: BTreeMap::new(),
            declined: Vec::new(),
            withdrawn: Vec::new(),
            units: Vec::new(),
            proofs: Vec::new(),
            hellos: BTreeMap::new(),
            offered: BTreeMap::new(),
            closed: Closed::Not,
            claims: Claims::All,
            was_offered: false,
        }
    }

    /// Tells of itself, and offers `workspaces`.
    pub(crate) fn introduce(&self, rig: &mut Rig, workspaces: &[WorkspaceId]) {
        let (name, addresses) = ("peer".to_owned(), Vec::new());
        self.say(rig, Message::PeerInfo { name, versions: VersionRange::CURRENT, wall_clock_ms: 0, addresses });
        self.offer(rig, workspaces);
    }

    pub(crate) fn offer(&self, rig: &mut Rig, workspaces: &[WorkspaceId]) {
        let add = workspaces.iter().copied().map(offered).collect();
        self.say(rig, Message::Offer { add, remove: Vec::new() });
    }

    /// Says something on the control stream.
    pub(crate) fn say(&self, rig: &mut Rig, message: Message) {
        rig.replica.receive(self.connection, Stream::Control, message, rig.now);
    }

    /// Says something on the stream of a workspace.
    pub(crate) fn say_in(&self, rig: &mut Rig, workspace: WorkspaceId, message: Message) {
        rig.replica.receive(self.connection, Stream::Workspace(workspace), message, rig.now);
    }

    /// Sends a unit; nothing is flushed.
    pub(crate) fn send(&self, rig: &mut Rig, workspace: WorkspaceId, bytes: &Bytes) {
        self.say_in(rig, workspace, Message::Unit { bytes: bytes.clone() });
    }

    /// Sends a unit, lets the replica flush, and hears what it says.
    pub(crate) fn give(&mut self, rig: &mut Rig, workspace: WorkspaceId, bytes: &Bytes) {
        self.send(rig, workspace, bytes);
        rig.replica.flush(rig.now).unwrap();
        self.listen(rig);
    }

    pub(crate) fn acked(&self, workspace: WorkspaceId, author: Author) -> Seq {
        self.acked.get(&(workspace, author)).copied().unwrap_or_default()
    }

    /// Takes what the replica says, until it says nothing more. Flushes nothing.
    pub(crate) fn listen(&mut self, rig: &mut Rig) {
        loop {
            rig.sort_effects();
            let of_mine = |effect: &Effect| match effect {
                Effect::Send { connection, .. } | Effect::Close { connection, .. } => *connection == self.connection,
                _ => false,
            };
            let Some(at) = rig.effects.iter().position(of_mine) else { return };
            match rig.effects.remove(at) {
                Effect::Send { stream, message, .. } => self.hear(rig, stream, message),
                Effect::Close { reason: Some(reason), .. } => self.closed = Closed::For(reason),
                Effect::Close { reason: None, .. } => self.closed = Closed::Done,
                _ => {}
            }
        }
    }

    fn hear(&mut self, rig: &mut Rig, stream: Stream, message: Message) {
        match (stream, message) {
            (Stream::Control, Message::Offer { add, remove }) => {
                if !self.was_offered || !add.is_empty() || !remove.is_empty() {
                    self.was_offered = true;
                    self.say(rig, Message::Offer { add: Vec::new(), remove: Vec::new() });
                }
                self.offered.extend(add.into_iter().map(|offered| (offered.workspace, offered)));
                self.offered.retain(|workspace, _| !remove.contains(workspace));
            }
            (Stream::Workspace(workspace), Message::Hello { digest }) => {
                self.hellos.insert(workspace, digest);
                let is_claimed = match self.claims {
                    Claims::All => true,
                    Claims::ControlLog => workspace == WorkspaceId::CONTROL,
                    Claims::Nothing => false,
                };
                if is_claimed {
                    self.say_in(rig, workspace, Message::Hello { digest });
                }
            }
            (Stream::Workspace(workspace), Message::Ack { held, .. }) => {
                self.acked.extend(held.into_iter().map(|(author, seq)| ((workspace, author), seq)));
            }
            (Stream::Workspace(workspace), Message::Decline { author, from, reason }) => {
                self.declined.push((workspace, author, from, reason));
            }
            (Stream::Workspace(workspace), Message::Withdraw { author }) => self.withdrawn.push((workspace, author)),
            (Stream::Workspace(workspace), Message::Unit { bytes }) => {
                self.units.push((workspace, bytes));
            }
            (Stream::Workspace(_), Message::Proof(proof)) => self.proofs.push((self.units.len(), proof)),
            _ => {}
        }
    }
}

pub(crate) const fn offered(workspace: WorkspaceId) -> Offered {
    Offered { workspace, name: String::new(), access: WireAccess::ReadWrite }
}

/// The reasons that a person was told of.
pub(crate) fn stops(events: &[Event]) -> Vec<Reason> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Stopped { reason, .. } => Some(*reason),
            _ => None,
        })
        .collect()
}

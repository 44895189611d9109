//! One machine whose peer is a script: for peers that lie, and for those that fall silent.

use bytes::Bytes;
use verso_identity::{DeviceId, WorkspaceId};
use verso_session::{Input, LocalInfo, Millis, Mode, Output, Session, SessionConfig};
use verso_trust::PeerRole;
use verso_wire::{HeldDigest, Message, Offered, VectorEntry, VersionRange, WireAccess};

use crate::net::{Closed, workspace};
use crate::store::Store;

/// Which of the two opens the streams: the one with the lower id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opener {
    Me,
    Peer,
}

/// A machine under test, with a log of its own; its replica answers at once, and syncs only when told.
pub(crate) struct Script {
    pub(crate) session: Session,
    pub(crate) store: Store,
    pub(crate) now: Millis,
    pub(crate) sent: Vec<Message>,
    pub(crate) closed: Closed,
    offers: Vec<WorkspaceId>,
}

#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) opener: Opener,
    pub(crate) role: PeerRole,
    pub(crate) mode: Mode,
    pub(crate) floor: u32,
}

pub(crate) const PEER: [DeviceId; 2] = [DeviceId::from_bytes([0; 32]), DeviceId::from_bytes([255; 32])];

impl Script {
    /// Starts a session with a friend who opens the streams; [`workspace(1)`](workspace) is offered.
    pub(crate) fn friend() -> Self {
        Self::new(Setup { opener: Opener::Peer, role: PeerRole::Friend, mode: Mode::StayOpen, floor: 0 })
    }

    pub(crate) fn new(setup: Setup) -> Self {
        let mut store = Store::new(1);
        store.commit(workspace(1), 3, 10);
        let config = SessionConfig {
            me: store.id(),
            peer: PEER[usize::from(setup.opener == Opener::Me)],
            peer_role: setup.role,
            info: LocalInfo { name: "me".to_owned(), wall_clock_ms: 0, addresses: Vec::new() },
            version_floor: setup.floor,
            mode: setup.mode,
        };
        let mut script = Self {
            session: Session::new(config, Millis(0)),
            store,
            now: Millis(0),
            sent: Vec::new(),
            closed: Closed::Open,
            offers: vec![workspace(1)],
        };
        script.drain();
        script.give(Input::Offers(offered(&[workspace(1)])));
        script
    }

    /// The peer tells of itself, offers the same workspace, and takes note of what is offered to it.
    pub(crate) fn introduced(mut self) -> Self {
        self.control(peer_info(VersionRange::CURRENT));
        self.control(Message::Offer { add: offered(&[workspace(1)]), remove: Vec::new() });
        self.control(decided());
        assert_eq!(self.closed, Closed::Open);
        self
    }

    /// The stream of the workspace is open, and both have said hello; the peer holds something else.
    pub(crate) fn greeted(self) -> Self {
        let mut script = self.introduced();
        script.stream(Message::Open { workspace: workspace(1) });
        script.stream(Message::Hello { digest: HeldDigest([7; 32]) });
        assert_eq!(script.closed, Closed::Open);
        script
    }

    /// Vectors are exchanged as well; the peer holds nothing.
    pub(crate) fn flowing(self) -> Self {
        let mut script = self.greeted();
        script.stream(Message::Vector { entries: Vec::new(), seal: None });
        assert_eq!(script.closed, Closed::Open);
        script
    }

    pub(crate) fn control(&mut self, message: Message) {
        self.give(Input::Control(message));
    }

    pub(crate) fn stream(&mut self, message: Message) {
        self.give(Input::Stream { workspace: workspace(1), message });
    }

    pub(crate) fn give(&mut self, input: Input) {
        self.session.handle(self.now, input);
        self.drain();
    }

    /// Lets time pass to `millis`.
    pub(crate) fn tick(&mut self, millis: u64) {
        self.now = Millis(millis);
        self.give(Input::Tick);
    }

    /// Everything that was sent in units.
    pub(crate) fn units_sent(&self) -> usize {
        self.sent.iter().filter(|message| matches!(message, Message::Unit { .. })).count()
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll() {
            assert_eq!(self.closed, Closed::Open, "{output:?} came after the last output");
            match output {
                Output::SendControl(message) | Output::Send { message, .. } => {
                    message.encode().unwrap();
                    self.sent.push(message);
                }
                Output::PeerOffer { .. } => self.session.handle(self.now, Input::Offers(offered(&self.offers))),
                Output::Describe { workspace } => {
                    let heads = self.store.heads(workspace);
                    self.session.handle(self.now, Input::Heads { workspace, heads, peer_seal: None });
                }
                Output::Read { workspace, author, from, max_bytes } => {
                    let units = self.store.read(workspace, author, from, max_bytes);
                    self.session.handle(self.now, Input::Units { workspace, author, units });
                }
                Output::Close { reason } => {
                    self.closed = reason.map_or(Closed::Done, Closed::For);
                    let told = matches!(self.sent.last(), Some(Message::Goodbye { reason: last }) if *last == reason);
                    assert!(told || reason.is_none() || self.session.error().is_some(), "the peer is told why");
                }
                _ => {}
            }
        }
    }
}

pub(crate) fn peer_info(versions: VersionRange) -> Message {
    Message::PeerInfo { name: "peer".to_owned(), versions, wall_clock_ms: 0, addresses: Vec::new() }
}

pub(crate) fn offered(workspaces: &[WorkspaceId]) -> Vec<Offered> {
    let offer =
        |workspace: &WorkspaceId| Offered { workspace: *workspace, name: String::new(), access: WireAccess::ReadWrite };
    workspaces.iter().map(offer).collect()
}

/// The empty offer that says that an offer was decided.
pub(crate) fn decided() -> Message {
    Message::Offer { add: Vec::new(), remove: Vec::new() }
}

pub(crate) fn unit(len: usize) -> Message {
    Message::Unit { bytes: Bytes::from(vec![1; len]) }
}

/// A vector of as many authors as wanted, all of one length.
pub(crate) fn vector(authors: u64, seq: u64) -> Vec<VectorEntry> {
    (0..authors).map(|number| VectorEntry { author: author(number), seq: verso_vv::Seq(seq), tag: [0; 8] }).collect()
}

pub(crate) fn author(number: u64) -> verso_vv::Author {
    verso_vv::Author { device: DeviceId::from_bytes([9; 32]), incarnation: verso_vv::Incarnation(number) }
}

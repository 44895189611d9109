//! Devices joined by pipes in memory, under a scheduler that a seed decides: what is sent on one stream arrives in order, and streams
//! overtake each other as they like. Every message goes through its bytes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use verso_identity::WorkspaceId;
use verso_session::{Input, LocalInfo, Millis, Mode, Output, Session, SessionConfig};
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::limits::IN_FLIGHT;
use verso_wire::{Message, Offered, Reason, WireAccess};

use crate::parts::name;
pub(crate) use crate::parts::{Adopts, Closed, Offering, Rng, Seen, workspace};
use crate::store::{Received, Store};

pub(crate) struct Net {
    pub(crate) devices: Vec<Device>,
    pub(crate) links: Vec<Link>,
    pub(crate) rng: Rng,
    pub(crate) now: Millis,
    /// A link on which things arrive only when nothing else can happen.
    pub(crate) slow: Option<usize>,
    /// Whether no disk finishes a sync.
    pub(crate) disks_stand_still: bool,
    /// Bytes of a payload committed while connected.
    pub(crate) payload: usize,
    /// A workspace that no disk syncs.
    pub(crate) still: Option<WorkspaceId>,
    /// What devices that connect remember to have shared before, if they have met.
    pub(crate) expected: Option<BTreeSet<WorkspaceId>>,
}

pub(crate) struct Device {
    pub(crate) store: Store,
    /// What it offers to everyone it is connected with.
    pub(crate) offers: BTreeSet<WorkspaceId>,
    /// Whether it offers back what it is offered.
    pub(crate) adopts: Adopts,
}

/// A connection.
pub(crate) struct Link {
    pub(crate) ends: [End; 2],
    next_stream: u64,
    /// Whether bytes still arrive.
    pub(crate) up: bool,
}

/// One end of a connection: its machine, and what is on the way to it.
pub(crate) struct End {
    pub(crate) device: usize,
    pub(crate) session: Session,
    arriving: BTreeMap<Pipe, VecDeque<Packet>>,
    streams: BTreeMap<WorkspaceId, Stream>,
    /// What was received and isn't durable yet.
    unsettled: BTreeMap<WorkspaceId, (Vec<(Author, Seq)>, u64)>,
    /// Chains that were declined, and where.
    declined: BTreeSet<(WorkspaceId, Author)>,
    pub(crate) seen: Seen,
    /// What the machine closed with, once it did.
    pub(crate) closed: Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pipe {
    Control,
    Stream(u64),
}

enum Packet {
    Frame(Bytes),
    Fin,
}

struct Stream {
    id: u64,
    finished: bool,
    peer_finished: bool,
    /// What the peer's acknowledgements allow, and what was sent.
    credit: u64,
    sent: u64,
}

/// Something that can happen next.
#[derive(Clone, Copy)]
enum Step {
    Deliver(usize, usize, Pipe),
    Sync(usize),
}

impl Net {
    pub(crate) fn new(devices: usize, seed: u64) -> Self {
        let device = |index| Device {
            store: Store::new(u8::try_from(index + 1).unwrap()),
            offers: BTreeSet::new(),
            adopts: Adopts::Everything,
        };
        Self {
            devices: (0..devices).map(device).collect(),
            links: Vec::new(),
            rng: Rng(seed),
            now: Millis(0),
            slow: None,
            disks_stand_still: false,
            payload: 20,
            still: None,
            // A third of all seeds: nothing may depend on whether the memory is there, or right.
            expected: seed.is_multiple_of(3).then(|| (1..4).map(workspace).collect()),
        }
    }

    /// Makes a workspace on a device and fills it.
    pub(crate) fn found(&mut self, device: usize, workspace: WorkspaceId, units: usize) {
        self.devices[device].store.create(workspace);
        if workspace != WorkspaceId::CONTROL {
            self.devices[device].offers.insert(workspace);
        }
        for _ in 0..units {
            let entries = 1 + self.rng.below(5);
            self.devices[device].store.commit(workspace, entries, 20);
        }
    }

    /// Connects two devices.
    pub(crate) fn connect(&mut self, a: usize, b: usize, role: PeerRole, modes: [Mode; 2]) -> usize {
        let ids = [self.devices[a].store.id(), self.devices[b].store.id()];
        let end = |at: usize, device: usize| {
            let info = LocalInfo {
                name: format!("device {device}"),
                wall_clock_ms: 1_800_000_000_000,
                addresses: vec!["192.168.178.21:41241".to_owned()],
            };
            let config = SessionConfig {
                me: ids[at],
                peer: ids[1 - at],
                peer_role: role,
                info,
                version_floor: 1,
                mode: modes[at],
            };
            let session = Session::new(config, self.now);
            let session = match &self.expected {
                Some(expected) => session.expecting(expected.iter().copied()),
                None => session,
            };
            End {
                device,
                session,
                arriving: BTreeMap::new(),
                streams: BTreeMap::new(),
                unsettled: BTreeMap::new(),
                declined: BTreeSet::new(),
                seen: Seen::default(),
                closed: Closed::Open,
            }
        };
        let link = Link { ends: [end(0, a), end(1, b)], next_stream: 0, up: true };
        self.links.push(link);
        let link = self.links.len() - 1;
        for end in 0..2 {
            self.offer(link, end);
        }
        link
    }

    /// The connection is gone, with everything on it.
    pub(crate) fn cut(&mut self, link: usize) {
        self.links[link].up = false;
        for end in &mut self.links[link].ends {
            end.arriving.clear();
        }
    }

    /// Commits on a device while it is connected.
    pub(crate) fn commit(&mut self, device: usize, workspace: WorkspaceId, entries: usize) {
        let author = self.devices[device].store.author();
        // One sync makes durable whatever was appended before it.
        self.sync(device);
        let (head, run) = self.devices[device].store.commit(workspace, entries, self.payload);
        let run = (self.rng.below(2) == 0 || self.payload > 20).then_some(run);
        for (link, end) in self.ends_of(device) {
            self.handle(link, end, Input::Advanced { workspace, author, head, run: run.clone() });
        }
    }

    /// Offers a workspace, or ceases to, to all who are connected.
    pub(crate) fn set_offered(&mut self, device: usize, workspace: WorkspaceId, offered: Offering) {
        match offered {
            Offering::Yes => self.devices[device].offers.insert(workspace),
            Offering::No => self.devices[device].offers.remove(&workspace),
        };
        for (link, end) in self.ends_of(device) {
            self.offer(link, end);
        }
    }

    /// Admits an author that was unwelcome.
    pub(crate) fn welcome(&mut self, device: usize, author: Author) {
        self.devices[device].store.unwelcome.remove(&author);
        for (link, end) in self.ends_of(device) {
            let declined = std::mem::take(&mut self.links[link].ends[end].declined);
            let (of_author, others) = declined.into_iter().partition(|(_, other)| *other == author);
            self.links[link].ends[end].declined = others;
            let of_author: BTreeSet<_> = of_author;
            for (workspace, author) in of_author {
                self.handle(link, end, Input::Withdrawn { workspace, author });
            }
        }
    }

    /// Runs until nothing can happen any more without time passing.
    pub(crate) fn run(&mut self) -> u64 {
        let mut steps = 0;
        while self.step() {
            steps += 1;
            assert!(steps < 200_000, "it never comes to rest");
        }
        self.assert_explained();
        steps
    }

    /// Nothing stops without a reason: where all is at rest and no disk is to blame, both ends of a connection are level or a deadline will end it with one; and if
    /// they hold different things in what they share, one of them was told why.
    fn assert_explained(&self) {
        if self.disks_stand_still || self.still.is_some() {
            return;
        }
        let is_open = |link: &&Link| link.up && link.ends.iter().all(|end| end.closed == Closed::Open);
        for link in self.links.iter().filter(is_open) {
            for end in &link.ends {
                let is_timed = end.session.poll_timeout().is_some();
                assert!(end.session.is_level() || is_timed, "at rest, not level, and nobody says why");
            }
            let [a, b] = link.ends.each_ref().map(|end| &self.devices[end.device]);
            let is_leaving = link.ends.iter().any(|end| end.session.has_said_goodbye());
            let is_told = link.ends.iter().any(|end| !end.seen.peer_declined.is_empty() || !end.declined.is_empty());
            if is_leaving || is_told || link.ends.iter().any(|end| !end.session.is_level()) {
                continue;
            }
            let control = (link.ends[0].session.peer_role() == PeerRole::Own).then_some(WorkspaceId::CONTROL);
            for workspace in a.offers.intersection(&b.offers).copied().chain(control) {
                let held = [a, b].map(|device| device.store.heads(workspace).into_iter().collect::<BTreeMap<_, _>>());
                assert!(held[0] == held[1], "level, not equal, and nobody says why");
            }
        }
    }

    /// Runs, and lets time pass, until every connection is closed.
    pub(crate) fn run_until_closed(&mut self) {
        for _ in 0..20 {
            self.run();
            let timeouts = self.links.iter().filter(|link| link.up).flat_map(|link| &link.ends);
            let Some(next) = timeouts.filter_map(|end| end.session.poll_timeout()).min() else { return };
            self.now = self.now.max(next);
            for link in 0..self.links.len() {
                for end in 0..2 {
                    self.handle(link, end, Input::Tick);
                }
            }
        }
        panic!("the connections are not closed");
    }

    /// Lets everything arrive that is on its way, in order, and nothing that is sent meanwhile: half a round trip.
    pub(crate) fn flight(&mut self) {
        let mut arriving = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            for (which, end) in link.ends.iter().enumerate() {
                arriving.extend(end.arriving.iter().map(|(pipe, packets)| (at, which, *pipe, packets.len())));
            }
        }
        for (link, end, pipe, packets) in arriving {
            (0..packets).for_each(|_| self.deliver(link, end, pipe));
        }
    }

    /// Lets one thing happen, chosen by the seed. Returns whether there was one.
    pub(crate) fn step(&mut self) -> bool {
        let mut steps = Vec::new();
        for (at, link) in self.links.iter().enumerate() {
            for (which, end) in link.ends.iter().enumerate() {
                if end.closed == Closed::Open {
                    let ready = end.arriving.iter().filter(|(_, packets)| !packets.is_empty());
                    steps.extend(ready.map(|(pipe, _)| Step::Deliver(at, which, *pipe)));
                }
                let waits = end.unsettled.keys().any(|workspace| Some(*workspace) != self.still);
                if link.up && waits && !self.disks_stand_still {
                    steps.push(Step::Sync(end.device));
                }
            }
        }
        let is_fast = |step: &Step| !matches!(step, Step::Deliver(link, ..) if Some(*link) == self.slow);
        if steps.iter().any(is_fast) {
            steps.retain(is_fast);
        }
        if steps.is_empty() {
            return false;
        }
        match steps[self.rng.below(steps.len())] {
            Step::Deliver(link, end, pipe) => self.deliver(link, end, pipe),
            Step::Sync(device) => self.sync(device),
        }
        true
    }

    /// All devices hold the same.
    pub(crate) fn assert_equal(&self) {
        let [first, others @ ..] = &self.devices[..] else { return };
        for other in others {
            assert_eq!(first.store.holdings(), other.store.holdings());
        }
    }

    pub(crate) fn end(&self, link: usize, end: usize) -> &End {
        &self.links[link].ends[end]
    }

    pub(crate) fn handle(&mut self, link: usize, end: usize, input: Input) {
        if self.links[link].up && self.links[link].ends[end].closed == Closed::Open {
            self.links[link].ends[end].session.handle(self.now, input);
            self.drain(link, end);
        }
    }

    fn ends_of(&self, device: usize) -> Vec<(usize, usize)> {
        let all =
            self.links.iter().enumerate().flat_map(|(at, link)| link.ends.iter().enumerate().map(move |e| (at, e)));
        all.filter(|(_, (_, end))| end.device == device).map(|(link, (end, _))| (link, end)).collect()
    }

    fn offer(&mut self, link: usize, end: usize) {
        let device = &self.devices[self.links[link].ends[end].device];
        let offered = |workspace: &WorkspaceId| Offered {
            workspace: *workspace,
            name: "notes".to_owned(),
            access: WireAccess::ReadWrite,
        };
        let list = device.offers.iter().map(offered).collect();
        self.handle(link, end, Input::Offers(list));
    }

    fn deliver(&mut self, link: usize, end: usize, pipe: Pipe) {
        let Some(packet) = self.links[link].ends[end].arriving.get_mut(&pipe).and_then(VecDeque::pop_front) else {
            return;
        };
        let (id, packet) = match (pipe, packet) {
            (Pipe::Control, Packet::Frame(bytes)) => {
                let message = Message::decode(&bytes).unwrap();
                return self.handle(link, end, Input::Control(message));
            }
            (Pipe::Control, Packet::Fin) => return,
            (Pipe::Stream(id), packet) => (id, packet),
        };
        let here = &mut self.links[link].ends[end];
        let bound = here.streams.iter().find(|(_, stream)| stream.id == id).map(|(workspace, _)| *workspace);
        match (packet, bound) {
            (Packet::Frame(bytes), bound) => {
                let message = Message::decode(&bytes).unwrap();
                let workspace = match (&message, bound) {
                    (Message::Open { workspace }, None) => {
                        here.streams.insert(*workspace, Stream::new(id));
                        *workspace
                    }
                    (_, Some(workspace)) => workspace,
                    // An older stream's last words.
                    (_, None) => return,
                };
                if let (Message::Ack { credit, .. }, Some(stream)) = (&message, here.streams.get_mut(&workspace)) {
                    stream.credit = *credit;
                }
                self.handle(link, end, Input::Stream { workspace, message });
            }
            (Packet::Fin, Some(workspace)) => {
                if let Some(stream) = here.streams.get_mut(&workspace) {
                    stream.peer_finished = true;
                }
                self.forget_finished(link, end);
                self.handle(link, end, Input::StreamClosed { workspace });
            }
            (Packet::Fin, None) => {}
        }
    }

    fn forget_finished(&mut self, link: usize, end: usize) {
        self.links[link].ends[end].streams.retain(|_, stream| !(stream.finished && stream.peer_finished));
    }

    /// Makes durable what a device has received, and tells its machines: first whom it came from, then everyone.
    /// Has a disk make durable what it was given, and tells everybody.
    pub(crate) fn sync(&mut self, device: usize) {
        let workspaces: BTreeSet<WorkspaceId> = self
            .ends_of(device)
            .iter()
            .flat_map(|(link, end)| self.links[*link].ends[*end].unsettled.keys().copied().collect::<Vec<_>>())
            .filter(|workspace| Some(*workspace) != self.still)
            .collect();
        for workspace in workspaces {
            let advanced = self.devices[device].store.sync(workspace);
            for (link, end) in self.ends_of(device) {
                if let Some((advanced, bytes)) = self.links[link].ends[end].unsettled.remove(&workspace) {
                    self.handle(link, end, Input::Durable { workspace, advanced, bytes });
                }
            }
            for (author, head, run) in advanced {
                let run = (self.rng.below(2) == 0).then_some(run);
                for (link, end) in self.ends_of(device) {
                    self.handle(link, end, Input::Advanced { workspace, author, head, run: run.clone() });
                }
            }
        }
    }

    /// Carries out what a machine wants.
    fn drain(&mut self, link: usize, end: usize) {
        while let Some(output) = self.links[link].ends[end].session.poll() {
            let device = self.links[link].ends[end].device;
            let here = &mut self.links[link].ends[end];
            match output {
                Output::SendControl(message) => self.send(link, end, Pipe::Control, &message),
                Output::Send { workspace, message } => {
                    self.check(link, end, workspace, &message);
                    let id = self.links[link].ends[end].streams[&workspace].id;
                    self.send(link, end, Pipe::Stream(id), &message);
                }
                Output::OpenStream { workspace } => {
                    let id = self.links[link].next_stream;
                    self.links[link].next_stream += 1;
                    let here = &mut self.links[link].ends[end];
                    here.seen.opened.push(workspace);
                    let old = here.streams.insert(workspace, Stream::new(id));
                    assert!(old.is_none(), "a stream was opened over another");
                }
                Output::CloseStream { workspace } => {
                    let stream = here.streams.get_mut(&workspace).unwrap();
                    assert!(!stream.finished, "a stream was closed twice");
                    stream.finished = true;
                    let pipe = Pipe::Stream(stream.id);
                    self.links[link].ends[1 - end].arriving.entry(pipe).or_default().push_back(Packet::Fin);
                    self.forget_finished(link, end);
                }
                Output::PeerInfo(_) | Output::PeerDevices(_) | Output::PeerVector { .. } => {}
                Output::PeerOffer { add, .. } => {
                    let known = self.devices[device].offers.clone();
                    if self.devices[device].adopts == Adopts::Everything {
                        self.devices[device].offers.extend(add.iter().map(|offered| offered.workspace));
                    }
                    if self.devices[device].offers == known {
                        self.offer(link, end);
                    } else {
                        for (link, end) in self.ends_of(device) {
                            self.offer(link, end);
                        }
                    }
                }
                Output::Describe { workspace } => {
                    let peer = here.session.peer();
                    let heads = self.devices[device].store.heads(workspace);
                    let peer_seal = self.devices[device].store.peer_seal(workspace, peer);
                    self.handle(link, end, Input::Heads { workspace, heads, peer_seal });
                }
                Output::Read { workspace, author, from, max_bytes } => {
                    let units = self.devices[device].store.read(workspace, author, from, max_bytes);
                    self.handle(link, end, Input::Units { workspace, author, units });
                }
                Output::Receive { workspace, bytes } => self.receive(link, end, workspace, &bytes),
                Output::PeerSeal { workspace, seal } => {
                    seal.verify(&workspace).unwrap();
                    here.seen.peer_seals += 1;
                }
                Output::PeerDeclined { author, from, reason, .. } => {
                    here.seen.peer_declined.push((author, from, reason));
                }
                Output::PeerWithdrew { author, .. } => here.seen.peer_withdrew.push(author),
                Output::Progress { workspace, progress } => {
                    here.seen.progress.insert(workspace, progress);
                }
                Output::Level { workspace } => *here.seen.level.entry(workspace).or_default() += 1,
                Output::AllLevel => here.seen.all_level += 1,
                Output::Close { reason } => {
                    here.closed = reason.map_or(Closed::Done, Closed::For);
                    self.close(link, end);
                }
                other => panic!("nobody expected {other:?}"),
            }
        }
    }

    /// One end closed the connection: what was on its way may still arrive, or may not.
    fn close(&mut self, link: usize, end: usize) {
        if self.rng.below(2) == 0 || self.links[link].ends[1 - end].closed != Closed::Open {
            self.cut(link);
        }
    }

    fn receive(&mut self, link: usize, end: usize, workspace: WorkspaceId, bytes: &Bytes) {
        let here = &mut self.links[link].ends[end];
        here.seen.received += 1;
        let received = self.devices[here.device].store.receive(workspace, bytes);
        let (advanced, settled) = here.unsettled.entry(workspace).or_default();
        *settled += u64::try_from(bytes.len()).unwrap();
        let (author, from, reason) = match received {
            Received::Held(author, last) => {
                advanced.push((author, last));
                return;
            }
            Received::Gap { author, expected } => (author, expected, Reason::Gap),
            Received::Unwelcome { author, expected } => (author, expected, Reason::Declined),
            Received::Fork { author, expected } => (author, expected, Reason::Fork),
            Received::Malformed => return self.handle(link, end, Input::Refused(Reason::Malformed)),
        };
        if reason == Reason::Gap || here.declined.insert((workspace, author)) {
            self.handle(link, end, Input::Declined { workspace, author, from, reason });
        }
    }

    fn send(&mut self, link: usize, end: usize, pipe: Pipe, message: &Message) {
        let bytes = message.encode().unwrap();
        let here = &mut self.links[link].ends[end];
        here.seen.bytes_sent += 4 + u64::try_from(bytes.len()).unwrap();
        here.seen.messages_sent.push(name(message));
        let there = &mut self.links[link].ends[1 - end];
        if there.closed == Closed::Open {
            there.arriving.entry(pipe).or_default().push_back(Packet::Frame(bytes));
        }
    }

    /// What holds for every message that any machine sends.
    fn check(&mut self, link: usize, end: usize, workspace: WorkspaceId, message: &Message) {
        let is_beyond_digests = !matches!(message, Message::Open { .. } | Message::Hello { .. });
        if is_beyond_digests && workspace != WorkspaceId::CONTROL {
            let link = &self.links[link];
            let found_level = |end: &End| end.seen.level.contains_key(&WorkspaceId::CONTROL);
            // One of the two has found it level, and that the other hears of on another stream.
            let is_friend = link.ends[end].session.peer_role() == PeerRole::Friend;
            assert!(is_friend || link.ends.iter().any(found_level), "the control log was to come first");
        }
        let here = &mut self.links[link].ends[end];
        match message {
            Message::Ack { held, .. } => {
                for (author, seq) in held {
                    let durable = self.devices[here.device].store.durable(workspace, author);
                    assert!(durable >= *seq, "{author} was acknowledged up to {seq} and is durable up to {durable}");
                }
            }
            Message::Unit { bytes } => {
                *here.seen.units_sent.entry(workspace).or_default() += 1;
                let stream = here.streams.get_mut(&workspace).unwrap();
                assert!(!stream.finished, "something was sent on a closed stream");
                stream.sent += u64::try_from(bytes.len()).unwrap();
                assert!(stream.sent <= stream.credit, "more was sent than the credit allows");
            }
            _ => {}
        }
    }
}

impl Stream {
    const fn new(id: u64) -> Self {
        Self { id, finished: false, peer_finished: false, credit: IN_FLIGHT, sent: 0 }
    }
}

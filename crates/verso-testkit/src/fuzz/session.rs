//! One session: whatever the peer says, and in whatever order the host answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::LazyLock;

use bytes::Bytes as Buffer;
use verso_identity::{DeviceId, WorkspaceId};
use verso_session::{EncodedRun, Input, LocalInfo, Millis, Mode, Output, Session, SessionConfig};
use verso_trust::PeerRole;
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::limits::{IN_FLIGHT, IN_FLIGHT_IN_ALL, MAX_UNIT_BYTES};
use verso_wire::{ChainHead, HeldDigest, Message, Offered, Reason, VersionRange, WireAccess};

use crate::fuzz::{Bytes, shapes};

/// How many inputs one session is given: more than any budget of it, so that what is kept of each would show.
const MAX_INPUTS: usize = 20_000;

/// The most that a session holds, in characters of its `Debug` form, which shows all of it: streams of 8 workspaces with 128 chains each. A
/// session that kept 50 characters of every input would exceed it.
const MAX_HELD: usize = 1_000_000;

/// More outputs than any one input is answered with.
const MAX_OUTPUTS: usize = 4_096;

/// The largest unit while it is measured what is held, and else.
const SMALL_UNIT: usize = 64;

/// What all units are slices of.
static UNITS: LazyLock<Buffer> = LazyLock::new(|| Buffer::from(vec![0; MAX_UNIT_BYTES]));

/// Drives a session as `input` says: messages that fit and that don't, on streams that are open and that aren't, answers of the host late, never, or to
/// nothing that was asked; some inputs thousands of times.
///
/// # Panics
/// If the session panics, holds more than it may, sends more than the peer gave credit for, sends on a stream that is closed, says what
/// can't be encoded, or goes on after its end.
pub fn session(input: &[u8]) {
    let mut input = Bytes::new(input);
    let mut host = Host::new(&mut input);
    host.begin(input.below(5));
    while !input.is_empty() && host.given < MAX_INPUTS && !host.is_over {
        let times = if input.byte().is_multiple_of(32) { 1_u64 << (input.byte() % 14) } else { 1 };
        let choices = input.clone();
        for time in 0..times {
            let mut again = choices.clone();
            host.step(&mut again, time);
            input = again;
        }
        if times > 1 {
            host.check_held();
        }
    }
    host.check_held();
    // Nothing comes after the end, and whatever is waited for is waited for so long.
    for _ in 0..100 {
        let Some(at) = host.session.poll_timeout() else { break };
        assert!(host.now < at || !host.is_over, "it waits for what is past");
        host.now = host.now.max(at);
        host.give(Input::Tick);
        assert!(host.session.poll_timeout().is_none_or(|next| next > host.now), "a timer fires again and again");
    }
}

/// The driver and the replica of a session.
struct Host {
    session: Session,
    is_opener: bool,
    now: Millis,
    given: usize,
    is_over: bool,
    unit: usize,
    /// Answers that the session waits for.
    due: VecDeque<Input>,
    offered: BTreeSet<WorkspaceId>,
    heads: BTreeMap<(WorkspaceId, Author), Seq>,
    open: BTreeMap<WorkspaceId, Wire>,
    /// Bytes of units that came in and were not settled.
    unsettled: BTreeMap<WorkspaceId, u64>,
}

/// What was sent on a stream, and what may be.
struct Wire {
    sent: u64,
    credit: u64,
}

impl Wire {
    const NEW: Self = Self { sent: 0, credit: IN_FLIGHT };
}

impl Host {
    fn new(input: &mut Bytes<'_>) -> Self {
        let [low, high] = [1, 2].map(|byte| DeviceId::from_bytes([byte; 32]));
        let is_opener = input.byte().is_multiple_of(2);
        let (me, peer) = if is_opener { (low, high) } else { (high, low) };
        let peer_role = if input.byte().is_multiple_of(4) { PeerRole::Friend } else { PeerRole::Own };
        let mode = if input.byte().is_multiple_of(4) { Mode::FinishWhenLevel } else { Mode::StayOpen };
        let info = LocalInfo { name: "host".to_owned(), wall_clock_ms: 0, addresses: Vec::new() };
        let config = SessionConfig { me, peer, peer_role, info, version_floor: 1, mode };
        let mut session = Session::new(config, Millis(0));
        let offered: BTreeSet<_> = (1..4).map(|number| WorkspaceId::from_bytes([number; 16])).collect();
        if input.byte().is_multiple_of(4) {
            session = session.expecting(offered.iter().copied());
        }
        let unit = if input.byte().is_multiple_of(4) { MAX_UNIT_BYTES } else { SMALL_UNIT };
        let mut heads = BTreeMap::new();
        for workspace in offered.iter().copied().chain([WorkspaceId::CONTROL]) {
            heads.extend((0..3).map(|which| ((workspace, shapes::author(which)), Seq(5))));
        }
        Self {
            session,
            is_opener,
            now: Millis(0),
            given: 0,
            is_over: false,
            unit,
            due: VecDeque::new(),
            offered,
            heads,
            open: BTreeMap::new(),
            unsettled: BTreeMap::new(),
        }
    }

    /// Does what an honest peer would, up to a point.
    fn begin(&mut self, until: usize) {
        let list = self.offers();
        let workspaces: Vec<WorkspaceId> = [WorkspaceId::CONTROL].into_iter().chain(self.offered.clone()).collect();
        let info = || {
            let (name, addresses) = ("peer".to_owned(), Vec::new());
            Message::PeerInfo { name, versions: VersionRange::CURRENT, wall_clock_ms: 0, addresses }
        };
        let digest = HeldDigest([8; 32]);
        for stage in 0..until {
            match stage {
                0 => {
                    self.give(Input::Offers(list.clone()));
                    self.give(Input::Control(info()));
                }
                1 => {
                    self.give(Input::Control(Message::Offer { add: list.clone(), remove: Vec::new() }));
                    self.give(Input::Control(Message::Offer { add: Vec::new(), remove: Vec::new() }));
                }
                2 => {
                    for workspace in &workspaces {
                        if !self.is_opener {
                            self.say(*workspace, Message::Open { workspace: *workspace });
                        }
                        self.say(*workspace, Message::Hello { digest });
                    }
                }
                _ => {
                    for workspace in &workspaces {
                        self.say(*workspace, Message::Vector { entries: Vec::new(), seal: None });
                    }
                }
            }
            self.answer_all();
        }
    }

    fn offers(&self) -> Vec<Offered> {
        let offer = |workspace: &WorkspaceId| Offered {
            workspace: *workspace,
            name: String::new(),
            access: WireAccess::ReadWrite,
        };
        self.offered.iter().map(offer).collect()
    }

    fn answer_all(&mut self) {
        while let Some(answer) = self.due.pop_front() {
            self.give(answer);
        }
    }

    /// Has the peer say something on a stream.
    fn say(&mut self, workspace: WorkspaceId, message: Message) {
        self.give(Input::Stream { workspace, message });
    }

    fn step(&mut self, input: &mut Bytes<'_>, salt: u64) {
        let kind = input.below(20);
        let author = |input: &mut Bytes<'_>| shapes::author(u64::from(input.byte()).wrapping_add(salt));
        match kind {
            0..=5 => {
                let workspace = shapes::workspace(input);
                let message = shapes::message(input, salt);
                self.say(workspace, message);
            }
            6 | 7 => {
                let message = shapes::message(input, salt);
                self.give(Input::Control(message));
            }
            8..=10 => {
                if let Some(answer) = self.due.pop_front() {
                    self.give(answer);
                }
            }
            11 => self.answer_all(),
            12 | 13 => {
                let workspace = shapes::workspace(input);
                let bytes = self.unsettled.remove(&workspace).unwrap_or_default();
                let mut advanced: Vec<_> =
                    (0..input.byte() % 4).map(|_| (author(input), Seq(shapes::number(input)))).collect();
                advanced.sort_unstable();
                advanced.dedup_by_key(|(author, _)| *author);
                self.give(Input::Durable { workspace, advanced, bytes });
            }
            14 | 15 => self.advance(input, salt),
            16 => {
                self.now = Millis(self.now.0 + (1 << (input.byte() % 16)));
                self.give(Input::Tick);
            }
            17 => {
                let workspace = shapes::workspace(input);
                if !self.offered.remove(&workspace) {
                    self.offered.insert(workspace);
                }
                let offers = self.offers();
                self.give(Input::Offers(offers));
            }
            18 => {
                let workspace = shapes::workspace(input);
                let (author, from) = (author(input), Seq(shapes::number(input)));
                let reason = shapes::reason(input);
                self.give(match input.byte() % 6 {
                    0 => Input::Declined { workspace, author, from, reason },
                    1 => Input::Withdrawn { workspace, author },
                    2 => Input::Declined { workspace, author, from, reason: Reason::Gap },
                    3 => Input::Proof { workspace, proof: shapes::proof(input, author) },
                    4 => Input::ProofIsNews,
                    _ => Input::StreamClosed { workspace },
                });
            }
            _ => match input.byte() {
                0 => {
                    let reason = shapes::reason(input);
                    self.give(Input::Refused(reason));
                }
                1..16 => self.give(Input::Finish),
                _ => self.give(Input::Tick),
            },
        }
    }

    /// Something is written here, or comes from a third device.
    fn advance(&mut self, input: &mut Bytes<'_>, salt: u64) {
        let workspace = shapes::workspace(input);
        let author = shapes::author(u64::from(input.byte()).wrapping_add(salt));
        let head = self.heads.entry((workspace, author)).or_default();
        let first = head.next();
        *head = Seq(head.0.saturating_add(1 + u64::from(input.byte() % 3)));
        let head = chain_head(*head);
        let len = 1 + input.below(self.unit);
        let run = EncodedRun { first, last: head.seq, bytes: UNITS.slice(..len) };
        let run = (!input.byte().is_multiple_of(4)).then_some(run);
        self.give(Input::Advanced { workspace, author, head, run });
    }

    /// Gives the session something, and carries out what it wants.
    fn give(&mut self, input: Input) {
        self.given += 1;
        let acknowledged = match &input {
            Input::Stream { workspace, message: Message::Ack { credit, .. } } => Some((*workspace, *credit)),
            _ => None,
        };
        // Where the peer opens a stream something may be said.
        if let Input::Stream { workspace, message: Message::Open { .. } } = &input {
            self.open.entry(*workspace).or_insert(Wire::NEW);
        }
        self.session.handle(self.now, input);
        if let Some((workspace, credit)) = acknowledged.filter(|_| !self.session.is_over())
            && let Some(wire) = self.open.get_mut(&workspace)
        {
            wire.credit = wire.credit.max(credit);
        }
        let mut outputs = 0;
        while let Some(output) = self.session.poll() {
            outputs += 1;
            assert!(outputs <= MAX_OUTPUTS, "one input has thousands of outputs");
            assert!(!self.is_over, "{output:?} after the end");
            self.carry_out(output);
        }
        assert_eq!(self.session.is_over(), self.is_over, "the end is told");
        if self.is_over {
            assert_eq!(self.session.poll_timeout(), None);
        }
        let on_the_way = self.open.values().map(|wire| wire.sent.saturating_sub(wire.credit - IN_FLIGHT)).sum::<u64>();
        let streams = u64::try_from(self.open.len()).expect("they are few");
        let unit = u64::try_from(MAX_UNIT_BYTES).expect("it is small");
        assert!(on_the_way <= IN_FLIGHT_IN_ALL + streams * unit, "{on_the_way} bytes on {streams} streams");
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::SendControl(message) => assert!(message.encode().is_ok(), "{message:?} can't be said"),
            Output::Send { workspace, message: Message::Unit { bytes } } => {
                let wire = self.open.get_mut(&workspace).expect("units go out on streams that are open");
                wire.sent += u64::try_from(bytes.len()).expect("it is small");
                assert!(wire.sent <= wire.credit, "there is no credit for it");
            }
            Output::Send { workspace, message } => {
                assert!(self.open.contains_key(&workspace), "{message:?} on a stream that is closed");
                assert!(message.encode().is_ok(), "{message:?} can't be said");
            }
            Output::OpenStream { workspace } => {
                assert!(self.is_opener, "the other side opens streams");
                assert!(self.open.insert(workspace, Wire::NEW).is_none(), "it is open");
            }
            Output::CloseStream { workspace } => drop(self.open.remove(&workspace)),
            Output::Describe { workspace } => {
                let of_it = self.heads.iter().filter(|((other, _), _)| *other == workspace);
                let heads = of_it.map(|((_, author), seq)| (*author, chain_head(*seq))).collect();
                self.due.push_back(Input::Heads { workspace, heads, peer_seal: None });
            }
            Output::Read { workspace, author, from, max_bytes } => {
                let units = self.read(workspace, author, from, max_bytes);
                self.due.push_back(Input::Units { workspace, author, units });
            }
            Output::Receive { workspace, bytes } => {
                *self.unsettled.entry(workspace).or_default() += u64::try_from(bytes.len()).expect("it is small");
            }
            Output::PeerOffer { .. } => {
                let offers = self.offers();
                self.due.push_back(Input::Offers(offers));
            }
            Output::Close { .. } => self.is_over = true,
            _ => {}
        }
    }

    /// Gives what is held of a chain, an entry a unit.
    fn read(&self, workspace: WorkspaceId, author: Author, from: Seq, max_bytes: usize) -> Vec<EncodedRun> {
        let last = self.heads.get(&(workspace, author)).copied().unwrap_or_default();
        let mut units = Vec::new();
        let mut total = 0;
        for seq in (from.0..=last.0).take(16).map(Seq) {
            total += self.unit;
            if total > max_bytes && !units.is_empty() {
                break;
            }
            units.push(EncodedRun { first: seq, last: seq, bytes: UNITS.slice(..self.unit) });
        }
        units
    }

    fn check_held(&self) {
        let mut held = Length(0);
        write!(held, "{:?}", self.session).expect("counting never fails");
        // What was read and waits for credit is bounded by bytes; here by units of which each is small.
        assert!(self.unit > SMALL_UNIT || held.0 <= MAX_HELD, "{} characters of state", held.0);
    }
}

fn chain_head(seq: Seq) -> ChainHead {
    let [byte, ..] = seq.0.to_le_bytes();
    ChainHead { seq, hash: EntryHash([byte; 32]) }
}

/// Counts characters.
struct Length(usize);

impl fmt::Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

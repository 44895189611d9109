//! [`Liar`]: what a hostile device makes of the messages that an honest one would send.

use std::collections::VecDeque;

use bytes::Bytes;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_replica::Stream;
use verso_trust::{
    Access, Admitted, ControlEvent, MembershipEvent, PairingSide, PairingWay, PeerRole, Standing, Vouch,
};
use verso_vv::{Author, AuthorTag, Hlc, Incarnation, Seen, Seq};
use verso_wire::{
    Application as _, ChainHead, CompressionLevel, Drafting, Drafts, EntryKind, HeldDigest, Message, Offered, Reason,
    UnitBuilder, VectorEntry, VersionRange, WireAccess,
};
use zeroize::Zeroizing;

use crate::rng::Rng;

/// The title of every node that a forger writes. No honest device ever shows it.
pub(crate) const FORGED: &str = "forged";

/// How many messages are kept to be said again.
const HISTORY: usize = 32;

/// A device that says what it should not. Its messages are cut, flipped, repeated, swapped, left out, altered field by field, or
/// replaced by inventions; it seals units with a key that nobody ever admitted, under its own name and under others'.
///
/// Two different entries under one number with its own key are a fork, which is healed and not refused: that is another
/// [trouble](crate::World::tell_two_stories).
#[derive(Debug)]
pub(crate) struct Liar {
    /// Of 256 messages so many become something else.
    lies: usize,
    history: VecDeque<(Stream, Bytes)>,
    /// A message that is said after the next one.
    held_back: Option<(Stream, Bytes)>,
    /// What it does, instead of what chance says: three bytes a message, no lie if the first is 0 or there are no more.
    script: Option<VecDeque<u8>>,
}

impl Liar {
    pub(crate) const fn new(lies: usize) -> Self {
        Self { lies, history: VecDeque::new(), held_back: None, script: None }
    }

    /// A liar that does what a script says.
    pub(crate) fn scripted(script: Vec<u8>) -> Self {
        Self { script: Some(script.into()), ..Self::new(0) }
    }

    /// Returns what is said on a stream in the place of a message.
    pub(crate) fn distort(&mut self, rng: &mut Rng, stream: Stream, body: Bytes) -> Vec<Bytes> {
        self.history.push_back((stream, body.clone()));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        let mut said = match self.scripted_choice() {
            Some(0) => vec![body],
            Some(choice) => self.lie(&mut Rng::new(choice), stream, body),
            None if rng.below(256) < self.lies => self.lie(rng, stream, body),
            None => vec![body],
        };
        if let Some((_, late)) = self.held_back.take_if(|(on, _)| *on == stream && !said.is_empty()) {
            said.push(late);
        }
        said
    }

    /// What the script says about a message, `None` without a script: 0 is the truth.
    fn scripted_choice(&mut self) -> Option<u64> {
        let script = self.script.as_mut()?;
        let mut next = || u64::from(script.pop_front().unwrap_or_default());
        let [whether, what, how] = [next(), next(), next()];
        Some(if whether == 0 { 0 } else { whether | what << 8 | how << 16 })
    }

    fn lie(&mut self, rng: &mut Rng, stream: Stream, body: Bytes) -> Vec<Bytes> {
        match rng.below(9) {
            0 => vec![body.slice(..rng.below(body.len() + 1))],
            1 => vec![flipped(rng, &body)],
            2 => Vec::new(),
            3 => vec![body.clone(), body],
            4 => {
                let earlier: Vec<&Bytes> =
                    self.history.iter().filter(|(on, _)| *on == stream).map(|(_, b)| b).collect();
                vec![earlier[rng.below(earlier.len())].clone(), body]
            }
            5 => {
                self.held_back = Some((stream, body));
                Vec::new()
            }
            6 | 7 => {
                let message = Message::decode(&body).expect("what a replica says is a message");
                vec![encode(&altered(rng, stream, message)).unwrap_or(body)]
            }
            _ => vec![body, encode(&invented(rng, stream)).unwrap_or_default()],
        }
    }
}

/// Changes what a message says, so that it still is one.
fn altered(rng: &mut Rng, stream: Stream, message: Message) -> Message {
    match message {
        Message::PeerInfo { name, wall_clock_ms, addresses, .. } => {
            let versions = VersionRange { min: number(rng, 3), max: number(rng, 4) };
            Message::PeerInfo { name, versions, wall_clock_ms, addresses }
        }
        Message::Offer { mut add, remove } => {
            add.push(offered(workspace(rng, stream)));
            Message::Offer { add, remove: if rng.below(2) == 0 { Vec::new() } else { remove } }
        }
        Message::Vector { mut entries, seal } => {
            for entry in &mut entries {
                entry.seq = near(rng, entry.seq);
            }
            if rng.below(2) == 0 {
                entries.push(VectorEntry { author: stranger(rng), seq: Seq(rng.next()), tag: [7; 8] });
                entries.sort_by_key(|entry| entry.author);
            }
            entries.retain(|_| rng.below(4) != 0);
            Message::Vector { entries, seal }
        }
        Message::Unit { bytes } => {
            match rng.below(3) {
                0 => Message::Unit { bytes: flipped(rng, &bytes) },
                1 => Message::Unit { bytes: forged(rng, stream, None) },
                // The victim's id is where every unit has its author's.
                _ => {
                    let victim = bytes.get(1..33).and_then(|id| id.try_into().ok()).map(DeviceId::from_bytes);
                    Message::Unit { bytes: forged(rng, stream, victim) }
                }
            }
        }
        Message::Ack { mut held, credit } => {
            for (_, seq) in &mut held {
                *seq = near(rng, *seq);
            }
            let credit = if rng.below(2) == 0 { credit } else { credit.wrapping_add(rng.next() % 3).wrapping_sub(1) };
            Message::Ack { held, credit }
        }
        Message::Decline { author, from, .. } => {
            Message::Decline { author, from: near(rng, from), reason: reason(rng) }
        }
        _ => invented(rng, stream),
    }
}

/// Makes a message that fits nothing.
fn invented(rng: &mut Rng, stream: Stream) -> Message {
    let (author, seq) = (stranger(rng), Seq(rng.next() % 5));
    match rng.below(10) {
        0 => Message::Hello { digest: HeldDigest([rng.byte(); 32]) },
        1 => Message::Vector { entries: vec![VectorEntry { author, seq, tag: [rng.byte(); 8] }], seal: None },
        2 => Message::Unit { bytes: forged(rng, stream, None) },
        3 => Message::Ack { held: vec![(author, seq)], credit: rng.next() },
        4 => Message::Decline { author, from: seq, reason: reason(rng) },
        5 => Message::Withdraw { author },
        6 => Message::Goodbye { reason: (rng.below(2) == 0).then(|| reason(rng)) },
        7 => Message::Open { workspace: workspace(rng, stream) },
        8 => Message::Offer { add: vec![offered(workspace(rng, stream))], remove: Vec::new() },
        _ => Message::Unit { bytes: Bytes::from(vec![rng.byte(); rng.below(300)]) },
    }
}

/// The key of a device that nobody was ever paired with.
pub(crate) fn forger() -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([0xbd; 32]))
}

/// Seals a unit with a key that was never admitted anywhere; what it says is in the name of `victim`, if one is given, and then the
/// seal is not its.
fn forged(rng: &mut Rng, stream: Stream, victim: Option<DeviceId>) -> Bytes {
    let workspace = workspace(rng, stream);
    let key = forger();
    let forger = key.id();
    let author = Author { device: forger, incarnation: Incarnation(rng.next() % 3) };
    let mut drafts = Drafts::new();
    if workspace == WorkspaceId::CONTROL {
        let admitted = Admitted {
            device: forger,
            role: PeerRole::Own,
            side: PairingSide::Showing,
            way: PairingWay::Link,
            name: FORGED.to_owned(),
            noise_key: [0; 32],
            sealing_key: [0; 32],
            addresses: Vec::new(),
            pair_secret: Vec::new(),
        };
        let event = ControlEvent::new(Seen::default(), admitted);
        drafts.push(EntryKind(event.kind()), &event.encode().expect("an event is small"));
    } else {
        let vouch = Vouch { device: forger, access: Access::ReadWrite, standing: Standing::CoOwner };
        let event = MembershipEvent::new(Seen::default(), vouch);
        drafts.push(EntryKind(event.kind()), &event.encode().expect("an event is small"));
        let node = Intent::AddNode { url: format!("https://example.org/{FORGED}"), title: FORGED.to_owned() };
        let (seen, tag) = (Seen::default(), AuthorTag::of(&author));
        let context = Drafting { author, tag, next: Seq(2), seen: &seen, hlc_ms: 0 };
        Graph::default().encode(&[node], &context, &mut drafts).expect("a node is an intent");
    }
    let mut builder = UnitBuilder::new(workspace, author, None, ChainHead::start(&workspace, &author));
    for (kind, payload) in drafts.iter() {
        builder.push(kind, Hlc(rng.next()), payload).expect("there is room");
    }
    let unit = builder.seal(&key).expect("the key is the forger's");
    let mut bytes = unit.encode(CompressionLevel::RECORD);
    if let Some(victim) = victim {
        let at = bytes.windows(32).position(|window| window == forger.as_bytes()).expect("a unit names its author");
        bytes[at..at + 32].copy_from_slice(victim.as_bytes());
    }
    Bytes::from(bytes)
}

fn encode(message: &Message) -> Option<Bytes> {
    message.encode().ok()
}

fn flipped(rng: &mut Rng, bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    let at = rng.below(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << rng.below(8);
    }
    Bytes::from(bytes)
}

fn workspace(rng: &mut Rng, stream: Stream) -> WorkspaceId {
    match stream {
        Stream::Workspace(workspace) if rng.below(8) != 0 => workspace,
        _ => WorkspaceId::from_bytes([rng.byte(); 16]),
    }
}

fn offered(workspace: WorkspaceId) -> Offered {
    Offered { workspace, name: FORGED.to_owned(), access: WireAccess::ReadWrite }
}

fn stranger(rng: &mut Rng) -> Author {
    Author { device: DeviceId::from_bytes([rng.byte(); 32]), incarnation: Incarnation(rng.next()) }
}

fn reason(rng: &mut Rng) -> Reason {
    Reason::ALL[rng.below(Reason::ALL.len())]
}

fn near(rng: &mut Rng, seq: Seq) -> Seq {
    match rng.below(4) {
        0 => Seq(u64::MAX),
        1 => Seq(seq.0.saturating_sub(1)),
        2 => Seq(seq.0.saturating_add(rng.next() % 4)),
        _ => seq,
    }
}

fn number(rng: &mut Rng, bound: u32) -> u32 {
    u32::try_from(rng.next() % u64::from(bound)).unwrap_or_default()
}

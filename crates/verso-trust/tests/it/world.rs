//! Devices that write events and pass them on, each with its fold: what the scenarios are told with.

use std::collections::BTreeMap;

use proptest::test_runner::{Config as ProptestConfig, RngSeed};
use verso_identity::{DeviceId, WorkspaceId};
use verso_trust::{
    Access, Admitted, Control, ControlChange, ControlEvent, Cut, EventContext, Found, Membership, MembershipChange,
    MembershipEvent, PairingSide, PairingWay, PeerRole, Removed, Revoke, Standing, Vouch,
};
use verso_vv::{Author, AuthorTag, EntryHash, Hlc, Incarnation, Seen, Seq};

/// The settings of property tests: the same cases in every run. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` make it others.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

/// Makes a device's id from a number.
pub(crate) fn device(number: u8) -> DeviceId {
    DeviceId::from_bytes([number; 32])
}

pub(crate) fn author(number: u8, incarnation: u64) -> Author {
    Author { device: device(number), incarnation: Incarnation(incarnation) }
}

/// What a node needs of a fold.
pub(crate) trait Fold: Clone {
    type Event: Clone;
    type Change;
    fn event(&self, change: Self::Change) -> Self::Event;
    fn add(&mut self, context: &EventContext, event: Self::Event);
    fn payload(event: &Self::Event) -> Vec<u8>;
}

impl Fold for Control {
    type Event = ControlEvent;
    type Change = ControlChange;
    fn event(&self, change: ControlChange) -> ControlEvent {
        ControlEvent::new(self.seen(), change)
    }
    fn add(&mut self, context: &EventContext, event: ControlEvent) {
        self.apply(context, event);
    }
    fn payload(event: &ControlEvent) -> Vec<u8> {
        event.encode().unwrap()
    }
}

impl Fold for Membership {
    type Event = MembershipEvent;
    type Change = MembershipChange;
    fn event(&self, change: MembershipChange) -> MembershipEvent {
        MembershipEvent::new(self.seen(), change)
    }
    fn add(&mut self, context: &EventContext, event: MembershipEvent) {
        self.apply(context, event);
    }
    fn payload(event: &MembershipEvent) -> Vec<u8> {
        event.encode().unwrap()
    }
}

/// A device with its fold of one log and the events it holds.
#[derive(Clone)]
pub(crate) struct Node<F: Fold> {
    pub(crate) me: DeviceId,
    pub(crate) author: Author,
    pub(crate) fold: F,
    pub(crate) held: BTreeMap<(Author, Seq), (EventContext, F::Event)>,
    head: (Seq, EntryHash),
    clock: u64,
}

impl<F: Fold> Node<F> {
    pub(crate) fn with(number: u8, fold: F) -> Self {
        let author = author(number, 1);
        let head = (Seq::ZERO, EntryHash([number; 32]));
        Self { me: author.device, author, fold, held: BTreeMap::new(), head, clock: 1_000 }
    }

    /// Writes with what the node has seen.
    pub(crate) fn write(&mut self, change: impl Into<F::Change>) -> EventContext {
        let event = self.fold.event(change.into());
        self.write_event(event)
    }

    /// Writes an event as it is, also such as an honest device would not.
    pub(crate) fn write_event(&mut self, event: F::Event) -> EventContext {
        let (seq, before) = self.head;
        let hash = blake3::Hasher::new().update(&before.0).update(&F::payload(&event)).finalize();
        self.head = (seq.next(), EntryHash(*hash.as_bytes()));
        self.clock += 1;
        let context = EventContext {
            author: self.author,
            seq: self.head.0,
            hash: self.head.1,
            hlc: Hlc::from_millis(self.clock),
            tag: AuthorTag::of(&self.author),
        };
        self.hold(context, event);
        context
    }

    /// Writes application entries, of which a fold of membership knows nothing.
    pub(crate) fn write_content(&mut self, count: u64) {
        for _ in 0..count {
            let hash = blake3::hash(&self.head.1.0);
            self.head = (self.head.0.next(), EntryHash(*hash.as_bytes()));
        }
    }

    /// Takes everything that another node holds.
    pub(crate) fn pull(&mut self, other: &Self) {
        for (context, event) in other.held.values() {
            self.hold(*context, event.clone());
        }
        self.clock = self.clock.max(other.clock);
    }

    pub(crate) fn hold(&mut self, context: EventContext, event: F::Event) {
        if self.held.insert((context.author, context.seq), (context, event.clone())).is_none() {
            self.fold.add(&context, event);
        }
    }

    /// Starts a new writing life.
    pub(crate) fn restart(&mut self, incarnation: u64) {
        self.author.incarnation = Incarnation(incarnation);
        self.head = (Seq::ZERO, EntryHash([u8::try_from(incarnation % 251).unwrap(); 32]));
    }

    /// Sets the clock, for devices whose clocks are wrong.
    pub(crate) fn set_clock(&mut self, clock: u64) {
        self.clock = clock;
    }

    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// Returns the end of the own chain.
    pub(crate) fn head(&self) -> Cut {
        Cut { author: self.author, seq: self.head.0, hash: self.head.1, seal: vec![7; 64] }
    }

    /// Cuts a device's chains where this node holds them. Knows events only, so not where content follows.
    pub(crate) fn cuts_of(&self, device: DeviceId) -> Vec<Cut> {
        let mut heads: BTreeMap<Author, Cut> = BTreeMap::new();
        for (context, _) in self.held.values().filter(|(context, _)| context.author.device == device) {
            let EventContext { author, seq, hash, .. } = *context;
            heads.insert(author, Cut { author, seq, hash, seal: vec![7; 64] });
        }
        heads.into_values().collect()
    }
}

/// Lets all nodes hold what any of them holds.
pub(crate) fn meet<F: Fold>(nodes: &mut [&mut Node<F>]) {
    for _ in 0..2 {
        for index in 1..nodes.len() {
            let (before, rest) = nodes.split_at_mut(index);
            before[0].pull(&*rest[0]);
            rest[0].pull(&*before[0]);
        }
    }
}

impl Node<Control> {
    pub(crate) fn new(number: u8) -> Self {
        Self::with(number, Control::new(device(number)))
    }

    /// Pairs with a device that joins, both writing their half.
    pub(crate) fn pair(&mut self, joiner: &mut Self, role: PeerRole) {
        self.write(admitted(joiner.me, role, PairingSide::Showing));
        joiner.write(admitted(self.me, role, PairingSide::Joining));
    }

    /// Removes a device with cuts where this node holds its chains.
    pub(crate) fn remove(&mut self, device: DeviceId) -> EventContext {
        let cuts = self.cuts_of(device);
        self.write(Removed { device, cuts })
    }
}

pub(crate) fn admitted(device: DeviceId, role: PeerRole, side: PairingSide) -> Admitted {
    Admitted {
        device,
        role,
        side,
        way: PairingWay::Link,
        name: format!("device {device}"),
        noise_key: [device.as_bytes()[0]; 32],
        sealing_key: [device.as_bytes()[0] ^ 0xff; 32],
        addresses: vec!["192.0.2.1:4433".to_owned()],
        pair_secret: Vec::new(),
    }
}

/// The nonce of the workspace that all membership scenarios are about, and its founder's number.
pub(crate) const NONCE: [u8; 16] = *b"sixteen bytes ok";
pub(crate) const FOUNDER: u8 = 1;

pub(crate) fn workspace() -> WorkspaceId {
    WorkspaceId::found(&device(FOUNDER), &NONCE)
}

impl Node<Membership> {
    pub(crate) fn member(number: u8) -> Self {
        Self::with(number, Membership::new(workspace()))
    }

    pub(crate) fn founder() -> Self {
        let mut founder = Self::member(FOUNDER);
        founder.write(Found { nonce: NONCE });
        founder
    }

    pub(crate) fn vouch(&mut self, device: DeviceId, access: Access, standing: Standing) -> EventContext {
        self.write(Vouch { device, access, standing })
    }

    pub(crate) fn revoke(&mut self, device: DeviceId, cuts: Vec<Cut>, keeps: Option<Access>) -> EventContext {
        self.write(Revoke { device, cuts, keeps })
    }
}

/// A vector that has seen nothing, for those who pretend.
pub(crate) fn nothing() -> Seen {
    Seen::default()
}

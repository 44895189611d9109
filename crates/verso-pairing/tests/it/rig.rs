//! Two devices with fixed keys, a wire between their machines, and everything that a test may want to turn.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_noise::{NoiseKey, Randomness, SyncHandshake, SyncPrologue, SyncSecrets};
use verso_pairing::{
    Connection, Entropy, Input, Invitation, Joiner, Name, NearbyCode, Offer, Output, PAIR_SECONDS, Paired,
    PairingError, PairingLink, Profile, ProvisionalPeer, Setup, Shower, Summary, Terms, Token, Validity, Words,
    WordsSecret, WorkspaceTerms,
};
use verso_trust::{Access, PeerRole};
use zeroize::Zeroizing;

/// When every test begins, in milliseconds since the Unix epoch.
pub(crate) const NOW: u64 = 1_790_000_000_000;
/// The device that shows.
pub(crate) const SHOWER: u8 = 1;
/// The device that joins.
pub(crate) const JOINER: u8 = 2;
/// Somebody else's.
pub(crate) const STRANGER: u8 = 3;

pub(crate) const EXPORTER: [u8; 32] = [0xE0; 32];
pub(crate) const TOKEN: [u8; 16] = [0x70; 16];

pub(crate) fn key(device: u8) -> Arc<DeviceKey> {
    Arc::new(DeviceKey::from_secret(&Zeroizing::new([device; 32])))
}

pub(crate) fn id(device: u8) -> DeviceId {
    key(device).id()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn profile(device: u8) -> Profile {
    Profile {
        name: name(&format!("Device {device}")),
        sealing_key: [device ^ 0x5e; 32],
        addresses: vec![format!("192.0.2.{device}:4242").parse().unwrap()],
        relay: Some("https://relay.example/".parse().unwrap()),
    }
}

pub(crate) fn workspace(number: u8) -> WorkspaceTerms {
    WorkspaceTerms { id: WorkspaceId::from_bytes([number; 16]), name: name("Reading list"), access: Access::ReadOnly }
}

pub(crate) fn friend_terms() -> Terms {
    Terms::new(PeerRole::Friend, vec![workspace(9)]).unwrap()
}

pub(crate) fn offer_with(token: [u8; 16], terms: Terms) -> Offer {
    let expires_at = NOW / 1_000 + PAIR_SECONDS;
    let validity = Validity { token: Token::new(Zeroizing::new(token)), expires_at };
    Offer::new(id(SHOWER), &profile(SHOWER), terms, validity)
}

pub(crate) fn offer() -> Offer {
    offer_with(TOKEN, friend_terms())
}

/// An offer that is open for every way.
pub(crate) fn open_offer() -> Offer {
    offer().with_words(&SECRET).with_nearby()
}

/// What the offers' words are worth. Stretching takes its time, so it is done once.
pub(crate) static SECRET: LazyLock<WordsSecret> = LazyLock::new(|| words().stretch().unwrap());

pub(crate) fn words() -> Words {
    Words::new(&Zeroizing::new([0x5a; 8]))
}

/// How the joiner comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Link,
    Words,
    Nearby,
}

pub(crate) const WAYS: [Way; 3] = [Way::Link, Way::Words, Way::Nearby];

impl Way {
    /// What the first message begins with.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Link => 1,
            Self::Words => 2,
            Self::Nearby => 3,
        }
    }

    /// How many messages a ceremony has.
    pub(crate) const fn messages(self) -> usize {
        match self {
            Self::Link | Self::Words => 9,
            Self::Nearby => 13,
        }
    }

    /// The showing device's id on the connection.
    pub(crate) fn endpoint(self) -> DeviceId {
        if self == Self::Words { SECRET.endpoint() } else { id(SHOWER) }
    }

    /// The setups of the two sides on one connection.
    pub(crate) fn setups(self, joiner: u8, seed: u8) -> (Setup, Setup) {
        let (mut showing, mut joining) = (setup(SHOWER, joiner, seed), setup(joiner, SHOWER, seed ^ 0x80));
        (showing.connection.own, joining.connection.peer) = (self.endpoint(), self.endpoint());
        (showing, joining)
    }

    pub(crate) fn invitation(self, link: &PairingLink) -> Invitation<'_> {
        match self {
            Self::Link => Invitation::Link(link),
            Self::Words => Invitation::Words(&SECRET),
            Self::Nearby => Invitation::Nearby(id(SHOWER)),
        }
    }
}

pub(crate) fn entropy(seed: u8) -> Entropy {
    // Two different halves, as randomness would be.
    Entropy::new(Zeroizing::new(std::array::from_fn(|at| seed ^ u8::from(at >= 32))))
}

/// The setup of `device` on a connection with `peer`. Each call needs a seed of its own, as each ceremony does.
pub(crate) fn setup(device: u8, peer: u8, seed: u8) -> Setup {
    Setup {
        identity: key(device),
        profile: profile(device),
        connection: Connection { own: id(device), peer: id(peer), exporter: EXPORTER },
        entropy: entropy(seed),
    }
}

pub(crate) fn copy(link: &PairingLink) -> PairingLink {
    link.to_string().parse().unwrap()
}

/// What a machine has wanted so far, and what it hasn't been answered yet.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) asked: Option<Summary>,
    pub(crate) unanswered: bool,
    pub(crate) said_yes: bool,
    /// The code on this screen.
    pub(crate) shows: Option<NearbyCode>,
    /// It asks for the code on the other.
    pub(crate) wants_code: bool,
    pub(crate) retypes: Vec<u8>,
    /// Handed to the disk, not durable yet.
    pub(crate) storing: Option<ProvisionalPeer>,
    /// What is durable: the newest counts.
    pub(crate) stored: Option<ProvisionalPeer>,
    pub(crate) done: Option<Paired>,
    pub(crate) failed: Option<PairingError>,
    pub(crate) inbox: VecDeque<Vec<u8>>,
    /// Every message that this side was sent.
    pub(crate) received: Vec<Vec<u8>>,
}

impl Side {
    fn take(&mut self, output: Output, peer: &mut VecDeque<Vec<u8>>) {
        assert!(self.done.is_none() && self.failed.is_none(), "nothing follows the end: {output:?}");
        match output {
            Output::Send(message) => peer.push_back(message),
            Output::Compare(code) => {
                assert!(self.shows.is_none() && self.asked.is_none(), "codes come once, and before all else");
                self.shows = Some(code);
                self.wants_code = true;
            }
            Output::Retype { left } => {
                self.retypes.push(left);
                self.wants_code = true;
            }
            Output::Confirm(summary) => {
                assert!(self.asked.is_none(), "a person is asked once");
                self.asked = Some(summary);
                self.unanswered = true;
            }
            Output::StoreProvisional(provisional) => {
                assert!(self.said_yes, "nothing is stored that this person has not confirmed");
                self.storing = Some(provisional);
            }
            Output::Done(paired) => self.done = Some(paired),
            Output::Failed(error) => self.failed = Some(error),
        }
    }

    pub(crate) fn secret(&self) -> Option<[u8; 32]> {
        self.stored.as_ref().map(|provisional| *provisional.secret.expose())
    }

    pub(crate) fn is_over(&self) -> bool {
        self.done.is_some() || self.failed.is_some()
    }
}

/// One thing that can happen between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    ToShower,
    ToJoiner,
    ShowerTypes,
    JoinerTypes,
    ShowerSaysYes,
    JoinerSaysYes,
    ShowerStores,
    JoinerStores,
    Cut,
}

/// A ceremony between two machines.
pub(crate) struct Rig {
    pub(crate) way: Way,
    pub(crate) shower: Shower,
    pub(crate) joiner: Joiner,
    pub(crate) offer: Offer,
    pub(crate) s: Side,
    pub(crate) j: Side,
    pub(crate) now: u64,
    pub(crate) delivered: usize,
}

impl Rig {
    pub(crate) fn new(offer: Offer) -> Self {
        let link = copy(offer.link());
        Self::with(offer, setup(SHOWER, JOINER, 0x10), setup(JOINER, SHOWER, 0x20), &link)
    }

    /// By a way, over an offer that is open for it.
    pub(crate) fn by(way: Way, offer: Offer) -> Self {
        let link = copy(offer.link());
        let (showing, joining) = way.setups(JOINER, 0x10);
        Self::invited(way, offer, (showing, joining), way.invitation(&link))
    }

    pub(crate) fn with(offer: Offer, showing: Setup, joining: Setup, link: &PairingLink) -> Self {
        Self::invited(Way::Link, offer, (showing, joining), Invitation::Link(link))
    }

    pub(crate) fn invited(way: Way, offer: Offer, setups: (Setup, Setup), invitation: Invitation<'_>) -> Self {
        Self::invited_at(NOW, way, offer, setups, invitation)
    }

    pub(crate) fn invited_at(
        now: u64,
        way: Way,
        offer: Offer,
        (showing, joining): (Setup, Setup),
        invitation: Invitation<'_>,
    ) -> Self {
        let shower = Shower::new(showing, &offer, now);
        let joiner = Joiner::new(joining, invitation, now).unwrap();
        let (s, j) = (Side::default(), Side::default());
        let mut rig = Self { way, shower, joiner, offer, s, j, now, delivered: 0 };
        rig.drain();
        rig
    }

    /// Starts over on another connection, with what both sides have stored before.
    pub(crate) fn again(self, seed: u8) -> Self {
        let link = copy(self.offer.link());
        let setups = self.way.setups(JOINER, seed);
        let mut rig = Self::invited(self.way, self.offer, setups, self.way.invitation(&link));
        (rig.s.stored, rig.j.stored) = (self.s.stored, self.j.stored);
        rig
    }

    pub(crate) fn feed_shower(&mut self, input: Input) {
        self.shower.handle(self.now, &mut self.offer, input);
        self.drain();
    }

    pub(crate) fn feed_joiner(&mut self, input: Input) {
        self.joiner.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.shower.poll() {
            self.s.take(output, &mut self.j.inbox);
        }
        while let Some(output) = self.joiner.poll() {
            self.j.take(output, &mut self.s.inbox);
        }
    }

    /// Lets one thing happen, if it can.
    pub(crate) fn happen(&mut self, event: Event) -> bool {
        match event {
            Event::ToShower => {
                let Some(message) = self.s.inbox.pop_front() else { return false };
                self.delivered += 1;
                self.s.received.push(message.clone());
                self.feed_shower(Input::Message(message));
            }
            Event::ToJoiner => {
                let Some(message) = self.j.inbox.pop_front() else { return false };
                self.delivered += 1;
                self.j.received.push(message.clone());
                self.feed_joiner(Input::Message(message));
            }
            Event::ShowerTypes => {
                let Some(code) = self.j.shows.filter(|_| std::mem::take(&mut self.s.wants_code)) else { return false };
                self.feed_shower(Input::Typed(code));
            }
            Event::JoinerTypes => {
                let Some(code) = self.s.shows.filter(|_| std::mem::take(&mut self.j.wants_code)) else { return false };
                self.feed_joiner(Input::Typed(code));
            }
            Event::ShowerSaysYes => {
                if !std::mem::take(&mut self.s.unanswered) {
                    return false;
                }
                self.s.said_yes = true;
                self.feed_shower(Input::Confirmed);
            }
            Event::JoinerSaysYes => {
                if !std::mem::take(&mut self.j.unanswered) {
                    return false;
                }
                self.j.said_yes = true;
                self.feed_joiner(Input::Confirmed);
            }
            Event::ShowerStores => {
                let Some(provisional) = self.s.storing.take() else { return false };
                self.s.stored = Some(provisional);
                self.feed_shower(Input::Stored);
            }
            Event::JoinerStores => {
                let Some(provisional) = self.j.storing.take() else { return false };
                self.j.stored = Some(provisional);
                self.feed_joiner(Input::Stored);
            }
            Event::Cut => {
                self.s.inbox.clear();
                self.j.inbox.clear();
                self.feed_shower(Input::Closed);
                self.feed_joiner(Input::Closed);
                self.s.inbox.clear();
                self.j.inbox.clear();
            }
        }
        true
    }

    /// Lets everything happen that can, until nothing can or so many messages have been delivered.
    pub(crate) fn run_until(&mut self, messages: usize) {
        use Event::{
            JoinerSaysYes, JoinerStores, JoinerTypes, ShowerSaysYes, ShowerStores, ShowerTypes, ToJoiner, ToShower,
        };
        loop {
            let local = [ShowerTypes, JoinerTypes, ShowerSaysYes, JoinerSaysYes, ShowerStores, JoinerStores];
            if local.into_iter().any(|event| self.happen(event)) {
                continue;
            }
            if self.delivered == messages || !(self.happen(ToShower) || self.happen(ToJoiner)) {
                return;
            }
        }
    }

    pub(crate) fn run(&mut self) {
        self.run_until(usize::MAX);
    }

    /// Whether a real handshake with what both have stored succeeds, whoever dials.
    pub(crate) fn would_work(&self) -> bool {
        let (Some(by_shower), Some(by_joiner)) = (&self.s.stored, &self.j.stored) else { return false };
        let one = sync(SHOWER, by_shower, JOINER, by_joiner);
        let other = sync(JOINER, by_joiner, SHOWER, by_shower);
        assert_eq!(one, other);
        one
    }
}

/// A `KKpsk0` handshake between two devices, each with what it has stored of the other.
fn sync(dialer: u8, of_acceptor: &ProvisionalPeer, acceptor: u8, of_dialer: &ProvisionalPeer) -> bool {
    let prologue = SyncPrologue { generation: 0, dialer: id(dialer), acceptor: id(acceptor), exporter: [1; 32] };
    let (own_d, own_a) = (NoiseKey::derive(&key(dialer)), NoiseKey::derive(&key(acceptor)));
    let (psk_d, psk_a) = (of_acceptor.secret.to_pre_shared_key(), of_dialer.secret.to_pre_shared_key());
    let secrets_d = SyncSecrets { own: &own_d, peer: &of_acceptor.noise_key, psk: &psk_d };
    let secrets_a = SyncSecrets { own: &own_a, peer: &of_dialer.noise_key, psk: &psk_a };
    let random = |byte| Randomness::new(Zeroizing::new([byte; 32]));
    let mut dialing = SyncHandshake::dial(&secrets_d, &prologue, random(5)).unwrap();
    let mut accepting = SyncHandshake::accept(&secrets_a, &prologue, random(6)).unwrap();
    let Ok(()) = accepting.read_message(&dialing.write_message().unwrap()) else { return false };
    dialing.read_message(&accepting.write_message().unwrap()).is_ok()
}

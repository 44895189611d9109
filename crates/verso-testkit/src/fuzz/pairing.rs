//! Two devices that pair, by any way, while somebody on the wire and two people do what they like.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_pairing::{
    CONFIRM_MS, Connection, Entropy, Input, Invitation, Joiner, Name, NearbyCode, Offer, Output, PAIR_SECONDS, Profile,
    ProvisionalPeer, Setup, Shower, Terms, Token, Validity, Words, WordsSecret, WorkspaceTerms,
};
use verso_trust::PairingSide::{self, Joining, Showing};
use verso_trust::{Access, PeerRole};
use zeroize::Zeroizing;

use crate::fuzz::{Bytes, shapes};

/// How many things happen at most.
const MAX_STEPS: usize = 64;
/// How many changes are made of one message.
const MAX_CHANGES: usize = 4;
const NOW_MS: u64 = 1_790_000_000_000;

static KEYS: LazyLock<[Arc<DeviceKey>; 2]> =
    LazyLock::new(|| [1, 2].map(|number| Arc::new(DeviceKey::from_secret(&Zeroizing::new([number; 32])))));
static SECRET: LazyLock<WordsSecret> =
    LazyLock::new(|| Words::new(&Zeroizing::new([7; 8])).stretch().expect("there is memory"));

/// Lets two devices pair by the way that `input` says, with messages that are changed, repeated or made up, answers of people and disks in any order,
/// time that passes, and cuts.
///
/// # Panics
/// If anything is stored to which not both people have agreed, and typed the code of the other screen where there is one; if the showing side stores
/// what the joining one has not, or something else; if a message that was not said is believed; if anybody hangs when the connection is cut.
pub fn pairing(input: &[u8]) {
    let mut input = Bytes::new(input);
    let mut scene = Scene::new(input.byte() % 3);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        scene.step(&mut input);
        scene.check();
    }
    scene.finish();
    scene.check();
}

/// One side as its machine has told.
#[derive(Default)]
struct Side {
    inbox: VecDeque<Vec<u8>>,
    shows: Option<NearbyCode>,
    has_typed: bool,
    answer: Answer,
    storing: Option<ProvisionalPeer>,
    stored: Option<ProvisionalPeer>,
    end: Option<End>,
}

/// What a person was asked, and said.
#[derive(Default, PartialEq, Eq)]
enum Answer {
    #[default]
    NotAsked,
    Asked,
    Yes,
}

#[derive(PartialEq, Eq)]
enum End {
    Done,
    Failed,
}

impl Side {
    fn take(&mut self, output: Output, peer: &mut Self) {
        assert!(self.end.is_none(), "nothing follows the end");
        match output {
            Output::Send(message) => peer.inbox.push_back(message),
            Output::Compare(code) => self.shows = Some(code),
            Output::Retype { left } => assert!(left > 0),
            Output::Confirm(_) => self.answer = Answer::Asked,
            Output::StoreProvisional(provisional) => self.storing = Some(provisional),
            Output::Done(_) => self.end = Some(End::Done),
            Output::Failed(_) => self.end = Some(End::Failed),
        }
    }
}

struct Scene {
    offer: Offer,
    shower: Shower,
    joiner: Joiner,
    showing: Side,
    joining: Side,
    now_ms: u64,
}

impl Scene {
    fn new(way: u8) -> Self {
        let [shower, joiner] = &*KEYS;
        let workspace = WorkspaceTerms {
            id: WorkspaceId::from_bytes([9; 16]),
            name: Name::lossy("Reading list"),
            access: Access::ReadOnly,
        };
        let terms = Terms::new(PeerRole::Friend, vec![workspace]).expect("they don't contradict themselves");
        let token = Token::new(Zeroizing::new([5; 16]));
        let validity = Validity { token, expires_at: NOW_MS / 1_000 + PAIR_SECONDS };
        let offer = Offer::new(shower.id(), &profile(), terms, validity).with_words(&SECRET).with_nearby();
        let link = offer.link().to_string().parse().expect("it was just written");
        let invitation = match way {
            0 => Invitation::Link(&link),
            1 => Invitation::Words(&SECRET),
            _ => Invitation::Nearby(shower.id()),
        };
        let endpoint = invitation.endpoint();
        let shows = Shower::new(setup(shower, (endpoint, joiner.id()), 3), &offer, NOW_MS);
        let joins = Joiner::new(setup(joiner, (joiner.id(), endpoint), 4), invitation, NOW_MS).expect("it fits");
        let (showing, joining) = (Side::default(), Side::default());
        let mut scene = Self { offer, shower: shows, joiner: joins, showing, joining, now_ms: NOW_MS };
        scene.drain();
        scene
    }

    fn step(&mut self, input: &mut Bytes<'_>) {
        let choice = input.byte();
        let to = if choice.is_multiple_of(2) { Showing } else { Joining };
        match choice / 2 % 16 {
            0..=4 => self.pass(to),
            5 => {
                let Some(message) = self.side(to).inbox.pop_front() else { return };
                let changed = shapes::edited(&message, input, MAX_CHANGES);
                if changed == message {
                    self.feed(to, Input::Message(message));
                } else {
                    self.lie(to, changed);
                }
            }
            6 => {
                let Some(message) = self.side(to).inbox.pop_front() else { return };
                self.feed(to, Input::Message(message.clone()));
                self.lie(to, message);
            }
            7 => {
                let len = input.below(200);
                self.lie(to, input.take(len).to_vec());
            }
            8 | 9 => self.types(to),
            10 => {
                if let Ok(code) = format!("{:06}", u32::from(input.word()) * 15).parse() {
                    self.feed(to, Input::Typed(code));
                }
            }
            11 => self.agrees(to),
            12 => self.stores(to),
            13 => self.feed(to, Input::Refused),
            14 => self.feed(to, if input.byte().is_multiple_of(2) { Input::StoreFailed } else { Input::Closed }),
            _ => {
                self.now_ms += u64::from(input.byte()) * CONFIRM_MS / 200;
                if input.byte().is_multiple_of(8) {
                    self.offer.withdraw();
                }
                self.feed(to, Input::Tick);
            }
        }
    }

    fn pass(&mut self, to: PairingSide) {
        if let Some(message) = self.side(to).inbox.pop_front() {
            self.feed(to, Input::Message(message));
        }
    }

    /// Says what the other side did not say, or says it again. It ends the ceremony, unless that is already up to the disk.
    fn lie(&mut self, to: PairingSide, message: Vec<u8>) {
        let side = self.side(to);
        let is_settled = side.end.is_some() || to == Showing && (side.storing.is_some() || side.stored.is_some());
        self.feed(to, Input::Message(message));
        assert!(is_settled || self.side(to).end == Some(End::Failed), "a lie was believed");
    }

    /// A person types what the other screen shows.
    fn types(&mut self, at: PairingSide) {
        if let Some(code) = self.side(other(at)).shows
            && self.side(at).shows.is_some()
        {
            self.side(at).has_typed = true;
            self.feed(at, Input::Typed(code));
        }
    }

    fn agrees(&mut self, at: PairingSide) {
        let side = self.side(at);
        if side.answer == Answer::Asked {
            side.answer = Answer::Yes;
        }
        self.feed(at, Input::Confirmed);
    }

    fn stores(&mut self, at: PairingSide) {
        let side = self.side(at);
        if let Some(provisional) = side.storing.take() {
            side.stored = Some(provisional);
        }
        self.feed(at, Input::Stored);
    }

    /// Cuts the connection: nobody may hang but for its disk.
    fn finish(&mut self) {
        for at in [Showing, Joining] {
            self.side(at).inbox.clear();
            self.feed(at, Input::Closed);
            self.stores(at);
        }
        assert!(self.showing.end.is_some() && self.joining.end.is_some(), "both come to an end");
    }

    fn check(&self) {
        for side in [&self.showing, &self.joining] {
            if side.storing.is_some() || side.stored.is_some() {
                assert!(
                    [&self.showing, &self.joining].iter().all(|side| side.answer == Answer::Yes),
                    "both have agreed"
                );
                assert!(self.showing.has_typed == self.showing.shows.is_some(), "the showing person has typed");
                assert!(self.joining.has_typed == self.joining.shows.is_some(), "the joining person has typed");
            }
            assert!(side.end != Some(End::Done) || side.stored.is_some(), "nobody is told of what is not stored");
        }
        if let Some(by_shower) = self.showing.storing.as_ref().or(self.showing.stored.as_ref()) {
            let by_joiner = self.joining.stored.as_ref().expect("the joining side stores first");
            assert_eq!(by_shower.secret.expose(), by_joiner.secret.expose());
            let [shower, joiner] = &*KEYS;
            assert_eq!((by_shower.device, by_joiner.device), (joiner.id(), shower.id()));
            assert_eq!((&by_shower.terms, by_shower.way), (&by_joiner.terms, by_joiner.way));
        }
        assert!(self.joining.end != Some(End::Done) || self.showing.stored.is_some(), "the joining side hears last");
    }

    fn side(&mut self, side: PairingSide) -> &mut Side {
        match side {
            Showing => &mut self.showing,
            Joining => &mut self.joining,
        }
    }

    fn feed(&mut self, to: PairingSide, input: Input) {
        match to {
            Showing => self.shower.handle(self.now_ms, &mut self.offer, input),
            Joining => self.joiner.handle(self.now_ms, input),
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.shower.poll() {
            self.showing.take(output, &mut self.joining);
        }
        while let Some(output) = self.joiner.poll() {
            self.joining.take(output, &mut self.showing);
        }
    }
}

const fn other(side: PairingSide) -> PairingSide {
    match side {
        Showing => Joining,
        Joining => Showing,
    }
}

fn profile() -> Profile {
    Profile { name: Name::lossy("Device"), sealing_key: [9; 32], addresses: Vec::new(), relay: None }
}

fn setup(key: &Arc<DeviceKey>, (own, peer): (DeviceId, DeviceId), seed: u8) -> Setup {
    let entropy = Entropy::new(Zeroizing::new(std::array::from_fn(|at| seed ^ u8::from(at >= 32))));
    let connection = Connection { own, peer, exporter: [5; 32] };
    Setup { identity: Arc::clone(key), profile: profile(), connection, entropy }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kept inputs of these names do, or nothing but the beginning would ever be tried.
    #[test]
    fn undisturbed_all_ways_lead_to_a_pairing() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/pairing");
        for way in ["link", "words", "nearby"] {
            let input = std::fs::read(format!("{corpus}/{way}")).unwrap();
            let mut bytes = Bytes::new(&input);
            let mut scene = Scene::new(bytes.byte());
            while !bytes.is_empty() {
                scene.step(&mut bytes);
                scene.check();
            }
            assert!(scene.showing.end == Some(End::Done) && scene.joining.end == Some(End::Done), "{way}");
        }
    }
}

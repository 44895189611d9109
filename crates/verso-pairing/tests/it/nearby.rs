//! Nearby: no shared secret, so everything hangs on two codes that two people carry across.

use verso_noise::PairedChannel;
use verso_pairing::{
    CONFIRM_MS, HANDSHAKE_MS, Input, Invitation, Joiner, MAX_NEARBY_ATTEMPTS, NearbyCode, OfferStatus, Output,
    PairingError, Refusal,
};

use crate::forger::{self, Forger};
use crate::impostors::sent_by;
use crate::rig::{Event, JOINER, NOW, Rig, SHOWER, STRANGER, Side, Way, copy, id, open_offer, setup};

/// Both screens show their codes, and nobody has typed yet.
fn shown() -> Rig {
    let mut rig = Rig::by(Way::Nearby, open_offer());
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    assert!(rig.s.shows.is_some() && rig.j.shows.is_some());
    rig
}

/// Some code that is not this one.
fn other(code: NearbyCode) -> NearbyCode {
    ["000000", "111111"].map(|text| text.parse().unwrap()).into_iter().find(|other| *other != code).unwrap()
}

/// Nothing was said of this side, asked or stored.
fn got_nothing(side: &Side) {
    assert!(side.asked.is_none() && side.storing.is_none() && side.stored.is_none() && side.done.is_none());
}

#[test]
fn each_person_types_what_the_other_screen_shows() {
    let mut rig = shown();
    assert_ne!(rig.s.shows, rig.j.shows);
    got_nothing(&rig.s);
    got_nothing(&rig.j);
    // One of the two is not enough, whichever it is.
    for one in [Event::ShowerTypes, Event::JoinerTypes] {
        let mut rig = shown();
        assert!(rig.happen(one));
        while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
        got_nothing(&rig.s);
        got_nothing(&rig.j);
    }
    rig.run();
    assert!(rig.would_work());
    assert_eq!(rig.offer.status(NOW), OfferStatus::Used { by: id(JOINER) });
}

/// A yes is not a code, and neither is the code on the own screen.
#[test]
fn nobody_can_just_press_ok() {
    let mut rig = shown();
    rig.feed_shower(Input::Confirmed);
    rig.feed_joiner(Input::Confirmed);
    let (own_s, own_j) = (rig.s.shows.unwrap(), rig.j.shows.unwrap());
    rig.feed_shower(Input::Typed(own_s));
    rig.feed_joiner(Input::Typed(own_j));
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    got_nothing(&rig.s);
    got_nothing(&rig.j);
    assert_eq!((&rig.s.retypes, &rig.j.retypes), (&vec![2], &vec![2]));
    rig.run();
    assert!(rig.would_work(), "typing it right after all goes on");
}

#[test]
fn a_code_mistyped_three_times() {
    let mut rig = shown();
    let wrong = other(rig.s.shows.unwrap());
    for _ in 0..3 {
        rig.feed_joiner(Input::Typed(wrong));
    }
    rig.run();
    assert_eq!(rig.j.retypes, [2, 1]);
    assert_eq!(rig.j.failed, Some(PairingError::OtherCode));
    assert_eq!(rig.s.failed, Some(PairingError::PeerRefused(Refusal::OtherCode)));

    let mut rig = shown();
    let wrong = other(rig.j.shows.unwrap());
    for _ in 0..3 {
        rig.feed_shower(Input::Typed(wrong));
    }
    rig.run();
    assert_eq!(rig.s.failed, Some(PairingError::OtherCode));
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::OtherCode)));
    // The link and the words are as good as before.
    assert_eq!((rig.offer.status(NOW), rig.offer.failed_proofs()), (OfferStatus::Open, 0));
    let mut by_link = Rig::by(Way::Link, rig.offer);
    by_link.run();
    assert!(by_link.would_work());
}

/// Somebody stands between two victims and pairs with each, with real machines. The screens show codes of two ceremonies, and people
/// type what they see.
#[test]
fn a_man_in_the_middle_between_two_victims() {
    for seed in 0..20 {
        let offer = open_offer();
        let link = copy(offer.link());
        let to_shower = Way::Nearby.setups(STRANGER, seed);
        let mut with_shower = Rig::invited(Way::Nearby, offer, to_shower, Way::Nearby.invitation(&link));
        // Towards the joiner it is a device of its own, or the person would have chosen the right one.
        let showing = setup(STRANGER, JOINER, seed ^ 0x40);
        let joining = setup(JOINER, STRANGER, seed ^ 0x60);
        let invitation = Invitation::Nearby(id(STRANGER));
        let mut with_joiner = Rig::invited(Way::Nearby, open_offer(), (showing, joining), invitation);
        for rig in [&mut with_shower, &mut with_joiner] {
            while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
        }
        let (on_showers_screen, on_joiners_screen) = (with_shower.s.shows.unwrap(), with_joiner.j.shows.unwrap());
        for _ in 0..3 {
            with_shower.feed_shower(Input::Typed(on_joiners_screen));
            with_joiner.feed_joiner(Input::Typed(on_showers_screen));
            // It knows the codes of its own ceremonies, and types them.
            with_shower.happen(Event::JoinerTypes);
            with_joiner.happen(Event::ShowerTypes);
            for rig in [&mut with_shower, &mut with_joiner] {
                while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
            }
        }
        assert_eq!(with_shower.s.failed, Some(PairingError::OtherCode));
        assert_eq!(with_joiner.j.failed, Some(PairingError::OtherCode));
        for side in [&with_shower.s, &with_shower.j, &with_joiner.s, &with_joiner.j] {
            got_nothing(side);
        }
    }
}

/// It may try again with one of the victims to meet the code on the other's screen, but each attempt shows, and there are few.
#[test]
fn the_budget_of_nearby_attempts() {
    let mut offer = open_offer();
    for attempt in 0..MAX_NEARBY_ATTEMPTS {
        let link = copy(offer.link());
        let setups = Way::Nearby.setups(STRANGER, attempt);
        let mut rig = Rig::invited(Way::Nearby, offer, setups, Way::Nearby.invitation(&link));
        // It leaves as soon as it can compute the code.
        while rig.s.shows.is_none() {
            assert!(rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner));
        }
        rig.happen(Event::Cut);
        assert_eq!(rig.s.failed, Some(PairingError::Disconnected));
        offer = rig.offer;
    }
    let mut rig = Rig::by(Way::Nearby, offer);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Exhausted)));
    assert!(rig.s.shows.is_none(), "nothing is shown any more");
    for way in [Way::Link, Way::Words] {
        assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
        let mut rig = Rig::by(way, open_offer());
        rig.run();
        assert!(rig.would_work());
    }
}

/// An attempt counts from the commitment on, before anything of the code is known.
#[test]
fn an_attempt_counts_before_it_shows() {
    let mut offer = open_offer();
    for attempt in 0..MAX_NEARBY_ATTEMPTS {
        let link = copy(offer.link());
        let setups = Way::Nearby.setups(STRANGER, attempt);
        let mut rig = Rig::invited(Way::Nearby, offer, setups, Way::Nearby.invitation(&link));
        rig.run_until(3);
        rig.happen(Event::Cut);
        assert!(rig.s.shows.is_none());
        offer = rig.offer;
    }
    let mut rig = Rig::by(Way::Nearby, offer);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Exhausted)));
}

/// One screen, one code at a time; and a stranger who keeps it busy keeps nobody out who holds the link.
#[test]
fn a_stranger_at_the_screen_keeps_nobody_out() {
    let mut stranger = shown();
    let with_its_offer = |rig: &mut Rig, mut other: Rig, until: usize| {
        std::mem::swap(&mut rig.offer, &mut other.offer);
        other.run_until(until);
        std::mem::swap(&mut rig.offer, &mut other.offer);
        other
    };
    let link = copy(stranger.offer.link());
    let setups = Way::Nearby.setups(STRANGER, 0x33);
    let second = Rig::invited(Way::Nearby, open_offer(), setups, Way::Nearby.invitation(&link));
    let second = with_its_offer(&mut stranger, second, usize::MAX);
    assert_eq!(second.j.failed, Some(PairingError::PeerRefused(Refusal::Busy)));

    for way in [Way::Link, Way::Words] {
        let mut stranger = shown();
        let setups = way.setups(STRANGER, 0x34);
        let friend =
            with_its_offer(&mut stranger, Rig::invited(way, open_offer(), setups, way.invitation(&link)), usize::MAX);
        assert!(friend.s.done.is_some() && friend.j.done.is_some(), "{way:?}");
        // Both type the right codes after all, too late.
        stranger.run();
        assert_eq!(stranger.j.failed, Some(PairingError::PeerRefused(Refusal::Used)));
        got_nothing(&stranger.s);
    }
}

/// The same device comes back before its lost connection is noticed.
#[test]
fn the_same_nearby_device_comes_back() {
    let mut old = shown();
    let offer = std::mem::replace(&mut old.offer, open_offer());
    let link = copy(offer.link());
    let mut new = Rig::invited(Way::Nearby, offer, Way::Nearby.setups(JOINER, 0x35), Way::Nearby.invitation(&link));
    new.run();
    assert!(new.would_work());
    std::mem::swap(&mut old.offer, &mut new.offer);
    old.happen(Event::ShowerTypes);
    assert_eq!(old.s.failed, Some(PairingError::Superseded));
}

#[test]
fn either_person_may_say_no_to_a_code_and_the_offer_stands() {
    let mut rig = shown();
    rig.feed_shower(Input::Refused);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Declined)));
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
    let mut rig = shown();
    rig.feed_joiner(Input::Refused);
    rig.run();
    assert_eq!(rig.s.failed, Some(PairingError::PeerRefused(Refusal::Declined)));
    // Whoever came nearby was given nothing to come back with, so a no ends the attempt and not the offer.
    let mut rig = Rig::by(Way::Nearby, rig.offer);
    while [Event::ShowerTypes, Event::JoinerTypes, Event::ToShower, Event::ToJoiner]
        .map(|event| rig.happen(event))
        .contains(&true)
    {}
    assert!(rig.s.unanswered);
    rig.feed_shower(Input::Refused);
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
}

#[test]
fn people_have_time_to_type_and_no_more() {
    let mut rig = shown();
    assert_eq!(rig.shower.poll_timeout(), Some(NOW + CONFIRM_MS));
    assert_eq!(rig.joiner.poll_timeout(), Some(NOW + CONFIRM_MS));
    rig.now = NOW + CONFIRM_MS - 1;
    rig.happen(Event::ShowerTypes);
    rig.run();
    assert!(rig.would_work());
    let mut rig = shown();
    rig.now = NOW + CONFIRM_MS;
    rig.feed_shower(Input::Tick);
    assert_eq!(rig.s.failed, Some(PairingError::TimedOut));
    rig.now = NOW;
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::TimedOut)));
}

/// Whoever typed last, the attempt keeps its place for as long as the rest may take, also past the time that people had for typing.
#[test]
fn the_last_code_gives_the_rest_its_time() {
    for last in [Event::JoinerTypes, Event::ShowerTypes] {
        let mut rig = shown();
        let first = if last == Event::JoinerTypes { Event::ShowerTypes } else { Event::JoinerTypes };
        rig.now = NOW + 1_000;
        assert!(rig.happen(first));
        while rig.happen(Event::ToShower) {}
        rig.now = NOW + CONFIRM_MS - 1;
        assert!(rig.happen(last));
        while rig.happen(Event::ToShower) {}
        assert_eq!(rig.shower.poll_timeout(), Some(rig.now + HANDSHAKE_MS), "{last:?}");
        // Somebody else comes while the last messages are on their way.
        rig.now = NOW + CONFIRM_MS + 1;
        let link = copy(rig.offer.link());
        let setups = Way::Nearby.setups(STRANGER, 0x36);
        let invitation = Way::Nearby.invitation(&link);
        let mut stranger = Rig::invited_at(rig.now, Way::Nearby, open_offer(), setups, invitation);
        std::mem::swap(&mut rig.offer, &mut stranger.offer);
        stranger.run();
        std::mem::swap(&mut rig.offer, &mut stranger.offer);
        assert_eq!(stranger.j.failed, Some(PairingError::PeerRefused(Refusal::Busy)), "{last:?}");
        rig.run();
        assert!(rig.would_work(), "{last:?}");
    }
}

#[test]
fn codes_are_read_as_they_are_shown() {
    let code: NearbyCode = "012345".parse().unwrap();
    assert_eq!(code.to_string(), "012 345");
    for text in ["012 345", " 012-345\n", "0 1 2 3 4 5"] {
        assert_eq!(text.parse(), Ok(code), "{text}");
    }
    for text in ["", "12345", "0123456", "01234a", "+12345", "٠١٢٣٤٥", "0123456789012345678901234567890"] {
        assert!(text.parse::<NearbyCode>().is_err(), "{text}");
    }
    assert!(!format!("{code:?}").contains("345"));
}

type Commitment<'a> = &'a dyn Fn(&PairedChannel) -> [u8; 32];

/// A showing side written from the document against the real joiner, up to where it has committed.
fn commit_by_hand(commitment: Commitment<'_>) -> (Joiner, PairedChannel) {
    let forger = Forger::nearby(SHOWER, JOINER);
    let mut joiner = Joiner::new(setup(JOINER, SHOWER, 0x32), Invitation::Nearby(id(SHOWER)), NOW).unwrap();
    let (mut handshake, second) = forger.accept(&sent_by(&mut joiner));
    joiner.handle(NOW, Input::Message(second));
    handshake.read_message(&sent_by(&mut joiner)).unwrap();
    let mut channel = handshake.finish().unwrap();
    let commit = [&[1, 5][..], &commitment(&channel)].concat();
    joiner.handle(NOW, Input::Message(channel.seal(&commit).unwrap()));
    (joiner, channel)
}

fn commitment(channel: &PairedChannel, nonce: [u8; 32]) -> [u8; 32] {
    let bytes = [channel.handshake_hash().as_bytes().as_slice(), &nonce].concat();
    blake3::derive_key("verso pairing nearby commitment v1", &bytes)
}

/// The document is enough to come to the same codes.
#[test]
fn the_document_is_enough_for_the_codes() {
    let (mut joiner, mut channel) = commit_by_hand(&|channel| commitment(channel, [9; 32]));
    let nonce = channel.open(&sent_by(&mut joiner)).unwrap();
    assert_eq!((&nonce[..2], nonce.len()), (&[1, 3][..], 34));
    joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 6][..], &[9; 32]].concat()).unwrap()));
    let Some(Output::Compare(shown)) = joiner.poll() else { panic!() };

    let bytes = [channel.handshake_hash().as_bytes().as_slice(), &[9; 32], &nonce[2..]].concat();
    let codes = blake3::derive_key("verso pairing nearby codes v1", &bytes);
    let code = |at: usize| {
        let number = u64::from_le_bytes(codes[at..at + 8].try_into().unwrap()) % 1_000_000;
        format!("{number:06}").parse::<NearbyCode>().unwrap()
    };
    assert_eq!(shown, code(8));
    joiner.handle(NOW, Input::Typed(code(0)));
    assert_eq!(channel.open(&sent_by(&mut joiner)).unwrap().as_slice(), [1, 4]);
}

/// It can't choose its nonce once it has seen the other's.
#[test]
fn a_shower_that_reveals_what_it_had_not_committed_to() {
    let lies: [Commitment<'_>; 2] = [&|channel| commitment(channel, [8; 32]), &|_channel| {
        blake3::derive_key("verso pairing nearby commitment v1", &[9; 32])
    }];
    for lie in lies {
        let (mut joiner, mut channel) = commit_by_hand(lie);
        sent_by(&mut joiner);
        joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 6][..], &[9; 32]].concat()).unwrap()));
        let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
        assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::NotProven)]), "{outputs:?}");
    }
}

/// A shower that makes its offer, or a joiner that says who it is, before people have compared.
#[test]
fn nobody_runs_ahead_of_the_codes() {
    let forger = Forger::nearby(SHOWER, JOINER);
    let offer = [&[1, 0][..], &forger::terms(9), &forger.introduction()].concat();
    let (mut joiner, mut channel) = commit_by_hand(&|channel| commitment(channel, [9; 32]));
    sent_by(&mut joiner);
    joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 6][..], &[9; 32]].concat()).unwrap()));
    assert!(matches!(joiner.poll(), Some(Output::Compare(_))));
    joiner.handle(NOW, Input::Message(channel.seal(&offer).unwrap()));
    let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::OutOfOrder)]), "{outputs:?}");

    // The real joiner's messages out of their turn: said to have matched before the other's person typed, twice.
    let mut rig = shown();
    rig.happen(Event::JoinerTypes);
    rig.happen(Event::ToShower);
    got_nothing(&rig.s);
    assert!(rig.j.inbox.is_empty(), "no offer is made on the joiner's word alone");
}

//! The ceremony as it should go, and as people and disks can stop it.

use verso_identity::WorkspaceId;
use verso_noise::NoiseKey;
use verso_pairing::{
    CONFIRM_MS, Direction, FINISH_SECONDS, HANDSHAKE_MS, Input, OfferStatus, PairingError, Refusal, STORE_MS, Terms,
};
use verso_trust::{Access, Grant, PairingSide, PairingWay, PeerRole};

use crate::rig::{
    Event, JOINER, NOW, Rig, SHOWER, WAYS, friend_terms, id, key, name, offer, offer_with, open_offer, profile,
    workspace,
};

#[test]
fn two_people_say_yes_and_both_devices_agree_on_everything() {
    for (way, kept) in WAYS.into_iter().zip([PairingWay::Link, PairingWay::Words, PairingWay::Nearby]) {
        let mut rig = Rig::by(way, open_offer());
        rig.run();
        assert_eq!(rig.delivered, way.messages());
        agreed(&rig, kept);
    }
}

fn agreed(rig: &Rig, way: PairingWay) {
    let done = rig.s.done.as_ref().unwrap();
    assert_eq!((done.device, &done.name, done.role), (id(JOINER), &name("Device 2"), PeerRole::Friend));
    assert_eq!(done.addresses, profile(JOINER).addresses);
    let done = rig.j.done.as_ref().unwrap();
    assert_eq!((done.device, &done.name, done.role), (id(SHOWER), &name("Device 1"), PeerRole::Friend));

    let (by_shower, by_joiner) = (rig.s.stored.as_ref().unwrap(), rig.j.stored.as_ref().unwrap());
    assert_eq!((by_shower.device, by_joiner.device), (id(JOINER), id(SHOWER)));
    assert_eq!((by_shower.side, by_joiner.side), (PairingSide::Showing, PairingSide::Joining));
    assert_eq!((by_shower.way, by_joiner.way), (way, way));
    assert_eq!(by_shower.noise_key, NoiseKey::derive(&key(JOINER)).public());
    assert_eq!(by_joiner.noise_key, NoiseKey::derive(&key(SHOWER)).public());
    let grant = Grant { workspace: WorkspaceId::from_bytes([9; 16]), access: Access::ReadOnly };
    assert_eq!((by_shower.grants(), by_joiner.grants()), (vec![grant], vec![grant]));
    assert_eq!(by_joiner.relay, profile(SHOWER).relay);
    assert_eq!(by_shower.sealing_key, profile(JOINER).sealing_key);
    assert_eq!(by_joiner.sealing_key, profile(SHOWER).sealing_key);
    assert_eq!(by_shower.expires_at, NOW / 1_000 + FINISH_SECONDS);
    assert!(!by_shower.has_lapsed(NOW) && by_shower.has_lapsed(NOW + FINISH_SECONDS * 1_000));

    assert!(rig.would_work());
    assert_eq!(rig.offer.status(NOW), OfferStatus::Used { by: id(JOINER) });
    assert_eq!((rig.shower.poll_timeout(), rig.joiner.poll_timeout()), (None, None));
}

#[test]
fn each_person_sees_what_will_happen() {
    for way in WAYS {
        let mut rig = Rig::by(way, open_offer());
        rig.run();
        seen(rig);
    }
}

fn seen(rig: Rig) {
    let (shown, joined) = (rig.s.asked.unwrap(), rig.j.asked.unwrap());
    assert_eq!((shown.side, joined.side), (PairingSide::Showing, PairingSide::Joining));
    assert_eq!((shown.peer, joined.peer), (id(JOINER), id(SHOWER)));
    assert_eq!((shown.name, joined.name), (name("Device 2"), name("Device 1")));
    assert_eq!((shown.fingerprint, joined.fingerprint), (id(JOINER).fingerprint(), id(SHOWER).fingerprint()));
    assert_eq!((&shown.terms, &joined.terms), (&friend_terms(), &friend_terms()));
    assert_eq!((shown.direction, joined.direction), (Direction::Gives, Direction::Receives));
}

#[test]
fn directions() {
    let direction = |terms| {
        let mut rig = Rig::new(offer_with([1; 16], terms));
        rig.run();
        assert!(rig.would_work());
        (rig.s.asked.unwrap().direction, rig.j.asked.unwrap().direction)
    };
    assert_eq!(direction(Terms::new(PeerRole::Own, vec![]).unwrap()), (Direction::Both, Direction::Both));
    assert_eq!(direction(Terms::new(PeerRole::Friend, vec![]).unwrap()), (Direction::Nothing, Direction::Nothing));
    let several = Terms::new(PeerRole::Friend, vec![workspace(1), workspace(2)]).unwrap();
    assert_eq!(direction(several), (Direction::Gives, Direction::Receives));
}

#[test]
fn the_most_that_terms_can_hold_fits_into_a_message() {
    let longest = name(&"n".repeat(128));
    let workspaces =
        (0..=255).map(|number| verso_pairing::WorkspaceTerms { name: longest.clone(), ..workspace(number) });
    let mut rig = Rig::new(offer_with([1; 16], Terms::new(PeerRole::Friend, workspaces.collect()).unwrap()));
    rig.run();
    assert!(rig.would_work());
}

#[test]
fn own_devices_have_no_grants_because_they_have_everything() {
    let listed = verso_pairing::WorkspaceTerms { access: Access::ReadWrite, ..workspace(1) };
    let mut rig = Rig::new(offer_with([1; 16], Terms::new(PeerRole::Own, vec![listed]).unwrap()));
    rig.run();
    assert_eq!(rig.s.stored.as_ref().unwrap().role(), PeerRole::Own);
    assert_eq!(rig.s.stored.unwrap().grants(), []);
}

/// Scanning alone grants nothing, on either side.
#[test]
fn nothing_is_stored_before_both_people_said_yes() {
    for first in [Event::ShowerSaysYes, Event::JoinerSaysYes] {
        let mut rig = Rig::new(offer());
        while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
        assert!(rig.s.unanswered && rig.j.unanswered);
        assert!(rig.happen(first));
        while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
        assert!(rig.s.storing.is_none() && rig.j.storing.is_none());
    }
}

#[test]
fn the_showing_person_says_no() {
    let mut rig = Rig::new(offer());
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    rig.feed_shower(Input::Refused);
    rig.run();
    assert_eq!(rig.s.failed, Some(PairingError::Refused));
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Declined)));
    assert!(!rig.would_work());
    // Somebody who was not meant holds the token.
    assert_eq!(rig.offer.status(NOW), OfferStatus::Declined);
    let mut again = rig.again(0x11);
    again.run();
    assert_eq!(again.j.failed, Some(PairingError::PeerRefused(Refusal::Declined)));
}

#[test]
fn the_showing_person_says_no_after_all() {
    let mut rig = Rig::new(offer());
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    assert!(rig.happen(Event::ShowerSaysYes));
    rig.feed_shower(Input::Refused);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Declined)));
    assert!(rig.j.stored.is_none() || rig.s.stored.is_none());
    assert!(!rig.would_work());
}

#[test]
fn the_joining_person_says_no_and_the_offer_stands() {
    let mut rig = Rig::new(offer());
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    rig.happen(Event::ShowerSaysYes);
    rig.feed_joiner(Input::Refused);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::Refused));
    assert_eq!(rig.s.failed, Some(PairingError::PeerRefused(Refusal::Declined)));
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
    let mut again = rig.again(0x11);
    again.run();
    assert!(again.would_work());
}

#[test]
fn a_joiner_that_gives_up_before_it_was_asked_says_so() {
    let mut rig = Rig::new(offer());
    rig.happen(Event::ToShower);
    rig.feed_joiner(Input::Refused);
    assert_eq!(rig.j.failed, Some(PairingError::Refused));
}

#[test]
fn a_disk_that_fails_on_the_joining_side() {
    let mut rig = Rig::new(offer());
    while rig.j.storing.is_none() {
        assert!(
            [Event::ToShower, Event::ToJoiner, Event::ShowerSaysYes, Event::JoinerSaysYes]
                .map(|e| rig.happen(e))
                .contains(&true)
        );
    }
    rig.feed_joiner(Input::StoreFailed);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::NotStored));
    assert_eq!(rig.s.failed, Some(PairingError::PeerRefused(Refusal::NotStored)));
    assert!(rig.s.stored.is_none());
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
}

/// The token is burnt by then, and the same joiner may finish.
#[test]
fn a_disk_that_fails_on_the_showing_side() {
    let mut rig = Rig::new(offer());
    while rig.s.storing.is_none() {
        let events =
            [Event::ToShower, Event::ToJoiner, Event::ShowerSaysYes, Event::JoinerSaysYes, Event::JoinerStores];
        assert!(events.map(|event| rig.happen(event)).contains(&true));
    }
    rig.s.storing = None;
    rig.feed_shower(Input::StoreFailed);
    rig.run();
    assert_eq!(rig.s.failed, Some(PairingError::NotStored));
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::NotStored)));
    assert!(!rig.would_work());
    let mut again = rig.again(0x11);
    again.run();
    assert!(again.would_work());
}

#[test]
fn every_wait_ends() {
    // Before anything is proven, while people are asked, and after the joiner has stored.
    let mut rig = Rig::new(offer());
    assert_eq!(
        (rig.shower.poll_timeout(), rig.joiner.poll_timeout()),
        (Some(NOW + HANDSHAKE_MS), Some(NOW + HANDSHAKE_MS))
    );
    rig.now = NOW + HANDSHAKE_MS - 1;
    rig.feed_shower(Input::Tick);
    rig.feed_joiner(Input::Tick);
    assert!(!rig.s.is_over() && !rig.j.is_over());
    rig.now += 1;
    rig.feed_shower(Input::Tick);
    rig.feed_joiner(Input::Tick);
    assert_eq!((rig.s.failed, rig.j.failed), (Some(PairingError::TimedOut), Some(PairingError::TimedOut)));

    let mut rig = Rig::new(offer());
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    rig.now = rig.shower.poll_timeout().unwrap();
    assert_eq!(rig.now, NOW + CONFIRM_MS);
    rig.feed_shower(Input::Tick);
    assert_eq!(rig.s.failed, Some(PairingError::TimedOut));
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open, "nobody holds the offer any more");
    rig.now = NOW;
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::TimedOut)));

    let mut rig = Rig::new(offer());
    while rig.j.stored.is_none() {
        let events =
            [Event::ToShower, Event::ToJoiner, Event::ShowerSaysYes, Event::JoinerSaysYes, Event::JoinerStores];
        assert!(events.map(|event| rig.happen(event)).contains(&true));
    }
    rig.now = NOW + STORE_MS;
    rig.feed_joiner(Input::Tick);
    assert_eq!(rig.j.failed, Some(PairingError::Unfinished));
}

/// A person who takes long over an offer that expires meanwhile is not cut off.
#[test]
fn an_offer_may_expire_while_people_are_asked() {
    let mut rig = Rig::new(offer());
    rig.now = rig.offer.expires_at() * 1_000 - 1;
    let link = crate::rig::copy(rig.offer.link());
    rig.shower = verso_pairing::Shower::new(crate::rig::setup(SHOWER, JOINER, 0x10), &rig.offer, rig.now);
    rig.joiner = verso_pairing::Joiner::new(
        crate::rig::setup(JOINER, SHOWER, 0x20),
        verso_pairing::Invitation::Link(&link),
        rig.now,
    )
    .unwrap();
    rig.s.inbox.clear();
    while rig.joiner.poll().is_some_and(|output| {
        if let verso_pairing::Output::Send(message) = output {
            rig.s.inbox.push_back(message);
        }
        true
    }) {}
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    rig.now += 60_000;
    rig.run();
    assert!(rig.would_work());
}

/// Two ceremonies of the same two devices never agree on the same secret.
#[test]
fn every_ceremony_has_a_secret_of_its_own() {
    let secret = |seed| {
        let mut rig = Rig::new(offer()).again(seed);
        rig.run();
        rig.s.secret().unwrap()
    };
    assert_ne!(secret(0x11), secret(0x12));
}

#[test]
fn late_answers_are_ignored() {
    let mut rig = Rig::new(offer());
    rig.feed_shower(Input::Confirmed);
    rig.feed_shower(Input::Stored);
    rig.feed_shower(Input::StoreFailed);
    rig.feed_shower(Input::Refused);
    rig.feed_joiner(Input::Confirmed);
    rig.feed_joiner(Input::Stored);
    rig.feed_joiner(Input::StoreFailed);
    assert!(!rig.s.is_over() && !rig.j.is_over());
    rig.run();
    assert!(rig.would_work());
    for input in [Input::Confirmed, Input::Refused, Input::Stored, Input::StoreFailed, Input::Closed, Input::Tick] {
        rig.feed_shower(input);
    }
    rig.feed_joiner(Input::Message(vec![1]));
    assert!(rig.s.failed.is_none() && rig.j.failed.is_none());
}

#[test]
fn debug_prints_no_secret() {
    let mut rig = Rig::new(offer());
    rig.run();
    let secret = rig.s.secret().unwrap();
    let stored = rig.s.stored.unwrap();
    let text = format!("{stored:?} {:?} {:?} {:?} {:?}", rig.shower, rig.joiner, rig.offer, rig.offer.link());
    let token = rig.offer.link().to_string().split('/').nth(4).unwrap()[..22].to_owned();
    assert_eq!(token, "cHBwcHBwcHBwcHBwcHBwcA");
    assert!(!text.contains(&token));
    assert!(!text.contains(&format!("{}, {}, {}", secret[0], secret[1], secret[2])));
    assert!(!text.contains("112, 112"), "the token's bytes");
    assert!(!text.contains(&format!("{}, {}", 0x11, 0x11)), "a contribution's bytes");
}

//! Three ways to one offer: each by its own secret at its own endpoint, none taken for another, and the first uses it up for all.

use verso_pairing::{
    Input, Invitation, Joiner, MAX_FAILED_PROOFS, Offer, OfferStatus, Output, PairingError, Refusal, Shower, Words,
};
use zeroize::Zeroizing;

use crate::forger::{self, Forger};
use crate::impostors::sent_by;
use crate::rig::{
    Event, JOINER, NOW, Rig, SECRET, SHOWER, STRANGER, WAYS, Way, copy, id, name, offer, open_offer, setup,
};

/// The joiner goes one way and somebody passes its messages on as if it went another, with the connection just as that other needs it.
#[test]
fn no_way_is_taken_for_another() {
    for came in WAYS {
        for taken in WAYS.into_iter().filter(|taken| *taken != came) {
            let mut offer = open_offer();
            let link = copy(offer.link());
            let (_, joining) = came.setups(JOINER, 1);
            let (mut showing, _) = taken.setups(JOINER, 2);
            showing.connection.own = taken.endpoint();
            let mut joiner = Joiner::new(joining, came.invitation(&link), NOW).unwrap();
            let mut shower = Shower::new(showing, &offer, NOW);
            let mut first = sent_by(&mut joiner);
            first[0] = taken.number();
            shower.handle(NOW, &mut offer, Input::Message(first));
            let outputs: Vec<Output> = std::iter::from_fn(|| shower.poll()).collect();
            let failed = matches!(outputs[..], [Output::Failed(PairingError::NotProven)]);
            assert!(failed, "nothing is said to {came:?} as {taken:?}: {outputs:?}");
        }
    }
}

/// At the device's own endpoint there are no words, and at that of the words there is nothing else.
#[test]
fn each_endpoint_serves_its_own_ways() {
    let end = |way: u8, own, offer: Offer| {
        let mut offer = offer;
        let mut setup = setup(SHOWER, STRANGER, 3);
        setup.connection.own = own;
        let mut shower = Shower::new(setup, &offer, NOW);
        shower.handle(NOW, &mut offer, Input::Message([&[way][..], &[7; 48]].concat()));
        assert_eq!(offer.failed_proofs(), 0, "a stray connection costs nothing");
        match shower.poll() {
            Some(Output::Failed(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    for (way, own) in
        [(1, SECRET.endpoint()), (3, SECRET.endpoint()), (2, id(SHOWER)), (0, id(SHOWER)), (4, id(SHOWER))]
    {
        assert_eq!(end(way, own, open_offer()), PairingError::OtherWay, "{way}");
    }
    // An offer that was never opened for them knows neither words nor nearby devices.
    assert_eq!(end(2, SECRET.endpoint(), offer()), PairingError::OtherWay);
    assert_eq!(end(3, id(SHOWER), offer()), PairingError::OtherWay);
    // And one that was kept is served by its link alone.
    let restarted = Offer::decode(&open_offer().encode()).unwrap();
    assert_eq!(end(3, id(SHOWER), restarted), PairingError::OtherWay);
}

/// Whichever way somebody came first, nobody comes after, by any.
#[test]
fn one_use_for_all_ways() {
    for first in WAYS {
        let mut rig = Rig::by(first, open_offer());
        rig.run();
        assert!(rig.would_work());
        let mut offer = rig.offer;
        for late in WAYS {
            let link = copy(offer.link());
            let mut rig = Rig::invited(late, offer, late.setups(STRANGER, 9), late.invitation(&link));
            rig.run();
            assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Used)), "{first:?}, then {late:?}");
            assert!(rig.j.asked.is_none() && rig.j.shows.is_none() && rig.s.stored.is_none());
            offer = rig.offer;
        }
    }
}

#[test]
fn withdrawn_and_expired_for_all_ways() {
    for way in WAYS {
        let mut offer = open_offer();
        offer.withdraw();
        let mut rig = Rig::by(way, offer);
        rig.run();
        assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Withdrawn)), "{way:?}");

        let mut rig = Rig::by(way, open_offer());
        rig.now = rig.offer.expires_at() * 1_000;
        let (link, setups) = (copy(rig.offer.link()), way.setups(JOINER, 5));
        rig.shower = Shower::new(setups.0, &rig.offer, rig.now);
        rig.joiner = Joiner::new(setups.1, way.invitation(&link), rig.now).unwrap();
        rig.s.inbox.clear();
        rig.feed_joiner(Input::Tick);
        rig.run();
        assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Expired)), "{way:?}");
    }
}

/// Somebody saw which endpoint was dialled, and dials it too.
#[test]
fn wrong_words_prove_nothing() {
    let mut offer = open_offer();
    for failed in 1..=MAX_FAILED_PROOFS {
        let forger = Forger { peer: SECRET.endpoint(), ..Forger::by_words(STRANGER, SHOWER, [failed; 32]) };
        let (showing, _) = Way::Words.setups(STRANGER, failed);
        let mut shower = Shower::new(showing, &offer, NOW);
        let (_, first) = forger.dial();
        shower.handle(NOW, &mut offer, Input::Message(first));
        // It gets no answer at all, so it doesn't even learn whose endpoint this is.
        assert!(matches!(shower.poll(), Some(Output::Failed(PairingError::NotProven))));
        assert_eq!(offer.failed_proofs(), failed);
    }
    assert_eq!(offer.status(NOW), OfferStatus::Exhausted);
}

/// Other words lead to another endpoint, so there is nothing to try them on.
#[test]
fn other_words_lead_elsewhere() {
    let other = Words::new(&Zeroizing::new([0x5b; 8])).stretch().unwrap();
    let (_, joining) = Way::Words.setups(JOINER, 1);
    let error = Joiner::new(joining, Invitation::Words(&other), NOW).unwrap_err();
    assert_eq!(error, PairingError::OtherDevice);
}

/// Behind the words' endpoint may be any device, but it has to prove which.
#[test]
fn a_shower_behind_words_without_the_device_key() {
    for (key, end) in [(SHOWER, None), (STRANGER, Some(PairingError::NotSigned))] {
        // Whoever has the words has all of this.
        let mut forger = Forger { claims: id(SHOWER), ..Forger::by_words(key, JOINER, shared_by_words()) };
        forger.connected_as = SECRET.endpoint();
        let (_, joining) = Way::Words.setups(JOINER, 4);
        let mut joiner = Joiner::new(joining, Invitation::Words(&SECRET), NOW).unwrap();
        let (mut handshake, second) = forger.accept(&sent_by(&mut joiner));
        joiner.handle(NOW, Input::Message(second));
        handshake.read_message(&sent_by(&mut joiner)).unwrap();
        let mut channel = handshake.finish().unwrap();
        let introduction = [forger::terms(9), forger.introduction()].concat();
        joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 0][..], &introduction].concat()).unwrap()));
        let heard = channel.open(&sent_by(&mut joiner)).unwrap();
        let said = &heard[2..heard.len() - 64];
        let signature = forger.sign(1, &channel, (&introduction, &id(SHOWER)), (said, &id(JOINER)));
        joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 1][..], signature.as_bytes()].concat()).unwrap()));
        let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
        match end {
            None => {
                let [Output::Confirm(summary)] = &outputs[..] else { panic!("{outputs:?}") };
                assert_eq!((summary.peer, &summary.name), (id(SHOWER), &name("Device x")));
            }
            Some(end) => {
                assert!(
                    matches!(&outputs[..], [Output::Send(_), Output::Failed(error)] if *error == end),
                    "{outputs:?}"
                );
            }
        }
    }
}

/// The secret of words as `docs/formats/pairing.md` has it, without the crate.
fn shared_by_words() -> [u8; 32] {
    use argon2::{Algorithm, Argon2, Params, Version};
    let expand = |salt: &[u8], secret: &[u8], label: &[u8]| {
        let mut key = [0; 32];
        hkdf::Hkdf::<sha2::Sha256>::new(Some(salt), secret).expand(label, &mut key).unwrap();
        key
    };
    let params = Params::new(48 * 1024, 2, 1, Some(32)).unwrap();
    let mut stretched = [0; 32];
    let text = crate::rig::words().to_string();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(text.as_bytes(), b"verso six words1", &mut stretched).unwrap();
    let words = expand(b"verso passphrase v1", &stretched, b"verso pairing words v1");
    let endpoint = expand(b"verso key purposes v1", &words, b"verso pairing words endpoint v1");
    let endpoint = verso_identity::DeviceKey::from_secret(&Zeroizing::new(endpoint));
    assert_eq!(endpoint.id(), SECRET.endpoint());
    expand(b"verso key purposes v1", &words, b"verso pairing words token v1")
}

/// A person types the words that the own screen shows.
#[test]
fn words_of_this_device_itself() {
    let (mut showing, mut joining) = Way::Words.setups(SHOWER, 6);
    // It dials under its own id, as it would any other.
    (showing.connection.peer, joining.connection.own) = (id(SHOWER), id(SHOWER));
    let mut rig = Rig::invited(Way::Words, open_offer(), (showing, joining), Invitation::Words(&SECRET));
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::OwnCode));
    assert!(rig.s.asked.is_none() && rig.s.stored.is_none());
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
}

/// Somebody in between passes every byte on: towards each side it has another connection, whichever way.
#[test]
fn a_man_in_the_middle_that_relays_any_way() {
    for way in WAYS {
        let offer = open_offer();
        let link = copy(offer.link());
        let (showing, mut joining) = way.setups(JOINER, 7);
        joining.connection.exporter = [0xE1; 32];
        let mut rig = Rig::invited(way, offer, (showing, joining), way.invitation(&link));
        rig.run();
        rig.happen(Event::Cut);
        assert_eq!(rig.s.failed, Some(PairingError::NotProven), "{way:?}");
        for side in [&rig.s, &rig.j] {
            assert!(side.shows.is_none() && side.asked.is_none() && side.stored.is_none(), "{way:?}");
        }
    }
}

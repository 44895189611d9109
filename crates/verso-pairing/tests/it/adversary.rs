//! Everybody who should get nothing: wrong, replayed, expired, edited, impersonating, in between.

use std::collections::VecDeque;

use verso_pairing::{
    Connection, Input, Invitation, Joiner, MAX_FAILED_PROOFS, Offer, OfferStatus, Output, PairingError, PairingLink,
    Refusal, Setup, Shower,
};

use crate::rig::{
    Event, JOINER, NOW, Rig, SHOWER, STRANGER, copy, friend_terms, id, offer, offer_with, open_offer, setup,
};

/// Nobody was asked, nothing was stored.
fn got_nothing(rig: &Rig) {
    assert!(rig.s.asked.is_none() && rig.j.asked.is_none());
    assert!(rig.s.storing.is_none() && rig.j.storing.is_none());
    assert!(rig.s.stored.is_none() && rig.j.stored.is_none());
}

#[test]
fn a_wrong_token_proves_nothing() {
    let wrong = copy(offer_with([0x71; 16], friend_terms()).link());
    let mut rig = Rig::with(offer(), setup(SHOWER, JOINER, 1), setup(JOINER, SHOWER, 2), &wrong);
    rig.run();
    rig.happen(Event::Cut);
    got_nothing(&rig);
    assert_eq!(rig.s.failed, Some(PairingError::NotProven));
    assert_eq!(rig.j.failed, Some(PairingError::NotAccepted));
    assert_eq!((rig.offer.failed_proofs(), rig.offer.status(NOW)), (1, OfferStatus::Open));
    assert!(rig.j.received.is_empty(), "it learned nothing either");
}

/// Somebody who was told the bytes of a whole pairing says them again.
#[test]
fn a_recorded_ceremony_replayed_to_the_same_offer() {
    let kept = offer().encode();
    let mut rig = Rig::new(Offer::decode(&kept).unwrap());
    rig.run();
    let mut offer = Offer::decode(&kept).unwrap();
    let mut shower = Shower::new(setup(SHOWER, JOINER, 0x77), &offer, NOW);
    for message in &rig.s.received {
        shower.handle(NOW, &mut offer, Input::Message(message.clone()));
    }
    let outputs: Vec<Output> = std::iter::from_fn(|| shower.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::NotProven)]), "{outputs:?}");
    assert_eq!(offer.failed_proofs(), 1);

    // And to a joiner.
    let mut joiner = Joiner::new(setup(JOINER, SHOWER, 0x78), Invitation::Link(offer.link()), NOW).unwrap();
    for message in &rig.j.received {
        joiner.handle(NOW, Input::Message(message.clone()));
    }
    let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::NotProven)]), "{outputs:?}");
}

/// A link that was used is worth nothing to anybody else, and the one who tries is told.
#[test]
fn a_used_token() {
    let mut rig = Rig::new(offer());
    rig.run();
    let link = copy(rig.offer.link());
    let mut late = Rig::with(rig.offer, setup(SHOWER, STRANGER, 3), setup(STRANGER, SHOWER, 4), &link);
    late.run();
    got_nothing(&late);
    assert_eq!(late.s.failed, Some(PairingError::Offer(Refusal::Used)));
    assert_eq!(late.j.failed, Some(PairingError::PeerRefused(Refusal::Used)));
    assert_eq!(late.offer.failed_proofs(), 0);
}

#[test]
fn an_expired_token() {
    let mut rig = Rig::new(offer());
    rig.run_until(2);
    rig.now = rig.offer.expires_at() * 1_000;
    // The machines are of now; only the offer is old.
    let link = copy(rig.offer.link());
    rig.shower = Shower::new(setup(SHOWER, JOINER, 5), &rig.offer, rig.now);
    rig.joiner = Joiner::new(setup(JOINER, SHOWER, 6), Invitation::Link(&link), rig.now).unwrap();
    (rig.s.inbox, rig.j.inbox) = (VecDeque::new(), VecDeque::new());
    rig.feed_joiner(Input::Tick);
    rig.run();
    got_nothing(&rig);
    assert_eq!(rig.s.failed, Some(PairingError::Offer(Refusal::Expired)));
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Expired)));
}

#[test]
fn a_withdrawn_token() {
    let mut withdrawn = offer();
    withdrawn.withdraw();
    let link = copy(withdrawn.link());
    let mut rig = Rig::with(withdrawn, setup(SHOWER, JOINER, 1), setup(JOINER, SHOWER, 2), &link);
    rig.run();
    got_nothing(&rig);
    assert_eq!(rig.s.failed, Some(PairingError::Offer(Refusal::Withdrawn)));
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Withdrawn)));
}

/// Withdrawn at any moment: until the showing side stores, nobody gets anything; from then on both have it.
#[test]
fn withdrawn_at_any_moment() {
    for after in 0..9 {
        let mut rig = Rig::new(offer());
        rig.run_until(after);
        rig.offer.withdraw();
        rig.feed_shower(Input::Tick);
        rig.run();
        rig.happen(Event::Cut);
        rig.run();
        if after < 8 {
            assert_eq!(rig.s.failed, Some(PairingError::Offer(Refusal::Withdrawn)), "{after}");
            assert!(rig.s.stored.is_none() && !rig.would_work());
            assert_eq!(rig.offer.status(NOW), OfferStatus::Withdrawn);
        } else {
            assert!(rig.s.done.is_some() && rig.would_work());
        }
        if after < 8 {
            assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Withdrawn)), "{after}");
        }
    }
}

/// Two devices with the same link at the same time: the first that proves itself goes on alone.
#[test]
fn a_second_joiner_at_the_same_time() {
    let mut first = Rig::new(offer());
    let link = copy(first.offer.link());
    let mut second = Rig::with(offer(), setup(SHOWER, STRANGER, 7), setup(STRANGER, SHOWER, 8), &link);
    let with_first_offer = |first: &mut Rig, second: &mut Rig, act: &dyn Fn(&mut Rig)| {
        std::mem::swap(&mut first.offer, &mut second.offer);
        act(second);
        std::mem::swap(&mut first.offer, &mut second.offer);
    };

    // The second has proven the token and was made the offer before the first has proven who it is.
    first.run_until(4);
    with_first_offer(&mut first, &mut second, &|rig| rig.run_until(4));
    while first.happen(Event::ToShower) || first.happen(Event::ToJoiner) {}
    assert!(first.s.unanswered);
    with_first_offer(&mut first, &mut second, &Rig::run);
    assert_eq!(second.s.failed, Some(PairingError::Offer(Refusal::Busy)));
    assert_eq!(second.j.failed, Some(PairingError::PeerRefused(Refusal::Busy)));
    got_nothing(&second);

    first.run();
    assert!(first.would_work());
    let mut third = Rig::with(first.offer, setup(SHOWER, STRANGER, 9), setup(STRANGER, SHOWER, 10), &link);
    third.run();
    assert_eq!(third.j.failed, Some(PairingError::PeerRefused(Refusal::Used)));
    got_nothing(&third);
}

/// If the first one leaves without a yes, the second may.
#[test]
fn a_second_joiner_after_the_first_has_left() {
    let mut first = Rig::new(offer());
    while first.happen(Event::ToShower) || first.happen(Event::ToJoiner) {}
    first.happen(Event::Cut);
    let link = copy(first.offer.link());
    let mut second = Rig::with(first.offer, setup(SHOWER, STRANGER, 7), setup(STRANGER, SHOWER, 8), &link);
    second.run();
    assert!(second.s.done.is_some() && second.j.done.is_some());
    assert_eq!(second.offer.status(NOW), OfferStatus::Used { by: id(STRANGER) });
}

/// A claim that nobody gave back (its connection was forgotten) ends by itself.
#[test]
fn a_claim_ends_by_itself() {
    let mut first = Rig::new(offer_with([5; 16], friend_terms()));
    while first.happen(Event::ToShower) || first.happen(Event::ToJoiner) {}
    let until = first.shower.poll_timeout().unwrap();
    let offer = first.offer;
    assert!(!offer.admits(&id(STRANGER), until - 1));
    assert!(offer.admits(&id(STRANGER), until));
}

#[test]
fn junk_connections_cost_nothing() {
    let mut offer = open_offer();
    for number in 0..100_u8 {
        let mut shower = Shower::new(setup(SHOWER, STRANGER, number), &offer, NOW);
        let junk: &[usize] = match number % 5 {
            0 => &[],
            1 => &[48],
            2 => &[0, 49],
            3 => &[50],
            _ => &[65_535],
        };
        for len in junk {
            // Whichever way it says.
            let mut message = vec![number; *len];
            message.first_mut().into_iter().for_each(|way| *way = number % 4);
            shower.handle(NOW, &mut offer, Input::Message(message));
        }
        shower.handle(NOW, &mut offer, Input::Closed);
    }
    assert_eq!((offer.failed_proofs(), offer.status(NOW)), (0, OfferStatus::Open));
    let mut rig = Rig::new(offer);
    rig.run();
    assert!(rig.would_work());
}

#[test]
fn the_budget_of_failed_proofs() {
    let mut offer = offer();
    for failed in 0..MAX_FAILED_PROOFS {
        let mut shower = Shower::new(setup(SHOWER, STRANGER, failed), &offer, NOW);
        shower.handle(NOW, &mut offer, Input::Message([&[1][..], &[9; 48]].concat()));
        assert_eq!(offer.failed_proofs(), failed + 1);
    }
    assert_eq!(offer.status(NOW), OfferStatus::Exhausted);
    let mut rig = Rig::new(offer);
    rig.run();
    got_nothing(&rig);
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Exhausted)));
}

/// Whoever carries the link changes what it promises, or where it leads.
#[test]
fn an_edited_link() {
    let text = offer().link().to_string();
    let edits = [
        ("role=friend", "role=own"),
        ("access=ro", "access=rw"),
        ("ws=0909", "ws=0908"),
        ("wsname=Reading", "wsname=Writing"),
        ("name=Device%201", "name=Device%207"),
        ("addr=192.0.2.1:4242", "addr=192.0.2.66:4242"),
        ("relay=https://relay.example/", "relay=https://evil.example/"),
        ("exp=1790000300", "exp=1790009999"),
        ("exp=1790000300", "exp=1790000300&note=hello"),
        ("?addr=192.0.2.1:4242&", "?"),
    ];
    for (from, to) in edits {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        let link: PairingLink = edited.parse().unwrap();
        let mut rig = Rig::with(offer(), setup(SHOWER, JOINER, 1), setup(JOINER, SHOWER, 2), &link);
        rig.run();
        rig.happen(Event::Cut);
        got_nothing(&rig);
        assert_eq!(rig.s.failed, Some(PairingError::NotProven), "{from} -> {to}");
        assert_eq!(rig.j.failed, Some(PairingError::NotAccepted));
    }
    // Another device in it is dialled and is not the one that made the offer, or isn't dialled at all.
    let other = text.replacen(&id(SHOWER).to_hex(), &id(STRANGER).to_hex(), 1).parse().unwrap();
    let error = Joiner::new(setup(JOINER, SHOWER, 2), Invitation::Link(&other), NOW).unwrap_err();
    assert_eq!(error, PairingError::OtherDevice);
    let own = text.replacen(&id(SHOWER).to_hex(), &id(JOINER).to_hex(), 1).parse().unwrap();
    assert_eq!(Joiner::new(setup(JOINER, SHOWER, 2), Invitation::Link(&own), NOW).unwrap_err(), PairingError::OwnCode);
}

/// Somebody stands between two victims and passes every byte on. Even if it could have both ids on its connections, it has two of
/// them, and what TLS exports differs.
#[test]
fn a_man_in_the_middle_that_relays() {
    let on_another_connection = |mut setup: Setup| {
        setup.connection.exporter = [0xE1; 32];
        setup
    };
    let (offer, link) = (offer(), copy(offer().link()));
    let mut rig = Rig::with(offer, setup(SHOWER, JOINER, 1), on_another_connection(setup(JOINER, SHOWER, 2)), &link);
    rig.run();
    rig.happen(Event::Cut);
    got_nothing(&rig);
    assert_eq!((rig.s.failed, rig.j.failed), (Some(PairingError::NotProven), Some(PairingError::NotAccepted)));
    assert_eq!(rig.offer.failed_proofs(), 1);
}

/// As it really is: towards the showing side the relay has an id of its own.
#[test]
fn a_man_in_the_middle_under_its_own_id() {
    let (offer, link) = (offer(), copy(offer().link()));
    let mut rig = Rig::with(offer, setup(SHOWER, STRANGER, 1), setup(JOINER, SHOWER, 2), &link);
    rig.run();
    rig.happen(Event::Cut);
    got_nothing(&rig);
    assert_eq!(rig.s.failed, Some(PairingError::NotProven));
}

/// Connects under another id than its identity's, which only a broken device can.
fn disguised(device: u8, as_device: u8, peer: u8, seed: u8) -> Setup {
    let mut setup = setup(device, peer, seed);
    setup.connection = Connection { own: id(as_device), ..setup.connection };
    setup
}

#[test]
fn a_joiner_whose_connection_is_another_devices() {
    let (offer, link) = (offer(), copy(offer().link()));
    let mut rig = Rig::with(offer, setup(SHOWER, STRANGER, 1), disguised(JOINER, STRANGER, SHOWER, 2), &link);
    rig.run();
    got_nothing(&rig);
    assert_eq!(rig.s.failed, Some(PairingError::FalseIdentity));
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Identity)));
    assert_eq!(rig.offer.failed_proofs(), 1);
}

#[test]
fn a_shower_whose_connection_is_another_devices() {
    let (offer, link) = (offer(), copy(offer().link()));
    let mut rig = Rig::with(offer, disguised(STRANGER, SHOWER, JOINER, 1), setup(JOINER, SHOWER, 2), &link);
    rig.run();
    got_nothing(&rig);
    assert_eq!(rig.j.failed, Some(PairingError::FalseIdentity));
    assert_eq!(rig.s.failed, Some(PairingError::PeerRefused(Refusal::Identity)));
}

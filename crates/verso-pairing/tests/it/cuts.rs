//! The connection is cut after every message, and in every order of things: both end up paired, or neither.

use proptest::prelude::*;
use verso_pairing::{Input, OfferStatus, PairingError};

use crate::rig::{Event, JOINER, NOW, Rig, WAYS, id, offer, open_offer};

/// What must hold at every moment, whatever happened.
fn check(rig: &Rig) {
    let both_said_yes = rig.s.said_yes && rig.j.said_yes;
    for side in [&rig.s, &rig.j] {
        if side.storing.is_some() || side.stored.is_some() {
            assert!(both_said_yes, "nobody stores what not both have confirmed");
        }
        if side.done.is_some() {
            assert!(rig.would_work(), "nobody is told of a pairing that does not work");
        }
    }
    if rig.s.storing.is_some() || rig.s.stored.is_some() {
        assert!(rig.j.stored.is_some(), "the showing side stores last");
        assert_eq!(rig.offer.status(NOW), OfferStatus::Used { by: id(JOINER) });
    }
    // Access is what a handshake gives, and it succeeds for both sides or for none: if and only if both stored the same.
    let same = rig.s.secret().is_some() && rig.s.secret() == rig.j.secret();
    assert_eq!(rig.would_work(), same);
}

#[test]
fn cut_after_every_message() {
    for way in WAYS {
        for cut_after in 0..=way.messages() {
            let mut rig = Rig::by(way, open_offer());
            rig.run_until(cut_after);
            check(&rig);
            rig.happen(Event::Cut);
            rig.run();
            check(&rig);
            assert!(rig.s.is_over() && rig.j.is_over(), "{way:?} cut after {cut_after}: nobody hangs");
            // From the joiner's last message on nothing can be lost that matters.
            assert_eq!(rig.would_work(), cut_after >= way.messages() - 1, "{way:?} cut after {cut_after}");
            if !rig.would_work() {
                assert!(rig.s.stored.is_none() || rig.j.stored.is_none());
            }

            // The same joiner tries again the same way.
            let mut again = rig.again(0x40);
            again.run();
            assert!(
                again.s.done.is_some() && again.j.done.is_some(),
                "{way:?} {cut_after}: {:?} {:?}",
                again.s,
                again.j
            );
            assert!(again.would_work());
        }
    }
}

/// The last message is lost: the joiner doesn't know, and yet both are paired.
#[test]
fn the_last_message_is_lost() {
    let mut rig = Rig::new(offer());
    rig.run_until(8);
    assert!(rig.s.done.is_some());
    rig.happen(Event::Cut);
    assert_eq!(rig.j.failed, Some(PairingError::Unfinished));
    assert!(rig.would_work());
}

/// The showing side hears that the connection is gone while its disk still works.
#[test]
fn cut_while_the_showing_side_stores() {
    let mut rig = Rig::new(offer());
    while rig.s.storing.is_none() {
        let events =
            [Event::ToShower, Event::ToJoiner, Event::ShowerSaysYes, Event::JoinerSaysYes, Event::JoinerStores];
        assert!(events.map(|event| rig.happen(event)).contains(&true));
    }
    rig.happen(Event::Cut);
    assert!(!rig.s.is_over());
    rig.happen(Event::ShowerStores);
    assert!(rig.s.done.is_some() && rig.would_work());
}

/// A ceremony that was cut off may be done again by the same joiner even though the token is burnt; once the pairing is known to work, not
/// even by it.
#[test]
fn finishing_ends_when_the_pairing_works() {
    let mut rig = Rig::new(offer());
    rig.run_until(8);
    rig.happen(Event::Cut);
    let mut again = rig.again(0x41);
    again.run();
    assert!(again.would_work());
    again.offer.settle();
    let mut third = again.again(0x42);
    third.run();
    assert_eq!(third.j.failed, Some(PairingError::PeerRefused(verso_pairing::Refusal::Used)));
}

/// The second ceremony is cut off, too: what the first one left works as long as nobody has replaced it.
#[test]
fn cut_the_second_time_as_well() {
    for cut_after in 0..=9 {
        let mut rig = Rig::new(offer());
        rig.run_until(8);
        rig.happen(Event::Cut);
        let mut again = rig.again(0x43);
        (again.s.said_yes, again.j.said_yes) = (true, true);
        again.run_until(cut_after);
        again.happen(Event::Cut);
        again.run();
        check(&again);
        let mut last = again.again(0x44);
        last.run();
        assert!(last.would_work());
    }
}

/// The joiner comes back on a new connection before the showing side has noticed that the old one is dead.
#[test]
fn the_joiner_comes_back_before_the_old_connection_is_gone() {
    let mut old = Rig::new(offer());
    while old.happen(Event::ToShower) || old.happen(Event::ToJoiner) {}
    assert!(old.s.unanswered);
    let (link, offer) = (crate::rig::copy(old.offer.link()), std::mem::replace(&mut old.offer, offer()));
    let (showing, joining) = (crate::rig::setup(1, JOINER, 0x50), crate::rig::setup(JOINER, 1, 0x51));
    let mut new = Rig::with(offer, showing, joining, &link);
    new.run();
    assert!(new.would_work());
    // The old one finds that it has been overtaken, also by a yes that was meant for the new one.
    std::mem::swap(&mut old.offer, &mut new.offer);
    old.feed_shower(Input::Confirmed);
    assert_eq!(old.s.failed, Some(PairingError::Superseded));
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::ToShower),
        8 => Just(Event::ToJoiner),
        3 => Just(Event::ShowerTypes),
        3 => Just(Event::JoinerTypes),
        3 => Just(Event::ShowerSaysYes),
        3 => Just(Event::JoinerSaysYes),
        3 => Just(Event::ShowerStores),
        3 => Just(Event::JoinerStores),
        1 => Just(Event::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn in_any_order_of_things(way in prop::sample::select(&WAYS[..]), events in prop::collection::vec(event(), 0..80)) {
        let mut rig = Rig::by(way, open_offer());
        for event in events {
            rig.happen(event);
            check(&rig);
        }
        rig.happen(Event::Cut);
        rig.run();
        check(&rig);
        prop_assert!(rig.s.is_over() && rig.j.is_over());
        let mut again = rig.again(0x45);
        again.run();
        prop_assert!(again.would_work());
    }
}

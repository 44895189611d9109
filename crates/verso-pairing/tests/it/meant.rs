//! Which of several invitations a joiner means.

use verso_pairing::{Input, MAX_FAILED_PROOFS, Offer, OfferStatus, PairingError, Refusal};

use crate::rig::{Event, JOINER, NOW, Rig, SHOWER, STRANGER, copy, friend_terms, key, offer, offer_with, setup};

/// What the joiner of this offer says first, on the connection of the rig.
fn first_message(offer: &Offer) -> Vec<u8> {
    let link = copy(offer.link());
    Rig::with(offer_with([0; 16], friend_terms()), setup(SHOWER, JOINER, 1), setup(JOINER, SHOWER, 2), &link)
        .s
        .inbox
        .pop_front()
        .unwrap()
}

fn means(offer: &Offer, first: &[u8]) -> bool {
    offer.is_meant_by(first, &key(SHOWER), &setup(SHOWER, JOINER, 9).connection)
}

#[test]
fn the_first_message_means_the_offer_of_its_link_and_no_other() {
    let offers = [1, 2, 3].map(|token| offer_with([token; 16], friend_terms()));
    for (at, offer) in offers.iter().enumerate() {
        let first = first_message(offer);
        let meant: Vec<usize> = (0..3).filter(|other| means(&offers[*other], &first)).collect();
        assert_eq!(meant, [at]);
    }
}

#[test]
fn it_means_nothing_on_another_connection_or_when_it_was_changed() {
    let offer = offer();
    let first = first_message(&offer);
    assert!(means(&offer, &first));
    assert!(!offer.is_meant_by(&first, &key(SHOWER), &setup(SHOWER, STRANGER, 9).connection));
    for at in 0..first.len() {
        let mut changed = first.clone();
        changed[at] ^= 1;
        assert!(!means(&offer, &changed), "byte {at}");
    }
    assert!(!means(&offer, &first[..48]) && !means(&offer, &[]) && !means(&offer, &[1; 50]));
}

/// Looking which offer is meant doesn't use it up, and the ceremony takes the message it was found by.
#[test]
fn the_offer_that_is_meant_goes_on() {
    let mut rig = Rig::new(offer());
    assert!(means(&rig.offer, &rig.s.inbox[0]));
    rig.run();
    assert!(rig.s.done.is_some() && rig.j.done.is_some());
}

#[test]
fn strangers_use_an_offer_up_and_noise_does_not() {
    let mut offer = offer();
    let stranger = first_message(&offer_with([7; 16], friend_terms()));
    for noise in [&[][..], &[1; 12], &[3; 49], &[1; 400]] {
        offer.count_stranger(noise);
    }
    assert_eq!(offer.failed_proofs(), 0);
    for _ in 0..MAX_FAILED_PROOFS {
        assert_eq!(offer.status(NOW), OfferStatus::Open);
        offer.count_stranger(&stranger);
        offer = Offer::decode(&offer.encode()).unwrap();
    }
    assert_eq!(offer.status(NOW), OfferStatus::Exhausted);
}

/// Whoever holds the link of an invitation that is over is told what became of it, and nothing else.
#[test]
fn the_holder_of_a_link_that_is_over_is_told_why() {
    let mut used = Rig::new(offer());
    used.run();
    let mut withdrawn = offer();
    withdrawn.withdraw();
    for (offer, why) in [(used.offer, Refusal::Used), (withdrawn, Refusal::Withdrawn)] {
        let link = copy(offer.link());
        let mut late = Rig::with(offer, setup(SHOWER, STRANGER, 3), setup(STRANGER, SHOWER, 4), &link);
        late.run();
        assert_eq!(late.j.failed, Some(PairingError::PeerRefused(why)));
        assert_eq!(late.s.failed, Some(PairingError::Offer(why)));
        assert!(late.j.asked.is_none() && late.s.asked.is_none(), "nobody is shown anything");
        assert!(!late.happen(Event::ToJoiner));
        late.feed_shower(Input::Tick);
    }
}

//! What becomes of an offer, and that it survives a restart.

use verso_identity::WorkspaceId;
use verso_pairing::{
    DecodeError, INVITE_SECONDS, Input, MAX_FAILED_PROOFS, Offer, OfferStatus, PAIR_SECONDS, PairingError, Refusal,
    Terms, TermsError, WorkspaceTerms,
};
use verso_trust::{Access, PeerRole};

use crate::rig::{Event, JOINER, NOW, Rig, SHOWER, STRANGER, friend_terms, id, name, offer, offer_with, workspace};

fn restarted(offer: &Offer) -> Offer {
    Offer::decode(&offer.encode()).unwrap()
}

#[test]
fn the_link_says_what_the_offer_is() {
    let offer = offer();
    let hints = offer.link().hints();
    assert_eq!(offer.link().device(), &id(SHOWER));
    assert_eq!((hints.role, hints.name.clone()), (Some(PeerRole::Friend), Some(name("Device 1"))));
    let linked = hints.workspace.clone().unwrap();
    assert_eq!((linked.id, linked.access), (WorkspaceId::from_bytes([9; 16]), Some(Access::ReadOnly)));
    assert_eq!(hints.expires_at, Some(NOW / 1_000 + PAIR_SECONDS));
    assert_eq!(offer.id().as_bytes(), &offer.link().canonical_hash());

    let several = Terms::new(PeerRole::Friend, vec![workspace(1), workspace(2)]).unwrap();
    assert_eq!(offer_with([1; 16], several).link().hints().workspace, None);
}

#[test]
fn it_expires() {
    let offer = offer();
    let end = offer.expires_at() * 1_000;
    assert_eq!(offer.status(end - 1), OfferStatus::Open);
    assert_eq!(offer.status(end), OfferStatus::Expired);
    assert!(offer.admits(&id(JOINER), end - 1));
    assert!(!offer.admits(&id(JOINER), end));
    assert_eq!((PAIR_SECONDS, INVITE_SECONDS), (300, 86_400));
}

#[test]
fn it_is_withdrawn_and_stays_so() {
    let mut offer = offer();
    offer.withdraw();
    assert_eq!(offer.status(NOW), OfferStatus::Withdrawn);
    assert!(!offer.admits(&id(JOINER), NOW));
    assert_eq!(restarted(&offer).status(NOW), OfferStatus::Withdrawn);
}

#[test]
fn one_joiner_at_a_time() {
    let mut rig = Rig::new(offer());
    while rig.happen(Event::ToShower) || rig.happen(Event::ToJoiner) {}
    assert_eq!(rig.offer.status(NOW), OfferStatus::Busy);
    assert!(rig.offer.admits(&id(JOINER), NOW) && !rig.offer.admits(&id(STRANGER), NOW));
    // A restart ends every connection.
    assert_eq!(restarted(&rig.offer).status(NOW), OfferStatus::Open);
    rig.feed_shower(Input::Closed);
    assert_eq!(rig.offer.status(NOW), OfferStatus::Open);
}

#[test]
fn what_was_used_stays_used_after_a_restart() {
    let mut rig = Rig::new(offer());
    rig.run();
    rig.offer = restarted(&rig.offer);
    assert_eq!(rig.offer.status(NOW), OfferStatus::Used { by: id(JOINER) });
    assert!(!rig.offer.admits(&id(STRANGER), NOW));
    // Withdrawing changes nothing any more.
    rig.offer.withdraw();
    assert_eq!(rig.offer.status(NOW), OfferStatus::Used { by: id(JOINER) });

    // The same joiner may finish for a day, and not longer.
    let lapses = NOW + verso_pairing::FINISH_SECONDS * 1_000;
    assert!(rig.offer.admits(&id(JOINER), lapses - 1));
    assert!(!rig.offer.admits(&id(JOINER), lapses));
    rig.offer.settle();
    assert!(!restarted(&rig.offer).admits(&id(JOINER), NOW));
}

#[test]
fn the_budget_survives_a_restart() {
    let mut offer = offer();
    for failed in 0..MAX_FAILED_PROOFS {
        assert_eq!((offer.failed_proofs(), offer.status(NOW)), (failed, OfferStatus::Open));
        let link = format!("{}", offer_with([0xff; 16], friend_terms()).link()).parse().unwrap();
        let (showing, joining) = (crate::rig::setup(SHOWER, JOINER, failed), crate::rig::setup(JOINER, SHOWER, 0x60));
        let mut rig = Rig::with(offer, showing, joining, &link);
        rig.run();
        assert_eq!(rig.s.failed, Some(PairingError::NotProven));
        offer = restarted(&rig.offer);
    }
    assert_eq!(offer.status(NOW), OfferStatus::Exhausted);
    let mut rig = Rig::new(offer);
    rig.run();
    assert_eq!(rig.j.failed, Some(PairingError::PeerRefused(Refusal::Exhausted)));
}

#[test]
fn a_ceremony_belongs_to_one_offer() {
    let mut rig = Rig::new(offer());
    rig.offer = offer_with([0xff; 16], friend_terms());
    rig.happen(Event::ToShower);
    assert_eq!(rig.s.failed, Some(PairingError::WrongOffer));
}

#[test]
fn what_is_kept_is_read_strictly() {
    let kept = offer().encode().to_vec();
    assert_eq!(Offer::decode(&kept).unwrap().link().to_string(), offer().link().to_string());
    for len in 0..kept.len() {
        assert_eq!(Offer::decode(&kept[..len]).err(), Some(DecodeError::Malformed), "{len}");
    }
    assert_eq!(Offer::decode(&[kept.as_slice(), &[0]].concat()).err(), Some(DecodeError::Malformed));
    let newer = [&[2], &kept[1..]].concat();
    assert_eq!(Offer::decode(&newer).err(), Some(DecodeError::Newer { version: 2 }));
    // Terms that are not what the link says. The role follows the link, which is 0x.. bytes and its length long.
    let at = 1 + 2 + offer().link().to_string().len();
    assert_eq!(kept[at], 2, "friend");
    let mut changed = kept.clone();
    changed[at] = 1;
    assert_eq!(Offer::decode(&changed).err(), Some(DecodeError::Malformed));
}

#[test]
fn terms_that_contradict_themselves() {
    let terms = |role, workspaces| Terms::new(role, workspaces).err();
    let one = workspace(1);
    let twice = TermsError::Twice { workspace: one.id };
    assert_eq!(terms(PeerRole::Friend, vec![one.clone(), one.clone()]), Some(twice));
    assert_eq!(terms(PeerRole::Own, vec![one.clone()]), Some(TermsError::OwnReadOnly { workspace: one.id }));
    let control = WorkspaceTerms { id: WorkspaceId::CONTROL, ..one.clone() };
    assert_eq!(terms(PeerRole::Friend, vec![control]), Some(TermsError::Control));
    let many = (0..257_u16).map(|number| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_le_bytes());
        WorkspaceTerms { id: WorkspaceId::from_bytes(id), ..one.clone() }
    });
    assert_eq!(terms(PeerRole::Friend, many.collect()), Some(TermsError::TooMany { count: 257 }));
}

#[test]
fn provisional_peers_survive_a_restart() {
    let mut rig = Rig::new(offer());
    rig.run();
    for stored in [rig.s.stored.unwrap(), rig.j.stored.unwrap()] {
        let kept = stored.encode();
        let back = verso_pairing::ProvisionalPeer::decode(&kept).unwrap();
        assert_eq!(back.encode(), kept);
        assert_eq!((back.device, back.noise_key, back.side), (stored.device, stored.noise_key, stored.side));
        assert_eq!((&back.name, &back.terms, &back.addresses), (&stored.name, &stored.terms, &stored.addresses));
        assert_eq!((&back.relay, back.expires_at), (&stored.relay, stored.expires_at));
        assert_eq!((back.secret.expose(), back.sealing_key), (stored.secret.expose(), stored.sealing_key));
        for len in 0..kept.len() {
            assert!(verso_pairing::ProvisionalPeer::decode(&kept[..len]).is_err());
        }
        assert!(verso_pairing::ProvisionalPeer::decode(&[kept.as_slice(), &[0]].concat()).is_err());
    }
}

//! Those who hold the token and lie: about who they are, what they signed, what was offered, and whose turn it is. And honest ones that
//! were written from the document alone.

use verso_noise::PairedChannel;
use verso_pairing::{Input, Invitation, Joiner, Offer, OfferStatus, Output, PairingError, Shower};

use crate::forger::{self, Forger};
use crate::rig::{JOINER, NOW, SHOWER, STRANGER, copy, id, offer, setup};

/// A joiner made by hand against the real showing side, up to its introduction.
fn join_by_hand(forger: &Forger, change: impl FnOnce(&mut Vec<u8>)) -> (Vec<Output>, Shower, Offer, PairedChannel) {
    let mut offer = offer();
    let (mut handshake, first) = forger.dial();
    let mut setup = setup(SHOWER, JOINER, 0x31);
    setup.connection.peer = forger.connected_as;
    let mut shower = Shower::new(setup, &offer, NOW);
    shower.handle(NOW, &mut offer, Input::Message(first));
    handshake.read_message(&sent(&mut shower)).unwrap();
    shower.handle(NOW, &mut offer, Input::Message(handshake.write_message().unwrap()));
    let mut channel = handshake.finish().unwrap();
    let offered = channel.open(&sent(&mut shower)).unwrap();
    assert_eq!(offered[..2], [1, 0], "version, offer");
    let mut join = forger.join(&channel, &offered[2..], &id(SHOWER));
    change(&mut join);
    shower.handle(NOW, &mut offer, Input::Message(channel.seal(&join).unwrap()));
    let outputs = std::iter::from_fn(|| shower.poll()).collect();
    (outputs, shower, offer, channel)
}

pub(crate) fn sent(shower: &mut Shower) -> Vec<u8> {
    match shower.poll() {
        Some(Output::Send(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// The joiner written from the document is understood, and both come to the same secret.
#[test]
fn the_document_is_enough_to_join() {
    let forger = Forger::honest(JOINER, SHOWER);
    let (mut outputs, mut shower, mut offer, mut channel) = join_by_hand(&forger, |_| {});
    let Some(Output::Confirm(summary)) = outputs.pop() else { panic!("{outputs:?}") };
    assert_eq!((summary.peer, summary.name.as_str()), (id(JOINER), "Device x"));
    let Some(Output::Send(signed)) = outputs.pop() else { panic!("{outputs:?}") };
    let signed = channel.open(&signed).unwrap();
    assert_eq!((&signed[..2], signed.len()), (&[1, 1][..], 66));

    shower.handle(NOW, &mut offer, Input::Confirmed);
    assert_eq!(channel.open(&sent(&mut shower)).unwrap().as_slice(), [1, 2]);
    shower.handle(NOW, &mut offer, Input::Message(channel.seal(&[1, 1]).unwrap()));
    let Some(Output::StoreProvisional(peer)) = shower.poll() else { panic!() };
    let shower_contribution = [0x31 ^ 1; 32];
    let expected = forger.secret(&channel, [&shower_contribution, &[0x77; 32]], [&id(SHOWER), &id(JOINER)]);
    assert_eq!(peer.secret.expose(), &expected);
    shower.handle(NOW, &mut offer, Input::Stored);
    assert_eq!(channel.open(&sent(&mut shower)).unwrap().as_slice(), [1, 3]);
    assert!(matches!(shower.poll(), Some(Output::Done(_))));
}

/// It holds the token and says that it is the victim, on a connection of its own.
#[test]
fn a_joiner_claiming_another_devices_id() {
    let forger = Forger { claims: id(JOINER), ..Forger::honest(STRANGER, SHOWER) };
    let (outputs, _, offer, _) = join_by_hand(&forger, |_| {});
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::FalseIdentity)]), "{outputs:?}");
    assert_eq!(offer.failed_proofs(), 1);
}

/// Even on a connection that has the victim's id, it lacks the victim's key.
#[test]
fn a_joiner_without_the_device_key() {
    let forger = Forger { claims: id(JOINER), connected_as: id(JOINER), ..Forger::honest(STRANGER, SHOWER) };
    let (outputs, _, offer, _) = join_by_hand(&forger, |_| {});
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::NotSigned)]), "{outputs:?}");
    assert_eq!((offer.failed_proofs(), offer.status(NOW)), (1, OfferStatus::Open));
}

#[test]
fn a_joiner_that_claims_to_be_the_shower() {
    let forger = Forger { claims: id(SHOWER), connected_as: id(SHOWER), ..Forger::honest(SHOWER, SHOWER) };
    let (outputs, ..) = join_by_hand(&forger, |_| {});
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::FalseIdentity)]), "{outputs:?}");
}

/// What was said and what was signed must be the same, byte for byte.
#[test]
fn a_joiner_that_signed_something_else() {
    let name = 2 + 32;
    let sealing_key = name + 1 + "Device x".len();
    let address = sealing_key + 32 + 1;
    let contribution = address + 1 + "192.0.2.66:4242".len() + 1;
    let signature = contribution + 32;
    for at in [name + 3, sealing_key, address + 10, contribution, signature + 5, signature + 40] {
        let (outputs, ..) = join_by_hand(&Forger::honest(JOINER, SHOWER), |join| join[at] ^= 1);
        let failed = outputs.last().unwrap();
        assert!(matches!(failed, Output::Failed(PairingError::NotSigned)), "{at}: {outputs:?}");
    }
    let (outputs, ..) = join_by_hand(&Forger::honest(JOINER, SHOWER), |join| join.push(0));
    assert!(matches!(outputs.last(), Some(Output::Failed(PairingError::Message(_)))));
    let (outputs, ..) = join_by_hand(&Forger::honest(JOINER, SHOWER), |join| join[0] = 2);
    assert!(matches!(outputs.last(), Some(Output::Failed(PairingError::Message(_)))));
}

/// A joiner that says it has stored before anybody said yes, or says the same twice.
#[test]
fn a_joiner_that_runs_ahead() {
    let (_, mut shower, mut offer, mut channel) = join_by_hand(&Forger::honest(JOINER, SHOWER), |_| {});
    shower.handle(NOW, &mut offer, Input::Message(channel.seal(&[1, 1]).unwrap()));
    let outputs: Vec<Output> = std::iter::from_fn(|| shower.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::OutOfOrder)]), "{outputs:?}");
    assert_eq!(offer.status(NOW), OfferStatus::Open);

    let forger = Forger::honest(JOINER, SHOWER);
    let (_, mut shower, mut offer, mut channel) = join_by_hand(&forger, |_| {});
    let again = channel.seal(&[&[1, 0][..], &forger.introduction(), &[0; 64]].concat()).unwrap();
    shower.handle(NOW, &mut offer, Input::Message(again));
    let outputs: Vec<Output> = std::iter::from_fn(|| shower.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::OutOfOrder)]), "{outputs:?}");
}

/// A showing side made by hand against the real joiner, up to its offer.
fn offer_by_hand(forger: &Forger, terms: &[u8]) -> (Joiner, PairedChannel, Vec<u8>) {
    let link = copy(offer().link());
    let mut joiner = Joiner::new(setup(JOINER, SHOWER, 0x32), Invitation::Link(&link), NOW).unwrap();
    let (mut handshake, second) = forger.accept(&sent_by(&mut joiner));
    joiner.handle(NOW, Input::Message(second));
    handshake.read_message(&sent_by(&mut joiner)).unwrap();
    let mut channel = handshake.finish().unwrap();
    let introduction = [terms, &forger.introduction()].concat();
    joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 0][..], &introduction].concat()).unwrap()));
    (joiner, channel, introduction)
}

/// Hears who joins, and signs as the showing side (1) or as if it were the joining one (2).
fn sign_by_hand(forger: &Forger, side: u8, joiner: &mut Joiner, channel: &mut PairedChannel, offer: &[u8]) {
    let heard = channel.open(&sent_by(joiner)).unwrap();
    let said = &heard[2..heard.len() - 64];
    let signature = forger.sign(side, channel, (offer, &id(SHOWER)), (said, &id(JOINER)));
    joiner.handle(NOW, Input::Message(channel.seal(&[&[1, 1][..], signature.as_bytes()].concat()).unwrap()));
}

pub(crate) fn sent_by(joiner: &mut Joiner) -> Vec<u8> {
    match joiner.poll() {
        Some(Output::Send(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// It may hold the token and the id of the connection: without the device's key nothing is shown to the person.
#[test]
fn a_shower_without_the_device_key() {
    let forger = Forger { claims: id(SHOWER), connected_as: id(SHOWER), ..Forger::honest(STRANGER, JOINER) };
    let (mut joiner, mut channel, introduction) = offer_by_hand(&forger, &forger::terms(9));
    sign_by_hand(&forger, 1, &mut joiner, &mut channel, &introduction);
    let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::NotSigned)]), "{outputs:?}");
}

/// A device can't pass the other's own signature back to it.
#[test]
fn a_shower_that_reflects_the_joiners_signature() {
    let forger = Forger::honest(SHOWER, JOINER);
    let (mut joiner, mut channel, introduction) = offer_by_hand(&forger, &forger::terms(9));
    sign_by_hand(&forger, 2, &mut joiner, &mut channel, &introduction);
    let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::NotSigned)]), "{outputs:?}");
}

/// The showing side written from the document is understood as well.
#[test]
fn the_document_is_enough_to_show() {
    let forger = Forger::honest(SHOWER, JOINER);
    let (mut joiner, mut channel, introduction) = offer_by_hand(&forger, &forger::terms(9));
    sign_by_hand(&forger, 1, &mut joiner, &mut channel, &introduction);
    assert!(matches!(joiner.poll(), Some(Output::Confirm(_))));
}

#[test]
fn an_offer_that_is_not_what_the_link_says() {
    let forger = Forger::honest(SHOWER, JOINER);
    let more_access = {
        let mut terms = forger::terms(9);
        terms[18] = 2;
        terms
    };
    let own_device = vec![1, 0];
    for terms in [forger::terms(8), more_access, own_device] {
        let (mut joiner, ..) = offer_by_hand(&forger, &terms);
        let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
        assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::OtherOffer)]), "{outputs:?}");
    }
}

/// A shower that confirms and says it has stored before the joiner's person said yes.
#[test]
fn a_shower_that_runs_ahead() {
    let forger = Forger::honest(SHOWER, JOINER);
    let (mut joiner, mut channel, introduction) = offer_by_hand(&forger, &forger::terms(9));
    sign_by_hand(&forger, 1, &mut joiner, &mut channel, &introduction);
    joiner.handle(NOW, Input::Message(channel.seal(&[1, 2]).unwrap()));
    assert!(matches!(joiner.poll(), Some(Output::Confirm(_))));
    assert!(joiner.poll().is_none(), "nothing is stored on the other side's word alone");
    joiner.handle(NOW, Input::Message(channel.seal(&[1, 3]).unwrap()));
    let outputs: Vec<Output> = std::iter::from_fn(|| joiner.poll()).collect();
    assert!(matches!(outputs[..], [Output::Send(_), Output::Failed(PairingError::OutOfOrder)]), "{outputs:?}");
}

/// The secret is made of what only the two know: somebody who learns the token and sees every byte later can't compute it.
#[test]
fn the_secret_depends_on_both_contributions() {
    let secret = |shower_seed: u8, contribution: u8| {
        let forger = Forger { contribution: [contribution; 32], ..Forger::honest(JOINER, SHOWER) };
        let (_, mut shower, mut offer, mut channel) = join_by_hand(&forger, |_| {});
        shower.handle(NOW, &mut offer, Input::Confirmed);
        shower.handle(NOW, &mut offer, Input::Message(channel.seal(&[1, 1]).unwrap()));
        let stored = std::iter::from_fn(|| shower.poll()).find_map(|output| match output {
            Output::StoreProvisional(peer) => Some(*peer.secret.expose()),
            _ => None,
        });
        let own = [shower_seed ^ 1; 32];
        let expected = forger.secret(&channel, [&own, &[contribution; 32]], [&id(SHOWER), &id(JOINER)]);
        (stored.unwrap(), expected)
    };
    let (one, expected) = secret(0x31, 1);
    assert_eq!(one, expected);
    // With another guess of the shower's contribution the same public transcript gives another secret.
    assert_ne!(one, secret(0x33, 1).1);
    assert_ne!(one, secret(0x31, 2).0);
}

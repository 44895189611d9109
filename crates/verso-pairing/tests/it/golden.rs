//! What later releases must still read: the bytes of version 1.

use verso_pairing::{Offer, OfferStatus, PairingLink, ProvisionalPeer};

use crate::rig::{JOINER, NOW, Rig, SHOWER, Way, id, offer, open_offer};

const LINK: &str = include_str!("../golden/link-v1.txt");
const OFFER: &[u8] = include_bytes!("../golden/offer-v1.bin");
const PROVISIONAL: &[u8] = include_bytes!("../golden/provisional-v1.bin");
const BY_LINK: &str = include_str!("../golden/ceremony-link-v1.txt");
const NEARBY: &str = include_str!("../golden/ceremony-nearby-v1.txt");

/// All messages of a ceremony as they were sent, each with its sender; then the secret that came of it.
fn transcript(rig: &mut Rig) -> String {
    let (mut text, mut heard) = (String::new(), (0, 0));
    let mut note = |sender: &str, bytes: &[u8]| {
        text.extend([sender, " ", &data_encoding::HEXLOWER.encode(bytes), "\n"]);
    };
    for delivered in 1.. {
        rig.run_until(delivered);
        if rig.delivered < delivered {
            break;
        }
        if let Some(message) = rig.s.received.get(heard.0) {
            note("joiner", message);
            heard.0 += 1;
        } else if let Some(message) = rig.j.received.get(heard.1) {
            note("shower", message);
            heard.1 += 1;
        }
    }
    note("secret", &rig.s.secret().unwrap());
    text
}

#[test]
fn link() {
    let text = LINK.trim_end();
    assert_eq!(offer().link().to_string(), text);
    let link: PairingLink = text.parse().unwrap();
    assert_eq!(link.hints(), offer().link().hints());
}

#[test]
fn offer_that_was_used() {
    let mut rig = Rig::new(offer());
    rig.run();
    assert_eq!(rig.offer.encode().as_slice(), OFFER);
    assert_eq!(Offer::decode(OFFER).unwrap().status(NOW), OfferStatus::Used { by: id(JOINER) });
}

#[test]
fn provisional_peer() {
    let mut rig = Rig::new(offer());
    rig.run();
    assert_eq!(rig.j.stored.unwrap().encode().as_slice(), PROVISIONAL);
    assert_eq!(ProvisionalPeer::decode(PROVISIONAL).unwrap().device, id(SHOWER));
}

#[test]
fn a_ceremony_says_the_same_in_every_release() {
    for (mut rig, golden) in [(Rig::new(offer()), BY_LINK), (Rig::by(Way::Nearby, open_offer()), NEARBY)] {
        let text = transcript(&mut rig);
        assert!(rig.s.done.is_some() && rig.j.done.is_some());
        assert_eq!(text.lines().count(), rig.delivered + 1);
        assert!(text == golden, "devices of another release would not pair with this one. Now:\n{text}");
    }
}

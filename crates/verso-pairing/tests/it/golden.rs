//! What later releases must still read: the bytes of version 1.

use verso_pairing::{Offer, OfferStatus, PairingLink, ProvisionalPeer};

use crate::rig::{JOINER, NOW, Rig, SHOWER, id, offer};

const LINK: &str = include_str!("../golden/link-v1.txt");
const OFFER: &[u8] = include_bytes!("../golden/offer-v1.bin");
const PROVISIONAL: &[u8] = include_bytes!("../golden/provisional-v1.bin");

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

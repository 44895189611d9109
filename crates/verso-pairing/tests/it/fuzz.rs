//! Arbitrary bytes into everything that reads bytes from outside: an error, never a panic.

use proptest::prelude::*;
use verso_pairing::{Code, Input, Offer, PairingLink, ProvisionalPeer, Words};
use zeroize::Zeroizing;

use crate::link::BARE;
use crate::rig::{Event, Rig, WAYS, offer, open_offer};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn links(text in any::<String>(), query in "[ -~]{0,80}", parts in prop::collection::vec("(addr|relay|name|role|ws|wsname|access|exp|v|x)=[a-z0-9:%./]{0,20}", 0..6)) {
        for text in [text.clone(), format!("verso://pair/{text}"), format!("{BARE}?{query}"), format!("{BARE}?{}", parts.join("&"))] {
            if let Ok(link) = text.parse::<PairingLink>() {
                let canonical = link.to_string();
                prop_assert_eq!(canonical.parse::<PairingLink>().unwrap().to_string(), canonical);
            }
        }
    }

    #[test]
    fn words(text in any::<String>(), secret: u64, cut: prop::sample::Index, other in "[a-z ,.-]{0,12}") {
        drop(text.parse::<Code>());
        let words = Words::new(&Zeroizing::new(secret.to_le_bytes())).to_string();
        prop_assert_eq!(words.parse::<Words>().unwrap().to_string(), words.clone());
        let (front, back) = words.split_at(cut.index(words.len()));
        for text in [format!("{front}{other}{back}"), format!("{front}{other}"), format!("{other}{back}"), text] {
            // Whatever is read as words has one form, and is words again.
            if let Ok(read) = text.parse::<Words>() {
                prop_assert_eq!(read.to_string().parse::<Words>().unwrap().to_string(), read.to_string());
            }
        }
    }

    #[test]
    fn stored_bytes(bytes: Vec<u8>, flip: (prop::sample::Index, u8)) {
        drop(Offer::decode(&bytes));
        drop(ProvisionalPeer::decode(&bytes));
        let mut kept = offer().encode().to_vec();
        let at = flip.0.index(kept.len());
        kept[at] ^= flip.1;
        if let Ok(offer) = Offer::decode(&kept) {
            prop_assert_eq!(Offer::decode(&offer.encode()).unwrap().encode(), offer.encode());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// At every step of both machines: a message of any bytes, one that is cut, flipped, or stands for another.
    #[test]
    fn messages(
        way in prop::sample::select(&WAYS[..]),
        progress in 0_usize..16,
        bytes: Vec<u8>,
        which: prop::sample::Index,
        at: prop::sample::Index,
        flip in 1_u8..,
    ) {
        let reach = || {
            let mut rig = Rig::by(way, open_offer());
            rig.run_until(progress);
            rig
        };
        let mut broken = vec![bytes, Vec::new(), vec![0; 65_535], vec![0; 70_000]];
        if let Some(mut message) = reach().s.inbox.pop_front().or_else(|| reach().j.inbox.pop_front()) {
            broken.push(message[..message.len() - 1].to_vec());
            let at = at.index(message.len());
            message[at] ^= flip;
            broken.push(message);
        }
        let message = broken.swap_remove(which.index(broken.len()));
        let mut rig = reach();
        let (shower_was_over, joiner_was_over) = (rig.s.is_over(), rig.j.is_over());
        let storing = rig.s.storing.is_some();
        rig.feed_shower(Input::Message(message.clone()));
        rig.feed_joiner(Input::Message(message));
        // Whatever it was, nothing came of it.
        prop_assert!(shower_was_over || storing || rig.s.failed.is_some() || rig.s.done.is_none());
        prop_assert!(joiner_was_over || rig.j.done.is_none());
        rig.happen(Event::Cut);
        rig.run();
        prop_assert!(rig.s.is_over() && rig.j.is_over());
    }

    #[test]
    fn inputs_in_any_order(way in prop::sample::select(&WAYS[..]), inputs in prop::collection::vec((any::<bool>(), 0_u8..8, prop::collection::vec(any::<u8>(), 0..120)), 0..20)) {
        let mut rig = Rig::by(way, open_offer());
        (rig.s.said_yes, rig.j.said_yes) = (true, true);
        for (to_shower, kind, bytes) in inputs {
            let input = match kind {
                0 => Input::Confirmed,
                1 => Input::Refused,
                2 => Input::Stored,
                3 => Input::StoreFailed,
                4 => Input::Closed,
                5 => Input::Tick,
                6 => Input::Typed("000000".parse().unwrap()),
                _ => Input::Message(bytes),
            };
            if to_shower { rig.feed_shower(input) } else { rig.feed_joiner(input) }
            rig.happen(Event::ToShower);
            rig.happen(Event::ToJoiner);
        }
    }
}

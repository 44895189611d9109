//! What a device keeps for itself: each is encrypted where it lies, and read as if it was not.

use verso_graph::Graph;
use verso_pairing::{Offer, ProvisionalPeer};
use verso_replica::HighWater;
use verso_wire::Application as _;

use crate::fuzz::Bytes;

/// Reads a high-water mark, an offer, a provisional peer, or the snapshot of a graph.
///
/// # Panics
/// If what is read is not written as it was, or can't be used.
pub fn kept(input: &[u8]) {
    let mut input = Bytes::new(input);
    let which = input.below(4);
    let bytes = input.rest();
    match which {
        0 => {
            let Ok(mark) = HighWater::decode(bytes) else { return };
            assert_eq!(mark.encode().ok().as_deref(), Some(bytes));
        }
        1 => {
            let Ok(offer) = Offer::decode(bytes) else { return };
            let written = offer.encode();
            assert!(Offer::decode(&written).is_ok_and(|again| again.encode() == written));
        }
        2 => {
            let Ok(peer) = ProvisionalPeer::decode(bytes) else { return };
            let written = peer.encode();
            assert!(ProvisionalPeer::decode(&written).is_ok_and(|again| again.encode() == written));
        }
        _ => {
            let Some(graph) = Graph::restore(bytes) else { return };
            let mut written = Vec::new();
            graph.snapshot(&mut written);
            let again = Graph::restore(&written).expect("it was just written");
            assert_eq!(again.digest(), graph.digest());
        }
    }
}

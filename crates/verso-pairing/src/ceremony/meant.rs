//! Which of several offers a joiner means: its first message tells who holds the same link.

use verso_identity::DeviceKey;
use verso_noise::{PairingHandshake, PairingWay, Randomness};
use zeroize::Zeroizing;

use super::{Connection, with_noise_key};
use crate::offer::Offer;

/// Length of the first message: the number of the way, an ephemeral key and a tag.
const FIRST_BYTES: usize = 1 + 48;

impl Offer {
    /// Tells whether the first message on a connection comes from somebody who holds this offer's link, or claims to: the link's hash is bound
    /// into the handshake from the first byte on. So a device that keeps several invitations finds the one that is meant, and says nothing to whoever
    /// means none. It costs a hash and a tag, and proves nothing: that is the third message's.
    pub fn is_meant_by(&self, first: &[u8], identity: &DeviceKey, connection: &Connection) -> bool {
        let Some((way, message)) = first.split_first().filter(|_| is_by_link(first)) else { return false };
        let Some(shared) = self.shared(*way, &connection.own) else { return false };
        let prologue = connection.prologue_of_acceptor(&shared);
        // Nothing is written by this handshake, so its ephemeral key is never used.
        let unused = Randomness::new(Zeroizing::new([0; 32]));
        let handshake =
            with_noise_key(identity, &shared, |secrets| PairingHandshake::accept(secrets, &prologue, unused));
        handshake.and_then(|mut handshake| handshake.read_message(message)).is_ok()
    }

    /// Notes that somebody came with a first message that means none of the offers that stand: a failed proof, since nobody can tell which link it
    /// ought to have been. What isn't even a first message counts for nothing.
    pub fn count_stranger(&mut self, first: &[u8]) {
        if is_by_link(first) {
            self.count_failed_proof();
        }
    }
}

fn is_by_link(first: &[u8]) -> bool {
    first.len() == FIRST_BYTES && first.first() == Some(&PairingWay::Link { canonical_hash: [0; 32] }.number())
}

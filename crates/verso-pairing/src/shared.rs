//! [`Shared`]: what both sides hold before a ceremony begins, by the way it came to them.

use std::fmt;

use verso_noise::{PairingWay, PreSharedKey};
use zeroize::Zeroizing;

use crate::link::PairingLink;
use crate::words::WordsSecret;

/// The secret of a way, made to 32 bytes, and the way. Both enter the handshake, so nothing said on one way is of use on another.
pub(crate) struct Shared {
    way: PairingWay,
    key: Zeroizing<[u8; 32]>,
}

impl Shared {
    pub(crate) fn of_link(link: &PairingLink) -> Self {
        let way = PairingWay::Link { canonical_hash: link.canonical_hash() };
        let key = blake3::derive_key("verso pairing token v1", link.token().expose());
        Self { way, key: Zeroizing::new(key) }
    }

    pub(crate) fn of_words(token: &[u8; 32]) -> Self {
        let token_hash = blake3::derive_key("verso pairing words hash v1", token);
        Self { way: PairingWay::Words { token_hash }, key: Zeroizing::new(*token) }
    }

    /// Nothing is secret between devices that just see each other: the key is everybody's, and people compare codes instead.
    pub(crate) fn of_nearby() -> Self {
        Self { way: PairingWay::Nearby, key: Zeroizing::new(blake3::derive_key("verso pairing nearby v1", b"")) }
    }

    pub(crate) const fn way(&self) -> PairingWay {
        self.way
    }

    pub(crate) const fn is_nearby(&self) -> bool {
        matches!(self.way, PairingWay::Nearby)
    }

    /// Returns the way as it is kept of a peer.
    pub(crate) const fn recorded(&self) -> verso_trust::PairingWay {
        match self.way {
            PairingWay::Words { .. } => verso_trust::PairingWay::Words,
            PairingWay::Nearby => verso_trust::PairingWay::Nearby,
            _ => verso_trust::PairingWay::Link,
        }
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn to_pre_shared_key(&self) -> PreSharedKey {
        PreSharedKey::new(self.key.clone())
    }
}

impl From<&WordsSecret> for Shared {
    fn from(secret: &WordsSecret) -> Self {
        Self::of_words(secret.token())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("way", &self.way).finish_non_exhaustive()
    }
}

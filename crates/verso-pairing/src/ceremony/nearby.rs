//! What two devices that share no secret do first: commit, reveal, and two short codes that travel crosswise by people.

use std::fmt;
use std::str::FromStr;

use verso_noise::HandshakeHash;
use verso_trust::PairingSide;
use zeroize::Zeroizing;

/// How often a person may mistype a code. Typing again gives somebody in between nothing: the codes are fixed by then.
const MAX_TYPED: u8 = 3;

/// A code of six digits that one screen shows and the other person types. `Display` has a blank in the middle; it is read with or without.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NearbyCode(u32);

impl NearbyCode {
    /// How many codes there are. Somebody in between meets the right one once in a million attempts, of which an offer allows
    /// [`MAX_NEARBY_ATTEMPTS`](crate::MAX_NEARBY_ATTEMPTS).
    const COUNT: u64 = 1_000_000;

    fn of(bytes: [u8; 8]) -> Self {
        let number = u64::from_le_bytes(bytes) % Self::COUNT;
        Self(u32::try_from(number).unwrap_or_default())
    }
}

impl fmt::Display for NearbyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03} {:03}", self.0 / 1_000, self.0 % 1_000)
    }
}

impl fmt::Debug for NearbyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NearbyCode(…)")
    }
}

impl FromStr for NearbyCode {
    type Err = NearbyCodeError;

    fn from_str(text: &str) -> Result<Self, NearbyCodeError> {
        let mut digits = 0;
        let mut number = 0;
        for character in text.chars().filter(|character| !character.is_whitespace() && *character != '-') {
            digits += 1;
            let digit = character.to_digit(10).filter(|_| digits <= 6).ok_or(NearbyCodeError)?;
            number = number * 10 + digit;
        }
        if digits == 6 { Ok(Self(number)) } else { Err(NearbyCodeError) }
    }
}

/// The text is not six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is six digits")]
pub struct NearbyCodeError;

/// 32 fresh secret bytes of one side, which are revealed once the other can't choose its own by them any more.
pub(super) struct Nonce(Zeroizing<[u8; 32]>);

impl Nonce {
    /// Makes it of this side's contribution to the pair's secret, of which it gives nothing away.
    pub(super) fn derive(contribution: &Zeroizing<[u8; 32]>) -> Self {
        Self(Zeroizing::new(blake3::derive_key("verso pairing nearby nonce v1", contribution.as_ref())))
    }

    pub(super) fn reveal(&self) -> [u8; 32] {
        *self.0
    }

    /// Commits to it within one handshake.
    pub(super) fn commitment(&self, hash: &HandshakeHash) -> [u8; 32] {
        commitment(hash, &self.0)
    }
}

fn commitment(hash: &HandshakeHash, nonce: &[u8; 32]) -> [u8; 32] {
    let bytes = Zeroizing::new([hash.as_bytes().as_slice(), nonce].concat());
    blake3::derive_key("verso pairing nearby commitment v1", &bytes)
}

/// The codes of one handshake, and how often this side's person has mistyped.
pub(super) struct Comparison {
    own: NearbyCode,
    theirs: NearbyCode,
    typed: u8,
}

/// What became of a code that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    Right,
    Wrong {
        /// How often it may be typed again.
        left: u8,
    },
}

impl Comparison {
    /// Checks what the showing side revealed against what it had committed to, then makes the codes; `None` if it revealed something else.
    pub(super) fn of_joiner(
        hash: &HandshakeHash,
        committed: &[u8; 32],
        revealed: &[u8; 32],
        own: &Nonce,
    ) -> Option<Self> {
        // Both are public by now, so comparing them in any time gives nothing away.
        (commitment(hash, revealed) == *committed).then(|| Self::new(PairingSide::Joining, hash, revealed, &own.0))
    }

    /// Makes the codes on the side that committed first.
    pub(super) fn of_shower(hash: &HandshakeHash, own: &Nonce, joiner: &[u8; 32]) -> Self {
        Self::new(PairingSide::Showing, hash, &own.0, joiner)
    }

    fn new(side: PairingSide, hash: &HandshakeHash, shower: &[u8; 32], joiner: &[u8; 32]) -> Self {
        let bytes = Zeroizing::new([hash.as_bytes().as_slice(), shower, joiner].concat());
        let mut codes = blake3::Hasher::new_derive_key("verso pairing nearby codes v1").update(&bytes).finalize_xof();
        let mut next = || {
            let mut bytes = [0; 8];
            codes.fill(&mut bytes);
            NearbyCode::of(bytes)
        };
        let (of_shower, of_joiner) = (next(), next());
        let (own, theirs) = match side {
            PairingSide::Showing => (of_shower, of_joiner),
            PairingSide::Joining => (of_joiner, of_shower),
        };
        Self { own, theirs, typed: 0 }
    }

    /// Returns the code that this screen shows.
    pub(super) const fn own(&self) -> NearbyCode {
        self.own
    }

    /// Takes what the person read on the other screen.
    pub(super) fn check(&mut self, typed: NearbyCode) -> Typed {
        if typed == self.theirs {
            return Typed::Right;
        }
        self.typed = self.typed.saturating_add(1);
        Typed::Wrong { left: MAX_TYPED.saturating_sub(self.typed) }
    }
}

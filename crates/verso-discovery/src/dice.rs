//! Random bytes for announcements, all from the one seed that the caller has given.

use std::fmt;

use zeroize::Zeroizing;

/// A stream of bytes that nobody can foresee who doesn't know the seed.
pub(crate) struct Dice {
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl Dice {
    pub(crate) const fn new(seed: Zeroizing<[u8; 32]>) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Draws bytes that were not drawn before.
    pub(crate) fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        blake3::Hasher::new_keyed(&self.seed)
            .update(b"verso discovery dice v1")
            .update(&self.drawn.to_le_bytes())
            .finalize_xof()
            .fill(&mut bytes);
        self.drawn += 1;
        bytes
    }

    /// Draws a number from 0 to `most`.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        u64::from_le_bytes(self.draw()) % most.saturating_add(1)
    }
}

impl fmt::Debug for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dice({} draws)", self.drawn)
    }
}

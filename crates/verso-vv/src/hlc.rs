//! [`Hlc`]: a hybrid logical clock, for times that people are shown and for ties among concurrent writes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a remote time may lie ahead of the own clock and still be adopted: 60 s. A larger value would let a device
/// whose clock is wrong drag all others with it; a smaller one would ignore clocks that are merely sloppy.
pub const MAX_DRIFT_MS: u64 = 60_000;

/// Bits of the counter in the lower part of a stamp.
const COUNTER_BITS: u32 = 16;

/// A stamp: 48 bits of milliseconds since the Unix epoch, then 16 bits of counter.
///
/// Stamps order as numbers. On overflow of the counter the milliseconds advance, which is the carry of the
/// addition. After Kulkarni et al., "Logical Physical Clocks" (2014).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Hlc(pub u64);

impl Hlc {
    /// Makes a stamp from milliseconds since the Unix epoch, saturating at 48 bits, with counter 0.
    pub const fn from_millis(millis: u64) -> Self {
        const MAX: u64 = (1 << (u64::BITS - COUNTER_BITS)) - 1;
        Self((if millis > MAX { MAX } else { millis }) << COUNTER_BITS)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.0 >> COUNTER_BITS
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.millis(), self.0 & ((1 << COUNTER_BITS) - 1))
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hlc({self})")
    }
}

/// The clock that gives stamps: never twice the same, never backwards, saturating at the end of time.
#[derive(Debug, Clone, Copy, Default)]
pub struct HlcClock {
    last: Hlc,
}

impl HlcClock {
    /// Continues after `last`, the greatest stamp that this device has given or adopted.
    pub const fn resume(last: Hlc) -> Self {
        Self { last }
    }

    /// Returns the greatest stamp given or adopted so far.
    pub const fn last(&self) -> Hlc {
        self.last
    }

    /// Gives the next stamp at wall-clock time `now_ms`.
    pub fn tick(&mut self, now_ms: u64) -> Hlc {
        self.last = Hlc(self.last.0.saturating_add(1)).max(Hlc::from_millis(now_ms));
        self.last
    }

    /// Adopts a remote stamp, so that what is written next is stamped after it. A stamp more than [`MAX_DRIFT_MS`] ahead of
    /// `now_ms` is ignored: causality is carried by what entries have seen, so nothing depends on adopting it.
    pub fn observe(&mut self, remote: Hlc, now_ms: u64) {
        if remote.millis() <= now_ms.saturating_add(MAX_DRIFT_MS) {
            self.last = self.last.max(remote);
        }
    }
}

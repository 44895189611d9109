//! What a session is made of: [`SessionConfig`], [`LocalInfo`], [`Mode`], and its time, [`Millis`].

use std::fmt;
use std::time::Duration;

use verso_identity::DeviceId;
use verso_trust::PeerRole;

/// A moment of a monotonic clock, in milliseconds since a start that the caller chooses and keeps.
///
/// The machine only ever compares moments, so neither the start nor the wall clock matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// Returns the moment `delay` later, saturating.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Returns how many milliseconds passed since `earlier`, 0 if it lies ahead.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// Everything that a session needs to know before its first input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// This device.
    pub me: DeviceId,
    /// The device at the other end, as the transport and Noise have proven it.
    pub peer: DeviceId,
    /// Whether the peer is one of my devices, with which the control log is shared, or a friend.
    pub peer_role: PeerRole,
    /// What this device tells of itself.
    pub info: LocalInfo,
    /// The highest protocol version that the peer has ever proven to speak; a peer that now speaks only lower ones is
    /// refused (`downgrade`). 0 at the first contact.
    pub version_floor: u32,
    /// What happens once both are level.
    pub mode: Mode,
}

/// What this device tells the peer of itself at the start of every session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalInfo {
    /// The name that people see.
    pub name: String,
    /// The wall clock, in milliseconds since the Unix epoch, from which the peer reads the offset of the clocks.
    pub wall_clock_ms: u64,
    /// Where this device can be dialled, in the transport's notation.
    pub addresses: Vec<String>,
}

/// What a session does once both devices are level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Stays connected and pushes what is new at once.
    StayOpen,
    /// Says goodbye and closes, as soon as both have acknowledged everything.
    FinishWhenLevel,
}

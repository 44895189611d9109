//! How a session ends when all is done: [`Goodbye`].

use std::time::Duration;

use crate::config::{Millis, Mode};

/// How long whoever answered a goodbye leaves it to the other to close: 2 s. The answer must arrive before the connection goes; longer
/// would only keep a connection that has nothing more to do.
const LINGER: Duration = Duration::from_secs(2);

/// How long the peer may be silent after this device has said goodbye: 10 s. This device's work is done then, so nothing is lost by leaving;
/// a shorter wait would leave a peer behind that is still writing.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the peer may be silent while this device waits to finish: 60 s, more than a slow disk takes for all the bytes in flight.
const STALL: Duration = Duration::from_mins(1);

/// The end of a session, agreed by both.
///
/// 1. A device that is to finish says goodbye once it is level in everything and all offers are settled. From then on it begins nothing: what
///    is new waits for the next session. It still takes and acknowledges what the peer had begun to send.
/// 2. A device that hears a goodbye begins nothing new either, and answers once it is level in all that was begun.
/// 3. Whoever hears the answer closes. Whoever gave it waits a little for that, then closes itself.
///
/// Guaranteed: both said goodbye only after the other had acknowledged all that was begun, so nothing is lost by closing; and since
/// nothing is begun after a goodbye, each comes to the point where it can say it.
#[derive(Debug)]
pub(crate) struct Goodbye {
    mode: Mode,
    said: bool,
    heard: bool,
    /// When the last thing happened that the end may have to wait for.
    active: Millis,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// All is done: close.
    Close,
    /// The peer leaves this device waiting.
    Stalled,
}

impl Goodbye {
    pub(crate) const fn new(mode: Mode, now: Millis) -> Self {
        Self { mode, said: false, heard: false, active: now }
    }

    /// From now on the session finishes when it is level.
    pub(crate) const fn finish(&mut self) {
        self.mode = Mode::FinishWhenLevel;
    }

    /// Something happened.
    pub(crate) const fn touch(&mut self, now: Millis) {
        self.active = now;
    }

    /// The peer said goodbye.
    pub(crate) const fn hear(&mut self) {
        self.heard = true;
    }

    /// Whether to say goodbye now that this device is level.
    pub(crate) const fn is_due(&self) -> bool {
        !self.said && (self.heard || matches!(self.mode, Mode::FinishWhenLevel))
    }

    /// This device says goodbye.
    pub(crate) const fn say(&mut self) {
        self.said = true;
    }

    /// Whether this device has said goodbye.
    pub(crate) const fn is_said(&self) -> bool {
        self.said
    }

    /// Whether the peer has said goodbye.
    pub(crate) const fn is_heard(&self) -> bool {
        self.heard
    }

    /// When something is due if nothing happens, and what.
    pub(crate) fn due(&self) -> Option<(Millis, Due)> {
        match (self.said, self.heard) {
            (true, true) => Some((self.active.after(LINGER), Due::Close)),
            (true, false) => Some((self.active.after(SILENCE), Due::Close)),
            (false, _) if self.is_due() => Some((self.active.after(STALL), Due::Stalled)),
            (false, _) => None,
        }
    }

    /// How long the peer may leave this device waiting, in seconds.
    pub(crate) const fn stall_seconds() -> u64 {
        STALL.as_secs()
    }
}

//! How a session begins: who the peer is, and which version both speak, as [`Connection`].

use verso_wire::limits::{HANDSHAKE_TIMEOUT, MAX_ADDRESS, MAX_ADDRESSES, MAX_NAME};
use verso_wire::{Message, MessageTag, VersionRange};

use crate::config::{LocalInfo, Millis};
use crate::error::SessionError;
use crate::outbox::Outbox;
use crate::output::{Output, PeerInfo};

/// The first exchange on the control stream.
///
/// 1. Each device sends `PeerInfo` at once.
/// 2. The peer's tells which versions it speaks. The newest that both speak is used; none in common, or less than the peer has proven
///    before, ends the session.
///
/// Guaranteed: nothing else of the peer has an effect before.
#[derive(Debug)]
pub(crate) struct Connection {
    floor: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Awaiting { until: Millis },
    Agreed,
}

impl Connection {
    pub(crate) fn new(info: LocalInfo, floor: u32, now: Millis, out: &mut Outbox) -> Self {
        let addresses = info.addresses.into_iter().filter(|address| address.len() <= MAX_ADDRESS).take(MAX_ADDRESSES);
        out.control(Message::PeerInfo {
            name: shorten(&info.name, MAX_NAME),
            versions: VersionRange::CURRENT,
            wall_clock_ms: info.wall_clock_ms,
            addresses: addresses.collect(),
        });
        Self { floor, state: State::Awaiting { until: now.after(HANDSHAKE_TIMEOUT) } }
    }

    /// Takes the first message on the control stream.
    ///
    /// # Errors
    /// [`SessionError`] if it is none that tells who the peer is, or if there is no version to go on with.
    pub(crate) fn message(&mut self, message: Message, out: &mut Outbox) -> Result<(), SessionError> {
        let tag = message.tag();
        let Message::PeerInfo { name, versions, wall_clock_ms, addresses } = message else {
            return Err(SessionError::OutOfPlace { message: tag, why: "its PeerInfo was to come" });
        };
        if versions.min > versions.max {
            return Err(SessionError::Contradiction {
                message: MessageTag::PeerInfo,
                why: "its versions are no range",
            });
        }
        if versions.max < self.floor {
            return Err(SessionError::Downgrade { highest: versions.max, floor: self.floor });
        }
        let agreed_version = VersionRange::CURRENT
            .common(versions)
            .ok_or(SessionError::Version { lowest: versions.min, highest: versions.max })?;
        self.state = State::Agreed;
        let highest_version = versions.max;
        out.push(Output::PeerInfo(PeerInfo { name, highest_version, agreed_version, wall_clock_ms, addresses }));
        Ok(())
    }

    /// Whether the peer has told of itself.
    pub(crate) const fn is_agreed(&self) -> bool {
        matches!(self.state, State::Agreed)
    }

    /// Until when the peer must have told of itself.
    pub(crate) const fn deadline(&self) -> Option<Millis> {
        match self.state {
            State::Awaiting { until } => Some(until),
            State::Agreed => None,
        }
    }
}

/// Cuts a name to `limit` bytes, at the end of a character.
pub(crate) fn shorten(name: &str, limit: usize) -> String {
    let end = (0..=limit.min(name.len())).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    name.get(..end).unwrap_or_default().to_owned()
}

//! [`RelayState`]: how it stands with the relay through which this device can be reached.

use std::fmt;

use iroh::{Endpoint, Watcher as _};
use tokio::sync::watch;

use crate::network::{Network, RelayUrl};

/// How it stands with the relay of a transport.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RelayState {
    /// None is used: the network has none.
    #[default]
    Unused,
    /// None has been reached yet.
    Connecting,
    /// Peers can reach this device through it.
    Connected {
        /// Which one.
        relay: RelayUrl,
    },
    /// It does not let this device in. That does not pass by itself: its rules or the token have to change.
    Refused {
        /// Which one.
        relay: RelayUrl,
        /// What it said.
        why: String,
    },
    /// It can't be reached, or not any more. It is tried again and again.
    Unreachable {
        /// Which one.
        relay: RelayUrl,
        /// What happened.
        why: String,
    },
}

/// Most characters of what a relay said that are kept: it is shown to a person.
const MAX_WHY: usize = 200;

impl RelayState {
    /// Returns the relay through which peers can reach this device now.
    pub fn connected(&self) -> Option<&RelayUrl> {
        if let Self::Connected { relay } = self { Some(relay) } else { None }
    }

    /// How it stands before anything is known.
    pub(crate) const fn at_first(network: &Network) -> Self {
        match network {
            Network::Loopback | Network::Lan => Self::Unused,
            Network::Relay(_) | Network::Public => Self::Connecting,
        }
    }

    /// Of several relays the best counts, as one is enough.
    fn of(relays: &[iroh::endpoint::RelayStatus]) -> Self {
        let state = |status: &iroh::endpoint::RelayStatus| {
            let relay = RelayUrl::of_iroh(status.url().clone());
            if status.is_connected() {
                Self::Connected { relay }
            } else if let Some(why) = status.auth_denied_reason() {
                Self::Refused { relay, why: presentable(&why) }
            } else if let Some(error) = status.last_error() {
                Self::Unreachable { relay, why: presentable(&format_args!("{error:#}")) }
            } else {
                Self::Connecting
            }
        };
        let rank = |state: &Self| match state {
            Self::Connected { .. } => 3,
            Self::Refused { .. } => 2,
            Self::Unreachable { .. } => 1,
            Self::Unused | Self::Connecting => 0,
        };
        relays.iter().map(state).max_by_key(rank).unwrap_or(Self::Connecting)
    }
}

/// What comes from a server is shown to people: in one line, and not too long.
pub(crate) fn presentable(text: &dyn fmt::Display) -> String {
    let text = text.to_string();
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(MAX_WHY).collect()
}

/// Keeps the state of an endpoint's relay up to date, for as long as it is polled and somebody may look.
pub(crate) async fn watch_relay(endpoint: Endpoint, state: watch::Sender<RelayState>) {
    if *state.borrow() == RelayState::Unused {
        return;
    }
    let mut relays = endpoint.home_relay_status();
    // The port is the endpoint's for as long as anybody holds it.
    drop(endpoint);
    let mut now = relays.get();
    loop {
        let new = RelayState::of(&now);
        state.send_if_modified(|state| {
            let is_new = *state != new;
            *state = new;
            is_new
        });
        match relays.updated().await {
            Ok(next) => now = next,
            Err(_disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_relay_says_is_one_line() {
        assert_eq!(presentable(&"no\u{1b}[2J\nentry"), "no [2J entry");
        assert_eq!(presentable(&"x".repeat(10_000)).len(), MAX_WHY);
    }
}

//! Which way a connection takes, and how it stands with the relay: for scripts and for people.

use std::time::Duration;

use serde::Serialize;
use verso_transport::{KeyAgreement, PathKind, RelayState};
use verso_worker::Link;

/// A connection with a peer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LinkRow {
    /// `direct` or `relayed`; `None` for the moment in which it moves from one way to another.
    pub(super) path: Option<&'static str>,
    /// The peer's address on a direct way.
    pub(super) address: Option<String>,
    /// The relay on a relayed one.
    pub(super) relay: Option<String>,
    pub(super) round_trip_ms: Option<f64>,
    /// `post-quantum` or `classical`.
    pub(super) key_agreement: &'static str,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

impl LinkRow {
    pub(super) fn of(link: &Link) -> Self {
        let kind = link.path.as_ref().map(|path| &path.kind);
        let (path, address, relay) = match kind {
            Some(PathKind::Direct { address }) => (Some("direct"), Some(address.to_string()), None),
            Some(PathKind::Relayed { relay }) => (Some("relayed"), None, Some(relay.to_string())),
            _ => (None, None, None),
        };
        Self {
            path,
            address,
            relay,
            round_trip_ms: link.path.as_ref().map(|path| milliseconds(path.round_trip)),
            key_agreement: match link.key_agreement {
                KeyAgreement::PostQuantum => "post-quantum",
                _ => "classical",
            },
            bytes_sent: link.bytes_sent,
            bytes_received: link.bytes_received,
        }
    }

    /// In words. That the keys are as strong as they can be is not worth a word.
    pub(super) fn words(&self) -> String {
        let way = match (&self.address, &self.relay) {
            (Some(address), _) => format!("direct, {address}"),
            (_, Some(relay)) => format!("through {relay}"),
            _ => "on its way to another path".to_owned(),
        };
        let round_trip = self.round_trip_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
        let keys = if self.key_agreement == "classical" { ", without post-quantum keys" } else { "" };
        format!("{way}{round_trip}{keys}")
    }
}

/// In milliseconds with one place: what is beyond it is chance.
fn milliseconds(time: Duration) -> f64 {
    let tenths = u32::try_from(time.as_micros() / 100).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}

/// How it stands with the relay of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RelayRow {
    /// `connecting`, `connected`, `refused` or `unreachable`.
    pub(crate) state: &'static str,
    /// Which one, once that is known.
    pub(crate) relay: Option<String>,
    /// What it said, or what happened.
    pub(crate) why: Option<String>,
}

impl RelayRow {
    /// `None` where the network has none.
    pub(crate) fn of(state: &RelayState) -> Option<Self> {
        let row = |state, relay: Option<&verso_transport::RelayUrl>, why: Option<&String>| {
            Some(Self { state, relay: relay.map(ToString::to_string), why: why.cloned() })
        };
        match state {
            RelayState::Unused => None,
            RelayState::Connected { relay } => row("connected", Some(relay), None),
            RelayState::Refused { relay, why } => row("refused", Some(relay), Some(why)),
            RelayState::Unreachable { relay, why } => row("unreachable", Some(relay), Some(why)),
            _ => row("connecting", None, None),
        }
    }

    /// In words, what is wrong and what to do; `None` if nothing is.
    pub(crate) fn trouble(&self) -> Option<(String, &'static str)> {
        let (relay, why) = (self.relay.as_deref()?, self.why.as_deref()?);
        Some(match self.state {
            "refused" => (
                format!("the relay {relay} refuses this device: {why}"),
                "Give its token in VERSO_RELAY_TOKEN, or have this device put on its list.",
            ),
            _ => (format!("the relay {relay} can't be reached: {why}"), "It is tried again and again."),
        })
    }
}

#[cfg(test)]
mod tests {
    use verso_transport::PathInfo;

    use super::*;

    fn link(kind: PathKind, key_agreement: KeyAgreement) -> LinkRow {
        let path = Some(PathInfo { kind, round_trip: Duration::from_micros(12_345) });
        LinkRow::of(&Link { path, key_agreement, bytes_sent: 1, bytes_received: 2 })
    }

    #[test]
    fn a_way_is_told_with_its_round_trip() {
        let direct = link(PathKind::Direct { address: "192.0.2.1:7".parse().unwrap() }, KeyAgreement::PostQuantum);
        assert_eq!(direct.words(), "direct, 192.0.2.1:7, 12.3 ms");
        let relay = "https://relay.example/".parse().unwrap();
        let relayed = link(PathKind::Relayed { relay }, KeyAgreement::Classical);
        assert_eq!(relayed.words(), "through https://relay.example/, 12.3 ms, without post-quantum keys");
        let json = serde_json::to_string(&relayed).unwrap();
        let expected = r#"{"path":"relayed","address":null,"relay":"https://relay.example/","round_trip_ms":12.3,"key_agreement":"classical","bytes_sent":1,"bytes_received":2}"#;
        assert_eq!(json, expected);
    }

    #[test]
    fn a_relay_is_trouble_only_when_it_is() {
        let relay = || "https://relay.example/".parse().unwrap();
        assert_eq!(RelayRow::of(&RelayState::Unused), None);
        assert_eq!(RelayRow::of(&RelayState::Connecting).unwrap().trouble(), None);
        assert_eq!(RelayRow::of(&RelayState::Connected { relay: relay() }).unwrap().trouble(), None);
        let refused = RelayRow::of(&RelayState::Refused { relay: relay(), why: "not authorized".to_owned() }).unwrap();
        assert!(refused.trouble().unwrap().0.ends_with("refuses this device: not authorized"));
    }
}

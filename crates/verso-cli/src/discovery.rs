//! How it stands with finding devices on the local network, for people and for scripts.

use std::net::IpAddr;

use serde::Serialize;
use verso_discovery::{Depth, DiscoveryState, Interfaces, examine};
use verso_worker::LocalDiscovery;

use crate::settings::Settings;

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Discovery {
    /// `on`, `off` or `blocked`.
    pub(crate) state: &'static str,
    pub(crate) interfaces: Vec<String>,
    /// What keeps it from working, if anything does.
    pub(crate) obstacle: Option<Hindrance>,
}

/// What keeps it from working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Hindrance {
    pub(crate) code: &'static str,
    pub(crate) what: String,
    pub(crate) action: &'static str,
}

impl Discovery {
    /// How it would be if it were started at this moment.
    pub(crate) fn of_settings(settings: &Settings, depth: Depth) -> Self {
        let state = match chosen(settings) {
            None => DiscoveryState::Off,
            Some((interfaces, listen)) => examine(interfaces, listen, depth),
        };
        Self::from(&state)
    }
}

/// Where devices are looked for, and the one address at which this one can be dialled, if it is bound to one; `None` if it is switched off.
fn chosen(settings: &Settings) -> Option<(&Interfaces, Option<IpAddr>)> {
    let LocalDiscovery::On { interfaces, .. } = &settings.discovery else { return None };
    let listen = settings.listen.map(|listen| listen.ip()).filter(|listen| !listen.is_unspecified());
    Some((interfaces, listen))
}

impl From<&DiscoveryState> for Discovery {
    fn from(state: &DiscoveryState) -> Self {
        let (code, interfaces, obstacle) = match state {
            DiscoveryState::On { interfaces } => ("on", interfaces.clone(), None),
            DiscoveryState::Blocked(obstacle) => ("blocked", Vec::new(), Some(obstacle)),
            _ => ("off", Vec::new(), None),
        };
        let told = |what: &verso_discovery::Obstacle| Hindrance {
            code: what.code(),
            what: what.what(),
            action: what.action(),
        };
        Self { state: code, interfaces, obstacle: obstacle.map(told) }
    }
}

//! [`Transport::probe`]: whether the servers of a network answer, for people who want to know what is wrong.

use std::error::Error;
use std::time::Duration;

use iroh::address_lookup::{N0_DNS_PKARR_RELAY_PROD, PkarrError, PkarrRelayClient};
use iroh::{Endpoint, EndpointId};
use tokio::time::timeout;
use url::Url;

use crate::dial::has_way_out;
use crate::endpoint::Transport;
use crate::network::Network;
use crate::reach::{Reached, reach};
use crate::relay::{RelayState, presentable};

/// What a look at the servers of a network came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// How it stands with the relay; [`RelayState::Connecting`] if it did not answer in time.
    pub relay: RelayState,
    /// How far one's own relay can be reached, if this device is not at it and was not refused either; `None` if that could not be found out in time.
    pub reached: Option<Reached>,
    /// How it stands with the address lookup.
    pub lookup: LookupState,
    /// Whether this machine has a route to them at all.
    pub route: Route,
}

/// Whether any of the machine's routes leads to the servers of its network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// One does, or there are no servers.
    Known,
    /// None does: the machine is offline, or alone in its local network.
    Missing,
}

/// How it stands with an address lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LookupState {
    /// None is used.
    Unused,
    /// It answers.
    Reachable,
    /// It doesn't, or not as an address lookup does.
    Unreachable {
        /// What happened.
        why: String,
    },
}

impl Transport {
    /// Asks relay and address lookup, if the [`Network`] has them, and gives each so long.
    pub async fn probe(&self, patience: Duration) -> Probe {
        let network = &self.inner.network;
        let route = match network {
            Network::Loopback | Network::Lan => Route::Known,
            _ if has_way_out(&network.relays(&[])) => Route::Known,
            _ => Route::Missing,
        };
        let (relay, reached, lookup) = tokio::join!(
            self.probe_relay(patience),
            timeout(patience, self.reach_relay()),
            timeout(patience, self.probe_lookup())
        );
        let is_answered = matches!(relay, RelayState::Connected { .. } | RelayState::Refused { .. });
        let reached = reached.ok().flatten().filter(|_| !is_answered);
        let lookup = lookup.unwrap_or_else(|_elapsed| LookupState::Unreachable { why: "no answer in time".to_owned() });
        Probe { relay, reached, lookup, route }
    }

    async fn probe_relay(&self, patience: Duration) -> RelayState {
        let mut states = self.relay();
        let is_told = |state: &RelayState| !matches!(state, RelayState::Connecting);
        if let Ok(Ok(state)) = timeout(patience, states.wait_for(is_told)).await {
            return state.clone();
        }
        self.relay().borrow().clone()
    }

    /// Tries the steps on the way to one's own relay. Which of others' relays would be used is not known before one is reached.
    async fn reach_relay(&self) -> Option<Reached> {
        let Network::Relay(own) = &self.inner.network else { return None };
        let url: Url = own.url.to_string().parse().ok()?;
        let tls = self.endpoint()?.tls_config().clone();
        Some(reach(&url, tls).await)
    }

    async fn probe_lookup(&self) -> LookupState {
        let url: Option<Url> = match &self.inner.network {
            Network::Loopback | Network::Lan => None,
            Network::Relay(own) => own.lookup.as_ref().map(crate::network::LookupUrl::to_url),
            Network::Public => N0_DNS_PKARR_RELAY_PROD.parse().ok(),
        };
        match (url, self.endpoint()) {
            (Some(url), Some(endpoint)) => ask(&endpoint, url).await,
            _ => LookupState::Unused,
        }
    }
}

/// Looks this device up. Whether it is known there is another matter: it may just have been started.
async fn ask(endpoint: &Endpoint, url: Url) -> LookupState {
    let Ok(resolver) = endpoint.dns_resolver() else { return LookupState::Unused };
    let client = PkarrRelayClient::new(url, endpoint.tls_config().clone(), resolver.clone());
    let own: EndpointId = endpoint.id();
    match client.resolve(own).await {
        Ok(_packet) => LookupState::Reachable,
        Err(error) if is_not_found(&error) => LookupState::Reachable,
        Err(error) => LookupState::Unreachable { why: presentable(&format_args!("{error:#}")) },
    }
}

fn is_not_found(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(PkarrError::HttpRequest { status, .. }) = error.downcast_ref() {
            return status.as_u16() == NOT_FOUND;
        }
        cause = error.source();
    }
    false
}

/// HTTP's code for what isn't there.
const NOT_FOUND: u16 = 404;

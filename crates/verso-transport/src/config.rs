//! [`TransportConfig`]: a preset, and the knobs beside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use verso_wire::limits;

use crate::network::Network;

/// Where and how a [`Transport`](crate::Transport) listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportConfig {
    /// How far it reaches. The default is [`Network::Lan`].
    pub network: Network,
    /// The UDP port, 0 for any that is free. A device keeps its port, so that the addresses its peers know stay good.
    pub port: u16,
    /// The one address to listen at instead of all of the network's. Its port, if not 0, goes before [`port`](Self::port).
    pub listen: Option<SocketAddr>,
    /// How many peers' incoming sync connections are served at a time: the others are told `busy`. The default is
    /// [`limits::MAX_INCOMING_SESSIONS`].
    pub max_incoming_sessions: usize,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            network: Network::default(),
            port: 0,
            listen: None,
            max_incoming_sessions: limits::MAX_INCOMING_SESSIONS,
        }
    }
}

/// An address to bind, and whether the transport is of use without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) address: SocketAddr,
    pub(crate) required: bool,
}

impl TransportConfig {
    /// What to bind. IPv6 is optional, since not every machine has it.
    pub(crate) fn bindings(&self) -> Vec<Binding> {
        let at = |ip: IpAddr| SocketAddr::new(ip, self.port);
        match (self.listen, &self.network) {
            (Some(mut address), _) => {
                if address.port() == 0 {
                    address.set_port(self.port);
                }
                vec![Binding { address, required: true }]
            }
            (None, Network::Loopback) => vec![Binding { address: at(Ipv4Addr::LOCALHOST.into()), required: true }],
            (None, Network::Lan | Network::Relay(_) | Network::Public) => vec![
                Binding { address: at(Ipv4Addr::UNSPECIFIED.into()), required: true },
                Binding { address: at(Ipv6Addr::UNSPECIFIED.into()), required: false },
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_listens_to_this_machine_alone() {
        let config = TransportConfig { network: Network::Loopback, ..TransportConfig::default() };
        assert!(config.bindings().iter().all(|binding| binding.address.ip().is_loopback()));
    }

    #[test]
    fn the_port_of_the_listening_address_goes_first() {
        let config = |listen: &str| TransportConfig {
            port: 7,
            listen: Some(listen.parse().unwrap()),
            ..TransportConfig::default()
        };
        assert_eq!(config("192.0.2.1:8").bindings()[0].address.to_string(), "192.0.2.1:8");
        assert_eq!(config("192.0.2.1:0").bindings()[0].address.to_string(), "192.0.2.1:7");
    }
}

//! Presets first, then knobs: [`Network`] and [`TransportConfig`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use verso_wire::limits;

/// How far the transport reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Network {
    /// This machine alone, by IPv4 over 127.0.0.1: for tests and demonstrations. Any other address is refused.
    Loopback,
    /// Whatever the machine's own interfaces reach: no relay, no address lookup, no publishing, no port mapping.
    #[default]
    Lan,
}

impl Network {
    /// Tells whether an address may be dialled at all.
    pub(crate) fn allows(self, address: &SocketAddr) -> bool {
        let dialable = address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast();
        match self {
            Self::Loopback => dialable && address.ip().is_loopback(),
            Self::Lan => dialable,
        }
    }
}

/// Where and how a [`Transport`](crate::Transport) listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        match (self.listen, self.network) {
            (Some(mut address), _) => {
                if address.port() == 0 {
                    address.set_port(self.port);
                }
                vec![Binding { address, required: true }]
            }
            (None, Network::Loopback) => vec![Binding { address: at(Ipv4Addr::LOCALHOST.into()), required: true }],
            (None, Network::Lan) => vec![
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
    fn loopback_never_leaves_the_machine() {
        for (text, allowed) in [
            ("127.0.0.1:7", true),
            ("127.0.0.1:0", false),
            ("192.0.2.1:7", false),
            ("0.0.0.0:7", false),
            ("[2001:db8::1]:7", false),
        ] {
            assert_eq!(Network::Loopback.allows(&text.parse().unwrap()), allowed, "{text}");
        }
        let config = TransportConfig { network: Network::Loopback, ..TransportConfig::default() };
        assert!(config.bindings().iter().all(|binding| binding.address.ip().is_loopback()));
    }

    #[test]
    fn lan_dials_what_is_an_address_of_somebody() {
        for (text, allowed) in [
            ("192.168.0.7:7", true),
            ("[fe80::1]:7", true),
            ("[ff02::fb]:5353", false),
            ("224.0.0.251:5353", false),
            ("[::]:7", false),
        ] {
            assert_eq!(Network::Lan.allows(&text.parse().unwrap()), allowed, "{text}");
        }
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

//! How far the network reaches, and through whose servers.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use verso_transport::{LookupUrl, RelayUrl, UrlError};

/// What can stand before or after any command about the network.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options for every command")]
pub(crate) struct NetworkOptions {
    #[arg(
        long,
        help = "How peers are reached: loopback, lan, relay=URL or public [VERSO_NETWORK] [default: lan]",
        long_help = NETWORK,
        global = true,
        value_name = "NETWORK"
    )]
    pub(crate) network: Option<NetworkChoice>,
    #[arg(
        long,
        help = "The address lookup beside the relay, for peers at other relays [VERSO_LOOKUP]",
        global = true,
        value_name = "URL"
    )]
    pub(crate) lookup: Option<LookupUrl>,
    #[arg(
        long,
        help = "Certificates in PEM by which the relay may be known, beside those of the web [VERSO_RELAY_CERTIFICATE]",
        global = true,
        value_name = "FILE"
    )]
    pub(crate) relay_certificate: Option<PathBuf>,
}

const NETWORK: &str = "\
How peers are reached [VERSO_NETWORK] [default: lan]
- loopback: only on this machine
- lan: peers found on the local network, and at addresses that they have told; no relay, no server
- relay=URL: also through this relay, and through no other; a token that it wants is given in VERSO_RELAY_TOKEN
- public: also through the relays and the address lookup of iroh's makers, who learn who meets whom and when, and nothing else";

/// How peers are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NetworkChoice {
    /// Only this machine.
    Loopback,
    /// Peers found on the local network, and addresses that they have told; no relay, no server.
    Lan,
    /// As that, and through this relay.
    Relay(RelayUrl),
    /// As `Lan`, and through servers that are there for everybody.
    Public,
}

/// What is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoNetwork {
    #[error("it has to be one of: loopback, lan, relay=URL, public")]
    Unknown,
    #[error("of the relay's address: {0}")]
    Relay(UrlError),
}

impl FromStr for NetworkChoice {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        match (text, text.strip_prefix("relay=")) {
            ("loopback", _) => Ok(Self::Loopback),
            ("lan", _) => Ok(Self::Lan),
            ("public", _) => Ok(Self::Public),
            (_, Some(url)) => url.parse().map(Self::Relay).map_err(NoNetwork::Relay),
            _ => Err(NoNetwork::Unknown),
        }
    }
}

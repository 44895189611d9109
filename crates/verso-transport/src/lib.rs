#![doc = include_str!("../README.md")]

mod accept;
mod addresses;
mod changes;
mod close;
mod config;
mod connection;
mod dial;
mod door;
mod endpoint;
mod gate;
mod handshake;
mod network;
mod pairing;
mod probe;
mod quic;
mod reach;
mod receive;
mod relay;
mod stream;

pub use accept::Incoming;
pub use addresses::Addresses;
pub use close::Closed;
pub use config::TransportConfig;
pub use connection::{KeyAgreement, PathInfo, PathKind, SyncConnection};
pub use dial::DialError;
pub use door::PairingDoor;
pub use endpoint::Transport;
pub use gate::{Gatekeeper, PeerSecret};
pub use handshake::ProofError;
pub use network::{
    CertificateError, Certificates, LookupUrl, Network, OwnRelay, RelayToken, RelayUrl, TokenError, UrlError,
};
pub use pairing::{MAX_PAIRING_MESSAGE, PairConnection, PairError};
pub use probe::{LookupState, Probe, Route};
pub use quic::BindError;
pub use reach::Reached;
pub use receive::FrameReceiver;
pub use relay::RelayState;
pub use stream::{FrameSender, FrameStream, StreamError};

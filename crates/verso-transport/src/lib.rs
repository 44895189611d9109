#![doc = include_str!("../README.md")]

mod accept;
mod changes;
mod close;
mod config;
mod connection;
mod dial;
mod door;
mod endpoint;
mod gate;
mod handshake;
mod pairing;
mod quic;
mod receive;
mod stream;

pub use accept::Incoming;
pub use close::Closed;
pub use config::{Network, TransportConfig};
pub use connection::{KeyAgreement, PathInfo, PathKind, SyncConnection};
pub use dial::DialError;
pub use door::PairingDoor;
pub use endpoint::Transport;
pub use gate::{Gatekeeper, PeerSecret};
pub use handshake::ProofError;
pub use pairing::{MAX_PAIRING_MESSAGE, PairConnection, PairError};
pub use quic::BindError;
pub use receive::FrameReceiver;
pub use stream::{FrameSender, FrameStream, StreamError};

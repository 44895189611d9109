#![doc = include_str!("../README.md")]

mod frames;
mod keys;
mod machine;
mod pairing;
mod resolver;
mod sync;

pub use frames::{AcceptorFrame, DialerFrame, LayoutError};
pub use keys::{NoiseKey, NoisePublicKey, PreSharedKey, Randomness};
pub use machine::{HandshakeError, HandshakeHash};
pub use pairing::{ChannelError, PairedChannel, PairingHandshake, PairingPrologue, PairingSecrets, PairingWay};
pub use sync::{SyncHandshake, SyncPrologue, SyncSecrets};

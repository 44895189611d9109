#![doc = include_str!("../README.md")]

mod admission;
mod effect;
mod error;
mod journal;
mod local;
mod peers;
mod reason;
mod replica;
mod state;
mod sync;
mod workspaces;

pub use admission::AdmitError;
pub use effect::{ConnectionId, Effect, Event, Stream};
pub use error::{CommitError, ConnectError, FlushError, JournalError, OpenError};
pub use local::{Contact, LocalStateError, PairSecret, ProvisionalPeer};
pub use peers::{Peer, PeerSecret};
pub use replica::{Committed, Now, OpenNotices, Replica};
pub use sync::{Greeting, Parting};

#![doc = include_str!("../README.md")]

mod board;
mod connection;
mod engine;
mod gate;
mod network;
mod once;
mod pairing;
mod worker;

pub use board::{PeerStatus, Status};
pub use engine::{CommandError, HostReplica, now_since};
pub use once::{OutcomeState, PeerOutcome};
pub use pairing::{Answer, JOIN_PATIENCE, OfferOptions, PairError, PairingEvent, PairingOffer};
pub use worker::{SyncWorker, WorkerError, WorkerHandle, WorkerOptions};

#![doc = include_str!("../README.md")]

mod board;
mod connection;
mod engine;
mod finder;
mod gate;
mod invitations;
mod keep;
mod link;
mod loan;
mod manifest;
mod marks;
mod network;
mod once;
mod orders;
mod pairing;
mod recovery;
mod retry;
mod round;
mod surroundings;
mod upkeep;
mod worker;

pub use board::{PeerStatus, Status};
pub use engine::{CommandError, HostReplica, now_since};
pub use finder::LocalDiscovery;
pub use invitations::{Invitation, InvitationError, Invitations, MAX_INVITATIONS, MAX_INVITE_SECONDS};
pub use link::Link;
pub use loan::Loan;
pub use manifest::{Action, Manifest, Requirement, Without, manifest, reason_of_key};
pub use marks::{HighWaterKeepError, keep_high_water, read_high_water};
pub use once::{OutcomeState, PeerOutcome};
pub use pairing::{Answer, InviteError, JOIN_PATIENCE, OfferOptions, PairError, PairingEvent, PairingOffer, Ways};
pub use worker::{ReadError, SyncWorker, WorkerError, WorkerHandle, WorkerOptions};

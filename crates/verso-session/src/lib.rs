#![doc = include_str!("../README.md")]

mod budget;
mod chains;
mod config;
mod connection;
mod error;
mod goodbye;
mod input;
mod offers;
mod outbox;
mod output;
mod receiving;
mod sending;
mod session;
mod stream;
mod streams;

pub use config::{LocalInfo, Millis, Mode, SessionConfig};
pub use error::SessionError;
pub use input::{EncodedRun, Input};
pub use output::{Output, PeerInfo, Progress};
pub use session::Session;

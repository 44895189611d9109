#![doc = include_str!("../README.md")]

mod ceremony;
mod codec;
mod link;
mod message;
mod name;
mod offer;
mod provisional;
mod qr;
mod terms;
mod token;

pub use ceremony::{
    CONFIRM_MS, Connection, Entropy, HANDSHAKE_MS, Input, Joiner, Output, Paired, PairingError, STORE_MS, Setup, Shower,
};
pub use codec::{DecodeError, MAX_MESSAGE_BYTES};
pub use link::{
    LINK_VERSION, LinkError, LinkHints, LinkedWorkspace, MAX_LINK_BYTES, MAX_UNKNOWN_PARAMETERS, PairingLink,
};
pub use name::{MAX_ADDRESSES, Name, NameError, Profile, RelayUrl, RelayUrlError};
pub use offer::{
    FINISH_SECONDS, INVITE_SECONDS, MAX_FAILED_PROOFS, Offer, OfferId, OfferStatus, PAIR_SECONDS, Refusal, Validity,
};
pub use provisional::{PairSecret, ProvisionalPeer};
pub use qr::{Background, terminal_qr};
pub use terms::{Direction, Summary, Terms, TermsError, WorkspaceTerms};
pub use token::Token;

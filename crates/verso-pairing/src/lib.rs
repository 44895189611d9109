#![doc = include_str!("../README.md")]

mod ceremony;
mod code;
mod codec;
mod link;
mod message;
mod name;
mod offer;
mod provisional;
mod qr;
mod shared;
mod terms;
mod token;
mod words;

pub use ceremony::{
    CONFIRM_MS, Connection, Entropy, HANDSHAKE_MS, Input, Invitation, Joiner, NearbyCode, NearbyCodeError, Output,
    Paired, PairingError, STORE_MS, Setup, Shower,
};
pub use code::{Code, CodeError};
pub use codec::{DecodeError, MAX_MESSAGE_BYTES};
pub use link::{
    LINK_VERSION, LinkError, LinkHints, LinkedWorkspace, MAX_LINK_BYTES, MAX_UNKNOWN_PARAMETERS, PairingLink,
};
pub use name::{MAX_ADDRESSES, Profile, RelayUrl, RelayUrlError};
pub use offer::{
    FINISH_SECONDS, INVITE_SECONDS, MAX_FAILED_PROOFS, MAX_NEARBY_ATTEMPTS, Offer, OfferId, OfferStatus, PAIR_SECONDS,
    Refusal, Validity,
};
pub use provisional::{PairSecret, ProvisionalPeer};
pub use qr::{Background, png_qr, svg_qr, terminal_qr};
pub use terms::{Direction, Summary, Terms, TermsError, WorkspaceTerms};
pub use token::Token;
pub use verso_identity::{Name, NameError};
pub use words::{NoMemory, Words, WordsError, WordsSecret};

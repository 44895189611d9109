#![doc = include_str!("../README.md")]

mod application;
mod branch;
mod chain;
mod entry;
mod fork;
mod frame;
mod held;
pub mod limits;
mod message;
mod reason;
mod seal;
mod unit;

pub use application::{Ancestor, Application, AppliedEntry, ConflictChanges, Description, Drafting, Drafts};
pub use branch::Branch;
pub use chain::{ChainHead, chain_next, chain_start};
pub use entry::{Content, EntryDigest, EntryKind, EntryRef};
pub use fork::{ForkError, ForkProof, ForkSide};
pub use frame::{FrameDecoder, FrameError, frame_header};
pub use held::HeldDigest;
pub use message::{FurtherDevice, Message, MessageError, MessageTag, Offered, VectorEntry, VersionRange, WireAccess};
pub use reason::{CloseCode, ParseReasonError, Reason};
pub use seal::Seal;
pub use unit::{
    ChainedUnit, CompressionLevel, CutError, DecodeError, JoinError, KeptSeal, SealError, Seam, SyncUnit, UNIT_FORMAT,
    UnitBuilder, UnitError, VerifiedUnit, VerifyError,
};

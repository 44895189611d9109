#![doc = include_str!("../README.md")]

mod admission;
mod authority;
mod codec;
mod control;
mod decide;
mod due;
mod event;
mod events;
mod membership;
mod peer;
mod ranges;

pub use admission::{Admission, Admissions, HeldReason};
pub use control::event::{
    Admitted, ControlChange, ControlEvent, Excluded, FurtherDevice, FurtherDevices, GenerationId, Granted, Included,
    Introduced, Relocated, Removed, Renamed, SecretRenewed, SecretShared, Withdrawn, WorkspaceForgotten,
    WorkspaceKnown, WorkspaceOrigin,
};
pub use control::{Control, Generation, HeldPairing, Intention, KnownWorkspace, Removal};
pub use decide::{Brings, HoldReason, Refusal, Request, Verdict, decide};
pub use due::{Due, dues};
pub use event::{
    Cut, DecodeEventError, EncodeEventError, EventContext, MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_CHAINS_PER_DEVICE,
    MAX_FURTHER_ADDRESSES, MAX_FURTHER_DEVICES, MAX_NAME_BYTES, MAX_PAYLOAD_BYTES, MAX_SEAL_BYTES, MAX_SEALED,
    MAX_SEALED_BYTES, Sealed,
};
pub use membership::event::{Discard, Found, Keep, MembershipChange, MembershipEvent, Resume, Revoke, Run, Vouch};
pub use membership::{Member, Membership};
pub use peer::{Access, Grant, PairingSide, PairingWay, PeerRole, Standing, TrustedPeer};

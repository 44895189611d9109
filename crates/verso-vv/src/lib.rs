#![doc = include_str!("../README.md")]

mod author;
mod branches;
mod hash;
mod hlc;
mod seen;
pub mod varint;
mod vector;

pub use author::{Author, Dot, Incarnation, Seq};
pub use branches::Branches;
pub use hash::{EntryHash, HashTag};
pub use hlc::{Hlc, HlcClock, MAX_DRIFT_MS};
pub use seen::{AuthorTag, MAX_SEEN, Seen, SeenError, SeenItem};
pub use vector::{Causality, NotContiguous, VersionVector};

//! [`WorkspaceId`]: a name that proves who founded the workspace.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::device::DeviceId;
use crate::hex;

/// Names a workspace: the first 16 bytes of BLAKE3("verso workspace v1" ‖ founder's [`DeviceId`] ‖ nonce).
///
/// Whoever knows the nonce can check who founded it, see [`is_founded_by`](Self::is_founded_by). `Display` and `Debug` print the
/// short form, [`to_hex`](Self::to_hex) the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkspaceId([u8; 16]);

impl WorkspaceId {
    /// Length of an id in bytes.
    pub const LEN: usize = 16;

    /// The reserved id of the control log, which one person's devices share.
    pub const CONTROL: Self = Self(*b"verso control v1");

    /// Makes the id of a workspace that `founder` founds with 16 random bytes.
    pub fn found(founder: &DeviceId, nonce: &[u8; 16]) -> Self {
        let mut output = [0; 16];
        blake3::Hasher::new()
            .update(b"verso workspace v1")
            .update(founder.as_bytes())
            .update(nonce)
            .finalize_xof()
            .fill(&mut output);
        Self(output)
    }

    /// Tells whether `founder` made this id with `nonce`.
    pub fn is_founded_by(&self, founder: &DeviceId, nonce: &[u8; 16]) -> bool {
        *self == Self::found(founder, nonce)
    }

    /// Takes the 16 bytes of an id.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the whole id as 32 lower-case hexadecimal digits, the form that [`FromStr`] reads.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.to_hex().get(..8).unwrap_or_default())
    }
}

impl fmt::Debug for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkspaceId({self})")
    }
}

impl FromStr for WorkspaceId {
    type Err = ParseWorkspaceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        hex::decode(text).map(Self).ok_or(ParseWorkspaceIdError)
    }
}

/// The text is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a workspace id is 32 lower-case hexadecimal digits")]
pub struct ParseWorkspaceIdError;

//! What the other side tells of itself: relays, address hints, and a [`Name`] that is safe to show.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use verso_identity::Name;

/// Where a relay answers: an `http` or `https` address of printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RelayUrl(String);

impl RelayUrl {
    /// Longest address in bytes; host names end at 253.
    pub const MAX_BYTES: usize = 200;

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RelayUrl {
    type Err = RelayUrlError;

    fn from_str(text: &str) -> Result<Self, RelayUrlError> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        let valid = !rest.is_empty() && printable && text.len() <= Self::MAX_BYTES;
        if valid { Ok(Self(text.to_owned())) } else { Err(RelayUrlError) }
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<RelayUrl> for String {
    fn from(url: RelayUrl) -> Self {
        url.0
    }
}

impl TryFrom<String> for RelayUrl {
    type Error = RelayUrlError;

    fn try_from(text: String) -> Result<Self, RelayUrlError> {
        text.parse()
    }
}

/// The text is not an `http` or `https` address of at most 200 printable ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a relay is an http or https address of at most {} printable ASCII characters", RelayUrl::MAX_BYTES)]
pub struct RelayUrlError;

/// Most address hints in a link or an introduction. A device has a few; more would only make the QR code unreadable.
pub const MAX_ADDRESSES: usize = 6;

/// Tells whether an address can be dialled at all.
pub(crate) fn is_dialable(address: &SocketAddr) -> bool {
    address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast()
}

/// Keeps the first [`MAX_ADDRESSES`] that can be dialled, each once.
pub(crate) fn dialable(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut kept: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if kept.len() < MAX_ADDRESSES && is_dialable(&address) && !kept.contains(&address) {
            kept.push(address);
        }
    }
    kept
}

/// What a device tells about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its display name.
    pub name: Name,
    /// Its X25519 key to which secrets are sealed for it, of the purpose `Sealing`.
    pub sealing_key: [u8; 32],
    /// Where it can be dialled, the best first. What can't be dialled, and more than [`MAX_ADDRESSES`], is left out.
    pub addresses: Vec<SocketAddr>,
    /// The relay it uses.
    pub relay: Option<RelayUrl>,
}

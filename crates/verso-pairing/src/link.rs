//! [`PairingLink`]: `verso://pair/{DeviceId}/{token}?…`, which is also what a QR code holds.

use std::fmt;
use std::net::SocketAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use verso_identity::{DeviceId, Name, WorkspaceId};
use verso_trust::{Access, PeerRole};

use crate::name::{self, RelayUrl};
use crate::terms::{Terms, WorkspaceTerms};
use crate::token::Token;

mod parse;

pub use parse::LinkError;

/// What every link begins with.
pub(crate) const PREFIX: &str = "verso://pair/";

/// The newest version of links, and the only one so far. A link of version 1 doesn't say so.
pub const LINK_VERSION: u32 = 1;

/// Longest link in bytes. A QR code holds at most 2,953, and all known parameters at their longest take less than 2,100.
pub const MAX_LINK_BYTES: usize = 2_400;

/// Most parameters that this version doesn't know, kept and shown.
pub const MAX_UNKNOWN_PARAMETERS: usize = 8;

/// What stands unescaped in a value, beside letters and digits: RFC 3986's unreserved characters, and those of addresses that a query
/// allows.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'/').remove(b'@');

/// A link that invites one device to pair.
///
/// There is one text for one link, its `Display`, and that text is what both sides hash into their handshake: whoever
/// changes any part of it on the way gets no pairing. It holds the token, so printing it is showing the secret; `Debug` doesn't.
pub struct PairingLink {
    device: DeviceId,
    token: Token,
    hints: LinkHints,
    unknown: Vec<(String, String)>,
}

/// What a link may say beside who and what secret. None of it grants anything: the offer that the showing device makes over the
/// connection does, and it must agree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkHints {
    /// Where the showing device can be dialled, the best first.
    pub addresses: Vec<SocketAddr>,
    /// The relay through which it can be reached.
    pub relay: Option<RelayUrl>,
    /// What it calls itself.
    pub name: Option<Name>,
    /// What the two devices will be to each other.
    pub role: Option<PeerRole>,
    /// The workspace that is offered, if it is one.
    pub workspace: Option<LinkedWorkspace>,
    /// When the offer expires, in seconds since the Unix epoch, by the clock of the device that made it.
    pub expires_at: Option<u64>,
}

/// The workspace that a link speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedWorkspace {
    /// Which workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: Option<Name>,
    /// What the joining device will be allowed in it.
    pub access: Option<Access>,
}

impl LinkHints {
    /// Tells whether an offer is what the link says, as far as it says anything. The hash of the link in the handshake makes
    /// sure that both sides mean one link; this makes sure that the other side means what it says there.
    pub(crate) fn agree_with(&self, terms: &Terms) -> bool {
        let offers = |linked: &LinkedWorkspace| {
            let same = |offered: &&WorkspaceTerms| offered.id == linked.id;
            let offered = terms.workspaces().iter().find(same);
            offered.is_some_and(|offered| linked.access.is_none_or(|access| access == offered.access))
        };
        self.role.is_none_or(|role| role == terms.role()) && self.workspace.as_ref().is_none_or(offers)
    }
}

impl PairingLink {
    /// Makes a link. Addresses that can't be dialled, stand twice, or are more than [`MAX_ADDRESSES`](crate::MAX_ADDRESSES) are left out.
    pub fn new(device: DeviceId, token: Token, hints: LinkHints) -> Self {
        let addresses = name::dialable(hints.addresses);
        Self { device, token, hints: LinkHints { addresses, ..hints }, unknown: Vec::new() }
    }

    /// Returns the device that shows the link, which is the one to dial.
    pub const fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Returns what the link says beside that.
    pub const fn hints(&self) -> &LinkHints {
        &self.hints
    }

    /// Returns the parameters that this version doesn't know, decoded, for people to see. They bind as all else does.
    pub fn unknown_parameters(&self) -> &[(String, String)] {
        &self.unknown
    }

    /// Tells whether the link has expired by this device's clock at `now_ms` since the Unix epoch. Only the device that made the
    /// link decides; this is for telling a person why nobody answers.
    pub fn is_expired_at(&self, now_ms: u64) -> bool {
        self.hints.expires_at.is_some_and(|expires_at| now_ms / 1_000 >= expires_at)
    }

    /// Returns BLAKE3("verso pairing link v1" ‖ canonical text), which goes into the handshake.
    pub fn canonical_hash(&self) -> [u8; 32] {
        let text = zeroize::Zeroizing::new(self.to_string());
        *blake3::Hasher::new().update(b"verso pairing link v1").update(text.as_bytes()).finalize().as_bytes()
    }

    pub(crate) const fn token(&self) -> &Token {
        &self.token
    }
}

impl fmt::Display for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}/", self.device.to_hex())?;
        self.token.write(f)?;
        let mut query = Query { out: f, separator: '?' };
        let hints = &self.hints;
        for address in &hints.addresses {
            query.push("addr", &address.to_string())?;
        }
        if let Some(relay) = &hints.relay {
            query.push("relay", relay.as_str())?;
        }
        if let Some(name) = &hints.name {
            query.push("name", name.as_str())?;
        }
        if let Some(role) = hints.role {
            query.push("role", role_text(role))?;
        }
        if let Some(workspace) = &hints.workspace {
            query.push("ws", &workspace.id.to_hex())?;
            if let Some(name) = &workspace.name {
                query.push("wsname", name.as_str())?;
            }
            if let Some(access) = workspace.access {
                query.push("access", access_text(access))?;
            }
        }
        if let Some(expires_at) = hints.expires_at {
            query.push("exp", &expires_at.to_string())?;
        }
        for (key, value) in &self.unknown {
            query.push(key, value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for PairingLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairingLink")
            .field("device", &self.device)
            .field("token", &self.token)
            .field("hints", &self.hints)
            .field("unknown", &self.unknown)
            .finish()
    }
}

/// Writes parameters, the first after a question mark.
struct Query<'a, 'f> {
    out: &'a mut fmt::Formatter<'f>,
    separator: char,
}

impl Query<'_, '_> {
    fn push(&mut self, key: &str, value: &str) -> fmt::Result {
        write!(self.out, "{}{key}={}", self.separator, utf8_percent_encode(value, ESCAPED))?;
        self.separator = '&';
        Ok(())
    }
}

const fn role_text(role: PeerRole) -> &'static str {
    match role {
        PeerRole::Own => "own",
        PeerRole::Friend => "friend",
    }
}

const fn access_text(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "ro",
        Access::ReadWrite => "rw",
    }
}

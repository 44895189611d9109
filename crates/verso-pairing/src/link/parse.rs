//! Reads a link strictly: every character is used, and each thing that can be wrong has an error of its own.

use std::net::SocketAddr;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use verso_identity::{DeviceId, Name, NameError, ParseDeviceIdError, ParseWorkspaceIdError, WorkspaceId};
use verso_trust::{Access, PeerRole};

use super::{
    LINK_VERSION, LinkHints, LinkedWorkspace, MAX_LINK_BYTES, MAX_UNKNOWN_PARAMETERS, PREFIX, PairingLink, access_text,
    role_text,
};
use crate::name::{self, MAX_ADDRESSES, RelayUrlError};
use crate::token::Token;

/// Longest key of a parameter that this version doesn't know.
const MAX_KEY_BYTES: usize = 32;

/// Why a text is not a [`PairingLink`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// It is something else.
    #[error("not a pairing link: these begin with {PREFIX}")]
    NotALink,
    /// It is longer than any link.
    #[error("a pairing link of {len} bytes: at most {MAX_LINK_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes, in the canonical form.
        len: usize,
    },
    /// It holds a character that no link holds: a blank, a line break, or one that would have to be escaped.
    #[error("a pairing link can't hold the character {} (at byte {at})", character.escape_unicode())]
    Character {
        /// The character.
        character: char,
        /// Where it stands.
        at: usize,
    },
    /// A later release made it.
    #[error(
        "the link is of version {version}, this program knows version {LINK_VERSION}: it was made by a newer Verso"
    )]
    Newer {
        /// The version it says.
        version: u32,
    },
    /// Its version is no number, or zero.
    #[error("the link's version is malformed")]
    Version,
    /// Its device id is malformed.
    #[error("the link's device is malformed")]
    Device(#[source] ParseDeviceIdError),
    /// It has no token, or the token isn't 22 characters of base64url.
    #[error("the link's token is malformed: it has 22 letters, digits, '-' and '_'")]
    Token,
    /// A parameter is not `key=value`, or the key is not lower-case letters, digits, '-' and '_'.
    #[error("parameter {number} of the link is malformed")]
    Parameter {
        /// Which one, from 1.
        number: usize,
    },
    /// A parameter stands twice.
    #[error("the parameter {key} stands twice in the link")]
    Duplicate {
        /// Which.
        key: String,
    },
    /// A value isn't percent-encoded UTF-8.
    #[error("the parameter {key} of the link is not properly percent-encoded")]
    Encoding {
        /// Which.
        key: String,
    },
    /// A value that this version doesn't know holds characters that would change or hide what is shown around it.
    #[error("the parameter {key} of the link can't be shown")]
    Deceptive {
        /// Which.
        key: String,
    },
    /// An address can't be read or dialled.
    #[error("the link holds an address that is none: {}", value.escape_debug())]
    Address {
        /// What stands there.
        value: String,
    },
    /// More addresses than a link may hold.
    #[error("the link holds more than {MAX_ADDRESSES} addresses")]
    TooManyAddresses,
    /// The relay is no address of one.
    #[error("the link's relay is malformed")]
    Relay(#[source] RelayUrlError),
    /// The device's name can't be shown.
    #[error("the link's name can't be shown")]
    Name(#[source] NameError),
    /// The role is neither `own` nor `friend`.
    #[error("the link's role is neither own nor friend")]
    Role,
    /// The workspace id is malformed.
    #[error("the link's workspace is malformed")]
    Workspace(#[source] ParseWorkspaceIdError),
    /// The workspace's name can't be shown.
    #[error("the link's workspace name can't be shown")]
    WorkspaceName(#[source] NameError),
    /// The access is neither `ro` nor `rw`.
    #[error("the link's access is neither ro nor rw")]
    Access,
    /// A name or access of a workspace without the workspace.
    #[error("the link has {key} but no ws")]
    WithoutWorkspace {
        /// Which parameter.
        key: &'static str,
    },
    /// The expiry is not a number of seconds.
    #[error("the link's expiry is malformed")]
    Expiry,
    /// More unknown parameters than are kept.
    #[error("the link holds more than {MAX_UNKNOWN_PARAMETERS} unknown parameters")]
    TooManyUnknown,
}

impl FromStr for PairingLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let rest = text.strip_prefix(PREFIX).ok_or(LinkError::NotALink)?;
        if text.len() > MAX_LINK_BYTES {
            return Err(LinkError::TooLong { len: text.len() });
        }
        let foreign =
            |character: char| !character.is_ascii_graphic() || matches!(character, '#' | '"' | '<' | '>' | '\\');
        if let Some((at, character)) = text.char_indices().find(|(_, character)| foreign(*character)) {
            return Err(LinkError::Character { character, at });
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        // Before all else: of a newer link nothing but this need be as it is here.
        check_version(query)?;

        let (device, token) = path.split_once('/').ok_or(LinkError::Token)?;
        let device: DeviceId = device.parse().map_err(LinkError::Device)?;
        let token = Token::parse(token).ok_or(LinkError::Token)?;
        let mut link = Self { device, token, hints: LinkHints::default(), unknown: Vec::new() };
        if let Some(query) = query {
            let mut parameters = Parameters::default();
            for (at, parameter) in query.split('&').enumerate() {
                parameters.take(at + 1, parameter)?;
            }
            (link.hints, link.unknown) = parameters.finish()?;
        }
        // Escapes can make the canonical form longer than what came.
        let len = zeroize::Zeroizing::new(link.to_string()).len();
        if len > MAX_LINK_BYTES { Err(LinkError::TooLong { len }) } else { Ok(link) }
    }
}

fn check_version(query: Option<&str>) -> Result<(), LinkError> {
    for parameter in query.unwrap_or_default().split('&') {
        if let Some(text) = parameter.strip_prefix("v=") {
            match decimal(text).and_then(|version| u32::try_from(version).ok()).ok_or(LinkError::Version)? {
                0 => return Err(LinkError::Version),
                LINK_VERSION => {}
                version => return Err(LinkError::Newer { version }),
            }
        }
    }
    Ok(())
}

/// Reads a number in its only form: digits, no sign, no zeros in front.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// What has been read of the parameters.
#[derive(Default)]
struct Parameters {
    seen: Vec<String>,
    hints: LinkHints,
    workspace: Option<WorkspaceId>,
    workspace_name: Option<Name>,
    access: Option<Access>,
    unknown: Vec<(String, String)>,
}

impl Parameters {
    fn take(&mut self, number: usize, parameter: &str) -> Result<(), LinkError> {
        let (key, value) = parameter.split_once('=').ok_or(LinkError::Parameter { number })?;
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.bytes().all(valid) {
            return Err(LinkError::Parameter { number });
        }
        // Addresses may repeat, each address once.
        if key != "addr" {
            if self.seen.iter().any(|seen| seen == key) {
                return Err(LinkError::Duplicate { key: key.to_owned() });
            }
            self.seen.push(key.to_owned());
        }
        let value = decode(value).ok_or_else(|| LinkError::Encoding { key: key.to_owned() })?;
        self.set(key, value)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), LinkError> {
        match key {
            // Checked before all else.
            "v" => {}
            "addr" => self.address(value)?,
            "relay" => self.hints.relay = Some(value.parse().map_err(LinkError::Relay)?),
            "name" => self.hints.name = Some(Name::new(value).map_err(LinkError::Name)?),
            "role" => {
                let roles = [PeerRole::Own, PeerRole::Friend];
                let role = roles.into_iter().find(|role| role_text(*role) == value);
                self.hints.role = Some(role.ok_or(LinkError::Role)?);
            }
            "ws" => self.workspace = Some(value.parse().map_err(LinkError::Workspace)?),
            "wsname" => self.workspace_name = Some(Name::new(value).map_err(LinkError::WorkspaceName)?),
            "access" => {
                let kinds = [Access::ReadOnly, Access::ReadWrite];
                let access = kinds.into_iter().find(|access| access_text(*access) == value);
                self.access = Some(access.ok_or(LinkError::Access)?);
            }
            "exp" => self.hints.expires_at = Some(decimal(&value).ok_or(LinkError::Expiry)?),
            _ if self.unknown.len() == MAX_UNKNOWN_PARAMETERS => return Err(LinkError::TooManyUnknown),
            // It will be shown, so it must be fit for that.
            _ if value.chars().any(Name::is_deceptive) => return Err(LinkError::Deceptive { key: key.to_owned() }),
            _ => self.unknown.push((key.to_owned(), value)),
        }
        Ok(())
    }

    fn address(&mut self, value: String) -> Result<(), LinkError> {
        let Some(address) = value.parse::<SocketAddr>().ok().filter(name::is_dialable) else {
            return Err(LinkError::Address { value });
        };
        if self.hints.addresses.contains(&address) {
            return Err(LinkError::Duplicate { key: "addr".to_owned() });
        }
        if self.hints.addresses.len() == MAX_ADDRESSES {
            return Err(LinkError::TooManyAddresses);
        }
        self.hints.addresses.push(address);
        Ok(())
    }

    fn finish(mut self) -> Result<(LinkHints, Vec<(String, String)>), LinkError> {
        self.hints.workspace = match (self.workspace, self.workspace_name, self.access) {
            (Some(id), name, access) => Some(LinkedWorkspace { id, name, access }),
            (None, Some(_), _) => return Err(LinkError::WithoutWorkspace { key: "wsname" }),
            (None, None, Some(_)) => return Err(LinkError::WithoutWorkspace { key: "access" }),
            (None, None, None) => None,
        };
        Ok((self.hints, self.unknown))
    }
}

/// Undoes percent-encoding, and `None` where a percent sign does not begin an escape or the bytes aren't UTF-8.
fn decode(value: &str) -> Option<String> {
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('%') {
        let escape = after.get(..2)?;
        if !escape.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        rest = after.get(2..)?;
    }
    percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

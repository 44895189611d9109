//! What the other side says in words: names that are safe to show, relays, address hints.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A display name of a device or a workspace, as it may stand in a question that a person answers.
///
/// Neither empty nor longer than [`MAX_BYTES`](Self::MAX_BYTES), without blanks at its ends, and without characters that
/// would change the text around it or hide: control characters, line breaks, changes of writing direction, blanks of no width.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(String);

impl Name {
    /// Longest name in bytes of UTF-8. Longer ones would fill the link that has to fit into a QR code.
    pub const MAX_BYTES: usize = 128;

    /// Takes a name as it is.
    ///
    /// # Errors
    /// [`NameError`] if it can't be shown safely.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { len: text.len() });
        }
        if let Some(character) = text.chars().find(|character| is_deceptive(*character)) {
            return Err(NameError::Deceptive { character });
        }
        if text.trim() != text {
            return Err(NameError::BlankEnds);
        }
        Ok(Self(text))
    }

    /// Makes a name of any text: leaves out what can't be shown, cuts what is too long, and says "?" for nothing.
    pub fn lossy(text: &str) -> Self {
        let clean: String = text.chars().filter(|character| !is_deceptive(*character)).collect();
        let clean = clean.trim();
        let end = clean.floor_char_boundary(Self::MAX_BYTES);
        let cut = clean.get(..end).unwrap_or_default().trim();
        Self(if cut.is_empty() { "?".to_owned() } else { cut.to_owned() })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells whether a character would change or hide what stands around it.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}' | '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty.
    #[error("a name is empty")]
    Empty,
    /// It is too long.
    #[error("a name of {len} bytes: at most {} are allowed", Name::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// It holds a character that would change or hide what stands around it.
    #[error("a name holds the character {}", character.escape_unicode())]
    Deceptive {
        /// The character.
        character: char,
    },
    /// It begins or ends with blanks.
    #[error("a name begins or ends with blanks")]
    BlankEnds,
}

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

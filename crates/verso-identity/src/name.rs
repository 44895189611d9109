//! [`Name`]: what a device or a workspace is called, safe to show.

use std::fmt;

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
        if let Some(character) = text.chars().find(|character| Self::is_deceptive(*character)) {
            return Err(NameError::Deceptive { character });
        }
        if text.trim() != text {
            return Err(NameError::BlankEnds);
        }
        Ok(Self(text))
    }

    /// Makes a name of any text: leaves out what can't be shown, cuts what is too long, and says "?" for nothing.
    pub fn lossy(text: &str) -> Self {
        let clean: String = text.chars().filter(|character| !Self::is_deceptive(*character)).collect();
        let clean = clean.trim();
        let end = clean.floor_char_boundary(Self::MAX_BYTES);
        let cut = clean.get(..end).unwrap_or_default().trim();
        Self(if cut.is_empty() { "?".to_owned() } else { cut.to_owned() })
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a character would change or hide what stands around it.
    pub fn is_deceptive(character: char) -> bool {
        character.is_control()
            || matches!(
                character,
                '\u{00ad}' | '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            )
    }
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

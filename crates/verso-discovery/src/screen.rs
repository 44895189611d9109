//! A pairing screen: the one time that a device tells strangers its name.

use std::fmt;

/// A name as strangers are told it, safe to show: 1 to 128 bytes, without control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScreenName(String);

impl ScreenName {
    /// Longest name in bytes of UTF-8, as long as in a pairing link.
    pub const MAX_BYTES: usize = 128;

    /// Makes a name of any text: leaves out what can't be shown, cuts what is too long, and says "?" for nothing.
    pub fn lossy(text: &str) -> Self {
        let clean: String = text.chars().filter(|character| !is_deceptive(*character)).collect();
        let clean = clean.trim();
        let end = clean.floor_char_boundary(Self::MAX_BYTES);
        let cut = clean.get(..end).unwrap_or_default().trim();
        Self(if cut.is_empty() { "?".to_owned() } else { cut.to_owned() })
    }

    /// Takes a name that somebody announces; `None` if [`lossy`](Self::lossy) would change it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let name = Self::lossy(text);
        (name.0 == text).then_some(name)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells whether a character would change or hide what stands around it.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{00ad}' | '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

impl fmt::Display for ScreenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ScreenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Whether strangers are told who this device is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PairingScreen {
    /// They are not.
    #[default]
    Closed,
    /// A person has opened the pairing screen: name and id are announced in the clear, for as long as it is open.
    Open(ScreenName),
}

//! [`Code`]: what a person was given, whichever it is.

use std::str::FromStr;

use crate::link::{LinkError, PairingLink};
use crate::words::{Words, WordsError};

/// A link or six words. Which of the two a text is, is told from the text.
#[derive(Debug)]
pub enum Code {
    /// A link, as a QR code holds it too.
    Link(Box<PairingLink>),
    /// Six words.
    Words(Words),
}

impl FromStr for Code {
    type Err = CodeError;

    /// Reads a text as words if it has blanks or hyphens between letters and nothing that only a link has, else as a link.
    fn from_str(text: &str) -> Result<Self, CodeError> {
        let text = text.trim();
        let several = text.contains(|character: char| character.is_whitespace() || character == '-');
        if several && !text.contains(['/', ':']) {
            Ok(Self::Words(text.parse()?))
        } else {
            Ok(Self::Link(Box::new(text.parse()?)))
        }
    }
}

/// Why a text is not a [`Code`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// It looks like a link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It looks like words.
    #[error(transparent)]
    Words(#[from] WordsError),
}

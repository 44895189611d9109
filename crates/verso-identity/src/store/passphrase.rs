//! [`Passphrase`]: what a person types to open the key file.

use std::fmt;

use zeroize::Zeroizing;

/// What opens a key file: zeroized when dropped, never cloned, never printed.
///
/// Its bytes count as they were typed; nothing is trimmed or normalised.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what a person typed.
    ///
    /// # Errors
    /// [`EmptyPassphrase`] if that is nothing: a file under it would be as good as unencrypted.
    pub fn new(text: Zeroizing<String>) -> Result<Self, EmptyPassphrase> {
        if text.is_empty() { Err(EmptyPassphrase) } else { Ok(Self(text)) }
    }

    /// Returns the bytes, for the key derivation.
    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// The passphrase is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a passphrase can't be empty")]
pub struct EmptyPassphrase;

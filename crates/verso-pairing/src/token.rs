//! [`Token`]: the secret in a link.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// 128 random bits that whoever joins must prove to hold. Zeroized when dropped, never cloned, printed only within its link.
pub struct Token(Zeroizing<[u8; Self::LEN]>);

impl Token {
    /// Length in bytes: 128 bits can't be guessed, so the budget of failed proofs is not what protects a link.
    pub const LEN: usize = 16;

    /// Takes 16 fresh random bytes.
    pub const fn new(bytes: Zeroizing<[u8; Self::LEN]>) -> Self {
        Self(bytes)
    }

    /// Reads 22 characters of base64url without padding; `None` for any other text, unused bits included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; Self::LEN]);
        // The decoder wants room for whole groups of three.
        let mut buffer = Zeroizing::new([0; 18]);
        let len = URL_SAFE_NO_PAD.decode_slice(text, buffer.as_mut()).ok()?;
        bytes.copy_from_slice(buffer.get(..len).filter(|_| len == Self::LEN)?);
        Some(Self(bytes))
    }

    /// Writes what [`parse`](Self::parse) reads.
    pub(crate) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str(&Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.as_ref())))
    }

    pub(crate) fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

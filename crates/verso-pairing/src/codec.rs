//! How everything here is encoded: a version byte, then `postcard`, and nothing after it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// The version of every encoding of this crate.
pub(crate) const VERSION: u8 = 1;

/// Longest message of the ceremony in bytes: Noise's own limit. It has room for 256 workspaces with the longest names.
pub const MAX_MESSAGE_BYTES: usize = 65_535;

/// Encodes into a buffer that is zeroized, and large enough from the start to leave no copies behind.
pub(crate) fn encode<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_MESSAGE_BYTES));
    bytes.push(VERSION);
    #[expect(clippy::expect_used, reason = "the types of this crate have known lengths, and a Vec takes all bytes")]
    let bytes = postcard::to_extend(value, Buffer(bytes)).expect("encoding into memory can't fail");
    bytes.0
}

/// Decodes what [`encode`] gave, strictly.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    match bytes.split_first() {
        Some((&VERSION, body)) => match postcard::take_from_bytes(body) {
            Ok((value, [])) => Ok(value),
            Ok(_) | Err(_) => Err(DecodeError::Malformed),
        },
        Some((&version, _)) if version > VERSION => Err(DecodeError::Newer { version }),
        _ => Err(DecodeError::Malformed),
    }
}

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A later release wrote them.
    #[error("an encoding of version {version}, this program knows {VERSION}")]
    Newer {
        /// The version they say.
        version: u8,
    },
    /// They are cut off, go on after their end, or hold what is not allowed.
    #[error("a malformed encoding")]
    Malformed,
}

/// A zeroized buffer that can be extended.
struct Buffer(Zeroizing<Vec<u8>>);

impl Extend<u8> for Buffer {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.0.extend(bytes);
    }
}

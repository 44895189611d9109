//! Strict lower-case hexadecimal, the one text form of ids.

use data_encoding::HEXLOWER;

/// Decodes exactly `N` bytes of lower-case hexadecimal; `None` for any other text.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Encodes bytes as lower-case hexadecimal.
pub(crate) fn encode(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

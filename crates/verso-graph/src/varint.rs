//! Unsigned LEB128 integers, strict: the shortest form only, and nothing beyond 64 bits.

/// Bytes of the longest encoding.
const MAX_LEN: usize = 10;

/// Appends `value`.
pub(crate) fn put(out: &mut Vec<u8>, value: u64) {
    if let Ok(byte) = u8::try_from(value)
        && unsigned_varint::decode::is_last(byte)
    {
        out.push(byte);
        return;
    }
    out.extend_from_slice(unsigned_varint::encode::u64(value, &mut unsigned_varint::encode::u64_buffer()));
}

/// Takes an integer from the front of `bytes`; `None` if they end early or aren't the one encoding of a number.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if unsigned_varint::decode::is_last(first) {
        *bytes = rest;
        return Some(u64::from(first));
    }
    let (value, rest) = unsigned_varint::decode::u64(bytes).ok()?;
    // The tenth byte has room for one bit; what the decoder drops beyond it would give a number several encodings.
    if bytes.len() - rest.len() == MAX_LEN && bytes.get(MAX_LEN - 1).is_some_and(|&last| last > 1) {
        return None;
    }
    *bytes = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{put, take};

    proptest! {
        #[test]
        fn numbers_survive(value in any::<u64>(), shift in 0_u32..64) {
            let mut bytes = Vec::new();
            put(&mut bytes, value >> shift);
            let mut rest = &bytes[..];
            prop_assert_eq!((take(&mut rest), rest.len()), (Some(value >> shift), 0));
        }

        #[test]
        fn a_number_has_one_encoding(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut rest = &bytes[..];
            if let Some(value) = take(&mut rest) {
                let mut again = Vec::new();
                put(&mut again, value);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - rest.len()]);
            }
        }
    }
}

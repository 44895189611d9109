//! Unsigned LEB128 integers, strict: the shortest form only, and nothing beyond 64 bits. So a number has one encoding.
//!
//! Whatever is hashed, signed or compared by its bytes depends on that, which the crate `unsigned-varint` alone does not give: it drops
//! what exceeds 64 bits in the tenth byte.

/// Bytes of the longest encoding.
pub const MAX_LEN: usize = 10;

/// Appends `value`.
#[inline]
pub fn put(out: &mut Vec<u8>, value: u64) {
    if let Ok(byte) = u8::try_from(value)
        && unsigned_varint::decode::is_last(byte)
    {
        out.push(byte);
        return;
    }
    out.extend_from_slice(unsigned_varint::encode::u64(value, &mut unsigned_varint::encode::u64_buffer()));
}

/// Takes an integer from the front of `bytes`; `None` if they end early or aren't the one encoding of a number.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    if unsigned_varint::decode::is_last(first) {
        *bytes = rest;
        return Some(u64::from(first));
    }
    let (value, rest) = unsigned_varint::decode::u64(bytes).ok()?;
    // The tenth byte has room for one bit.
    if bytes.len() - rest.len() == MAX_LEN && bytes.get(MAX_LEN - 1).is_some_and(|&last| last > 1) {
        return None;
    }
    *bytes = rest;
    Some(value)
}

/// Takes an integer that must be at most `max`, from the front of `bytes`; `None` if it is more, or none.
#[inline]
pub fn take_usize(bytes: &mut &[u8], max: usize) -> Option<usize> {
    take(bytes).and_then(|value| usize::try_from(value).ok()).filter(|value| *value <= max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{put, take};

    proptest! {
        #[test]
        fn numbers_survive(value in any::<u64>(), shift in 0_u32..64) {
            let value = value >> shift;
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            let mut rest = &bytes[..];
            prop_assert_eq!(take(&mut rest), Some(value));
            prop_assert!(rest.is_empty());
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

    #[test]
    fn what_exceeds_64_bits_is_refused() {
        let mut largest: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(take(&mut largest), Some(u64::MAX));
        let mut beyond: &[u8] = &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03];
        assert_eq!(take(&mut beyond), None);
        let mut padded: &[u8] = &[0x81, 0x00];
        assert_eq!(take(&mut padded), None);
    }
}

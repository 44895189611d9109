//! Reading and writing the small integers and arrays that the formats are made of. All integers are little-endian.

use verso_vv::varint;

/// Bytes that are taken from the front. Every method gives `None` once they do not suffice.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes an unsigned LEB128 number; one that is longer than it need be is refused, so each number has one form.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        varint::take(&mut self.0)
    }

    pub(crate) fn varint32(&mut self) -> Option<u32> {
        self.varint().and_then(|number| u32::try_from(number).ok())
    }

    /// Returns what is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Succeeds if all was taken: trailing bytes are an error everywhere.
    pub(crate) fn finish(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Appends an unsigned LEB128 number.
pub(crate) fn put_varint(out: &mut Vec<u8>, number: u64) {
    varint::put(out, number);
}

/// Returns the first bytes of a hash, for a check that is shorter.
pub(crate) fn prefix<const N: usize>(hash: blake3::Hash) -> [u8; N] {
    const { assert!(N <= 32, "a hash has 32 bytes") };
    let mut bytes = [0; N];
    for (byte, from) in bytes.iter_mut().zip(hash.as_bytes()) {
        *byte = *from;
    }
    bytes
}

/// A length in memory as the 64 bits that files count in.
pub(crate) fn to_u64(len: usize) -> u64 {
    // No target of Rust has a wider usize.
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A length that is bounded far below 4 GiB: of a segment, of a record.
#[expect(clippy::expect_used, reason = "the callers' lengths are bounded by the size of a segment")]
pub(crate) fn to_u32(len: usize) -> u32 {
    u32::try_from(len).expect("lengths within a segment are below 4 GiB")
}

/// A 32-bit length or offset as an index into memory.
pub(crate) fn to_usize(len: u32) -> usize {
    // Targets with a usize below 32 bits have no std::fs either.
    usize::try_from(len).unwrap_or(usize::MAX)
}

//! The strings of a TXT record (RFC 6763, section 6): `key=value`, each with its length before it.

use crate::heard::HeardError;

/// Most bytes of a record that is looked at. The longest of version 1 has 520; a later one may have more, and is told to be newer.
pub const MAX_TXT_BYTES: usize = 1_300;

/// Puts strings together as they stand in a record.
///
/// A string that is longer than 255 bytes has no form; there is none in an announcement.
pub(crate) fn join<'a>(strings: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in strings {
        let Ok(len) = u8::try_from(key.len() + 1 + value.len()) else { continue };
        bytes.push(len);
        bytes.extend_from_slice(key.as_bytes());
        bytes.push(b'=');
        bytes.extend_from_slice(value);
    }
    bytes
}

/// What is left of a record.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(record: &'a [u8]) -> Result<Self, HeardError> {
        if record.len() > MAX_TXT_BYTES {
            return Err(HeardError::TooLong { bytes: record.len() });
        }
        Ok(Self { rest: record })
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes the next string, which must have this key, and returns its value.
    pub(crate) fn value(&mut self, key: &'static str) -> Result<&'a [u8], HeardError> {
        let missing = HeardError::Missing { key };
        let (len, rest) = self.rest.split_first().ok_or(missing)?;
        let (string, rest) = rest.split_at_checked(usize::from(*len)).ok_or(HeardError::Cut)?;
        let value = string.strip_prefix(key.as_bytes()).and_then(|string| string.strip_prefix(b"="));
        let value = value.ok_or(HeardError::Missing { key })?;
        self.rest = rest;
        Ok(value)
    }

    /// Takes the next string, whose value has a fixed length.
    pub(crate) fn array<const N: usize>(&mut self, key: &'static str) -> Result<[u8; N], HeardError> {
        let value = self.value(key)?;
        value.try_into().map_err(|_length| HeardError::Length { key, bytes: value.len() })
    }
}

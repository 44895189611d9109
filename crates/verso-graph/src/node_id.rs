//! [`NodeId`]: the name of a node, made from the entry that created it.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use verso_vv::EntryHash;

/// Names a node: a UUID of version 8 (RFC 9562) made from the chain hash of the entry that created it.
///
/// The hash covers workspace, author and all that author wrote before, so an id is unique across workspaces and the
/// branches of a fork, nobody can claim another's, and it takes no byte on the wire. `Display` and `Debug` print
/// the short form, [`to_hyphenated`](Self::to_hyphenated) the whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Uuid);

impl NodeId {
    /// Length of an id in bytes.
    pub const LEN: usize = 16;

    /// Makes the id of the node that the entry with this hash created: the first 16 bytes, with version and
    /// variant set.
    #[must_use]
    pub fn of(hash: &EntryHash) -> Self {
        const VERSION: u128 = 0xf << 76;
        const VARIANT: u128 = 0b11 << 62;
        let bytes = hash.0.first_chunk().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        Self(Uuid::from_u128(bytes & !VERSION & !VARIANT | 8 << 76 | 0b10 << 62))
    }

    /// Takes the 16 bytes of an id. Any can be held; one that no entry made names no node.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns the 16 bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Returns the whole id as 36 lower-case characters with hyphens, the form that [`FromStr`] reads.
    #[must_use]
    pub fn to_hyphenated(&self) -> String {
        self.0.hyphenated().to_string()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = Uuid::encode_buffer();
        f.pad(self.0.simple().encode_lower(&mut buffer).get(..8).unwrap_or_default())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = ParseNodeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Uuid::try_parse(text).map(Self).map_err(|_source| ParseNodeIdError)?;
        // `try_parse` also takes braces, URNs and upper case; one id has one spelling here.
        if id.to_hyphenated() == text { Ok(id) } else { Err(ParseNodeIdError) }
    }
}

/// The text is not a node's id as [`NodeId::to_hyphenated`] writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a node id is 36 lower-case characters: hexadecimal digits in groups of 8-4-4-4-12")]
pub struct ParseNodeIdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_variant_are_set_and_the_rest_is_the_hash() {
        let id = NodeId::of(&EntryHash([0xff; 32]));
        assert_eq!(id.to_hyphenated(), "ffffffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(NodeId::of(&EntryHash([0; 32])).to_hyphenated(), "00000000-0000-8000-8000-000000000000");
        assert_eq!((id.0.get_version_num(), id.0.get_variant()), (8, uuid::Variant::RFC4122));
    }

    #[test]
    fn only_the_one_spelling_is_read() {
        let id = NodeId::of(&EntryHash([0xab; 32]));
        assert_eq!(id.to_hyphenated().parse(), Ok(id));
        assert_eq!(format!("{id} {id:?}"), "abababab NodeId(abababab)");
        for other in ["", "abababab", "ABABABAB-ABAB-8BAB-ABAB-ABABABABABAB", "{abababab-abab-8bab-abab-abababababab}"]
        {
            assert_eq!(other.parse::<NodeId>(), Err(ParseNodeIdError));
        }
    }
}

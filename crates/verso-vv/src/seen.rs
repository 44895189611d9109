//! [`Seen`]: what an author had applied when it wrote, as a payload carries it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::author::{Author, Seq};
use crate::hash::HashTag;
use crate::varint;

/// Names a signing author within payloads: the first 8 bytes of BLAKE3("verso author tag v1" ‖ device ‖ incarnation, little-endian).
///
/// Always made from the author that *signed* the entry, never from a branch's derived author: the writer of a reference
/// may not know of a fork, and the hash tag beside it selects the branch. Shorter tags could be forged by trying
/// incarnations.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AuthorTag(pub [u8; 8]);

impl AuthorTag {
    /// Makes the tag of a signing author.
    pub fn of(author: &Author) -> Self {
        let mut output = [0; 8];
        blake3::Hasher::new()
            .update(b"verso author tag v1")
            .update(author.device.as_bytes())
            .update(&author.incarnation.0.to_le_bytes())
            .finalize_xof()
            .fill(&mut output);
        Self(output)
    }
}

impl fmt::Debug for AuthorTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorTag({:016x})", u64::from_be_bytes(self.0))
    }
}

/// One author's part of a [`Seen`]: all up to `seq` of the chain whose entry at `seq` has this tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeenItem {
    /// The signing author.
    pub author: AuthorTag,
    /// The last entry seen.
    pub seq: Seq,
    /// The first bytes of that entry's hash.
    pub tag: HashTag,
}

/// The vector that an author had applied when it wrote an entry, with hash tags, so that "concurrent" is decided and not guessed.
///
/// Encoded as a count, then for each item 8 bytes of author, the sequence number, 4 bytes of hash tag; integers
/// are unsigned LEB128 in their shortest form. Items ascend, none stands twice and none says "nothing", so the encoding is
/// canonical. One author may stand with several sequence numbers or tags: those are the branches of a fork. Serde
/// gives the items and takes only what is canonical; in `postcard` these are the same bytes.
///
/// Whoever makes one keeps to [`MAX_SEEN`] items, the bound of a vector's authors; a longer one would not be read by anybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "Vec<SeenItem>", try_from = "Vec<SeenItem>")]
pub struct Seen {
    items: Vec<SeenItem>,
}

/// Most items that a [`Seen`] may have: the authors that a vector may have (4,096).
pub const MAX_SEEN: usize = 4096;

impl Seen {
    /// Makes a vector of these items, in any order. Items at [`Seq::ZERO`], which say nothing, are left out.
    pub fn new(items: impl IntoIterator<Item = SeenItem>) -> Self {
        let mut items: Vec<SeenItem> = items.into_iter().filter(|item| item.seq != Seq::ZERO).collect();
        items.sort_unstable();
        items.dedup();
        Self { items }
    }

    /// Returns the items in ascending order.
    pub fn items(&self) -> &[SeenItem] {
        &self.items
    }

    /// Appends the encoding to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint::put(out, u64::try_from(self.items.len()).unwrap_or(u64::MAX));
        for item in &self.items {
            out.extend_from_slice(&item.author.0);
            varint::put(out, item.seq.0);
            out.extend_from_slice(&item.tag.0);
        }
    }

    /// Decodes a vector from the front of `bytes` and returns what follows it.
    ///
    /// # Errors
    /// [`SeenError`] if the bytes end early, hold more than [`MAX_SEEN`] items, or aren't canonical.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), SeenError> {
        let mut rest = bytes;
        let count = varint::take(&mut rest).ok_or(SeenError::Truncated)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > MAX_SEEN {
            return Err(SeenError::TooMany { count });
        }
        let mut items: Vec<SeenItem> = Vec::new();
        for _ in 0..count {
            let (author, mut after) = rest.split_first_chunk::<8>().ok_or(SeenError::Truncated)?;
            let seq = varint::take(&mut after).ok_or(SeenError::Truncated)?;
            let (tag, after) = after.split_first_chunk::<4>().ok_or(SeenError::Truncated)?;
            let item = SeenItem { author: AuthorTag(*author), seq: Seq(seq), tag: HashTag(*tag) };
            Self::check_next(items.last(), &item)?;
            items.push(item);
            rest = after;
        }
        Ok((Self { items }, rest))
    }

    /// Checks that `item` may follow `last` in a canonical vector.
    fn check_next(last: Option<&SeenItem>, item: &SeenItem) -> Result<(), SeenError> {
        if item.seq == Seq::ZERO {
            return Err(SeenError::Nothing);
        }
        if last.is_some_and(|last| last >= item) {
            return Err(SeenError::NotAscending);
        }
        Ok(())
    }
}

impl From<Seen> for Vec<SeenItem> {
    fn from(seen: Seen) -> Self {
        seen.items
    }
}

impl TryFrom<Vec<SeenItem>> for Seen {
    type Error = SeenError;

    /// Takes items that are in canonical order already, as a decoder has read them.
    fn try_from(items: Vec<SeenItem>) -> Result<Self, SeenError> {
        if items.len() > MAX_SEEN {
            return Err(SeenError::TooMany { count: items.len() });
        }
        let mut last = None;
        for item in &items {
            Self::check_next(last, item)?;
            last = Some(item);
        }
        Ok(Self { items })
    }
}

/// The bytes are not a [`Seen`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeenError {
    /// The bytes end early or hold a malformed integer.
    #[error("a seen vector ends early or holds a malformed integer")]
    Truncated,
    /// More items than a vector may have.
    #[error("a seen vector of {count} items: at most {MAX_SEEN} are allowed")]
    TooMany {
        /// How many the bytes claim.
        count: usize,
    },
    /// Items are out of order or stand twice.
    #[error("the items of a seen vector do not ascend")]
    NotAscending,
    /// An item claims to have seen nothing, which is said by leaving it out.
    #[error("an item of a seen vector has sequence number 0")]
    Nothing,
}

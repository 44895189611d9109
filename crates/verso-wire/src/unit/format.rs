//! The bytes of a unit, format version 1. `docs/formats/unit.md` tells them byte by byte.

use rkyv::rancor::Failure;
use rkyv::{Archive, Serialize};
use verso_identity::{DeviceId, Signature, WorkspaceId};
use verso_vv::{Author, EntryHash, Incarnation, Seq, varint};

use crate::branch::Branch;
use crate::entry::EntryDigest;
use crate::limits::{MAX_KEPT_SEALS, MAX_UNIT_BYTES, MAX_UNIT_ENTRIES};
use crate::unit::columns::{self, DigestAt};
use crate::unit::compress::{self, CompressionLevel};
use crate::unit::{KeptSeal, Rows, SyncUnit};

/// The version of the format, in the lower four bits of the first byte.
pub const UNIT_FORMAT: u8 = 1;

/// Set in the first byte if the columns are compressed.
const COMPRESSED: u8 = 0x80;
/// Set in the first byte if extras stand before the columns.
const EXTRAS: u8 = 0x40;

/// What every unit has, uncompressed: hashes, keys and signatures don't shrink.
#[derive(Archive, Serialize)]
struct Head {
    device: [u8; 32],
    incarnation: u64,
    prev_hash: [u8; 32],
    signature: [u8; 64],
}

/// What few units have.
#[derive(Archive, Serialize)]
struct Extras {
    /// At most one.
    branch: Vec<BranchRecord>,
    kept: Vec<KeptRecord>,
    digests: Vec<DigestRecord>,
}

#[derive(Archive, Serialize)]
struct BranchRecord {
    at: u64,
    hash: [u8; 32],
}

#[derive(Archive, Serialize)]
struct KeptRecord {
    index: u16,
    signature: [u8; 64],
}

#[derive(Archive, Serialize)]
struct DigestRecord {
    index: u16,
    digest: [u8; 32],
}

/// Bytes of the head.
const HEAD_LEN: usize = size_of::<ArchivedHead>();
const _: () = assert!(HEAD_LEN == 32 + 8 + 32 + 64);
const _: () = assert!(size_of::<ArchivedExtras>() == 24);
const _: () = assert!(size_of::<ArchivedBranchRecord>() == 40);
const _: () = assert!(size_of::<ArchivedKeptRecord>() == 66);
const _: () = assert!(size_of::<ArchivedDigestRecord>() == 34);

/// The bytes are not a unit. Whoever sent them is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// More bytes than any unit has.
    #[error("a unit of {len} bytes: at most {MAX_UNIT_BYTES} are allowed")]
    TooLarge {
        /// How many there are.
        len: usize,
    },
    /// Another version of the format, or flags that this version doesn't have.
    #[error("unknown unit format {found:#04x}")]
    Format {
        /// The first byte.
        found: u8,
    },
    /// The bytes end early.
    #[error("the unit ends early")]
    Truncated,
    /// The numbers of the entries don't fit a chain: the first is 0 or malformed, or the last exceeds 64 bits.
    #[error("the unit's entries have no valid numbers")]
    Numbers,
    /// The extras are malformed, or have bytes that belong to nothing.
    #[error("the unit's extras are malformed")]
    Extras,
    /// The entries lie before the fork that they are said to follow.
    #[error("the unit starts at entry {first}, before its branch at {at}")]
    Branch {
        /// Where the branch starts.
        at: Seq,
        /// Where the unit starts.
        first: Seq,
    },
    /// Kept seals are too many, don't ascend, or lie outside.
    #[error("the unit's kept seals are malformed")]
    KeptSeals,
    /// Digests don't ascend, or lie outside.
    #[error("the unit's digests are malformed")]
    Digests,
    /// The columns don't inflate to a permitted size.
    #[error("the unit's columns do not inflate within the limit")]
    Inflate,
    /// The columns are malformed, end early, or have bytes left over.
    #[error("the unit's columns are malformed")]
    Columns,
    /// There is no entry.
    #[error("the unit has no entries")]
    Empty,
    /// More entries than a unit may have.
    #[error("a unit of {count} entries: at most {MAX_UNIT_ENTRIES} are allowed")]
    TooManyEntries {
        /// How many there are.
        count: usize,
    },
    /// More payload than a unit may have.
    #[error("a unit with {len} bytes of payload")]
    TooMuchPayload {
        /// How many bytes there are.
        len: usize,
    },
}

impl SyncUnit {
    /// Encodes the unit. The same unit may be encoded in different bytes; its identity is its hashes.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: see the expectations below")]
    #[expect(
        clippy::expect_used,
        reason = "writing an archive to memory can't fail, and its size is bounded by the unit's limits"
    )]
    pub fn encode(&self, level: CompressionLevel) -> Vec<u8> {
        let raw = columns::encode(&self.rows);
        let compressed = compress::compress(&raw, level);
        let body = compressed.as_deref().unwrap_or(&raw.bytes);
        let extras = self.extras();

        let mut format = UNIT_FORMAT;
        format |= if compressed.is_some() { COMPRESSED } else { 0 };
        format |= if extras.is_some() { EXTRAS } else { 0 };
        let mut out =
            Vec::with_capacity(1 + HEAD_LEN + 2 * varint::MAX_LEN + extras.as_ref().map_or(0, Vec::len) + body.len());
        out.push(format);
        let head = Head {
            device: *self.signer.device.as_bytes(),
            incarnation: self.signer.incarnation.0,
            prev_hash: self.prev_hash.0,
            signature: *self.signature.as_bytes(),
        };
        let mut out = rkyv::api::high::to_bytes_in::<_, Failure>(&head, out).expect("a head is written to memory");
        varint::put(&mut out, self.first_seq.0);
        if let Some(extras) = extras {
            varint::put(&mut out, u64::try_from(extras.len()).expect("extras are bounded"));
            out.extend_from_slice(&extras);
        }
        out.extend_from_slice(body);
        out
    }

    #[expect(clippy::expect_used, reason = "writing an archive to memory can't fail; a unit has at most 4,096 entries")]
    fn extras(&self) -> Option<Vec<u8>> {
        let digests: Vec<DigestRecord> =
            self.rows.digests().map(|at| DigestRecord { index: at.index, digest: at.digest.0 }).collect();
        if self.branch.is_none() && self.kept.is_empty() && digests.is_empty() {
            return None;
        }
        let index = |seq: Seq| self.index_of(seq).and_then(|index| u16::try_from(index).ok());
        let kept = self.kept.iter().map(|kept| KeptRecord {
            index: index(kept.seq).expect("kept seals lie in the unit"),
            signature: *kept.signature.as_bytes(),
        });
        let branch = self.branch.iter().map(|branch| BranchRecord { at: branch.at.0, hash: branch.hash.0 });
        let extras = Extras { branch: branch.collect(), kept: kept.collect(), digests };
        Some(rkyv::api::high::to_bytes_in::<_, Failure>(&extras, Vec::new()).expect("extras are written to memory"))
    }

    /// Decodes a unit of `workspace`, which the stream or the journal that carries it tells. Nothing about it is verified yet.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are not exactly one unit within the limits. No input makes it allocate more than in proportion
    /// to the limits, or panic.
    pub fn decode(workspace: &WorkspaceId, bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_UNIT_BYTES {
            return Err(DecodeError::TooLarge { len: bytes.len() });
        }
        let (&format, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        if format & !(COMPRESSED | EXTRAS) != UNIT_FORMAT {
            return Err(DecodeError::Format { found: format });
        }
        let (head, mut rest) = rest.split_at_checked(HEAD_LEN).ok_or(DecodeError::Truncated)?;
        let head = rkyv::access::<ArchivedHead, Failure>(head).map_err(|_failure| DecodeError::Truncated)?;
        let first_seq = varint::take(&mut rest).filter(|seq| *seq > 0).map(Seq).ok_or(DecodeError::Numbers)?;

        let extras = if format & EXTRAS == 0 { None } else { Some(take_extras(&mut rest)?) };
        let digests: Vec<DigestAt> =
            extras.iter().flat_map(|extras| extras.digests.iter()).map(DigestAt::from).collect();
        let columns = if format & COMPRESSED == 0 {
            rest.to_vec()
        } else {
            compress::inflate(rest).ok_or(DecodeError::Inflate)?
        };
        let rows: Rows = columns::decode(columns, &digests)?;

        let mut unit = Self {
            workspace: *workspace,
            signer: Author {
                device: DeviceId::from_bytes(head.device),
                incarnation: Incarnation(head.incarnation.to_native()),
            },
            branch: None,
            first_seq,
            prev_hash: EntryHash(head.prev_hash),
            rows,
            kept: Vec::new(),
            signature: Signature::from_bytes(head.signature),
        };
        let last = u64::try_from(unit.len() - 1).ok().and_then(|more| first_seq.0.checked_add(more));
        if last.is_none() {
            return Err(DecodeError::Numbers);
        }
        if let Some(extras) = extras {
            unit.set_extras(extras)?;
        }
        Ok(unit)
    }

    fn set_extras(&mut self, extras: &ArchivedExtras) -> Result<(), DecodeError> {
        self.branch = match extras.branch.as_slice() {
            [] => None,
            [branch] => Some(Branch { at: Seq(branch.at.to_native()), hash: EntryHash(branch.hash) }),
            _ => return Err(DecodeError::Extras),
        };
        if let Some(Branch { at, .. }) = self.branch
            && (at == Seq::ZERO || self.first_seq < at)
        {
            return Err(DecodeError::Branch { at, first: self.first_seq });
        }
        if extras.kept.len() > MAX_KEPT_SEALS {
            return Err(DecodeError::KeptSeals);
        }
        let last = self.last_seq();
        for kept in extras.kept.iter() {
            let seq = self.seq_at(usize::from(kept.index.to_native()));
            if seq >= last || self.kept.last().is_some_and(|before| before.seq >= seq) {
                return Err(DecodeError::KeptSeals);
            }
            self.kept.push(KeptSeal { seq, signature: Signature::from_bytes(kept.signature) });
        }
        Ok(())
    }
}

/// Takes the extras from the front of `rest` and checks that each of their bytes belongs to something.
fn take_extras<'a>(rest: &mut &'a [u8]) -> Result<&'a ArchivedExtras, DecodeError> {
    let len = varint::take_usize(rest, MAX_UNIT_BYTES).ok_or(DecodeError::Extras)?;
    let (bytes, after) = rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
    *rest = after;
    let extras = rkyv::access::<ArchivedExtras, Failure>(bytes).map_err(|_failure| DecodeError::Extras)?;
    let used = size_of::<ArchivedExtras>()
        + size_of_val(extras.branch.as_slice())
        + size_of_val(extras.kept.as_slice())
        + size_of_val(extras.digests.as_slice());
    // An archive's parts never overlap, so equal lengths mean that nothing is left over.
    if used != len || extras.branch.is_empty() && extras.kept.is_empty() && extras.digests.is_empty() {
        return Err(DecodeError::Extras);
    }
    Ok(extras)
}

impl From<&ArchivedDigestRecord> for DigestAt {
    fn from(record: &ArchivedDigestRecord) -> Self {
        Self { index: record.index.to_native(), digest: EntryDigest(record.digest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of so many entries of kind 1, each as small as an entry can be.
    fn columns(entries: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, u64::try_from(entries).unwrap());
        bytes.extend(std::iter::repeat_n(1, entries));
        bytes.extend(std::iter::repeat_n(0, 2 * entries));
        bytes
    }

    fn with_extras(extras: &Extras, columns: &[u8]) -> Result<SyncUnit, DecodeError> {
        let head = Head { device: [1; 32], incarnation: 1, prev_hash: [2; 32], signature: [3; 64] };
        let mut bytes = vec![UNIT_FORMAT | EXTRAS];
        bytes.extend_from_slice(&rkyv::to_bytes::<Failure>(&head).unwrap());
        varint::put(&mut bytes, 1);
        let extras = rkyv::to_bytes::<Failure>(extras).unwrap();
        varint::put(&mut bytes, u64::try_from(extras.len()).unwrap());
        bytes.extend_from_slice(&extras);
        bytes.extend_from_slice(columns);
        SyncUnit::decode(&WorkspaceId::from_bytes([4; 16]), &bytes)
    }

    fn none() -> Extras {
        Extras { branch: Vec::new(), kept: Vec::new(), digests: Vec::new() }
    }

    #[test]
    fn a_unit_stands_on_one_branch() {
        let branch = |_| BranchRecord { at: 1, hash: [5; 32] };
        let on =
            |count: usize| with_extras(&Extras { branch: (0..count).map(branch).collect(), ..none() }, &columns(1));
        assert_eq!(on(1).unwrap().branch().map(|branch| branch.at), Some(Seq(1)));
        assert_eq!(on(2), Err(DecodeError::Extras));
    }

    #[test]
    fn kept_seals_are_few() {
        let kept = |index| KeptRecord { index, signature: [6; 64] };
        let keeps = |count: usize| {
            let count = u16::try_from(count).unwrap();
            with_extras(&Extras { kept: (0..count).map(kept).collect(), ..none() }, &columns(200))
        };
        assert!(keeps(MAX_KEPT_SEALS).is_ok());
        assert_eq!(keeps(MAX_KEPT_SEALS + 1), Err(DecodeError::KeptSeals));
    }

    /// Each part is within its limit, and both together are not.
    #[test]
    fn digests_count_as_entries() {
        let digest = || Extras { digests: vec![DigestRecord { index: 0, digest: [7; 32] }], ..none() };
        assert_eq!(with_extras(&digest(), &columns(MAX_UNIT_ENTRIES - 1)).unwrap().len(), MAX_UNIT_ENTRIES);
        let count = MAX_UNIT_ENTRIES + 1;
        assert_eq!(with_extras(&digest(), &columns(MAX_UNIT_ENTRIES)), Err(DecodeError::TooManyEntries { count }));
    }
}

//! A record: a 16-byte header that can be found again after damage, and a body that only the segment's key opens.

use crate::codec::{Input, prefix, to_u32, to_u64, to_usize};
use crate::crypto::{SegmentKey, TAG_LEN};

/// Length of a record header.
pub(crate) const HEADER_LEN: usize = 16;

/// The longest body: its length has 24 bits.
pub(crate) const MAX_BODY_LEN: usize = (1 << 24) - 1;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A run.
    Run,
    /// The index that closes a segment.
    Index,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Run => 1,
            Self::Index => 2,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Run),
            2 => Some(Self::Index),
            _ => None,
        }
    }
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    /// Length of the body, tag included.
    pub(crate) body_len: u32,
    pub(crate) kind: Kind,
    /// The record's number in the segment, from 1.
    pub(crate) number: u32,
    /// The number of the first record of its batch.
    pub(crate) batch: u32,
}

impl RecordHeader {
    fn encode(&self, key: &SegmentKey) -> [u8; HEADER_LEN] {
        let word = self.body_len | u32::from(self.kind.code()) << 24;
        let mut fields = [0; 12];
        for (place, value) in fields.as_chunks_mut().0.iter_mut().zip([word, self.number, self.batch]) {
            *place = value.to_le_bytes();
        }
        let mut bytes = [0; HEADER_LEN];
        let (place, check) = bytes.split_at_mut(fields.len());
        place.copy_from_slice(&fields);
        check.copy_from_slice(&key.header_check(&fields));
        bytes
    }

    /// Reads a header whose check is good and whose fields can be.
    pub(crate) fn decode(bytes: &[u8], key: &SegmentKey) -> Option<Self> {
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        let header = Self::fields(bytes)?;
        let (fields, check) = bytes.split_first_chunk::<12>()?;
        (key.header_check(fields) == *check).then_some(header)
    }

    /// Reads the fields alone, which costs next to nothing: enough to pass over most offsets when a record is searched.
    fn fields(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let mut input = Input::new(bytes);
        let word = input.u32()?;
        let [.., code] = word.to_le_bytes();
        let header = Self {
            body_len: word & 0x00ff_ffff,
            kind: Kind::from_code(code)?,
            number: input.u32()?,
            batch: input.u32()?,
        };
        let can_be = to_usize(header.body_len) >= TAG_LEN && header.batch >= 1 && header.batch <= header.number;
        can_be.then_some(header)
    }

    /// Length of the record, header and body.
    pub(crate) fn record_len(&self) -> usize {
        HEADER_LEN + to_usize(self.body_len)
    }
}

/// Binds records to their segment: what is needed to write and to open them.
#[derive(Debug)]
pub(crate) struct Sealer {
    pub(crate) key: SegmentKey,
    /// The hash of the segment's header.
    pub(crate) header_hash: [u8; 32],
}

impl Sealer {
    /// Appends a record to `out`: `write` appends the text, which is encrypted where it lies. Returns its header.
    pub(crate) fn seal(&self, header: Numbered, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> RecordHeader {
        let Numbered { kind, number, batch } = header;
        let start = out.len();
        out.resize(start + HEADER_LEN, 0);
        let text_start = out.len();
        write(out);
        let body_len = to_u32(out.len() - text_start + TAG_LEN);
        debug_assert!(to_usize(body_len) <= MAX_BODY_LEN, "the caller bounds what a record holds");
        let header = RecordHeader { body_len, kind, number, batch };
        let bytes = header.encode(&self.key);
        if let Some(place) = out.get_mut(start..text_start) {
            place.copy_from_slice(&bytes);
        }
        let tag =
            self.key.seal(u64::from(number), &self.associated(&bytes), out.get_mut(text_start..).unwrap_or_default());
        out.extend_from_slice(&tag);
        header
    }

    /// Opens the record at the start of `bytes` into `text`. `None` if its header's check or its body is not good.
    pub(crate) fn open(&self, bytes: &[u8], text: &mut Vec<u8>) -> Option<RecordHeader> {
        let header = RecordHeader::decode(bytes, &self.key)?;
        self.open_body(&header, bytes, text)
    }

    /// Opens the record at the start of `bytes`, which must be the one with `number`. The header's check is not computed:
    /// the body is bound to all of the header.
    pub(crate) fn open_number(&self, number: u32, bytes: &[u8], text: &mut Vec<u8>) -> Option<RecordHeader> {
        let header = RecordHeader::fields(bytes.first_chunk()?)?;
        if header.number != number {
            return None;
        }
        self.open_body(&header, bytes, text)
    }

    fn open_body(&self, header: &RecordHeader, bytes: &[u8], text: &mut Vec<u8>) -> Option<RecordHeader> {
        let (header_bytes, rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let body = rest.get(..to_usize(header.body_len))?;
        self.key.open(u64::from(header.number), &self.associated(header_bytes), body, text)?;
        Some(*header)
    }

    /// What a body is bound to beside its nonce: the segment's header, which holds the key's generation, and the record's own.
    fn associated(&self, header: &[u8; HEADER_LEN]) -> [u8; 32 + HEADER_LEN] {
        let mut associated = [0; 32 + HEADER_LEN];
        let (hash, place) = associated.split_at_mut(32);
        hash.copy_from_slice(&self.header_hash);
        place.copy_from_slice(header);
        associated
    }
}

/// A record's kind, number and batch, before its length is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbered {
    pub(crate) kind: Kind,
    pub(crate) number: u32,
    pub(crate) batch: u32,
}

/// The digest over a segment's runs: the header's hash, then header and tag of each record. It stands in the index, and in
/// the header of the next segment, so that a segment that lost its end or was put back to an earlier state is noticed.
#[derive(Debug, Clone)]
pub(crate) struct ClosingDigest(blake3::Hasher);

impl ClosingDigest {
    pub(crate) fn new(header_hash: &[u8; 32]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(header_hash);
        Self(hasher)
    }

    /// Takes one record, whole.
    pub(crate) fn push(&mut self, record: &[u8]) {
        let header = record.first_chunk::<HEADER_LEN>();
        let tag = record.last_chunk::<TAG_LEN>();
        if let (Some(header), Some(tag)) = (header, tag) {
            self.0.update(header).update(tag);
        }
    }

    pub(crate) fn finish(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

/// The last bytes of a closed segment: where its index is.
pub(crate) mod trailer {
    use super::{Input, prefix, to_u64};

    pub(crate) const LEN: usize = 24;
    const MAGIC: &[u8; 8] = b"VERSOEND";

    /// Encodes the trailer of the segment with this header.
    pub(crate) fn encode(header_hash: &[u8; 32], index_offset: u64) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let parts = MAGIC.iter().copied().chain(index_offset.to_le_bytes()).chain(check(header_hash, index_offset));
        for (place, byte) in bytes.iter_mut().zip(parts) {
            *place = byte;
        }
        bytes
    }

    /// Reads where the index is, which must lie before the trailer in a file of `file_len` bytes.
    pub(crate) fn decode(header_hash: &[u8; 32], bytes: &[u8], file_len: u64) -> Option<u64> {
        let mut input = Input::new(bytes);
        let (magic, offset) = (input.array::<8>()?, input.u64()?);
        let good = magic == *MAGIC && input.array()? == check(header_hash, offset);
        input.finish()?;
        (good && offset < file_len.saturating_sub(to_u64(LEN))).then_some(offset)
    }

    fn check(header_hash: &[u8; 32], offset: u64) -> [u8; 8] {
        prefix(blake3::keyed_hash(header_hash, &offset.to_le_bytes()))
    }
}

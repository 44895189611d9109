//! The columns of a unit: all kinds, all clocks, then kind by kind all lengths and all payloads. Alike beside alike compresses far better than
//! entry after entry.

use verso_vv::{Hlc, varint};

use crate::entry::{Content, EntryDigest, EntryKind};
use crate::limits::{MAX_PAYLOAD, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use crate::unit::format::DecodeError;
use crate::unit::{Form, Row, Rows, to_u32, to_usize};

/// Bits of an [`Hlc`]'s counter. The first clock is turned by so many, which puts the counter, nearly always 0, where a
/// variable-length integer drops it.
const COUNTER_BITS: u32 = 16;

/// Bytes that an entry takes at least in the columns: kind, clock, length.
const MIN_ENTRY: usize = 3;

/// Columns one behind another, and where one ends and a different one starts.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) bytes: Vec<u8>,
    /// Ascending, none at the end.
    pub(super) seams: Vec<usize>,
}

/// An entry of which only the digest is left, and where it stands in the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DigestAt {
    pub(super) index: u16,
    pub(super) digest: EntryDigest,
}

/// Writes the columns of the entries that have their content.
pub(super) fn encode(rows: &Rows) -> Columns {
    let mut full: Vec<(EntryKind, &Row)> = rows.list.iter().filter_map(|row| Some((row.kind()?, row))).collect();
    // Most integers take a byte or two; a miss costs a reallocation.
    let mut bytes = Vec::with_capacity(2 * varint::MAX_LEN + full.len() * 4 + rows.payload_len);
    let mut seams = Vec::new();
    varint::put(&mut bytes, u64::from(to_u32(full.len())));
    bytes.extend(full.iter().map(|(kind, _)| kind.0));
    seams.push(bytes.len());
    let mut previous: Option<Hlc> = None;
    for (_, row) in &full {
        varint::put(&mut bytes, clock_step(previous, row.hlc));
        previous = Some(row.hlc);
    }
    seams.push(bytes.len());
    full.sort_by_key(|(kind, _)| *kind);
    for (_, row) in &full {
        varint::put(&mut bytes, u64::from(row.len));
    }
    for of_a_kind in full.chunk_by(|(a, _), (b, _)| a == b) {
        seams.push(bytes.len());
        for (_, row) in of_a_kind {
            bytes.extend_from_slice(rows.bytes(row));
        }
    }
    Columns { bytes, seams }
}

/// Reads `columns`, which become the buffer of the rows, and puts the digests in their places.
pub(super) fn decode(columns: Vec<u8>, digests: &[DigestAt]) -> Result<Rows, DecodeError> {
    let mut rest = &columns[..];
    let count = varint::take_usize(&mut rest, MAX_UNIT_ENTRIES).ok_or(DecodeError::Columns)?;
    let total = count + digests.len();
    if total == 0 {
        return Err(DecodeError::Empty);
    }
    if total > MAX_UNIT_ENTRIES {
        return Err(DecodeError::TooManyEntries { count: total });
    }
    // What the bytes can't hold is not allocated for.
    if rest.len() / MIN_ENTRY < count {
        return Err(DecodeError::Columns);
    }
    let mut list: Vec<Row> = Vec::with_capacity(total);
    let (kinds, after) = rest.split_at(count);
    rest = after;
    let mut previous: Option<Hlc> = None;
    for kind in kinds {
        let hlc = clock_at(previous, varint::take(&mut rest).ok_or(DecodeError::Columns)?);
        list.push(Row { hlc, start: 0, len: 0, form: Form::Full(EntryKind(*kind)) });
        previous = Some(hlc);
    }
    let mut by_kind: Vec<&mut Row> = list.iter_mut().collect();
    by_kind.sort_by_key(|row| row.kind());
    let mut payload_len = 0;
    for row in &mut by_kind {
        let len = varint::take_usize(&mut rest, MAX_PAYLOAD).ok_or(DecodeError::Columns)?;
        row.len = to_u32(len);
        payload_len += len;
    }
    if payload_len > MAX_UNIT_PAYLOAD {
        return Err(DecodeError::TooMuchPayload { len: payload_len });
    }
    if rest.len() != payload_len {
        return Err(DecodeError::Columns);
    }
    let mut start = columns.len() - payload_len;
    for row in by_kind {
        row.start = to_u32(start);
        start += to_usize(row.len);
    }
    let mut rows = Rows { list, buffer: columns, payload_len };
    if !digests.is_empty() {
        rows.place(digests)?;
    }
    Ok(rows)
}

impl Row {
    /// Returns the entry's kind, `None` where only the digest is left.
    const fn kind(&self) -> Option<EntryKind> {
        match self.form {
            Form::Full(kind) => Some(kind),
            Form::Digest => None,
        }
    }
}

impl Rows {
    /// Puts the digests among the full entries.
    fn place(&mut self, digests: &[DigestAt]) -> Result<(), DecodeError> {
        let total = self.list.len() + digests.len();
        let mut full = std::mem::take(&mut self.list).into_iter();
        let mut digests = digests.iter().peekable();
        self.list.reserve(total);
        for index in 0..total {
            if let Some(at) = digests.next_if(|at| usize::from(at.index) == index) {
                self.push(&Content::Digest(at.digest));
            } else {
                // Out of full entries before all digests have found their places: these lie outside, or don't ascend.
                self.list.push(full.next().ok_or(DecodeError::Digests)?);
            }
        }
        Ok(())
    }

    /// Returns the entries of which only the digest is left, with their places.
    pub(super) fn digests(&self) -> impl Iterator<Item = DigestAt> {
        (0_u16..).zip(&self.list).filter_map(|(index, row)| match self.content(row) {
            Content::Digest(digest) => Some(DigestAt { index, digest }),
            Content::Full { .. } => None,
        })
    }
}

/// Returns what is written for a clock: the first turned, the others as the difference to the one before.
fn clock_step(previous: Option<Hlc>, hlc: Hlc) -> u64 {
    previous.map_or_else(|| hlc.0.rotate_right(COUNTER_BITS), |previous| hlc.0.wrapping_sub(previous.0))
}

/// The inverse of [`clock_step`].
fn clock_at(previous: Option<Hlc>, step: u64) -> Hlc {
    Hlc(previous.map_or_else(|| step.rotate_left(COUNTER_BITS), |previous| previous.0.wrapping_add(step)))
}

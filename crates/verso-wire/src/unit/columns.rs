//! The columns of a unit: all kinds, then all clocks, then all lengths, then the payloads kind by kind. Alike beside alike compresses far
//! better than entry after entry.

use verso_vv::Hlc;

use crate::entry::{EntryDigest, EntryKind};
use crate::limits::{MAX_PAYLOAD, MAX_UNIT_ENTRIES, MAX_UNIT_PAYLOAD};
use crate::unit::format::DecodeError;
use crate::unit::{Form, Row, Rows, to_u32, to_usize};
use crate::varint;

/// Bits of an [`Hlc`]'s counter. The first clock is turned by so many, which puts the counter, nearly always 0, where a
/// variable-length integer drops it.
const COUNTER_BITS: u32 = 16;

/// Bytes that an entry takes at least in the columns: kind, clock, length.
const MIN_ENTRY: usize = 3;

/// An entry of which only the digest is left, and where it stands in the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DigestAt {
    pub(super) index: u16,
    pub(super) digest: EntryDigest,
}

/// Sums of payload bytes by kind.
struct ByKind([usize; 256]);

impl ByKind {
    fn of(rows: &[Row]) -> Self {
        let mut sums = Self([0; 256]);
        for row in rows {
            if let Form::Full(kind) = row.form {
                *sums.slot(kind) += to_usize(row.len);
            }
        }
        sums
    }

    #[expect(clippy::indexing_slicing, reason = "a byte is within 256 slots")]
    fn slot(&mut self, kind: EntryKind) -> &mut usize {
        &mut self.0[usize::from(kind.0)]
    }

    /// Turns the sums into where each kind's bytes start, kinds ascending.
    fn into_starts(mut self, first: usize) -> Self {
        let mut start = first;
        for slot in &mut self.0 {
            start += std::mem::replace(slot, start);
        }
        self
    }
}

/// Writes the columns of the entries that have their content.
pub(super) fn encode(rows: &Rows) -> Vec<u8> {
    let full = || rows.list.iter().filter(|row| row.form != Form::Digest);
    let count = full().count();
    let mut out = Vec::with_capacity(2 + count * 4 + varint::MAX_LEN + rows.payload_len);
    varint::put(&mut out, u64::from(to_u32(count)));
    for row in full() {
        if let Form::Full(kind) = row.form {
            out.push(kind.0);
        }
    }
    let mut previous: Option<Hlc> = None;
    for row in full() {
        varint::put(&mut out, clock_step(previous, row.hlc));
        previous = Some(row.hlc);
    }
    for row in full() {
        varint::put(&mut out, u64::from(row.len));
    }
    let mut starts = ByKind::of(&rows.list).into_starts(out.len());
    out.resize(out.len() + rows.payload_len, 0);
    for row in full() {
        if let Form::Full(kind) = row.form {
            let payload = rows.bytes(row);
            let start = starts.slot(kind);
            #[expect(clippy::indexing_slicing, reason = "each kind was given the room that its payloads take")]
            out[*start..*start + payload.len()].copy_from_slice(payload);
            *start += payload.len();
        }
    }
    out
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
    let mut payload_len = 0;
    for row in &mut list {
        let len = varint::take_usize(&mut rest, MAX_PAYLOAD).ok_or(DecodeError::Columns)?;
        payload_len += len;
        row.len = to_u32(len);
    }
    if payload_len > MAX_UNIT_PAYLOAD {
        return Err(DecodeError::TooMuchPayload { len: payload_len });
    }
    if rest.len() != payload_len {
        return Err(DecodeError::Columns);
    }
    let mut starts = ByKind::of(&list).into_starts(columns.len() - payload_len);
    for row in &mut list {
        if let Form::Full(kind) = row.form {
            let start = starts.slot(kind);
            row.start = to_u32(*start);
            *start += to_usize(row.len);
        }
    }
    let mut rows = Rows { list, buffer: columns, payload_len };
    if !digests.is_empty() {
        rows.place(digests)?;
    }
    Ok(rows)
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
                self.push(&crate::entry::Content::Digest(at.digest));
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
            crate::entry::Content::Digest(digest) => Some(DigestAt { index, digest }),
            crate::entry::Content::Full { .. } => None,
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

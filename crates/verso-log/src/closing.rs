//! The index that closes a segment: what its records are and where, so that opening needs none of them.

use std::collections::BTreeMap;

use verso_vv::{Author, EntryHash, Seq};

use crate::codec::{Input, put_varint, to_u64, to_usize};
use crate::run::{BranchPoint, RunMeta, put_author, take_author};

/// A version of its own, so that what the index tells can grow without a new segment format.
const VERSION: u8 = 1;

/// One record of a segment, in stored order. Its number is its place in the index, its offset the sum of those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) meta: RunMeta,
    pub(crate) body_len: u32,
}

/// What a closed segment ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClosingIndex {
    /// The digest over all records of the segment.
    pub(crate) digest: [u8; 32],
    pub(crate) rows: Vec<Row>,
}

impl ClosingIndex {
    /// Appends the index. Authors come once; what continues its author's run before names no start.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut authors: BTreeMap<Author, (u64, Option<BranchPoint>)> = BTreeMap::new();
        for row in &self.rows {
            authors.insert(row.meta.author, (0, row.meta.branch));
        }
        out.push(VERSION);
        out.extend_from_slice(&self.digest);
        put_varint(out, to_u64(authors.len()));
        for (place, (author, (number, branch))) in (0..).zip(&mut authors) {
            *number = place;
            put_author(author, *branch, out);
        }
        put_varint(out, to_u64(self.rows.len()));
        let mut heads: BTreeMap<u64, (Seq, EntryHash)> = BTreeMap::new();
        for Row { meta, body_len } in &self.rows {
            let author = authors.get(&meta.author).map_or(0, |(number, _)| *number);
            let continues = heads.get(&author) == Some(&(meta.first_seq.previous(), meta.prev_hash));
            put_varint(out, author << 1 | u64::from(continues));
            if !continues {
                put_varint(out, meta.first_seq.0);
                out.extend_from_slice(&meta.prev_hash.0);
            }
            put_varint(out, meta.last_seq.0.saturating_sub(meta.first_seq.0));
            out.extend_from_slice(&meta.head_hash.0);
            put_varint(out, u64::from(*body_len));
            heads.insert(author, (meta.last_seq, meta.head_hash));
        }
    }

    /// Reads an index, all of its bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Input::new(bytes);
        if input.u8()? != VERSION {
            return None;
        }
        let digest = input.array()?;
        let mut authors = Vec::new();
        for _ in 0..input.varint()? {
            authors.push((take_author(&mut input)?, None));
        }
        let mut rows = Vec::new();
        for _ in 0..input.varint()? {
            let word = input.varint()?;
            let ((author, branch), head) = authors.get_mut(to_usize(u32::try_from(word >> 1).ok()?))?;
            let (first_seq, prev_hash) = if word & 1 == 1 {
                let (seq, hash): (Seq, EntryHash) = (*head)?;
                (Seq(seq.0.checked_add(1)?), hash)
            } else {
                (Seq(input.varint()?), EntryHash(input.array()?))
            };
            let last_seq = Seq(first_seq.0.checked_add(input.varint()?)?);
            let head_hash = EntryHash(input.array()?);
            let meta = RunMeta { author: *author, branch: *branch, first_seq, last_seq, prev_hash, head_hash };
            if !meta.is_valid() {
                return None;
            }
            *head = Some((last_seq, head_hash));
            rows.push(Row { meta, body_len: input.varint32()? });
        }
        input.finish()?;
        Some(Self { digest, rows })
    }
}

#[cfg(test)]
mod tests {
    use verso_identity::DeviceId;
    use verso_vv::Incarnation;

    use super::*;

    fn row(device: u8, first: u64, last: u64) -> Row {
        let author = Author { device: DeviceId::from_bytes([device; 32]), incarnation: Incarnation(u64::from(device)) };
        let hash = |seq: u64| {
            EntryHash(*blake3::hash(&[u64::from(device).to_le_bytes(), seq.to_le_bytes()].concat()).as_bytes())
        };
        let branch = (device == 3).then(|| BranchPoint { at: Seq(5), hash: hash(5) });
        let meta = RunMeta {
            author,
            branch,
            first_seq: Seq(first),
            last_seq: Seq(last),
            prev_hash: hash(first - 1),
            head_hash: hash(last),
        };
        Row { meta, body_len: 100 + u32::from(device) }
    }

    fn sample() -> ClosingIndex {
        let rows = vec![row(2, 7, 9), row(1, 1, 1), row(2, 10, 300), row(3, 5, 6), row(1, 2, 2), row(1, 9, 9)];
        ClosingIndex { digest: [9; 32], rows }
    }

    #[test]
    fn round_trips_with_jumps_and_branches() {
        let mut bytes = Vec::new();
        sample().encode(&mut bytes);
        assert_eq!(ClosingIndex::decode(&bytes), Some(sample()));
    }

    #[test]
    fn a_run_that_continues_its_author_costs_its_head_and_a_few_bytes() {
        let rows: Vec<Row> = (1..=100).map(|seq| row(1, seq, seq)).collect();
        let mut bytes = Vec::new();
        ClosingIndex { digest: [0; 32], rows }.encode(&mut bytes);
        assert!(bytes.len() < 100 * 35 + 120, "{} bytes", bytes.len());
    }

    #[test]
    fn refuses_what_is_cut_or_followed_by_more() {
        let mut bytes = Vec::new();
        sample().encode(&mut bytes);
        for len in 0..bytes.len() {
            assert_eq!(ClosingIndex::decode(&bytes[..len]), None, "cut to {len}");
        }
        bytes.push(0);
        assert_eq!(ClosingIndex::decode(&bytes), None);
    }
}

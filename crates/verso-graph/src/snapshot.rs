//! The bytes of a [snapshot](verso_wire::Application::snapshot): tables in columns, see `docs/formats/checkpoint.md`.
//!
//! A table is the number of its rows and then its columns, each with its length in front, so that a reader walks through all of them at once.
//! What follows from the rest, such as lists and hash tables, is not written. Whatever a reader meets that no writer of this version
//! writes is `None`: then the state is built from its entries again.

use std::num::NonZeroU64;

use verso_vv::{HashTag, varint};

use crate::chains::{At, Name};
use crate::payload::MAX_SEQ;
use crate::table::{ChainIx, Ix, LabelIx, LineIx, NodeIx, SeenIx};

/// Bytes that are being written.
#[derive(Default)]
pub(crate) struct Out {
    pub(crate) bytes: Vec<u8>,
}

impl Out {
    pub(crate) fn number(&mut self, number: u64) {
        varint::put(&mut self.bytes, number);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    pub(crate) fn index(&mut self, index: impl Ix) {
        self.count(index.position());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    pub(crate) fn at(&mut self, at: At) {
        self.number(at.bits().get());
    }

    pub(crate) fn name(&mut self, name: Name) {
        let Name { line, seq, hash } = name;
        self.index(line);
        self.number(seq);
        self.raw(&hash.0);
    }

    /// Writes a list of what has places, with its length in front.
    pub(crate) fn indices(&mut self, indices: &[impl Ix]) {
        self.count(indices.len());
        for index in indices {
            self.index(*index);
        }
    }

    /// Writes a list of entries, with its length in front.
    pub(crate) fn dots(&mut self, dots: &[At]) {
        self.count(dots.len());
        for at in dots {
            self.at(*at);
        }
    }

    /// Writes a column: what `fill` writes, with its length in front.
    pub(crate) fn column(&mut self, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.raw(&[0; 8]);
        fill(self);
        let len = u64::try_from(self.bytes.len() - start).unwrap_or(u64::MAX).saturating_sub(8);
        if let Some(front) = self.bytes.get_mut(start..).and_then(|column| column.first_chunk_mut()) {
            *front = len.to_le_bytes();
        }
    }
}

/// Bytes that are being read.
#[derive(Clone, Copy)]
pub(crate) struct In<'a> {
    rest: &'a [u8],
}

impl<'a> In<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        varint::take(&mut self.rest)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Reads a number of rows, each of which takes at least a byte of what follows: it never makes anyone allocate more than in proportion.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.rest.len()).then_some(count)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*array)
    }

    pub(crate) fn raw(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let len = self.count()?;
        std::str::from_utf8(self.raw(len)?).ok()
    }

    pub(crate) fn column(&mut self) -> Option<Self> {
        let len = usize::try_from(u64::from_le_bytes(self.array()?)).ok()?;
        self.raw(len).map(Self::new)
    }

    /// Checks that nothing is left of these.
    pub(crate) fn end<const N: usize>(inputs: [Self; N]) -> Option<()> {
        inputs.iter().all(|input| input.rest.is_empty()).then_some(())
    }
}

/// Numbers of a column that differ little from one to the next.
#[derive(Default)]
pub(crate) struct Delta(u64);

impl Delta {
    pub(crate) fn put(&mut self, out: &mut Out, value: u64) {
        let difference = value.wrapping_sub(self.0).cast_signed();
        out.number((difference << 1 ^ difference >> 63).cast_unsigned());
        self.0 = value;
    }

    pub(crate) fn take(&mut self, input: &mut In<'_>) -> Option<u64> {
        let folded = input.number()?;
        let difference = folded >> 1 ^ (folded & 1).wrapping_neg();
        self.0 = self.0.wrapping_add(difference);
        Some(self.0)
    }

    /// Goes on from `value`, which both sides know.
    pub(crate) const fn resume(&mut self, value: u64) {
        self.0 = value;
    }

    pub(crate) const fn last(&self) -> u64 {
        self.0
    }
}

/// How many rows the tables have that others point into: no index that is read points beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) chains: usize,
    pub(crate) lines: usize,
    pub(crate) labels: usize,
    pub(crate) vectors: usize,
    pub(crate) nodes: usize,
}

impl Sizes {
    pub(crate) fn save(self, out: &mut Out) {
        let Self { chains, lines, labels, vectors, nodes } = self;
        for size in [chains, lines, labels, vectors, nodes] {
            out.count(size);
        }
    }

    pub(crate) fn load(input: &mut In<'_>) -> Option<Self> {
        Some(Self {
            chains: input.count()?,
            lines: input.count()?,
            labels: input.count()?,
            vectors: input.count()?,
            nodes: input.count()?,
        })
    }

    pub(crate) fn chain(self, number: u64) -> Option<ChainIx> {
        index(number, self.chains)
    }

    pub(crate) fn line(self, number: u64) -> Option<LineIx> {
        index(number, self.lines)
    }

    pub(crate) fn label(self, number: u64) -> Option<LabelIx> {
        index(number, self.labels)
    }

    pub(crate) fn vector(self, number: u64) -> Option<SeenIx> {
        index(number, self.vectors)
    }

    pub(crate) fn node(self, number: u64) -> Option<NodeIx> {
        index(number, self.nodes)
    }

    pub(crate) fn at(self, bits: u64) -> Option<At> {
        let at = At::from_bits(NonZeroU64::new(bits)?);
        (at.chain().position() < self.chains && at.seq() > 0).then_some(at)
    }

    pub(crate) fn name(self, input: &mut In<'_>) -> Option<Name> {
        let (line, seq) = (self.line(input.number()?)?, input.number()?);
        let hash = HashTag(input.array()?);
        (1..=MAX_SEQ).contains(&seq).then_some(Name { line, seq, hash })
    }
}

/// Makes an index into a table of this many rows.
pub(crate) fn index<I: Ix>(number: u64, rows: usize) -> Option<I> {
    let position = usize::try_from(number).ok()?;
    (position < rows).then(|| I::at(position))
}

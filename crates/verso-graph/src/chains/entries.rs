//! [`Entries`]: what is remembered of every entry of a chain, in 9 bytes.

use verso_vv::{HashTag, Hlc};
use verso_wire::EntryKind;

use crate::payload::MAX_SEQ;
use crate::snapshot::{Delta, In, Out, Sizes};
use crate::table::{Ix as _, NodeIx};

/// What is remembered of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) hash: HashTag,
    pub(crate) kind: EntryKind,
    /// The node that it is about, if it names any.
    pub(crate) about: Option<NodeIx>,
}

/// Entries of a block. More would waste memory on authors that wrote little, fewer on the list of blocks.
const BLOCK: usize = 256;

/// Stands for a place without an entry. No application uses this kind; membership's kinds all become [`MEMBERSHIP`].
const ABSENT: u8 = u8::MAX;
const MEMBERSHIP: EntryKind = EntryKind::FIRST_MEMBERSHIP;

struct Block {
    /// The block's number: that of its entries divided by [`BLOCK`].
    number: u64,
    hashes: [HashTag; BLOCK],
    about: [Option<NodeIx>; BLOCK],
    kinds: [u8; BLOCK],
}

impl Block {
    /// Iterates over hash and node of the entries that are there.
    fn present(&self) -> impl Iterator<Item = (&HashTag, &Option<NodeIx>)> {
        let places = self.hashes.iter().zip(&self.about).zip(&self.kinds);
        places.filter(|(_, kind)| **kind != ABSENT).map(|(entry, _)| entry)
    }
}

/// Entries by number. There may be gaps: what was discarded never comes.
#[derive(Default)]
pub(crate) struct Entries {
    blocks: Vec<Block>,
    /// From each number on times rise by one with each entry, as they do within a batch.
    times: Vec<(u64, u64)>,
}

impl Entries {
    /// Adds an entry behind all others.
    pub(crate) fn push(&mut self, seq: u64, known: Known, hlc: Hlc) {
        let (number, place) = split(seq);
        if self.blocks.last().is_none_or(|block| block.number != number) {
            self.blocks.push(Block {
                number,
                hashes: [HashTag([0; 4]); BLOCK],
                about: [None; BLOCK],
                kinds: [ABSENT; BLOCK],
            });
        }
        if let Some(block) = self.blocks.last_mut()
            && let (Some(hash), Some(about), Some(kind)) =
                (block.hashes.get_mut(place), block.about.get_mut(place), block.kinds.get_mut(place))
        {
            *hash = known.hash;
            *about = known.about;
            *kind = known.kind.min(MEMBERSHIP).0;
        }
        if self.times.last().is_none_or(|(from, time)| time.wrapping_add(seq - from) != hlc.0) {
            self.times.push((seq, hlc.0));
        }
    }

    pub(crate) fn set_about(&mut self, seq: u64, node: NodeIx) {
        let (number, place) = split(seq);
        let block = self.position(number).and_then(|position| self.blocks.get_mut(position));
        if let Some(about) = block.and_then(|block| block.about.get_mut(place)) {
            *about = Some(node);
        }
    }

    pub(crate) fn get(&self, seq: u64) -> Option<Known> {
        let (number, place) = split(seq);
        let block = self.blocks.get(self.position(number)?)?;
        let kind = *block.kinds.get(place)?;
        if kind == ABSENT {
            return None;
        }
        Some(Known { hash: *block.hashes.get(place)?, kind: EntryKind(kind), about: *block.about.get(place)? })
    }

    /// Returns when entry `seq` was written; it must be there.
    pub(crate) fn hlc(&self, seq: u64) -> Hlc {
        let runs = self.times.partition_point(|(from, _)| *from <= seq);
        let run = runs.checked_sub(1).and_then(|run| self.times.get(run));
        run.map_or(Hlc::default(), |(from, time)| Hlc(time.wrapping_add(seq - from)))
    }

    /// Returns the number of the last entry at `upto` or before.
    pub(crate) fn last_until(&self, upto: u64) -> Option<u64> {
        let (number, place) = split(upto);
        let end = self.blocks.partition_point(|block| block.number <= number);
        self.blocks.get(..end)?.iter().rev().find_map(|block| {
            let len = if block.number == number { place + 1 } else { BLOCK };
            let place = block.kinds.get(..len)?.iter().rposition(|kind| *kind != ABSENT)?;
            Some(block.number * block_len() + u64::try_from(place).ok()?)
        })
    }

    pub(super) fn save(&self, out: &mut Out) {
        let Self { blocks, times } = self;
        out.count(blocks.len());
        out.column(|out| {
            let mut delta = Delta::default();
            for Block { number, hashes: _, about: _, kinds: _ } in blocks {
                delta.put(out, *number);
            }
        });
        out.column(|out| blocks.iter().for_each(|block| out.raw(&block.kinds)));
        out.column(|out| blocks.iter().flat_map(Block::present).for_each(|(hash, _)| out.raw(&hash.0)));
        out.column(|out| {
            let mut delta = Delta::default();
            for (_, about) in blocks.iter().flat_map(Block::present) {
                let about = about.map_or(0, |node| node.position().saturating_add(1));
                delta.put(out, u64::try_from(about).unwrap_or(u64::MAX));
            }
        });
        out.count(times.len());
        out.column(|out| {
            let (mut from, mut time) = (Delta::default(), Delta::default());
            for (first, hlc) in times {
                from.put(out, *first);
                time.put(out, *hlc);
            }
        });
    }

    pub(super) fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        let mut entries = Self::default();
        let count = input.count()?;
        let [mut numbers, mut kinds, mut hashes, mut abouts] =
            [input.column()?, input.column()?, input.column()?, input.column()?];
        let (mut number, mut about) = (Delta::default(), Delta::default());
        for _ in 0..count {
            let number = number.take(&mut numbers)?;
            if entries.blocks.last().is_some_and(|block| block.number >= number) {
                return None;
            }
            let kinds = kinds.array()?;
            let mut block = Block { number, hashes: [HashTag([0; 4]); BLOCK], about: [None; BLOCK], kinds };
            let places = block.hashes.iter_mut().zip(&mut block.about).zip(&block.kinds);
            for ((hash, place), _) in places.filter(|(_, kind)| **kind != ABSENT) {
                *hash = HashTag(hashes.array()?);
                let about = about.take(&mut abouts)?;
                *place = about.checked_sub(1).map_or(Some(None), |node| sizes.node(node).map(Some))?;
            }
            entries.blocks.push(block);
        }
        let count = input.count()?;
        let mut times = input.column()?;
        let (mut from, mut time) = (Delta::default(), Delta::default());
        for _ in 0..count {
            let (from, time) = (from.take(&mut times)?, time.take(&mut times)?);
            if entries.times.last().is_some_and(|(before, _)| *before >= from) {
                return None;
            }
            entries.times.push((from, time));
        }
        In::end([numbers, kinds, hashes, abouts, times])?;
        // What comes next comes behind all of it.
        let last = entries.last_until(MAX_SEQ).unwrap_or(0);
        let is_within = entries.blocks.last().is_none_or(|block| block.number <= split(last).0)
            && entries.times.last().is_none_or(|(from, _)| *from <= last);
        is_within.then_some(entries)
    }

    /// Finds a block: nearly always there are no gaps, so that its distance from the first is its position.
    fn position(&self, number: u64) -> Option<usize> {
        let first = self.blocks.first()?.number;
        let guess = usize::try_from(number.checked_sub(first)?).ok()?;
        if self.blocks.get(guess).is_some_and(|block| block.number == number) {
            return Some(guess);
        }
        self.blocks.binary_search_by_key(&number, |block| block.number).ok()
    }
}

fn block_len() -> u64 {
    u64::try_from(BLOCK).unwrap_or(u64::MAX)
}

fn split(seq: u64) -> (u64, usize) {
    (seq / block_len(), usize::try_from(seq % block_len()).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_no_entries_and_times_are_kept() {
        let mut entries = Entries::default();
        let known = |seq: u8| Known { hash: HashTag([seq; 4]), kind: EntryKind(seq), about: None };
        let far = 1 << 39;
        for (seq, time) in [(1_u64, 100_u64), (2, 101), (3, 90), (300, 387), (far, 5), (far + 1, 6)] {
            entries.push(seq, known(u8::try_from(seq % 100).unwrap()), Hlc(time));
        }
        for (seq, time) in [(1_u64, 100_u64), (2, 101), (3, 90), (300, 387), (far, 5), (far + 1, 6)] {
            assert_eq!(entries.get(seq), Some(known(u8::try_from(seq % 100).unwrap())));
            assert_eq!(entries.hlc(seq), Hlc(time));
            assert_eq!(entries.last_until(seq), Some(seq));
        }
        for absent in [0, 4, 299, 301, 512, far - 1, far + 2, u64::MAX] {
            assert_eq!(entries.get(absent), None);
        }
        assert_eq!(
            (entries.last_until(0), entries.last_until(299), entries.last_until(far - 1)),
            (None, Some(3), Some(300))
        );
        assert_eq!(entries.last_until(u64::MAX), Some(far + 1));
        // 90 + (300 − 3) = 387: the gap goes on in the same run of times.
        assert_eq!(entries.times.len(), 3);
    }

    #[test]
    fn membership_is_no_gap() {
        let mut entries = Entries::default();
        entries.push(7, Known { hash: HashTag([1; 4]), kind: EntryKind(255), about: None }, Hlc(1));
        assert_eq!(entries.get(7).map(|known| known.kind), Some(EntryKind(128)));
    }
}

//! [`Entries`]: what is remembered of every entry of a chain, in 9 bytes.

use verso_vv::{HashTag, Hlc};
use verso_wire::EntryKind;

use crate::table::NodeIx;

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

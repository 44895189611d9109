//! Tags and edges in a snapshot.

use std::num::NonZeroU64;

use super::{Adds, EdgeKey, Items, KEPT, Key, Place, Row, TagKey};
use crate::dots::DotSet;
use crate::snapshot::{Delta, In, Out, Sizes, index};
use crate::table::{Ix, SetIx, Table};

/// A key as three numbers, each of which has a column.
pub(crate) trait SavedKey: Key {
    fn numbers(self) -> [usize; 3];
    fn of_numbers(numbers: [u64; 3], sizes: Sizes) -> Option<Self>;
}

impl SavedKey for TagKey {
    fn numbers(self) -> [usize; 3] {
        let Self { node, tag } = self;
        [node.position(), tag.position(), 0]
    }

    fn of_numbers(numbers: [u64; 3], sizes: Sizes) -> Option<Self> {
        let [node, tag, 0] = numbers else { return None };
        Some(Self { node: sizes.node(node)?, tag: sizes.label(tag)? })
    }
}

impl SavedKey for EdgeKey {
    fn numbers(self) -> [usize; 3] {
        let Self { src, dst, kind } = self;
        [src.position(), dst.position(), kind.position()]
    }

    fn of_numbers([src, dst, kind]: [u64; 3], sizes: Sizes) -> Option<Self> {
        Some(Self { src: sizes.node(src)?, dst: sizes.node(dst)?, kind: sizes.label(kind)? })
    }
}

impl<K: SavedKey> Items<K> {
    pub(crate) fn save(&self, out: &mut Out) {
        // The lists and the hash table follow from the rows and their order.
        let Self { rows, sets, by_key: _, first_from: _, first_to: _ } = self;
        out.count(sets.len());
        out.column(|out| sets.iter().for_each(|(_, set)| set.save(out, |_, &()| ())));
        out.count(rows.len());
        let rows = || rows.iter().map(|(_, Row { key, next_from: _, next_to: _, adds })| (key.numbers(), adds));
        out.column(|out| {
            let mut delta = Delta::default();
            rows().for_each(|([from, ..], _)| delta.put(out, u64::try_from(from).unwrap_or(u64::MAX)));
        });
        out.column(|out| rows().for_each(|([_, to, _], _)| out.count(to)));
        out.column(|out| rows().for_each(|([.., more], _)| out.count(more)));
        out.column(|out| {
            let mut delta = Delta::default();
            for (_, adds) in rows() {
                let before = delta.last();
                delta.put(out, adds.0.get());
                if let Place::Kept(_) = adds.place() {
                    delta.resume(before);
                }
            }
        });
    }

    pub(crate) fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        let count = input.number()?;
        let mut column = input.column()?;
        let mut sets: Table<SetIx, DotSet<()>> = Table::default();
        for _ in 0..count {
            sets.push(DotSet::load(&mut column, sizes, |_| Some(()))?);
        }
        let count = input.count()?;
        let [mut from, mut to, mut more, mut adds] =
            [input.column()?, input.column()?, input.column()?, input.column()?];
        let mut items = Self::with_capacity(count, sizes.nodes);
        items.sets = sets;
        let (mut from_delta, mut adds_delta) = (Delta::default(), Delta::default());
        for _ in 0..count {
            let key = K::of_numbers([from_delta.take(&mut from)?, to.number()?, more.number()?], sizes)?;
            let before = adds_delta.last();
            let adds = Adds(NonZeroU64::new(adds_delta.take(&mut adds)?)?);
            if adds.0.get() & KEPT == 0 {
                sizes.at(adds.0.get())?;
            } else {
                let set = index::<SetIx>((adds.0.get() & !KEPT) >> 1, items.sets.len())?;
                (Adds::kept(set).0 == adds.0).then_some(())?;
                adds_delta.resume(before);
            }
            items.push(key, adds);
        }
        In::end([column, from, to, more, adds])?;
        Some(items)
    }
}

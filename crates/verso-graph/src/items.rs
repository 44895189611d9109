//! [`Items`]: tags and edges, as observed-remove sets with lists in both directions.

mod snapshot;

use std::hash::{BuildHasher as _, BuildHasherDefault, Hash};
use std::num::NonZeroU64;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::chains::{At, Chains, Name};
use crate::dots::DotSet;
use crate::table::{ChainIx, ItemIx, Ix, LabelIx, NodeIx, SetIx, Table};

/// What makes an item the same as another: what it leads from and to, and more.
pub(crate) trait Key: Copy + Eq + Hash {
    type To: Ix;
    fn from(self) -> NodeIx;
    fn to(self) -> Self::To;
}

/// A tag on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TagKey {
    pub(crate) node: NodeIx,
    pub(crate) tag: LabelIx,
}

impl Key for TagKey {
    type To = LabelIx;

    fn from(self) -> NodeIx {
        self.node
    }

    fn to(self) -> LabelIx {
        self.tag
    }
}

/// An edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EdgeKey {
    pub(crate) src: NodeIx,
    pub(crate) dst: NodeIx,
    pub(crate) kind: LabelIx,
}

impl Key for EdgeKey {
    type To = NodeIx;

    fn from(self) -> NodeIx {
        self.src
    }

    fn to(self) -> NodeIx {
        self.dst
    }
}

/// Tags or edges, with those that were removed. Additive: an item is there as long as one addition of it wasn't removed by somebody who had
/// seen it.
pub(crate) struct Items<K> {
    rows: Table<ItemIx, Row<K>>,
    /// Additions of items that were added more than once, or removed.
    sets: Table<SetIx, DotSet<()>>,
    by_key: HashTable<ItemIx>,
    first_from: Vec<Option<ItemIx>>,
    first_to: Vec<Option<ItemIx>>,
}

struct Row<K> {
    key: K,
    next_from: Option<ItemIx>,
    next_to: Option<ItemIx>,
    adds: Adds,
}

impl<K> Default for Items<K> {
    fn default() -> Self {
        Self {
            rows: Table::default(),
            sets: Table::default(),
            by_key: HashTable::new(),
            first_from: Vec::new(),
            first_to: Vec::new(),
        }
    }
}

/// A removal: of what its author added itself before the entry `at`, and of what it names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Removal<'a> {
    pub(crate) at: At,
    pub(crate) names: &'a [Name],
}

impl<K: Key> Items<K> {
    /// Makes room for as many items, of as many nodes.
    fn with_capacity(items: usize, nodes: usize) -> Self {
        Self {
            rows: Table::with_capacity(items),
            by_key: HashTable::with_capacity(items),
            first_from: Vec::with_capacity(nodes),
            ..Self::default()
        }
    }

    /// Applies an addition.
    pub(crate) fn add(&mut self, chains: &Chains, key: K, at: At) {
        let Some(ix) = self.find(key) else {
            self.push(key, Adds::by(at));
            return;
        };
        match self.rows[ix].adds.place() {
            Place::One(one) if chains.on_chain(at.chain(), at.seq() - 1, one) => self.rows[ix].adds = Adds::by(at),
            _ => {
                let set = self.set(ix);
                self.sets[set].add(chains, at, ());
            }
        }
    }

    /// Applies a removal, which may come before what it removes. Returns the item, and through `watch` the names that are to be watched.
    pub(crate) fn remove(&mut self, chains: &Chains, key: K, removal: Removal<'_>, watch: &mut Vec<Name>) -> ItemIx {
        let ix = self.find(key).unwrap_or_else(|| {
            let none = Adds::kept(self.sets.push(DotSet::default()));
            self.push(key, none)
        });
        let set = self.set(ix);
        let set = &mut self.sets[set];
        set.drop_before(chains, removal.at);
        set.drop_named(chains, removal.at.chain(), removal.names, watch);
        ix
    }

    /// Takes into account that an entry which was watched for this item has arrived.
    pub(crate) fn settle(&mut self, chains: &Chains, ix: ItemIx) {
        if let Place::Kept(set) = self.rows[ix].adds.place() {
            self.sets[set].settle(chains);
        }
    }

    pub(crate) fn find(&self, key: K) -> Option<ItemIx> {
        self.by_key.find(hash(key), |ix| self.rows[*ix].key == key).copied()
    }

    /// Iterates over the additions that nobody removed, in no order that means anything.
    pub(crate) fn additions<'a>(&'a self, chains: &'a Chains, ix: ItemIx) -> impl Iterator<Item = At> + 'a {
        let (one, set) = match self.rows[ix].adds.place() {
            Place::One(one) => (Some(one), None),
            Place::Kept(set) => (None, Some(&self.sets[set])),
        };
        one.into_iter().chain(set.into_iter().flat_map(|set| set.iter(chains).map(|(at, &())| at)))
    }

    /// Returns all additions that whoever removes the item next in the chain `own` has seen and must name.
    pub(crate) fn seen(&self, chains: &Chains, own: Option<ChainIx>, ix: ItemIx) -> Vec<At> {
        match self.rows[ix].adds.place() {
            Place::One(one) => DotSet::of(one, ()).seen(chains, own).collect(),
            Place::Kept(set) => self.sets[set].seen(chains, own).collect(),
        }
    }

    pub(crate) fn is_there(&self, chains: &Chains, ix: ItemIx) -> bool {
        self.additions(chains, ix).next().is_some()
    }

    /// Iterates over the items that are there and lead from this node, the newest first.
    pub(crate) fn of<'a>(&'a self, chains: &'a Chains, from: NodeIx) -> impl Iterator<Item = (ItemIx, K)> + 'a {
        let first = self.first_from.get(from.position()).copied().flatten();
        let all = std::iter::successors(first, |ix| self.rows[*ix].next_from);
        all.filter(|ix| self.is_there(chains, *ix)).map(|ix| (ix, self.rows[ix].key))
    }

    /// Iterates over the items that are there and lead to this node or tag, the newest first.
    pub(crate) fn to<'a>(&'a self, chains: &'a Chains, to: K::To) -> impl Iterator<Item = (ItemIx, K)> + 'a {
        let first = self.first_to.get(to.position()).copied().flatten();
        let all = std::iter::successors(first, |ix| self.rows[*ix].next_to);
        all.filter(|ix| self.is_there(chains, *ix)).map(|ix| (ix, self.rows[ix].key))
    }

    /// Iterates over all items that are there, in no order that means anything.
    pub(crate) fn iter<'a>(&'a self, chains: &'a Chains) -> impl Iterator<Item = K> + 'a {
        self.rows.iter().filter(|(ix, _)| self.is_there(chains, *ix)).map(|(_, row)| row.key)
    }

    /// Counts all items, those that were removed included.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn push(&mut self, key: K, adds: Adds) -> ItemIx {
        let next = |heads: &mut Vec<Option<ItemIx>>, position: usize, ix| {
            if heads.len() <= position {
                heads.resize(position + 1, None);
            }
            heads.get_mut(position).and_then(|head| head.replace(ix))
        };
        let ix = ItemIx::at(self.rows.len());
        let next_from = next(&mut self.first_from, key.from().position(), ix);
        let next_to = next(&mut self.first_to, key.to().position(), ix);
        self.rows.push(Row { key, next_from, next_to, adds });
        let rows = &self.rows;
        self.by_key.insert_unique(hash(key), ix, |ix| hash(rows[*ix].key));
        ix
    }

    /// Returns where the additions of an item are kept, moving its only one there if need be.
    fn set(&mut self, ix: ItemIx) -> SetIx {
        match self.rows[ix].adds.place() {
            Place::Kept(set) => set,
            Place::One(one) => {
                let set = self.sets.push(DotSet::of(one, ()));
                self.rows[ix].adds = Adds::kept(set);
                set
            }
        }
    }
}

fn hash<K: Hash>(key: K) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(key)
}

/// Who added an item, in 8 bytes: nearly always one entry.
#[derive(Debug, Clone, Copy)]
struct Adds(NonZeroU64);

enum Place {
    One(At),
    Kept(SetIx),
}

/// The bit that no [`At`] has set.
const KEPT: u64 = 1 << 63;

impl Adds {
    fn by(at: At) -> Self {
        Self(at.bits())
    }

    fn kept(set: SetIx) -> Self {
        Self(NonZeroU64::MIN | KEPT | u64::try_from(set.position()).unwrap_or(u64::MAX) << 1)
    }

    fn place(self) -> Place {
        let bits = self.0.get();
        if bits & KEPT == 0 {
            return Place::One(At::from_bits(self.0));
        }
        Place::Kept(SetIx::at(usize::try_from((bits & !KEPT) >> 1).unwrap_or(usize::MAX)))
    }
}

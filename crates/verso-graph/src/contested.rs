//! [`Contested`]: nodes about which something is to be decided, and what of that is new.

use std::collections::BTreeMap;

use crate::snapshot::{In, Out};
use crate::table::NodeIx;

/// What is open about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Open {
    pub(crate) deletion: bool,
    pub(crate) title: bool,
    pub(crate) url: bool,
}

impl Open {
    const NOTHING: Self = Self { deletion: false, title: false, url: false };

    /// Writes a byte, a bit each.
    pub(crate) fn save(self, out: &mut Out) {
        let Self { deletion, title, url } = self;
        out.raw(&[u8::from(deletion) | u8::from(title) << 1 | u8::from(url) << 2]);
    }

    /// Reads what is open; something is.
    pub(crate) fn load(input: &mut In<'_>) -> Option<Self> {
        let bits = input.byte().filter(|bits| (1..8).contains(bits))?;
        let is_set = |bit: u8| bits >> bit & 1 == 1;
        Some(Self { deletion: is_set(0), title: is_set(1), url: is_set(2) })
    }
}

/// What is open, and what was when changes were last [taken](Self::take_changes).
///
/// Whoever never takes changes pays with a row for each node that ever was contested, and no more.
#[derive(Default)]
pub(crate) struct Contested {
    now: BTreeMap<NodeIx, Open>,
    /// Of nodes whose state changed since.
    before: BTreeMap<NodeIx, Open>,
    /// How it stood with the workspace's name.
    naming: Naming,
}

/// How it stands with the workspace's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Naming {
    /// One name stands, or none.
    #[default]
    Settled,
    /// Several were written concurrently.
    Contested,
}

/// What was open about a node, and what is.
pub(crate) struct Change {
    pub(crate) node: NodeIx,
    pub(crate) before: Open,
    pub(crate) now: Open,
}

impl Contested {
    /// Notes what is open about a node.
    pub(crate) fn set(&mut self, node: NodeIx, open: Open) {
        let before = if open == Open::NOTHING { self.now.remove(&node) } else { self.now.insert(node, open) };
        let before = before.unwrap_or_default();
        if before != open {
            self.before.entry(node).or_insert(before);
        }
    }

    /// Puts together what is open, of which nothing is new.
    pub(crate) const fn restored(now: BTreeMap<NodeIx, Open>, naming: Naming) -> Self {
        Self { now, before: BTreeMap::new(), naming }
    }

    /// Counts the nodes about which something is open.
    pub(crate) fn len(&self) -> usize {
        self.now.len()
    }

    /// Iterates over all nodes about which something is open.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIx, Open)> + '_ {
        self.now.iter().map(|(node, open)| (*node, *open))
    }

    /// Returns what is open now and wasn't, or the other way round, since this was last asked; of the name, with which it stands like `naming`,
    /// how it stood before.
    pub(crate) fn take_changes(&mut self, naming: Naming) -> (Vec<Change>, Naming) {
        let changed = std::mem::take(&mut self.before).into_iter();
        let changed = changed
            .map(|(node, before)| Change { node, before, now: self.now.get(&node).copied().unwrap_or_default() })
            .filter(|change| change.before != change.now);
        (changed.collect(), std::mem::replace(&mut self.naming, naming))
    }
}

//! [`Values`]: finds nodes by the title or url that they show.

use std::hash::{BuildHasher as _, BuildHasherDefault};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::table::{Ix as _, NodeIx};

/// Nodes by value. Those with the same value form a list, so that thousands with an empty url cost no more than others.
#[derive(Default)]
pub(crate) struct Values {
    /// The newest node of each value.
    heads: HashTable<NodeIx>,
    /// Of each node the next newer and the next older with the same value.
    lists: Vec<Neighbours>,
}

#[derive(Clone, Copy, Default)]
struct Neighbours {
    newer: Option<NodeIx>,
    older: Option<NodeIx>,
}

impl Values {
    /// Notes that `node` now shows `value`, having shown none before; `of` returns what other nodes show.
    pub(crate) fn insert<'a>(&mut self, node: NodeIx, value: &str, of: impl Fn(NodeIx) -> &'a str) {
        let hash_value = hash(value);
        let head = self.heads.find_mut(hash_value, |other| of(*other) == value);
        let older = head.map(|head| std::mem::replace(head, node));
        if let Some(older) = older {
            self.at(older).newer = Some(node);
        } else {
            self.heads.insert_unique(hash_value, node, |other| hash(of(*other)));
        }
        *self.at(node) = Neighbours { newer: None, older };
    }

    /// Notes that `node` no longer shows `value`; `of` still returns `value` for it.
    pub(crate) fn remove<'a>(&mut self, node: NodeIx, value: &str, of: impl Fn(NodeIx) -> &'a str) {
        let Neighbours { newer, older } = std::mem::take(self.at(node));
        if let Some(older) = older {
            self.at(older).newer = newer;
        }
        if let Some(newer) = newer {
            self.at(newer).older = older;
            return;
        }
        // It is the head, whose value is looked up through whichever node stands there.
        if let Ok(mut entry) = self.heads.find_entry(hash(value), |other| of(*other) == value) {
            match older {
                Some(older) => *entry.get_mut() = older,
                None => {
                    entry.remove();
                }
            }
        }
    }

    /// Iterates over the nodes that show `value`, the newest first.
    pub(crate) fn find<'a>(&'a self, value: &str, of: impl Fn(NodeIx) -> &'a str) -> impl Iterator<Item = NodeIx> + 'a {
        let head = self.heads.find(hash(value), |other| of(*other) == value).copied();
        std::iter::successors(head, |node| self.lists.get(node.position()).and_then(|list| list.older))
    }

    #[expect(clippy::expect_used, reason = "the line before makes the place")]
    fn at(&mut self, node: NodeIx) -> &mut Neighbours {
        if self.lists.len() <= node.position() {
            self.lists.resize(node.position() + 1, Neighbours::default());
        }
        self.lists.get_mut(node.position()).expect("the list was made long enough")
    }
}

fn hash(value: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(value)
}

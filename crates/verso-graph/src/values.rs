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
    /// Of each node that is listed the next newer and the next older with the same value.
    lists: Vec<Option<Neighbours>>,
}

#[derive(Clone, Copy, Default)]
struct Neighbours {
    newer: Option<NodeIx>,
    older: Option<NodeIx>,
}

impl Values {
    /// Notes that `node` shows `value`, unless it is listed already; `of` returns what listed nodes show.
    pub(crate) fn insert<'a>(&mut self, node: NodeIx, value: &str, of: impl Fn(NodeIx) -> &'a str) {
        if self.place(node).is_some() {
            return;
        }
        let hash_value = hash(value);
        let head = self.heads.find_mut(hash_value, |other| of(*other) == value);
        let older = head.map(|head| std::mem::replace(head, node));
        if let Some(older) = older {
            self.neighbours(older).newer = Some(node);
        } else {
            self.heads.insert_unique(hash_value, node, |other| hash(of(*other)));
        }
        *self.place(node) = Some(Neighbours { newer: None, older });
    }

    /// Notes that `node` will no longer show `value`, if it is listed; `of` still returns `value` for it.
    pub(crate) fn remove<'a>(&mut self, node: NodeIx, value: &str, of: impl Fn(NodeIx) -> &'a str) {
        let Some(Neighbours { newer, older }) = self.place(node).take() else { return };
        if let Some(older) = older {
            self.neighbours(older).newer = newer;
        }
        if let Some(newer) = newer {
            self.neighbours(newer).older = older;
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
        std::iter::successors(head, |node| self.lists.get(node.position()).copied().flatten()?.older)
    }

    fn neighbours(&mut self, node: NodeIx) -> &mut Neighbours {
        self.place(node).get_or_insert_default()
    }

    #[expect(clippy::expect_used, reason = "the line before makes the place")]
    fn place(&mut self, node: NodeIx) -> &mut Option<Neighbours> {
        if self.lists.len() <= node.position() {
            self.lists.resize(node.position() + 1, None);
        }
        self.lists.get_mut(node.position()).expect("the list was made long enough")
    }
}

fn hash(value: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(value)
}

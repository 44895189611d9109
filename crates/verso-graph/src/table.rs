//! [`Table`]: a vector addressed by an index type of its own, four bytes wide also as an `Option`.

use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// A row's position in a [`Table`].
pub(crate) trait Ix: Copy {
    fn at(position: usize) -> Self;
    fn position(self) -> usize;
}

macro_rules! index {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(NonZeroU32);

        impl Ix for $name {
            fn at(position: usize) -> Self {
                Self(number(position))
            }

            fn position(self) -> usize {
                position(self.0)
            }
        }
    )+};
}

index! {
    /// A chain: an author of whom entries were applied or who is the ancestor of one.
    ChainIx,
    /// All chains that one author signed: one, or after a fork the trunk and its branches.
    LineIx,
    /// An interned label: a tag, an edge's kind, a trigger.
    LabelIx,
    /// A node, or the place of one that others name and that hasn't arrived.
    NodeIx,
    /// A tag on a node, or an edge.
    ItemIx,
    /// What is known about a tag or an edge beyond a single addition.
    SetIx,
    /// A vector that an author had applied.
    SeenIx,
}

/// Numbers start at 1 so that `Option` needs no room of its own.
fn number(position: usize) -> NonZeroU32 {
    #[expect(clippy::expect_used, reason = "rows take more than a byte each: memory ends long before 2³² of them")]
    u32::try_from(position)
        .ok()
        .and_then(|position| NonZeroU32::MIN.checked_add(position))
        .expect("a table has fewer than 2³² rows")
}

fn position(number: NonZeroU32) -> usize {
    usize::try_from(number.get() - 1).unwrap_or(usize::MAX)
}

/// Rows that are only ever added, never removed.
pub(crate) struct Table<I, T> {
    rows: Vec<T>,
    index: PhantomData<I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), index: PhantomData }
    }
}

impl<I: Ix, T> Table<I, T> {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self { rows: Vec::with_capacity(rows), index: PhantomData }
    }

    pub(crate) fn push(&mut self, row: T) -> I {
        let index = I::at(self.rows.len());
        self.rows.push(row);
        index
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.rows.iter().enumerate().map(|(position, row)| (I::at(position), row))
    }
}

impl<I: Ix, T> Index<I> for Table<I, T> {
    type Output = T;

    #[expect(clippy::expect_used, reason = "an index comes from `push` alone, and rows are never removed")]
    fn index(&self, index: I) -> &T {
        self.rows.get(index.position()).expect("the row was pushed")
    }
}

impl<I: Ix, T> IndexMut<I> for Table<I, T> {
    #[expect(clippy::expect_used, reason = "an index comes from `push` alone, and rows are never removed")]
    fn index_mut(&mut self, index: I) -> &mut T {
        self.rows.get_mut(index.position()).expect("the row was pushed")
    }
}

//! [`Labels`]: each tag, edge kind and trigger once.

use std::hash::{BuildHasher as _, BuildHasherDefault};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::table::{LabelIx, Table};

/// Interned texts. None is ever forgotten: there are few, and what is removed today comes back tomorrow.
#[derive(Default)]
pub(crate) struct Labels {
    texts: Table<LabelIx, Box<str>>,
    by_text: HashTable<LabelIx>,
}

impl Labels {
    pub(crate) fn intern(&mut self, text: &str) -> LabelIx {
        let Self { texts, by_text } = self;
        *by_text
            .entry(hash(text), |ix| *texts[*ix] == *text, |ix| hash(&texts[*ix]))
            .or_insert_with(|| texts.push(text.into()))
            .get()
    }

    pub(crate) fn find(&self, text: &str) -> Option<LabelIx> {
        self.by_text.find(hash(text), |ix| *self.texts[*ix] == *text).copied()
    }

    pub(crate) fn text(&self, label: LabelIx) -> &str {
        &self.texts[label]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LabelIx, &str)> {
        self.texts.iter().map(|(ix, text)| (ix, &**text))
    }
}

fn hash(text: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(text)
}

//! [`Labels`]: each tag, edge kind and trigger once.

use std::hash::{BuildHasher as _, BuildHasherDefault};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::snapshot::{In, Out, Sizes};
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

    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn save(&self, out: &mut Out) {
        let Self { texts, by_text: _ } = self;
        out.column(|out| texts.iter().for_each(|(_, text)| out.text(text)));
    }

    pub(crate) fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        let mut labels = Self::default();
        let mut texts = input.column()?;
        for _ in 0..sizes.labels {
            labels.intern(texts.text()?);
        }
        In::end([texts])?;
        // No text came twice.
        (labels.len() == sizes.labels).then_some(labels)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LabelIx, &str)> {
        self.texts.iter().map(|(ix, text)| (ix, &**text))
    }
}

fn hash(text: &str) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one(text)
}

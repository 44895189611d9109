//! [`Fragile`]: an application with defects that a test calls for.

use std::collections::BTreeSet;

use verso_vv::Dot;
use verso_wire::{Application, AppliedEntry, Drafting, Drafts, EntryKind};

/// Texts in a set.
#[derive(Debug, Default)]
pub(crate) struct Fragile {
    texts: BTreeSet<(Dot, String)>,
}

/// A text that leaves a workspace without a name that could be told: where the engine asks for it, nothing keeps the panic from it.
pub(crate) const UNNAMEABLE: &str = "unnameable";

#[derive(Debug)]
pub(crate) enum Intent {
    Write(&'static str),
    /// A text that every other device's application panics on when it is applied, and its own does not.
    Poison,
    /// What can't be encoded without a panic.
    Absurd,
    Name(String),
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
pub(crate) struct Never;

const TEXT: EntryKind = EntryKind(1);
const POISON: EntryKind = EntryKind(2);

thread_local! {
    /// Whether the engine on this thread is the one that wrote the poison.
    static IS_IMMUNE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Fragile {
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.texts.iter().map(|(_, text)| text.clone()).collect();
        texts.sort();
        texts
    }
}

impl Application for Fragile {
    type Intent = Intent;
    type Rejected = Never;

    fn encode(&self, intents: &[Intent], _context: &Drafting<'_>, out: &mut Drafts) -> Result<(), Never> {
        for intent in intents {
            match intent {
                Intent::Write(text) => out.push(TEXT, text.as_bytes()),
                Intent::Name(text) => out.push(TEXT, text.as_bytes()),
                Intent::Poison => {
                    IS_IMMUNE.set(true);
                    out.push(POISON, b"poison");
                }
                Intent::Absurd => panic!("a defect that a test called for"),
            }
        }
        Ok(())
    }

    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        assert!(entry.kind != POISON || IS_IMMUNE.get(), "a defect that a test called for");
        if entry.kind == TEXT {
            self.texts.insert((entry.dot, String::from_utf8_lossy(entry.payload).into_owned()));
        }
    }

    fn name(&self) -> Option<&str> {
        assert!(self.texts.iter().all(|(_, text)| text != UNNAMEABLE), "a defect that a test called for");
        None
    }

    fn rename(name: &str) -> Intent {
        Intent::Name(name.to_owned())
    }

    fn digest(&self) -> [u8; 32] {
        *blake3::hash(self.texts().join("\n").as_bytes()).as_bytes()
    }
}

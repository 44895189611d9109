//! [`Notes`]: the smallest application there is, a set of texts.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use verso_vv::Dot;
use verso_wire::{Application, AppliedEntry, ConflictChanges, Drafting, Drafts, EntryKind};

/// The kind of an entry that holds a text.
pub(crate) const TEXT: EntryKind = EntryKind(1);

/// A text that the application panics on, while it is [armed](ARMED).
pub(crate) const POISON: &[u8] = b"poison";

thread_local! {
    /// Whether the application has its defect: another version of the program may not have it.
    pub(crate) static ARMED: Cell<bool> = const { Cell::new(true) };
}

/// What a user does: writes a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    Write(String),
    /// A text of this many bytes.
    Long(usize),
    /// What the application doesn't take.
    Nonsense,
    /// What it panics on, instead of refusing it.
    Absurd,
}

pub(crate) fn write(text: &str) -> Intent {
    Intent::Write(text.to_owned())
}

#[derive(Debug, thiserror::Error)]
#[error("nonsense is not taken")]
pub(crate) struct Rejected;

/// Every text with its place, and in how many entries it was applied more than once or out of order.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Notes {
    texts: BTreeMap<Dot, String>,
    name: Option<String>,
    pub(crate) disorder: usize,
    /// How many entries were applied since it was made or restored.
    #[serde(skip)]
    pub(crate) applied: usize,
    /// A text `?x` opens the conflict `x`, and `!x` resolves it. Those that are open, and that were when changes were last taken.
    open: BTreeSet<String>,
    told: BTreeSet<String>,
}

impl Notes {
    /// The texts, sorted. The first of a workspace is its name.
    pub(crate) fn texts(&self) -> Vec<&str> {
        let mut texts: Vec<&str> = self.texts.values().map(String::as_str).filter(|text| !text.is_empty()).collect();
        texts.sort_unstable();
        texts
    }
}

impl Application for Notes {
    type Intent = Intent;
    type Rejected = Rejected;

    const SNAPSHOTS: Option<u32> = Some(7);

    fn encode(&self, intents: &[Intent], _context: &Drafting<'_>, out: &mut Drafts) -> Result<(), Rejected> {
        for intent in intents {
            match intent {
                Intent::Write(text) => out.push(TEXT, text.as_bytes()),
                Intent::Long(len) => out.push(TEXT, "x".repeat(*len).as_bytes()),
                Intent::Nonsense => return Err(Rejected),
                Intent::Absurd => panic!("the application has a defect"),
            }
        }
        Ok(())
    }

    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        assert!(entry.payload != POISON || !ARMED.get(), "the application has a defect");
        self.applied += 1;
        // This entry or a later one of its author.
        let next = self.texts.range(entry.dot..).next();
        self.disorder += usize::from(next.is_some_and(|(dot, _)| dot.author == entry.dot.author));
        let text = if entry.kind == TEXT { String::from_utf8_lossy(entry.payload).into_owned() } else { String::new() };
        if self.name.is_none() && entry.kind == TEXT {
            self.name = Some(text.clone());
        }
        match text.split_at_checked(1) {
            Some(("?", conflict)) => drop(self.open.insert(conflict.to_owned())),
            Some(("!", conflict)) => drop(self.open.remove(conflict)),
            _ => {}
        }
        self.texts.insert(entry.dot, text);
    }

    fn take_conflict_changes(&mut self) -> ConflictChanges {
        let before = std::mem::replace(&mut self.told, self.open.clone());
        let without = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect();
        ConflictChanges { opened: without(&self.open, &before), resolved: without(&before, &self.open) }
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn rename(name: &str) -> Intent {
        if name == "nonsense" { Intent::Nonsense } else { Intent::Write(name.to_owned()) }
    }

    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (dot, text) in &self.texts {
            hasher.update(format!("{dot:?} {} {text}\n", text.len()).as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    fn snapshot(&self, out: &mut Vec<u8>) {
        out.extend(postcard::to_allocvec(self).unwrap());
    }

    fn restore(snapshot: &[u8]) -> Option<Self> {
        postcard::take_from_bytes(snapshot).ok().filter(|(_, rest)| rest.is_empty()).map(|(notes, _)| notes)
    }
}

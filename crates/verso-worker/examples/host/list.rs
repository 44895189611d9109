//! What this host is about: a list of things to do, as an application that any device can follow.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use verso_vv::Dot;
use verso_wire::{Application, AppliedEntry, Drafting, Drafts, EntryKind};

const ADD: EntryKind = EntryKind(1);
const REMOVE: EntryKind = EntryKind(2);
const NAME: EntryKind = EntryKind(3);

/// What a person does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Intent {
    Add(String),
    Remove(Dot),
    Name(String),
}

/// Nothing is too absurd to be written down here, but for what is too long to be read.
#[derive(Debug, thiserror::Error)]
#[error("too long to be a thing to do")]
pub(crate) struct TooLong;

/// The list: a function of the set of entries, whatever order they come in.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct List {
    added: BTreeMap<Dot, String>,
    /// Also of what has not come yet.
    removed: BTreeSet<Dot>,
    name: Option<(Dot, String)>,
}

impl List {
    /// What is to be done, in the order of who wrote it.
    pub(crate) fn items(&self) -> Vec<&str> {
        let open = self.added.iter().filter(|(dot, _)| !self.removed.contains(dot));
        open.map(|(_, text)| text.as_str()).collect()
    }
}

impl Application for List {
    type Intent = Intent;
    type Rejected = TooLong;

    fn encode(&self, intents: &[Intent], _context: &Drafting<'_>, out: &mut Drafts) -> Result<(), TooLong> {
        for intent in intents {
            match intent {
                Intent::Add(text) | Intent::Name(text) if text.len() > 1000 => return Err(TooLong),
                Intent::Add(text) => out.push(ADD, text.as_bytes()),
                Intent::Name(text) => out.push(NAME, text.as_bytes()),
                Intent::Remove(dot) => out.push(REMOVE, &postcard::to_allocvec(dot).unwrap_or_default()),
            }
        }
        Ok(())
    }

    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        let text = || String::from_utf8_lossy(entry.payload).into_owned();
        match entry.kind {
            ADD => drop(self.added.insert(entry.dot, text())),
            REMOVE => match postcard::from_bytes(entry.payload) {
                Ok(dot) => drop(self.removed.insert(dot)),
                // What somebody's defect wrote changes nothing, on every device alike.
                Err(_malformed) => {}
            },
            // Of two names that of the greater dot is shown: all devices take the same.
            NAME if self.name.as_ref().is_none_or(|(dot, _)| *dot < entry.dot) => self.name = Some((entry.dot, text())),
            // What later versions write, and who is a member, says nothing here.
            _ => {}
        }
    }

    fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|(_, name)| name.as_str())
    }

    fn rename(name: &str) -> Intent {
        Intent::Name(name.to_owned())
    }

    fn digest(&self) -> [u8; 32] {
        *blake3::hash(&postcard::to_allocvec(self).unwrap_or_default()).as_bytes()
    }
}
